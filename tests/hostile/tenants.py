"""What every attack needs: things of a victim, and short ways to ask for them."""

from __future__ import annotations

from typing import Any

from tests.cloud import Cloud
from tests.world import Answer

V2, NOVA, KEYSTONE, GLANCE = "/network/v2.0", "/compute/v2.1", "/identity/v3", "/image/v2"
LATEST = {"OpenStack-API-Version": "compute latest"}
VICTIM, THIEF, OPERATOR = "member:alpha", "member:beta", "admin:cloud"


class Tenants:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.world = cloud, cloud.world

    def call(self, method: str, path: str, body: Any = None, token: str = THIEF, **more: Any) -> Answer:
        if path.startswith(NOVA):
            more.setdefault("headers", LATEST)
        return self.world.call(method, path, body, token=token, **more)

    def make(self, plural: str, token: str = VICTIM, **wish: Any) -> dict[str, Any]:
        """A resource of the network service."""
        name = plural.removesuffix("s").replace("-", "_")
        answer = self.call("POST", f"{V2}/{plural}", {name: wish}, token)
        assert answer.status == 201, answer.body
        made: dict[str, Any] = answer.json[name]
        return made

    def show(self, plural: str, id: str, token: str = VICTIM) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"{V2}/{plural}/{id}", token=token).json
        return next(iter(found.values()))

    def network(self, token: str = VICTIM, cidr: str = "10.77.0.0/24", **wish: Any) -> tuple[str, str]:
        """A network and its subnet."""
        network = self.make("networks", token, name="n", **wish)["id"]
        return network, self.make("subnets", token, network_id=network, ip_version=4, cidr=cidr)["id"]

    def external(self) -> str:
        found = self.call("GET", f"{V2}/networks", token=VICTIM, query="router:external=true").json["networks"]
        return str(found[0]["id"])

    def image(self, token: str = VICTIM, **wish: Any) -> str:
        said = {"name": "i", "disk_format": "raw", "container_format": "bare"} | wish
        id = self.call("POST", f"{GLANCE}/images", said, token).json["id"]
        kind = {"content-type": "application/octet-stream"}
        answer = self.call("PUT", f"{GLANCE}/images/{id}/file", None, token, content=b"x" * 2048, headers=kind)
        assert answer.status == 204, answer.body
        return str(id)

    def flavor(self) -> str:
        return str(self.call("GET", f"{NOVA}/flavors", token=VICTIM).json["flavors"][0]["id"])

    def server(self, token: str = VICTIM, **wish: Any) -> str:
        said = {"name": "s", "flavorRef": self.flavor(), "imageRef": self.image(token), "networks": "auto"} | wish
        answer = self.call("POST", f"{NOVA}/servers", {"server": said}, token)
        assert answer.status == 202, answer.body
        self.world.settle(30)
        return str(answer.json["server"]["id"])
