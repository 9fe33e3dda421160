"""Refused logins that the previous document would have accepted: the only failures that count against a promotion.

Anybody can send a message that names an issuer, signed badly or not at all, and anybody can begin a login here and come
back with nonsense; so neither says anything about a document. What counts is a whole response that passes every check
but for one thing: the certificate that signed it is one of the previous document's. Nobody but a holder of a key of the
identity provider can make one. Why so: docs/decisions/0014-metadata-life.md.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.directory.provider_certificates import TRUSTED, ProviderCertificate, certificate_rows, retiring_rows
from gateway.directory.user_sso import find_user_sso
from gateway.errors import AuthenticationError, Reason, SamlError
from gateway.federation.metadata_use import note_refused_by_promotion
from gateway.federation.pending import find_pending
from gateway.saml.certificates import twins_of
from gateway.saml.expectation import Expectation
from gateway.saml.response import verify_response
from gateway.saml.sight import look_at
from gateway.services import Services
from gateway.web.concerned import FailedMessage
from gateway.web.connection import MOST_OF_ONE_ISSUER, user_connection

# What is wrong with a message of a provider whose document in force is the wrong one, seen from here.
_OF_A_WRONG_DOCUMENT = frozenset(
    {
        Reason.SAML_SIGNATURE_VALUE,
        Reason.SAML_SIGNATURE_ALGORITHM,
        Reason.SAML_ISSUER_MISMATCH,
        Reason.SAML_UNKNOWN_ISSUER,
        Reason.ROLE_NONE_ALLOWED,  # the signer vouches for another account's provider of the same issuer
    }
)


@dataclass(frozen=True, slots=True)
class Refused:
    reason: Reason
    request_id: str
    at: datetime


def note_refused_message(services: Services, message: FailedMessage, refused: Refused) -> None:
    """Count it against a promotion, if it proves something. One indexed query where nothing was promoted lately."""
    sight = look_at(message.saml_response, services.sp_keys.encryption)
    if refused.reason not in _OF_A_WRONG_DOCUMENT or sight is None or not sight.issuer:
        return
    with services.store.reading() as session:
        rows = [
            row
            for row in retiring_rows(session, sight.issuer, 4 * MOST_OF_ONE_ISSUER)
            if (row.provider_id is not None) is message.is_role_sso
        ]
        asked = _begun_here(session, sight.in_response_to, message.browser, refused.at) if rows else None
        expected = [
            (key, replace(expectation, issuer=sight.issuer, in_response_to=asked))
            for key, expectation in _expectations(session, services, sight.issuer, rows)
        ]
    for key, expectation in expected:
        try:
            identity = verify_response(message.saml_response, expectation, refused.at)
        except SamlError:
            continue
        with services.store.transaction() as session:
            note_refused_by_promotion(session, key, identity, request_id=refused.request_id, now=refused.at)


def _begun_here(session: Session, request_id: str | None, browser: str, now: datetime) -> str | None:
    """The request that is answered, if this very browser sent it."""
    try:
        return find_pending(session, request_id, browser, now).request_id if request_id else None
    except AuthenticationError:
        return None


def _expectations(
    session: Session, services: Services, issuer: str, rows: Iterable[ProviderCertificate]
) -> Iterator[tuple[str, Expectation]]:
    """Of each provider that has such certificates: what its responses had to be like."""
    by_key: dict[str, list[ProviderCertificate]] = {}
    for row in rows:
        by_key.setdefault(row.provider_key, []).append(row)
    for key, own in list(by_key.items())[:MOST_OF_ONE_ISSUER]:
        # A key that the document in force has as well, in another certificate, proves nothing against it.
        trusted = [row.as_trusted() for row in certificate_rows(session, key, TRUSTED) if row.entity_id == issuer]
        certificates = tuple(row.as_trusted() for row in own if not twins_of(row.as_trusted(), trusted))
        account_id = own[0].sso_account_id
        settings = None if account_id is None else find_user_sso(session, account_id)
        if settings is not None:
            yield key, replace(user_connection(session, services, settings).expectation, certificates=certificates)
        elif account_id is None:
            yield key, services.role_sso_expectation(issuer, certificates)
