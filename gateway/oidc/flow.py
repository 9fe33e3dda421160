"""The authorization code flow, pure: what to send, and what to believe of what comes back.

The caller keeps a `PendingLogin` in the shared store, bound to the browser and taken once; everything that comes back
is compared with it. PKCE with S256, state and nonce are always there; there is no way to leave them out.
Rule: OpenID Connect Core 1.0 §3.1; RFC 6749 §4.1; RFC 7636; RFC 9126; RFC 9207; RFC 9700 §2.1, §4.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from gateway.errors import OidcError, Reason
from gateway.oidc.base64url import encode_base64url
from gateway.oidc.client_authentication import Proof
from gateway.oidc.discovery import ProviderMetadata
from gateway.oidc.json_text import JsonObject, read_object
from gateway.secret import Secret

MAX_ANSWER_BYTES = 256 * 1024
_MAX_CODE = 4096
_MAX_TOKEN = 100_000
_MAX_REQUEST_URI = 2048
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_ERROR = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]{1,200}")  # RFC 6749 §4.1.2.1


@dataclass(frozen=True, slots=True)
class LoginWish:
    """What a login asks of the provider beyond who the person is."""

    scopes: tuple[str, ...] = ("openid",)
    max_age: timedelta | None = None
    acr_values: tuple[str, ...] = ()
    prompt: tuple[str, ...] = ()  # of none, login, consent, select_account
    login_hint: str = ""
    ui_locales: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """What the gateway must remember of a login that it began. All three texts are random and used once."""

    state: str
    nonce: str
    code_verifier: Secret
    issuer: str
    client_id: str
    redirect_uri: str  # one per provider, so an answer of another one does not come here
    max_age: timedelta | None
    acr_values: tuple[str, ...]
    authenticated_since: datetime | None = None  # the person had to prove anew who it is


@dataclass(frozen=True, slots=True)
class FormRequest:
    """A POST that the caller sends by `fetch.Fetcher.post`; the body holds secrets."""

    url: str
    body: bytes = field(repr=False)
    authorization: Secret | None


@dataclass(frozen=True, slots=True)
class Callback:
    """A successful answer of the authorization endpoint."""

    code: Secret


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. Nothing in it is verified; `id_token.verify_id_token` does that."""

    unverified_id_token: str = field(repr=False)
    access_token: Secret


def begin_login(
    metadata: ProviderMetadata, client_id: str, redirect_uri: str, wish: LoginWish, new_handle: Callable[[], str]
) -> PendingLogin:
    """`new_handle` makes a URL-safe random text of 256 bits (`ids.new_handle`): state, nonce and PKCE verifier."""
    return PendingLogin(
        state=new_handle(),
        nonce=new_handle(),
        code_verifier=Secret(new_handle()),
        issuer=metadata.issuer,
        client_id=client_id,
        redirect_uri=redirect_uri,
        max_age=wish.max_age,
        acr_values=wish.acr_values,
    )


def authorization_parameters(pending: PendingLogin, wish: LoginWish) -> tuple[tuple[str, str], ...]:
    """The parameters of the authorization request, however they reach the provider."""
    challenge = encode_base64url(hashlib.sha256(pending.code_verifier.reveal().encode()).digest())
    scopes = dict.fromkeys(("openid", *wish.scopes))
    optional = {
        "max_age": "" if wish.max_age is None else str(int(wish.max_age.total_seconds())),
        "acr_values": " ".join(wish.acr_values),
        "prompt": " ".join(wish.prompt),
        "login_hint": wish.login_hint,
        "ui_locales": " ".join(wish.ui_locales),
    }
    return (
        ("response_type", "code"),
        ("client_id", pending.client_id),
        ("redirect_uri", pending.redirect_uri),
        ("scope", " ".join(scopes)),
        ("state", pending.state),
        ("nonce", pending.nonce),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        *((name, value) for name, value in optional.items() if value),
    )


def authorization_url(metadata: ProviderMetadata, parameters: Sequence[tuple[str, str]]) -> str:
    """Where the browser goes. Raises: OidcError(OIDC_UNSUPPORTED) if the provider offers no logins."""
    if metadata.authorization_endpoint is None:
        raise OidcError(Reason.OIDC_UNSUPPORTED, "the provider offers no login by authorization code")
    return with_query(metadata.authorization_endpoint, parameters)


def pushed_request(
    metadata: ProviderMetadata, parameters: Sequence[tuple[str, str]], proof: Proof
) -> FormRequest | None:
    """The request that pushes the parameters; None if the provider does not offer it. Rule: RFC 9126 §2.1."""
    if metadata.pushed_request_endpoint is None:
        return None
    form = dict((*parameters, *proof.form))
    return FormRequest(metadata.pushed_request_endpoint, urlencode(form).encode(), proof.authorization)


def parse_pushed_answer(status: int, body: bytes, client_id: str) -> tuple[tuple[str, str], ...]:
    """The parameters that stand for those that were pushed.

    Raises: OidcError(OIDC_REFUSED), OidcError(OIDC_ANSWER). Rule: RFC 9126 §2.2.
    """
    answer = _read_answer(status, body, {200, 201})
    request_uri = answer.get("request_uri")
    if not isinstance(request_uri, str) or not _is_plain(request_uri, _MAX_REQUEST_URI):
        raise OidcError(Reason.OIDC_ANSWER, "the provider did not answer a pushed request properly")
    return (("client_id", client_id), ("request_uri", request_uri))


def check_callback(
    parameters: Mapping[str, Sequence[str]], pending: PendingLogin, metadata: ProviderMetadata
) -> Callback:
    """Read what the browser brings back. `parameters` are those of the query, each with all its values.

    Refused: a parameter twice, another state than that of `pending`, an issuer that is not the one the login was begun
    with or is missing though announced, an error, no code.
    Raises: OidcError(OIDC_CALLBACK), OidcError(OIDC_CALLBACK_ISSUER), OidcError(OIDC_REFUSED) with the provider's error
    as the detail. Rule: RFC 6749 §4.1.2; RFC 9207 §2.4; RFC 9700 §4.4.
    """
    state = _single(parameters, "state") or ""
    if not hmac.compare_digest(state.encode(errors="replace"), pending.state.encode()):
        raise OidcError(Reason.OIDC_CALLBACK, "the answer does not belong to the login that was begun")
    issuer = _single(parameters, "iss")
    if issuer != pending.issuer and (issuer is not None or metadata.names_issuer_in_callback):
        raise OidcError(Reason.OIDC_CALLBACK_ISSUER, "the answer is from another provider", repr(issuer)[:200])
    error = _single(parameters, "error")
    if error is not None:
        raise _refused(error, _single(parameters, "error_description"))
    code = _single(parameters, "code")
    if code is None or not _is_plain(code, _MAX_CODE):
        raise OidcError(Reason.OIDC_CALLBACK, "the answer of the provider brings no code")
    return Callback(Secret(code))


def callback_state(parameters: Mapping[str, Sequence[str]]) -> str:
    """The state by which a pending login is found. Nothing is proven by it.

    Raises: OidcError(OIDC_CALLBACK) if there is none, or several.
    """
    state = _single(parameters, "state")
    if not state or not _is_plain(state, 512):
        raise OidcError(Reason.OIDC_CALLBACK, "the answer does not belong to any login")
    return state


def token_request(metadata: ProviderMetadata, callback: Callback, pending: PendingLogin, proof: Proof) -> FormRequest:
    """The request that redeems a code. Raises: OidcError(OIDC_UNSUPPORTED) if the provider has no token endpoint."""
    if metadata.token_endpoint is None:
        raise OidcError(Reason.OIDC_UNSUPPORTED, "the provider offers no login by authorization code")
    form = (
        ("grant_type", "authorization_code"),
        ("code", callback.code.reveal()),
        ("redirect_uri", pending.redirect_uri),
        ("code_verifier", pending.code_verifier.reveal()),
        *proof.form,
    )
    return FormRequest(metadata.token_endpoint, urlencode(form).encode(), proof.authorization)


def parse_token_answer(status: int, body: bytes) -> Tokens:
    """Read the answer of the token endpoint.

    Refused: an error, another token type than Bearer, no access token or no ID token.
    Raises: OidcError(OIDC_REFUSED), OidcError(OIDC_ANSWER), what `read_object` raises.
    Rule: OpenID Connect Core 1.0 §3.1.3.3, §3.1.3.4; RFC 6749 §5.
    """
    answer = _read_answer(status, body, {200})
    token_type, access_token, id_token = (answer.get(name) for name in ("token_type", "access_token", "id_token"))
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise OidcError(Reason.OIDC_ANSWER, "the provider gave a token of an unknown type", repr(token_type)[:100])
    if not isinstance(access_token, str) or not _is_plain(access_token, _MAX_TOKEN):
        raise OidcError(Reason.OIDC_ANSWER, "the provider gave no access token that can be used")
    if not isinstance(id_token, str):
        raise OidcError(Reason.OIDC_ANSWER, "the provider gave no ID token")
    return Tokens(id_token, Secret(access_token))


def with_query(url: str, parameters: Sequence[tuple[str, str]]) -> str:
    """`url` with parameters after those that it has already."""
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(parameters)}"


def _read_answer(status: int, body: bytes, good: set[int]) -> JsonObject:
    if len(body) > MAX_ANSWER_BYTES:
        raise OidcError(Reason.OIDC_TOO_LARGE, "the provider's answer is too large")
    if status not in good and not body.lstrip().startswith(b"{"):
        raise OidcError(Reason.OIDC_ANSWER, "the provider did not answer properly", f"status {status}")
    answer = read_object(body)
    error = answer.get("error")
    if error is not None:
        description = answer.get("error_description")
        raise _refused(str(error), description if isinstance(description, str) else None)
    if status not in good:
        raise OidcError(Reason.OIDC_ANSWER, "the provider did not answer properly", f"status {status}")
    return answer


def _refused(error: str, description: str | None) -> OidcError:
    code = error if _ERROR.fullmatch(error) else "unreadable"
    shown = description if description and _PRINTABLE.fullmatch(description) else ""
    return OidcError(
        Reason.OIDC_REFUSED, "your company's sign-in refused the login", f"{code}: {shown[:300]}", subject=code
    )


def _single(parameters: Mapping[str, Sequence[str]], name: str) -> str | None:
    """Raises: OidcError(OIDC_CALLBACK) for a parameter that is there twice. Rule: RFC 6749 §3.1."""
    values = parameters.get(name, ())
    if len(values) > 1:
        raise OidcError(Reason.OIDC_CALLBACK, "the answer has a parameter twice", name)
    return values[0] if values else None


def _is_plain(text: str, limit: int) -> bool:
    return len(text) <= limit and _PRINTABLE.fullmatch(text) is not None
