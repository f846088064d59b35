"""Credentials that are only kept (EC2-like keys, certificates): each user's own; operators may also make and end them.

Nobody reads a blob but the owner and who wrote it, and no token that was handed on: it is a secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from croft.core.ctx import Ctx, ReadTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid
from croft.core.ids import new_hex_id, new_secret
from croft.core.page import Page
from croft.services.identity.actions.credentials import own, refuse_delegated
from croft.services.identity.actions.projects import missing, need_project
from croft.services.identity.actions.users import need_user
from croft.services.identity.model import Credential
from croft.services.identity.store import credentials, roles
from croft.services.identity.wire import delegation as shapes

_HIDDEN = ""


class _Blob(msgspec.Struct):
    access: str
    secret: str


def _need(tx: ReadTx, id: str) -> Credential:
    found = credentials.credential(tx, id)
    if found is None or not (tx.actor.is_admin or found.user == tx.actor.user):
        raise missing("credential", id)
    return found


def _veiled(tx: ReadTx, row: Credential) -> Credential:
    known = tx.actor.user in {row.user, row.maker} and not tx.actor.restricted
    return row if known else msgspec.structs.replace(row, blob=_HIDDEN)


def list_keys(ctx: Ctx, equal: Mapping[str, Any], page: Page) -> list[Credential]:
    with ctx.read("identity.credential.list") as tx:
        if not tx.actor.is_admin:
            if equal.get("user", tx.actor.user) != tx.actor.user:
                return []
            equal = {**equal, "user": tx.actor.user}
        return [_veiled(tx, row) for row in credentials.credentials(tx, equal, page)]


def show_key(ctx: Ctx, id: str) -> Credential:
    with ctx.read("identity.credential.show") as tx:
        return _veiled(tx, _need(tx, id))


def create_key(ctx: Ctx, wish: shapes.NewCredential) -> Credential:
    with ctx.write("identity.credential.create") as tx:
        if not tx.actor.is_admin:
            own(tx, wish.user_id)
        refuse_delegated(tx)
        need_user(tx, wish.user_id)
        if wish.project_id:
            need_project(tx, wish.project_id)
        id = new_hex_id()
        if wish.type == "ec2":
            if not wish.project_id:
                raise Invalid("A credential of type ec2 needs a project_id.")
            id = _ec2_id(_read_blob(wish.blob).access)
            if credentials.credential(tx, id) is not None:
                raise Conflict("There is already a credential with this access key.")
        row = Credential(id, wish.user_id, wish.project_id, wish.type, wish.blob, tx.actor.user)
        credentials.insert_credential(tx, row)
        tx.audit(id, wish.type)
        return row


def _read_blob(blob: str) -> _Blob:
    try:
        return msgspec.json.decode(blob, type=_Blob)
    except msgspec.DecodeError as error:
        raise Invalid("The blob of an ec2 credential is JSON with access and secret.") from error


def _ec2_id(access: str) -> str:
    return hashlib.sha256(access.encode()).hexdigest()


def update_key(ctx: Ctx, id: str, wish: shapes.CredentialChange) -> Credential:
    with ctx.write("identity.credential.update") as tx:
        before = _need(tx, id)
        refuse_delegated(tx)
        asked = (wish.user_id, wish.type, wish.project_id)
        now = (before.user, before.type, before.project)
        if any(wanted not in {UNSET, present} for wanted, present in zip(asked, now, strict=True)):
            raise Invalid("Only the blob of a credential can be changed.")
        if before.type == "ec2":
            _read_blob(wish.blob)
        credentials.update_credential(tx, id, {"blob": wish.blob, "maker": tx.actor.user})
        tx.audit(id, before.type)
        return _veiled(tx, _need(tx, id))


def delete_key(ctx: Ctx, id: str) -> None:
    with ctx.write("identity.credential.delete") as tx:
        row = _need(tx, id)
        refuse_delegated(tx)
        credentials.delete_credential(tx, id)
        tx.audit(id, row.type)


def _ec2(row: Credential) -> shapes.Ec2:
    blob = _read_blob(row.blob)
    return shapes.Ec2(row.user, row.project or "", blob.access, blob.secret)


def _veiled_ec2(tx: ReadTx, row: Credential) -> shapes.Ec2:
    pair = _ec2(row)
    return msgspec.structs.replace(pair, secret=_HIDDEN) if tx.actor.restricted else pair


def list_ec2(ctx: Ctx, user: str) -> list[shapes.Ec2]:
    with ctx.read("identity.ec2_credential.list") as tx:
        own(tx, user)
        rows = credentials.credentials(tx, {"user": user, "type": "ec2"}, Page())
        return [_veiled_ec2(tx, row) for row in rows]


def _need_ec2(tx: Tx, user: str, access: str) -> Credential:
    for row in credentials.credentials(tx, {"user": user, "type": "ec2"}, Page()):
        if _read_blob(row.blob).access == access:
            return row
    raise missing("credential", access)


def show_ec2(ctx: Ctx, user: str, access: str) -> shapes.Ec2:
    with ctx.read("identity.ec2_credential.show") as tx:
        own(tx, user)
        return _veiled_ec2(tx, _need_ec2(tx, user, access))


def create_ec2(ctx: Ctx, user: str, project: str) -> shapes.Ec2:
    """For a project in which the user holds a role."""
    with ctx.write("identity.ec2_credential.create") as tx:
        own(tx, user)
        refuse_delegated(tx)
        place = need_project(tx, project)
        if place.is_domain or not roles.on_project(tx, user, place):
            raise missing("project", project)
        pair = _Blob(new_hex_id(), new_secret(32))
        blob = msgspec.json.encode(pair).decode()
        row = Credential(_ec2_id(pair.access), user, project, "ec2", blob, user)
        credentials.insert_credential(tx, row)
        tx.audit(row.id, "ec2")
        return _ec2(row)


def delete_ec2(ctx: Ctx, user: str, access: str) -> None:
    with ctx.write("identity.ec2_credential.delete") as tx:
        own(tx, user)
        refuse_delegated(tx)
        row = _need_ec2(tx, user, access)
        credentials.delete_credential(tx, row.id)
        tx.audit(row.id, "ec2")
