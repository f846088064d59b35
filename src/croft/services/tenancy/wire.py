"""JSON of the tenancy API: strict in, plain out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from croft.core.clock import iso
from croft.core.errors import Invalid
from croft.services.identity.model import Project
from croft.services.tenancy.model import (
    EXTENSION,
    PROJECT,
    QUOTA,
    Life,
    Notice,
    Request,
    Shown,
    Verdict,
    Wish,
    moment,
    state,
)

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\S")]
Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9-]+$")]
Text = Annotated[str, Meta(min_length=1, max_length=4000, pattern=r"\S")]
Who = Annotated[str, Meta(min_length=1, max_length=255)]
People = Annotated[list[Who], Meta(max_length=20)]
Quota = Annotated[dict[Annotated[str, Meta(max_length=64)], int], Meta(max_length=100)]
When = Annotated[str, Meta(max_length=40)]


class NewRequest(Struct, forbid_unknown_fields=True):
    kind: Literal["project", "quota", "extension"]
    purpose: Text
    name: Name | UnsetType = UNSET
    project_id: Id | UnsetType = UNSET
    quota: Quota | UnsetType = UNSET
    co_owners: People | UnsetType = UNSET
    expires: When | UnsetType | None = UNSET


class CreateRequest(Struct, forbid_unknown_fields=True):
    request: NewRequest


class NewComment(Struct, forbid_unknown_fields=True):
    text: Text


class CreateComment(Struct, forbid_unknown_fields=True):
    comment: NewComment


class Approval(Struct, forbid_unknown_fields=True):
    comment: Text | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    quota: Quota | UnsetType = UNSET
    co_owners: People | UnsetType = UNSET
    expires: When | UnsetType | None = UNSET


class Approve(Struct, forbid_unknown_fields=True):
    approve: Approval


class Refusal(Struct, forbid_unknown_fields=True):
    reason: Text


class Decline(Struct, forbid_unknown_fields=True):
    decline: Refusal


class Expiry(Struct, forbid_unknown_fields=True):
    expires: When | None


class UpdateLife(Struct, forbid_unknown_fields=True):
    project: Expiry


class Reason(Struct, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(max_length=400)] = ""


class Archive(Struct, forbid_unknown_fields=True):
    archive: Reason


class NewExpiry(Struct, forbid_unknown_fields=True):
    expires: When | UnsetType | None = UNSET


class Restore(Struct, forbid_unknown_fields=True):
    restore: NewExpiry


_ASKS = {
    PROJECT: ({"name"}, {"quota", "co_owners", "expires"}),
    QUOTA: ({"quota"}, {"project_id"}),
    EXTENSION: ({"expires"}, {"project_id"}),
}
"""What each kind must say, and what it may."""


def wish(sent: NewRequest, now: int) -> Wish:
    said = {name for name in sent.__struct_fields__ if getattr(sent, name) is not UNSET} - {"kind", "purpose"}
    must, may = _ASKS[sent.kind]
    if must - said:
        raise Invalid(f"A request for a {sent.kind} says {', '.join(sorted(must))}.")
    if said - must - may:
        raise Invalid(f"A request for a {sent.kind} says nothing of {', '.join(sorted(said - must - may))}.")
    if sent.kind == QUOTA and not sent.quota:
        raise Invalid("Say which limits are to change.")
    return Wish(
        kind=sent.kind,
        purpose=sent.purpose,
        name=sent.name or "",
        project=sent.project_id or "",
        quota=sent.quota or {},
        co_owners=tuple(sent.co_owners or ()),
        expires=when(sent.expires, now),
    )


def verdict(sent: Approval, now: int) -> Verdict:
    return Verdict(
        comment=sent.comment or "",
        name=sent.name or None,
        quota=None if sent.quota is UNSET else sent.quota,
        co_owners=None if sent.co_owners is UNSET else sent.co_owners,
        expires=when(sent.expires, now),
        forever=sent.expires is None,
    )


def when(sent: str | UnsetType | None, now: int) -> int | None:
    return moment(sent, now) if isinstance(sent, str) else None


def _iso(seconds: int | None) -> str | None:
    return None if seconds is None else iso(seconds)


def request(row: Request) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "status": row.status,
        "name": row.name,
        "purpose": row.purpose,
        "project_id": row.project if row.kind != PROJECT or row.decision == "approved" else None,
        "quota": row.quota,
        "co_owners": row.co_owners,
        "expires_at": _iso(row.expires),
        "user_id": row.user,
        "user_name": row.user_name,
        "created_at": iso(row.created),
        "decided_at": _iso(row.decided),
        "decided_by": row.decider or None,
        "reason": row.reason or None,
    }


def shown(found: Shown) -> dict[str, Any]:
    comments = [
        {
            "id": each.id,
            "user_id": each.user,
            "user_name": each.user_name,
            "text": each.text,
            "created_at": iso(each.created),
        }
        for each in found.comments
    ]
    return request(found.request) | {
        "project_state": found.place,
        "project_message": found.note or None,
        "comments": comments,
    }


def life(row: Life, now: int, grace: int) -> dict[str, Any]:
    return {
        "id": row.project,
        "state": state(row, now, grace),
        "expires_at": _iso(row.expires),
        "archived_at": _iso(row.archived),
        "reason": row.why or None,
    }


def project(place: Project, row: Life | None, now: int, grace: int) -> dict[str, Any]:
    shown = life(row or Life(place.id, 0, 0, None, None, ""), now, grace)
    return shown | {"name": place.name, "slug": place.slug, "enabled": place.enabled}


def notice(row: Notice) -> dict[str, Any]:
    return {
        "id": row.id,
        "project_id": row.project,
        "kind": row.kind,
        "about": iso(row.due),
        "text": row.text,
        "created_at": iso(row.created),
    }
