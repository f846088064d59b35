"""Microversion negotiation (API-WG guideline): a header picks a version, the answer says which was used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from croft.core.errors import Invalid, NotAcceptable

_FORM = re.compile(r"([1-9]\d{0,8})\.([1-9]\d{0,8}|0)")


class Version(NamedTuple):
    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


NONE = Version(0, 0)


@dataclass(frozen=True)
class Microversions:
    """`name` is the service type in `OpenStack-API-Version: compute 2.37`; `legacy` an older header of the same use."""

    name: str
    least: Version
    most: Version
    legacy: str = ""

    def negotiate(self, headers: Mapping[str, str]) -> Version:
        text = headers.get(self.legacy.lower(), "") if self.legacy else ""
        for part in headers.get("openstack-api-version", "").split(","):
            words = part.split()
            if len(words) == 2 and words[0].lower() == self.name:
                text = words[1]
        if not text:
            return self.least
        if text == "latest":
            return self.most
        form = _FORM.fullmatch(text)
        if form is None:
            raise Invalid(f"API Version String {text[:40]} is of invalid format. Must be of format MajorNum.MinorNum.")
        asked = Version(int(form[1]), int(form[2]))
        if not self.least <= asked <= self.most:
            raise NotAcceptable(
                f"Version {asked} is not supported by the API. Minimum is {self.least} and maximum is {self.most}."
            )
        return asked

    def headers(self, used: Version) -> dict[str, str]:
        names = ["OpenStack-API-Version", *([self.legacy] if self.legacy else [])]
        said = {"openstack-api-version": f"{self.name} {used}", "vary": ", ".join(names)}
        return said | ({self.legacy.lower(): str(used)} if self.legacy else {})
