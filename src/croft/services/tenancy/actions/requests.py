"""Asking for a project, for quota or for time; talking about it; and the decision, carried out in its own commit."""

from __future__ import annotations

from msgspec.structs import replace

from croft.core import work
from croft.core.ctx import Ctx, ReadTx, WriteTx
from croft.core.db import Tx
from croft.core.errors import Conflict, Forbidden, NotFound
from croft.core.ids import new_hex_id, new_id
from croft.core.page import Page
from croft.core.policy import Actor, Role
from croft.services.identity.actions import tenancy as identity
from croft.services.identity.model import Project
from croft.services.tenancy.actions import lives as life_of
from croft.services.tenancy.model import (
    EXTENSION,
    MOST_COMMENTS,
    MOST_OPEN,
    PROJECT,
    Request,
    Settings,
    Shown,
    Verdict,
    Wish,
    check_quota,
    ensure_open,
)
from croft.services.tenancy.policy import owning
from croft.services.tenancy.store import lives, requests


class Requests:
    def __init__(self, settings: Settings, births: identity.Births) -> None:
        self.settings, self.births = settings, births

    def _reviews(self, actor: Actor) -> bool:
        return actor.is_admin or (bool(self.settings.reviewer_role) and self.settings.reviewer_role in actor.roles)

    def _whose(self, actor: Actor) -> str | None:
        """The user whose requests may be seen; None for those who may see all."""
        audits = actor.system and actor.role >= Role.READER
        return None if audits or self._reviews(actor) else actor.user

    def list_(self, ctx: Ctx, equal: dict[str, str], page: Page) -> list[Request]:
        with ctx.read("tenancy.request.list") as tx:
            return requests.page(tx, self._whose(tx.actor), equal, page)

    def show(self, ctx: Ctx, id: str) -> Shown:
        with ctx.read("tenancy.request.show") as tx:
            return self._shown(tx, self._need(tx, id))

    def _need(self, tx: ReadTx, id: str) -> Request:
        found = requests.find(tx, self._whose(tx.actor), id)
        if found is None:
            raise NotFound(f"Could not find request: {id[:64]}.")
        return found

    def _shown(self, tx: Tx, row: Request) -> Shown:
        return Shown(row, *_place(tx, row), requests.comments(tx, row.id))

    def create(self, ctx: Ctx, wish: Wish) -> Shown:
        action = "tenancy.request.create" if wish.kind == PROJECT else "tenancy.request.change"
        quota = check_quota(wish.quota, ctx.quotas.defaults)
        with ctx.write(action, "" if wish.kind == PROJECT else None) as tx:
            requests.lock(tx, tx.actor.user)
            if requests.open_of(tx, tx.actor.user) >= MOST_OPEN:
                raise Forbidden(f"You have {MOST_OPEN} open requests. Withdraw one, or wait for an answer.")
            name, project = wish.name, new_hex_id()
            if wish.kind != PROJECT:
                found = self._managed(tx, wish.project or tx.actor.project)
                name, project = found.name, found.id
            row = Request(
                id=new_id(),
                kind=wish.kind,
                user=tx.actor.user,
                user_name=tx.actor.user_name,
                domain=tx.actor.user_domain,
                project=project,
                name=name,
                purpose=wish.purpose,
                quota=quota,
                co_owners=list(dict.fromkeys(wish.co_owners)),
                expires=wish.expires,
                created=tx.now,
                decision="",
                decided=None,
                decider="",
                reason="",
            )
            requests.insert(tx, row)
            tx.audit(row.id, row.name)
            return self._shown(tx, row)

    def _managed(self, tx: WriteTx, id: str) -> Project:
        """A project whose manager asks: with a token for it or, as an archived one lets nobody in, an unscoped one."""
        found = identity.find_project(tx, id)
        actor = tx.actor
        inside = actor.project == id and actor.role >= owning(self.settings.owner_role)
        unscoped = not (actor.project or actor.domain or actor.system)
        outside = unscoped and found and identity.holds_role(tx, actor.user, found, self.settings.owner_role)
        if found is None or not (inside or outside or actor.is_admin):
            raise life_of.no_project(id)
        return found

    def comment(self, ctx: Ctx, id: str, text: str) -> Shown:
        with ctx.write("tenancy.request.comment") as tx:
            row = self._need(tx, id)
            if row.user != tx.actor.user and not self._reviews(tx.actor):
                raise Forbidden("You may read this request, not talk about it.")
            _comment(tx, row, text)
            tx.audit(row.id, row.name)
            return self._shown(tx, row)

    def withdraw(self, ctx: Ctx, id: str) -> Shown:
        """By who asked; nobody else takes a wish back."""
        with ctx.write("tenancy.request.withdraw") as tx:
            row = self._lock(tx, id)
            if row.user != tx.actor.user:
                raise Forbidden("Only the one who asked takes a request back; decline it instead.")
            requests.decide(tx, id, {"decision": "withdrawn", "decider": tx.actor.user})
            tx.audit(row.id, row.name)
            return self._shown(tx, self._need(tx, id))

    def _lock(self, tx: ReadTx, id: str) -> Request:
        """An open request, decided about by nobody else meanwhile."""
        requests.lock(tx, id)
        row = self._need(tx, id)
        ensure_open(row)
        return row

    def _judge(self, tx: ReadTx, id: str) -> Request:
        row = self._lock(tx, id)
        if row.user == tx.actor.user and not tx.actor.is_admin:
            raise Forbidden("Somebody else decides about your own request.")
        return row

    def _deciding(self, ctx: Ctx) -> str:
        named = self.settings.reviewer_role
        return "tenancy.request.review" if named and named in ctx.actor.roles else "tenancy.request.decide"

    def decline(self, ctx: Ctx, id: str, reason: str) -> Shown:
        with ctx.write(self._deciding(ctx)) as tx:
            row = self._judge(tx, id)
            requests.decide(tx, id, {"decision": "declined", "decider": tx.actor.user, "reason": reason})
            tx.audit(row.id, row.name)
            return self._shown(tx, self._need(tx, id))

    def approve(self, ctx: Ctx, id: str, verdict: Verdict) -> Shown:
        """The project, its owners, its limits and its expiry are there when this returns, or nothing is."""
        action = self._deciding(ctx)
        with ctx.read(action) as reading:
            project = self._need(reading, id).project
        with ctx.write(action, project) as tx:
            row = self._judge(tx, id)
            quota = row.quota if verdict.quota is None else check_quota(verdict.quota, ctx.quotas.defaults, least=-1)
            expires = None if verdict.forever else verdict.expires or row.expires
            row = replace(row, name=verdict.name or row.name, quota=quota, expires=expires)
            if verdict.comment:
                _comment(tx, row, verdict.comment)
            values = {"decision": "approved", "decider": tx.actor.user, "name": row.name}
            requests.decide(tx, id, values | {"quota": quota, "expires": expires})
            tx.audit(row.id, row.name)
            ctx.quotas.set(tx, project, quota)
            if row.kind == PROJECT:
                self._found(tx, row, row.co_owners if verdict.co_owners is None else verdict.co_owners)
            else:
                self._change(tx, row)
            return self._shown(tx, self._need(tx, id))

    def _found(self, tx: WriteTx, row: Request, co_owners: list[str]) -> None:
        people = [identity.find_user(tx, row.domain, who) for who in (row.user, *co_owners)]
        missing = [who for who, found in zip((row.user, *co_owners), people, strict=True) if found is None]
        if missing:
            raise Conflict(f"There is no user {', '.join(missing)[:200]}. Approve with other co-owners, or decline.")
        owners = [found.id for found in people if found is not None]
        wish = Project(row.project, row.domain, row.domain, row.name, row.purpose, True, False, [], {}, {})
        if row.expires is not None:
            life_of.set_expiry(tx, row.project, row.expires)
        identity.found_project(tx, self.births, wish, owners, self.settings.owner_role)
        tx.audit(row.project, row.name)

    def _change(self, tx: WriteTx, row: Request) -> None:
        """More quota, or more time; time given to an archived project opens it again."""
        if identity.find_project(tx, row.project) is None:
            raise Conflict("The project is gone; decline the request.")
        if row.kind != EXTENSION:
            return
        life = lives.any_life(tx, row.project)
        if life is not None and life.archived is not None:
            life_of.reopen(tx, row.project, row.expires)
        else:
            life_of.set_expiry(tx, row.project, row.expires)


def _comment(tx: WriteTx, row: Request, text: str) -> None:
    if requests.count_comments(tx, row.id) >= MOST_COMMENTS:
        raise Forbidden(f"A request has at most {MOST_COMMENTS} comments.")
    requests.add_comment(tx, row.id, tx.actor.user, tx.actor.user_name, text)


def _place(tx: Tx, row: Request) -> tuple[str, str]:
    """What became of the project, and what its end waits for."""
    found = identity.find_project(tx, row.project)
    if found is not None:
        return ("active" if found.enabled else "disabled"), ""
    if identity.is_leaving(tx, row.project):
        return "leaving", work.note(tx, "identity.project", row.project).message
    return ("gone" if row.kind != PROJECT or row.decision == "approved" else "wanted"), ""
