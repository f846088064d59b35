"""JSON of the operations API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from croft.core import audit, work
from croft.core.clock import iso, parse_iso
from croft.core.errors import Invalid
from croft.core.work import Explanation
from croft.services.operations.model import Orphan


def entry(found: work.Entry) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "id": found.id,
        "state": found.code or "settled",
        "message": found.message,
        "tries": found.tries,
        "unfulfilled_since": iso(found.since) if found.since is not None else None,
        "looked_at": iso(found.noted) if found.noted else None,
        "next_look_at": iso(found.due) if found.due else None,
        "running": bool(found.running),
    }


def explanation(found: work.Entry, compared: Explanation | None, trouble: str) -> dict[str, Any]:
    want, have = (compared.want, compared.have) if compared else (None, None)
    return entry(found) | {"want": want, "have": have, "engine": trouble}


def orphan(found: Orphan) -> dict[str, Any]:
    return {
        "engine": found.engine,
        "name": found.name,
        "first_seen_at": iso(found.first),
        "reported_at": iso(found.reported) if found.reported is not None else None,
    }


def audited(found: audit.Entry) -> dict[str, Any]:
    return {
        "id": found.id,
        "at": iso(found.at),
        "request_id": found.request,
        "user_id": found.user,
        "user_name": found.user_name,
        "project_id": found.project,
        "action": found.action,
        "target": found.target,
        "name": found.name,
        "outcome": found.outcome,
        "status": found.status or None,
        "why": found.why,
        "times": found.times,
        "application_credential_id": found.credential,
        "trust_id": found.trust,
        "trustor_user_id": found.trustor,
        "impersonator_user_id": found.impersonator,
        "client_address": found.client,
        "user_agent": found.agent,
        "request": found.path,
    }


def narrowed(query: Mapping[str, list[str]]) -> audit.Narrow:
    """The filters of `/audit`. An unknown one is refused: in an audit, too much found is as wrong as too little."""
    if unknown := sorted(set(query) - _FILTERS - _ORDER):
        raise Invalid(f"There is no filter {unknown[0][:40]}. Known are {', '.join(sorted(_FILTERS))}.")
    given = {name: values[0] for name, values in query.items()}
    if given.get("outcome", "done") not in {audit.DONE, audit.REFUSED}:
        raise Invalid(f"outcome is {audit.DONE} or {audit.REFUSED}.")
    return audit.Narrow(
        target=given.get("target", ""),
        prefix=given.get("action", ""),
        user=given.get("user_id", ""),
        outcome=given.get("outcome", ""),
        request=given.get("request_id", ""),
        project=given.get("project_id", ""),
        since=_time("since", given),
        until=_time("until", given),
    )


_FILTERS = {"target", "action", "user_id", "outcome", "request_id", "project_id", "since", "until"}
_ORDER = {"limit", "marker", "sort_dir"}


def _time(name: str, given: Mapping[str, str]) -> int | None:
    if name not in given:
        return None
    try:
        return parse_iso(given[name].replace(" ", "+"))
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{name} must be a time as 2026-11-20T10:00:00Z.") from error


def oldest_first(query: Mapping[str, list[str]]) -> bool:
    order = query.get("sort_dir", ["desc"])[0]
    if order not in {"asc", "desc"}:
        raise Invalid("sort_dir is asc or desc.")
    return order == "asc"
