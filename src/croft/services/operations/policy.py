"""Who may look behind the scenes."""

from croft.core.policy import Role, Rule

_READER = Role.READER

RULES = (
    Rule("operations.work.show", Role.ADMIN, "croft:work:show", "see how Croft works on a resource", system=_READER),
    Rule("operations.work.list", Role.ADMIN, "croft:work:list", "list what is not as wished", system=_READER),
    Rule("operations.orphan.list", Role.ADMIN, "croft:orphan:list", "list what no row accounts for", system=_READER),
    Rule(
        "operations.audit.list",
        Role.READER,
        "croft:audit:list",
        "read the log of actions",
        system=_READER,
        auditor=True,
        inventory=True,
    ),
)
