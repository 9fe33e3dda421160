"""What still hangs on a user, group, role or policy, and so forbids its deletion. Rule: ram-limits §10.

The tables are named, not imported: their classes stand in modules that build on these four.
"""

from sqlalchemy import ColumnElement, TableClause, column, literal, select, table
from sqlalchemy.orm import Session

from gateway.errors import Conflict, NotFound, Reason

_MEMBERSHIPS = table("group_memberships", column("user_id"), column("group_id"))
_ATTACHMENTS = table("policy_attachments", column("target_kind"), column("target_id"), column("policy_id"))
_RESOURCE_GROUPS = table("resource_groups", column("account_id"), column("id"))
_ACCESS_KEYS = table("access_keys", column("user_id"))
_LOGIN_PROFILES = table("login_profiles", column("user_id"))
_MFA_DEVICES = table("mfa_devices", column("user_id"))
_TARGETS = {
    "User": table("users", column("id")),
    "Group": table("groups", column("id")),
    "Role": table("roles", column("id")),
}
_TIES = {
    "User.Group": "the user is in a group",
    "User.Policy": "a policy is attached to the user",
    "User.AccessKey": "the user has an access key",
    "User.LoginProfile": "the user has a password",
    "User.MFADevice": "the user has an MFA device",
    "Group.User": "a user is in the group",
    "Group.Policy": "a policy is attached to the group",
    "Role.Policy": "a policy is attached to the role",
    "Policy.User": "the policy is attached to a user",
    "Policy.Group": "the policy is attached to a group",
    "Policy.Role": "the policy is attached to a role",
}


def check_still_there(session: Session, kind: str, target_id: str) -> None:
    """Refuse to hang something on a row that another process deleted since it was read.

    Call it after the account was locked. Raises: NotFound, subject "User", "Group" or "Role".
    """
    rows = _TARGETS[kind]
    if session.scalar(select(literal(1)).select_from(rows).where(rows.c.id == target_id)) is None:
        raise NotFound(Reason.NOT_FOUND, f"the {kind.lower()} does not exist", subject=kind)


def check_group_of_resources(session: Session, account_id: str, group_id: str) -> None:
    """Raises: NotFound, subject "ResourceGroup", for one that the account does not have."""
    rows = _RESOURCE_GROUPS
    found = select(literal(1)).select_from(rows).where(rows.c.account_id == account_id, rows.c.id == group_id)
    if session.scalar(found) is None:
        raise NotFound(Reason.NOT_FOUND, "the resource group does not exist", subject="ResourceGroup")


def check_user_untied(session: Session, user_id: str) -> None:
    """Raises: Conflict(DELETE_CONFLICT)."""
    _refuse_if_any(session, _MEMBERSHIPS, _MEMBERSHIPS.c.user_id == user_id, "User.Group")
    _refuse_if_any(session, _ATTACHMENTS, _attached_to("User", user_id), "User.Policy")
    _refuse_if_any(session, _ACCESS_KEYS, _ACCESS_KEYS.c.user_id == user_id, "User.AccessKey")
    _refuse_if_any(session, _LOGIN_PROFILES, _LOGIN_PROFILES.c.user_id == user_id, "User.LoginProfile")
    _refuse_if_any(session, _MFA_DEVICES, _MFA_DEVICES.c.user_id == user_id, "User.MFADevice")


def check_group_untied(session: Session, group_id: str) -> None:
    """Raises: Conflict(DELETE_CONFLICT)."""
    _refuse_if_any(session, _MEMBERSHIPS, _MEMBERSHIPS.c.group_id == group_id, "Group.User")
    _refuse_if_any(session, _ATTACHMENTS, _attached_to("Group", group_id), "Group.Policy")


def check_role_untied(session: Session, role_id: str) -> None:
    """Raises: Conflict(DELETE_CONFLICT)."""
    _refuse_if_any(session, _ATTACHMENTS, _attached_to("Role", role_id), "Role.Policy")


def check_policy_untied(session: Session, policy_id: int) -> None:
    """Raises: Conflict(DELETE_CONFLICT)."""
    for kind in ("User", "Group", "Role"):
        condition = (_ATTACHMENTS.c.policy_id == policy_id) & (_ATTACHMENTS.c.target_kind == kind)
        _refuse_if_any(session, _ATTACHMENTS, condition, f"Policy.{kind}")


def _attached_to(kind: str, target_id: str) -> ColumnElement[bool]:
    return (_ATTACHMENTS.c.target_kind == kind) & (_ATTACHMENTS.c.target_id == target_id)


def _refuse_if_any(session: Session, rows: TableClause, condition: ColumnElement[bool], subject: str) -> None:
    if session.scalar(select(literal(1)).select_from(rows).where(condition).limit(1)) is not None:
        raise Conflict(Reason.DELETE_CONFLICT, f"it can't be deleted: {_TIES[subject]}", subject=subject)
