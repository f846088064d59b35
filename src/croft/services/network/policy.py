"""Who may do what with networks: readers look, members make things, admins run the cloud's own parts."""

from __future__ import annotations

from croft.core.policy import Role, Rule

_READER, _MEMBER, _ADMIN = Role.READER, Role.MEMBER, Role.ADMIN
_THINGS = (
    ("network", "network", "networks"),
    ("subnet", "subnet", "subnets"),
    ("pool", "subnetpool", "subnet pools"),
    ("port", "port", "ports"),
    ("router", "router", "routers"),
    ("floating", "floatingip", "floating IPs"),
    ("group", "security_group", "security groups"),
    ("rule", "security_group_rule", "security group rules"),
)
_UNCHANGEABLE = {"rule"}


def _standard(thing: str, openstack: str, people: str) -> list[Rule]:
    rules = [
        Rule(f"network.{thing}.list", _READER, f"get_{openstack}", f"list {people}", inventory=True),
        Rule(f"network.{thing}.show", _READER, f"get_{openstack}", f"see {people}", inventory=True),
        Rule(f"network.{thing}.create", _MEMBER, f"create_{openstack}", f"create {people}"),
        Rule(f"network.{thing}.delete", _MEMBER, f"delete_{openstack}", f"delete {people}"),
    ]
    if thing not in _UNCHANGEABLE:
        rules.append(Rule(f"network.{thing}.update", _MEMBER, f"update_{openstack}", f"change {people}"))
    return rules


RULES: tuple[Rule, ...] = (
    *(rule for thing in _THINGS for rule in _standard(*thing)),
    Rule("network.network.share", _ADMIN, "create_network:shared", "share networks with everybody"),
    Rule("network.network.expose", _ADMIN, "create_network:router:external", "make networks external"),
    Rule("network.network.provide", _ADMIN, "create_network:provider:network_type", "choose how networks are provided"),
    Rule("network.network.prefer", _ADMIN, "create_network:is_default", "make a network the default"),
    Rule("network.pool.share", _ADMIN, "create_subnetpool:shared", "share subnet pools with everybody"),
    Rule("network.pool.prefer", _ADMIN, "create_subnetpool:is_default", "make a subnet pool the default"),
    Rule("network.port.bind", _ADMIN, "create_port:binding:host_id", "choose or see a port's host"),
    Rule("network.port.intrude", _ADMIN, "create_port:device_owner", "make ports that only the network itself has"),
    Rule("network.port.spoof", _ADMIN, "create_port:mac_address", "choose addresses in networks of others"),
    Rule("network.router.snat", _ADMIN, "create_router:external_gateway_info:enable_snat", "turn address translation"),
    Rule(
        "network.router.choose",
        _ADMIN,
        "create_router:external_gateway_info:external_fixed_ips",
        "choose a router's external address",
    ),
    Rule("network.floating.choose", _ADMIN, "create_floatingip:floating_ip_address", "choose a floating IP's address"),
    Rule("network.router.attach", _MEMBER, "add_router_interface", "connect routers"),
    Rule("network.router.detach", _MEMBER, "remove_router_interface", "disconnect routers"),
    Rule("network.router.route", _MEMBER, "add_extraroutes", "change a router's routes"),
    Rule("network.tag.show", _READER, "get_tags", "see tags", inventory=True),
    Rule("network.tag.update", _MEMBER, "update_tags", "change tags"),
    Rule("network.quota.show", _READER, "get_quota", "see quotas", inventory=True),
    Rule("network.quota.update", _ADMIN, "update_quota", "change quotas", project=False),
    Rule("network.starter.create", _ADMIN, "croft:starter:create", "give new projects what they begin with"),
    Rule("network.topology.show", _MEMBER, "get_auto_allocated_topology", "get a ready-made network"),
    Rule("network.topology.delete", _MEMBER, "delete_auto_allocated_topology", "remove the ready-made network"),
    Rule(
        "network.availability.show", _ADMIN, "get_network_ip_availability", "see how full networks are", project=False
    ),
    Rule("network.agent.list", _READER, "get_agent", "list agents"),
    Rule("network.extension.list", Role.NONE, "get_extension", "see extensions", project=False),
)

QUOTAS = {
    "network.network": 100,
    "network.subnet": 100,
    "network.subnetpool": 20,
    "network.port": 500,
    "network.router": 10,
    "network.floatingip": 50,
    "network.security_group": 50,
    "network.security_group_rule": 500,
    "network.rbac_policy": 10,
    "network.trunk": 10,
}
"""Defaults by Neutron's resource names. There are no RBAC policies or trunks; clients set all limits in one request."""
