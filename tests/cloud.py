"""A whole Croft on fake engines whose every call can be made to fail: what the laws run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from croft.app import Croft, Engines, fake_engines
from croft.core import statements
from croft.core.config import Config
from croft.core.db import Database
from croft.drivers.fabric import Kind
from croft.drivers.people import LdapSettings
from croft.drivers.people.fake import FakePeople
from croft.machine.credentials import Passwords
from tests.faults import Faults, Watched
from tests.world import World

Object = tuple[str, str, str]
DIRECTORY = "lab"
"""The domain whose people a directory keeps."""


@dataclass
class Cloud:
    world: World
    engines: Engines
    faults: Faults
    croft: Croft

    def inventory(self) -> frozenset[Object]:
        """(driver, kind or host, name) of everything the engines hold."""
        engines = self.engines
        found = {("fabric", kind.value, name) for kind in Kind for name in engines.fabric.names(kind)}
        found |= {("hypervisor", host, name) for host in engines.hosts for name in engines.hypervisor.names(host)}
        found |= {("block", "", name) for name in engines.block.names()}
        found |= {("imagestore", "", name) for name in engines.imagestore.names()}
        found |= {("uplink", "gateway", name) for name in engines.uplink.names()}
        found |= {("uplink", "route", route.prefix) for route in engines.uplink.routes()}
        found |= {("metadata", "", name) for name in engines.metadata.names()}
        return frozenset(found)

    def lose(self, what: Object) -> None:
        """The object vanishes from its engine without anyone having asked."""
        driver, kind, name = what
        match driver:
            case "fabric":
                self.engines.fabric.remove(Kind(kind), name)
            case "hypervisor":
                self.engines.hypervisor.remove(kind, name)
            case "uplink" if kind == "route":
                self.engines.uplink.unroute(name)
            case _:
                getattr(self.engines, driver).remove(name)

    def writes(self) -> int:
        """How often anything was really changed in an engine so far."""
        ports = ("fabric", "hypervisor", "block", "imagestore", "uplink", "metadata")
        return sum(getattr(self.engines, port).writes for port in ports)


class Statements:
    """What is sent to the database while it is open. Meanwhile none goes straight to the driver, past the listener."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._prepared = db.statements
        self.sent: list[str] = []

    @property
    def changes(self) -> list[str]:
        return [each for each in self.sent if each.split(None, 1)[0].upper() in {"INSERT", "UPDATE", "DELETE"}]

    def _note(self, _conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        self.sent.append(statement)

    def __enter__(self) -> Statements:
        self._db.statements = Unprepared(self._db.engine)
        sa.event.listen(self._db.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        sa.event.remove(self._db.engine, "before_cursor_execute", self._note)
        self._db.statements = self._prepared


class Unprepared(statements.Statements):
    """Keeps nothing, so that SQLAlchemy runs every statement."""

    def find(self, statement: sa.Executable, values: Mapping[str, Any]) -> None:
        return None


def build(db: Database, config: Config) -> Cloud:
    directory = FakePeople()
    directory.put("ada", "secret")
    directory.join("makers", "ada")
    engines = replace(
        fake_engines(hosts=2), people={DIRECTORY: (directory, LdapSettings("ldapi://", "dc=test", refresh_seconds=140))}
    )
    faults = Faults()
    ports = ("hypervisor", "block", "imagestore", "fabric", "uplink", "metadata")
    wrapped = replace(engines, **{port: faults.wrap(port, getattr(engines, port)) for port in ports})
    people = {name: (faults.wrap("people", port), wishes) for name, (port, wishes) in engines.people.items()}
    croft = Croft(config, db, replace(wrapped, people=people))
    croft.seed(Passwords("admin-password", "demo-password"))
    world = World(db, croft.services, croft.authenticate, croft.policy)
    world.loop.reconcilers = {kind: Watched(faults, each) for kind, each in world.loop.reconcilers.items()}
    world.settle()
    return Cloud(world, engines, faults, croft)
