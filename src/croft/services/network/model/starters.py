"""What a new project's default security group lets in, as operators write it: `tcp/22 from tenants, icmp from any`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from croft.core.errors import Invalid
from croft.services.network.model import rules as words
from croft.services.network.model.addresses import prefix

USUAL = "icmp from any, tcp/22 from tenants, tcp/22 from group, udp/1-65535 from group, icmp from group"
"""Pings from everywhere, secure shell from this cloud's own addresses, everything the group's members say."""
_RULE = re.compile(r"(?P<protocol>[a-z0-9-]+)(?:/(?P<low>\d{1,5})(?:-(?P<high>\d{1,5}))?)? from (?P<source>\S+)")
_FAMILIES = {4: "IPv4", 6: "IPv6"}


@dataclass(frozen=True)
class Opening:
    """One rule; without prefix and group it is for everybody."""

    ethertype: str
    protocol: str
    ports: tuple[int | None, int | None] = (None, None)
    prefix: str | None = None
    group: bool = False


@dataclass(frozen=True)
class Starter:
    """What a new project gets. With `network` its network and router are made at once, else at first use."""

    rules: str = "usual"
    network: bool = False

    def __post_init__(self) -> None:
        openings(self.rules, {})


def openings(text: str, tenants: Mapping[int, Sequence[str]]) -> list[Opening]:
    """The rules, in both IP versions where they name none; `tenants` are the prefixes that projects live in."""
    said = {"usual": USUAL, "none": ""}.get(text.strip(), text)
    return [each for part in said.split(",") if part.strip() for each in _openings(part.strip(), tenants)]


def _openings(text: str, tenants: Mapping[int, Sequence[str]]) -> list[Opening]:
    found = _RULE.fullmatch(text)
    if found is None:
        raise Invalid(f"'{text[:60]}' is no rule for new projects. Write for instance: tcp/22 from 192.0.2.0/24.")
    low, high = found["low"], found["high"] or found["low"]
    ports = (int(low), int(high)) if low else (None, None)
    source, made = found["source"], []
    for version, ethertype in _FAMILIES.items():
        protocol = _protocol(found["protocol"], ethertype)
        words.check_ports(protocol, *ports)
        for remote in _prefixes(source, version, tenants):
            made.append(Opening(ethertype, protocol, ports, remote, source == "group"))
    return made


def _protocol(word: str, ethertype: str) -> str:
    found = words.check_protocol("ipv6-icmp" if (word, ethertype) == ("icmp", "IPv6") else word, ethertype)
    if found is None:
        raise Invalid("A rule for new projects names a protocol.")
    return found


def _prefixes(source: str, version: int, tenants: Mapping[int, Sequence[str]]) -> Sequence[str | None]:
    if source in {"any", "group"}:
        return [None]
    if source == "tenants":
        return tenants.get(version, ())
    try:
        net = prefix(source)
    except ValueError as error:
        raise Invalid(f"'{source[:60]}' is neither any, group, tenants nor a prefix of addresses.") from error
    return [str(net)] if net.version == version else []
