"""JSON of the operations API."""

from __future__ import annotations

from typing import Any

from croft.core import audit, work
from croft.core.clock import iso
from croft.core.work import Explanation
from croft.services.operations.model import Orphan


def entry(found: work.Entry) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "id": found.id,
        "state": found.code or "settled",
        "message": found.message,
        "tries": found.tries,
        "unfulfilled_since": iso(found.since) if found.since is not None else None,
        "looked_at": iso(found.noted) if found.noted else None,
        "next_look_at": iso(found.due) if found.due else None,
        "running": bool(found.running),
    }


def explanation(found: work.Entry, compared: Explanation | None, trouble: str) -> dict[str, Any]:
    want, have = (compared.want, compared.have) if compared else (None, None)
    return entry(found) | {"want": want, "have": have, "engine": trouble}


def orphan(found: Orphan) -> dict[str, Any]:
    return {
        "engine": found.engine,
        "name": found.name,
        "first_seen_at": iso(found.first),
        "reported_at": iso(found.reported) if found.reported is not None else None,
    }


def audited(found: audit.Entry) -> dict[str, Any]:
    return {
        "id": found.id,
        "at": iso(found.at),
        "request_id": found.request,
        "user_id": found.user,
        "project_id": found.project,
        "action": found.action,
        "target": found.target,
        "name": found.name,
    }
