"""Application credentials and access rules: one's own. Operators see and end them, but make none for others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from croft.core.clock import parse_iso
from croft.core.ctx import Ctx, ReadTx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Forbidden, Invalid
from croft.core.ids import new_hex_id, new_secret
from croft.core.page import Page
from croft.services.identity.actions import reach
from croft.services.identity.actions.projects import missing, need_project
from croft.services.identity.model import AccessRule, ApplicationCredential, Role, Settings
from croft.services.identity.model.passwords import hashed
from croft.services.identity.store import credentials, epoch, roles
from croft.services.identity.wire import delegation as shapes

Lent = tuple[ApplicationCredential, list[Role], list[AccessRule] | None]
"""A credential with the roles it lends and the requests it allows."""


def own(tx: ReadTx, user: str) -> None:
    """Somebody else's things do not exist."""
    if tx.actor.user != user:
        raise missing("user", user)


def own_or_operator(tx: ReadTx, user: str) -> None:
    """Operators may look for what gives access, and end it."""
    if not reach.everything(tx):
        own(tx, user)


def refuse_delegated(tx: ReadTx) -> None:
    """What was handed on may not be handed on further."""
    if tx.actor.restricted:
        raise Forbidden("A token from a restricted credential or a trust cannot make or end credentials and trusts.")
    if tx.actor.requests is not None:
        raise Forbidden("A credential with access rules cannot make or end credentials and trusts.")


def need_credential(tx: Tx, user: str, id: str) -> ApplicationCredential:
    found = credentials.show(tx, user, id)
    if found is None:
        raise missing("application credential", id)
    return found


def list_credentials(ctx: Ctx, user: str, equal: Mapping[str, Any]) -> list[Lent]:
    with ctx.read("identity.application_credential.list") as tx:
        own_or_operator(tx, user)
        rows = credentials.list_(tx, {**equal, "user": user}, Page())
        return _with_parts(tx, rows)


def _with_parts(tx: Tx, rows: Sequence[ApplicationCredential]) -> list[Lent]:
    """Their roles and rules, for all of them at once."""
    known = roles.book(tx).roles
    wanted = sorted({rule for row in rows for rule in row.access_rules or ()})
    rules = {rule.id: rule for rule in credentials.some_rules(tx, wanted)} if wanted else {}
    return [
        (
            row,
            [known[role] for role in row.roles if role in known],
            None if row.access_rules is None else [rules[rule] for rule in row.access_rules if rule in rules],
        )
        for row in rows
    ]


def show_credential(ctx: Ctx, user: str, id: str) -> Lent:
    with ctx.read("identity.application_credential.show") as tx:
        own_or_operator(tx, user)
        return _with_parts(tx, [need_credential(tx, user, id)])[0]


def create_credential(
    ctx: Ctx, user: str, wish: shapes.NewApplicationCredential, settings: Settings
) -> tuple[Lent, str]:
    """Also returns the secret, which is shown this once."""
    secret = wish.secret or new_secret(64)
    stored = hashed(secret, settings.bcrypt_rounds) if ctx.actor.user == user else ""
    with ctx.write("identity.application_credential.create") as tx:
        own(tx, user)
        refuse_delegated(tx)
        project = tx.actor.project
        if not project or wish.project_id not in {None, project}:
            raise Invalid("An application credential is for the project of the token that makes it.")
        if credentials.named(tx, user, wish.name) is not None:
            raise Conflict(f"You already have an application credential named {wish.name}.")
        row = ApplicationCredential(
            new_hex_id(),
            user,
            project,
            wish.name,
            wish.description,
            _lent_roles(tx, user, project, wish.roles),
            bool(wish.unrestricted),
            expiry_micro(tx, wish.expires_at),
            _store_rules(tx, user, wish.access_rules) if wish.access_rules else None,
        )
        credentials.insert(tx, row, stored)
        tx.audit(row.id, row.name)
        return _with_parts(tx, [row])[0], secret


def expiry_micro(tx: Tx, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        seconds, rest = parse_iso(text), datetime.fromisoformat(text).microsecond
    except (ValueError, OverflowError) as error:
        raise Invalid("expires_at must be a time like 2030-01-31T12:00:00.000000Z.") from error
    if seconds <= tx.now:
        raise Invalid("expires_at lies in the past.")
    return seconds * 1_000_000 + rest


def _lent_roles(tx: ReadTx, user: str, project: str, asked: Sequence[shapes.RoleRef]) -> list[str]:
    """Ids of the roles to lend: those asked for, or all that the token has of what the user holds in the project."""
    held = dict(roles.book(tx).effective(roles.on_project(tx, user, need_project(tx, project))))
    held = {id: name for id, name in held.items() if name in tx.actor.roles}
    return pick_roles(held, asked) if asked else sorted(held)


def pick_roles(held: Mapping[str, str], asked: Sequence[shapes.RoleRef]) -> list[str]:
    """Ids of the roles asked for by id or name; each must be held (id → name)."""
    by_name = {name: id for id, name in held.items()}
    picked: list[str] = []
    for each in asked:
        id = each.id if each.id is not None else by_name.get(each.name or "")
        if id is None or id not in held:
            raise Invalid(f"You do not hold the role {each.id or each.name} here, so you cannot hand it on.")
        picked.append(id)
    return list(dict.fromkeys(picked))


def _store_rules(tx: WriteTx, user: str, asked: Sequence[shapes.AccessRuleRef]) -> list[str]:
    """Ids of the user's rules that say what was asked; rules of the same meaning are one."""
    ids = []
    for each in asked:
        if each.id is not None:
            ids.append(need_rule(tx, user, each.id).id)
            continue
        if each.service is None or each.method is None or each.path is None:
            raise Invalid("An access rule names service, method and path, or the id of an earlier rule.")
        if any("*" in part and part not in {"*", "**"} for part in each.path.split("/")):
            raise Invalid("In a path, * and ** stand for whole segments.")
        rule = AccessRule(new_hex_id(), user, each.service, each.method, each.path)
        same = credentials.same_rule(tx, rule)
        if same is None:
            credentials.insert_rule(tx, rule)
        ids.append((same or rule).id)
    return list(dict.fromkeys(ids))


def delete_credential(ctx: Ctx, user: str, id: str) -> None:
    with ctx.write("identity.application_credential.delete") as tx:
        own_or_operator(tx, user)
        refuse_delegated(tx)
        row = need_credential(tx, user, id)
        credentials.delete(tx, id)
        tx.audit(id, row.name)
        epoch.bump(tx, id)


def need_rule(tx: Tx, user: str, id: str) -> AccessRule:
    found = credentials.rule(tx, user, id)
    if found is None:
        raise missing("access rule", id)
    return found


def list_rules(ctx: Ctx, user: str, equal: Mapping[str, Any]) -> list[AccessRule]:
    with ctx.read("identity.access_rule.list") as tx:
        own_or_operator(tx, user)
        return credentials.rules(tx, {**equal, "user": user}, Page())


def show_rule(ctx: Ctx, user: str, id: str) -> AccessRule:
    with ctx.read("identity.access_rule.show") as tx:
        own_or_operator(tx, user)
        return need_rule(tx, user, id)


def delete_rule(ctx: Ctx, user: str, id: str) -> None:
    with ctx.write("identity.access_rule.delete") as tx:
        own_or_operator(tx, user)
        refuse_delegated(tx)
        rule = need_rule(tx, user, id)
        rows = credentials.list_(tx, {"user": user}, Page(100_000))
        if any(id in (row.access_rules or ()) for row in rows):
            raise Forbidden("An application credential still uses this access rule; delete that first.")
        credentials.delete_rule(tx, id)
        tx.audit(id, rule.path)
