"""Every operation there is, by (version, name). Rule: operations.md, traps: never dispatch on the name alone."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.api.action import AnyAction
from gateway.api.actions import (
    access_key_policies,
    access_keys,
    account,
    account_summary,
    assume_role,
    attachments,
    authorize,
    caller_identity,
    credential_report,
    diagnosis,
    group_members,
    groups,
    instances,
    login_profiles,
    mfa_devices,
    oidc_exchange,
    oidc_providers,
    own_password,
    password_policy,
    policies,
    policy_versions,
    recycle_bin,
    resource_groups,
    resource_handover,
    resources,
    roles,
    saml_exchange,
    saml_providers,
    security_preference,
    service_roles,
    session_recall,
    simulation,
    tags,
    user_lists,
    user_sso,
    users,
    verification,
    verify_request,
)
from gateway.api.versions import IMS, RAM, RESOURCES, STS
from gateway.errors import InputError, Reason

_FAMILIES = (
    access_key_policies,
    access_keys,
    account,
    account_summary,
    assume_role,
    attachments,
    authorize,
    caller_identity,
    credential_report,
    diagnosis,
    group_members,
    groups,
    instances,
    login_profiles,
    mfa_devices,
    oidc_exchange,
    oidc_providers,
    own_password,
    password_policy,
    policies,
    policy_versions,
    recycle_bin,
    resource_groups,
    resource_handover,
    resources,
    roles,
    saml_exchange,
    saml_providers,
    security_preference,
    service_roles,
    session_recall,
    simulation,
    tags,
    user_lists,
    user_sso,
    users,
    verification,
    verify_request,
)
ACTIONS: Mapping[tuple[str, str], AnyAction] = MappingProxyType(
    {(action.version, action.name): action for family in _FAMILIES for action in family.ACTIONS}
)
_VERSIONS = frozenset((RAM, IMS, STS, RESOURCES))


def find_action(version: str, name: str) -> AnyAction:
    """Raises: InputError(VERSION_INVALID), InputError(ACTION_NOT_FOUND)."""
    if version not in _VERSIONS:
        raise InputError(Reason.VERSION_INVALID, "no such version", version)
    action = ACTIONS.get((version, name))
    if action is None:
        raise InputError(Reason.ACTION_NOT_FOUND, "no such operation", f"{version} {name}")
    return action
