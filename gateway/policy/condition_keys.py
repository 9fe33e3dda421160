"""Every condition key that the gateway knows: what kind of value it has, where it is told, and what it means.

Rule: policy-language §4; sso-contract §2.4, §3.3. Keys of single services (`oss:Prefix`) are their own affair: a
service tells them with its question, and none of them is known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.policy.fold import fold


class KeyKind(StrEnum):
    """What values a key has, and so which operators can say something about it."""

    TEXT = "String"
    DATE = "Date"
    NUMBER = "Numeric"
    TRUTH = "Bool"
    ADDRESS = "Ip"


class Told(StrEnum):
    """Who can ask about a key."""

    EVERYWHERE = "everywhere"
    TRUST = "trust policies"  # and mapping rules, where the key is one of the login
    SERVICE = "services that tell it"


@dataclass(frozen=True, slots=True)
class ConditionKey:
    """`name` may end in `/`: then it stands for all names that go on from there. `single`: never has two values."""

    name: str
    kind: KeyKind
    told: Told
    meaning: str
    single: bool = True
    ours: bool = False  # an extension: the platform has no such key
    absent: str = ""  # when a request has no value


_KEYS = (
    ConditionKey("acs:CurrentTime", KeyKind.DATE, Told.EVERYWHERE, "when the request came in"),
    ConditionKey("acs:SecureTransport", KeyKind.TRUTH, Told.EVERYWHERE, "whether it came over TLS"),
    ConditionKey("acs:SourceIp", KeyKind.ADDRESS, Told.EVERYWHERE, "the client's address, behind trusted proxies"),
    ConditionKey(
        "acs:MFAPresent",
        KeyKind.TRUTH,
        Told.EVERYWHERE,
        "whether a second factor was proved at the sign-in",
        absent="in calls with a lasting AccessKey",
    ),
    ConditionKey(
        "acs:MFAAge",
        KeyKind.NUMBER,
        Told.EVERYWHERE,
        "seconds since the second factor was proved",
        ours=True,
        absent="without a second factor, or when it is not known when it was proved",
    ),
    ConditionKey("acs:PrincipalARN", KeyKind.TEXT, Told.EVERYWHERE, "the caller: user, role or owner"),
    ConditionKey(
        "acs:ResourceTag/",
        KeyKind.TEXT,
        Told.EVERYWHERE,
        "a tag of what is acted on",
        absent="where it has no such tag",
    ),
    ConditionKey(
        "acs:RequestTag/",
        KeyKind.TEXT,
        Told.EVERYWHERE,
        "a tag in the request",
        absent="where the request sets no such tag",
    ),
    ConditionKey(
        "acs:SourceVpc", KeyKind.TEXT, Told.SERVICE, "the network that the call came from", absent="from elsewhere"
    ),
    ConditionKey("acs:UserAgent", KeyKind.TEXT, Told.SERVICE, "the header User-Agent"),
    ConditionKey("acs:AccessId", KeyKind.TEXT, Told.SERVICE, "the AccessKeyId that signed"),
    ConditionKey("acs:PrincipalRDId", KeyKind.TEXT, Told.SERVICE, "the caller's resource directory"),
    ConditionKey("acs:PrincipalRDPath", KeyKind.TEXT, Told.SERVICE, "the caller's place in it"),
    ConditionKey("saml:recipient", KeyKind.TEXT, Told.TRUST, "the consumer URL that the assertion was made for"),
    ConditionKey("saml:iss", KeyKind.TEXT, Told.TRUST, "the identity provider's entity ID", ours=True),
    ConditionKey("saml:sub", KeyKind.TEXT, Told.TRUST, "the NameID", ours=True),
    ConditionKey("saml:sub_type", KeyKind.TEXT, Told.TRUST, "the format of the NameID", ours=True),
    ConditionKey("saml:attribute/", KeyKind.TEXT, Told.TRUST, "an attribute of the assertion", single=False, ours=True),
    ConditionKey("oidc:iss", KeyKind.TEXT, Told.TRUST, "the issuer of the ID token"),
    ConditionKey("oidc:aud", KeyKind.TEXT, Told.TRUST, "for whom it was issued", single=False),
    ConditionKey("oidc:sub", KeyKind.TEXT, Told.TRUST, "whom it speaks of"),
    ConditionKey("oidc:claim/", KeyKind.TEXT, Told.TRUST, "a claim of the ID token", single=False, ours=True),
    ConditionKey("sts:ExternalId", KeyKind.TEXT, Told.EVERYWHERE, "ExternalId of AssumeRole", absent="elsewhere"),
    ConditionKey(
        "sts:SourceIdentity",
        KeyKind.TEXT,
        Told.EVERYWHERE,
        "SourceIdentity of AssumeRole",
        ours=True,
        absent="elsewhere",
    ),
    ConditionKey(
        "ram:TrustedPrincipalTypes", KeyKind.TEXT, Told.EVERYWHERE, "whom a new role trusts", absent="elsewhere"
    ),
    ConditionKey("ram:ServiceNames", KeyKind.TEXT, Told.EVERYWHERE, "services a new role trusts", absent="elsewhere"),
    ConditionKey("ram:ServiceName", KeyKind.TEXT, Told.EVERYWHERE, "the service of a linked role", absent="elsewhere"),
)
CONDITION_KEYS: Mapping[str, ConditionKey] = {fold(key.name): key for key in _KEYS}
_FAMILIES = tuple(key for key in _KEYS if key.name.endswith("/"))
# Prefixes whose keys are all known: any other name under them is a slip of the pen.
OUR_PREFIXES = ("acs:", "saml:", "oidc:", "sts:", "ram:")


def find_condition_key(name: str) -> ConditionKey | None:
    """The key of that name, in any case; None for one that the gateway does not know."""
    folded = fold(name)
    exact = CONDITION_KEYS.get(folded)
    if exact is not None and not exact.name.endswith("/"):
        return exact
    return next((key for key in _FAMILIES if folded.startswith(fold(key.name)) and folded != fold(key.name)), None)
