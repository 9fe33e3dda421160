"""How policies name what a call acts on. Rule: policy-language §2, RAM resource ARNs per action.

A name is written as the thing is called, in whatever case the caller wrote it: a statement about `user/alice` must see
a call about `ALICE`. What does not exist is named as the caller named it.
"""

from collections.abc import Callable
from dataclasses import replace

from gateway.api.action import Target, Work
from gateway.arn import group_arn, oidc_provider_arn, role_arn, saml_provider_arn, user_arn
from gateway.directory.groups import find_group
from gateway.directory.oidc_providers import find_oidc_provider
from gateway.directory.policies import find_policy
from gateway.directory.roles import find_role
from gateway.directory.saml_providers import find_saml_provider
from gateway.directory.tags import TagKind, tags_of
from gateway.directory.users import User, find_user
from gateway.policy import find_system_policy


def whole_account(work: Work, _request: object) -> tuple[Target, ...]:
    """What calls about alias, domain, password policy, security settings and the like are decided on."""
    return (Target(f"acs:ram:*:{work.account_id}:*"),)


def any_of(work: Work, kind: str) -> Target:
    """All things of a kind, such as `user`: what listing and making them is decided on."""
    return Target(f"acs:ram:*:{work.account_id}:{kind}/*")


def all_of(kind: str) -> Callable[[Work, object], tuple[Target, ...]]:
    """`any_of` as an operation's only target, whatever it asks for."""

    def targets(work: Work, _request: object) -> tuple[Target, ...]:
        return (any_of(work, kind),)

    return targets


def user_target(work: Work, name: str) -> Target:
    user = find_user(work.session, work.account_id, name)
    return Target(user_arn(work.account_id, name)) if user is None else found_user_target(work, user)


def found_user_target(work: Work, user: User) -> Target:
    return Target(user.arn, tags_of(work.session, user.account_id, TagKind.USER, user.id))


def renamed(target: Target, new_name: str | None) -> tuple[Target, ...]:
    """A user or group that is about to get another name: decided on by both. A right to rename `temp-*` is none to
    call somebody like a user whom a role trusts.
    """
    if new_name is None:
        return (target,)
    return target, replace(target, arn=f"{target.arn.rpartition('/')[0]}/{new_name}")


def group_target(work: Work, name: str) -> Target:
    group = find_group(work.session, work.account_id, name)
    return Target(group_arn(work.account_id, name) if group is None else group.arn)


def role_target(work: Work, name: str) -> Target:
    role = find_role(work.session, work.account_id, name)
    if role is None:
        return Target(role_arn(work.account_id, name))
    return Target(role.arn, tags_of(work.session, work.account_id, TagKind.ROLE, role.id))


def saml_provider_target(work: Work, name: str) -> Target:
    provider = find_saml_provider(work.session, work.account_id, name)
    return Target(saml_provider_arn(work.account_id, name) if provider is None else provider.arn)


def oidc_provider_target(work: Work, name: str) -> Target:
    provider = find_oidc_provider(work.session, work.account_id, name)
    return Target(oidc_provider_arn(work.account_id, name) if provider is None else provider.arn)


def resource_group_target(work: Work, group_id: str) -> Target:
    return Target(f"acs:ram:*:{work.account_id}:resourcegroup/{group_id}")


def policy_target(work: Work, policy_type: str, name: str) -> Target:
    if policy_type == "System":
        known = find_system_policy(name)
        return Target(f"acs:ram:*:system:policy/{name if known is None else known.name}")
    policy = find_policy(work.session, work.account_id, name)
    if policy is None:
        return Target(f"acs:ram::{work.account_id}:policy/{name}")
    tags = tags_of(work.session, work.account_id, TagKind.POLICY, policy.tag_id)
    return Target(f"acs:ram::{work.account_id}:policy/{policy.name}", tags)
