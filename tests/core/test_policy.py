"""The ladder of roles, scopes, and the operator's overrides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from croft.core.errors import Forbidden
from croft.core.policy import ALL, Actor, Policy, Role, Rule, Scope, read_overrides

RULES = (
    Rule("t.thing.list", Role.READER, "get_things", "list things"),
    Rule("t.thing.create", Role.MEMBER, "create_thing", "create things"),
    Rule("t.thing.destroy", Role.ADMIN, "destroy_thing", "destroy things"),
    Rule("t.token.show", Role.NONE, "show_token", "see tokens", project=False),
    Rule("t.person.make", Role.ADMIN, "make_person", "make people", domain=Role.MANAGER, system=Role.ADMIN),
)


def actor(*roles: str, project: str = "p") -> Actor:
    return Actor(user="u", project=project, roles=frozenset(roles))


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ((), {"t.token.show"}),
        (("unheard-of",), {"t.token.show"}),
        (("reader",), {"t.token.show", "t.thing.list"}),
        (("member",), {"t.token.show", "t.thing.list", "t.thing.create"}),
        (("reader", "manager"), {"t.token.show", "t.thing.list", "t.thing.create"}),
        (("admin",), {rule.action for rule in RULES}),
    ],
)
def test_each_role_may_what_those_below_may(role: tuple[str, ...], allowed: set[str]) -> None:
    policy = Policy(RULES)
    assert {rule.action for rule in RULES if policy.allows(actor(*role), rule.action)} == allowed


def test_a_project_action_needs_a_project() -> None:
    policy = Policy(RULES)
    assert not policy.allows(actor("member", project=""), "t.thing.create")
    assert policy.allows(actor("member", project=""), "t.token.show")
    assert policy.check(actor("admin", project=""), "t.thing.create") == Scope(None, "")


SYSTEM, DOMAIN = {"system": True}, {"domain": "d"}


@pytest.mark.parametrize(
    ("scope", "role", "allowed"),
    [
        (SYSTEM, "admin", {"t.token.show", "t.person.make"}),
        (SYSTEM, "manager", {"t.token.show"}),
        (DOMAIN, "admin", {"t.token.show", "t.person.make"}),
        (DOMAIN, "manager", {"t.token.show", "t.person.make"}),
        (DOMAIN, "member", {"t.token.show"}),
        ({}, "", {"t.token.show"}),
    ],
)
def test_other_tokens_may_only_what_a_rule_says_of_them(scope: dict[str, Any], role: str, allowed: set[str]) -> None:
    policy, who = Policy(RULES), Actor(user="u", roles=frozenset({role}), **scope)
    assert {rule.action for rule in RULES if policy.allows(who, rule.action)} == allowed


@pytest.mark.parametrize(
    ("scope", "role", "reach"),
    [
        (SYSTEM, "admin", Scope(None)),
        (SYSTEM, "reader", Scope(None)),
        (SYSTEM, "other", Scope("")),
        (DOMAIN, "admin", Scope("d", "", "d")),
        (DOMAIN, "reader", Scope("d", "", "d")),
        (DOMAIN, "other", Scope("")),
        ({}, "", Scope("")),
    ],
)
def test_a_token_reaches_what_it_is_for(scope: dict[str, Any], role: str, reach: Scope) -> None:
    who = Actor(user="u", roles=frozenset({role}), **scope)
    assert Policy(RULES).check(who, "t.token.show") == reach
    assert who.is_admin is (scope is SYSTEM and role == "admin")


def test_people_reach_their_project_and_operators_all() -> None:
    policy = Policy(RULES)
    mine = policy.check(actor("member"), "t.thing.list")
    assert (mine.project, mine.own) == ("p", "p")
    assert [mine.covers(project) for project in ("p", "q", None)] == [True, False, False]
    every = policy.check(actor("admin"), "t.thing.list")
    assert (every.project, every.own, every.covers("q")) == (None, "p", True)
    assert ALL.covers("anything")


def test_a_refusal_names_the_rule_and_what_may_not_be_done() -> None:
    with pytest.raises(Forbidden, match=r"create_thing .* you may not create things"):
        Policy(RULES).check(actor("reader"), "t.thing.create")


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("/v2.1/servers", "/v2.1/servers", True),
        ("/v2.1/servers", "/v2.1/servers/", True),
        ("/v2.1/servers", "/v2.1/servers/x", False),
        ("/v2.1/servers/*", "/v2.1/servers/x", True),
        ("/v2.1/servers/*", "/v2.1/servers", False),
        ("/v2.1/servers/{id}/ips", "/v2.1/servers/x/ips", True),
        ("/v2.1/servers/{id}/ips", "/v2.1/servers/x/y/ips", False),
        ("/v2.1/**", "/v2.1/servers/x/ips", True),
        ("/v2.1/**", "/v2.1", True),
        ("/v2.1/**", "/v3/servers", False),
        ("/**/ips", "/v2.1/servers/x/ips", True),
        ("/**/ips", "/v2.1/servers/x/tags", False),
        ("/**", "/", True),
    ],
)
def test_access_rules_cover_what_they_say(pattern: str, path: str, covered: bool) -> None:
    limited = Actor(user="u", requests=(("image", "GET", "/never"), ("compute", "GET", pattern)))
    assert limited.may_request("compute", "GET", path) is covered
    assert not limited.may_request("compute", "POST", path)
    assert not limited.may_request("network", "GET", path)
    assert Actor(user="u").may_request("compute", "POST", path)


def test_an_undeclared_action_is_our_bug() -> None:
    with pytest.raises(KeyError):
        Policy(RULES).check(actor("admin"), "t.thing.paint")


def test_an_action_is_declared_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Policy([*RULES, RULES[0]])


def test_operators_override_by_openstacks_name(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    assert read_overrides(path) == {}
    path.write_text('"create_thing" = "manager"\n"destroy_thing" = "none"\n')
    policy = Policy(RULES, read_overrides(path))
    assert not policy.allows(actor("member"), "t.thing.create")
    assert policy.allows(actor("manager"), "t.thing.create")
    assert policy.allows(actor(), "t.thing.destroy")


def test_an_override_says_it_of_each_kind_of_token() -> None:
    policy = Policy(RULES, {"make_person": "project=manager domain=nobody system=reader"})
    assert policy.allows(actor("manager"), "t.person.make")
    assert not policy.allows(Actor(user="u", roles=frozenset({"admin"}), domain="d"), "t.person.make")
    assert policy.allows(Actor(user="u", roles=frozenset({"reader"}), system=True), "t.person.make")


@pytest.mark.parametrize(
    "overrides",
    [
        {"create_thnig": "member"},
        {"create_thing": "king"},
        {"create_thing": "planet=member"},
        {"create_thing": "nobody"},
    ],
)
def test_an_override_of_nothing_or_to_nobody_refuses_to_start(overrides: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="unknown"):
        Policy(RULES, overrides)


def test_auditors_are_those_who_hold_the_role_on_the_system() -> None:
    rules = (Rule("t.audit.list", Role.READER, "audit", "read", auditor=True), RULES[0])
    policy, role = Policy(rules, auditor="watcher"), frozenset({"watcher"})
    on_the_system = Actor(user="u", roles=role, system=True)
    assert policy.check(on_the_system, "t.audit.list") == Scope(None)
    assert not policy.allows(on_the_system, RULES[0].action)
    for elsewhere in (Actor("u", project="p", roles=role), Actor("u", domain="d", roles=role), Actor("u", roles=role)):
        assert not policy.allows(elsewhere, "t.audit.list")
    assert not Policy(rules).allows(on_the_system, "t.audit.list")
