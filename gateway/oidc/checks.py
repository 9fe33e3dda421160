"""The numbered list of checks that an ID token passes before anything in it is believed.

The same numbers stand in the code, in `VerifiedIdentity.evidence`, in the names of the tests and in
docs/flows/oidc-verification.md. Checks 19 to 22 are for logins; one that does not apply, since nothing was asked or
nothing is there to compare, is left out of the evidence. Every other check is in it.

     1  size                at most 20,000 characters
     2  compact             three parts of strict base64url, each decoded where it is read; no encryption
     3  header              one JSON object, no member twice, bounded; `alg` and `kid` are texts
     4  critical-header     no `crit`, no `b64`
     5  type                `typ` absent or JWT; no token within the token
     6  algorithm           RS, PS, ES with 256, 384, 512 or EdDSA, and allowed for the provider
     7  key                 exactly one published key of that `kid`, of a kind that the algorithm is bound to
     8  signature           valid over the received bytes
     9  payload             one JSON object, no member twice, bounded; not a logout token
    10  issuer              exactly the registered one
    11  subject             1 to 255 printable ASCII characters
    12  audience            one of our client IDs, and nobody's who is not registered
    13  authorized-party    for a login `azp` is our client ID, and is there if there are several audiences
    14  expiry              `exp` lies ahead
    15  issued-at           `iat` not in the future, and not older than the provider's issuance limit
    16  not-before          `nbf`, if there is one, has passed
    17  authentication-time   `auth_time` not in the future; there, and recent enough, if that was asked
    18  claims              each comes to one name of its own
    19  nonce               the one that the login was begun with
    20  access-token-hash   `at_hash`, if there is one, fits the access token
    21  code-hash           `c_hash`, if there is one, fits the code
    22  authentication-context   `acr` is one of those that were asked

Owed by the caller: that a login was begun in this browser and is answered once, that the keys are the provider's
(`key_cache`), and, where fingerprints are registered, that its server showed one of them.
Rule: OpenID Connect Core 1.0 §2, §3.1.3.7, §3.1.3.8, §3.3.2.11; RFC 7519 §4, §7.2; RFC 8725; sso-contract §3.
"""

from enum import StrEnum, unique


@unique
class Check(StrEnum):
    """One check of the list above; the value is what `evidence` records."""

    SIZE = "1 size"
    COMPACT = "2 compact"
    HEADER = "3 header"
    CRITICAL_HEADER = "4 critical-header"
    TYPE = "5 type"
    ALGORITHM = "6 algorithm"
    KEY = "7 key"
    SIGNATURE = "8 signature"
    PAYLOAD = "9 payload"
    ISSUER = "10 issuer"
    SUBJECT = "11 subject"
    AUDIENCE = "12 audience"
    AUTHORIZED_PARTY = "13 authorized-party"
    EXPIRY = "14 expiry"
    ISSUED_AT = "15 issued-at"
    NOT_BEFORE = "16 not-before"
    AUTHENTICATION_TIME = "17 authentication-time"
    CLAIMS = "18 claims"
    NONCE = "19 nonce"
    ACCESS_TOKEN_HASH = "20 access-token-hash"  # noqa: S105
    CODE_HASH = "21 code-hash"
    AUTHENTICATION_CONTEXT = "22 authentication-context"


# What any signed token has passed when its claims can be read.
ENVELOPE = tuple(Check)[:9]
# What every ID token has passed, a login's or not.
ALWAYS = tuple(Check)[:18]
