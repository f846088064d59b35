"""Where everything of one embedded cloud lives: files, sockets, namespaces, devices. Names only."""

from __future__ import annotations

import hashlib
import os
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

DEFAULT_STATE = Path("/var/lib/croft")
NETNS_DIR = Path("/run/netns")
PHYSNET = "physnet1"
MAX_HOSTS = 200


@dataclass(frozen=True)
class HostLayout:
    """One host: `hN` in namespace `croft-<tag>-hN`, its files under `hosts/hN`, its sockets under the run directory."""

    number: int
    directory: Path
    run: Path
    namespace: str
    uuid: str

    @property
    def name(self) -> str:
        return f"h{self.number}"

    @property
    def netns(self) -> Path:
        return NETNS_DIR / self.namespace

    @property
    def underlay_address(self) -> str:
        return f"172.31.0.{self.number}"

    @property
    def ovs_run(self) -> Path:
        return self.run / "ovs"

    @property
    def ovsdb_socket(self) -> Path:
        return self.ovs_run / "db.sock"

    @property
    def vswitchd_control(self) -> Path:
        return self.ovs_run / "ovs-vswitchd.ctl"

    @property
    def libvirt_run(self) -> Path:
        return self.run / "libvirt"

    @property
    def libvirt_socket(self) -> Path:
        return self.libvirt_run / "libvirt-sock"

    @property
    def libvirt_uri(self) -> str:
        return f"qemu+unix:///system?socket={self.libvirt_socket}"


@dataclass(frozen=True)
class Layout:
    """Every path and name of the cloud kept in `state`. Clouds in different directories share no name."""

    state: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", self.state.resolve())

    @cached_property
    def tag(self) -> str:
        """Six hex digits of the state directory's path; part of every name that is visible outside of it."""
        return hashlib.sha256(os.fsencode(self.state)).hexdigest()[:6]

    @property
    def number(self) -> int:
        return int(self.tag, 16)

    @property
    def facts(self) -> Path:
        return self.state / "cloud.json"

    @property
    def lock(self) -> Path:
        return self.state / "lock"

    @property
    def database(self) -> Path:
        return self.state / "croft.db"

    @property
    def ca(self) -> Path:
        return self.state / "ca"

    @property
    def ca_certificate(self) -> Path:
        return self.ca / "ca.pem"

    @property
    def clouds_yaml(self) -> Path:
        return self.state / "clouds.yaml"

    @property
    def images(self) -> Path:
        return self.state / "images"

    @property
    def volumes(self) -> Path:
        return self.state / "volumes"

    @property
    def guests(self) -> Path:
        return self.state / "guests"

    @property
    def hosts(self) -> Path:
        return self.state / "hosts"

    @property
    def ovn(self) -> Path:
        return self.state / "ovn"

    @property
    def log(self) -> Path:
        return self.state / "log"

    @property
    def sv(self) -> Path:
        return self.state / "sv"

    @property
    def run(self) -> Path:
        """Sockets and pids. Short on purpose: a unix socket's path ends at 107 bytes, however deep `state` is."""
        return Path(f"/run/croft-{self.tag}") if os.geteuid() == 0 else self.state / "run"

    @property
    def central_run(self) -> Path:
        return self.run / "central"

    @property
    def northbound_socket(self) -> Path:
        return self.central_run / "ovnnb_db.sock"

    @property
    def southbound_socket(self) -> Path:
        return self.central_run / "ovnsb_db.sock"

    @property
    def namespace_prefix(self) -> str:
        return f"croft-{self.tag}-"

    def namespace(self, name: str) -> str:
        return self.namespace_prefix + name

    @property
    def outside_device(self) -> str:
        """The root namespace's end of the provider network."""
        return f"croft-{self.tag}"

    @property
    def nftables_table(self) -> str:
        """The uplink driver's, in family inet."""
        return f"croft_{self.tag}"

    @property
    def unit(self) -> str:
        """The systemd unit that holds the supervisor where systemd runs."""
        return f"croft-{self.tag}"

    def daemon_log(self, name: str) -> Path:
        return self.log / name / "current"

    def host(self, number: int) -> HostLayout:
        if not 1 <= number <= MAX_HOSTS:
            raise ValueError(f"a cloud has hosts 1 to {MAX_HOSTS}, not {number}")
        name = f"h{number}"
        return HostLayout(
            number=number,
            directory=self.hosts / name,
            run=self.run / name,
            namespace=self.namespace(name),
            uuid=str(uuid.uuid5(uuid.NAMESPACE_URL, f"croft:{self.state}:{name}")),
        )
