"""Plans of security groups, and of the one port group that drops what no security group allows."""

from __future__ import annotations

from croft.drivers.fabric import Group, Rule
from croft.drivers.fabric.ovn.rows import Names, Plan, Row, columns

DROP, ALLOW = 1001, 1002

PROTOCOLS = {
    "ah": 51,
    "dccp": 33,
    "egp": 8,
    "esp": 50,
    "gre": 47,
    "icmp": 1,
    "icmpv4": 1,
    "icmpv6": 58,
    "igmp": 2,
    "ipip": 4,
    "ipv6-encap": 41,
    "ipv6-frag": 44,
    "ipv6-icmp": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ipv6-route": 43,
    "ospf": 89,
    "pgm": 113,
    "rsvp": 46,
    "sctp": 132,
    "tcp": 6,
    "udp": 17,
    "udplite": 136,
    "vrrp": 112,
}
"""Neutron's names: https://docs.openstack.org/api-ref/network/v2/#create-security-group-rule."""

WITH_PORTS = {6: "tcp", 17: "udp", 132: "sctp"}

DEFAULTS = (
    ("from-lport", DROP, "drop", "inport == @{group} && ip"),
    ("to-lport", DROP, "drop", "outport == @{group} && ip"),
    ("from-lport", ALLOW, "allow-related", "inport == @{group} && ip4 && udp.src == 68 && udp.dst == 67"),
    ("to-lport", ALLOW, "allow-related", "outport == @{group} && ip4 && udp.src == 67 && udp.dst == 68"),
    ("from-lport", ALLOW, "allow-related", "inport == @{group} && ip6 && udp.src == 546 && udp.dst == 547"),
    ("to-lport", ALLOW, "allow-related", "outport == @{group} && ip6 && udp.src == 547 && udp.dst == 546"),
    ("from-lport", ALLOW, "allow", "inport == @{group} && (nd || nd_rs || mldv1 || mldv2)"),
    ("to-lport", ALLOW, "allow", "outport == @{group} && (nd || nd_ra || mldv1 || mldv2)"),
)
"""What every filtered port gets: nothing, but for what it needs to get its addresses."""


def port_group(group: str) -> str:
    """A name the match language can hold."""
    return f"pg_{group.replace('-', '_')}"


def plan_group(names: Names, group: Group) -> Plan:
    name = port_group(group.id)
    filters = {
        acl.uuid: acl
        for rule in group.rules
        for acl in [_acl(names, ("group", group.id), _direction(rule), ALLOW, "allow-related", _match(name, rule))]
    }
    root = Row(
        "Port_Group",
        names.uuid("group", group.id),
        columns(name=name, acls=list(filters), external_ids=names.tags("group", group.id, gen=group.gen)),
    )
    return Plan("group", group.id, group.gen, root, tuple(filters.values()))


def drop_group(names: Names) -> tuple[Row, ...]:
    uuid = names.uuid("drop", "all")
    name = f"drop_{uuid.hex}"
    filters = tuple(
        _acl(names, ("drop", "all"), direction, priority, action, match.format(group=name))
        for direction, priority, action, match in DEFAULTS
    )
    acls = {acl.uuid for acl in filters}
    root = Row("Port_Group", uuid, columns(name=name, acls=acls, external_ids=names.tags("drop", "all")))
    return (root, *filters)


def _acl(names: Names, owner: tuple[str, str], direction: str, priority: int, action: str, match: str) -> Row:
    return Row(
        "ACL",
        names.uuid(*owner, f"{direction} {priority} {match}"),
        columns(
            direction=direction,
            priority=priority,
            match=match,
            action=action,
            log=False,
            external_ids=names.tags(*owner),
        ),
    )


def _direction(rule: Rule) -> str:
    return "from-lport" if rule.direction == "egress" else "to-lport"


def _match(group: str, rule: Rule) -> str:
    """The rule in OVN's words; what cannot be said (a range for a protocol without ports) is left out as in Neutron."""
    egress = rule.direction == "egress"
    family = "ip6" if rule.ethertype == "IPv6" else "ip4"
    other = f"{family}.{'dst' if egress else 'src'}"
    terms = [f"{'inport' if egress else 'outport'} == @{group}", family]
    if rule.remote_prefix and not rule.remote_prefix.endswith("/0"):
        terms.append(f"{other} == {rule.remote_prefix}")
    if rule.remote_group:
        terms.append(f"{other} == ${port_group(rule.remote_group)}_{family}")
    return " && ".join(terms + _protocol(family, rule))


def _protocol(family: str, rule: Rule) -> list[str]:
    if not rule.protocol:
        return []
    number = PROTOCOLS[rule.protocol] if rule.protocol in PROTOCOLS else int(rule.protocol)
    low, high = rule.port_min, rule.port_max
    if number in {1, 58}:
        icmp = "icmp6" if family == "ip6" else "icmp4"
        type_ = [f"{icmp}.type == {low}"] if low is not None else []
        code = [f"{icmp}.code == {high}"] if high is not None else []
        return [icmp, *type_, *code]
    if number not in WITH_PORTS:
        return [f"ip.proto == {number}"]
    name = WITH_PORTS[number]
    if low is None and high is None:
        return [name]
    if low == high:
        return [name, f"{name}.dst == {low}"]
    floor = [f"{name}.dst >= {low}"] if low is not None else []
    ceiling = [f"{name}.dst <= {high}"] if high is not None else []
    return [name, *floor, *ceiling]
