"""Who may ask, who decides, and who ends a project's life. Operators decide; so may one role that they name."""

from __future__ import annotations

from dataclasses import replace

from croft.core.policy import Role, Rule

_NONE, _READER, _MANAGER, _ADMIN = Role.NONE, Role.READER, Role.MANAGER, Role.ADMIN


def _own(action: str, openstack: str, says: str) -> Rule:
    """About the asking one's own requests; the actions see to that."""
    return Rule(f"tenancy.{action}", _NONE, f"croft:{openstack}", says, project=False)


def _operator(action: str, openstack: str, says: str, system: Role = _ADMIN) -> Rule:
    return Rule(f"tenancy.{action}", _ADMIN, f"croft:{openstack}", says, project=False, system=system)


RULES = (
    _own("request.list", "request:list", "list requests"),
    _own("request.show", "request:show", "see this request"),
    _own("request.create", "request:create", "ask for a project"),
    _own("request.change", "request:change", "ask for more quota or time"),
    _own("request.comment", "request:comment", "comment on this request"),
    _own("request.withdraw", "request:withdraw", "withdraw this request"),
    _own("request.review", "request:review", "decide about requests without the reviewers' role"),
    _operator("request.decide", "request:decide", "decide about requests"),
    Rule("tenancy.life.show", _READER, "croft:project_life:show", "see how long this project lasts", system=_READER),
    _operator("life.list", "project_life:list", "list how long projects last", _READER),
    _operator("life.update", "project_life:update", "say how long projects last"),
    Rule("tenancy.life.archive", _MANAGER, "croft:project_life:archive", "archive this project", system=_ADMIN),
    _operator("life.expire", "project_life:expire", "end projects because it is time"),
    _operator("life.restore", "project_life:restore", "restore archived projects"),
    Rule("tenancy.notice.list", _MANAGER, "croft:notice:list", "read notices about this project", system=_READER),
)


def owning(name: str) -> Role:
    """The step of the ladder from which on people run their project."""
    return Role.__members__.get(name.upper(), _MANAGER)


def rules(owner: str) -> list[Rule]:
    """The table where holders of another role than `manager` run their projects."""
    return [replace(rule, least=owning(owner)) if rule.least is _MANAGER else rule for rule in RULES]
