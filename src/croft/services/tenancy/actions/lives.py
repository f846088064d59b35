"""How long a project lasts: expiry, archive, restore."""

from __future__ import annotations

from operator import attrgetter

from msgspec import UNSET, UnsetType

from croft.core import work
from croft.core.ctx import Ctx, ReadTx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Invalid, NotFound
from croft.core.page import Page
from croft.services.identity.actions import tenancy as identity
from croft.services.identity.model import Project
from croft.services.tenancy.model import DAY, KIND, Life, Notice, Settings, archived_text, day
from croft.services.tenancy.store import lives

STATES = ("archived", "deletable", "active")


def no_project(id: str) -> NotFound:
    return NotFound(f"Could not find project: {id[:64]}.")


def need_project(tx: ReadTx, id: str) -> Project:
    """A live one that the actor's scope covers."""
    found = identity.find_project(tx, id) if tx.scope.covers(id) else None
    if found is None:
        raise no_project(id)
    return found


def set_expiry(tx: Tx, project: str, expires: int | None) -> None:
    lives.change(tx, project, {"expires": expires})
    work.wake(tx, KIND, project)


def reopen(tx: Tx, project: str, expires: int | None) -> None:
    lives.change(tx, project, {"expires": expires, "archived": None, "why": ""})
    work.wake(tx, KIND, project)
    identity.open_project(tx, project)


class Lives:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def show(self, ctx: Ctx, id: str) -> tuple[Project, Life | None]:
        with ctx.read("tenancy.life.show") as tx:
            return need_project(tx, id), lives.any_life(tx, id)

    def list_(self, ctx: Ctx, state: str, page: Page) -> list[Life]:
        """Those with an expiry, or archived."""
        with ctx.read("tenancy.life.list") as tx:
            if state not in {"", *STATES}:
                raise Invalid(f"A project's state is one of {', '.join(STATES)}.")
            equal: dict[str, object] = {} if not state else {"archived": state != "active"}
            if state == "deletable":
                equal["expired_before"] = tx.now - self.settings.grace_days * DAY
            return lives.page(tx, tx.scope.project, equal, page)

    def update(self, ctx: Ctx, id: str, expires: int | None) -> tuple[Project, Life | None]:
        with ctx.write("tenancy.life.update", id) as tx:
            found = need_project(tx, id)
            tx.audit(id, found.name)
            set_expiry(tx, id, expires)
            return found, lives.any_life(tx, id)

    def archive(self, ctx: Ctx, id: str, why: str) -> tuple[Project, Life | None]:
        """Closes it at once; its servers are stopped by the reconciler."""
        with ctx.write("tenancy.life.archive", id) as tx:
            found = need_project(tx, id)
            refuse_archived(lives.any_life(tx, id))
            if found.immutable:
                raise Conflict(f"{found.name} is immutable; set its option immutable to false first.")
            tx.audit(id, found.name)
            archive(tx, found, why or f"{tx.actor.user_name or tx.actor.user} asked for it.")
            return found, lives.any_life(tx, id)

    def restore(self, ctx: Ctx, id: str, expires: int | UnsetType | None) -> tuple[Project, Life | None]:
        """Opens it again. Its servers stay as they are; its expiry too, unless that is over."""
        with ctx.write("tenancy.life.restore", id) as tx:
            found, life = need_project(tx, id), lives.any_life(tx, id)
            if life is None or life.archived is None:
                raise Conflict("The project is not archived.")
            until = life.expires if expires is UNSET else expires
            if until is not None and until <= tx.now:
                raise Conflict(
                    f"The project expired on {day(until)}. Say until when it shall last now, or null for ever."
                )
            tx.audit(id, found.name)
            reopen(tx, id, until)
            return need_project(tx, id), lives.any_life(tx, id)

    def notices(self, ctx: Ctx, project: str, page: Page) -> list[Notice]:
        with ctx.read("tenancy.notice.list") as tx:
            if project and not tx.scope.covers(project):
                raise no_project(project)
            return lives.notices(tx, project or tx.scope.project, page)


def refuse_archived(life: Life | None) -> None:
    if life is not None and life.archived is not None:
        raise Conflict("The project is archived already.")


def archive(tx: WriteTx, project: Project, why: str) -> None:
    """With all open projects below it: nothing open lies below something closed."""
    inside = [each for each in identity.projects_below(tx, project.id) if each.enabled]
    for each in [project, *sorted(inside, key=attrgetter("id"))]:
        said = why if each is project else f"{project.name} above it is archived."
        lives.change(tx, each.id, {"archived": tx.now, "why": said})
        lives.any_notify(tx, each.id, "archived", tx.now, archived_text(each.name, said))
        work.wake(tx, KIND, each.id)
        identity.close_project(tx, each.id)
