"""Who may do what in identity. Operators do everything; a project's manager lends out its roles; people see themselves.

Where a rule asks for no role, the action itself only serves the asking user's own things, and beyond them what the
token's scope reaches. With a token for the system a reader reads everything and an admin changes everything.
"""

from __future__ import annotations

from croft.core.policy import Role, Rule

_READS = {"list", "show", "check"}


def _rule(action: str, least: Role, openstack: str, says: str, domain: Role | None = None) -> Rule:
    """`domain` is the least role with a token for a domain, which then reaches that domain alone."""
    system = Role.READER if action.rpartition(".")[2] in _READS else Role.ADMIN
    asks = (f"identity.{action}", least, f"identity:{openstack}", says)
    return Rule(*asks, project=least is Role.MANAGER, domain=domain, system=system)


_ADMIN, _MANAGER, _ANYONE = Role.ADMIN, Role.MANAGER, Role.NONE

RULES = (
    _rule("token.show", _ANYONE, "validate_token", "look at this token"),
    _rule("token.delete", _ANYONE, "revoke_token", "revoke this token"),
    _rule("scope.list", _ANYONE, "get_auth_projects", "list where you may work"),
    _rule("catalog.show", _ANYONE, "get_auth_catalog", "see the catalog"),
    _rule("domain.list", _ADMIN, "list_domains", "list domains"),
    _rule("domain.show", _ANYONE, "get_domain", "see this domain"),
    _rule("domain.create", _ADMIN, "create_domain", "create domains"),
    _rule("domain.update", _ADMIN, "update_domain", "change domains"),
    _rule("domain.delete", _ADMIN, "delete_domain", "delete domains"),
    _rule("project.list", _MANAGER, "list_projects", "list projects"),
    _rule("project.show", _ANYONE, "get_project", "see this project"),
    _rule("project.create", _ADMIN, "create_project", "create projects"),
    _rule("project.update", _ADMIN, "update_project", "change projects"),
    _rule("project.delete", _ADMIN, "delete_project", "delete projects"),
    _rule("project_tag.list", _ANYONE, "list_project_tags", "see the tags of this project"),
    _rule("project_tag.update", _ADMIN, "update_project_tags", "change the tags of projects"),
    _rule("user.list", _MANAGER, "list_users", "list users"),
    _rule("user.show", _ANYONE, "get_user", "see this user"),
    _rule("user.create", _ADMIN, "create_user", "create users"),
    _rule("user.update", _ADMIN, "update_user", "change users"),
    _rule("user.delete", _ADMIN, "delete_user", "delete users"),
    _rule("user_password.update", _ANYONE, "update_user_password", "change this password"),
    _rule("user_project.list", _ANYONE, "list_user_projects", "list the projects of this user"),
    _rule("user_group.list", _ANYONE, "list_groups_for_user", "list the groups of this user"),
    _rule("group.list", _ADMIN, "list_groups", "list groups"),
    _rule("group.show", _ADMIN, "get_group", "see groups"),
    _rule("group.create", _ADMIN, "create_group", "create groups"),
    _rule("group.update", _ADMIN, "update_group", "change groups"),
    _rule("group.delete", _ADMIN, "delete_group", "delete groups"),
    _rule("group_user.list", _ADMIN, "list_users_in_group", "list the members of groups"),
    _rule("group_user.check", _ADMIN, "check_user_in_group", "look into groups"),
    _rule("group_user.add", _ADMIN, "add_user_to_group", "add users to groups"),
    _rule("group_user.remove", _ADMIN, "remove_user_from_group", "remove users from groups"),
    _rule("role.list", _MANAGER, "list_roles", "list roles"),
    _rule("role.show", _MANAGER, "get_role", "see roles"),
    _rule("role.create", _ADMIN, "create_role", "create roles"),
    _rule("role.update", _ADMIN, "update_role", "change roles"),
    _rule("role.delete", _ADMIN, "delete_role", "delete roles"),
    _rule("implied_role.list", _ADMIN, "list_implied_roles", "see which roles imply which"),
    _rule("implied_role.create", _ADMIN, "create_implied_role", "make roles imply others"),
    _rule("implied_role.delete", _ADMIN, "delete_implied_role", "end implications of roles"),
    _rule("grant.list", _MANAGER, "list_grants", "list who holds which role there"),
    _rule("grant.check", _MANAGER, "check_grant", "look up roles there"),
    _rule("grant.create", _MANAGER, "create_grant", "give roles there"),
    _rule("grant.delete", _MANAGER, "revoke_grant", "take roles away there"),
    _rule("system_grant.list", _ADMIN, "list_system_grants_for_user", "list roles on the system"),
    _rule("system_grant.create", _ADMIN, "create_system_grant_for_user", "give roles on the system"),
    _rule("system_grant.delete", _ADMIN, "revoke_system_grant_for_user", "take roles on the system away"),
    _rule("role_assignment.list", _MANAGER, "list_role_assignments", "list role assignments"),
    _rule("application_credential.list", _ANYONE, "list_application_credentials", "list these credentials"),
    _rule("application_credential.show", _ANYONE, "get_application_credential", "see this credential"),
    _rule("application_credential.create", _ANYONE, "create_application_credential", "create credentials"),
    _rule("application_credential.delete", _ANYONE, "delete_application_credential", "delete this credential"),
    _rule("access_rule.list", _ANYONE, "list_access_rules", "list these access rules"),
    _rule("access_rule.show", _ANYONE, "get_access_rule", "see this access rule"),
    _rule("access_rule.delete", _ANYONE, "delete_access_rule", "delete this access rule"),
    _rule("credential.list", _ANYONE, "list_credentials", "list credentials"),
    _rule("credential.show", _ANYONE, "get_credential", "see this credential"),
    _rule("credential.create", _ANYONE, "create_credential", "create credentials"),
    _rule("credential.update", _ANYONE, "update_credential", "change this credential"),
    _rule("credential.delete", _ANYONE, "delete_credential", "delete this credential"),
    _rule("ec2_credential.list", _ANYONE, "ec2_list_credentials", "list these credentials"),
    _rule("ec2_credential.show", _ANYONE, "ec2_get_credential", "see this credential"),
    _rule("ec2_credential.create", _ANYONE, "ec2_create_credential", "create credentials"),
    _rule("ec2_credential.delete", _ANYONE, "ec2_delete_credential", "delete this credential"),
    _rule("trust.list", _ANYONE, "list_trusts", "list trusts"),
    _rule("trust.show", _ANYONE, "get_trust", "see this trust"),
    _rule("trust.create", _ANYONE, "create_trust", "create trusts"),
    _rule("trust.delete", _ANYONE, "delete_trust", "delete this trust"),
    _rule("region.list", _ANYONE, "list_regions", "list regions"),
    _rule("region.show", _ANYONE, "get_region", "see regions"),
    _rule("region.create", _ADMIN, "create_region", "create regions"),
    _rule("region.update", _ADMIN, "update_region", "change regions"),
    _rule("region.delete", _ADMIN, "delete_region", "delete regions"),
    _rule("service.list", _ADMIN, "list_services", "list services"),
    _rule("service.show", _ADMIN, "get_service", "see services"),
    _rule("service.create", _ADMIN, "create_service", "create services"),
    _rule("service.update", _ADMIN, "update_service", "change services"),
    _rule("service.delete", _ADMIN, "delete_service", "delete services"),
    _rule("endpoint.list", _ADMIN, "list_endpoints", "list endpoints"),
    _rule("endpoint.show", _ADMIN, "get_endpoint", "see endpoints"),
    _rule("endpoint.create", _ADMIN, "create_endpoint", "create endpoints"),
    _rule("endpoint.update", _ADMIN, "update_endpoint", "change endpoints"),
    _rule("endpoint.delete", _ADMIN, "delete_endpoint", "delete endpoints"),
)
