"""What operators write down about identity providers, their protocols and mappings, and about service providers."""

from __future__ import annotations

from collections.abc import Mapping as Values
from typing import Any, TypeVar

import msgspec

from croft.core.ctx import Ctx, ReadTx, WriteTx
from croft.core.errors import Conflict, Invalid
from croft.core.ids import new_hex_id
from croft.core.page import Page
from croft.services.identity.actions.projects import missing, need_domain
from croft.services.identity.model import Project
from croft.services.identity.model.federation import IdentityProvider, Mapping, Protocol, ServiceProvider
from croft.services.identity.store import epoch, federation, projects

K = TypeVar("K", bound=IdentityProvider | Mapping | ServiceProvider)
_NAMES: dict[type, str] = {
    IdentityProvider: "identity_provider",
    Mapping: "mapping",
    ServiceProvider: "service_provider",
}


def list_(ctx: Ctx, kind: type[K], equal: Values[str, Any]) -> list[K]:
    with ctx.read(f"identity.{_NAMES[kind]}.list") as tx:
        return federation.list_(tx, kind, equal, Page(10_000))


def show(ctx: Ctx, kind: type[K], id: str) -> K:
    with ctx.read(f"identity.{_NAMES[kind]}.show") as tx:
        return _need(tx, kind, id)


def create(ctx: Ctx, row: Mapping | ServiceProvider) -> None:
    with ctx.write(f"identity.{_NAMES[type(row)]}.create") as tx:
        _insert(tx, row)


def create_provider(ctx: Ctx, row: IdentityProvider) -> IdentityProvider:
    """Its people live in the domain named, or in a new one: they never mix with those known here."""
    with ctx.write("identity.identity_provider.create") as tx:
        _refuse_shared(tx, row.id, row.remote_ids)
        if row.domain:
            need_domain(tx, row.domain)
        else:
            row = msgspec.structs.replace(row, domain=_new_domain(tx, row.id))
        _insert(tx, row)
        return row


def update(ctx: Ctx, kind: type[K], id: str, changes: dict[str, Any]) -> K:
    with ctx.write(f"identity.{_NAMES[kind]}.update") as tx:
        _need(tx, kind, id)
        if kind is IdentityProvider and changes.get("remote_ids"):
            _refuse_shared(tx, id, changes["remote_ids"])
        federation.update(tx, kind, id, changes)
        _noted(tx, id)
        return _need(tx, kind, id)


def delete(ctx: Ctx, kind: type[K], id: str) -> None:
    with ctx.write(f"identity.{_NAMES[kind]}.delete") as tx:
        _need(tx, kind, id)
        if kind is Mapping and federation.mapping_in_use(tx, id):
            raise Conflict(f"A protocol still reads by mapping {id}; change or delete that first.")
        federation.delete(tx, kind, id)
        _noted(tx, id)


def list_protocols(ctx: Ctx, provider: str) -> list[Protocol]:
    with ctx.read("identity.protocol.list") as tx:
        _need(tx, IdentityProvider, provider)
        return federation.protocols(tx, provider)


def show_protocol(ctx: Ctx, provider: str, id: str) -> Protocol:
    with ctx.read("identity.protocol.show") as tx:
        return _need_protocol(tx, provider, id)


def create_protocol(ctx: Ctx, row: Protocol) -> Protocol:
    with ctx.write("identity.protocol.create") as tx:
        _need(tx, IdentityProvider, row.provider)
        _check_mapping(tx, row.mapping)
        if federation.protocol(tx, row.provider, row.id) is not None:
            raise Conflict(f"There is already a protocol {row.id} of {row.provider}.")
        federation.insert_protocol(tx, row)
        _noted(tx, f"{row.provider}/{row.id}")
        return row


def update_protocol(ctx: Ctx, provider: str, id: str, changes: dict[str, Any]) -> Protocol:
    with ctx.write("identity.protocol.update") as tx:
        before = _need_protocol(tx, provider, id)
        _check_mapping(tx, changes.get("mapping", before.mapping))
        federation.update_protocol(tx, before, changes)
        _noted(tx, f"{provider}/{id}")
        return _need_protocol(tx, provider, id)


def delete_protocol(ctx: Ctx, provider: str, id: str) -> None:
    with ctx.write("identity.protocol.delete") as tx:
        federation.delete_protocol(tx, _need_protocol(tx, provider, id))
        _noted(tx, f"{provider}/{id}")


def _need(tx: ReadTx, kind: type[K], id: str) -> K:
    found = federation.show(tx, kind, id)
    if found is None:
        raise missing(_word(kind), id)
    return found


def _need_protocol(tx: ReadTx, provider: str, id: str) -> Protocol:
    found = federation.protocol(tx, provider, id)
    if found is None:
        raise missing("protocol", id)
    return found


def _word(kind: type) -> str:
    return _NAMES[kind].replace("_", " ")


def _check_mapping(tx: ReadTx, id: str) -> None:
    if federation.show(tx, Mapping, id) is None:
        raise Invalid(f"There is no mapping {id[:64]}; make it before the protocol that reads by it.")


def _refuse_shared(tx: ReadTx, id: str, remote_ids: list[str]) -> None:
    for other in federation.list_(tx, IdentityProvider, {}, Page(10_000)):
        shared = set(remote_ids) & set(other.remote_ids) if other.id != id else set()
        if shared:
            raise Conflict(f"The remote id {min(shared)} belongs to another identity provider already.")


def _insert(tx: WriteTx, row: IdentityProvider | Mapping | ServiceProvider) -> None:
    if federation.show(tx, type(row), row.id) is not None:
        raise Conflict(f"There is already a {_word(type(row))} {row.id}.")
    federation.insert(tx, row)
    _noted(tx, row.id)


def _new_domain(tx: WriteTx, provider: str) -> str:
    id = new_hex_id()
    words = f"People of the identity provider {provider}"
    projects.insert(tx, Project(id, "", "", id, words, True, True, [], {}, {}))
    return id


def _noted(tx: WriteTx, target: str) -> None:
    tx.audit(target)
    epoch.bump(tx)
