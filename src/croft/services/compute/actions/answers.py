"""Answers at the link-local metadata address: a guest is known by its network and its address there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from croft.core.db import Database
from croft.core.errors import Unavailable
from croft.drivers.metadata import Answer, Question
from croft.services.compute import store
from croft.services.compute.model import Server, documents
from croft.services.compute.store.views import Told, told
from croft.services.network import actions as network

_NOTHING = Answer(404, "text/plain; charset=utf-8", b"404 Not Found\n")
_FILES = ("meta_data.json", "network_data.json", "password", "user_data", "vendor_data.json", "vendor_data2.json")


def answer_metadata(db: Database) -> Callable[[Question], Answer]:
    """What `Metadata.serve` is given."""

    def answer(question: Question) -> Answer:
        try:
            with db.read() as tx:
                id = network.any_server_at(tx, question.network, question.client)
                server = store.servers.any_server(tx, id) if id else None
                found = told(tx, server) if server and server.deleted is None else None
        except Unavailable:
            return Answer(503, "text/plain; charset=utf-8", b"503 Service Unavailable\n")
        return page(found, question.path) if found is not None and _asks(found, question) else _NOTHING

    return answer


def _asks(found: Told, question: Question) -> bool:
    """Whether the question comes from a port of the server's own."""
    return any(
        port.network == question.network and question.client in {address for address, _, _ in port.fixed}
        for port in found.ports
    )


def page(found: Told, path: str) -> Answer:
    words = [word for word in path.split("/") if word]
    if not words:
        return _listing([*documents.EC2_VERSIONS])
    if words[0] == "openstack":
        return _openstack(found, words[1:])
    if words[0] in documents.EC2_VERSIONS:
        return _ec2(found, words[1:])
    return _NOTHING


def _openstack(found: Told, words: list[str]) -> Answer:
    if not words:
        return _listing([*documents.VERSIONS])
    if words[0] not in documents.VERSIONS:
        return _NOTHING
    match words[1:]:
        case []:
            return _listing([name for name in _FILES if name != "user_data" or found.server.user_data])
        case ["meta_data.json"]:
            return _json(documents.meta_data(found.server, found.ports, os.urandom(512)))
        case ["network_data.json"]:
            return _json(documents.network_data(found.ports, found.subnets))
        case ["vendor_data.json"] | ["vendor_data2.json"]:
            return _json({})
        case ["user_data"]:
            return _user_data(found.server)
        case ["password"]:
            return _text("")
        case _:
            return _NOTHING


def _ec2(found: Told, words: list[str]) -> Answer:
    match words:
        case []:
            return _listing(["meta-data/", *(["user-data"] if found.server.user_data else [])])
        case ["user-data"]:
            return _user_data(found.server)
        case ["meta-data", *rest]:
            return _branch(documents.ec2(found.server, found.ports), rest)
        case _:
            return _NOTHING


def _branch(tree: Any, words: list[str]) -> Answer:
    for word in words:
        if not isinstance(tree, dict):
            return _NOTHING
        # a key's directory is listed as `0=name` and asked for as `0`
        tree = next((value for name, value in tree.items() if word in {name, name.partition("=")[0]}), None)
    if tree is None:
        return _NOTHING
    if isinstance(tree, str):
        return _text(tree)
    return _listing([name if isinstance(value, str) or "=" in name else f"{name}/" for name, value in tree.items()])


def _user_data(server: Server) -> Answer:
    content = documents.user_data(server)
    return _NOTHING if content is None else Answer(200, "application/octet-stream", content)


def _json(content: Any) -> Answer:
    return Answer(200, "application/json", msgspec.json.encode(content))


def _text(content: str) -> Answer:
    return Answer(200, "text/plain; charset=utf-8", content.encode())


def _listing(names: Sequence[str]) -> Answer:
    return _text("\n".join(names))
