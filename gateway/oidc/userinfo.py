"""Claims of the UserInfo endpoint: about the person that the ID token is about, or refused.

Rule: OpenID Connect Core 1.0 §5.3.2, §5.3.4, §16.11.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.errors import OidcError, Reason
from gateway.identity import ClaimValue, VerifiedIdentity
from gateway.oidc.algorithms import SUPPORTED
from gateway.oidc.attributes import Attributes
from gateway.oidc.flow import MAX_ANSWER_BYTES
from gateway.oidc.json_text import JsonObject, read_object
from gateway.oidc.jws import verify_jws
from gateway.oidc.keys import KeySet

# What only the ID token may say: who signed for whom and when, and how the person proved who it is.
_OF_THE_ID_TOKEN = frozenset(
    {"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "azp", "auth_time", "acr", "amr"}
    | {"sid", "events"}
)


@dataclass(frozen=True, slots=True)
class UserInfo:
    """INVARIANT: made by `read_user_info`, so its subject is the ID token's."""

    claims: Mapping[str, ClaimValue] = field(repr=False)


def read_user_info(
    media_type: str, body: bytes, identity: VerifiedIdentity, keys: KeySet, algorithms: frozenset[str] = SUPPORTED
) -> UserInfo:
    """Read an answer of status 200. JSON is believed since it came over TLS; a signed answer is verified as well.

    Refused: another media type than JSON or JWT, another `sub` than the ID token's, and where they are given another
    issuer and an audience without our client ID.
    Raises: OidcError(OIDC_USERINFO_SUBJECT), OidcError(OIDC_ANSWER), OidcError(OIDC_TOO_LARGE), OidcError(OIDC_ISSUER),
    OidcError(OIDC_AUDIENCE), what `verify_jws` raises.
    """
    if len(body) > MAX_ANSWER_BYTES:
        raise OidcError(Reason.OIDC_TOO_LARGE, "the provider's answer is too large")
    if media_type == "application/jwt":
        claims = verify_jws(body.decode("latin-1").strip(), keys, algorithms).claims
        _check_addressing(claims, identity)
    elif media_type == "application/json":
        claims = read_object(body)
    else:
        raise OidcError(Reason.OIDC_ANSWER, "the provider's user information is in an unknown form", media_type[:100])
    if claims.get("sub") != identity.subject:
        raise OidcError(
            Reason.OIDC_USERINFO_SUBJECT,
            "the provider's user information is about somebody else",
            repr(claims.get("sub"))[:300],
        )
    return UserInfo(claims)


def with_user_info(identity: VerifiedIdentity, user_info: UserInfo) -> VerifiedIdentity:
    """The identity with those claims beside its own. Where both say something, the ID token counts; of what only an ID
    token can say, nothing is taken over.

    Raises: OidcError(OIDC_CLAIM) if two claims come to one name.
    """
    if identity.oidc is None:
        raise OidcError(Reason.OIDC_ANSWER, "the identity is not from an OpenID Provider")
    added = {name: value for name, value in user_info.claims.items() if name not in _OF_THE_ID_TOKEN}
    members = {**added, **identity.oidc.members}
    attributes = Attributes(members)
    attributes.check()
    return replace(identity, attributes=attributes, oidc=replace(identity.oidc, members=members, written=attributes))


def _check_addressing(claims: JsonObject, identity: VerifiedIdentity) -> None:
    issuer, audience = claims.get("iss"), claims.get("aud")
    if issuer not in (None, identity.issuer):
        raise OidcError(Reason.OIDC_ISSUER, "the user information is from another issuer", repr(issuer)[:200])
    if audience is not None and identity.audience not in (audience if isinstance(audience, list) else [audience]):
        raise OidcError(Reason.OIDC_AUDIENCE, "the user information is for another client", repr(audience)[:200])
