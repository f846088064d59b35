"""What is only kept for others: policies and OAuth 1 consumers as texts, domains' configuration as it was written.

Croft enforces no stored policy, lets nobody in by OAuth 1, and takes its sources of people from croft.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from croft.core.ctx import Ctx, ReadTx
from croft.core.db import Tx
from croft.core.errors import Forbidden, Invalid, NotFound
from croft.core.ids import new_hex_id, new_secret
from croft.core.page import Page
from croft.services.identity.actions.projects import missing, need_domain
from croft.services.identity.model import DEFAULT_DOMAIN
from croft.services.identity.model.extras import CONFIGURABLE, Config, Consumer, StoredPolicy
from croft.services.identity.store import extras
from croft.services.identity.wire import extras as shapes
from croft.services.identity.wire.shapes import given

COMPLIANCE = "security_compliance"
_READABLE = ("password_regex", "password_regex_description")


def _need_policy(tx: Tx, id: str) -> StoredPolicy:
    found = extras.show_policy(tx, id)
    if found is None:
        raise missing("policy", id)
    return found


def list_policies(ctx: Ctx, wanted: Mapping[str, Any], page: Page) -> list[StoredPolicy]:
    with ctx.read("identity.policy.list") as tx:
        return extras.policies(tx, wanted, page)


def show_policy(ctx: Ctx, id: str) -> StoredPolicy:
    with ctx.read("identity.policy.show") as tx:
        return _need_policy(tx, id)


def create_policy(ctx: Ctx, wish: shapes.NewPolicy, extra: dict[str, Any]) -> StoredPolicy:
    with ctx.write("identity.policy.create") as tx:
        row = StoredPolicy(new_hex_id(), wish.type, wish.blob, extra)
        extras.insert_policy(tx, row)
        tx.audit(row.id, row.type)
        return row


def update_policy(ctx: Ctx, id: str, wish: shapes.PolicyChange, extra: dict[str, Any]) -> StoredPolicy:
    with ctx.write("identity.policy.update") as tx:
        before = _need_policy(tx, id)
        extras.update_policy(tx, id, given(type=wish.type, blob=wish.blob) | {"extra": before.extra | extra})
        tx.audit(id, before.type)
        return _need_policy(tx, id)


def delete_policy(ctx: Ctx, id: str) -> None:
    with ctx.write("identity.policy.delete") as tx:
        row = _need_policy(tx, id)
        extras.delete_policy(tx, id)
        tx.audit(id, row.type)


def _need_consumer(tx: Tx, id: str) -> Consumer:
    found = extras.show_consumer(tx, id)
    if found is None:
        raise missing("consumer", id)
    return found


def list_consumers(ctx: Ctx, page: Page) -> list[Consumer]:
    with ctx.read("identity.consumer.list") as tx:
        return extras.consumers(tx, page)


def show_consumer(ctx: Ctx, id: str) -> Consumer:
    with ctx.read("identity.consumer.show") as tx:
        return _need_consumer(tx, id)


def create_consumer(ctx: Ctx, wish: shapes.NewConsumer, extra: dict[str, Any]) -> tuple[Consumer, str]:
    """Also a secret, shown this once and not kept: nothing here would ask for it."""
    with ctx.write("identity.consumer.create") as tx:
        row = Consumer(new_hex_id(), wish.description, extra)
        extras.insert_consumer(tx, row)
        tx.audit(row.id)
        return row, new_secret(32)


def update_consumer(ctx: Ctx, id: str, wish: shapes.ConsumerChange, extra: dict[str, Any]) -> Consumer:
    with ctx.write("identity.consumer.update") as tx:
        if wish.secret is not UNSET:
            raise Invalid("The secret of a consumer never changes.")
        before = _need_consumer(tx, id)
        extras.update_consumer(tx, id, given(description=wish.description) | {"extra": before.extra | extra})
        tx.audit(id)
        return _need_consumer(tx, id)


def delete_consumer(ctx: Ctx, id: str) -> None:
    with ctx.write("identity.consumer.delete") as tx:
        _need_consumer(tx, id)
        extras.delete_consumer(tx, id)
        tx.audit(id)


def _check_names(group: str, option: str) -> None:
    if group and group not in CONFIGURABLE:
        raise Forbidden(f"A domain's configuration has no group {group[:64]}.")
    if option and option not in CONFIGURABLE[group]:
        raise Forbidden(f"The group {group} of a domain's configuration has no option {option[:64]}.")


def _check_config(config: Config) -> None:
    if not config or not all(config.values()):
        raise Forbidden("A domain's configuration names at least one option in each of its groups.")
    for group, options in config.items():
        for option in options:
            _check_names(group, option)


def _part(config: Config, group: str, option: str) -> Mapping[str, Any]:
    """The group, or the option without its group, as Keystone shows it; empty when it is not there."""
    inside = config.get(group, {})
    if option:
        return {option: inside[option]} if option in inside else {}
    return {group: inside} if inside else {}


def _need_part(tx: ReadTx, domain: str, group: str, option: str) -> Mapping[str, Any]:
    need_domain(tx, domain)
    config = extras.show_config(tx, domain)
    found = _part(config, group, option) if group else config
    if not found:
        raise NotFound(f"Could not find {_called(group, option)} in the configuration of domain {domain[:64]}.")
    return found


def _called(group: str, option: str) -> str:
    return f"option {option} of group {group}" if option else f"group {group}" if group else "anything"


def show_config(ctx: Ctx, domain: str, group: str = "", option: str = "") -> Mapping[str, Any]:
    with ctx.read("identity.domain_config.show") as tx:
        _check_names(group, option)
        return _need_part(tx, domain, group, option)


def put_config(ctx: Ctx, domain: str, config: Config) -> tuple[Config, bool]:
    """The new configuration in place of any other, and whether there was none."""
    with ctx.write("identity.domain_config.create") as tx:
        row = need_domain(tx, domain)
        _check_config(config)
        before = extras.show_config(tx, domain)
        extras.put_config(tx, domain, config)
        tx.audit(domain, row.name)
        return config, not before


def update_config(ctx: Ctx, domain: str, sent: Mapping[str, Any], group: str = "", option: str = "") -> Config:
    """The whole, after a change of one option, one group, or whatever was sent."""
    with ctx.write("identity.domain_config.update") as tx:
        row = need_domain(tx, domain)
        config: Config = {group: sent} if option else sent
        _check_names(group, option)
        _check_config(config)
        if group:
            if set(config) != {group} or (option and set(config[group]) != {option}):
                raise Forbidden(f"Here only {_called(group, option)} can be changed; send that alone.")
            _need_part(tx, domain, group, option)
        after = extras.show_config(tx, domain)
        for name, options in config.items():
            after[name] = {**after.get(name, {}), **options}
        extras.put_config(tx, domain, after)
        tx.audit(domain, row.name)
        return after


def delete_config(ctx: Ctx, domain: str, group: str = "", option: str = "") -> None:
    """Without a group all of it, and then it need not be there."""
    with ctx.write("identity.domain_config.delete") as tx:
        row = need_domain(tx, domain)
        _check_names(group, option)
        after = extras.show_config(tx, domain)
        if group:
            _need_part(tx, domain, group, option)
            after[group].pop(option, None)
        left = {name: inside for name, inside in after.items() if group and inside and (option or name != group)}
        extras.put_config(tx, domain, left)
        tx.audit(domain, row.name)


def default_config(ctx: Ctx, group: str = "", option: str = "") -> Mapping[str, Any]:
    with ctx.read("identity.domain_config_default.show"):
        _check_names(group, option)
        defaults: dict[str, dict[str, Any]] = {name: dict.fromkeys(sorted(of)) for name, of in CONFIGURABLE.items()}
        defaults["identity"]["driver"] = "sql"
        return _part(defaults, group, option) if group else defaults


def compliance(ctx: Ctx, domain: str, option: str = "") -> Mapping[str, Any]:
    """What passwords must look like, for everybody to read: Croft asks for no pattern."""
    with ctx.read("identity.domain_compliance.show") as tx:
        need_domain(tx, domain)
        if domain != DEFAULT_DOMAIN:
            raise Forbidden("What passwords must look like is said for the default domain only.")
        if option and option not in _READABLE:
            raise Forbidden(f"Of {COMPLIANCE} only {' and '.join(_READABLE)} can be read.")
        return _part({COMPLIANCE: dict.fromkeys(_READABLE)}, COMPLIANCE, option)
