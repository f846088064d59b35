"""Who may do what in identity. Operators do everything; a project's manager lends out its roles; people see themselves.

Where a rule asks for no role, the action itself only serves the asking user's own things, and beyond them what the
token's scope reaches. With a token for the system a reader reads everything and an admin changes everything.
"""

from __future__ import annotations

from dataclasses import replace

from croft.core.policy import Role, Rule

_READS = {"list", "show", "check"}


_INVENTORY = {"project.list", "project.show", "project_tag.list", "role.list", "role.show", "role_assignment.list"}
"""What everybody may read where the cloud is open."""


def _rule(action: str, least: Role, openstack: str, says: str, domain: Role | None = None) -> Rule:
    """`domain` is the least role with a token for a domain, which then reaches that domain alone."""
    system = Role.READER if action.rpartition(".")[2] in _READS else Role.ADMIN
    asks = (f"identity.{action}", least, f"identity:{openstack}", says)
    return Rule(*asks, project=least is Role.MANAGER, domain=domain, system=system, inventory=action in _INVENTORY)


_ADMIN, _MANAGER, _READER, _ANYONE = Role.ADMIN, Role.MANAGER, Role.READER, Role.NONE

RULES = (
    _rule("token.show", _ANYONE, "validate_token", "look at this token"),
    _rule("token.delete", _ANYONE, "revoke_token", "revoke this token"),
    _rule("scope.list", _ANYONE, "get_auth_projects", "list where you may work"),
    _rule("catalog.show", _ANYONE, "get_auth_catalog", "see the catalog"),
    _rule("domain.list", _ADMIN, "list_domains", "list domains", domain=_READER),
    _rule("domain.show", _ANYONE, "get_domain", "see this domain"),
    _rule("domain.create", _ADMIN, "create_domain", "create domains"),
    _rule("domain.update", _ADMIN, "update_domain", "change domains"),
    _rule("domain.delete", _ADMIN, "delete_domain", "delete domains"),
    _rule("project.list", _MANAGER, "list_projects", "list projects", domain=_READER),
    _rule("project.show", _ANYONE, "get_project", "see this project"),
    _rule("project.create", _MANAGER, "create_project", "create projects", domain=_MANAGER),
    _rule("project.update", _ADMIN, "update_project", "change projects", domain=_MANAGER),
    _rule("project.delete", _ADMIN, "delete_project", "delete projects", domain=_MANAGER),
    _rule("project_tag.list", _ANYONE, "list_project_tags", "see the tags of this project"),
    _rule("project_tag.update", _ADMIN, "update_project_tags", "change the tags of projects", domain=_MANAGER),
    _rule("user.list", _MANAGER, "list_users", "list users", domain=_READER),
    _rule("user.show", _ANYONE, "get_user", "see this user"),
    _rule("user.create", _ADMIN, "create_user", "create users", domain=_MANAGER),
    _rule("user.update", _ADMIN, "update_user", "change users", domain=_MANAGER),
    _rule("user.delete", _ADMIN, "delete_user", "delete users", domain=_MANAGER),
    _rule("user_token.delete", _ANYONE, "revoke_tokens_for_user", "end the tokens of this user"),
    _rule("user_project.list", _ANYONE, "list_user_projects", "list the projects of this user"),
    _rule("user_group.list", _ANYONE, "list_groups_for_user", "list the groups of this user"),
    _rule("group.list", _ADMIN, "list_groups", "list groups", domain=_READER),
    _rule("group.show", _ADMIN, "get_group", "see groups", domain=_READER),
    _rule("group.create", _ADMIN, "create_group", "create groups", domain=_MANAGER),
    _rule("group.update", _ADMIN, "update_group", "change groups", domain=_MANAGER),
    _rule("group.delete", _ADMIN, "delete_group", "delete groups", domain=_MANAGER),
    _rule("group_user.list", _ADMIN, "list_users_in_group", "list the members of groups", domain=_READER),
    _rule("group_user.check", _ADMIN, "check_user_in_group", "look into groups", domain=_READER),
    _rule("group_user.add", _ADMIN, "add_user_to_group", "add users to groups", domain=_MANAGER),
    _rule("group_user.remove", _ADMIN, "remove_user_from_group", "remove users from groups", domain=_MANAGER),
    _rule("role.list", _MANAGER, "list_roles", "list roles", domain=_MANAGER),
    _rule("role.show", _MANAGER, "get_role", "see roles", domain=_MANAGER),
    _rule("role.create", _ADMIN, "create_role", "create roles"),
    _rule("role.update", _ADMIN, "update_role", "change roles"),
    _rule("role.delete", _ADMIN, "delete_role", "delete roles"),
    _rule("implied_role.list", _ADMIN, "list_implied_roles", "see which roles imply which"),
    _rule("implied_role.create", _ADMIN, "create_implied_role", "make roles imply others"),
    _rule("implied_role.delete", _ADMIN, "delete_implied_role", "end implications of roles"),
    _rule("grant.list", _MANAGER, "list_grants", "list who holds which role there", domain=_READER),
    _rule("grant.check", _MANAGER, "check_grant", "look up roles there", domain=_READER),
    _rule("grant.create", _MANAGER, "create_grant", "give roles there", domain=_MANAGER),
    _rule("grant.delete", _MANAGER, "revoke_grant", "take roles away there", domain=_MANAGER),
    _rule("system_grant.list", _ADMIN, "list_system_grants_for_user", "list roles on the system"),
    _rule("system_grant.create", _ADMIN, "create_system_grant_for_user", "give roles on the system"),
    _rule("system_grant.delete", _ADMIN, "revoke_system_grant_for_user", "take roles on the system away"),
    _rule("role_assignment.list", _MANAGER, "list_role_assignments", "list role assignments", domain=_READER),
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
    _rule("ec2_token.create", _ANYONE, "ec2tokens_validate", "check EC2 signatures"),
    _rule("s3_token.create", _ANYONE, "s3tokens_validate", "check S3 signatures"),
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
    _rule("identity_provider.list", _ADMIN, "list_identity_providers", "list identity providers"),
    _rule("identity_provider.show", _ADMIN, "get_identity_provider", "see identity providers"),
    _rule("identity_provider.create", _ADMIN, "create_identity_provider", "create identity providers"),
    _rule("identity_provider.update", _ADMIN, "update_identity_provider", "change identity providers"),
    _rule("identity_provider.delete", _ADMIN, "delete_identity_provider", "delete identity providers"),
    _rule("protocol.list", _ADMIN, "list_protocols", "list protocols of identity providers"),
    _rule("protocol.show", _ADMIN, "get_protocol", "see protocols of identity providers"),
    _rule("protocol.create", _ADMIN, "create_protocol", "create protocols of identity providers"),
    _rule("protocol.update", _ADMIN, "update_protocol", "change protocols of identity providers"),
    _rule("protocol.delete", _ADMIN, "delete_protocol", "delete protocols of identity providers"),
    _rule("mapping.list", _ADMIN, "list_mappings", "list mappings"),
    _rule("mapping.show", _ADMIN, "get_mapping", "see mappings"),
    _rule("mapping.create", _ADMIN, "create_mapping", "create mappings"),
    _rule("mapping.update", _ADMIN, "update_mapping", "change mappings"),
    _rule("mapping.delete", _ADMIN, "delete_mapping", "delete mappings"),
    _rule("service_provider.list", _ADMIN, "list_service_providers", "list service providers"),
    _rule("service_provider.show", _ADMIN, "get_service_provider", "see service providers"),
    _rule("service_provider.create", _ADMIN, "create_service_provider", "create service providers"),
    _rule("service_provider.update", _ADMIN, "update_service_provider", "change service providers"),
    _rule("service_provider.delete", _ADMIN, "delete_service_provider", "delete service providers"),
    _rule("registered_limit.list", _ANYONE, "list_registered_limits", "list registered limits"),
    _rule("registered_limit.show", _ANYONE, "get_registered_limit", "see registered limits"),
    _rule("registered_limit.create", _ADMIN, "create_registered_limits", "register limits"),
    _rule("registered_limit.update", _ADMIN, "update_registered_limit", "change registered limits"),
    _rule("registered_limit.delete", _ADMIN, "delete_registered_limit", "delete registered limits"),
    _rule("limit_model.show", _ANYONE, "get_limit_model", "see how limits count"),
    _rule("limit.list", _ANYONE, "list_limits", "list these limits"),
    _rule("limit.show", _ANYONE, "get_limit", "see this limit"),
    _rule("limit.create", _ADMIN, "create_limits", "set limits"),
    _rule("limit.update", _ADMIN, "update_limit", "change limits"),
    _rule("limit.delete", _ADMIN, "delete_limit", "delete limits"),
    _rule("endpoint_group.list", _ADMIN, "list_endpoint_groups", "list endpoint groups"),
    _rule("endpoint_group.show", _ADMIN, "get_endpoint_group", "see endpoint groups"),
    _rule("endpoint_group.create", _ADMIN, "create_endpoint_group", "create endpoint groups"),
    _rule("endpoint_group.update", _ADMIN, "update_endpoint_group", "change endpoint groups"),
    _rule("endpoint_group.delete", _ADMIN, "delete_endpoint_group", "delete endpoint groups"),
    _rule(
        "endpoint_group_endpoint.list",
        _ADMIN,
        "list_endpoints_associated_with_endpoint_group",
        "list the endpoints of endpoint groups",
    ),
    _rule(
        "endpoint_group_project.list",
        _ADMIN,
        "list_projects_associated_with_endpoint_group",
        "list the projects of endpoint groups",
    ),
    _rule("endpoint_group_project.check", _ADMIN, "get_endpoint_group_in_project", "look up endpoint groups"),
    _rule("endpoint_group_project.add", _ADMIN, "add_endpoint_group_to_project", "give out endpoint groups"),
    _rule("endpoint_group_project.remove", _ADMIN, "remove_endpoint_group_from_project", "take endpoint groups"),
    _rule("project_endpoint_group.list", _ADMIN, "list_endpoint_groups_for_project", "list a project's groups"),
    _rule("project_endpoint.list", _ADMIN, "list_endpoints_for_project", "list a project's endpoints"),
    _rule("project_endpoint.check", _ADMIN, "check_endpoint_in_project", "look up a project's endpoints"),
    _rule("project_endpoint.add", _ADMIN, "add_endpoint_to_project", "give out endpoints"),
    _rule("project_endpoint.remove", _ADMIN, "remove_endpoint_from_project", "take endpoints"),
    _rule("endpoint_project.list", _ADMIN, "list_projects_for_endpoint", "list the projects of endpoints"),
    _rule("policy.list", _ADMIN, "list_policies", "list policies"),
    _rule("policy.show", _ADMIN, "get_policy", "see policies"),
    _rule("policy.create", _ADMIN, "create_policy", "create policies"),
    _rule("policy.update", _ADMIN, "update_policy", "change policies"),
    _rule("policy.delete", _ADMIN, "delete_policy", "delete policies"),
    _rule("consumer.list", _ADMIN, "list_consumers", "list consumers"),
    _rule("consumer.show", _ADMIN, "get_consumer", "see consumers"),
    _rule("consumer.create", _ADMIN, "create_consumer", "create consumers"),
    _rule("consumer.update", _ADMIN, "update_consumer", "change consumers"),
    _rule("consumer.delete", _ADMIN, "delete_consumer", "delete consumers"),
    _rule("domain_config.show", _ADMIN, "get_domain_config", "see the configuration of domains"),
    _rule("domain_config.create", _ADMIN, "create_domain_config", "configure domains"),
    _rule("domain_config.update", _ADMIN, "update_domain_config", "configure domains"),
    _rule("domain_config.delete", _ADMIN, "delete_domain_config", "configure domains"),
    _rule("domain_config_default.show", _ADMIN, "get_domain_config_default", "see what domains are configured from"),
    _rule(
        "domain_compliance.show",
        _ANYONE,
        "get_security_compliance_domain_config",
        "see what passwords must look like",
    ),
    _rule("absent.refuse", _ANYONE, "not_offered", "use what is not offered"),
)


def rules(owner: str) -> list[Rule]:
    """The table where holders of another role than `manager` run their projects."""
    if owner not in {"member", "manager"}:
        raise ValueError(f"owner_role must be member or manager, not {owner}")
    return [replace(rule, least=Role[owner.upper()]) if rule.least is _MANAGER else rule for rule in RULES]
