"""What AWS calls by another name and means the same: operations, condition keys, services that take roles.

The list is short on purpose. A name that is not in it has no counterpart that means the same, or none that is known.
"""

from collections.abc import Mapping

_SAME_IAM = (
    "CreateUser GetUser UpdateUser DeleteUser ListUsers CreateLoginProfile GetLoginProfile UpdateLoginProfile "
    "DeleteLoginProfile CreateAccessKey UpdateAccessKey DeleteAccessKey ListAccessKeys GetAccessKeyLastUsed "
    "CreateVirtualMFADevice DeleteVirtualMFADevice ListVirtualMFADevices CreateGroup GetGroup UpdateGroup "
    "DeleteGroup ListGroups AddUserToGroup RemoveUserFromGroup ListGroupsForUser CreateRole GetRole UpdateRole "
    "DeleteRole ListRoles CreatePolicy GetPolicy DeletePolicy ListPolicies CreatePolicyVersion GetPolicyVersion "
    "DeletePolicyVersion ListPolicyVersions SetDefaultPolicyVersion ChangePassword PassRole CreateSAMLProvider "
    "GetSAMLProvider UpdateSAMLProvider DeleteSAMLProvider ListSAMLProviders "
)
_OTHER_IAM = {
    "AttachUserPolicy": "AttachPolicyToUser",
    "DetachUserPolicy": "DetachPolicyFromUser",
    "AttachGroupPolicy": "AttachPolicyToGroup",
    "DetachGroupPolicy": "DetachPolicyFromGroup",
    "AttachRolePolicy": "AttachPolicyToRole",
    "DetachRolePolicy": "DetachPolicyFromRole",
    "ListAttachedUserPolicies": "ListPoliciesForUser",
    "ListAttachedGroupPolicies": "ListPoliciesForGroup",
    "ListAttachedRolePolicies": "ListPoliciesForRole",
    "ListEntitiesForPolicy": "ListEntitiesForPolicy",
    "EnableMFADevice": "BindMFADevice",
    "DeactivateMFADevice": "UnbindMFADevice",
    "CreateAccountAlias": "SetAccountAlias",
    "DeleteAccountAlias": "ClearAccountAlias",
    "ListAccountAliases": "GetAccountAlias",
    "UpdateAccountPasswordPolicy": "SetPasswordPolicy",
    "GetAccountPasswordPolicy": "GetPasswordPolicy",
}
_S3 = {
    "GetObject": "GetObject",
    "PutObject": "PutObject",
    "DeleteObject": "DeleteObject",
    "GetObjectAcl": "GetObjectAcl",
    "PutObjectAcl": "PutObjectAcl",
    "AbortMultipartUpload": "AbortMultipartUpload",
    "ListMultipartUploadParts": "ListParts",
    "ListBucketMultipartUploads": "ListMultipartUploads",
    "ListBucket": "ListObjects",
    "ListAllMyBuckets": "ListBuckets",
    "CreateBucket": "PutBucket",
    "DeleteBucket": "DeleteBucket",
    "GetBucketAcl": "GetBucketAcl",
    "PutBucketAcl": "PutBucketAcl",
    "GetBucketLocation": "GetBucketLocation",
}
_STS = {name: name for name in ("AssumeRole", "AssumeRoleWithSAML", "GetCallerIdentity")} | {
    "AssumeRoleWithWebIdentity": "AssumeRoleWithOIDC"
}

# AWS service code -> ours, and its operations with ours.
SERVICES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "iam": ("ram", {name: name for name in _SAME_IAM.split()} | _OTHER_IAM),
    "s3": ("oss", _S3),
    "sts": ("sts", _STS),
}
# In lower case. A key that ends in `/` stands for all that go on from there.
KEYS: Mapping[str, str] = {
    "aws:currenttime": "acs:CurrentTime",
    "aws:securetransport": "acs:SecureTransport",
    "aws:sourceip": "acs:SourceIp",
    "aws:multifactorauthpresent": "acs:MFAPresent",
    "aws:multifactorauthage": "acs:MFAAge",
    "aws:resourcetag/": "acs:ResourceTag/",
    "aws:requesttag/": "acs:RequestTag/",
    "aws:principalarn": "acs:PrincipalARN",
    "s3:prefix": "oss:Prefix",
    "s3:delimiter": "oss:Delimiter",
}
TRUST_KEYS: Mapping[str, str] = {
    **KEYS,
    "sts:externalid": "sts:ExternalId",
    "saml:aud": "saml:recipient",
    "saml:iss": "saml:iss",
    "saml:sub": "saml:sub",
}
ROLE_TAKERS: Mapping[str, str] = {
    "ec2.amazonaws.com": "ecs.aliyuncs.com",
    "lambda.amazonaws.com": "fc.aliyuncs.com",
}
# What each kind of principal asks for there; here all of them ask for sts:AssumeRole.
TRUST_ACTIONS: Mapping[str, frozenset[str]] = {
    "AWS": frozenset({"sts:assumerole"}),
    "Service": frozenset({"sts:assumerole"}),
    "saml": frozenset({"sts:assumerolewithsaml"}),
    "oidc": frozenset({"sts:assumerolewithwebidentity"}),
}
