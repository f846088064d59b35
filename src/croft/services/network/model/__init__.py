"""Rows, statuses, address arithmetic, security rules and the fabric's specs. No I/O, no clock."""

from croft.services.network.model.rows import (
    Fixed,
    Floating,
    Group,
    Network,
    Pool,
    Port,
    Router,
    Rule,
    Subnet,
)

__all__ = ["Fixed", "Floating", "Group", "Network", "Pool", "Port", "Router", "Rule", "Subnet"]
