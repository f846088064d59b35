"""In every compute microversion that Croft claims, the released SDK leads a server through its life."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openstack.config import OpenStackConfig
from openstack.connection import Connection

from croft.services.compute.api import MICROVERSIONS
from tests.conformance.cloud import fake_cloud
from tests.e2e.cloud import MARKS

pytestmark = [*MARKS, pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedFieldWarning")]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF/v8CBFLjKGhKmU2pPCOWgGWxcE9f1GR7UrYh2qZyvR me@home"
VERSIONS = [f"2.{minor}" for minor in range(MICROVERSIONS.least.minor, MICROVERSIONS.most.minor + 1)]


@pytest.fixture(scope="module")
def clouds() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="croft-versions-") as place:
        folder = Path(place) / "state"
        folder.mkdir(mode=0o700)
        with fake_cloud(folder, Path(place)) as clouds:
            image: dict[str, Any] = {"container_format": "bare", "disk_format": "raw", "visibility": "public"}
            with connected(clouds, "croft-admin") as operator:
                operator.image.create_image("small", data=bytes(1 << 20), **image)
            yield clouds


def connected(clouds: Path, cloud: str, **words: Any) -> Connection:
    """Closes its sockets as a context manager."""
    known = OpenStackConfig(config_files=[str(clouds)], load_envvars=False)
    return Connection(config=known.get_one(cloud, **words))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_server_lives_in_this_version(clouds: Path, version: str) -> None:
    with connected(clouds, "croft", compute_default_microversion=version) as people:
        live(people, version)


def live(people: Connection, version: str) -> None:
    compute, name = people.compute, f"at-{version.replace('.', '-')}"
    compute.create_keypair(name=name, public_key=KEY)
    wish: dict[str, Any] = {"networks": "auto"} if int(version[2:]) >= 37 else {}
    image = people.image.find_image("small", ignore_missing=False)
    flavor = compute.find_flavor("m1.tiny", ignore_missing=False)
    made = compute.create_server(name=name, image_id=image.id, flavor_id=flavor.id, key_name=name, **wish)
    server = compute.wait_for_server(made, interval=0.1, wait=60)
    assert (server.status, server.name) == ("ACTIVE", name)
    assert [each.id for each in compute.servers(name=name)] == [server.id]
    compute.set_server_metadata(server, role=version)
    assert compute.get_server_metadata(server).metadata == {"role": version}
    compute.reboot_server(server, "HARD")
    assert compute.wait_for_server(server, interval=0.1, wait=60).status == "ACTIVE"
    assert "output" in compute.get_server_console_output(server)
    assert {each.action for each in compute.server_actions(server)} >= {"create", "reboot"}
    assert list(compute.flavors())
    assert list(compute.availability_zones())
    compute.delete_server(server)
    compute.wait_for_delete(server, interval=0.1, wait=60)
    compute.delete_keypair(name)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_operator_sees_hosts_in_this_version(clouds: Path, version: str) -> None:
    with connected(clouds, "croft-admin", compute_default_microversion=version) as operator:
        compute = operator.compute
        assert {each.state for each in compute.services()} == {"up"}
        assert [each.name for each in compute.hypervisors(details=True)]
        assert compute.get_limits().absolute is not None
