"""Where dated things are found: for each kind the queries that read them by the index of their date.

A `Stock` is one such query. Of each, those that lapsed last and those that lapse next are read, up to a limit: what is
past due can't crowd out what is yet to come. Nothing is read that is neither.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, exists, func, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from gateway.directory.access_keys import AccessKeyRow, AccessKeyStatus
from gateway.directory.accounts import Account
from gateway.directory.expiry import GATEWAY, DatedThing, ThingKind, plain_text
from gateway.directory.expiry_settings import DEFAULT_ROTATION_DAYS, ROTATION_DAYS, ExpirySettingsRow
from gateway.directory.expiry_words import (
    USER_SSO_PATH,
    Words,
    access_key_words,
    certificate_words,
    metadata_words,
    oidc_path,
    own_key_words,
    saml_path,
    secret_words,
)
from gateway.directory.metadata_sources import MetadataSource, SourceKind
from gateway.directory.oidc_providers import OidcProvider
from gateway.directory.oidc_sign_in import OidcSignInRow
from gateway.directory.provider_certificates import TRUSTED, CertificateState, ProviderCertificate
from gateway.directory.provider_keys import oidc_provider_key, saml_provider_key, user_sso_key
from gateway.directory.saml_providers import SamlProvider
from gateway.directory.users import User
from gateway.key_manifest import Standing
from gateway.own_keys import OwnKeyState

AHEAD = timedelta(days=90)
OWN_AHEAD = timedelta(days=365)  # replacing our own keys concerns every identity provider
Rows = Select[*tuple[Any, ...]]
_RENEWED_AHEAD = timedelta(days=1)  # of what renews itself
_PRINT = 12  # hex digits of a fingerprint that tell certificates of one provider apart
_USER_SSO = "user SSO"


@dataclass(frozen=True, slots=True)
class Stock:
    """`when` is the column with the date; a thing lapses `lifetime` after it. `ahead`: how early it is shown, where
    that is less than usual.
    """

    kind: ThingKind
    query: Rows
    when: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]
    make: Callable[[Any], DatedThing]
    lifetime: timedelta = timedelta()
    ahead: timedelta | None = None


def stocks(session: Session, account_id: str | None) -> list[Stock]:
    """Everything that is kept in the database, of one account; None: of all. A new kind adds its own here."""
    return [
        *_certificates(account_id),
        *_metadata(account_id),
        _client_secrets(account_id),
        *_access_keys(session, account_id),
    ]


def own_things(states: Sequence[OwnKeyState]) -> list[DatedThing]:
    """Of the gateway's own keys those that our metadata shows, and that have not done their work."""
    return [_own_thing(each, states) for each in states if each.published and each.standing is not Standing.OLD]


def _certificates(account_id: str | None) -> Iterable[Stock]:
    trusted = ProviderCertificate.state.in_([state.value for state in TRUSTED])
    columns = (
        ProviderCertificate.not_after,
        ProviderCertificate.not_before,
        ProviderCertificate.fingerprint,
        ProviderCertificate.state,
        _has_later().label("has_later"),
    )
    of_roles = (
        select(*columns, SamlProvider.account_id, SamlProvider.id, SamlProvider.name)
        .join(SamlProvider, SamlProvider.id == ProviderCertificate.provider_id)
        .where(trusted)
    )
    of_users = select(*columns, ProviderCertificate.sso_account_id).where(
        trusted, ProviderCertificate.sso_account_id.is_not(None)
    )
    if account_id is not None:
        of_roles = of_roles.where(SamlProvider.account_id == account_id)
        of_users = of_users.where(ProviderCertificate.sso_account_id == account_id)
    for query, make in ((of_roles, _role_certificate), (of_users, _user_certificate)):
        yield Stock(ThingKind.IDP_CERTIFICATE, query, ProviderCertificate.not_after, make)


def _has_later() -> ColumnElement[bool]:
    """Whether the same provider is trusted by a certificate that lapses later, too."""
    later = aliased(ProviderCertificate)
    same = or_(
        later.provider_id == ProviderCertificate.provider_id,
        later.sso_account_id == ProviderCertificate.sso_account_id,
    )
    return exists().where(
        same, later.not_after > ProviderCertificate.not_after, later.state.in_([state.value for state in TRUSTED])
    )


def _role_certificate(row: Any) -> DatedThing:
    words = _certificate_words(row, f"the identity provider {row.name}")
    return _certificate(
        row,
        words,
        account_id=row.account_id,
        provider_key=saml_provider_key(row.id),
        name=row.name,
        path=saml_path(row.name),
    )


def _user_certificate(row: Any) -> DatedThing:
    account_id = row.sso_account_id
    words = _certificate_words(row, "the identity provider of user SSO")
    key = user_sso_key(account_id)
    return _certificate(row, words, account_id=account_id, provider_key=key, name=_USER_SSO, path=USER_SSO_PATH)


def _certificate_words(row: Any, provider: str) -> Words:
    return certificate_words(provider, staged=row.state == CertificateState.STAGED, has_later=row.has_later)


def _certificate(row: Any, words: Words, *, account_id: str, provider_key: str, name: str, path: str) -> DatedThing:
    return _thing(
        ThingKind.IDP_CERTIFICATE,
        account_id=account_id,
        key=f"{provider_key}:{row.fingerprint}",
        name=f"{name} {row.fingerprint[:_PRINT]}",
        expires_at=row.not_after,
        changed_at=row.not_before,
        words=words,
        path=path,
    )


def _metadata(account_id: str | None) -> Iterable[Stock]:
    """What is fetched again and again is always about to lapse, and is renewed before: it is shown once that fails."""
    fetched = (SourceKind.URL.value, SourceKind.FEDERATION.value)
    renewed = and_(MetadataSource.kind.in_(fetched), MetadataSource.failures == 0, MetadataSource.gone_since.is_(None))
    for condition, ahead in ((not_(renewed), None), (renewed, _RENEWED_AHEAD)):
        query = (
            select(MetadataSource, SamlProvider.name)
            .outerjoin(SamlProvider, _is_of_provider())
            .where(MetadataSource.valid_until.is_not(None), condition)
        )
        if account_id is not None:
            query = query.where(MetadataSource.account_id == account_id)
        yield Stock(ThingKind.METADATA, query, MetadataSource.valid_until, _metadata_thing, ahead=ahead)


def _is_of_provider() -> ColumnElement[bool]:
    """A source is kept under the key of its provider: the number in it is looked up, so that an index finds the row."""
    prefix = saml_provider_key(0).removesuffix("0")
    number = cast(func.substr(MetadataSource.provider_key, len(prefix) + 1), BigInteger)
    return SamlProvider.id == case((MetadataSource.provider_key.startswith(prefix), number))


def _metadata_thing(row: Any) -> DatedThing:
    source, name = row
    called = f"the identity provider {name}" if name else "the identity provider of user SSO"
    return _thing(
        ThingKind.METADATA,
        account_id=source.account_id,
        key=source.provider_key,
        name=name or _USER_SSO,
        expires_at=source.valid_until,
        changed_at=source.in_force_since,
        words=metadata_words(called, source.refused_from),
        path=saml_path(name) if name else USER_SSO_PATH,
    )


def _client_secrets(account_id: str | None) -> Stock:
    query = (
        select(
            OidcSignInRow.secret_expires_at,
            OidcSignInRow.updated_at,
            OidcProvider.id,
            OidcProvider.account_id,
            OidcProvider.name,
        )
        .join(OidcProvider, OidcProvider.id == OidcSignInRow.provider_id)
        .where(OidcSignInRow.secret_expires_at.is_not(None))
    )
    if account_id is not None:
        query = query.where(OidcProvider.account_id == account_id)
    return Stock(ThingKind.CLIENT_SECRET, query, OidcSignInRow.secret_expires_at, _secret_thing)


def _secret_thing(row: Any) -> DatedThing:
    return _thing(
        ThingKind.CLIENT_SECRET,
        account_id=row.account_id,
        key=oidc_provider_key(row.id),
        name=row.name,
        expires_at=row.secret_expires_at,
        changed_at=row.updated_at,
        words=secret_words(row.name),
        path=oidc_path(row.name),
    )


def _access_keys(session: Session, account_id: str | None) -> Iterable[Stock]:
    """A stock for each rotation age that accounts chose: the date of a key follows from it.

    Keys that are switched off are at rest. A key is shown when a third of its time is left, or every new one would be.
    """
    if account_id is not None:
        row = session.get(ExpirySettingsRow, account_id)
        chosen: Iterable[int] = (DEFAULT_ROTATION_DAYS if row is None else row.rotation_days,)
    else:
        chosen = {DEFAULT_ROTATION_DAYS, *session.scalars(select(ExpirySettingsRow.rotation_days).distinct())}
    for days in sorted(set(chosen) & set(ROTATION_DAYS) - {0}):
        lifetime = timedelta(days=days)
        query = _keys_query(account_id, days)
        yield Stock(ThingKind.ACCESS_KEY, query, AccessKeyRow.created_at, _key_maker(days), lifetime, lifetime / 3)


def _keys_query(account_id: str | None, days: int) -> Rows:
    query = (
        select(
            AccessKeyRow.id,
            AccessKeyRow.account_id,
            AccessKeyRow.created_at,
            Account.owner_login,
            User.name.label("user_name"),
            ExpirySettingsRow.rotation_set_at,
        )
        .join(Account, Account.id == AccessKeyRow.account_id)
        .outerjoin(User, User.id == AccessKeyRow.user_id)
        .outerjoin(ExpirySettingsRow, ExpirySettingsRow.account_id == AccessKeyRow.account_id)
        .where(AccessKeyRow.status == AccessKeyStatus.ACTIVE.value)
    )
    if account_id is not None:
        return query.where(AccessKeyRow.account_id == account_id)
    chose = ExpirySettingsRow.rotation_days == days
    never_chose = ExpirySettingsRow.account_id.is_(None)
    return query.where(or_(chose, never_chose) if days == DEFAULT_ROTATION_DAYS else chose)


def _key_maker(days: int) -> Callable[[Any], DatedThing]:
    def make(row: Any) -> DatedThing:
        owner = f"user {row.user_name}" if row.user_name else f"the account owner {row.owner_login}"
        changed_at = max(row.created_at, row.rotation_set_at or row.created_at)
        return _thing(
            ThingKind.ACCESS_KEY,
            account_id=row.account_id,
            key=row.id,
            name=row.id,
            expires_at=row.created_at + timedelta(days=days),
            changed_at=changed_at,
            words=access_key_words(row.id, owner, row.user_name, days),
        )

    return make


def _own_thing(state: OwnKeyState, states: Sequence[OwnKeyState]) -> DatedThing:
    later = [each for each in states if each.use is state.use]
    index = later.index(state) + 1
    following = later[index] if index < len(later) else None
    certificate = state.certificate
    return _thing(
        ThingKind.OWN_KEY,
        account_id=GATEWAY,
        key=certificate.fingerprint,
        name=state.file,
        expires_at=certificate.not_after,
        changed_at=certificate.not_before,
        words=own_key_words(state, following),
    )


def _thing(
    kind: ThingKind,
    *,
    account_id: str,
    key: str,
    name: str,
    expires_at: datetime,
    changed_at: datetime,
    words: Words,
    path: str = "",
) -> DatedThing:
    return DatedThing(
        kind=kind,
        account_id=account_id,
        key=key,
        name=plain_text(name),
        expires_at=expires_at,
        changed_at=changed_at,
        what=plain_text(words.what),
        stops=words.stops,
        what_to_do=words.what_to_do,
        path=path,
    )
