"""Routes of the tenancy API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from msgspec import UNSET

from croft.core.errors import Invalid
from croft.core.http import Request, Response, Route, reply
from croft.core.page import Page
from croft.services.identity.model import Project
from croft.services.tenancy import wire
from croft.services.tenancy.actions import Lives, Requests
from croft.services.tenancy.model import DAY, KINDS, OPEN, STATUSES, Life

T = TypeVar("T")


def _listed(req: Request, key: str, rows: Sequence[T], render: Callable[[T], dict[str, Any]], page: Page) -> Response:
    """The store hands over one row more than the page holds when there are further ones."""
    shown = [render(row) for row in rows[: page.limit]]
    following = None
    if len(rows) > page.limit:
        query = {name: values[0] for name, values in req.query.items()} | {"marker": shown[-1]["id"]}
        following = f"{req.base}{req.path}?{urlencode(query)}"
    return reply({key: shown, "links": {"next": following}})


class Api:
    def __init__(self, requests: Requests, lives: Lives) -> None:
        self.requests, self.lives = requests, lives
        self.grace = lives.settings.grace_days * DAY

    def list_requests(self, req: Request) -> Response:
        equal = {}
        for column, name, known in (("decision", "status", STATUSES), ("kind", "kind", KINDS)):
            if name in req.query:
                if req.first(name) not in known:
                    raise Invalid(f"A request's {name} is one of {', '.join(known)}.")
                equal[column] = "" if req.first(name) == OPEN else req.first(name)
        equal |= {name: req.first(f"{name}_id") for name in ("user", "project") if f"{name}_id" in req.query}
        page = req.page()
        return _listed(req, "requests", self.requests.list_(req.ctx, equal, page), wire.request, page)

    def create_request(self, req: Request) -> Response:
        sent = req.decode(wire.CreateRequest).request
        found = self.requests.create(req.ctx, wire.wish(sent, req.ctx.db.clock.now()))
        return reply({"request": wire.shown(found)}, 201)

    def show_request(self, req: Request) -> Response:
        return reply({"request": wire.shown(self.requests.show(req.ctx, req.params["id"]))})

    def create_comment(self, req: Request) -> Response:
        text = req.decode(wire.CreateComment).comment.text
        return reply({"request": wire.shown(self.requests.comment(req.ctx, req.params["id"], text))}, 201)

    def approve_request(self, req: Request) -> Response:
        verdict = wire.verdict(req.decode(wire.Approve).approve, req.ctx.db.clock.now())
        return reply({"request": wire.shown(self.requests.approve(req.ctx, req.params["id"], verdict))})

    def decline_request(self, req: Request) -> Response:
        reason = req.decode(wire.Decline).decline.reason
        return reply({"request": wire.shown(self.requests.decline(req.ctx, req.params["id"], reason))})

    def withdraw_request(self, req: Request) -> Response:
        return reply({"request": wire.shown(self.requests.withdraw(req.ctx, req.params["id"]))})

    def list_projects(self, req: Request) -> Response:
        now, page = req.ctx.db.clock.now(), req.page()
        rows = self.lives.list_(req.ctx, req.first("state"), page)
        return _listed(req, "projects", rows, lambda row: wire.life(row, now, self.grace), page)

    def _project(self, req: Request, found: tuple[Project, Life | None]) -> Response:
        return reply({"project": wire.project(*found, now=req.ctx.db.clock.now(), grace=self.grace)})

    def show_project(self, req: Request) -> Response:
        return self._project(req, self.lives.show(req.ctx, req.params["id"]))

    def update_project(self, req: Request) -> Response:
        expires = wire.when(req.decode(wire.UpdateLife).project.expires, req.ctx.db.clock.now())
        return self._project(req, self.lives.update(req.ctx, req.params["id"], expires))

    def archive_project(self, req: Request) -> Response:
        reason = req.decode(wire.Archive).archive.reason
        return self._project(req, self.lives.archive(req.ctx, req.params["id"], reason))

    def restore_project(self, req: Request) -> Response:
        sent = req.decode(wire.Restore).restore.expires
        expires = sent if sent is UNSET else wire.when(sent, req.ctx.db.clock.now())
        return self._project(req, self.lives.restore(req.ctx, req.params["id"], expires))

    def list_notices(self, req: Request) -> Response:
        page = req.page()
        return _listed(req, "notices", self.lives.notices(req.ctx, req.first("project_id"), page), wire.notice, page)

    def routes(self) -> list[Route]:
        deciding = ("tenancy.request.review",)
        one, project = "/v1/requests/{id}", "/v1/projects/{id}"
        return [
            Route("GET", "/v1/requests", self.list_requests, "tenancy.request.list"),
            Route("POST", "/v1/requests", self.create_request, "tenancy.request.create", ("tenancy.request.change",)),
            Route("GET", one, self.show_request, "tenancy.request.show"),
            Route("POST", f"{one}/comments", self.create_comment, "tenancy.request.comment"),
            Route("POST", f"{one}/approve", self.approve_request, "tenancy.request.decide", deciding),
            Route("POST", f"{one}/decline", self.decline_request, "tenancy.request.decide", deciding),
            Route("POST", f"{one}/withdraw", self.withdraw_request, "tenancy.request.withdraw"),
            Route("GET", "/v1/projects", self.list_projects, "tenancy.life.list"),
            Route("GET", project, self.show_project, "tenancy.life.show"),
            Route("PATCH", project, self.update_project, "tenancy.life.update"),
            Route("POST", f"{project}/archive", self.archive_project, "tenancy.life.archive"),
            Route("POST", f"{project}/restore", self.restore_project, "tenancy.life.restore"),
            Route("GET", "/v1/notices", self.list_notices, "tenancy.notice.list"),
        ]
