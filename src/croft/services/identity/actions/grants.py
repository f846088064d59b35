"""Who holds which role where. A project's manager lends the project's roles out; operators assign everything."""

from __future__ import annotations

from croft.core.ctx import Ctx, ReadTx
from croft.core.db import Tx
from croft.core.errors import Forbidden, NotFound
from croft.services.identity.actions.projects import missing, need_domain, need_project
from croft.services.identity.actions.roles import need_role
from croft.services.identity.actions.users import in_group, need_group, need_user
from croft.services.identity.model import Assignment, Role
from croft.services.identity.model.roles import DELEGATED
from croft.services.identity.store import credentials, epoch, projects, roles


def _action(row: Assignment, verb: str) -> str:
    if row.target_type == "system":
        return f"identity.system_grant.{'list' if verb == 'check' else verb}"
    return f"identity.grant.{verb}"


def _refuse_foreign(tx: ReadTx, row: Assignment, role: Role | None = None) -> None:
    """What a manager may not reach is missing; what may be seen but not given is forbidden."""
    if tx.scope.project is None:
        return
    if row.target_type != "project" or row.target != tx.scope.project:
        raise missing(row.target_type, row.target)
    if role is not None and (row.inherited or row.actor_type != "user" or role.domain or role.name not in DELEGATED):
        raise Forbidden(f"A manager gives and takes only the roles {', '.join(sorted(DELEGATED))}, to single users.")


def _need_target(tx: Tx, row: Assignment) -> None:
    if row.target_type == "project":
        need_project(tx, row.target)
    elif row.target_type == "domain":
        need_domain(tx, row.target)


def _need_actor(tx: Tx, row: Assignment) -> str:
    return (need_user(tx, row.actor) if row.actor_type == "user" else need_group(tx, row.actor)).name


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
        _refuse_foreign(tx, row, role)
        _need_target(tx, row)
        if role.domain and row.target_type == "system":
            raise Forbidden("A domain's own role cannot be given on the system.")
        tx.audit(row.actor, f"{role.name} {row.target_type} {row.target}: {_need_actor(tx, row)}")
        roles.assign(tx, row)
        epoch.bump(tx, *_touched(tx, row))


def delete_grant(ctx: Ctx, row: Assignment) -> None:
    with ctx.write(_action(row, "delete")) as tx:
        role = need_role(tx, row.role)
        _refuse_foreign(tx, row, role)
        if not roles.unassign(tx, row):
            raise NotFound("Could not find the role assignment.")
        if row.actor_type == "user" and row.target_type == "project":
            _end_credentials(tx, row.actor, row.target)
        tx.audit(row.actor, f"{role.name} {row.target_type} {row.target}")
        epoch.bump(tx, *_touched(tx, row))


def _end_credentials(tx: Tx, user: str, project: str) -> None:
    """Who has lost the last role in a project gets its application credentials back by no later role."""
    place = projects.show(tx, project)
    if place is not None and not place.is_domain and roles.on_project(tx, user, place):
        return
    for each in credentials.all_of(tx, user, project):
        credentials.delete(tx, each)
