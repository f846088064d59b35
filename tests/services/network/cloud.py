"""A world with nothing but networks on fake engines, the outside network and the default pools, and shortcuts."""

from __future__ import annotations

from typing import Any

from croft.core import work
from croft.core.ctx import Ctx
from croft.core.db import Database
from croft.core.errors import Rejected
from croft.core.guard import guard
from croft.core.work import Gone, Result
from croft.drivers.fabric import Kind, Spec
from croft.drivers.fabric.fake import FakeFabric
from croft.drivers.metadata import Answer as MetadataAnswer
from croft.drivers.metadata.fake import FakeMetadata
from croft.drivers.uplink.fake import FakeUplink
from croft.services import network
from croft.services.network import actions
from tests.world import Answer, World

V2 = "/network/v2.0"
ADMIN = "admin:operators"
MISSING = "00000000-0000-7000-8000-000000000000"
SEED = actions.Seed(
    external_cidr_v4="198.18.7.0/24",
    gateway_v4="198.18.7.1",
    external_cidr_v6="2001:db8:7::/64",
    gateway_v6="2001:db8:7::1",
    physnet="physnet1",
    v4_pool="10.0.0.0/8",
    v6_pool="2001:db8:7::/48",
)
KEYS = {"security-groups": "security_group", "security-group-rules": "security_group_rule"}


class Fabric(FakeFabric):
    """Refuses whatever it is given while `refusal` says why."""

    refusal = ""

    def ensure(self, spec: Spec) -> None:
        if self.refusal:
            raise Rejected(self.refusal)
        super().ensure(spec)


class Servers:
    """Stands for the compute service: remembers which servers were woken."""

    kind, resync, deadline = "compute.server", 900, 900

    def __init__(self) -> None:
        self.woken: list[str] = []

    def reconcile(self, id: str) -> Result:
        self.woken.append(id)
        return Gone()


class Cloud(World):
    def __init__(self, db: Database, seed: actions.Seed = SEED) -> None:
        self.fabric, self.uplink, self.metadata, self.servers = Fabric(), FakeUplink(), FakeMetadata(), Servers()
        self.metadata.serve(lambda question: MetadataAnswer(200, "text/plain", b""))
        super().__init__(db, [network.service(db, guard(self.fabric), guard(self.uplink), guard(self.metadata))])
        self.loop.reconcilers["compute.server"] = self.servers
        actions.seed(db, seed)
        self.settle()

    def ask(self, method: str, path: str, body: Any = None, *, token: str = "member:alpha") -> Answer:
        return self.call(method, V2 + path, body, token=token)

    def make(self, plural: str, *, token: str = "member:alpha", **wishes: Any) -> dict[str, Any]:
        single = KEYS.get(plural, plural[:-1])
        answer = self.ask("POST", f"/{plural}", {single: wishes}, token=token)
        assert answer.status == 201, answer.body
        return dict(answer.json[single])

    def show(self, plural: str, id: str, *, token: str = "member:alpha") -> dict[str, Any]:
        answer = self.ask("GET", f"/{plural}/{id}", token=token)
        assert answer.status == 200, answer.body
        return dict(answer.json[KEYS.get(plural, plural[:-1])])

    def put(self, plural: str, id: str, *, token: str = "member:alpha", **wishes: Any) -> dict[str, Any]:
        single = KEYS.get(plural, plural[:-1])
        answer = self.ask("PUT", f"/{plural}/{id}", {single: wishes}, token=token)
        assert answer.status == 200, answer.body
        return dict(answer.json[single])

    def end(self, plural: str, id: str, *, token: str = "member:alpha") -> None:
        answer = self.ask("DELETE", f"/{plural}/{id}", token=token)
        assert answer.status == 204, answer.body

    def list(self, plural: str, query: str = "", *, token: str = "member:alpha") -> list[dict[str, Any]]:
        answer = self.ask("GET", f"/{plural}{'?' if query else ''}{query}", token=token)
        assert answer.status == 200, answer.body
        return list(answer.json[plural.replace("-", "_")])

    def refused(self, method: str, path: str, body: Any = None, *, token: str = "member:alpha") -> tuple[int, str]:
        """(status, Neutron's name of the error)."""
        answer = self.ask(method, path, body, token=token)
        assert answer.status >= 400, answer.body
        error = answer.json["NeutronError"]
        assert error["message"]
        return answer.status, error["type"]

    @property
    def public(self) -> str:
        return str(self.list("networks", "router:external=true&name=public")[0]["id"])

    def network(self, cidr: str = "10.1.0.0/24", *, token: str = "member:alpha", **wishes: Any) -> tuple[str, str]:
        """Ids of a network and its one subnet."""
        network = self.make("networks", token=token, **({"name": "blue"} | wishes))["id"]
        return network, self.subnet(network, cidr, token=token)

    def subnet(self, network: str, cidr: str, *, token: str = "member:alpha", **wishes: Any) -> str:
        version = 6 if ":" in cidr else 4
        return str(self.make("subnets", token=token, network_id=network, ip_version=version, cidr=cidr, **wishes)["id"])

    def slaac(self, network: str, cidr: str, mode: str = "slaac") -> str:
        return self.subnet(network, cidr, ipv6_ra_mode=mode, ipv6_address_mode=mode)

    def router(self, *subnets: str, outside: bool = True, **wishes: Any) -> str:
        info = {"external_gateway_info": {"network_id": self.public}} if outside else {}
        router = str(self.make("routers", **(info | {"name": "way"} | wishes))["id"])
        for subnet in subnets:
            self.attach(router, subnet_id=subnet)
        return router

    def attach(self, router: str, **wish: Any) -> dict[str, Any]:
        answer = self.ask("PUT", f"/routers/{router}/add_router_interface", wish)
        assert answer.status == 200, answer.body
        return dict(answer.json)

    def detach(self, router: str, **wish: Any) -> dict[str, Any]:
        answer = self.ask("PUT", f"/routers/{router}/remove_router_interface", wish)
        assert answer.status == 200, answer.body
        return dict(answer.json)

    def held(self, kind: Kind, id: str) -> Spec | None:
        return self.fabric.held(kind, id)

    def note(self, kind: str, id: str) -> work.Note:
        with self.db.read() as tx:
            return work.note(tx, kind, id)

    def member(self, project: str = "alpha") -> Ctx:
        return self.ctx("member", project)


def addresses(port: dict[str, Any]) -> list[str]:
    return [each["ip_address"] for each in port["fixed_ips"]]
