"""`/v3/users` and `/v3/groups`."""

from __future__ import annotations

from dataclasses import dataclass

from croft.core.http import Request, Response, Route, empty, reply
from croft.core.page import Page
from croft.services.identity.actions import projects, users
from croft.services.identity.actions.passwords import Passwords
from croft.services.identity.api.listing import changed, compared, equal, listed, root, sorts, visit
from croft.services.identity.model import Settings
from croft.services.identity.model.filters import fits
from croft.services.identity.wire import resources, shapes

WHOLE = 100_000
"""Rows of a list that is sorted in another order than the table's."""


@dataclass(frozen=True)
class UsersApi:
    settings: Settings
    passwords: Passwords

    def create(self, req: Request) -> Response:
        wish = req.decode(shapes.CreateUser).user
        extra = shapes.beyond(req.content, "user", shapes.NewUser)
        row = users.create_user(req.ctx, wish, extra, self.settings, self.passwords)
        return reply({"user": resources.user(row, root(req))}, 201)

    def update(self, req: Request) -> Response:
        wish = changed(req, shapes.UpdateUser).user
        extra = shapes.beyond(req.content, "user", shapes.UserChange)
        row = users.update_user(req.ctx, req.params["id"], wish, extra, self.settings, self.passwords)
        return reply({"user": resources.user(row, root(req))})

    def change_password(self, req: Request) -> Response:
        wish = req.decode(shapes.UpdatePassword).user
        id, trail = req.params["id"], req.trail
        trail.action, trail.meant = "identity.user_password.update", lambda: (id, "")
        self.passwords.change(id, wish.original_password, wish.password, visit(req))
        trail.written = True
        return empty()

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/v3/users", list_users, "identity.user.list"),
            Route("POST", "/v3/users", self.create, "identity.user.create", slow=True),
            Route("GET", "/v3/users/{id}", show_user, "identity.user.show"),
            Route("PATCH", "/v3/users/{id}", self.update, "identity.user.update", slow=True),
            Route("DELETE", "/v3/users/{id}", delete_user, "identity.user.delete"),
            Route("POST", "/v3/users/{id}/password", self.change_password, None, slow=True),
            Route("DELETE", "/v3/users/{id}/tokens", end_tokens, "identity.user_token.delete"),
            Route("GET", "/v3/users/{id}/projects", list_user_projects, "identity.user_project.list"),
            Route("GET", "/v3/users/{id}/groups", list_user_groups, "identity.user_group.list"),
            Route("GET", "/v3/groups", list_groups, "identity.group.list"),
            Route("POST", "/v3/groups", create_group, "identity.group.create"),
            Route("GET", "/v3/groups/{id}", show_group, "identity.group.show"),
            Route("PATCH", "/v3/groups/{id}", update_group, "identity.group.update"),
            Route("DELETE", "/v3/groups/{id}", delete_group, "identity.group.delete"),
            Route("GET", "/v3/groups/{id}/users", list_members, "identity.group_user.list"),
            Route("GET", "/v3/groups/{id}/users/{user}", check_member, "identity.group_user.check"),
            Route("PUT", "/v3/groups/{id}/users/{user}", add_member, "identity.group_user.add"),
            Route("DELETE", "/v3/groups/{id}/users/{user}", remove_member, "identity.group_user.remove"),
        ]


def list_users(req: Request) -> Response:
    page = req.page()
    wanted = equal(req, domain="domain_id", name="name", enabled="enabled", default_project="default_project_id")
    wanted |= compared(req, "password_expires", "password_expires_at")
    rows = users.list_users(req.ctx, wanted, Page(WHOLE) if sorts(req) else page)
    actor = req.ctx.actor
    render = resources.user_brief if actor.project and not actor.is_admin else resources.user
    return listed(req, "users", rows, render, None if sorts(req) else page)


def show_user(req: Request) -> Response:
    row, whole = users.show_user(req.ctx, req.params["id"])
    return reply({"user": (resources.user if whole else resources.user_brief)(row, root(req))})


def delete_user(req: Request) -> Response:
    users.delete_user(req.ctx, req.params["id"])
    return empty()


def end_tokens(req: Request) -> Response:
    users.end_tokens(req.ctx, req.params["id"])
    return empty()


def list_user_projects(req: Request) -> Response:
    wanted = equal(req, domain="domain_id", name="name", enabled="enabled")
    rows = projects.projects_of(req.ctx, req.params["id"])
    return listed(req, "projects", [row for row in rows if fits(row, wanted)], resources.project)


def list_user_groups(req: Request) -> Response:
    rows = users.groups_of(req.ctx, req.params["id"])
    wanted = equal(req, name="name")
    return listed(req, "groups", [row for row in rows if fits(row, wanted)], resources.group)


def list_groups(req: Request) -> Response:
    page = req.page()
    wanted = equal(req, domain="domain_id", name="name")
    rows = users.list_groups(req.ctx, wanted, Page(WHOLE) if sorts(req) else page)
    return listed(req, "groups", rows, resources.group, None if sorts(req) else page)


def create_group(req: Request) -> Response:
    row = users.create_group(req.ctx, req.decode(shapes.CreateGroup).group)
    return reply({"group": resources.group(row, root(req))}, 201)


def show_group(req: Request) -> Response:
    return reply({"group": resources.group(users.show_group(req.ctx, req.params["id"]), root(req))})


def update_group(req: Request) -> Response:
    row = users.update_group(req.ctx, req.params["id"], changed(req, shapes.UpdateGroup).group)
    return reply({"group": resources.group(row, root(req))})


def delete_group(req: Request) -> Response:
    users.delete_group(req.ctx, req.params["id"])
    return empty()


def list_members(req: Request) -> Response:
    wanted = equal(req, domain="domain_id", name="name", enabled="enabled")
    wanted |= compared(req, "password_expires", "password_expires_at")
    rows = users.group_members(req.ctx, req.params["id"])
    return listed(req, "users", [row for row in rows if fits(row, wanted)], resources.user)


def check_member(req: Request) -> Response:
    users.check_member(req.ctx, req.params["id"], req.params["user"])
    return empty()


def add_member(req: Request) -> Response:
    users.add_member(req.ctx, req.params["id"], req.params["user"])
    return empty()


def remove_member(req: Request) -> Response:
    users.remove_member(req.ctx, req.params["id"], req.params["user"])
    return empty()
