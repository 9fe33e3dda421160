"""One row for each thing that an ID token may say: it passes, or it is refused for one reason.

The number that opens a name is the number of the check in `gateway.oidc.checks`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from gateway.errors import Reason
from gateway.secret import Secret
from tests.oidc_factory import CLIENT, CODE, ISSUER, NONCE, NOW_S, OTHER_CLIENT, Spec, half_hash, login


@dataclass(frozen=True)
class Row:
    name: str
    reason: Reason | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    expect: dict[str, Any] = field(default_factory=dict)
    change: Callable[[str], str] = str  # what happens to the token on its way
    at_s: float = 0

    def token(self) -> str:
        return self.change(Spec(self.claims, self.header).token())


EXCHANGE: dict[str, Any] = {"login": None}


def asked(**changes: Any) -> dict[str, Any]:
    return {"login": login(**changes)}


def part(index: int, change: Callable[[str], str]) -> Callable[[str], str]:
    def changed(token: str) -> str:
        parts = token.split(".")
        parts[index] = change(parts[index])
        return ".".join(parts)

    return changed


PASSING = (
    Row("03-unknown-header-members", header={"x5t": "abc", "org.example": {"a": [1]}}),
    Row("03-keys-in-the-header-are-ignored", header={"jwk": {"kty": "oct"}, "jku": "https://evil.example", "x5u": 1, "x5c": []}),
    Row("05-no-type", header={"typ": None}),
    Row("05-type-in-lower-case", header={"typ": "jwt"}),
    Row("05-type-as-media-type", header={"typ": "application/jwt"}),
    Row("07-no-kid-and-one-key", header={"kid": None}),
    Row("11-subject-of-255", claims={"sub": "s" * 255}),
    Row("11-subject-with-inner-space", claims={"sub": "a b|c/d:e@f"}),
    Row("12-audience-list", claims={"aud": [CLIENT]}),
    Row("12-audience-and-another-of-ours", claims={"aud": [OTHER_CLIENT, CLIENT], "azp": CLIENT}),
    Row("12-exchange-any-of-ours", claims={"aud": OTHER_CLIENT}, expect=EXCHANGE),
    Row("13-authorized-party-ours", claims={"azp": CLIENT}),
    Row("13-exchange-authorized-party-of-the-workload", claims={"azp": "107345"}, expect=EXCHANGE),
    Row("13-exchange-several-audiences-without-party", claims={"aud": [CLIENT, OTHER_CLIENT]}, expect=EXCHANGE),
    Row("14-last-moment-within-skew", at_s=300 + 119),
    Row("14-fraction", claims={"exp": NOW_S + 0.5}),
    Row("15-issued-ahead-within-skew", claims={"iat": NOW_S + 120}),
    Row("15-last-moment-of-the-limit", claims={"iat": NOW_S - 12 * 3600 + 1}),
    Row("16-not-before-within-skew", claims={"nbf": NOW_S + 120}),
    Row("17-authentication-long-ago-and-not-asked", claims={"auth_time": 0}),
    Row("17-authentication-recent-enough", claims={"auth_time": NOW_S - 420}, expect=asked(max_age=timedelta(seconds=300))),
    Row("17-max-age-zero", claims={"auth_time": NOW_S}, expect=asked(max_age=timedelta(0))),
    Row("18-objects-apart", claims={"a": {"b": 1}, "a.c": 2}),
    Row("19-exchange-has-no-nonce", claims={"nonce": None}, expect=EXCHANGE),
    Row("19-exchange-ignores-a-nonce", claims={"nonce": 7}, expect=EXCHANGE),
    Row("20-no-access-token-hash", claims={"at_hash": None}),
    Row("20-exchange-can-not-compare", claims={"at_hash": "x", "c_hash": "y"}, expect=EXCHANGE),
    Row("21-code-hash", claims={"c_hash": half_hash(CODE)}),
    Row("22-context-one-of-those-asked", claims={"acr": "silver"}, expect=asked(acr_values=("gold", "silver"))),
    Row("22-context-not-asked", claims={"acr": ["?"]}),
)  # fmt: skip

R = Reason
FAILING = (
    Row("01-too-long", R.OIDC_TOO_LARGE, claims={"x": "x" * 20_000}),
    Row("02-empty", R.OIDC_SHAPE, change=lambda _: ""),
    Row("02-one-part", R.OIDC_SHAPE, change=lambda _: "abc"),
    Row("02-two-parts", R.OIDC_SHAPE, change=lambda token: token.rpartition(".")[0]),
    Row("02-four-parts", R.OIDC_SHAPE, change=lambda token: token + ".x"),
    Row("02-encrypted", R.OIDC_ENCRYPTED, change=lambda token: token + ".x.y"),
    Row("02-json-serialization", R.OIDC_SHAPE, change=lambda token: f'{{"payload":"{token}"}}'.replace(".", "")),
    Row("02-no-header", R.OIDC_SHAPE, change=part(0, lambda _: "")),
    Row("02-detached-payload", R.OIDC_SHAPE, change=part(1, lambda _: "")),
    Row("02-not-ascii", R.OIDC_SHAPE, change=lambda token: token + "ü"),
    Row("02-header-padded", R.OIDC_ENCODING, change=part(0, lambda text: text + "=")),
    Row("02-signature-padded", R.OIDC_ENCODING, change=part(2, lambda text: text + "==")),
    Row("02-signature-in-plain-base64", R.OIDC_ENCODING, change=part(2, lambda text: "+/" + text[2:])),
    Row("02-signature-with-stray-bits", R.OIDC_ENCODING, change=part(2, lambda text: text[:-1] + "B")),
    Row("02-space-within", R.OIDC_ENCODING, change=part(2, lambda text: text[:9] + " " + text[9:])),
    Row("02-newline-at-the-end", R.OIDC_ENCODING, change=lambda token: token + "\n"),
    Row("03-header-no-json", R.OIDC_JSON, change=part(0, lambda _: "eA")),
    Row("03-algorithm-missing", R.OIDC_HEADER, header={"alg": None}),
    Row("03-algorithm-no-text", R.OIDC_HEADER, header={"alg": ["RS256"]}),
    Row("03-kid-no-text", R.OIDC_HEADER, header={"kid": 1}),
    Row("03-kid-too-long", R.OIDC_HEADER, header={"kid": "k" * 513}),
    Row("03-header-too-large", R.OIDC_TOO_LARGE, header={"x5c": ["x" * 8192]}),
    Row("04-critical", R.OIDC_CRITICAL_HEADER, header={"crit": ["exp"], "exp": 1}),
    Row("04-critical-and-empty", R.OIDC_CRITICAL_HEADER, header={"crit": []}),
    Row("04-unencoded-payload", R.OIDC_CRITICAL_HEADER, header={"b64": False}),
    Row("05-access-token", R.OIDC_TYPE, header={"typ": "at+jwt"}),
    Row("05-logout-token", R.OIDC_TYPE, header={"typ": "logout+jwt"}),
    Row("05-type-no-text", R.OIDC_TYPE, header={"typ": 1}),
    Row("05-token-within", R.OIDC_TYPE, header={"cty": "JWT"}),
    Row("05-compressed", R.OIDC_TYPE, header={"zip": "DEF"}),
    Row("06-none", R.OIDC_ALGORITHM, header={"alg": "none"}),
    Row("06-none-in-odd-case", R.OIDC_ALGORITHM, header={"alg": "nOnE"}),
    Row("06-hmac", R.OIDC_ALGORITHM, header={"alg": "HS256"}),
    Row("06-other-curve", R.OIDC_ALGORITHM, header={"alg": "ES256K"}),
    Row("06-empty", R.OIDC_ALGORITHM, header={"alg": ""}),
    Row("06-not-allowed-for-the-provider", R.OIDC_ALGORITHM, expect={"algorithms": frozenset({"ES256"})}),
    Row("06-allowed-but-unknown", R.OIDC_ALGORITHM, header={"alg": "none"}, expect={"algorithms": frozenset({"none"})}),
    Row("07-unknown-kid", R.OIDC_KEY_UNKNOWN, header={"kid": "k2"}),
    Row("07-empty-kid", R.OIDC_KEY_UNKNOWN, header={"kid": ""}),
    Row("07-algorithm-of-another-kind-of-key", R.OIDC_KEY_ALGORITHM, header={"alg": "ES256"}),
    Row("07-no-kid-and-no-key-of-the-kind", R.OIDC_KEY_UNKNOWN, header={"kid": None, "alg": "EdDSA"}),
    Row("08-other-digest", R.OIDC_SIGNATURE, header={"alg": "RS512"}),
    Row("08-other-padding", R.OIDC_SIGNATURE, header={"alg": "PS256"}),
    Row("08-no-signature", R.OIDC_SIGNATURE, change=part(2, lambda _: "")),
    Row("08-short-signature", R.OIDC_SIGNATURE, change=part(2, lambda text: text[:256])),
    Row("08-other-payload", R.OIDC_SIGNATURE, change=part(1, lambda _: "e30")),
    Row("09-logout-token", R.OIDC_TYPE, claims={"events": {}}),
    Row("10-other-issuer", R.OIDC_ISSUER, claims={"iss": "https://evil.example"}),
    Row("10-slash-at-the-end", R.OIDC_ISSUER, claims={"iss": ISSUER + "/"}),
    Row("10-other-case", R.OIDC_ISSUER, claims={"iss": ISSUER.upper()}),
    Row("10-list", R.OIDC_ISSUER, claims={"iss": [ISSUER]}),
    Row("10-missing", R.OIDC_ISSUER, claims={"iss": None}),
    Row("11-missing", R.OIDC_SUBJECT, claims={"sub": None}),
    Row("11-empty", R.OIDC_SUBJECT, claims={"sub": ""}),
    Row("11-too-long", R.OIDC_SUBJECT, claims={"sub": "s" * 256}),
    Row("11-number", R.OIDC_SUBJECT, claims={"sub": 1}),
    Row("11-not-ascii", R.OIDC_SUBJECT, claims={"sub": "älice"}),
    Row("11-newline", R.OIDC_SUBJECT, claims={"sub": "alice\n"}),
    Row("11-space-at-the-end", R.OIDC_SUBJECT, claims={"sub": "alice "}),
    Row("12-missing", R.OIDC_AUDIENCE, claims={"aud": None}),
    Row("12-other", R.OIDC_AUDIENCE, claims={"aud": "other"}),
    Row("12-another-of-ours-than-the-login's", R.OIDC_AUDIENCE, claims={"aud": OTHER_CLIENT}),
    Row("12-part-of-it", R.OIDC_AUDIENCE, claims={"aud": CLIENT[:-1]}),
    Row("12-empty-list", R.OIDC_AUDIENCE, claims={"aud": []}),
    Row("12-list-of-other-things", R.OIDC_AUDIENCE, claims={"aud": [CLIENT, 1]}),
    Row("12-object", R.OIDC_AUDIENCE, claims={"aud": {CLIENT: 1}}),
    Row("12-too-many", R.OIDC_AUDIENCE, claims={"aud": [CLIENT] * 51}),
    Row("12-also-for-a-stranger", R.OIDC_AUDIENCE_UNTRUSTED, claims={"aud": [CLIENT, "stranger"], "azp": CLIENT}),
    Row("12-exchange-also-for-a-stranger", R.OIDC_AUDIENCE_UNTRUSTED, claims={"aud": [CLIENT, "x"]}, expect=EXCHANGE),
    Row("12-exchange-nothing-registered", R.OIDC_AUDIENCE, expect={**EXCHANGE, "client_ids": ()}),
    Row("13-issued-to-another", R.OIDC_AUTHORIZED_PARTY, claims={"azp": OTHER_CLIENT}),
    Row("13-several-audiences-and-none-named", R.OIDC_AUTHORIZED_PARTY, claims={"aud": [CLIENT, OTHER_CLIENT]}),
    Row("13-no-text", R.OIDC_AUTHORIZED_PARTY, claims={"azp": [CLIENT]}),
    Row("13-exchange-no-text", R.OIDC_AUTHORIZED_PARTY, claims={"azp": 1}, expect=EXCHANGE),
    Row("14-expired", R.OIDC_EXPIRED, at_s=300 + 120),
    Row("14-missing", R.OIDC_TIME, claims={"exp": None}),
    Row("14-text", R.OIDC_TIME, claims={"exp": str(NOW_S + 300)}),
    Row("14-true", R.OIDC_TIME, claims={"exp": True}),
    Row("14-negative", R.OIDC_TIME, claims={"exp": -1}),
    Row("14-beyond-the-calendar", R.OIDC_TIME, claims={"exp": 10**15}),
    Row("14-milliseconds", R.OIDC_TIME, claims={"exp": (NOW_S + 300) * 1000}),
    Row("15-in-the-future", R.OIDC_ISSUED_AT, claims={"iat": NOW_S + 121}),
    Row("15-missing", R.OIDC_TIME, claims={"iat": None}),
    Row("15-older-than-the-limit", R.OIDC_ISSUANCE_LIMIT, claims={"iat": NOW_S - 12 * 3600}),
    Row("15-older-than-a-short-limit", R.OIDC_ISSUANCE_LIMIT, expect={"issuance_limit": timedelta(hours=1)}, claims={"exp": NOW_S + 9999}, at_s=3600),
    Row("16-not-yet", R.OIDC_NOT_YET_VALID, claims={"nbf": NOW_S + 121}),
    Row("16-text", R.OIDC_TIME, claims={"nbf": "0"}),
    Row("17-in-the-future", R.OIDC_AUTH_TIME, claims={"auth_time": NOW_S + 121}),
    Row("17-missing-though-asked", R.OIDC_AUTH_TIME, expect=asked(max_age=timedelta(seconds=300))),
    Row("17-too-long-ago", R.OIDC_AUTH_TIME, claims={"auth_time": NOW_S - 421}, expect=asked(max_age=timedelta(seconds=300))),
    Row("17-text", R.OIDC_TIME, claims={"auth_time": "yesterday"}),
    Row("18-two-of-one-name", R.OIDC_CLAIM, claims={"a": {"b": 1}, "a.b": 2}),
    Row("18-two-objects-of-one-name", R.OIDC_CLAIM, claims={"a": {"b.c": 1}, "a.b": {"c": 2}}),
    Row("19-other", R.OIDC_NONCE, claims={"nonce": NONCE + "x"}),
    Row("19-missing", R.OIDC_NONCE, claims={"nonce": None}),
    Row("19-list", R.OIDC_NONCE, claims={"nonce": [NONCE]}),
    Row("19-not-ascii", R.OIDC_NONCE, claims={"nonce": "ü"}),
    Row("20-of-another-access-token", R.OIDC_ACCESS_TOKEN_HASH, expect=asked(access_token=Secret("other"))),
    Row("20-no-text", R.OIDC_ACCESS_TOKEN_HASH, claims={"at_hash": 1}),
    Row("20-null", R.OIDC_ACCESS_TOKEN_HASH, claims={"at_hash": [None]}),
    Row("20-whole-hash", R.OIDC_ACCESS_TOKEN_HASH, claims={"at_hash": half_hash("SlAV32hkKG", "sha512")}),
    Row("21-of-another-code", R.OIDC_CODE_HASH, claims={"c_hash": half_hash("other")}),
    Row("22-other", R.OIDC_ACR, claims={"acr": "bronze"}, expect=asked(acr_values=("gold", "silver"))),
    Row("22-missing", R.OIDC_ACR, expect=asked(acr_values=("gold",))),
    Row("22-list", R.OIDC_ACR, claims={"acr": ["gold"]}, expect=asked(acr_values=("gold",))),
)  # fmt: skip
