"""`/v3/role_assignments`: what was assigned, or, on request, all that follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from croft.core.ctx import Ctx, ReadTx
from croft.core.db import Tx
from croft.core.errors import Invalid
from croft.services.identity.actions import reach
from croft.services.identity.actions.projects import missing
from croft.services.identity.model import Assignment, Group, Project, Role, User
from croft.services.identity.model.roles import RoleBook, below
from croft.services.identity.store import projects, roles, users


@dataclass(frozen=True)
class Question:
    user: str | None = None
    group: str | None = None
    role: str | None = None
    project: str | None = None
    domain: str | None = None
    system: bool = False
    inherited: bool | None = None
    effective: bool = False
    subtree: bool = False


class Found(msgspec.Struct, frozen=True):
    """An assignment as it counts, with the one it follows from."""

    actor_type: str
    actor: str
    target_type: str
    target: str
    role: str
    source: Assignment
    prior_role: str | None = None


class Names(msgspec.Struct, frozen=True):
    """Names of everything in an answer, by id: (name, domain id, domain name)."""

    actors: Mapping[str, tuple[str, str, str]]
    targets: Mapping[str, tuple[str, str, str]]
    roles: Mapping[str, tuple[str, str, str]]


def list_assignments(ctx: Ctx, question: Question, *, names: bool) -> tuple[list[Found], Names | None]:
    with ctx.read("identity.role_assignment.list") as tx:
        wide = tx.scope.guest and question.project and not (question.domain or question.system or question.subtree)
        question = question if wide else _own(tx, question)
        if question.effective and question.group:
            raise Invalid("An effective list names users, not groups.")
        book = roles.book(tx)
        found = _effective(tx, question, book) if question.effective else _direct(tx, question)
        found = found if wide else _seen(tx, found)
        return found, _names(tx, found, book) if names else None


def _own(tx: ReadTx, question: Question) -> Question:
    """A manager sees the assignments of the managed project."""
    if tx.scope.project is None:
        return question
    if tx.scope.domain:
        place = projects.show(tx, question.project or question.domain or tx.scope.domain)
        if question.system or place is None or not reach.covers(tx, reach.home(place)):
            raise missing("project" if question.project else "domain", question.project or question.domain or "-")
        return question
    elsewhere = question.domain or question.system or question.subtree or not tx.scope.project
    if elsewhere or question.project not in {None, tx.scope.project}:
        raise missing("project", question.project or "-")
    return replace(question, project=tx.scope.project)


def _seen(tx: ReadTx, found: list[Found]) -> list[Found]:
    """Those at places within reach."""
    if not tx.scope.domain:
        return found
    places = {tx.scope.domain, *projects.in_domain(tx, tx.scope.domain)}
    return [each for each in found if each.target_type != "system" and each.target in places]


def _direct(tx: Tx, question: Question) -> list[Found]:
    equal: dict[str, object] = {}
    if question.user or question.group:
        equal |= {"actor_type": "user" if question.user else "group", "actor": question.user or question.group}
    if question.role:
        equal["role"] = question.role
    if question.inherited is not None:
        equal["inherited"] = question.inherited
    if question.project and question.subtree:
        places = {question.project, *below(question.project, projects.parents(tx))}
        rows = [each for each in roles.assignments(tx, equal) if each.target in places]
    else:
        rows = roles.assignments(tx, equal | _target(question))
    return [Found(each.actor_type, each.actor, each.target_type, each.target, each.role, each) for each in rows]


def _target(question: Question) -> dict[str, object]:
    if question.system:
        return {"target_type": "system"}
    if question.project:
        return {"target_type": "project", "target": question.project}
    return {"target_type": "domain", "target": question.domain} if question.domain else {}


def _effective(tx: Tx, question: Question, book: RoleBook) -> list[Found]:
    rows = roles.held(tx, question.user) if question.user else roles.assignments(tx, {})
    if question.inherited is not None:
        rows = [each for each in rows if each.inherited == question.inherited]
    members, parents = users.memberships(tx), projects.parents(tx)
    places = None
    if question.project:
        places = {question.project, *(below(question.project, parents) if question.subtree else ())}
    elif question.domain or question.system:
        places = {question.domain or "system"}
    found = []
    for row in rows:
        for kind, target in _where(row, parents):
            if places is None or target in places:
                found += list(_spread(row, kind, target, members, book))
    return [each for each in found if _fits(each, question)]


def _where(row: Assignment, parents: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if not row.inherited:
        yield row.target_type, row.target
        return
    for project in below(row.target, parents):
        yield "project", project


def _spread(
    row: Assignment, kind: str, target: str, members: Mapping[str, list[str]], book: RoleBook
) -> Iterator[Found]:
    people = [row.actor] if row.actor_type == "user" else members.get(row.actor, [])
    for role, prior in book.closure([row.role]).items():
        if role in book.roles and not book.roles[role].domain:
            for person in people:
                yield Found("user", person, kind, target, role, row, prior)


def _fits(each: Found, question: Question) -> bool:
    return question.user in {None, each.actor} and question.role in {None, each.role}


def _names(tx: Tx, found: list[Found], book: RoleBook) -> Names:
    actors = {each.actor for each in found}
    people: list[User | Group] = [*users.some(tx, sorted(actors)), *users.some_groups(tx, sorted(actors))]
    places = projects.some(tx, sorted({each.target for each in found if each.target_type != "system"}))
    held = [book.roles[each.role] for each in found if each.role in book.roles]
    homes = {row.domain for rows in (people, places, held) for row in rows if row.domain}
    domains = {row.id: row.name for row in projects.some(tx, sorted(homes))}

    def named(rows: Sequence[User | Group | Project | Role]) -> dict[str, tuple[str, str, str]]:
        return {row.id: (row.name, row.domain, domains.get(row.domain, "")) for row in rows}

    return Names(named(people), named(places), named(held))
