"""Users and groups. Operators keep them; a project's manager finds people by name; everybody sees themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from croft.core.ctx import Ctx, ReadTx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Forbidden, Invalid, NotFound
from croft.core.ids import new_hex_id
from croft.core.page import Page
from croft.services.identity.actions import owners, reach
from croft.services.identity.actions.mightier import refuse_mightier
from croft.services.identity.actions.naming import refuse_taken
from croft.services.identity.actions.outside import (
    refuse_directory_domain,
    refuse_kept_elsewhere,
    refuse_outside_group,
    refuse_outside_password,
)
from croft.services.identity.actions.passwords import Passwords
from croft.services.identity.actions.projects import home_domain, missing, refuse_foreign_user
from croft.services.identity.model import Assignment, Group, Settings, User
from croft.services.identity.model.passwords import hashed
from croft.services.identity.store import epoch, projects, roles, users
from croft.services.identity.wire import shapes

_MANY = 500
"""Members of a group beyond which forgetting everything is cheaper than naming them."""


def need_user(tx: Tx, id: str) -> User:
    found = users.show(tx, id)
    if found is None:
        raise missing("user", id)
    return found


def list_users(ctx: Ctx, equal: Mapping[str, Any], page: Page) -> list[User]:
    """A manager must say the exact name: people are found, not browsed."""
    with ctx.read("identity.user.list") as tx:
        if tx.actor.project and tx.scope.project is not None:
            if not equal.get("name"):
                raise Forbidden("Only operators may list all users; say the name of the one you look for.")
            return users.list_(tx, equal, page)
        narrowed = reach.within(tx, equal)
        return [] if narrowed is None else users.list_(tx, narrowed, page)


def show_user(ctx: Ctx, id: str) -> tuple[User, bool]:
    """The user, and whether to show all of it or only what a project's manager may see of a member."""
    with ctx.read("identity.user.show") as tx:
        found = users.show(tx, id)
        whole = found is not None and (tx.actor.user == id or reach.covers(tx, found.domain))
        if found is None or not (whole or _is_colleague(tx, found)):
            raise missing("user", id)
        return found, whole


def _is_colleague(tx: ReadTx, user: User) -> bool:
    """Whether the asking one manages a project in which the user holds a role."""
    actor = tx.actor
    if actor.role < owners.owner_rank(tx) or not actor.project:
        return False
    project = projects.show(tx, actor.project)
    return project is not None and bool(roles.on_project(tx, user.id, project))


def create_user(
    ctx: Ctx, wish: shapes.NewUser, extra: dict[str, Any], settings: Settings, passwords: Passwords
) -> User:
    secret = _hash(ctx, "identity.user.create", wish.password, settings, passwords)
    with ctx.write("identity.user.create") as tx:
        domain = home_domain(tx, None if wish.domain_id is UNSET else wish.domain_id)
        refuse_directory_domain(tx, domain)
        refuse_taken(tx, "user", domain, wish.name)
        options = shapes.options(wish.options, {})
        row = User(
            new_hex_id(),
            domain,
            wish.name,
            wish.description,
            shapes.flag(wish.enabled, True),
            wish.default_project_id,
            options,
            extra,
            None if secret is None else passwords.rules.expiry(tx.now, options, own=False),
        )
        users.insert(tx, row, secret)
        tx.audit(row.id, row.name)
        return row


def _hash(ctx: Ctx, action: str, password: str | None, settings: Settings, passwords: Passwords) -> str | None:
    """Outside any transaction, since it takes long; not at all for those who may not."""
    if password is None or not ctx.allows(action):
        return None
    passwords.rules.check(password)
    return hashed(password, settings.bcrypt_rounds)


def update_user(
    ctx: Ctx, id: str, wish: shapes.UserChange, extra: dict[str, Any], settings: Settings, passwords: Passwords
) -> User:
    password = None if wish.password is UNSET else wish.password
    secret = _hash(ctx, "identity.user.update", password, settings, passwords)
    with ctx.write("identity.user.update") as tx:
        before = _own(tx, id)
        if wish.domain_id not in {UNSET, before.domain}:
            raise Invalid("A user stays in its domain.")
        if wish.name is not UNSET:
            refuse_taken(tx, "user", before.domain, wish.name, id)
        enabled = shapes.flag(wish.enabled, before.enabled)
        refuse_kept_elsewhere(tx, id, wish.name is not UNSET, wish.enabled is not UNSET, bool(extra))
        if wish.password is not UNSET:
            refuse_outside_password(tx, id)
        values = shapes.given(name=wish.name, description=wish.description, default_project=wish.default_project_id) | {
            "enabled": enabled,
            "options": shapes.options(wish.options, before.options),
        }
        if enabled and wish.enabled is not UNSET:
            values["active_at"] = tx.now
        ending = roles.held(tx, id) if before.enabled and not enabled else []
        with owners.kept(tx, ending):
            users.update(tx, id, values | {"extra": before.extra | extra})
        if wish.password is not UNSET:
            login = users.login(tx, id)
            assert login is not None
            passwords.set(tx, login, secret, own=False)
        if before.enabled and not enabled:
            users.revoke_tokens(tx, id)
        tx.audit(id, before.name)
        epoch.bump(tx, id)
        return need_user(tx, id)


def end_tokens(ctx: Ctx, id: str) -> None:
    """Logs a user out everywhere: for the user, and for whoever may change the user."""
    with ctx.write("identity.user_token.delete") as tx:
        row = need_user(tx, id) if tx.actor.user == id else _own(tx, id)
        users.revoke_tokens(tx, id)
        tx.audit(id, row.name)


def _own(tx: WriteTx, id: str) -> User:
    """A user within reach of a change."""
    found = need_user(tx, id)
    reach.refuse_foreign(tx, "user", id, found.domain)
    refuse_mightier(tx, found)
    return found


def delete_user(ctx: Ctx, id: str) -> None:
    with ctx.write("identity.user.delete") as tx:
        row = _own(tx, id)
        refuse_kept_elsewhere(tx, id)
        with owners.kept(tx, roles.held(tx, id)):
            users.delete(tx, id)
        tx.audit(id, row.name)


def groups_of(ctx: Ctx, id: str) -> list[Group]:
    with ctx.read("identity.user_group.list") as tx:
        own = tx.actor.user == id
        if not own:
            refuse_foreign_user(tx, id)
        need_user(tx, id)
        return [row for row in users.groups_of(tx, id) if own or reach.covers(tx, row.domain)]


def need_group(tx: Tx, id: str) -> Group:
    found = users.group(tx, id)
    if found is None:
        raise missing("group", id)
    return found


def _own_group(tx: ReadTx, id: str) -> Group:
    """A group within reach."""
    found = need_group(tx, id)
    reach.refuse_foreign(tx, "group", id, found.domain)
    return found


def _change_group(tx: WriteTx, id: str) -> Group:
    """A group within reach of a change."""
    found = _own_group(tx, id)
    refuse_mightier(tx, found)
    return found


def list_groups(ctx: Ctx, equal: Mapping[str, Any], page: Page) -> list[Group]:
    with ctx.read("identity.group.list") as tx:
        narrowed = reach.within(tx, equal)
        return [] if narrowed is None else users.groups(tx, narrowed, page)


def show_group(ctx: Ctx, id: str) -> Group:
    with ctx.read("identity.group.show") as tx:
        return _own_group(tx, id)


def create_group(ctx: Ctx, wish: shapes.NewGroup) -> Group:
    with ctx.write("identity.group.create") as tx:
        domain = home_domain(tx, None if wish.domain_id is UNSET else wish.domain_id)
        refuse_directory_domain(tx, domain)
        refuse_taken(tx, "group", domain, wish.name)
        row = Group(new_hex_id(), domain, wish.name, wish.description)
        users.insert_group(tx, row)
        tx.audit(row.id, row.name)
        return row


def update_group(ctx: Ctx, id: str, wish: shapes.GroupChange) -> Group:
    with ctx.write("identity.group.update") as tx:
        before = _change_group(tx, id)
        if wish.domain_id not in {UNSET, before.domain}:
            raise Invalid("A group stays in its domain.")
        refuse_outside_group(tx, id)
        if wish.name is not UNSET:
            refuse_taken(tx, "group", before.domain, wish.name, id)
        users.update_group(tx, id, shapes.given(name=wish.name, description=wish.description))
        tx.audit(id, before.name)
        return need_group(tx, id)


def delete_group(ctx: Ctx, id: str) -> None:
    with ctx.write("identity.group.delete") as tx:
        row = _change_group(tx, id)
        refuse_outside_group(tx, id)
        people = in_group(tx, id)
        with owners.kept(tx, _given(tx, id)):
            users.delete_group(tx, id)
        tx.audit(id, row.name)
        epoch.bump(tx, *people)


def in_group(tx: Tx, id: str) -> list[str]:
    """Whom a change to a group touches, in the words of `epoch.bump`."""
    found = users.member_ids(tx, id)
    return [epoch.EVERYTHING] if len(found) > _MANY else found or [id]


def group_members(ctx: Ctx, id: str) -> list[User]:
    with ctx.read("identity.group_user.list") as tx:
        _own_group(tx, id)
        return [row for row in users.members(tx, id) if reach.covers(tx, row.domain)]


def check_member(ctx: Ctx, group: str, user: str) -> None:
    with ctx.read("identity.group_user.check") as tx:
        _own_group(tx, group)
        if not users.is_member(tx, user, group):
            raise NotFound(f"Could not find user {user[:64]} in group {group[:64]}.")


def add_member(ctx: Ctx, group: str, user: str) -> None:
    with ctx.write("identity.group_user.add") as tx:
        _both(tx, group, user)
        users.join(tx, user, group)
        epoch.bump(tx, user)


def remove_member(ctx: Ctx, group: str, user: str) -> None:
    with ctx.write("identity.group_user.remove") as tx:
        _both(tx, group, user)
        with owners.kept(tx, _given(tx, group)):
            if not users.leave(tx, user, group):
                raise NotFound(f"Could not find user {user[:64]} in group {group[:64]}.")
        epoch.bump(tx, user)


def _both(tx: WriteTx, group: str, user: str) -> None:
    row, person = _change_group(tx, group), need_user(tx, user)
    refuse_outside_group(tx, group)
    reach.refuse_foreign(tx, "user", user, person.domain)
    tx.audit(group, row.name)
    tx.audit(user, person.name)


def _given(tx: Tx, group: str) -> list[Assignment]:
    return roles.assignments(tx, {"actor_type": "group", "actor": group})
