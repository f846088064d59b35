"""One-time codes in tests: who has a device, and logging in with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyotp

from croft.core.clock import ManualClock
from tests.services.identity.house import V3, House
from tests.world import Answer

NEUTRAL = "The request you have made requires authentication."
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
BOTH = {"multi_factor_auth_rules": [["password", "totp"]]}
ADA = {"name": "ada", "domain": {"id": "default"}}


def code(house: House, secret: str = SECRET, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(house.clock.now() + 30 * steps)


def advance(house: House, seconds: int) -> None:
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(seconds)


def device(house: House, user: str, secret: str = SECRET, token: str = "") -> Answer:
    wish = {"credential": {"type": "totp", "blob": secret, "user_id": user}}
    return house.ask("POST", "/credentials", wish, token=token)


def careful(house: House, options: Mapping[str, Any] = BOTH) -> tuple[str, str]:
    """ada, who has a device and must use it: her id and her project's."""
    person, place = house.resident()
    assert device(house, person).status == 201
    house.ask("PATCH", f"/users/{person}", {"user": {"options": dict(options)}})
    return person, place


def enter(
    house: House,
    password: str | None = None,
    passcode: str | None = None,
    receipt: str = "",
    who: Mapping[str, Any] = ADA,
    scope: Any = None,
    **words: Any,
) -> Answer:
    proofs: dict[str, Any] = {}
    if password is not None:
        proofs["password"] = {"user": {**who, "password": password}}
    if passcode is not None:
        proofs["totp"] = {"user": {**who, "passcode": passcode}}
    auth: dict[str, Any] = {"identity": {"methods": list(proofs), **proofs}}
    if scope is not None:
        auth["scope"] = scope
    headers = {"Openstack-Auth-Receipt": receipt} if receipt else {}
    return house.call("POST", f"{V3}/auth/tokens", {"auth": auth}, token=None, headers=headers, **words)
