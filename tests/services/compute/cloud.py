"""A world with images, networks and compute on fake engines, and shortcuts for servers."""

from __future__ import annotations

from typing import Any

from croft.core.db import Database
from croft.core.errors import Unavailable
from croft.core.guard import guard
from croft.drivers.block.fake import FakeBlock
from croft.drivers.fabric import Spec
from croft.drivers.fabric.fake import FakeFabric
from croft.drivers.hypervisor.fake import FakeHypervisor
from croft.drivers.imagestore.fake import FakeImageStore
from croft.drivers.metadata.fake import FakeMetadata
from croft.drivers.uplink.fake import FakeUplink
from croft.services import compute, images, network
from croft.services.compute import actions
from croft.services.network import actions as network_actions
from tests.world import Answer, World

MIB, GIB = 1 << 20, 1 << 30
C = "/compute/v2.1"
HOSTS = ("h1", "h2")
ADMIN = "admin:alpha"
MISSING = "00000000-0000-7000-8000-000000000000"
OUTSIDE = network_actions.Seed(
    "198.18.0.0/24", "198.18.0.1", "2001:db8:ffff::/64", "2001:db8:ffff::1", "physnet1", v6_pool="2001:db8::/48"
)


class Fabric(FakeFabric):
    """Takes nothing while it is `away`."""

    away = False

    def ensure(self, spec: Spec) -> None:
        if self.away:
            raise Unavailable("The fabric is away.")
        super().ensure(spec)


class Cloud(World):
    def __init__(self, db: Database, *, hosts: tuple[str, ...] = HOSTS, **capacity: int) -> None:
        self.fabric = Fabric(hosts)

        def plugged(port: str, host: str, up: bool) -> None:
            self.fabric.plug(port, host) if up else self.fabric.unplug(port)

        self.hypervisor = FakeHypervisor(hosts, plugged=plugged, **capacity)
        self.imagestore, self.metadata = FakeImageStore(), FakeMetadata()
        self.block = FakeBlock(self.imagestore.virtual_size)
        super().__init__(
            db,
            [
                images.service(db, guard(self.imagestore)),
                network.service(db, guard(self.fabric), guard(FakeUplink()), guard(self.metadata)),
                compute.service(db, guard(self.hypervisor), guard(self.block), guard(self.imagestore)),
            ],
        )
        self.metadata.serve(actions.answer_metadata(db))
        network_actions.seed(db, OUTSIDE)
        actions.seed(db)
        actions.register_hosts(db, hosts)
        self.settle()
        self._image = ""

    @property
    def image(self) -> str:
        """A public image of 1 MiB."""
        if not self._image:
            self._image = self.new_image(b"\x01" * MIB)
        return self._image

    def new_image(self, content: bytes = b"disk", token: str = ADMIN, **wishes: Any) -> str:
        body = {"name": "tiny", "disk_format": "raw", "container_format": "bare", "visibility": "public"} | wishes
        image = self.call("POST", "/image/v2/images", body, token=token).json["id"]
        octets = {"content-type": "application/octet-stream"}
        answer = self.call("PUT", f"/image/v2/images/{image}/file", chunks=[content], headers=octets, token=token)
        assert answer.status == 204, answer.body
        return str(image)

    def ask(
        self, method: str, path: str, body: Any = None, *, at: str = "2.37", token: str = "member:alpha", **words: Any
    ) -> Answer:
        """A request at a microversion; the path follows `/compute/v2.1`."""
        version = {"OpenStack-API-Version": f"compute {at}"}
        return self.call(method, C + path, body, token=token, headers=version, **words)

    def post_server(self, *, at: str = "2.37", token: str = "member:alpha", **wishes: Any) -> Answer:
        server = {"name": "one", "imageRef": self.image, "flavorRef": "1", "networks": "auto"} | wishes
        return self.ask("POST", "/servers", {"server": server}, at=at, token=token)

    def create(self, *, settle: bool = True, **wishes: Any) -> str:
        answer = self.post_server(**wishes)
        assert answer.status == 202, answer.body
        if settle:
            self.settle()
        return str(answer.json["server"]["id"])

    def show(self, id: str, *, at: str = "2.37", token: str = "member:alpha") -> dict[str, Any]:
        answer = self.ask("GET", f"/servers/{id}", at=at, token=token)
        assert answer.status == 200, answer.body
        return dict(answer.json["server"])

    def status(self, id: str) -> str:
        return str(self.show(id)["status"])

    def act(self, id: str, action: str, body: Any = None, *, token: str = "member:alpha", at: str = "2.37") -> Answer:
        return self.ask("POST", f"/servers/{id}/action", {action: body}, at=at, token=token)

    def names(self, query: str = "", *, token: str = "member:alpha", at: str = "2.37") -> list[str]:
        answer = self.ask("GET", "/servers/detail", query=query, token=token, at=at)
        assert answer.status == 200, answer.body
        return [server["name"] for server in answer.json["servers"]]

    def power(self, id: str) -> str | None:
        """What the guest really does, on whichever host it is."""
        for host in HOSTS:
            state = self.hypervisor.observe(host, id)
            if state is not None:
                return state.power.value
        return None

    def held(self) -> set[str]:
        """Everything of servers that the engines hold."""
        guests = {name for host in HOSTS for name in self.hypervisor.names(host)}
        return guests | set(self.block.names())


def states(cloud: Cloud, id: str) -> tuple[str, str, str | None, int]:
    shown = cloud.show(id)
    return (
        shown["status"],
        shown["OS-EXT-STS:vm_state"],
        shown["OS-EXT-STS:task_state"],
        shown["OS-EXT-STS:power_state"],
    )


def message(answer: Answer) -> str:
    """What a refusal says."""
    return str(next(iter(answer.json.values()))["message"])
