"""The version documents: what is at the unversioned root, and what v2.0 holds."""

from __future__ import annotations

from typing import Any

_RESOURCES = (
    "network", "subnet", "subnetpool", "port", "router", "floatingip", "security-group", "security-group-rule", "quota",
    "extension", "auto-allocated-topology", "network-ip-availability",
)  # fmt: skip


def versions(base: str) -> dict[str, Any]:
    return {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": f"{base}/v2.0/"}]}]}


def resources(base: str) -> dict[str, Any]:
    return {"resources": [_resource(base, name) for name in _RESOURCES]}


def _resource(base: str, name: str) -> dict[str, Any]:
    plural = name.removesuffix("y") + ("ies" if name.endswith("y") else "s")
    path = plural if name not in {"network-ip-availability"} else "network-ip-availabilities"
    return {
        "name": name.replace("-", "_"),
        "collection": plural.replace("-", "_"),
        "links": [{"rel": "self", "href": f"{base}/v2.0/{path}"}],
    }
