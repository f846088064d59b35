"""Trusts made by trusts: handed on only where that was allowed, never more than was given, all ended with the first."""

from __future__ import annotations

from typing import Any

import pytest

from croft.core.clock import iso
from tests.services.identity.house import House
from tests.services.identity.test_trusts import TRUSTS, pair
from tests.world import Answer


class Chain:
    """Ada trusts Bob, who may hand it on to Cyd."""

    def __init__(self, house: House, **wish: Any) -> None:
        self.house, self.two = house, pair(house)
        self.cyd = house.made("user", name="cyd")["id"]
        self.first = self.two.made(**{"impersonation": True, "allow_redelegation": True, **wish})
        self.token = self.two.use(self.first).headers["x-subject-token"]

    def hand_on(self, token: str = "", **wish: Any) -> Answer:
        mine: dict[str, Any] = {"trustee_user_id": self.cyd, "impersonation": True}
        return self.two.create(token or self.token, **{**mine, **wish})

    def handed_on(self, **wish: Any) -> dict[str, Any]:
        answer = self.hand_on(**wish)
        assert answer.status == 201, answer.body
        return dict(answer.json["trust"])


def test_a_trust_is_handed_on_and_counts_down(either: House) -> None:
    chain = Chain(either)
    first = either.ask("GET", f"{TRUSTS}/{chain.first}").json["trust"]
    assert first["redelegation_count"] == 3
    assert "redelegated_trust_id" not in first
    second = chain.handed_on(allow_redelegation=True)
    assert (second["redelegation_count"], second["redelegated_trust_id"]) == (2, chain.first)
    assert second["trustor_user_id"] == chain.two.ada
    answer = chain.two.use(second["id"], "cyd")
    assert answer.status == 201
    assert answer.json["token"]["user"]["id"] == chain.two.ada
    assert [role["name"] for role in answer.json["token"]["roles"]] == ["reader"]


@pytest.mark.parametrize("wish", [{"allow_redelegation": False}, {"redelegation_count": 0}])
def test_a_trust_that_is_not_to_be_handed_on_is_not(house: House, wish: dict[str, Any]) -> None:
    chain = Chain(house, **wish)
    assert house.ask("GET", f"{TRUSTS}/{chain.first}").json["trust"]["redelegation_count"] == 0
    assert chain.hand_on().status == 403


def test_a_trustee_with_an_own_name_hands_nothing_on(house: House) -> None:
    chain = Chain(house, impersonation=False)
    assert chain.hand_on(trustor_user_id=chain.two.bob).status == 403
    assert chain.hand_on().status == 403


def test_the_chain_ends_after_as_many_as_were_allowed(house: House) -> None:
    chain = Chain(house, redelegation_count=1)
    second = chain.handed_on(allow_redelegation=True)
    assert second["redelegation_count"] == 0
    third = chain.two.use(second["id"], "cyd").headers["x-subject-token"]
    assert chain.hand_on(third, trustee_user_id=chain.two.bob).status == 403


def test_nothing_more_is_handed_on_than_was_given(house: House) -> None:
    chain = Chain(house, expires_at=iso(house.clock.now() + 600))
    other = house.made("project", name="shed")["id"]
    house.grant(chain.two.ada, "manager", other)
    for wish, status in (
        ({"roles": [{"name": "manager"}]}, 400),
        ({"project_id": other}, 404),
        ({"expires_at": iso(house.clock.now() + 700)}, 403),
        ({"remaining_uses": 1}, 403),
        ({"allow_redelegation": True, "redelegation_count": 3}, 403),
    ):
        assert chain.hand_on(**wish).status == status, wish
    first = house.ask("GET", f"{TRUSTS}/{chain.first}").json["trust"]
    assert chain.handed_on()["expires_at"] == first["expires_at"]
    sooner = chain.handed_on(expires_at=iso(house.clock.now() + 60))
    assert sooner["expires_at"] < first["expires_at"]


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"allow_redelegation": True, "redelegation_count": 4}, 403),
        ({"allow_redelegation": True, "redelegation_count": -1}, 400),
        ({"allow_redelegation": True, "remaining_uses": 2}, 400),
        ({"allow_redelegation": "often"}, 400),
    ],
)
def test_what_cannot_be_handed_on_so_is_refused(house: House, wish: dict[str, Any], status: int) -> None:
    assert pair(house).create(impersonation=True, **wish).status == status


@pytest.mark.parametrize("end", ["trust", "user", "role"])
def test_with_the_first_all_end(either: House, end: str) -> None:
    house, chain = either, Chain(either)
    second = chain.handed_on()
    token = chain.two.use(second["id"], "cyd").headers["x-subject-token"]
    assert house.valid(token)
    if end == "trust":
        assert house.ask("DELETE", f"{TRUSTS}/{chain.first}", token=chain.two.token).status == 204
        assert house.ask("GET", f"{TRUSTS}/{second['id']}").status == 404
    elif end == "user":
        house.ask("DELETE", f"/users/{chain.two.bob}")
    else:
        house.revoke(chain.two.ada, "manager", chain.two.project)
    assert not house.valid(token)
    assert chain.two.use(second["id"], "cyd").status in {401, 403, 404}


def test_a_trustee_of_the_first_ends_neither(house: House) -> None:
    chain = Chain(house)
    second = chain.handed_on()["id"]
    bob = house.login("bob")
    for trust in (chain.first, second):
        assert house.ask("DELETE", f"{TRUSTS}/{trust}", token=bob).status in {403, 404}
        assert house.ask("DELETE", f"{TRUSTS}/{trust}", token=chain.token).status == 403
