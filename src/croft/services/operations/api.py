"""Routes of the operations API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain

from croft.core.http import Request, Response, Route, reply
from croft.core.work import Reconciler
from croft.services.operations import actions, wire
from croft.services.operations.wire import cadf


def routes(reconcilers: Callable[[], Mapping[str, Reconciler]]) -> list[Route]:
    def show_work(req: Request) -> Response:
        found = actions.explain(req.ctx, reconcilers(), req.params["id"])
        return reply({"work": [wire.explanation(*each) for each in found]})

    return [
        Route("GET", "/v1/work", list_work, "operations.work.list"),
        Route("GET", "/v1/work/{id}", show_work, "operations.work.show"),
        Route("GET", "/v1/orphans", list_orphans, "operations.orphan.list"),
        Route("GET", "/v1/audit", list_audit, "operations.audit.list"),
        Route("GET", "/v1/audit/cadf", export_audit, "operations.audit.list"),
    ]


def list_work(req: Request) -> Response:
    return reply({"work": [wire.entry(each) for each in actions.list_troubled(req.ctx)]})


def list_orphans(req: Request) -> Response:
    return reply({"orphans": [wire.orphan(each) for each in actions.list_orphans(req.ctx)]})


def list_audit(req: Request) -> Response:
    narrow, oldest_first = wire.narrowed(req.query), wire.oldest_first(req.query)
    found = actions.list_audit(req.ctx, req.page(), narrow, oldest_first=oldest_first)
    return reply({"audit": [wire.audited(each) for each in found]})


def export_audit(req: Request) -> Response:
    """Streamed: the first page is looked for before the answer begins, so that a refusal is one."""
    lines = actions.export_audit(req.ctx, wire.narrowed(req.query))
    first = next(lines, None)
    texts = (cadf.text(each) for each in chain([] if first is None else [first], lines))
    return Response(200, texts, {"content-type": "application/x-ndjson"})
