"""Reading the work queue, the orphans and the audit record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from croft.core import audit, work
from croft.core.ctx import Ctx
from croft.core.db import Database
from croft.core.errors import EngineError, Invalid, NotFound
from croft.core.page import Page
from croft.core.work import Explains, Explanation, Reconciler
from croft.services.operations import store
from croft.services.operations.model import KIND, RETENTION, Orphan


def seed(db: Database, engines: Iterable[str]) -> None:
    """Has every engine's list and the age of the audit looked at from now on."""
    with db.write() as tx:
        for engine in sorted(engines):
            work.wake(tx, KIND, engine)
        work.wake(tx, RETENTION, "audit")


def explain(
    ctx: Ctx, reconcilers: Mapping[str, Reconciler], id: str
) -> list[tuple[work.Entry, Explanation | None, str]]:
    """Each kind known under this id: its queue entry, want and have, or why its engine could not be asked."""
    with ctx.read("operations.work.show") as tx:
        entries = {entry.kind: entry for entry in work.entries(tx, id)}
    kinds = [*entries, *(kind for kind in reconcilers if kind not in entries)]
    looks = [(entries.get(kind) or _quiet(kind, id), *_look(reconcilers.get(kind), id)) for kind in kinds]
    found = [look for look in looks if look[0].kind in entries or look[1] or look[2]]
    if not found:
        raise NotFound(f"Croft works on nothing with the id {id[:64]}.")
    return found


def _quiet(kind: str, id: str) -> work.Entry:
    """What nothing was ever to be done about, as a project in use, has no place in the queue."""
    return work.Entry(kind, id, code="", message="", tries=0, since=None, due=0, noted=0, running=False)


def _look(reconciler: object, id: str) -> tuple[Explanation | None, str]:
    if not isinstance(reconciler, Explains):
        return None, ""
    try:
        return reconciler.explain(id), ""
    except EngineError as error:
        return None, str(error)


def list_troubled(ctx: Ctx) -> list[work.Entry]:
    with ctx.read("operations.work.list") as tx:
        return work.troubled(tx)


def list_orphans(ctx: Ctx) -> list[Orphan]:
    with ctx.read("operations.orphan.list") as tx:
        return store.reported(tx, tx.scope)


def list_audit(ctx: Ctx, page: Page, narrow: audit.Narrow, *, oldest_first: bool = False) -> list[audit.Entry]:
    """Of the own project; of every project, or the one that is named, for those who may read across."""
    ctx.settle()
    with ctx.read("operations.audit.list") as tx:
        scope = tx.scope
        if narrow.project and not scope.covers(narrow.project):
            raise NotFound(f"Could not find project: {narrow.project[:64]}.")
        if scope.guest and not (narrow.project or scope.project):
            raise Invalid("Say whose audit you want to read, by project_id.")
        found = audit.entries(tx, scope.wide if narrow.project else scope, page, narrow, oldest_first=oldest_first)
        return [_closed(line) if scope.closed_to(line.project) else line for line in found]


_SHUT = ("application_credential", "credential", "ec2_credential", "access_rule", "trust", "image", "member", "keypair")


def _closed(line: audit.Entry) -> audit.Entry:
    """As it may be read outside its project: not from where, by what credential, or what was done with secrets."""
    bare = msgspec.structs.replace(line, client="", agent="", credential="", trust="", trustor="")
    if line.action.split(".")[1:2] and line.action.split(".")[1] in _SHUT:
        bare = msgspec.structs.replace(bare, target="", name="", path="", why="")
    return bare


def export_audit(ctx: Ctx, narrow: audit.Narrow) -> Iterator[audit.Entry]:
    """Everything, oldest first, a page at a time: no transaction is held between two."""
    page, known = Page(), list_audit(ctx, Page(), narrow, oldest_first=True)
    while known:
        yield from known
        page = Page(marker=known[-1].id)
        known = list_audit(ctx, page, narrow, oldest_first=True) if len(known) == page.limit else []
