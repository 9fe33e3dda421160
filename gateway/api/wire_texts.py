"""What the wire says of users, groups, policies and the rest: texts for one reason about one kind of thing, verbatim.

Rule: ram-limits §10. Rows which that page does not have, or marks, are ASSUMPTIONs.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.api.wire_row import Row
from gateway.errors import Reason

_MISSING = {
    "User": "The user does not exist.",
    "User.AccessKey": "The user access key does not exist.",
    "User.LoginProfile": "The user login profile does not exist.",
    "User.MFADevice": "The user has not bound any MFA device.",
    "User.Policy": "The indicate policy of the user does not exist.",
    "User.Group": "The user has not joined the group.",
    "VirtualMFADevice": "The virtual mfa device does not exist.",
    "Group": "The group does not exist.",
    "Group.Policy": "The indicate policy attached to the group does not exist.",
    "Role.Policy": "The indicate policy attached to the role does not exist.",
    "Policy": "The policy does not exist.",
    "Policy.Version": "The policy version does not exist.",
    "Role": "The specified Role not exists .",
    "ResourceGroup": "The resource group does not exist.",
    "ServiceLinkedRoleTemplate": "The service linked role template of the service does not exist.",
    "CredentialReport": "The credential report does not exist.",
    "SAMLProvider": "Can not find SAML provider.",
    "OIDCProvider": "Can not find OIDC provider.",
    "OIDCProvider.ClientId": "The OIDC provider has no such client id.",
    "OIDCProvider.Fingerprint": "The OIDC provider has no such fingerprint.",
}
_TAKEN = {
    "User": "The user does already EXIST.",
    "User.LoginProfile": "The user login profile does already EXIST.",
    "User.MFADevice": "The user has already bound a MFA device.",
    "User.Group": "The user has already joined the group.",
    "User.Policy": "The user has already been attached this policy.",
    "VirtualMFADevice": "The virtual mfa device does already EXIST.",
    "VirtualMFADevice.User": "The virtual mfa device has already been bound to a user.",
    "Group": "The group does already EXIST.",
    "Group.Policy": "The group has already been attached this policy.",
    "Role": "The role does already EXIST.",
    "Role.Policy": "The role has already been attached this policy.",
    "Policy": "The policy does already EXIST.",
    "AccountAlias": "The account alias does already EXIST.",
    "SAMLProvider": "The SAML provider does already EXIST.",
    "OIDCProvider": "The OIDC provider does already EXIST.",
    "OIDCProvider.IssuerUrl": "The issuer of the OIDC provider does already EXIST.",
    "OIDCProvider.ClientId": "The client id of the OIDC provider does already EXIST.",
    "OIDCProvider.Fingerprint": "The fingerprint of the OIDC provider does already EXIST.",
}
_TIED = {
    "User.Group": "The user CAN NOT be in any group while deleting the user.",
    "User.AccessKey": "The user CAN NOT has any access key while deleting the user.",
    "User.LoginProfile": "The user CAN NOT has login profile while deleting the user.",
    "User.MFADevice": "The user CAN NOT has MFA device while deleting the user.",
    "User.Policy": "The user CAN NOT has any policy while deleting the user.",
    "VirtualMFADevice.User": "The virtual mfa device CAN NOT be bound to any user while deleting it.",
    "Group.User": "The group CAN NOT has any user while deleting the group.",
    "Group.Policy": "The group CAN NOT has any policy while deleting the group.",
    "Policy.User": "The policy CAN NOT be attached to any user while deleting the policy.",
    "Policy.Group": "The policy CAN NOT be attached to any group while deleting the policy.",
    "Policy.Role": "The policy CAN NOT be attached to any role while deleting the policy.",
    "Policy.Version": "The policy CAN NOT has more than one version while deleting the policy.",
    "Policy.Version.Default": "The default version of the policy CAN NOT be deleted.",
    "Role.Policy": "The role CAN NOT has any policy while deleting the role.",
}
_FULL = {
    "User": "The count of users beyond the current limits.",
    "User.AccessKey": "The access key count of the user access keys beyond the current limits.",
    "User.Group": "The count of groups of the user beyond the current limits.",
    "User.Policy": "The count of policies of the user beyond the current limits.",
    "VirtualMFADevice": "The count of virtual mfa devices beyond the current limits.",
    "Group": "The count of groups beyond the current limits.",
    "Group.Policy": "The count of policies of the group beyond the current limits.",
    "Policy": "The count of policies beyond the current limits.",
    "Policy.Version": "The count of versions of the policy beyond the current limits.",
    "Role": "The count of roles beyond the current limits.",
    "Role.Policy": "The count of policies of the role beyond the current limits.",
    "AccessKeyPolicy.Statement": "The count of statements of the access key policy beyond the current limits.",
    "AccessKeyPolicy.IP": "The count of addresses of the access key policy beyond the current limits.",
    "SAMLProvider": "The count of SAML providers beyond the current limits.",
    "OIDCProvider": "The count of OIDC providers beyond the current limits.",
    "OIDCProvider.ClientId": "The count of client ids of the OIDC provider beyond the current limits.",
    "OIDCProvider.Fingerprint": "The count of fingerprints of the OIDC provider beyond the current limits.",
}
_FORMAT = 'The format of the parameter - "{subject}" is incorrect.'


def _rows(reason: Reason, status: int, code: str, texts: Mapping[str, str]) -> dict[tuple[Reason, str], Row]:
    return {(reason, subject): Row(status, f"{code}.{subject}", text) for subject, text in texts.items()}


BY_ENTITY: Mapping[tuple[Reason, str], Row] = MappingProxyType(
    {
        **_rows(Reason.NOT_FOUND, 404, "EntityNotExist", _MISSING),
        **_rows(Reason.ALREADY_EXISTS, 409, "EntityAlreadyExists", _TAKEN),
        **_rows(Reason.DELETE_CONFLICT, 409, "DeleteConflict", _TIED),
        **_rows(Reason.LIMIT_EXCEEDED, 409, "LimitExceeded", _FULL),
        **{
            (Reason.PARAMETER_INVALID, name): Row(400, f"InvalidParameter.{name}.Format", _FORMAT)
            for name in ("MobilePhone", "NewMobilePhone", "Email", "NewEmail", "VersionId", "AccountAlias")
        },
        (Reason.PARAMETER_INVALID, "PolicyType"): Row(
            400, "InvalidParameter.PolicyType", 'The parameter - "PolicyType" is incorrect.'
        ),
        (Reason.PARAMETER_INVALID, "CustomSuffix.NotAllowed"): Row(
            400,
            "InvalidParameter.CustomSuffix.NotAllowed",
            "Custom suffix is not allowed for this Service Linked Role.",
        ),
        (Reason.PARAMETER_INVALID, "Description.NotAllowed"): Row(
            400,
            "InvalidParameter.Description.NotAllowed",
            "Custom description is not allowed for default service linked role.",
        ),
        (Reason.PARAMETER_INVALID, "MinimumPasswordLength"): Row(
            400,
            "InvalidParameter.MinimumPasswordLength.Range",
            'The parameter - "MinimumPasswordLength" MUST be in the range of 8 and 32.',
        ),
        (Reason.PARAMETER_INVALID, "AuthenticationCode"): Row(
            400,
            "InvalidParameter.AuthenticationCode.Format",
            'The parameter - "AuthenticationCode" MUST be 6 numbers.',
        ),
    }
)
