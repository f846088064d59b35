"""Our table in nftables: a chain per gateway that masquerades IPv4, and that is also the record of the gateway.

Each rule carries in its comment the word of the `Gateway` it stands for:
    oifname <device> return           the physical network: what goes into it is not translated
    ip saddr <own address> return     an address: neither is what the gateway itself sends
    ip saddr <prefix> masquerade      a translated prefix"""

from __future__ import annotations

import ipaddress
from typing import Any

from croft.core.errors import Rejected
from croft.drivers.uplink import Gateway
from croft.drivers.uplink.commands import Commands

_FAMILY = "inet"
_CHAIN = "gw-"
_SOURCE_NAT = 100
"""nftables' `srcnat` priority."""


class Translation:
    def __init__(self, commands: Commands, table: str) -> None:
        self._commands = commands
        self._table = {"family": _FAMILY, "name": table}
        self._place = {"family": _FAMILY, "table": table}

    def gateways(self) -> dict[str, Gateway]:
        """As recorded, whether or not in force."""
        if not self._exists():
            return {}
        listed = self._commands.nft("list", "table", _FAMILY, self._table["name"])
        chains: dict[str, list[dict[str, Any]]] = {item["chain"]["name"]: [] for item in listed if "chain" in item}
        for rule in (item["rule"] for item in listed if "rule" in item):
            chains[rule["chain"]].append(rule)
        return {
            chain.removeprefix(_CHAIN): _recorded(chain.removeprefix(_CHAIN), rules)
            for chain, rules in chains.items()
            if chain.startswith(_CHAIN)
        }

    def write(self, gateway: Gateway, device: str) -> None:
        chain = {**self._place, "name": _CHAIN + gateway.name}
        hook = {"type": "nat", "hook": "postrouting", "prio": _SOURCE_NAT, "policy": "accept"}
        rules = [_rule(_leaving_by(device), "return", gateway.physnet)]
        rules += [_rule(_from(address), "return", address) for address in gateway.addresses]
        rules += [_rule(_from(prefix), "masquerade", prefix) for prefix in gateway.nat]
        self._commands.nft_apply(
            [
                {"add": {"table": self._table}},
                {"add": {"chain": chain | hook}},
                {"flush": {"chain": chain}},
                *({"add": {"rule": {**self._place, "chain": chain["name"], **rule}}} for rule in rules),
            ]
        )

    def erase(self, name: str) -> None:
        gateways = self.gateways()
        if gateways.pop(name, None) is None:
            return
        if gateways:
            self._commands.nft_apply([{"delete": {"chain": {**self._place, "name": _CHAIN + name}}}])
        else:
            self._commands.nft_apply([{"delete": {"table": self._table}}])

    def _exists(self) -> bool:
        listed = self._commands.nft("list", "tables")
        wanted = self._table
        return any(
            (item["table"]["family"], item["table"]["name"]) == (wanted["family"], wanted["name"])
            for item in listed
            if "table" in item
        )


def check_translated(prefix: str) -> None:
    """Refuses to translate anything but IPv4."""
    if ipaddress.ip_network(prefix).version != 4:
        raise Rejected(f"{prefix} is not IPv4; nothing else is translated.")


def _leaving_by(device: str) -> dict[str, Any]:
    return {"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": device}}


def _from(source: str) -> dict[str, Any]:
    """From a prefix; from the one address when given an interface's."""
    interface = ipaddress.ip_interface(source)
    right: object = str(interface.ip)
    if interface == ipaddress.ip_interface(interface.network):
        right = {"prefix": {"addr": str(interface.ip), "len": interface.network.prefixlen}}
    protocol = "ip" if interface.version == 4 else "ip6"
    return {"match": {"op": "==", "left": {"payload": {"protocol": protocol, "field": "saddr"}}, "right": right}}


def _rule(match: dict[str, Any], verdict: str, comment: str) -> dict[str, Any]:
    return {"expr": [match, {verdict: None}], "comment": comment}


def _recorded(name: str, rules: list[dict[str, Any]]) -> Gateway:
    words: dict[str, list[str]] = {"meta": [], "payload": [], "masquerade": []}
    for rule in rules:
        match, verdict = rule["expr"][0], rule["expr"][-1]
        kind = "masquerade" if "masquerade" in verdict else next(iter(match["match"]["left"]))
        words[kind].append(rule.get("comment", ""))
    return Gateway(name, "".join(words["meta"]), tuple(words["payload"]), tuple(words["masquerade"]))
