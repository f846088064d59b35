"""Projects. Deleting one hides it at once; what it holds goes leaves first, by the reconciler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from croft.core import work
from croft.core.ctx import Ctx, ReadTx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Forbidden, Invalid
from croft.core.ids import new_hex_id
from croft.core.page import Page
from croft.services.identity.actions import reach, subprojects
from croft.services.identity.actions.births import Births
from croft.services.identity.actions.family import closed_above, refuse_unfit
from croft.services.identity.actions.naming import refuse_taken
from croft.services.identity.model import DEFAULT_DOMAIN, Project
from croft.services.identity.store import epoch, names, projects, roles, users
from croft.services.identity.wire import shapes

MAX_DEPTH = 5
KIND = "identity.project"
missing = reach.missing


def project_exists(tx: Tx, id: str) -> bool:
    """For other services' quotas: whether it is a live project."""
    found = projects.show(tx, id)
    return found is not None and not found.is_domain


def need_project(tx: Tx, id: str) -> Project:
    found = projects.show(tx, id)
    if found is None:
        raise missing("project", id)
    return found


def need_domain(tx: Tx, id: str) -> Project:
    found = projects.show(tx, id)
    if found is None or not found.is_domain:
        raise missing("domain", id)
    return found


def refuse_immutable(row: Any, options: Mapping[str, Any] | None = None) -> None:
    """Immutable things change only by a change that also makes them mutable."""
    if row.immutable and (options is None or options.get("immutable")):
        raise Forbidden(f"{row.name} is immutable; set its option immutable to false first.")


def home_domain(tx: WriteTx, asked: str | None) -> str:
    """The domain asked for, else the token's, else the default one; it must exist and be within reach."""
    found = need_domain(tx, asked or tx.actor.domain or DEFAULT_DOMAIN).id
    reach.refuse_foreign(tx, "domain", found, found)
    return found


def list_projects(ctx: Ctx, equal: Mapping[str, Any], page: Page) -> list[Project]:
    with ctx.read("identity.project.list") as tx:
        if tx.scope.guest:
            return projects.list_(tx, equal, page)
        if tx.scope.project is None or tx.scope.domain:
            narrowed = reach.within(tx, equal)
            return [] if narrowed is None else projects.list_(tx, narrowed, page)
        own = "parent" if equal.get("parent") == tx.scope.project else "id"
        return projects.list_(tx, {**equal, own: tx.scope.project}, page)


def show_project(ctx: Ctx, id: str, action: str = "identity.project.show") -> Project:
    """Operators see every project, people those they hold a role in; what was handed on shows its own place alone."""
    with ctx.read(action) as tx:
        found = need_project(tx, id)
        own = tx.actor.project == id or (not tx.actor.restricted and _holds_role(tx, found))
        if not (own or tx.scope.guest or reach.covers(tx, reach.home(found))):
            raise missing("project", id)
        return found


def _holds_role(tx: ReadTx, project: Project) -> bool:
    user = tx.actor.user
    return bool(roles.on_target(tx, user, project.id) if project.is_domain else roles.on_project(tx, user, project))


def create_project(ctx: Ctx, births: Births, wish: shapes.NewProject, extra: dict[str, Any]) -> Project:
    with ctx.write("identity.project.create") as tx:
        if shapes.flag(wish.is_domain, False):
            if not reach.everything(tx):
                raise Forbidden("Only operators make domains.")
            if wish.domain_id or wish.parent_id:
                raise Invalid("A project that acts as a domain has neither domain nor parent.")
            domain, parent = "", ""
        else:
            domain, parent = _place(tx, wish, births.most_below)
        refuse_taken(tx, "project", domain, wish.name)
        row = Project(
            new_hex_id(),
            domain,
            parent,
            wish.name,
            "" if wish.description is UNSET else wish.description,
            shapes.flag(wish.enabled, True),
            not domain,
            list(dict.fromkeys(wish.tags)),
            shapes.options(wish.options, {}),
            extra,
        )
        tx.audit(row.id, row.name, row.id)
        born = births.register(tx, row)
        if subprojects.by_owner(tx):
            subprojects.hand_over(tx, born)
        return born


def _place(tx: WriteTx, wish: shapes.NewProject, most_below: int) -> tuple[str, str]:
    """The domain and the parent of a new project."""
    if subprojects.by_owner(tx):
        subprojects.place_below(tx, wish, most_below)
    above = wish.parent_id or home_domain(tx, wish.domain_id)
    projects.hold(tx, above)
    parent = projects.show(tx, above)
    if parent is None or not (parent.id == tx.actor.project or reach.covers(tx, reach.home(parent))):
        raise Invalid(f"There is no project {wish.parent_id} to be the parent.")
    domain = parent.id if parent.is_domain else parent.domain
    if wish.domain_id not in {None, domain}:
        raise Invalid("The parent belongs to another domain.")
    if not parent.enabled or closed_above(tx, parent) is not None:
        raise Invalid("A project can be made only below enabled projects, in an enabled domain.")
    if len(projects.above(tx, parent)) >= MAX_DEPTH:
        raise Forbidden(f"Projects nest at most {MAX_DEPTH} deep.")
    return domain, parent.id


def update_project(ctx: Ctx, births: Births, id: str, wish: shapes.ProjectChange, extra: dict[str, Any]) -> Project:
    with ctx.write("identity.project.update") as tx:
        before = _own(tx, id)
        if wish.domain_id not in {UNSET, before.domain or None} or wish.parent_id not in {UNSET, before.parent or None}:
            raise Invalid("A project stays in its domain and under its parent.")
        if shapes.flag(wish.is_domain, before.is_domain) != before.is_domain:
            raise Invalid("A project never becomes a domain, nor a domain a project.")
        if wish.slug not in {UNSET, before.slug}:
            raise Invalid("A project keeps its slug for ever.")
        if wish.name not in {UNSET, before.name}:
            births.refuse_resting(tx, replace(before, name=wish.name))
        return change(tx, before, wish, extra)


def _own(tx: ReadTx, id: str) -> Project:
    """A project within reach of a change."""
    found = need_project(tx, id)
    reach.refuse_own_domain(tx, found)
    return found


def change(
    tx: WriteTx, before: Project, wish: shapes.ProjectChange | shapes.DomainChange, extra: dict[str, Any]
) -> Project:
    options = shapes.options(wish.options, before.options)
    refuse_immutable(before, options)
    if wish.name is not UNSET:
        refuse_taken(tx, "project", before.domain, wish.name, before.id)
        if wish.name != before.name and not before.is_domain:
            names.free(tx, before, slug=False)
    values = shapes.given(name=wish.name, description=wish.description, tags=wish.tags)
    enabled = shapes.flag(wish.enabled, before.enabled)
    refuse_unfit(tx, before, enabled)
    projects.update(tx, before.id, {**values, "enabled": enabled, "options": options, "extra": before.extra | extra})
    if before.enabled and not enabled:
        _close(tx, before)
    tx.audit(before.id, before.name, before.id)
    epoch.bump(tx, before.id)
    return need_project(tx, before.id)


def _close(tx: Tx, place: Project) -> None:
    """Ends the tokens of what was disabled; they do not come back when it is enabled again."""
    if place.id == DEFAULT_DOMAIN:
        raise Forbidden("The default domain stays enabled.")
    projects.revoke_tokens(tx, place.id)


def end_project(tx: Tx, id: str) -> None:
    """Hides a project, ends all that gives access to it, and has what it holds deleted."""
    row = need_project(tx, id)
    names.free(tx, row, slug=True)
    projects.forget(tx, id)
    projects.mark_deleted(tx, id)
    work.wake(tx, KIND, id)


def set_tags(ctx: Ctx, id: str, tags: Sequence[str]) -> list[str]:
    with ctx.write("identity.project_tag.update") as tx:
        return _store_tags(tx, _own(tx, id), tags)


def add_tag(ctx: Ctx, id: str, tag: str) -> None:
    if not 1 <= len(tag) <= 255 or "," in tag or "/" in tag:
        raise Invalid("A tag has 1 to 255 characters, no comma and no slash.")
    with ctx.write("identity.project_tag.update") as tx:
        row = _own(tx, id)
        _store_tags(tx, row, [*row.tags, tag])


def remove_tag(ctx: Ctx, id: str, tag: str) -> None:
    with ctx.write("identity.project_tag.update") as tx:
        row = _own(tx, id)
        if tag not in row.tags:
            raise missing("project tag", tag)
        _store_tags(tx, row, [each for each in row.tags if each != tag])


def _store_tags(tx: WriteTx, row: Project, tags: Sequence[str]) -> list[str]:
    refuse_immutable(row)
    after = list(dict.fromkeys(tags))
    if len(after) > 80:
        raise Invalid("A project has at most 80 tags.")
    projects.update(tx, row.id, {"tags": after})
    tx.audit(row.id, row.name, row.id)
    return after


def projects_of(ctx: Ctx, user: str, action: str = "identity.user_project.list") -> list[Project]:
    """Where a user holds a role, by whatever way; for the user, and within the reach of whoever else asks."""
    with ctx.read(action) as tx:
        own = tx.actor.user == user
        if not own:
            refuse_foreign_user(tx, user)
        held = roles.held(tx, user)
        ids = {each.target for each in held if each.target_type == "project" and not each.inherited}
        tops = {each.target for each in held if each.inherited}
        if tops:
            ids |= _under(projects.parents(tx), tops)
        found = [row for row in projects.some(tx, sorted(ids)) if not row.is_domain]
        return [row for row in found if own or reach.covers(tx, row.domain)]


def refuse_foreign_user(tx: ReadTx, id: str) -> None:
    found = None if reach.everything(tx) else users.show(tx, id)
    reach.refuse_foreign(tx, "user", id, found.domain if found else "-")


def _under(parents: dict[str, str], tops: set[str]) -> set[str]:
    inside: dict[str, bool] = {}

    def look(id: str) -> bool:
        if id not in inside:
            parent = parents.get(id, "")
            inside[id] = bool(parent) and (parent in tops or look(parent))
        return inside[id]

    return {id for id in parents if look(id)}


def domains_of(ctx: Ctx) -> list[Project]:
    with ctx.read("identity.scope.list") as tx:
        held = roles.held(tx, tx.actor.user)
        ids = {each.target for each in held if each.target_type == "domain" and not each.inherited}
        return projects.some(tx, sorted(ids))


def holds_system(ctx: Ctx) -> bool:
    with ctx.read("identity.scope.list") as tx:
        return bool(roles.on_target(tx, tx.actor.user, "system"))
