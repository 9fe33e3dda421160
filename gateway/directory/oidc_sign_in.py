"""How the browser login through an OpenID Provider is done: our client there, and what is asked for.

A provider without a row here is for the exchange of tokens. What a login becomes stands in `provider_logins`.
Rule: OpenID Connect Core 1.0 §3.1.2.1, §9.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import lock_account
from gateway.directory.oidc_providers import OidcProvider
from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.provider_logins import keys_for_browsers
from gateway.errors import CredentialError, InputError, NotFound, Reason
from gateway.ids import new_handle
from gateway.keyring import KeyRing
from gateway.oidc.client_authentication import (
    CLIENT_KEY_ALGORITHM,
    ClientCredentials,
    ClientMethod,
    client_with_key,
    client_with_secret,
    load_client_key,
    public_jwk,
)
from gateway.secret import Secret
from gateway.store.base import Base, RowNumber
from gateway.store.once import insert_or_lock

_PURPOSE = "oidc-client"
_LONGEST_CLIENT_ID = 256
_LONGEST_SECRET = 1024
_MOST_VALUES = 20
_LONGEST_VALUE = 200
_LONGEST_MAX_AGE_S = 30 * 24 * 3600
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})


class OidcSignInRow(Base):
    __tablename__ = "oidc_sign_ins"

    provider_id: Mapped[int] = mapped_column(
        RowNumber, ForeignKey("oidc_providers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    client_id: Mapped[str]
    method: Mapped[str]  # a ClientMethod
    sealed: Mapped[bytes]  # the client secret, or the private key in PEM
    key_id: Mapped[str]  # empty with a secret
    scopes_text: Mapped[str]  # lists are joined by spaces, which none of their members contains
    acr_values_text: Mapped[str]
    prompt_text: Mapped[str]
    max_age_s: Mapped[int | None]
    reads_user_info: Mapped[bool]
    updated_at: Mapped[datetime]
    secret_expires_at: Mapped[datetime | None] = mapped_column(index=True)  # as the administrator says


@dataclass(frozen=True, slots=True)
class SignInWish:
    """What each login asks of the provider."""

    scopes: tuple[str, ...] = ("openid", "profile", "email")
    acr_values: tuple[str, ...] = ()
    prompt: tuple[str, ...] = ()
    max_age_s: int | None = None
    reads_user_info: bool = False  # ask the UserInfo endpoint for further claims


@dataclass(frozen=True, slots=True)
class OidcSignIn:
    """`client` holds the secret or the private key."""

    client: ClientCredentials = field(repr=False)
    wish: SignInWish
    updated_at: datetime
    secret_expires_at: datetime | None = None


def set_oidc_sign_in(
    session: Session,
    ring: KeyRing,
    provider: OidcProvider,
    *,
    client_id: str,
    method: ClientMethod,
    client_secret: Secret | None,
    wish: SignInWish,
    secret_expires_at: datetime | None = None,
    now: datetime,
) -> None:
    """Register our client at the provider, or change what it asks for.

    `secret_expires_at`: when the secret lapses there, for the radar of things that lapse; None: nobody knows.

    With `private_key_jwt` the key is made here, once, and its public half published (`client_keys`); the other
    methods take a secret, which stays as it is while None is given.
    Raises: InputError(PARAMETER_INVALID), InputError(PARAMETER_MISSING), subject the parameter.
    """
    _check_client_id(client_id)
    _check_wish(wish)
    lock_account(session, provider.account_id)
    row = session.get(OidcSignInRow, provider.id)
    kept = row is not None and (row.method == ClientMethod.PRIVATE_KEY) == (method is ClientMethod.PRIVATE_KEY)
    if method is ClientMethod.PRIVATE_KEY:
        key_id, sealed = (row.key_id, row.sealed) if kept and row else _new_key(ring, provider)
    else:
        secret = _checked_secret(client_secret)
        if secret is None and not (kept and row):
            raise InputError(Reason.PARAMETER_MISSING, "the client secret is missing", subject="ClientSecret")
        key_id = ""
        sealed = row.sealed if secret is None and row else _seal(ring, provider, secret or Secret(""))
    values = {
        "client_id": client_id,
        "method": method.value,
        "sealed": sealed,
        "key_id": key_id,
        "scopes_text": " ".join(dict.fromkeys(("openid", *wish.scopes))),
        "acr_values_text": " ".join(wish.acr_values),
        "prompt_text": " ".join(wish.prompt),
        "max_age_s": wish.max_age_s,
        "reads_user_info": wish.reads_user_info,
        "updated_at": now,
        "secret_expires_at": None if method is ClientMethod.PRIVATE_KEY else secret_expires_at,
    }
    row = insert_or_lock(session, OidcSignInRow, {"provider_id": provider.id, **values})
    for column, value in values.items():
        setattr(row, column, value)
    session.flush()


def find_oidc_sign_in(session: Session, ring: KeyRing, provider: OidcProvider) -> OidcSignIn | None:
    """Raises: CredentialError(TOKEN_MALFORMED) if the secret was sealed under a key that the ring no longer has."""
    row = session.get(OidcSignInRow, provider.id)
    if row is None:
        return None
    opened = Secret(ring.open(_PURPOSE, row.sealed, bound_to=_bound_to(provider)).decode())
    method = ClientMethod(row.method)
    if method is ClientMethod.PRIVATE_KEY:
        client = client_with_key(row.client_id, load_client_key(opened, row.key_id, CLIENT_KEY_ALGORITHM))
    else:
        client = client_with_secret(row.client_id, method, opened)
    wish = SignInWish(
        scopes=tuple(row.scopes_text.split()),
        acr_values=tuple(row.acr_values_text.split()),
        prompt=tuple(row.prompt_text.split()),
        max_age_s=row.max_age_s,
        reads_user_info=row.reads_user_info,
    )
    return OidcSignIn(client, wish, row.updated_at, row.secret_expires_at)


def inspect_oidc_sign_in(session: Session, ring: KeyRing, provider: OidcProvider) -> tuple[OidcSignIn | None, bool]:
    """For whoever sets it up: the client, and whether there is one whose secret can't be opened any more, since the key
    that sealed it is gone. Then a new secret, or another client, helps.
    """
    try:
        return find_oidc_sign_in(session, ring, provider), False
    except CredentialError:
        return None, True


def client_keys(session: Session, ring: KeyRing, provider: OidcProvider) -> tuple[dict[str, str], ...]:
    """The public key, as a JWK, that the provider checks our proofs with; none where we have a secret."""
    sign_in = find_oidc_sign_in(session, ring, provider)
    key = None if sign_in is None else sign_in.client.key
    return () if key is None else (public_jwk(key),)


def list_sign_in_providers(session: Session, account_id: str) -> tuple[OidcProvider, ...]:
    """The providers that people of the account sign in through, by name. Two queries."""
    query = (
        select(OidcProvider)
        .join(OidcSignInRow, OidcSignInRow.provider_id == OidcProvider.id)
        .where(OidcProvider.account_id == account_id)
        .order_by(OidcProvider.name_key)
    )
    by_key = {oidc_provider_key(provider.id): provider for provider in session.scalars(query)}
    chosen = keys_for_browsers(session, by_key)
    return tuple(provider for key, provider in by_key.items() if key in chosen)


def delete_oidc_sign_in(session: Session, provider: OidcProvider) -> None:
    """Leave the provider to the exchange of tokens. Raises: NotFound, subject "OIDCProvider.SignIn"."""
    lock_account(session, provider.account_id)
    row = session.get(OidcSignInRow, provider.id)
    if row is None:
        message = "no browser sign-in is set up for the provider"
        raise NotFound(Reason.NOT_FOUND, message, subject="OIDCProvider.SignIn")
    session.delete(row)
    session.flush()


def _new_key(ring: KeyRing, provider: OidcProvider) -> tuple[str, bytes]:
    """Key ID and sealed PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return new_handle()[:16], _seal(ring, provider, Secret(pem.decode()))


def _seal(ring: KeyRing, provider: OidcProvider, secret: Secret) -> bytes:
    return ring.seal(_PURPOSE, secret.reveal().encode(), bound_to=_bound_to(provider))


def _bound_to(provider: OidcProvider) -> bytes:
    """Account and issuer: a row that is copied to another provider can't be opened there."""
    return f"{provider.account_id}\n{provider.issuer_url}".encode()


def _checked_secret(secret: Secret | None) -> Secret | None:
    if secret is None or not secret.reveal():
        return None
    text = secret.reveal()
    if len(text) > _LONGEST_SECRET or not text.isprintable():
        raise _invalid("ClientSecret", f"must be at most {_LONGEST_SECRET} printable characters")
    return secret


def _check_client_id(client_id: str) -> None:
    if not 1 <= len(client_id) <= _LONGEST_CLIENT_ID or not client_id.isascii() or not client_id.isprintable():
        raise _invalid("ClientId", f"must be 1 to {_LONGEST_CLIENT_ID} printable ASCII characters")


def _check_wish(wish: SignInWish) -> None:
    for name, values in (("Scopes", wish.scopes), ("AcrValues", wish.acr_values), ("Prompt", wish.prompt)):
        if len(values) > _MOST_VALUES or not all(_is_word(value) for value in values):
            raise _invalid(name, f"must be at most {_MOST_VALUES} words of printable ASCII")
    if not set(wish.prompt) <= _PROMPTS or ("none" in wish.prompt and len(wish.prompt) > 1):
        raise _invalid("Prompt", "must be `none` alone, or some of `login`, `consent` and `select_account`")
    if wish.max_age_s is not None and not 0 <= wish.max_age_s <= _LONGEST_MAX_AGE_S:
        raise _invalid("MaxAge", f"must be 0 to {_LONGEST_MAX_AGE_S} seconds")


def _is_word(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_VALUE and all("!" <= character <= "~" for character in text)


def _invalid(subject: str, why: str) -> InputError:
    return InputError(Reason.PARAMETER_INVALID, f"{subject} {why}", subject=subject)
