"""The arithmetic of addresses and the words of rules, without a cloud."""

from __future__ import annotations

import pytest

from croft.core.errors import Invalid
from croft.services.network.model import addresses, checks, rules


def test_slots_sort_like_addresses_also_in_the_upper_half() -> None:
    texts = ["2001:db8::", "2001:db8::1", "2001:db8::7fff:ffff:ffff:ffff", "2001:db8::ffff:ffff:ffff:ffff"]
    slots = [addresses.slot(int(addresses.address(text))) for text in texts]
    assert slots == sorted(slots)
    assert all(-(1 << 63) <= each < 1 << 63 for each in slots)


@pytest.mark.parametrize(
    ("start", "end"), [("10.0.0.2", "10.0.0.254"), ("2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff")]
)
def test_a_slot_leads_back_to_its_address(start: str, end: str) -> None:
    low, high, offset = addresses.slot_range(start, end)
    version = addresses.address(start).version
    assert addresses.at(low + offset, version) == start
    assert addresses.at(high + offset, version) == end


def test_a_range_is_used_within_its_first_sixty_four_bits() -> None:
    low, high, offset = addresses.slot_range("2001:db8::5", "2001:db8:0:3::9")
    assert addresses.at(high + offset, 6) == "2001:db8::ffff:ffff:ffff:ffff"
    assert high - low == (1 << 64) - 6


@pytest.mark.parametrize(
    ("cidr", "low", "high"),
    [
        ("10.0.0.0/24", "10.0.0.1", "10.0.0.254"),
        ("10.0.0.0/31", "10.0.0.0", "10.0.0.1"),
        ("10.0.0.7/32", "10.0.0.7", "10.0.0.7"),
        ("2001:db8::/126", "2001:db8::1", "2001:db8::3"),
    ],
)
def test_what_hosts_may_have(cidr: str, low: str, high: str) -> None:
    assert [addresses.at(each, addresses.prefix(cidr).version) for each in addresses.usable(cidr)] == [low, high]


def test_pools_around_a_gateway_outside_are_whole() -> None:
    assert addresses.default_pools("2001:db8::/64", "fe80::1") == [("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff")]


def test_the_slaac_address_of_rfc_4291() -> None:
    assert addresses.eui64("2001:db8::/64", "34:56:78:9a:bc:de") == "2001:db8::3656:78ff:fe9a:bcde"


def test_overlaps_are_per_version() -> None:
    assert addresses.overlapping("10.0.0.0/8", "10.1.0.0/16")
    assert not addresses.overlapping("10.0.0.0/24", "10.0.1.0/24")
    assert not addresses.overlapping("0.0.0.0/1", "::/1")
    assert addresses.merged(["10.0.1.0/24", "2001:db8::/32", "10.0.0.0/24"]) == ["10.0.0.0/23", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("number", "length", "version", "expected"),
    [(1, 24, 4, 256), (256, 24, 4, 256), (257, 32, 4, 257), (1, 64, 6, 1 << 64)],
)
def test_alignment(number: int, length: int, version: int, expected: int) -> None:
    assert addresses.aligned(number, length, version) == expected


@pytest.mark.parametrize("text", ["FA:16:3E:00:00:0A", "fa16.3e00.000a", "fa-16-3e-00-00-0a", "fa163e00000a"])
def test_macs_in_every_spelling(text: str) -> None:
    assert checks.mac(text) == "fa:16:3e:00:00:0a"


@pytest.mark.parametrize("text", ["", "fa:16:3e", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "gg:16:3e:00:00:0a"])
def test_macs_no_port_can_have(text: str) -> None:
    with pytest.raises(Invalid):
        checks.mac(text)


@pytest.mark.parametrize(
    ("text", "plain"), [("10.0.0.1/32", "10.0.0.1"), ("10.0.0.1/24", "10.0.0.0/24"), ("::1", "::1")]
)
def test_addresses_of_pairs(text: str, plain: str) -> None:
    assert checks.pair_address(text) == plain


@pytest.mark.parametrize(
    ("name", "good"), [("", True), ("a.b.c.", True), ("a..b", False), ("x" * 64, False), ("ä", False)]
)
def test_dns_names(name: str, good: bool) -> None:
    if good:
        assert checks.dns_name(name) == name
    else:
        with pytest.raises(Invalid):
            checks.dns_name(name)


@pytest.mark.parametrize(
    ("protocol", "ethertype", "word"),
    [
        (None, "IPv4", ""),
        ("ip", "IPv4", ""),
        ("0", "IPv4", ""),
        ("hopopt", "IPv6", "0"),
        ("tcp", "IPv4", "tcp"),
        ("6", "IPv6", "tcp"),
        ("icmp", "IPv6", "icmpv6"),
        ("ipv6-icmp", "IPv6", "icmpv6"),
        ("vrrp", "IPv4", "112"),
    ],
)
def test_protocols_in_the_fabrics_words(protocol: str | None, ethertype: str, word: str) -> None:
    assert rules.fabric_protocol(protocol, ethertype) == word
