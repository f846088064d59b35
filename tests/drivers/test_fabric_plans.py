"""What the fabric's objects become in OVN's words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from croft.drivers.fabric import ExternalPort, Group, MetadataPort, Network, Port, Router, RouterPort, Rule, Subnet
from croft.drivers.fabric.ovn.filtering import DEFAULTS, plan_group
from croft.drivers.fabric.ovn.routing import plan_router
from croft.drivers.fabric.ovn.rows import Names, Plan, Row, Surroundings
from croft.drivers.fabric.ovn.switching import options_uuid, plan_network, plan_port

NAMES = Names("test")
GROUP, OTHER = "0b0f3c1e-6a8f-4c8e-9d57-3f3c2c1d0a01", "0b0f3c1e-6a8f-4c8e-9d57-3f3c2c1d0a02"
PG = "@pg_0b0f3c1e_6a8f_4c8e_9d57_3f3c2c1d0a01"
V4 = Subnet("v4", "10.0.0.0/24", "10.0.0.1", dhcp=True)
V6 = Subnet("v6", "2001:db8:1::/64", "2001:db8:1::1", dhcp=True, mode="slaac")
NETWORK = Network("n", 1, "blue", 1442, (V4, V6))
MAC = "fa:16:3e:00:00:01"


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (Rule("egress", "IPv4"), f"inport == {PG} && ip4"),
        (Rule("ingress", "IPv6"), f"outport == {PG} && ip6"),
        (
            Rule("ingress", "IPv4", "tcp", 22, 22, remote_prefix="198.18.0.0/15"),
            f"outport == {PG} && ip4 && ip4.src == 198.18.0.0/15 && tcp && tcp.dst == 22",
        ),
        (
            Rule("egress", "IPv6", "17", 1000, 2000, remote_prefix="2001:db8::/32"),
            f"inport == {PG} && ip6 && ip6.dst == 2001:db8::/32 && udp && udp.dst >= 1000 && udp.dst <= 2000",
        ),
        (Rule("ingress", "IPv4", "sctp"), f"outport == {PG} && ip4 && sctp"),
        (Rule("ingress", "IPv4", "tcp", 1, 65535, "0.0.0.0/0"),
         f"outport == {PG} && ip4 && tcp && tcp.dst >= 1 && tcp.dst <= 65535"),
        (
            Rule("ingress", "IPv4", remote_group=OTHER),
            f"outport == {PG} && ip4 && ip4.src == $pg_0b0f3c1e_6a8f_4c8e_9d57_3f3c2c1d0a02_ip4",
        ),
        (Rule("ingress", "IPv4", "icmp"), f"outport == {PG} && ip4 && icmp4"),
        (Rule("ingress", "IPv4", "1", 8, 0), f"outport == {PG} && ip4 && icmp4 && icmp4.type == 8 && icmp4.code == 0"),
        (Rule("ingress", "IPv6", "ipv6-icmp", 128), f"outport == {PG} && ip6 && icmp6 && icmp6.type == 128"),
        (Rule("ingress", "IPv6", "icmp"), f"outport == {PG} && ip6 && icmp6"),
        (Rule("ingress", "IPv4", "vrrp"), f"outport == {PG} && ip4 && ip.proto == 112"),
        (Rule("ingress", "IPv4", "0"), f"outport == {PG} && ip4 && ip.proto == 0"),
        (Rule("ingress", "IPv4", "112", 5, 6), f"outport == {PG} && ip4 && ip.proto == 112"),
    ],
)  # fmt: skip
def test_a_rule_in_ovns_words(rule: Rule, wanted: str) -> None:
    (acl,) = plan_group(NAMES, Group(GROUP, 1, (rule,))).children
    assert acl.columns["match"] == frozenset({wanted})
    assert acl.columns["direction"] == frozenset({"from-lport" if rule.direction == "egress" else "to-lport"})
    assert acl.columns["action"] == frozenset({"allow-related"})


def test_rules_that_say_the_same_are_one_filter() -> None:
    rules = (Rule("ingress", "IPv4", "icmp"), Rule("ingress", "IPv4", "1"), Rule("ingress", "IPv4", "icmp"))
    assert len(plan_group(NAMES, Group(GROUP, 1, rules)).children) == 1


def test_the_default_filter_drops_below_what_it_lets_through() -> None:
    drops = {priority for _, priority, action, _ in DEFAULTS if action == "drop"}
    allows = {priority for _, priority, action, _ in DEFAULTS if action != "drop"}
    assert max(drops) < min(allows)


def children(plan: Plan, table: str) -> list[Row]:
    return [row for row in plan.children if row.table == table]


def dhcp(network: Network) -> dict[str, dict[str, str]]:
    rows = children(plan_network(NAMES, network), "DHCP_Options")
    return {next(iter(row.columns["cidr"])): dict(row.columns["options"]) for row in rows}  # type: ignore[arg-type]


def test_only_subnets_that_serve_addresses_have_options() -> None:
    assert list(dhcp(NETWORK)) == ["10.0.0.0/24"]
    assert dhcp(replace(NETWORK, subnets=(replace(V4, dhcp=False),))) == {}
    stateless = dhcp(replace(NETWORK, subnets=(replace(V6, mode="dhcpv6-stateless", dns=("2620:fe::fe",)),)))
    assert stateless["2001:db8:1::/64"]["dhcpv6_stateless"] == "true"
    assert stateless["2001:db8:1::/64"]["dns_server"] == "{2620:fe::fe}"


def test_the_routes_of_dhcp_always_hold_the_default_where_there_is_one() -> None:
    metadata = MetadataPort("m", MAC, ("10.1.0.2", "10.0.0.2"))
    assert "classless_static_route" not in dhcp(NETWORK)["10.0.0.0/24"]
    both = dhcp(replace(NETWORK, metadata=metadata))["10.0.0.0/24"]
    assert both["classless_static_route"] == "{169.254.169.254/32,10.0.0.2, 0.0.0.0/0,10.0.0.1}"
    isolated = dhcp(replace(NETWORK, metadata=metadata, subnets=(replace(V4, gateway=None),)))["10.0.0.0/24"]
    assert isolated["classless_static_route"] == "{169.254.169.254/32,10.0.0.2}"
    assert "router" not in isolated
    assert isolated["server_id"] == "10.0.0.2"


def test_a_network_that_is_down_stops_everything() -> None:
    assert children(plan_network(NAMES, NETWORK), "ACL") == []
    stops = children(plan_network(NAMES, replace(NETWORK, up=False)), "ACL")
    assert {next(iter(stop.columns["direction"])) for stop in stops} == {"from-lport", "to-lport"}


def test_a_provider_network_is_bridged_with_its_vlan() -> None:
    (plug,) = children(plan_network(NAMES, replace(NETWORK, physnet="physnet1", vlan=7)), "Logical_Switch_Port")
    assert plug.columns["options"] == {"network_name": "physnet1"}
    assert plug.columns["tag"] == frozenset({7})


PORT = Port("p", 1, "n", MAC, ("10.0.0.11", "2001:db8:1::11"), ("v4", "v6"))


def column(plan: Plan, name: str) -> object:
    return plan.root.columns[name]


def test_a_port_may_speak_only_as_itself_and_its_pairs() -> None:
    assert column(plan_port(NAMES, PORT, Surroundings()), "port_security") == {f"{MAC} 10.0.0.11 2001:db8:1::11"}
    pairs = ((MAC, "10.0.0.99/32"), ("fa:16:3e:00:00:02", "10.0.0.128/25"), ("fa:16:3e:00:00:02", "10.0.0.7"))
    paired = plan_port(NAMES, replace(PORT, allowed_pairs=pairs), Surroundings())
    assert column(paired, "port_security") == {
        f"{MAC} 10.0.0.11 2001:db8:1::11 10.0.0.99",
        "fa:16:3e:00:00:02 10.0.0.128/25 10.0.0.7",
    }
    assert "fa:16:3e:00:00:02" in column(paired, "addresses")  # type: ignore[operator]


def test_a_filtered_port_without_addresses_may_only_ask_for_one() -> None:
    bare = plan_port(NAMES, replace(PORT, addresses=(), subnets=()), Surroundings())
    assert column(bare, "port_security") == {f"{MAC} 0.0.0.0"}
    assert column(bare, "addresses") == {MAC}


def test_a_port_without_security_is_neither_filtered_nor_bound_to_its_addresses() -> None:
    free = plan_port(NAMES, replace(PORT, security=False), Surroundings())
    assert column(free, "port_security") == frozenset()
    assert "unknown" in column(free, "addresses")  # type: ignore[operator]
    assert [home.table for home in free.root.homes] == ["Logical_Switch"]
    assert free.shared == ()


def test_a_port_uses_the_options_that_exist() -> None:
    v4, v6 = options_uuid(NAMES, "v4"), options_uuid(NAMES, "v6")
    plan = plan_port(NAMES, PORT, Surroundings(options=frozenset({v4, v6})))
    assert (column(plan, "dhcpv4_options"), column(plan, "dhcpv6_options")) == ({v4}, {v6})
    assert column(plan_port(NAMES, PORT, Surroundings()), "dhcpv4_options") == frozenset()


def test_names_are_answered_with_and_without_the_domain() -> None:
    plan = plan_port(NAMES, replace(PORT, hostname="Web"), Surroundings(domain="blue.example"))
    (dns,) = children(plan, "DNS")
    answer = "10.0.0.11 2001:db8:1::11"
    assert dns.columns["records"] == {"web": answer, "web.blue.example": answer}


LEG = RouterPort("l", "n", MAC, ("10.0.0.1/24",), ra_mode="slaac", mtu=1400, dns=("9.9.9.9", "2620:fe::fe"))
WAY_OUT = ExternalPort(
    "e", "x", MAC, ("2001:db8:ffff::a/64", "198.18.0.10/24"), ("198.18.0.1", "2001:db8:ffff::1"), ("10.0.0.0/24",)
)
ROUTER = Router("r", 1, "out", (LEG,), WAY_OUT)


def test_a_router_advertises_what_its_leg_says() -> None:
    legs = children(plan_router(NAMES, ROUTER, Surroundings()), "Logical_Router_Port")
    assert legs[0].columns["ipv6_ra_configs"] == {
        "address_mode": "slaac", "send_periodic": "true", "mtu": "1400", "rdnss": "2620:fe::fe",
    }  # fmt: skip
    assert legs[1].columns["ipv6_ra_configs"] == {}


def test_the_way_out_refuses_what_is_too_big_for_any_leg() -> None:
    def limit(router: Router) -> object:
        (leg,) = (row for row in children(plan_router(NAMES, router, Surroundings()), "Logical_Router_Port")
                  if "lrp-e" in row.columns["name"])  # fmt: skip
        return leg.columns["options"]

    assert limit(ROUTER) == {"gateway_mtu": "1400"}
    assert limit(replace(ROUTER, ports=(replace(LEG, mtu=8900), LEG))) == {"gateway_mtu": "1400"}
    assert limit(replace(ROUTER, ports=(replace(LEG, mtu=8900),))) == {"gateway_mtu": "1500"}
    assert limit(replace(ROUTER, ports=())) == {}


def test_a_router_translates_to_its_first_ipv4_address_and_not_without_one() -> None:
    (nat,) = children(plan_router(NAMES, ROUTER, Surroundings()), "NAT")
    assert nat.columns["external_ip"] == {"198.18.0.10"}
    only_v6 = replace(ROUTER, external=replace(WAY_OUT, addresses=("2001:db8:ffff::a/64",)))
    assert children(plan_router(NAMES, only_v6, Surroundings()), "NAT") == []


def test_default_routes_leave_by_the_external_leg_and_others_by_any() -> None:
    plan = plan_router(NAMES, replace(ROUTER, routes=(("10.7.0.0/16", "10.0.0.7"),)), Surroundings())
    routes = {
        next(iter(row.columns["ip_prefix"])): row.columns["output_port"]
        for row in children(plan, "Logical_Router_Static_Route")
    }
    assert routes == {"10.7.0.0/16": frozenset(), "0.0.0.0/0": {"lrp-e"}, "::/0": {"lrp-e"}}


@pytest.mark.parametrize(
    ("chosen", "known", "wanted"),
    [(("b", "a"), ("c",), {"b": 100, "a": 99}), ((), ("a", "b"), {"a": 100, "b": 99}), ((), (), {})],
)
def test_gateways_are_the_chosen_hosts_or_all(
    chosen: tuple[str, ...], known: tuple[str, ...], wanted: dict[str, int]
) -> None:
    router = replace(ROUTER, external=replace(WAY_OUT, hosts=chosen))
    rows = children(plan_router(NAMES, router, Surroundings(gateways=known)), "Gateway_Chassis")
    assert {next(iter(r.columns["chassis_name"])): next(iter(r.columns["priority"])) for r in rows} == wanted
