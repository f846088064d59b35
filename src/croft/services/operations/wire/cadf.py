"""Lines of the audit as CADF events (DMTF DSP0262), one JSON document a line."""

from __future__ import annotations

from typing import Any

import msgspec

from croft.core import audit
from croft.core.clock import iso_micro

URI = "http://schemas.dmtf.org/cloud/audit/1.0/event"
ACTIONS = {
    "create": "create add upload keep import attach_interface attach share",
    "delete": "delete remove detach_interface detach forget_password expire",
    "update": "",
    "start": "start",
    "stop": "stop",
    "restore": "revert_resize reactivate",
    "disable": "lock deactivate",
    "enable": "unlock unlock_any",
}
"""CADF's taxonomy of actions → our verbs; all others are an update. CADF lets a path follow, which keeps our word."""
_TAKEN = {verb: action for action, verbs in ACTIONS.items() for verb in verbs.split()}
THINGS = {
    "compute.server": "compute/machine",
    "compute.keypair": "data/security/key",
    "compute.host": "compute/node",
    "identity.user": "data/security/account/user",
    "identity.user_password": "data/security/account/user",
    "identity.token": "data/security/account/user",
    "identity.grant": "data/security/account/user/privilege",
    "identity.system_grant": "data/security/account/user/privilege",
    "identity.group": "data/security/group",
    "identity.group_user": "data/security/group",
    "identity.project": "data/security/project",
    "identity.project_tag": "data/security/project",
    "identity.domain": "data/security/domain",
    "identity.role": "data/security/role",
    "identity.implied_role": "data/security/role",
    "identity.region": "data/security/region",
    "identity.service": "data/security/service",
    "identity.endpoint": "data/security/endpoint",
    "identity.trust": "data/security/trust",
    "images.image": "data/image",
    "images.member": "data/image",
}
KINDS = {
    "compute": "compute",
    "identity": "data/security",
    "images": "data/image",
    "network": "network",
    "operations": "service/oss",
}
"""What a service's things are in CADF's taxonomy where the table above does not say."""
OBSERVERS = {
    "compute": "service/compute",
    "identity": "service/security",
    "images": "service/storage/image",
    "network": "service/network",
}
UNKNOWN = "unknown"
_encode = msgspec.json.Encoder().encode


def action(name: str) -> str:
    """`create/network/port`."""
    thing, _, verb = name.rpartition(".")
    if name == "identity.token.create":
        return "authenticate/login"
    if name == "identity.token.delete":
        return "revoke/token"
    taken = _TAKEN.get(verb, "update")
    rest = [*thing.split("."), *([] if verb == taken else [verb])]
    return "/".join([taken, *filter(None, rest)])


def event(line: audit.Entry) -> dict[str, Any]:
    """As DSP0262 has it. `requestPath` is pycadf's own addition; what CADF has no place for is in the attachment."""
    service = line.action.partition(".")[0]
    thing = line.action.rpartition(".")[0]
    found: dict[str, Any] = {
        "typeURI": URI,
        "eventType": "activity",
        "id": line.id,
        "eventTime": iso_micro(line.at).removesuffix("Z") + "+00:00",
        "action": action(line.action),
        "outcome": "success" if line.outcome == audit.DONE else "failure",
        "initiator": _initiator(line),
        "target": {
            "typeURI": THINGS.get(thing, KINDS.get(service, UNKNOWN)),
            "id": line.target or UNKNOWN,
            **_said(name=line.name),
        },
        "observer": {"typeURI": OBSERVERS.get(service, "service/oss"), "id": f"croft-{service}", "name": service},
        **_said(requestPath=line.path.partition(" ")[2]),
        "attachments": [{"typeURI": "croft:audit", "name": "croft", "content": _rest(line)}],
    }
    if line.status:
        found["reason"] = {"reasonType": "HTTP", "reasonCode": str(line.status)}
    return found


def text(line: audit.Entry) -> bytes:
    return _encode(event(line)) + b"\n"


def _initiator(line: audit.Entry) -> dict[str, Any]:
    """Who really asked; in whose name, if in another's, is in the attachment."""
    who = {"id": line.user or UNKNOWN, **_said(name=line.user_name)}
    if line.impersonator:
        who = {"id": line.impersonator}
    found: dict[str, Any] = {"typeURI": "data/security/account/user" if line.user else UNKNOWN, **who}
    found |= _said(project_id=line.project)
    if line.client or line.agent:
        found["host"] = _said(address=line.client, agent=line.agent)
    if line.credential or line.trust:
        kind, id = ("application_credential", line.credential) if line.credential else ("trust", line.trust)
        found["credential"] = {"type": kind, "token": id}
    return found


def _rest(line: audit.Entry) -> dict[str, Any]:
    words = _said(
        action=line.action,
        request_id=line.request,
        method=line.path.partition(" ")[0],
        why=line.why,
        trust_id=line.trust,
        trustor_user_id=line.trustor,
        in_the_name_of=line.user if line.impersonator else "",
    )
    return {**words, "times": line.times}


def _said(**words: str) -> dict[str, str]:
    return {name: word for name, word in words.items() if word}
