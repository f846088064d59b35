"""Handlers for sharing."""

from __future__ import annotations

from croft.core.http import Request, Response, empty, reply
from croft.services.images import actions, wire


def index(req: Request) -> Response:
    return reply(wire.members(actions.list_members(req.ctx, req.params["image"])))


def create(req: Request) -> Response:
    wish = req.decode(wire.MemberWish)
    return reply(wire.member(actions.create_member(req.ctx, req.params["image"], wish.member)))


def show(req: Request) -> Response:
    return reply(wire.member(actions.show_member(req.ctx, req.params["image"], req.params["member"])))


def update(req: Request) -> Response:
    answer = req.decode(wire.MemberAnswer)
    return reply(wire.member(actions.update_member(req.ctx, req.params["image"], req.params["member"], answer.status)))


def delete(req: Request) -> Response:
    actions.delete_member(req.ctx, req.params["image"], req.params["member"])
    return empty()
