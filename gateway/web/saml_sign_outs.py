"""What logout messages do: a provider's request ends sessions here, and a sign-out from here asks the provider.

A message is verified before the write transaction begins, so that strangers can't hold the write lock. Which
registrations vouch for it is looked up again inside.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from gateway.audit.receipts import Detail
from gateway.directory.accounts import Account, get_account
from gateway.directory.revocations import revoke
from gateway.directory.saml_providers import trusted_certificates
from gateway.directory.user_sso import find_user_sso, user_sso_candidates, user_sso_certificates
from gateway.errors import AuthenticationError, Reason, SamlError
from gateway.federation.facts import full_name_id_format
from gateway.federation.saml_logouts import (
    Outcome,
    SamlLogout,
    find_answered_logout,
    find_logout,
    mark_sent,
    offer_logout,
    take_answer,
)
from gateway.federation.saml_sign_out import (
    Party,
    answer_endpoint,
    end_logins,
    find_party,
    logout_endpoint,
    party_certificates,
    role_parties,
    user_party,
)
from gateway.identity import Protocol, VerifiedLogout
from gateway.ids import new_saml_id
from gateway.saml.certificates import TrustedCertificate
from gateway.saml.endpoints import ServiceEndpoint
from gateway.saml.logout import (
    LogoutAnswer,
    LogoutExpectation,
    peek_logout,
    verify_logout_request,
    verify_logout_response,
)
from gateway.saml.logout_bindings import Binding, Received
from gateway.saml.logout_message import (
    LogoutForm,
    build_logout_request,
    build_logout_response,
    send_logout_request,
    send_logout_response,
)
from gateway.saml.message_signing import Signer
from gateway.saml.names import signed_out_path, user_sso_entity_id
from gateway.saml.subject import NameId
from gateway.services import Services
from gateway.sts.sessions import BrowserSession
from gateway.web.edge import Edge
from gateway.web.records import leave_receipt

SINGLE_LOGOUT = "SamlSingleLogout"  # kinds of receipts
SIGN_OUT_SENT = "SamlSignOutSent"
SIGN_OUT_ANSWERED = "SamlSignOutAnswered"
_BINDINGS = (Binding.REDIRECT, Binding.POST)  # a redirect first: no page of ours stands in its way
_LONGEST_HANDLE = 100


@dataclass(frozen=True, slots=True)
class Door:
    """One of our logout URLs, and whose messages come there. Without `account_id` the issuer tells the account."""

    url: str
    for_users: bool
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class SignedOut:
    """What the page after signing out shows. `host` is empty where the provider takes no sign-out."""

    account: Account | None
    host: str
    outcome: Outcome


def end_sessions(edge: Edge, door: Door, received: Received) -> str | LogoutForm | None:
    """End what a provider says is over; gives the signed answer to send, None where the provider takes none.

    Raises: SamlError, SAML_UNKNOWN_ISSUER and SAML_REPLAYED among its reasons; AuthenticationError(
    SSO_ACCOUNT_AMBIGUOUS).
    """
    services = edge.services
    with services.store.reading() as session:
        issuer = peek_logout(received).unverified_issuer
        account_id, certificates = _trusted(session, door, issuer)
        expectation = _expectation(services, door, issuer, certificates)
        logout = verify_logout_request(received, expectation, services.clock.now())
    with services.store.transaction() as session:
        parties = user_party(session, account_id, logout) if door.for_users else role_parties(session, logout)
        if not parties:
            raise _unknown(issuer)
        end_logins(session, parties, logout, services.clock.now())
        for party in parties:
            _record(session, services, party, SINGLE_LOGOUT, _said(logout))
        found = answer_endpoint(session, parties, (received.binding, *_BINDINGS))
    return None if found is None else _answer(services, *found, logout, received.relay_state)


def offer_sign_out(edge: Edge, ended: BrowserSession, browser: str) -> str | None:
    """Where a browser goes whose session was ended, if it came from a SAML provider that takes sign-outs."""
    origin, services = ended.provenance, edge.services
    if origin is None or origin.protocol != Protocol.SAML:
        return None
    with services.store.transaction() as session:
        party = find_party(session, origin.provider_arn)
        if party is None or logout_endpoint(session, party, _BINDINGS) is None:
            return None
        handle = offer_logout(
            session,
            services.ring,
            session_id=ended.session_id,
            origin=origin,
            provider_key=party.key,
            browser=browser,
            now=services.clock.now(),
        )
    return signed_out_path(handle)


def look_at(edge: Edge, handle: str) -> SignedOut:
    """Raises: as `find_logout`."""
    with edge.services.store.reading() as session:
        logout = _find(edge, session, handle)
        party = find_party(session, logout.origin.provider_arn)
        endpoint = None if party is None else logout_endpoint(session, party, _BINDINGS)
        account = None if party is None else get_account(session, party.account_id)
    return SignedOut(account, "" if endpoint is None else urlsplit(endpoint.location).netloc, logout.outcome)


def request_sign_out(edge: Edge, handle: str) -> str | LogoutForm | None:
    """Ask the provider to sign the person out; None if it takes no sign-outs any more.

    What came from the session that ended here, such as credentials that were taken along, ends with it: that is what
    signing out everywhere means. Raises: as `find_logout`; AuthenticationError(LOGIN_NOT_PENDING).
    """
    services, request_id = edge.services, new_saml_id()
    with services.store.transaction() as session:
        logout = _find(edge, session, handle)
        party = find_party(session, logout.origin.provider_arn)
        endpoint = None if party is None else logout_endpoint(session, party, _BINDINGS)
        if party is None or endpoint is None:
            return None
        mark_sent(session, handle, request_id)
        revoke(session, "session", logout.session_id, services.clock.now())
        _record(session, services, party, SIGN_OUT_SENT, {"subject": logout.origin.subject, "request": request_id})
    origin = logout.origin
    format_ = full_name_id_format(origin.subject_type)
    xml = build_logout_request(
        entity_id=_entity_id(services, party),
        destination=endpoint.location,
        request_id=request_id,
        name_id=NameId(origin.subject, format_, origin.name_qualifier, origin.sp_name_qualifier),
        session_index=origin.session_index,
        now=services.clock.now(),
    )
    return send_logout_request(xml, endpoint, Signer(services.sp_keys, party.sign_algo))


def take_provider_answer(edge: Edge, door: Door, received: Received) -> str:
    """Write down how a provider answered a request of this browser; gives the handle of the sign-out.

    Raises: SamlError; AuthenticationError(LOGIN_NOT_PENDING | LOGIN_OTHER_BROWSER).
    """
    services = edge.services
    request_id = peek_logout(received).unverified_in_response_to
    if request_id is None:
        raise SamlError(Reason.SAML_UNSOLICITED, "the logout response answers nothing")
    with services.store.reading() as session:
        now = services.clock.now()
        logout = find_answered_logout(session, services.ring, request_id=request_id, browser=edge.browser(), now=now)
        party = find_party(session, logout.origin.provider_arn)
        if party is None or party.for_users != door.for_users:
            raise AuthenticationError(Reason.LOGIN_NOT_PENDING, "This sign-out is not under way any more.")
        expectation = _expectation(services, door, party.issuer, party_certificates(session, party))
        answer = verify_logout_response(received, expectation, request_id, now)
    with services.store.transaction() as session:
        take_answer(session, request_id, Outcome(answer.status.value))
        _record(session, services, party, SIGN_OUT_ANSWERED, _told(answer, request_id))
    return logout.handle


def _find(edge: Edge, session: Session, handle: str) -> SamlLogout:
    now = edge.services.clock.now()
    handle = handle[:_LONGEST_HANDLE]
    return find_logout(session, edge.services.ring, handle=handle, browser=edge.browser(), now=now)


def _trusted(session: Session, door: Door, issuer: str) -> tuple[str, tuple[TrustedCertificate, ...]]:
    """The account that is meant, and what may have signed. Raises: SamlError(SAML_UNKNOWN_ISSUER)."""
    account_id = ""
    if not door.for_users:
        certificates = trusted_certificates(session, issuer)
    else:
        account_id = door.account_id or _only_account(session, issuer)
        settings = find_user_sso(session, account_id)
        known = settings is not None and settings.entity_id == issuer
        certificates = user_sso_certificates(session, account_id) if known else ()
    if not certificates:
        raise _unknown(issuer)
    return account_id, certificates


def _only_account(session: Session, issuer: str) -> str:
    candidates = user_sso_candidates(session, issuer)
    if not candidates:
        raise _unknown(issuer)
    if len(candidates) > 1:
        raise AuthenticationError(
            Reason.SSO_ACCOUNT_AMBIGUOUS,
            "Your identity provider signs people in to several accounts here, and did not say which one it means.",
            f"logout of issuer {issuer!r:.300}, {len(candidates)} accounts",
        )
    return candidates[0].account_id


def _expectation(
    services: Services, door: Door, issuer: str, certificates: tuple[TrustedCertificate, ...]
) -> LogoutExpectation:
    return LogoutExpectation(issuer, certificates, (door.url,), services.sp_keys.encryption, services.skew)


def _answer(
    services: Services, party: Party, endpoint: ServiceEndpoint, logout: VerifiedLogout, relay_state: str
) -> str | LogoutForm:
    xml = build_logout_response(
        entity_id=_entity_id(services, party),
        destination=endpoint.response_location,
        response_id=new_saml_id(),
        in_response_to=logout.request_id,
        now=services.clock.now(),
    )
    return send_logout_response(xml, endpoint, Signer(services.sp_keys, party.sign_algo), relay_state)


def _entity_id(services: Services, party: Party) -> str:
    return user_sso_entity_id(services.base_url, party.account_id) if party.for_users else services.role_sso_urn


def _unknown(issuer: str) -> SamlError:
    return SamlError(
        Reason.SAML_UNKNOWN_ISSUER,
        "No account here has registered the identity provider that sent you.",
        f"issuer {issuer!r:.300} at a logout URL",
    )


def _said(logout: VerifiedLogout) -> dict[str, Detail]:
    return {
        "issuer": logout.issuer,
        "subject": logout.subject,
        "sessions": list(logout.session_indexes),
        "request": logout.request_id,
        "certificate": logout.certificate_fingerprint,
        "checks": list(logout.evidence),
    }


def _told(answer: LogoutAnswer, request_id: str) -> dict[str, Detail]:
    return {
        "request": request_id,
        "status": answer.status.value,
        "codes": list(answer.said),
        "checks": list(answer.evidence),
    }


def _record(session: Session, services: Services, party: Party, kind: str, details: dict[str, Detail]) -> None:
    leave_receipt(session, services, party.account_id, None, kind, {"provider_arn": party.arn, **details})
