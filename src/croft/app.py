"""The composition root: config → engines → services → HTTP and workers. The only file that names real drivers."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from croft.core import work
from croft.core.config import Config, ConfigError, Secret, record
from croft.core.db import Database
from croft.core.errors import EngineError
from croft.core.guard import guard
from croft.core.http import Application, Service
from croft.core.policy import Policy, read_overrides
from croft.core.quota import Quotas
from croft.core.work.loop import Loop
from croft.drivers.block import Block
from croft.drivers.fabric import Fabric, Kind
from croft.drivers.hypervisor import Hypervisor
from croft.drivers.imagestore import ImageStore
from croft.drivers.metadata import Metadata
from croft.drivers.people import LdapSettings, People
from croft.drivers.provider import Provider, ProviderSettings
from croft.drivers.uplink import Uplink
from croft.machine import facts
from croft.machine.credentials import Passwords, ensure_vault_keys
from croft.machine.embedded import Embedded
from croft.machine.layout import PHYSNET, Layout
from croft.services import compute, identity, images, network, operations, tenancy
from croft.services.compute import actions as compute_actions
from croft.services.identity import actions as identity_actions
from croft.services.network import actions as network_actions
from croft.services.operations import actions as operations_actions

log = logging.getLogger("croft.app")
TENANT_V4 = "10.0.0.0/8"
"""Private addresses that projects' automatic networks are carved from, /24 by /24; translated on their way out."""
FAKE_EXTERNAL = ("198.18.0.0/24", "2001:db8::/48")


@dataclass(frozen=True)
class Engines:
    """One driver per port, and the hosts that run guests."""

    hypervisor: Hypervisor
    block: Block
    imagestore: ImageStore
    fabric: Fabric
    uplink: Uplink
    metadata: Metadata
    hosts: tuple[str, ...]
    people: Mapping[str, tuple[People, LdapSettings]] = field(default_factory=dict)
    """Domain → its directory."""
    providers: Mapping[str, tuple[Provider, ProviderSettings]] = field(default_factory=dict)
    """Name → identity provider."""

    def guarded(self) -> Engines:
        """The same, refusing calls from inside a transaction."""
        return Engines(
            guard(self.hypervisor),
            guard(self.block),
            guard(self.imagestore),
            guard(self.fabric),
            guard(self.uplink),
            guard(self.metadata),
            self.hosts,
            {domain: (guard(people), wishes) for domain, (people, wishes) in self.people.items()},
            {name: (guard(provider), wishes) for name, (provider, wishes) in self.providers.items()},
        )

    def close(self) -> None:
        for driver in (self.metadata, self.hypervisor, self.fabric):
            driver.close()
        for people, _ in self.people.values():
            people.close()
        for provider, _ in self.providers.values():
            provider.close()


def _login_rules(config: Config) -> dict[str, Any]:
    """What identity asks of passwords and of those who log in."""
    return {
        "lockout_attempts": config.lockout_attempts,
        "lockout_seconds": config.lockout_seconds,
        "address_attempts": config.address_attempts,
        "address_seconds": config.address_seconds,
        "address_exempt": _words(config.address_exempt),
        "unique_last_passwords": config.password_unique_last,
        "password_expires_days": config.password_expires_days,
        "password_minimum_days": config.password_minimum_days,
        "password_patterns": [line.strip() for line in config.password_regex.splitlines() if line.strip()],
        "password_says": config.password_regex_description,
        "change_upon_first_use": config.change_password_upon_first_use,
        "inactive_days": config.inactive_days,
        "require_totp_for": _words(config.require_totp_for),
    }


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def fake_engines(hosts: int = 1) -> Engines:
    """Every engine in memory: no root, any OS, thousands of servers."""
    from croft.drivers.block.fake import FakeBlock
    from croft.drivers.fabric.fake import FakeFabric
    from croft.drivers.hypervisor.fake import FakeHypervisor
    from croft.drivers.imagestore.fake import FakeImageStore
    from croft.drivers.metadata.fake import FakeMetadata
    from croft.drivers.uplink.fake import FakeUplink

    names = tuple(f"h{number}" for number in range(1, hosts + 1))
    fabric = FakeFabric(names)

    def plugged(port: str, host: str, up: bool) -> None:
        fabric.plug(port, host) if up else fabric.unplug(port)

    hypervisor = FakeHypervisor(names, vcpus=4096, memory_mib=4 << 20, disk_gib=1 << 20, plugged=plugged)
    return Engines(hypervisor, FakeBlock(), FakeImageStore(), fabric, FakeUplink(), FakeMetadata(), names)


def engines_for(layout: Layout, config: Config) -> Engines:
    """What the configuration asks for: fakes, or the drivers of the daemons that `machine` runs."""
    engines = fake_engines() if config.engines == "fake" else real_engines(layout)
    return replace(engines, people=directories(config), providers=providers(config))


def directories(config: Config) -> dict[str, tuple[People, LdapSettings]]:
    """The directories of `[people.DOMAIN]`; a cloud without any needs no LDAP library."""
    if not config.people:
        return {}
    try:
        from croft.drivers.people.ldap import LdapPeople
    except ImportError as error:
        raise ConfigError(
            f"croft.toml names directories of people, for which the Python module {error.name} is missing: "
            "run `croft up` as root again, or install it by `pip install 'croft[people]'`."
        ) from error
    found: dict[str, tuple[People, LdapSettings]] = {}
    for domain, table in config.people.items():
        wishes = record(LdapSettings, f"[people.{domain}]", table)
        secret = _secret(wishes.bind_password, wishes.bind_password_file, f"[people.{domain}]")
        found[domain] = (LdapPeople(wishes, secret), wishes)
    return found


def providers(config: Config) -> dict[str, tuple[Provider, ProviderSettings]]:
    """The identity providers of `[identity_providers.NAME]`."""
    if not config.identity_providers:
        return {}
    from croft.drivers.provider.oidc import OidcProvider

    found: dict[str, tuple[Provider, ProviderSettings]] = {}
    for name, table in config.identity_providers.items():
        wishes = record(ProviderSettings, f"[identity_providers.{name}]", table)
        if not wishes.link_domain and (wishes.domain or name) in config.people:
            raise ConfigError(
                f"[identity_providers.{name}]: the people of that domain come from its directory. Choose another "
                "domain, or set link_domain to let them in by their names."
            )
        secret = _secret(wishes.client_secret, wishes.client_secret_file, f"[identity_providers.{name}]")
        found[name] = (OidcProvider(wishes, secret), wishes)
    return found


def _secret(written: Secret, file: str, where: str) -> str:
    if not file:
        return written.reveal()
    if not Path(file).is_file():
        raise ConfigError(f"{where}: there is no file {file} with the secret.")
    return Path(file).read_text().strip()


def real_engines(layout: Layout) -> Engines:
    from croft.drivers.block.qcow2 import Qcow2Block
    from croft.drivers.fabric.ovn import OvnFabric
    from croft.drivers.hypervisor.libvirt import LibvirtHypervisor
    from croft.drivers.hypervisor.libvirt.domain import Style
    from croft.drivers.imagestore.file import FileImageStore
    from croft.drivers.metadata.namespaces import MetadataHost
    from croft.drivers.metadata.netns import NetnsMetadata
    from croft.drivers.uplink.linux import LinuxUplink

    found = Embedded(layout).endpoints()
    known = facts.load(layout)
    style = Style(layout.tag, accelerator(layout.run), plain_nics=known is None or known.datapath == "netdev")
    uris = {host.name: host.libvirt_uri for host in found.hosts}
    logs = {name: layout.hosts / name / "libvirt" / "log" / "qemu" for name in uris}
    metadata_hosts = [MetadataHost(host.name, host.netns, f"unix:{host.ovsdb_socket}") for host in found.hosts]
    return Engines(
        hypervisor=LibvirtHypervisor(uris, found.guests, style, logs=logs),
        block=Qcow2Block(found.volumes),
        imagestore=FileImageStore(found.images),
        fabric=OvnFabric(found.northbound, found.southbound, layout.tag),
        uplink=LinuxUplink(found.outside_device, layout.tag, physnet=found.physnet),
        metadata=NetnsMetadata(metadata_hosts, found.namespace_prefix),
        hosts=tuple(uris),
    )


def accelerator(run: Path) -> str:
    """KVM if a guest really came to life with it, asked once per boot of this machine."""
    from croft.drivers.hypervisor import accel

    kept = run / "accelerator"
    if not kept.exists():
        kept.write_text(accel.choose())
    return kept.read_text()


def _tenancy_rules(config: Config) -> tenancy.Settings:
    return tenancy.Settings(
        owner_role=config.owner_role,
        reviewer_role=config.reviewer_role,
        grace_days=config.expiry_grace_days,
        delete_expired=config.expiry_delete,
    )


def inventory(engines: Engines, services: Sequence[Service]) -> dict[str, operations.Held]:
    """Every list of objects that the engines give, with the rows that account for them. Only what is made anew from
    rows at any time is removed when no row does: nobody loses a guest, a disk or an image."""
    known = {name: names for service in services for name, names in service.holdings.items()}
    fabric, uplink, metadata, hypervisor = engines.fabric, engines.uplink, engines.metadata, engines.hypervisor

    def guests(host: str) -> list[str]:
        return [f"{host}/{guest}" for guest in hypervisor.names(host)]

    def prefixes() -> list[str]:
        return [route.prefix for route in uplink.routes()]

    held = {
        f"fabric.{kind}": operations.Held(
            partial(fabric.names, kind), known[f"fabric.{kind}"], partial(fabric.remove, kind)
        )
        for kind in Kind
    }
    held |= {
        f"hypervisor:{host}"[:64]: operations.Held(partial(guests, host), known["hypervisor"]) for host in engines.hosts
    }
    return held | {
        "block": operations.Held(engines.block.names, known["block"]),
        "imagestore": operations.Held(engines.imagestore.names, known["imagestore"]),
        "uplink.gateway": operations.Held(uplink.names, known["uplink.gateway"]),
        "uplink.route": operations.Held(prefixes, known["uplink.route"], uplink.unroute),
        "metadata": operations.Held(metadata.names, known["metadata"], metadata.remove),
    }


def _sources(engines: Engines) -> dict[str, identity.Source]:
    return {
        domain: identity.Source(people, wishes.readable_ids, wishes.refresh_seconds, wishes.forget_days * 86_400)
        for domain, (people, wishes) in engines.people.items()
    }


def _trusted(engines: Engines) -> dict[str, identity.Trusted]:
    return {
        name: identity.Trusted(provider, wishes.protocol, wishes.domain, wishes.link_domain)
        for name, (provider, wishes) in engines.providers.items()
    }


def resolvers(wish: str, file: Path = Path("/etc/resolv.conf")) -> tuple[str, ...]:
    """Addresses a guest can reach: this machine's own resolvers if `auto`, those on its loopback left out."""
    if wish == "none":
        return ()
    if wish != "auto":
        return tuple(word.strip() for word in wish.split(",") if word.strip())
    lines = file.read_text(errors="replace").splitlines() if file.exists() else []
    named = [line.split()[1] for line in lines if line.startswith("nameserver") and len(line.split()) > 1]
    found = [ipaddress.ip_address(name) for name in named if "%" not in name]
    return tuple(str(each) for each in found if not each.is_loopback)


def is_open(visibility: str) -> bool:
    if visibility not in {"private", "open"}:
        raise ConfigError(f'visibility is "private" or "open", not "{visibility[:40]}".')
    return visibility == "open"


class Croft:
    """Everything of one control plane, put together; `start` begins to work."""

    def __init__(self, config: Config, db: Database, engines: Engines) -> None:
        self.config, self.db, self._engines = config, db, engines
        self.engines = engines.guarded()
        self._tenancy = _tenancy_rules(config)
        purges: list[identity.Purge] = []
        settings = self._settings = identity.Settings(
            public_url=config.url,
            region=config.region,
            endpoints=lambda: [(each.type, each.name, each.endpoint) for each in self.services],
            purges=purges,
            bcrypt_rounds=config.bcrypt_rounds,
            name_quarantine_days=config.name_quarantine_days,
            owner_role=config.owner_role,
            sub_projects=config.sub_projects,
            token_ttl=config.token_hours * 3600,
            vault_keys=_words(config.vault_keys.reveal()) or ensure_vault_keys(config.state / "vault.keys"),
            trusted_dashboards=config.trusted_dashboards,
            **_login_rules(config),
        )
        self.authenticate = identity.authenticator(db, settings)
        self.services: Sequence[Service] = self._services(settings)
        settings.starters.extend(kind for each in self.services for kind in each.starters)
        self._tenancy.halts.extend(each.halt for each in reversed(self.services) if each.halt is not None)
        purges.extend(each.purge for each in reversed(self.services) if each.purge is not None)
        self.policy = Policy(
            (rule for service in self.services for rule in service.rules),
            read_overrides(config.state / "policy.toml"),
            auditor=config.auditor_role,
            open_=is_open(config.visibility),
        )
        self.quotas = Quotas({name: value for service in self.services for name, value in service.quotas.items()})
        self.application = Application(self.services, db, self.policy, self.quotas, self.authenticate)
        reconcilers = [each for service in self.services for each in service.reconcilers]
        self.loop = Loop(db, reconcilers, threads=config.workers)

    def _services(self, settings: identity.Settings) -> Sequence[Service]:
        db, engines = self.db, self.engines
        services = (
            identity.service(db, settings, self.authenticate, _sources(engines), _trusted(engines)),
            images.service(db, engines.imagestore),
            tenancy.service(db, self._tenancy, settings),
            network.service(
                db,
                engines.fabric,
                engines.uplink,
                engines.metadata,
                network.Starter(self.config.starter_rules, self.config.starter_network),
            ),
            compute.service(db, engines.hypervisor, engines.block, engines.imagestore),
        )
        self._held = inventory(engines, services)
        return (*services, operations.service(db, lambda: self.loop.reconcilers, self._held, self.config.audit_days))

    def seed(self, passwords: Passwords) -> None:
        """What every cloud has from its first start; safe to repeat. Tells the engines who answers and who listens."""
        known = identity_actions.Seed(passwords.admin, passwords.demo)
        identity_actions.seed(self.db, known, self.config.bcrypt_rounds, self._settings)
        identity_actions.seed_directories(self.db, self.engines.people)
        identity_actions.seed_providers(self.db, _trusted(self.engines))
        lost = identity_actions.seal_credentials(self.db, identity.Vault(self._settings.vault_keys))
        if lost:
            log.error("no key opens %s of the users' credentials; see docs/runbook/identity.md", lost)
        network_actions.seed(self.db, self._external())
        compute_actions.seed(self.db)
        compute_actions.register_hosts(self.db, self.engines.hosts)
        operations_actions.seed(self.db, self._held)
        self.engines.metadata.serve(compute_actions.answer_metadata(self.db))

    def _external(self) -> network_actions.Seed:
        """The provider network's ranges: IPv4 whole, of the IPv6 /48 the first /64; the rest is the projects' own."""
        known = None if self.config.engines == "fake" else facts.load(Layout(self.config.state))
        v4, v6 = (known.external_v4, known.external_v6) if known else FAKE_EXTERNAL
        inside4, inside6 = ipaddress.IPv4Network(v4), ipaddress.IPv6Network(v6)
        outer6 = next(inside6.subnets(new_prefix=64))
        return network_actions.Seed(
            external_cidr_v4=v4,
            gateway_v4=str(inside4[1]),
            external_cidr_v6=str(outer6),
            gateway_v6=str(outer6[1]),
            physnet=PHYSNET,
            v4_pool=TENANT_V4,
            v6_pool=v6,
            dns=resolvers(self.config.resolvers) if known else (),
        )

    def start(self) -> None:
        work.begin(self.db)
        self.db.on_commit = self.loop.notify
        self.authenticate.start()
        self.loop.start()

    def stop(self) -> None:
        self.loop.stop()
        self.authenticate.stop()
        try:
            self._engines.close()
        except EngineError as error:
            log.warning("an engine did not close: %s", error)
        self.db.close()
