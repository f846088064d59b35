"""Security-group rules: Neutron's vocabulary, what a rule may say, and what every new group begins with."""

from __future__ import annotations

from croft.core.errors import Invalid
from croft.services.network.model.addresses import prefix
from croft.services.network.model.rows import Rule

PROTOCOLS = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "igmp": 2, "ip": 0, "ipip": 4,
    "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "icmpv6": 58, "ipv6-nonxt": 59, "ipv6-opts": 60,
    "ipv6-route": 43, "ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
}  # fmt: skip
_PORTED = {6, 17, 33, 132, 136}
_ONLY_IPV6 = {"icmpv6", "ipv6-icmp", "ipv6-encap", "ipv6-frag", "ipv6-nonxt", "ipv6-opts", "ipv6-route"}
_FABRIC_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}


def number(protocol: str | None) -> int | None:
    """The IP protocol number, None for any."""
    if protocol is None or protocol == "any":
        return None
    return PROTOCOLS[protocol] if protocol in PROTOCOLS else int(protocol)


def check_protocol(text: str | None, ethertype: str) -> str | None:
    """The protocol as it is stored; `Invalid` when there is no such one."""
    if text is None or text.lower() in {"", "any"}:
        return None
    word = text.lower()
    if word.isdigit() and word.isascii() and len(word) <= 3 and int(word) <= 255:
        return str(int(word))
    if word not in PROTOCOLS:
        raise Invalid(
            f"Security group rule protocol {text[:40]} not supported. Only protocol values {sorted(PROTOCOLS)} "
            "and integer representations [0 to 255] are supported.",
            kind="SecurityGroupRuleInvalidProtocol",
        )
    if word in _ONLY_IPV6 and ethertype == "IPv4":
        raise Invalid(
            f"Invalid ethertype {ethertype} for protocol {word}.", kind="SecurityGroupEthertypeConflictWithProtocol"
        )
    return word


def check_ports(protocol: str | None, least: int | None, most: int | None) -> None:
    found = number(protocol)
    if least is None and most is None:
        return
    if found is None:
        raise Invalid(
            "Must also specify protocol if port range is given.", kind="SecurityGroupProtocolRequiredWithPorts"
        )
    if found in {1, 58}:
        _check_icmp(least, most)
        return
    if found not in _PORTED:
        raise Invalid(
            f"Port range cannot be specified for protocol {protocol}. Port range is only supported for TCP, UDP, "
            "UDPLITE, SCTP and DCCP.",
            kind="SecurityGroupInvalidProtocolForPort",
        )
    for value in (least, most):
        if value is not None and not 0 <= value <= 65535:
            raise Invalid(f"Invalid value for port {value}", kind="SecurityGroupInvalidPortValue")
    if least is None or most is None or least > most:
        raise Invalid(
            "For TCP/UDP protocols, port_range_min must be <= port_range_max", kind="SecurityGroupInvalidPortRange"
        )


def _check_icmp(kind: int | None, code: int | None) -> None:
    for value, field, name in ((kind, "port_range_min", "type"), (code, "port_range_max", "code")):
        if value is not None and not 0 <= value <= 255:
            raise Invalid(
                f"Invalid value for ICMP {name} ({field}) {value}. It must be 0 to 255.",
                kind="SecurityGroupInvalidIcmpValue",
            )
    if kind is None and code is not None:
        raise Invalid(
            f"ICMP code (port-range-max) {code} is provided but ICMP type (port-range-min) is missing.",
            kind="SecurityGroupMissingIcmpType",
        )


def check_remote(text: str | None, ethertype: str) -> str | None:
    """The remote prefix in canonical form."""
    if text is None:
        return None
    try:
        net = prefix(text)
    except ValueError as error:
        raise Invalid(f"'{text[:60]}' is not a valid IP subnet: {error}.") from error
    if f"IPv{net.version}" != ethertype:
        raise Invalid(
            f"Conflicting value ethertype {ethertype} for CIDR {text}", kind="SecurityGroupRuleParameterConflict"
        )
    return text if "/" not in text else str(net)


def fabric_protocol(protocol: str | None, ethertype: str) -> str:
    """The name the fabric port uses: one spelling per protocol, numbers for the rest."""
    found = number(protocol)
    if found is None or (found == 0 and protocol in {"ip", "0"}):
        return ""
    if found == 1 and ethertype == "IPv6":
        found = 58
    return _FABRIC_NAMES.get(found, str(found))


def sense(rule: Rule) -> tuple[object, ...]:
    """What a rule says, whatever way it is spelt: two rules of one group may not say the same."""
    remote = str(prefix(rule.remote_prefix)) if rule.remote_prefix else None
    if remote in {"0.0.0.0/0", "::/0"}:
        remote = None
    protocol = number(rule.protocol)
    ports = None if (rule.port_min, rule.port_max) == (0, 65535) else (rule.port_min, rule.port_max)
    return rule.direction, rule.ethertype, protocol, ports or (None, None), remote, rule.remote_group
