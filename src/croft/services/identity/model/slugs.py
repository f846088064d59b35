"""A project's slug: a DNS label (RFC 1123) made of its name once, and kept when the name changes."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

from anyascii import anyascii

LONGEST = 40
"""Of the part made from the name: with an ending, and with what others put before or after, a label holds 63."""
NAMELESS = "project"
_WORDS = """
    account accounts admin api auth autoconfig autodiscover bastion ca cdn cloud console dashboard db default dns
    domain email ftp git gw help host hostmaster id identity imap info internal intranet invalid ldap local localhost
    login mail meta metadata mx ns ns1 ns2 ntp oidc openstack pop pop3 postmaster private proxy public registry root
    router security service smtp ssh sso static status support svc system vpn webmail whois wpad www
"""
RESERVED = frozenset(_WORDS.split())
"""Labels that mean something beside a project's name in a zone: no project is called so without an ending."""
_OTHERS = re.compile(r"[^a-z0-9]+")


def stem(name: str) -> str:
    """`Zürich: Straße №7` → `zurich-strasse-no7`. Two dashes never meet, so nothing looks like punycode."""
    return _OTHERS.sub("-", anyascii(name).lower()).strip("-")[:LONGEST].rstrip("-") or NAMELESS


def wishes(start: str) -> Iterator[list[str]]:
    """What to try in turn: the stem itself, then with a small number, then with more and more of chance."""
    yield [*([] if start in RESERVED else [start]), *(f"{start}-{number}" for number in range(2, 10))]
    while True:
        yield [f"{start}-{secrets.token_hex(3)}" for _ in range(8)]
