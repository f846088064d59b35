"""Lets the machine forward packets between the provider network and its own uplinks, and undoes it at the end.

IPv4 is switched on per device. IPv6 only where the kernel can do it per device (`force_forwarding`, Linux 6.17); older
kernels know one switch for all, thrown only after every device that takes router advertisements is told to go on so."""

from __future__ import annotations

import json
from pathlib import Path

from croft.machine.commands import run
from croft.machine.facts import others
from croft.machine.layout import Layout

SETTINGS = Path("/proc/sys/net")
RECORD = Path("/run/lock/croft-forwarding.json")
"""What each setting was before the first cloud changed it."""


def enable(outside: str) -> None:
    devices = [outside, *_uplinks()]
    wanted = {f"ipv4/conf/{device}/forwarding": "1" for device in devices}
    wanted[f"ipv6/conf/{outside}/accept_ra"] = "0"
    if (SETTINGS / "ipv6/conf/all/force_forwarding").exists():
        wanted |= {f"ipv6/conf/{device}/force_forwarding": "1" for device in devices}
    elif _read("ipv6/conf/all/forwarding") == "0":
        listening = (path.parent.name for path in (SETTINGS / "ipv6/conf").glob("*/accept_ra"))
        wanted |= {f"ipv6/conf/{d}/accept_ra": "2" for d in listening if _read(f"ipv6/conf/{d}/accept_ra") == "1"}
        wanted |= {f"ipv6/conf/{outside}/accept_ra": "0", "ipv6/conf/all/forwarding": "1"}
    _write(wanted, outside)


def _write(wanted: dict[str, str], outside: str) -> None:
    changes = {name: value for name, value in wanted.items() if _read(name) not in (value, None)}
    if not changes:
        return
    before = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for name in changes:
        if outside not in name.split("/"):
            before.setdefault(name, _read(name))
    RECORD.write_text(json.dumps(before, indent=2) + "\n")
    for name, value in changes.items():
        (SETTINGS / name).write_text(value)


def restore_if_last(layout: Layout) -> None:
    """Puts everything back when no other cloud of this machine is up."""
    if not RECORD.exists() or any(facts.engines == "real" for facts in others(layout)):
        return
    for name, value in reversed(json.loads(RECORD.read_text()).items()):
        if _read(name) is not None:
            (SETTINGS / name).write_text(value)
    RECORD.unlink()


def _read(name: str) -> str | None:
    """None where the setting does not exist (no IPv6, device gone)."""
    try:
        return (SETTINGS / name).read_text().strip()
    except FileNotFoundError:
        return None


def _uplinks() -> list[str]:
    """Devices that default routes leave by."""
    found = []
    for family in ("-4", "-6"):
        for route in json.loads(run("ip", "-json", family, "route", "show", "default", check=False) or "[]"):
            hops = [route, *route.get("nexthops", ())]
            found += [hop["dev"] for hop in hops if "dev" in hop]
    return sorted(set(found))
