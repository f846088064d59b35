"""Credentials that are kept for others to check (EC2-like keys, the secrets of one-time codes, certificates): each
user's own; operators may also make and end them. Their blobs lie sealed in the database.

Nobody reads a blob but the owner and who wrote it, and no token that was handed on: it is a secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from croft.core.ctx import Ctx, ReadTx, WriteTx
from croft.core.db import Database, Tx
from croft.core.errors import Conflict, Forbidden, Invalid
from croft.core.ids import new_hex_id, new_secret
from croft.core.page import Page
from croft.services.identity.actions import reach
from croft.services.identity.actions.credentials import own, own_or_operator, refuse_delegated
from croft.services.identity.actions.factors import MOST_DEVICES
from croft.services.identity.actions.projects import missing, need_project
from croft.services.identity.actions.users import need_user
from croft.services.identity.model import Credential
from croft.services.identity.model.factors import is_secret
from croft.services.identity.model.vault import Vault
from croft.services.identity.store import credentials, roles
from croft.services.identity.wire import delegation as shapes

_HIDDEN = ""
_PAGE = 200


class _Blob(msgspec.Struct):
    access: str
    secret: str


_BLOB = msgspec.json.Decoder(_Blob)


def _need(tx: ReadTx, id: str) -> Credential:
    found = credentials.credential(tx, id)
    if found is None or not (reach.everything(tx) or found.user == tx.actor.user):
        raise missing("credential", id)
    return found


def _read_blob(blob: str) -> _Blob:
    try:
        return _BLOB.decode(blob)
    except msgspec.DecodeError as error:
        raise Invalid("The blob of an ec2 credential is JSON with access and secret.") from error


def ec2_id(access: str) -> str:
    return hashlib.sha256(access.encode("utf-8", "surrogatepass")).hexdigest()


def _check_blob(type: str, blob: str) -> None:
    if type == "ec2":
        _read_blob(blob)
    if type == "totp" and not is_secret(blob):
        raise Invalid("The blob of a totp credential is a secret of at least 112 bits in base32.")


def _guard_device(tx: WriteTx, type: str, user: str) -> None:
    """Who has a device for one-time codes shows a code of it before anything about the devices changes: else a stolen
    password alone would be enough to bring one's own. Operators help those who lost theirs."""
    if type != "totp" or tx.actor.user != user or "totp" in tx.actor.methods:
        return
    if credentials.codes(tx, user, 1):
        raise Forbidden("Log in with a one-time code of your present device first, or ask an operator to end it.")


def _refuse_handed_on(tx: WriteTx) -> None:
    """Keys outlive the token they are made with and know nothing of its limits: who was handed a part makes none."""
    if tx.actor.application_credential:
        raise Forbidden("A token from an application credential cannot make, change or end credentials.")
    refuse_delegated(tx)


class Keys:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def opened(self, row: Credential) -> Credential:
        """With its blob in clear; empty when the key it was sealed with is gone."""
        blob = self._vault.open(row.id, row.blob) if row.sealed else row.blob
        return msgspec.structs.replace(row, blob=_HIDDEN if blob is None else blob)

    def _veiled(self, tx: ReadTx, row: Credential) -> Credential:
        """The secret of a device is shown once, when it is made: a token that got lost must not make codes for ever."""
        known = tx.actor.user in {row.user, row.maker} and not tx.actor.restricted and row.type != "totp"
        return self.opened(row) if known else msgspec.structs.replace(row, blob=_HIDDEN)

    def _insert(self, tx: WriteTx, row: Credential) -> None:
        sealed = self._vault.seal(row.id, row.blob)
        credentials.insert_credential(tx, msgspec.structs.replace(row, blob=sealed, sealed=True))
        tx.audit(row.id, row.type)

    def list_(self, ctx: Ctx, equal: Mapping[str, Any], page: Page) -> list[Credential]:
        with ctx.read("identity.credential.list") as tx:
            if not reach.everything(tx):
                if equal.get("user", tx.actor.user) != tx.actor.user:
                    return []
                equal = {**equal, "user": tx.actor.user}
            return [self._veiled(tx, row) for row in credentials.credentials(tx, equal, page)]

    def show(self, ctx: Ctx, id: str) -> Credential:
        with ctx.read("identity.credential.show") as tx:
            return self._veiled(tx, _need(tx, id))

    def create(self, ctx: Ctx, wish: shapes.NewCredential) -> Credential:
        with ctx.write("identity.credential.create") as tx:
            if not tx.actor.is_admin:
                own(tx, wish.user_id)
            _refuse_handed_on(tx)
            need_user(tx, wish.user_id)
            if wish.project_id:
                need_project(tx, wish.project_id)
            _check_blob(wish.type, wish.blob)
            id = new_hex_id()
            if wish.type == "ec2":
                if not wish.project_id:
                    raise Invalid("A credential of type ec2 needs a project_id.")
                id = ec2_id(_read_blob(wish.blob).access)
                if credentials.credential(tx, id) is not None:
                    raise Conflict("There is already a credential with this access key.")
            _guard_device(tx, wish.type, wish.user_id)
            if wish.type == "totp" and len(credentials.codes(tx, wish.user_id, MOST_DEVICES)) >= MOST_DEVICES:
                raise Forbidden(f"A user has at most {MOST_DEVICES} devices for one-time codes; end one first.")
            row = Credential(id, wish.user_id, wish.project_id, wish.type, wish.blob, tx.actor.user)
            self._insert(tx, row)
            return row

    def update(self, ctx: Ctx, id: str, wish: shapes.CredentialChange) -> Credential:
        with ctx.write("identity.credential.update") as tx:
            before = _need(tx, id)
            _refuse_handed_on(tx)
            asked = (wish.user_id, wish.type, wish.project_id)
            now = (before.user, before.type, before.project)
            if any(wanted not in {UNSET, present} for wanted, present in zip(asked, now, strict=True)):
                raise Invalid("Only the blob of a credential can be changed.")
            _check_blob(before.type, wish.blob)
            _guard_device(tx, before.type, before.user)
            values = {"blob": self._vault.seal(id, wish.blob), "sealed": True, "maker": tx.actor.user}
            credentials.update_credential(tx, id, values)
            tx.audit(id, before.type)
            return self._veiled(tx, _need(tx, id))

    def delete(self, ctx: Ctx, id: str) -> None:
        with ctx.write("identity.credential.delete") as tx:
            row = _need(tx, id)
            _refuse_handed_on(tx)
            _guard_device(tx, row.type, row.user)
            credentials.delete_credential(tx, id)
            tx.audit(id, row.type)

    def _ec2(self, row: Credential) -> shapes.Ec2:
        blob = _read_blob(row.blob)
        return shapes.Ec2(row.user, row.project or "", blob.access, blob.secret)

    def _pairs(self, tx: Tx, user: str) -> list[tuple[str, shapes.Ec2]]:
        """(credential's id, key pair) of a user; those whose key is gone are left out."""
        rows = [self.opened(row) for row in credentials.credentials(tx, {"user": user, "type": "ec2"}, Page())]
        return [(row.id, self._ec2(row)) for row in rows if row.blob]

    def _need_ec2(self, tx: Tx, user: str, access: str) -> tuple[str, shapes.Ec2]:
        for found in self._pairs(tx, user):
            if found[1].access == access:
                return found
        raise missing("credential", access)

    def list_ec2(self, ctx: Ctx, user: str) -> list[shapes.Ec2]:
        with ctx.read("identity.ec2_credential.list") as tx:
            own_or_operator(tx, user)
            return [_veiled_ec2(tx, pair) for _, pair in self._pairs(tx, user)]

    def show_ec2(self, ctx: Ctx, user: str, access: str) -> shapes.Ec2:
        with ctx.read("identity.ec2_credential.show") as tx:
            own_or_operator(tx, user)
            return _veiled_ec2(tx, self._need_ec2(tx, user, access)[1])

    def create_ec2(self, ctx: Ctx, user: str, project: str) -> shapes.Ec2:
        """For a project in which the user holds a role."""
        with ctx.write("identity.ec2_credential.create") as tx:
            own(tx, user)
            _refuse_handed_on(tx)
            place = need_project(tx, project)
            if place.is_domain or not roles.on_project(tx, user, place):
                raise missing("project", project)
            pair = _Blob(new_hex_id(), new_secret(32))
            row = Credential(ec2_id(pair.access), user, project, "ec2", msgspec.json.encode(pair).decode(), user)
            self._insert(tx, row)
            return self._ec2(row)

    def delete_ec2(self, ctx: Ctx, user: str, access: str) -> None:
        with ctx.write("identity.ec2_credential.delete") as tx:
            own_or_operator(tx, user)
            _refuse_handed_on(tx)
            id = self._need_ec2(tx, user, access)[0]
            credentials.delete_credential(tx, id)
            tx.audit(id, "ec2")


def _veiled_ec2(tx: ReadTx, pair: shapes.Ec2) -> shapes.Ec2:
    known = pair.user == tx.actor.user and not tx.actor.restricted
    return pair if known else msgspec.structs.replace(pair, secret=_HIDDEN)


def seal_credentials(db: Database, vault: Vault) -> int:
    """Seals what is not sealed with the newest key; returns how many no key opens. Safe to repeat."""
    after, lost = "", 0
    while True:
        with db.read() as tx:
            rows = credentials.any_after(tx, after, _PAGE)
        if not rows:
            return lost
        after = rows[-1].id
        old = [row for row in rows if not (row.sealed and vault.is_newest(row.id, row.blob))]
        opened = [(row, vault.open(row.id, row.blob) if row.sealed else row.blob) for row in old]
        lost += sum(blob is None for _, blob in opened)
        with db.write() as tx:
            for row, blob in opened:
                if blob is not None and credentials.credential(tx, row.id) == row:
                    credentials.update_credential(tx, row.id, {"blob": vault.seal(row.id, blob), "sealed": True})
