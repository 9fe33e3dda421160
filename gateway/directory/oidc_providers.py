"""OpenID Providers: which issuers an account trusts, and for which clients. Rule: sso-contract §3.1; ram-limits §1, §2.

The table says who is trusted. What a login through the browser needs beyond that hangs on `id`.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.arn import oidc_provider_arn
from gateway.directory import quotas
from gateway.directory.accounts import lock_account
from gateway.directory.names import OIDC_PROVIDER_NAME, check_name, check_text, name_key
from gateway.directory.oidc_texts import (
    check_client_id,
    check_fingerprint,
    check_issuance_limit,
    check_issuer_url,
    issuer_key,
)
from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.provider_leftovers import forget_provider
from gateway.directory.revocations import let_anew, revoke_for_ever
from gateway.directory.unique import insert_unique
from gateway.errors import AlreadyExists, LimitExceeded, NotFound, Reason
from gateway.store.base import Base, RowNumber
from gateway.store.paging import Page, Slice, read_slice

DEFAULT_ISSUANCE_LIMIT_H = 12

_LONGEST_DESCRIPTION = 256
_COMMA = ","


class OidcProvider(Base):
    __tablename__ = "oidc_providers"
    __table_args__ = (UniqueConstraint("account_id", "name_key"), UniqueConstraint("account_id", "issuer_key"))

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    description: Mapped[str]
    issuer_url: Mapped[str]  # letter by letter what `iss` of a token must be; never changes
    issuer_key: Mapped[str]  # what two spellings of one issuer share
    client_ids_text: Mapped[str]  # joined by commas, which none of them contains
    fingerprints_text: Mapped[str]  # likewise
    issuance_limit_h: Mapped[int]  # how old `iat` of a token may be
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def arn(self) -> str:
        return oidc_provider_arn(self.account_id, self.name)

    @property
    def client_ids(self) -> tuple[str, ...]:
        """Whom a token may be for; compared letter by letter. None at all: no token is accepted."""
        return _split(self.client_ids_text)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """SHA-1 of the certificates that may stand behind the issuer, hexadecimal in any case, as they were given."""
        return _split(self.fingerprints_text)


def create_oidc_provider(
    session: Session,
    account_id: str,
    name: str,
    issuer_url: str,
    *,
    client_ids: Iterable[str] = (),
    fingerprints: Iterable[str] = (),
    issuance_limit_h: int = DEFAULT_ISSUANCE_LIMIT_H,
    description: str = "",
    development: bool = False,
    now: datetime,
) -> OidcProvider:
    """Register an issuer. What is given twice in a list counts once. `development`: see `check_issuer_url`.

    Raises: InputError; AlreadyExists, subject "OIDCProvider" or "OIDCProvider.IssuerUrl"; LimitExceeded, subject
    "OIDCProvider", "OIDCProvider.ClientId" or "OIDCProvider.Fingerprint".
    """
    check_name(OIDC_PROVIDER_NAME, name)
    check_issuer_url(issuer_url, development=development)
    check_text("Description", description, _LONGEST_DESCRIPTION)
    check_issuance_limit(issuance_limit_h)
    clients, prints = _checked_client_ids(client_ids), _checked_fingerprints(fingerprints)
    lock_account(session, account_id)
    most = quotas.OIDC_PROVIDERS_PER_ACCOUNT
    quotas.check_room(session, OidcProvider.account_id, account_id, most, "OIDCProvider")
    _check_issuer_is_new(session, account_id, name, issuer_url)
    provider = OidcProvider(
        account_id=account_id,
        name=name,
        name_key=name_key(name),
        description=description,
        issuer_url=issuer_url,
        issuer_key=issuer_key(issuer_url),
        client_ids_text=_COMMA.join(clients),
        fingerprints_text=_COMMA.join(prints),
        issuance_limit_h=issuance_limit_h,
        created_at=now,
        updated_at=now,
    )
    insert_unique(session, provider, "OIDCProvider")
    let_anew(session, "provider", provider.arn, now)
    return provider


def find_oidc_provider(session: Session, account_id: str, name: str) -> OidcProvider | None:
    """By name, in any case. One query."""
    query = select(OidcProvider).where(OidcProvider.account_id == account_id, OidcProvider.name_key == name_key(name))
    return session.scalar(query)


def get_oidc_provider(session: Session, account_id: str, name: str) -> OidcProvider:
    """Raises: NotFound, subject "OIDCProvider"."""
    provider = find_oidc_provider(session, account_id, name)
    if provider is None:
        raise NotFound(Reason.NOT_FOUND, "the OIDC provider does not exist", subject="OIDCProvider")
    return provider


def list_oidc_providers(session: Session, account_id: str, page: Page) -> Slice[OidcProvider]:
    """By name."""
    query = select(OidcProvider).where(OidcProvider.account_id == account_id)
    return read_slice(session, query, OidcProvider.name_key, page, lambda row: row.name_key)


def update_oidc_provider(
    session: Session,
    account_id: str,
    name: str,
    *,
    client_ids: Iterable[str] | None = None,
    issuance_limit_h: int | None = None,
    description: str | None = None,
    now: datetime,
) -> OidcProvider:
    """Change what is given; None leaves a thing as it is. The client IDs given replace all of them.

    Raises: InputError; NotFound, subject "OIDCProvider"; LimitExceeded, subject "OIDCProvider.ClientId".
    """
    if description is not None:
        check_text("NewDescription", description, _LONGEST_DESCRIPTION)
    if issuance_limit_h is not None:
        check_issuance_limit(issuance_limit_h)
    clients = None if client_ids is None else _checked_client_ids(client_ids)
    provider = _get_locked(session, account_id, name)
    provider.client_ids_text = provider.client_ids_text if clients is None else _COMMA.join(clients)
    provider.issuance_limit_h = issuance_limit_h or provider.issuance_limit_h
    provider.description = provider.description if description is None else description
    return _changed(session, provider, now)


def add_client_id(session: Session, account_id: str, name: str, client_id: str, now: datetime) -> OidcProvider:
    """Raises: InputError; NotFound; AlreadyExists and LimitExceeded, subject "OIDCProvider.ClientId"."""
    check_client_id(client_id, "ClientId")
    provider = _get_locked(session, account_id, name)
    if client_id in provider.client_ids:
        message = "the provider has this client id already"
        raise AlreadyExists(Reason.ALREADY_EXISTS, message, subject="OIDCProvider.ClientId")
    provider.client_ids_text = _COMMA.join(_checked_client_ids((*provider.client_ids, client_id)))
    return _changed(session, provider, now)


def remove_client_id(session: Session, account_id: str, name: str, client_id: str, now: datetime) -> OidcProvider:
    """Take a client ID away; the last one too, after which no token is accepted.

    Raises: NotFound, subject "OIDCProvider" or "OIDCProvider.ClientId".
    """
    provider = _get_locked(session, account_id, name)
    if client_id not in provider.client_ids:
        message = "the provider has no such client id"
        raise NotFound(Reason.NOT_FOUND, message, subject="OIDCProvider.ClientId")
    provider.client_ids_text = _COMMA.join(known for known in provider.client_ids if known != client_id)
    return _changed(session, provider, now)


def add_fingerprint(session: Session, account_id: str, name: str, fingerprint: str, now: datetime) -> OidcProvider:
    """Raises: InputError; NotFound; AlreadyExists and LimitExceeded, subject "OIDCProvider.Fingerprint"."""
    check_fingerprint(fingerprint, "Fingerprint")
    provider = _get_locked(session, account_id, name)
    if fingerprint.lower() in provider.fingerprints_text.lower().split(_COMMA):
        message = "the provider has this fingerprint already"
        raise AlreadyExists(Reason.ALREADY_EXISTS, message, subject="OIDCProvider.Fingerprint")
    provider.fingerprints_text = _COMMA.join(_checked_fingerprints((*provider.fingerprints, fingerprint)))
    return _changed(session, provider, now)


def remove_fingerprint(session: Session, account_id: str, name: str, fingerprint: str, now: datetime) -> OidcProvider:
    """Take a fingerprint away, in whatever case it is spelt.

    Raises: NotFound, subject "OIDCProvider" or "OIDCProvider.Fingerprint".
    """
    provider = _get_locked(session, account_id, name)
    left = [known for known in provider.fingerprints if known.lower() != fingerprint.lower()]
    if len(left) == len(provider.fingerprints):
        message = "the provider has no such fingerprint"
        raise NotFound(Reason.NOT_FOUND, message, subject="OIDCProvider.Fingerprint")
    provider.fingerprints_text = _COMMA.join(left)
    return _changed(session, provider, now)


def delete_oidc_provider(session: Session, account_id: str, name: str) -> None:
    """Delete a provider with all that is kept for it; the sessions and tokens that came from it end. Trust policies
    that name it stay.

    Raises: NotFound, subject "OIDCProvider".
    """
    provider = _get_locked(session, account_id, name)
    forget_provider(session, account_id, oidc_provider_key(provider.id))
    revoke_for_ever(session, "provider", provider.arn)
    session.delete(provider)
    session.flush()


def _get_locked(session: Session, account_id: str, name: str) -> OidcProvider:
    """Read again under the account's lock: of two who add to a list, neither loses the other's."""
    lock_account(session, account_id)
    provider = get_oidc_provider(session, account_id, name)
    session.refresh(provider)
    return provider


def _changed(session: Session, provider: OidcProvider, now: datetime) -> OidcProvider:
    provider.updated_at = now
    session.flush()
    return provider


def _check_issuer_is_new(session: Session, account_id: str, name: str, issuer_url: str) -> None:
    """A clash with the provider of the same name is left to the name."""
    query = select(OidcProvider.id).where(
        OidcProvider.account_id == account_id,
        OidcProvider.issuer_key == issuer_key(issuer_url),
        OidcProvider.name_key != name_key(name),
    )
    if session.scalar(query) is not None:
        message = "there is an OIDC provider of this issuer already"
        raise AlreadyExists(Reason.ALREADY_EXISTS, message, subject="OIDCProvider.IssuerUrl")


def _checked_client_ids(client_ids: Iterable[str]) -> tuple[str, ...]:
    distinct = tuple(dict.fromkeys(client_ids))
    for client_id in distinct:
        check_client_id(client_id, "ClientIds")
    _check_count(distinct, quotas.CLIENT_IDS_PER_OIDC_PROVIDER, "OIDCProvider.ClientId")
    return distinct


def _checked_fingerprints(fingerprints: Iterable[str]) -> tuple[str, ...]:
    distinct = tuple({fingerprint.lower(): fingerprint for fingerprint in fingerprints}.values())
    for fingerprint in distinct:
        check_fingerprint(fingerprint, "Fingerprints")
    _check_count(distinct, quotas.FINGERPRINTS_PER_OIDC_PROVIDER, "OIDCProvider.Fingerprint")
    return distinct


def _check_count(items: tuple[str, ...], most: int, subject: str) -> None:
    if len(items) > most:
        message = f"a provider may have {most} of these at most"
        raise LimitExceeded(Reason.LIMIT_EXCEEDED, message, subject=subject)


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(_COMMA)) if text else ()
