"""Who holds which role where. A project's owner and a domain's manager lend roles out; operators assign everything."""

from __future__ import annotations

from croft.core.ctx import Ctx, ReadTx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Forbidden, NotFound
from croft.services.identity.actions import reach
from croft.services.identity.actions.owners import kept
from croft.services.identity.actions.projects import missing, need_domain, need_project
from croft.services.identity.actions.roles import need_role
from croft.services.identity.actions.users import in_group, need_group, need_user
from croft.services.identity.model import Assignment, Group, Role, User
from croft.services.identity.model.roles import DELEGATED
from croft.services.identity.store import credentials, epoch, projects, roles, users

_LENT = ", ".join(sorted(DELEGATED))


def _action(row: Assignment, verb: str) -> str:
    if row.target_type == "system":
        return f"identity.system_grant.{'list' if verb == 'check' else verb}"
    return f"identity.grant.{verb}"


def _refuse_foreign(tx: ReadTx, row: Assignment) -> None:
    """What a project's or domain's manager may not reach is missing."""
    if reach.everything(tx):
        return
    if not tx.scope.domain:
        if row.target_type != "project" or row.target != tx.scope.project:
            raise missing(row.target_type, row.target)
        return
    place = projects.show(tx, row.target)
    if place is None or row.target_type != ("domain" if place.is_domain else "project"):
        raise missing(row.target_type, row.target)
    reach.refuse_foreign(tx, row.target_type, row.target, reach.home(place))
    reach.refuse_foreign(tx, row.actor_type, row.actor, _need_actor(tx, row).domain)


def _refuse_beyond(tx: WriteTx, row: Assignment, role: Role) -> None:
    """Nobody gives or takes more than what they hold themselves, nor what was only lent to them."""
    if reach.everything(tx):
        return
    if tx.actor.restricted:
        raise Forbidden("A token from a trust or a restricted credential gives and takes no roles. Log in yourself.")
    follows = {name for _, name in roles.book(tx).effective([role.id])}
    lent = role.name in DELEGATED and not role.domain
    if tx.scope.domain and "admin" in tx.actor.roles:
        own = role.name == "admin" and row.target_type == "domain" and not row.inherited
        lent = lent or (bool(role.domain) and reach.covers(tx, role.domain)) or (own and not role.domain)
    elif not tx.scope.domain and (row.inherited or row.actor_type != "user"):
        lent = False
    if not lent or not follows <= tx.actor.roles:
        raise Forbidden(f"You give and take only what you hold of {_LENT}; in a project to single users alone.")


def _need_target(tx: Tx, row: Assignment) -> None:
    if row.target_type == "project":
        need_project(tx, row.target)
    elif row.target_type == "domain":
        need_domain(tx, row.target)


def _need_actor(tx: Tx, row: Assignment) -> User | Group:
    return need_user(tx, row.actor) if row.actor_type == "user" else need_group(tx, row.actor)


def _log(row: Assignment) -> str | None:
    """Whose log of actions it belongs in."""
    return row.target if row.target_type == "project" else None


def _touched(tx: Tx, row: Assignment) -> list[str]:
    return [row.actor] if row.actor_type == "user" else in_group(tx, row.actor)


def list_grants(ctx: Ctx, row: Assignment) -> list[Role]:
    """The roles of an assignment that is whole but for its role."""
    with ctx.read(_action(row, "list")) as tx:
        _refuse_foreign(tx, row)
        _need_target(tx, row)
        _need_actor(tx, row)
        equal = {name: getattr(row, name) for name in row.__struct_fields__ if name != "role"}
        known = roles.book(tx).roles
        return [known[each.role] for each in roles.assignments(tx, equal)]


def check_grant(ctx: Ctx, row: Assignment) -> None:
    with ctx.read(_action(row, "check")) as tx:
        _refuse_foreign(tx, row)
        need_role(tx, row.role)
        if not roles.assigned(tx, row):
            raise NotFound("Could not find the role assignment.")


def create_grant(ctx: Ctx, row: Assignment) -> None:
    with ctx.write(_action(row, "create")) as tx:
        role = need_role(tx, row.role)
        _refuse_foreign(tx, row)
        _refuse_beyond(tx, row, role)
        users.hold(tx, row.actor)
        projects.hold(tx, row.target)
        _need_target(tx, row)
        if role.domain and row.target_type == "system":
            raise Forbidden("A domain's own role cannot be given on the system.")
        tx.audit(row.actor, f"{role.name} {row.target_type} {row.target}: {_need_actor(tx, row).name}", _log(row))
        roles.assign(tx, row)
        epoch.bump(tx, *_touched(tx, row))


def delete_grant(ctx: Ctx, row: Assignment) -> None:
    with ctx.write(_action(row, "delete")) as tx:
        role = need_role(tx, row.role)
        _refuse_foreign(tx, row)
        _refuse_beyond(tx, row, role)
        with kept(tx, [row]):
            if not roles.unassign(tx, row):
                raise NotFound("Could not find the role assignment.")
        if row.actor_type == "user" and row.target_type == "project":
            _end_credentials(tx, row.actor, row.target)
        tx.audit(row.actor, f"{role.name} {row.target_type} {row.target}", _log(row))
        epoch.bump(tx, *_touched(tx, row))


def _end_credentials(tx: Tx, user: str, project: str) -> None:
    """Who has lost the last role in a project gets its application credentials back by no later role."""
    place = projects.show(tx, project)
    if place is not None and not place.is_domain and roles.on_project(tx, user, place):
        return
    for each in credentials.all_of(tx, user, project):
        credentials.delete(tx, each)
