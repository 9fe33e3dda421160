"""What an account has, and may have at most. Rule: ram-limits §1."""

from gateway.api.action import AnyAction, Outcome, Work, ram_action
from gateway.api.parameters import no_parameters
from gateway.api.render import Value
from gateway.api.targets import whole_account
from gateway.api.versions import IMS
from gateway.directory import quotas
from gateway.directory.account_summary import Counts, count_things
from gateway.policy.parser import MAX_IDENTITY_POLICY


def get_account_summary(work: Work, _request: None) -> Outcome:
    return Outcome({"SummaryMap": {**_quotas(), **_counts(count_things(work.session, work.account_id))}})


def _quotas() -> dict[str, Value]:
    """ASSUMPTION: `AttachedPolicies...` are the custom ones, as the texts say. What is not offered has no room."""
    per_target: dict[str, Value] = {}
    for kind in ("User", "Group", "Role"):
        per_target[f"AttachedPoliciesPer{kind}Quota"] = quotas.CUSTOM_POLICIES_PER_TARGET
        per_target[f"AttachedSystemPoliciesPer{kind}Quota"] = quotas.SYSTEM_POLICIES_PER_TARGET
    return {
        **per_target,
        "AccessKeysPerUserQuota": quotas.ACCESS_KEYS_PER_USER,
        "AccountAccessKeysPerAccountQuota": quotas.ACCESS_KEYS_PER_OWNER,
        "AuthorizedClientPerUserQuota": 0,
        "ConditionsPerAKPolicyQuota": quotas.STATEMENTS_PER_NETWORK_POLICY,
        "GroupsPerUserQuota": quotas.GROUPS_PER_USER,
        "GroupsQuota": quotas.GROUPS_PER_ACCOUNT,
        "IPItemsPerAKPolicyQuota": quotas.ADDRESSES_PER_NETWORK_POLICY,
        "PoliciesQuota": quotas.POLICIES_PER_ACCOUNT,
        "PolicySizeQuota": MAX_IDENTITY_POLICY,
        "RolesQuota": quotas.ROLES_PER_ACCOUNT,
        "ServiceCredentialsPerUserPerServiceQuota": 0,
        "UsersQuota": quotas.USERS_PER_ACCOUNT,
        "VersionsPerPolicyQuota": quotas.VERSIONS_PER_POLICY,
        "VirtualMFADevicesQuota": quotas.MFA_DEVICES_PER_ACCOUNT,
    }


def _counts(counts: Counts) -> dict[str, Value]:
    return {
        "Groups": counts.groups,
        "MFADevices": counts.mfa_devices,
        "MFADevicesInUse": counts.mfa_devices_in_use,
        "Policies": counts.policies,
        "Roles": counts.roles,
        "Users": counts.users,
    }


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("GetAccountSummary", IMS, no_parameters, get_account_summary, whole_account, reads=True),
)
