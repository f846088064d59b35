"""Unified limits. A limit on one of Croft's own resources is the project's quota itself, as the compute and network
APIs show it; limits for other services are only kept here, for those services to ask about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import UNSET

from croft.core.ctx import Ctx, ReadTx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Forbidden, Invalid, NotFound
from croft.core.ids import new_hex_id
from croft.core.page import Page
from croft.services.identity.actions.catalog import OURS, Catalog
from croft.services.identity.actions.projects import missing
from croft.services.identity.model import Settings
from croft.services.identity.model import limits as model
from croft.services.identity.model.filters import fits
from croft.services.identity.model.limits import Limit, RegisteredLimit
from croft.services.identity.store import limits, projects
from croft.services.identity.wire import limits as shapes
from croft.services.identity.wire.shapes import given

T = TypeVar("T", RegisteredLimit, Limit)
ENOUGH = 1_000_000


class Limits:
    """Needs the settings to know which services are Croft's own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._catalog = Catalog(settings)

    def list_registered(self, ctx: Ctx, wanted: Mapping[str, Any], page: Page) -> list[RegisteredLimit]:
        with ctx.read("identity.registered_limit.list") as tx:
            return _paged((row for row in self._registered(tx) if fits(row, wanted)), page)

    def _ours(self, tx: ReadTx) -> list[RegisteredLimit]:
        return model.of_quotas(self._settings, tx.ctx.quotas.defaults)

    def _registered(self, tx: ReadTx) -> list[RegisteredLimit]:
        return [*self._ours(tx), *limits.all_registered(tx)]

    def show_registered(self, ctx: Ctx, id: str) -> RegisteredLimit:
        with ctx.read("identity.registered_limit.show") as tx:
            return self._need_registered(tx, id)

    def _need_registered(self, tx: ReadTx, id: str) -> RegisteredLimit:
        ours = next((row for row in self._ours(tx) if row.id == id), None)
        found = ours or limits.show_registered(tx, id)
        if found is None:
            raise missing("registered limit", id)
        return found

    def create_registered(self, ctx: Ctx, wishes: Sequence[shapes.NewRegistered]) -> list[RegisteredLimit]:
        """All of them, or none."""
        with ctx.write("identity.registered_limit.create") as tx:
            taken = {(row.service, row.region, row.resource) for row in self._registered(tx)}
            rows = [
                RegisteredLimit(
                    new_hex_id(),
                    wish.service_id,
                    wish.region_id or "",
                    wish.resource_name,
                    wish.default_limit,
                    wish.description,
                )
                for wish in wishes
            ]
            for place in dict.fromkeys((row.service, row.region) for row in rows):
                self._check_place(tx, *place)
            for row in rows:
                _refuse_taken(taken, row)
                limits.insert_registered(tx, row)
                tx.audit(row.id, row.resource)
            return rows

    def _check_place(self, tx: Tx, service: str, region: str) -> None:
        try:
            self._catalog.need_service(tx, service)
            if region:
                self._catalog.need_region(tx, region)
        except NotFound as error:
            raise Invalid(error.message) from error

    def update_registered(self, ctx: Ctx, id: str, wish: shapes.RegisteredChange) -> RegisteredLimit:
        with ctx.write("identity.registered_limit.update") as tx:
            before = self._own_unused(tx, id)
            region = wish.region_id if wish.region_id is UNSET else wish.region_id or ""
            values = given(
                service=wish.service_id,
                region=region,
                resource=wish.resource_name,
                value=wish.default_limit,
                description=wish.description,
            )
            place = tuple(values.get(name, getattr(before, name)) for name in ("service", "region", "resource"))
            self._check_place(tx, place[0], place[1])
            others = (row for row in self._registered(tx) if row.id != id)
            if place in {(row.service, row.region, row.resource) for row in others}:
                raise _taken(place[2])
            limits.update_registered(tx, id, values)
            tx.audit(id, before.resource)
            return self._need_registered(tx, id)

    def _own_unused(self, tx: ReadTx, id: str) -> RegisteredLimit:
        row = self._need_registered(tx, id)
        if row.quota:
            raise Forbidden(OURS)
        if limits.is_used(tx, id):
            raise Forbidden(f"Limits of projects or domains rest on registered limit {id}; delete those first.")
        return row

    def delete_registered(self, ctx: Ctx, id: str) -> None:
        with ctx.write("identity.registered_limit.delete") as tx:
            row = self._own_unused(tx, id)
            limits.delete_registered(tx, id)
            tx.audit(id, row.resource)

    def list_(self, ctx: Ctx, wanted: Mapping[str, Any], page: Page) -> list[Limit]:
        """Operators and services see all, people with a token for a domain those of the domain and its projects, people
        with one for a project that project's."""
        wanted = dict(wanted)
        project, domain = wanted.pop("project", ""), wanted.pop("domain", "")
        with ctx.read("identity.limit.list") as tx:
            asked, seen = project or domain, _places(tx)
            rows = [row for row in self._limits(tx, asked) if fits(row, wanted)]
            if seen is not None:
                rows = [row for row in rows if row.target in seen]
            if asked:
                rows = [row for row in rows if row.is_domain == bool(domain) and {project, domain} <= {row.target, ""}]
            return _paged(rows, page)

    def of_projects(self, ctx: Ctx, ids: Iterable[str]) -> dict[str, list[Limit]]:
        """Those that may be seen, by project; every id is there."""
        found: dict[str, list[Limit]] = {id: [] for id in ids}
        for row in self.list_(ctx, {}, Page(ENOUGH)):
            if row.target in found:
                found[row.target].append(row)
        return found

    def _limits(self, tx: ReadTx, target: str = "") -> list[Limit]:
        place = target or (tx.actor.project if not _sees_all(tx) else "")
        ours = model.of_values(tx.ctx.quotas.own(tx, place), self._ours(tx))
        return [*ours, *limits.limits(tx, place)]

    def show(self, ctx: Ctx, id: str) -> Limit:
        with ctx.read("identity.limit.show") as tx:
            return self._need(tx, id)

    def _need(self, tx: ReadTx, id: str) -> Limit:
        found = limits.show(tx, id) or next((row for row in self._limits(tx) if row.id == id), None)
        seen = _places(tx)
        if found is None or (seen is not None and found.target not in seen):
            raise missing("limit", id)
        return found

    def create(self, ctx: Ctx, wishes: Sequence[shapes.NewLimit]) -> list[Limit]:
        """All of them, or none."""
        with ctx.write("identity.limit.create") as tx:
            known = {(row.service, row.region, row.resource): row for row in self._registered(tx)}
            for place in dict.fromkeys((wish.service_id, wish.region_id or "") for wish in wishes):
                self._check_place(tx, *place)
            made, taken = [], dict[str, set[str]]()
            for wish in wishes:
                of = known.get((wish.service_id, wish.region_id or "", wish.resource_name))
                if of is None:
                    raise Forbidden(f"There is no registered limit for {wish.resource_name} there; create that first.")
                target, is_domain = _target(tx, wish)
                if target not in taken:
                    taken[target] = {row.registered for row in self._limits(tx, target)}
                if of.id in taken[target]:
                    raise Conflict(f"There is already a limit for {of.resource} of {target}; change that one.")
                taken[target].add(of.id)
                made.append(self._insert(tx, of, target, is_domain, wish))
            return made

    def _insert(self, tx: WriteTx, of: RegisteredLimit, target: str, is_domain: bool, wish: shapes.NewLimit) -> Limit:
        if of.quota:
            return self._set_quota(tx, of, target, is_domain, wish)
        place = (of.id, of.service, of.region, of.resource)
        row = Limit(new_hex_id(), target, is_domain, wish.resource_limit, wish.description, *place)
        limits.insert(tx, row)
        tx.audit(row.id, f"{row.resource} {target}")
        return row

    def _set_quota(
        self, tx: WriteTx, of: RegisteredLimit, target: str, is_domain: bool, wish: shapes.NewLimit
    ) -> Limit:
        if is_domain:
            raise Invalid(f"Croft counts {of.quota} in each project; a domain has no such limit.")
        if wish.description is not None:
            raise Invalid(_BARE)
        tx.ctx.quotas.set(tx, target, {of.quota: wish.resource_limit})
        tx.audit(target, of.quota)
        return model.of_values([(target, of.quota, wish.resource_limit)], [of])[0]

    def update(self, ctx: Ctx, id: str, wish: shapes.LimitChange) -> Limit:
        with ctx.write("identity.limit.update") as tx:
            before = self._need(tx, id)
            values = given(value=wish.resource_limit, description=wish.description)
            if before.quota:
                if values.pop("description", None) is not None:
                    raise Invalid(_BARE)
                if values:
                    tx.ctx.quotas.set(tx, before.target, {before.quota: values["value"]})
            else:
                limits.update(tx, id, values)
            tx.audit(before.target if before.quota else id, before.quota or f"{before.resource} {before.target}")
            return self._need(tx, id)

    def delete(self, ctx: Ctx, id: str) -> None:
        """What was registered counts again."""
        with ctx.write("identity.limit.delete") as tx:
            row = self._need(tx, id)
            if row.quota:
                tx.ctx.quotas.reset(tx, row.target, [row.quota])
            else:
                limits.delete(tx, id)
            tx.audit(row.target if row.quota else id, row.quota or f"{row.resource} {row.target}")


_BARE = "A quota of Croft's own keeps no description; leave it out."


def show_model(ctx: Ctx) -> dict[str, str]:
    with ctx.read("identity.limit_model.show"):
        return model.MODEL


def _sees_all(tx: ReadTx) -> bool:
    return tx.actor.reach.project is None or "service" in tx.actor.roles


def _places(tx: ReadTx) -> set[str] | None:
    """Whose limits may be seen; None: everybody's."""
    if _sees_all(tx):
        return None
    domain = tx.actor.domain
    return {domain, *projects.in_domain(tx, domain)} if domain else {tx.actor.project} - {""}


def _target(tx: Tx, wish: shapes.NewLimit) -> tuple[str, bool]:
    """Whose limit it is to be, and whether that is a domain. A project that acts as a domain counts as one."""
    if (wish.project_id is UNSET) == (wish.domain_id is UNSET):
        raise Invalid("A limit is for one project_id or for one domain_id.")
    id = wish.domain_id if wish.project_id is UNSET else wish.project_id
    found = projects.show(tx, id) if isinstance(id, str) else None
    if found is None or (wish.project_id is UNSET and not found.is_domain):
        raise Invalid(f"There is no {'domain' if wish.project_id is UNSET else 'project'} {id}.")
    return found.id, found.is_domain


def _taken(resource: str) -> Conflict:
    return Conflict(f"There is already a registered limit for {resource} there.")


def _refuse_taken(taken: set[tuple[str, str, str]], row: RegisteredLimit) -> None:
    if (row.service, row.region, row.resource) in taken:
        raise _taken(row.resource)
    taken.add((row.service, row.region, row.resource))


def _paged(rows: Iterable[T], page: Page) -> list[T]:
    """One more than the page holds, as the store does."""
    after = sorted((row for row in rows if row.id > page.marker), key=lambda row: row.id)
    return after[: page.limit + 1]
