"""Who may do what with servers, flavors, key pairs and hosts."""

from __future__ import annotations

from croft.core.policy import Role, Rule

_NOVA = "os_compute_api:"


_INVENTORY = frozenset(
    {
        "server.list",
        "server.list_all",
        "server.show",
        "server.list_actions",
        "server.list_groups",
        "server.list_interfaces",
        "server.list_volumes",
        "server.show_tags",
        "quota.show",
        "quota.show_defaults",
    }
)
"""What everybody may read of every project where the cloud is open. Without metadata, user data and lock reasons."""


def _rule(action: str, least: Role, openstack: str, says: str) -> Rule:
    return Rule(f"compute.{action}", least, _NOVA + openstack, says, inventory=action in _INVENTORY)


RULES = (
    _rule("server.list", Role.READER, "servers:index", "list servers"),
    _rule("server.list_all", Role.ADMIN, "servers:index:get_all_tenants", "list the servers of all projects"),
    _rule("server.show", Role.READER, "servers:show", "look at a server"),
    _rule("server.show_host", Role.ADMIN, "os-extended-server-attributes", "see where a server runs"),
    _rule("server.create", Role.MEMBER, "servers:create", "create a server"),
    _rule("server.choose_host", Role.ADMIN, "servers:create:forced_host", "choose the host of a server"),
    _rule("server.update", Role.MEMBER, "servers:update", "change a server"),
    _rule("server.delete", Role.MEMBER, "servers:delete", "delete a server"),
    _rule("server.start", Role.MEMBER, "servers:start", "start a server"),
    _rule("server.stop", Role.MEMBER, "servers:stop", "stop a server"),
    _rule("server.reboot", Role.MEMBER, "servers:reboot", "reboot a server"),
    _rule("server.rebuild", Role.MEMBER, "servers:rebuild", "rebuild a server"),
    _rule("server.resize", Role.MEMBER, "servers:resize", "resize a server"),
    _rule("server.confirm_resize", Role.MEMBER, "servers:confirm_resize", "confirm a server's resize"),
    _rule("server.revert_resize", Role.MEMBER, "servers:revert_resize", "revert a server's resize"),
    _rule("server.lock", Role.MEMBER, "os-lock-server:lock", "lock a server"),
    _rule("server.unlock", Role.MEMBER, "os-lock-server:unlock", "unlock a server"),
    _rule("server.unlock_any", Role.ADMIN, "os-lock-server:unlock:unlock_override", "unlock what an operator locked"),
    _rule("server.console", Role.MEMBER, "os-console-output", "read a server's console log"),
    _rule("server.add_group", Role.MEMBER, "os-security-groups:add", "give a server a security group"),
    _rule("server.remove_group", Role.MEMBER, "os-security-groups:remove", "take a security group from a server"),
    _rule("server.list_groups", Role.READER, "os-security-groups:list", "see a server's security groups"),
    _rule("server.list_actions", Role.READER, "os-instance-actions:list", "see what was done with a server"),
    _rule("server.list_events", Role.ADMIN, "os-instance-actions:events", "see how a server's actions went"),
    _rule("server.list_interfaces", Role.READER, "os-attach-interfaces:list", "list a server's interfaces"),
    _rule("server.attach_interface", Role.MEMBER, "os-attach-interfaces:create", "attach an interface to a server"),
    _rule("server.detach_interface", Role.MEMBER, "os-attach-interfaces:delete", "detach a server's interface"),
    _rule("server.list_volumes", Role.READER, "os-volumes-attachments:index", "list a server's volumes"),
    _rule("server.show_metadata", Role.READER, "server-metadata:index", "read a server's metadata"),
    _rule("server.change_metadata", Role.MEMBER, "server-metadata:update_all", "change a server's metadata"),
    _rule("server.show_tags", Role.READER, "os-server-tags:index", "read a server's tags"),
    _rule("server.change_tags", Role.MEMBER, "os-server-tags:update_all", "change a server's tags"),
    _rule("server.show_password", Role.READER, "os-server-password:show", "see a server's password"),
    _rule("server.forget_password", Role.MEMBER, "os-server-password:clear", "forget a server's password"),
    _rule("server.refuse", Role.MEMBER, "servers:unsupported", "do this with a server"),
    _rule("flavor.list", Role.READER, "os-flavors:index", "list flavors"),
    _rule("flavor.show", Role.READER, "os-flavors:show", "look at a flavor"),
    _rule("flavor.create", Role.ADMIN, "os-flavor-manage:create", "create a flavor"),
    _rule("flavor.update", Role.ADMIN, "os-flavor-manage:update", "describe a flavor"),
    _rule("flavor.delete", Role.ADMIN, "os-flavor-manage:delete", "delete a flavor"),
    _rule("flavor.show_specs", Role.READER, "os-flavor-extra-specs:index", "read a flavor's extra specs"),
    _rule("flavor.change_specs", Role.ADMIN, "os-flavor-extra-specs:update", "change a flavor's extra specs"),
    _rule("flavor.list_access", Role.ADMIN, "os-flavor-access", "see who may use a flavor"),
    _rule("flavor.change_access", Role.ADMIN, "os-flavor-access:add_tenant_access", "change who may use a flavor"),
    _rule("keypair.list", Role.READER, "os-keypairs:index", "list key pairs"),
    _rule("keypair.show", Role.READER, "os-keypairs:show", "look at a key pair"),
    _rule("keypair.create", Role.MEMBER, "os-keypairs:create", "create a key pair"),
    _rule("keypair.delete", Role.MEMBER, "os-keypairs:delete", "delete a key pair"),
    _rule("keypair.others", Role.ADMIN, "os-keypairs:others", "handle other users' key pairs"),
    _rule("limit.show", Role.READER, "limits", "see limits"),
    _rule("limit.show_others", Role.ADMIN, "limits:other_project", "see another project's limits"),
    _rule("quota.show", Role.READER, "os-quota-sets:show", "see quotas"),
    _rule("quota.show_defaults", Role.READER, "os-quota-sets:defaults", "see default quotas"),
    _rule("quota.update", Role.ADMIN, "os-quota-sets:update", "change quotas"),
    _rule("quota.delete", Role.ADMIN, "os-quota-sets:delete", "reset quotas"),
    _rule("zone.list", Role.READER, "os-availability-zone:list", "list availability zones"),
    _rule("zone.detail", Role.ADMIN, "os-availability-zone:detail", "see the hosts of availability zones"),
    _rule("host.list", Role.ADMIN, "os-services:list", "list compute services"),
    _rule("host.update", Role.ADMIN, "os-services:update", "change compute services"),
    _rule("hypervisor.list", Role.ADMIN, "os-hypervisors:list", "list hypervisors"),
    _rule("usage.list", Role.ADMIN, "os-simple-tenant-usage:list", "see the usage of all projects"),
    _rule("usage.show", Role.READER, "os-simple-tenant-usage:show", "see a project's usage"),
    _rule("extension.list", Role.READER, "extensions", "list API extensions"),
    _rule("aggregate.list", Role.ADMIN, "os-aggregates:index", "list host aggregates"),
    _rule("group.list", Role.READER, "os-server-groups:index", "list server groups"),
)
QUOTAS = {
    "compute.instances": 10,
    "compute.cores": 20,
    "compute.ram": 51200,
    "compute.key_pairs": 100,
    "compute.metadata_items": 128,
    "compute.injected_files": 5,
    "compute.injected_file_content_bytes": 10240,
    "compute.injected_file_path_bytes": 255,
    "compute.server_groups": 10,
    "compute.server_group_members": 10,
    "compute.fixed_ips": -1,
    "compute.floating_ips": -1,
    "compute.security_groups": -1,
    "compute.security_group_rules": -1,
}
"""The last four are shown by old microversions only and bound nothing: the network service has its own."""
