"""Who may look behind the scenes."""

from croft.core.policy import Role, Rule

RULES = (
    Rule("operations.work.show", Role.ADMIN, "croft:work:show", "see how Croft works on a resource", project=False),
    Rule("operations.work.list", Role.ADMIN, "croft:work:list", "list what is not as wished", project=False),
    Rule("operations.orphan.list", Role.ADMIN, "croft:orphan:list", "list what no row accounts for", project=False),
    Rule("operations.audit.list", Role.READER, "croft:audit:list", "read the log of actions"),
)
