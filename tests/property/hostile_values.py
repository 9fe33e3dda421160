"""Parameters that mean no good: of the right names, with values of the wrong kind, size, account, or none at all."""

import json
from collections.abc import Mapping

from hypothesis import strategies as st

from gateway.api.versions import RESOURCES
from gateway.clock import wire_time
from tests.fake_clock import NOON
from tests.property.api_world import OURS, THEIRS
from tests.wire.operations import OPERATIONS

_NAMES_HERE = ("carol", "CAROL", "alice", "admin", "gone", "nobody", "staff", "reader", "assume", "idp", "ci")
_DOCUMENT = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
_TRUST = (
    '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
    f'"Principal":{{"RAM":["acs:ram::{THEIRS}:root"]}}}}]}}'
)
_PLAUSIBLE = (
    *_NAMES_HERE,
    *(f"{name}@acme.onaliyun.com" for name in ("carol", "alice", "nobody")),
    "carol@other.onaliyun.com",
    *(f"acs:oss::{account}:{name}" for account in (OURS, THEIRS) for name in ("bucket", "new")),
    *(f"acs:ram::{account}:role/reader" for account in (OURS, THEIRS)),
    *(f"acs:ram::{account}:saml-provider/idp" for account in (OURS, THEIRS)),
    *(f"acs:ram::{account}:oidc-provider/ci" for account in (OURS, THEIRS)),
    f"acs:ram::{OURS}:mfa/phone",
    "System", "Custom", "AdministratorAccess", "AliyunOSSReadOnlyAccess", "v1", "v2",
    "user", "role", "policy", "Active", "Inactive", "true", "false", "1", "12", "900", "3600",
    "Correct-Horse-7", "123456", "86-18600001234", "a@example.com", "sms", "email",
    "https://ci.example", "app", "0" * 40, "acme.onaliyun.com", "AliyunServiceRoleForECS", "nat.aliyuncs.com",
    "Y2Fyb2w", OURS, THEIRS, "123456789012345678",
    _DOCUMENT, _TRUST, '["carol"]', '[{"Key":"env","Value":"dev"}]', f'["acs:oss::{OURS}:bucket"]',
)  # fmt: skip
_ATTACKS = (
    "", " ", "-1", "0", "00", "+1", "1e9", "9" * 400, "１２", "NaN", "null", "None", "True", "a" * 70_000, "é" * 2000,
    "[" * 9000, '{"a":' * 4000, '"', "\0", "a\0b", "%00", "..", "../../etc/passwd", "*", "?", "%", "_",
    "' OR 1=1 --", "'; DROP TABLE users; --", '" OR ""="', "${jndi:ldap://x}", "{{7*7}}", "<script>", "\r\nX: y",
    "\u202ecarol", "carol\u200b", "cARol\u0130", "ſ", "\ufeffcarol", "\U0010ffff", "a,b,,c", "@", "@@", "a@b@c", ":" * 600,
    '"\\ud800"', '["\\ud800"]', '["a\\u0000"]', '[{"Key":"\\ud800","Value":""}]', '[{"Key":["x"]}]', "[[]]", "[null]",
    '{"Version":"1","Statement":[{"Effect":"Allow","Action":"\\ud800","Resource":"*"}]}',
    '{"Version":"1","Statement":[{"Effect":"Allow","Action":["*"],"Resource":"\\u0000"}]}',
    '{"Version":1e999}', '{"Version":"1","Statement":null}', '{"Version":"1","Version":"1"}', "[" + "1," * 5000 + "1]",
)  # fmt: skip

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(_NAMES_HERE),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("Version", "Statement", "Effect", "Action", "Principal", "Condition", "Key", "Value")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
).map(json.dumps)
values = st.one_of(
    st.sampled_from(_ATTACKS),
    st.sampled_from(_ATTACKS),
    st.sampled_from(_PLAUSIBLE),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.integers().map(str),
    _json,
)
_KNOWN = {(row.version, row.action): tuple(row.parameters) for row in OPERATIONS}
_OURS = (
    "ResourceArn", "ResourceArn.1", "ResourceType", "ResourceGroupId", "Tag", "TagKey.1", "All", "CreatorId", "OwnerId",
    "OwnerGone", "FromOwnerId", "ToUserName", "MaxResults", "NextToken",
)  # fmt: skip
_GUARD: Mapping[str, tuple[str, ...]] = {
    "Authorize": ("PrincipalArn", "PrincipalToken", "RequestAction", "Resource", "Context"),
    "AuthorizeBatch": ("Authorizations",),
    "RevokeSessions": ("Kind", "Value"),
    "SimulateCall": (
        "PrincipalArn", "SAMLProviderName", "OIDCProviderName", "Claims", "RoleArn", "RoleArns", "RoleArns.1", "Policy",
        "RequestAction", "Resource", "Context",
    ),
    "ListReachingPrincipals": ("RoleName", "RequestAction", "Resource", "Context", "NextToken", "MaxResults"),
    "DryRunPolicyChange": (
        "ChangeType", "PolicyType", "PolicyName", "PolicyDocument", "UserName", "GroupName", "RoleName", "SinceHours",
        "MaxRecords", "NextToken",
    ),
    "VerifyRequest": (
        "ClientAccessKeyId", "ClientSecurityToken", "ClientSignatureMethod", "StringToSign", "EncodedStringToSign",
        "ClientSignature", "SignedAt", "ClientNonce", "RequestAction", "Resource", "Context",
    ),
}  # fmt: skip
_JUNK = ("Tag.1.Key", "Tag.1.Value", "Tag.99999.Key", "Tag.x.Key", "ResourceId.1", "Unknown", "UserName.1", "Format")


# What would do, so that hostile values get past the first check. `{...}` stands for an id that the world makes up.
_RIGHT: Mapping[str, tuple[str, ...]] = {
    "UserName": ("carol", "alice", "new"),
    "UserPrincipalName": ("carol@acme.onaliyun.com", "alice@acme.onaliyun.com", "new@acme.onaliyun.com"),
    "NewUserName": ("dave", "alice"),
    "NewUserPrincipalName": ("dave@acme.onaliyun.com",),
    "ToUserName": ("carol",),
    "UserId": ("{carol}", "{gone}"),
    "ResourceId": ('["{carol}"]',),
    "ResourcePrincipalName": ('["carol@acme.onaliyun.com"]',),
    "ResourceNames": ('["reader"]', '["assume"]'),
    "FromOwnerId": (OURS,),
    "OwnerId": (OURS,),
    "CreatorId": (OURS,),
    "UserAccessKeyId": ("{key}", "{gone_key}"),
    "SerialNumber": (f"acs:ram::{OURS}:mfa/phone",),
    "VirtualMFADeviceName": ("tablet",),
    "GroupName": ("staff", "new"),
    "NewGroupName": ("staff-2",),
    "RoleName": ("reader", "new"),
    "PolicyName": ("assume", "new", "AdministratorAccess"),
    "PolicyType": ("Custom", "System"),
    "ChangeType": ("PolicyDocument", "TrustPolicy", "AttachPolicy", "DetachPolicy"),
    "RoleArns": (f'["acs:ram::{OURS}:role/reader"]',),
    "Claims": ('{"sub": "1", "groups": ["a", "b"]}',),
    "PolicyDocument": (_DOCUMENT,),
    "AssumeRolePolicyDocument": (_TRUST,),
    "NewAssumeRolePolicyDocument": (_TRUST,),
    "Policy": (_DOCUMENT,),
    "AccessKeyPolicy": (
        '{"Version":1,"Status":"Active","Statements":[{"Type":"ClassicWhiteList","IPList":["::/0"]}]}',
    ),
    "VersionId": ("v1",),
    "RotateStrategy": ("None", "DeleteOldestNonDefaultVersionWhenLimitExceeded"),
    "RoleArn": (f"acs:ram::{OURS}:role/reader",),
    "RoleSessionName": ("batch",),
    "SAMLProviderArn": (f"acs:ram::{OURS}:saml-provider/idp",),
    "OIDCProviderArn": (f"acs:ram::{OURS}:oidc-provider/ci",),
    "SAMLProviderName": ("idp", "new"),
    "OIDCProviderName": ("ci", "new"),
    "IssuerUrl": ("https://new.invalid",),
    "ClientId": ("app", "tool"),
    "ClientIds": ("app,tool",),
    "Fingerprint": ("ab" * 20,),
    "Fingerprints": ("ab" * 20,),
    "ServiceName": ("nat.aliyuncs.com",),
    "AccountAlias": ("acme-2",),
    "DefaultDomainName": ("acme-3.onaliyun.com",),
    "DisplayName": ("Zoe",),
    "Password": ("Battery-Staple-8",),
    "OldPassword": ("Correct-Horse-7",),
    "NewPassword": ("Battery-Staple-8",),
    "Status": ("Active", "Inactive"),
    "VerifyType": ("sms", "email"),
    "Email": ("a@example.com",),
    "NewEmail": ("a@example.com",),
    "MobilePhone": ("86-18600001234",),
    "NewMobilePhone": ("86-18600001234",),
    "MaxItems": ("1", "100"),
    "MaxResults": ("1",),
    "PageSize": ("1",),
    "DurationSeconds": ("900",),
    "MaxSessionDuration": ("3600",),
    "NewMaxSessionDuration": ("7200",),
    "IssuanceLimitTime": ("12",),
    "MinimumPasswordLength": ("8",),
    "LoginSessionDuration": ("6",),
    "Tag": ('[{"Key":"team","Value":"blue"}]',),
    "TagKeys": ('["env"]',),
    "TagKey": ('["env"]',),
    "TagKey.1": ("env",),
    "ResourceArn": (f"acs:oss::{OURS}:bucket", f"acs:oss::{OURS}:new", f'["acs:oss::{OURS}:bucket"]'),
    "ResourceType": ("user", "role", "policy"),
    "ResourceGroupId": ("rg-2",),
    "PrincipalArn": (f"acs:ram::{OURS}:user/carol", f"acs:ram::{OURS}:root", f"acs:ram::{THEIRS}:user/carol"),
    "RequestAction": ("oss:GetObject", "ram:GetUser"),
    "Resource": (f"acs:oss:*:{OURS}:bucket/a", "acs:oss:*:{CallerAccountId}:*"),
    "Context": ('{"acs:SourceIp":"192.0.2.1","oss:Prefix":["a","b"]}',),
    "Authorizations": (
        json.dumps(
            [
                {
                    "PrincipalArn": f"acs:ram::{OURS}:user/carol",
                    "RequestAction": "oss:GetObject",
                    "Resource": f"acs:oss:*:{OURS}:bucket",
                    "Context": {"oss:Size": 1},
                }
            ]
        ),
    ),
    "ClientAccessKeyId": ("{key}",),
    "ClientSignatureMethod": ("HMAC-SHA1", "OSS4-HMAC-SHA256", "ACS3-HMAC-SHA256"),
    "StringToSign": ("GET\n\n\nnow\n/a", "ACS3-HMAC-SHA256\n" + "ab" * 32),
    "ClientSignature": ("c2lnbmVk",),
    "SignedAt": (wire_time(NOON),),
    "Kind": ("session", "user", "role", "provider", "certificate", "assertion", "subject", "access-key"),
    "Value": ("alice", "00000000-0000-0000-0000-000000000001", "ab" * 32, "https://idp.example#_1", "x:y/z#_1"),
}
_LEFT_OUT = {
    "PrincipalToken",
    "ClientSecurityToken",
    "EncodedStringToSign",
    "ClientNonce",
    "Marker",
    "NextToken",
    "SourceIdentity",
    "ExternalId",
    "CustomSuffix",
    "All",
    "ResourceArn.1",
}
_BOOLEAN = ("true", "false")


def parameters_of(version: str, action: str) -> st.SearchStrategy[dict[str, str]]:
    """Either values that would do, but for one or two of them, or anything; now and then an unknown parameter too."""
    names = _GUARD.get(action, _OURS) if version == RESOURCES else _KNOWN[version, action]
    junk = st.dictionaries(st.sampled_from(_JUNK), values, max_size=2)
    if not names:
        return junk
    right = {name: st.sampled_from(_RIGHT.get(name, _BOOLEAN)) for name in names if name not in _LEFT_OUT}
    spoilt = st.dictionaries(st.sampled_from(names), values, min_size=1, max_size=2)
    missing = st.sampled_from((*names, *[None] * 3 * len(names)))
    nearly = st.tuples(st.fixed_dictionaries(right), spoilt, missing).map(_spoil)
    anything = st.tuples(st.fixed_dictionaries(dict.fromkeys(names, values)), junk).map(
        lambda parts: parts[1] | parts[0]
    )
    fine = st.fixed_dictionaries(right)
    return nearly | nearly | nearly | anything | fine


def _spoil(parts: tuple[dict[str, str], dict[str, str], str | None]) -> dict[str, str]:
    right, wrong, missing = parts
    return {name: value for name, value in (right | wrong).items() if name != missing}
