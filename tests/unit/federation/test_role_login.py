"""Role-based SSO in the browser: presenting an assertion, choosing a role, and everything that must not work."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy.orm import Session

from gateway.audit.receipts import list_receipts
from gateway.directory.revocations import revoke
from gateway.directory.roles import delete_role, update_role
from gateway.directory.saml_providers import delete_saml_provider, update_saml_provider
from gateway.errors import AuthenticationError, CredentialError, Denied, GatewayError, Reason, SamlError
from gateway.federation.login import RoleOffer, RoleSignedIn, begin_role_login, take_role
from gateway.federation.mapping import Refusal
from gateway.federation.step_up import StepUp
from gateway.identity import VerifiedIdentity
from gateway.keyring import KeyRing, new_master_key
from gateway.principal import RoleSession
from gateway.store.engine import Store
from gateway.sts.duration import ACCOUNT_LOGIN_LIMIT, IDP_SESSION_DURATION, IDP_SESSION_END, ROLE_MAXIMUM
from gateway.sts.revocation import assertion_value, check_live
from gateway.sts.sessions import find_session
from gateway.sts.token import open_token
from tests.company import BROWSER, RING, Company, make_company, occasion
from tests.fake_clock import NOON
from tests.identities import ENTITY_ID, idp_metadata, make_identity, role_attributes


def begin(session: Session, identity: VerifiedIdentity, browser: str = BROWSER) -> RoleSignedIn | RoleOffer | StepUp:
    return begin_role_login(
        session, RING, identity=identity, browser=browser, relay_target="/session", occasion=occasion()
    )


def begin_signed_in(store: Store, identity: VerifiedIdentity) -> RoleSignedIn:
    with store.transaction() as session:
        outcome = begin(session, identity)
    assert isinstance(outcome, RoleSignedIn)
    return outcome


def begin_offer(store: Store, identity: VerifiedIdentity) -> RoleOffer:
    with store.transaction() as session:
        outcome = begin(session, identity)
    assert isinstance(outcome, RoleOffer)
    return outcome


def take(
    store: Store, offer: RoleOffer, value: str, *, browser: str = BROWSER, after_s: float = 0, ring: KeyRing = RING
) -> RoleSignedIn:
    role, _, provider = value.partition(",")
    with store.transaction() as session:
        outcome = take_role(
            session,
            ring,
            offer_id=offer.offer_id,
            browser=browser,
            role_arn=role,
            provider_arn=provider,
            occasion=occasion(NOON + timedelta(seconds=after_s)),
        )
    assert isinstance(outcome, RoleSignedIn)
    return outcome


def refused(store: Store, identity: VerifiedIdentity) -> GatewayError:
    with pytest.raises(GatewayError) as caught, store.transaction() as session:
        begin(session, identity)
    return caught.value


@pytest.fixture
def acme(store: Store) -> Company:
    with store.transaction() as session:
        company = make_company(session)
        company.role("reader")
        company.role("writer")
    return company


def both(acme: Company) -> VerifiedIdentity:
    return make_identity(attributes=role_attributes(acme.value("reader"), acme.value("writer")))


def test_begin_role_login__one_role__signs_in_at_once(store: Store, acme: Company) -> None:
    identity = make_identity(attributes=role_attributes(acme.value("reader")))
    outcome = begin_signed_in(store, identity)
    with store.reading() as session:
        found = find_session(session, RING, outcome.handle, NOON)
        (receipt,) = list_receipts(session, account_id=acme.account.id)
    assert found is not None
    assert found.principal == RoleSession(acme.account.id, acme.roles["reader"].id, "reader", "alice")
    assert found.token == outcome.grant.token
    assert found.provenance is not None
    assert found.provenance.provider_arn == acme.provider_arn
    assert found.provenance.assertion_id == identity.assertion_id
    assert found.provenance.subject_type == "persistent"
    assert outcome.target == "/session"
    assert open_token(RING, outcome.grant.credentials.security_token) == outcome.grant.token
    assert (receipt.kind, receipt.request_id) == ("RoleLogin", "REQUEST-1")
    assert receipt.details["assertion_id"] == identity.assertion_id
    assert outcome.grant.token.secret.reveal() not in str(receipt)


def test_begin_role_login__several_roles__offers_them(store: Store, acme: Company) -> None:
    offer = begin_offer(store, both(acme))
    assert [choice.role_name for choice in offer.mapping.allowed] == ["reader", "writer"]
    assert {choice.account_alias for choice in offer.mapping.allowed} == {"acme"}
    outcome = take(store, offer, acme.value("writer"))
    assert outcome.grant.token.principal.role_name == "writer"
    with store.reading() as session:
        assert [receipt.kind for receipt in list_receipts(session)] == ["RoleLogin", "RoleOffer"]


def test_begin_role_login__one_of_two_allowed__offers_it_beside_the_refused_one(store: Store, acme: Company) -> None:
    offer = begin_offer(store, make_identity(attributes=role_attributes(acme.value("nobody"), acme.value("writer"))))
    assert [choice.role_name for choice in offer.mapping.allowed] == ["writer"]
    assert len(offer.mapping.choices) == 2
    assert take(store, offer, acme.value("writer")).grant.token.principal.role_name == "writer"


def test_begin_role_login__none_allowed__says_all_reasons_to_the_log(store: Store, acme: Company) -> None:
    missing, strange = acme.value("nobody"), acme.value("reader", provider_arn=acme.provider_arn + "x")
    error = refused(store, make_identity(attributes=role_attributes(missing, strange)))
    assert error.reason is Reason.ROLE_NONE_ALLOWED
    assert error.detail is not None
    assert missing in error.detail
    assert strange in error.detail


@pytest.mark.parametrize(
    ("duration", "idp_end_s", "role_max_s", "seconds", "cap"),
    [
        (None, None, 3600, 3600, ROLE_MAXIMUM),
        ("900", None, 3600, 900, IDP_SESSION_DURATION),
        ("7200", None, 3600, 3600, ROLE_MAXIMUM),
        ("43200", None, 43200, 21600, ACCOUNT_LOGIN_LIMIT),
        ("1800", 600, 3600, 600, IDP_SESSION_END),
        (None, 7200, 43200, 7200, IDP_SESSION_END),
    ],
)
def test_begin_role_login__several_limits__least_wins_and_is_named(  # noqa: PLR0917 - a row of the table
    store: Store, duration: str | None, idp_end_s: int | None, role_max_s: int, seconds: int, cap: str
) -> None:
    with store.transaction() as session:
        acme = make_company(session)
        acme.role("reader", max_s=role_max_s)
    end = None if idp_end_s is None else NOON + timedelta(seconds=idp_end_s)
    attributes = role_attributes(acme.value("reader"), duration=duration)
    outcome = begin_signed_in(store, make_identity(attributes=attributes, session_not_on_or_after=end))
    assert outcome.expires_at == NOON + timedelta(seconds=seconds)
    assert outcome.grant.duration_cap == cap


def test_begin_role_login__idp_session_over__refused(store: Store, acme: Company) -> None:
    attributes = role_attributes(acme.value("reader"))
    error = refused(store, make_identity(attributes=attributes, session_not_on_or_after=NOON))
    assert error.reason is Reason.SAML_EXPIRED


def test_begin_role_login__assertion_presented_before__refused(store: Store, acme: Company) -> None:
    identity = both(acme)
    begin_offer(store, identity)
    assert refused(store, identity).reason is Reason.SAML_REPLAYED


def test_begin_role_login__same_id_of_another_issuer__is_another_assertion(store: Store, acme: Company) -> None:
    with store.transaction() as session:
        globex = make_company(session, "globex", entity_id="https://other.example/idp")
        globex.role("reader")
    begin_signed_in(store, make_identity(assertion_id="_1", attributes=role_attributes(acme.value("reader"))))
    identity = make_identity(
        assertion_id="_1", issuer="https://other.example/idp", attributes=role_attributes(globex.value("reader"))
    )
    assert begin_signed_in(store, identity).grant.token.principal.account_id == globex.account.id


def test_begin_role_login__refused__leaves_the_assertion_unused(store: Store, acme: Company) -> None:
    identity = make_identity(attributes=role_attributes(acme.value("later")))
    assert refused(store, identity).reason is Reason.ROLE_NONE_ALLOWED
    with store.transaction() as session:
        acme.session = session
        acme.role("later")
    assert begin_signed_in(store, identity).grant.token.principal.role_name == "later"


def test_begin_role_login__two_at_once__one_wins(store: Store, acme: Company) -> None:
    identity = make_identity(attributes=role_attributes(acme.value("reader")))
    gate = Barrier(4)

    def attempt() -> str:
        gate.wait()
        try:
            with store.transaction() as session:
                begin(session, identity)
        except SamlError as error:
            return error.reason
        return "in"

    with ThreadPoolExecutor(4) as threads:
        outcomes = [future.result() for future in [threads.submit(attempt) for _ in range(4)]]
    assert sorted(outcomes) == [Reason.SAML_REPLAYED] * 3 + ["in"]


def test_take_role__two_at_once__one_wins(store: Store, acme: Company) -> None:
    offer = begin_offer(store, both(acme))
    gate = Barrier(2)

    def attempt(name: str) -> str:
        gate.wait()
        try:
            take(store, offer, acme.value(name))
        except AuthenticationError as error:
            return error.reason
        return "in"

    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(attempt, ["reader", "writer"]))
    assert sorted(outcomes) == [Reason.ROLE_CHOICE_GONE, "in"]


def pick_refused(
    store: Store, offer: RoleOffer, value: str, *, browser: str = BROWSER, after_s: float = 0
) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        take(store, offer, value, browser=browser, after_s=after_s)
    return caught.value


@pytest.mark.parametrize("browser", ["somebody-else", ""])
def test_take_role__another_browser__refused_and_offer_stays(store: Store, acme: Company, browser: str) -> None:
    offer = begin_offer(store, both(acme))
    error = pick_refused(store, offer, acme.value("reader"), browser=browser)
    assert error.reason is Reason.LOGIN_OTHER_BROWSER
    assert take(store, offer, acme.value("reader")).grant.token.principal.role_name == "reader"


def test_take_role__offer_made_without_a_browser__can_not_be_taken(store: Store, acme: Company) -> None:
    with store.transaction() as session:
        offer = begin(session, both(acme), browser="")
    assert isinstance(offer, RoleOffer)
    assert pick_refused(store, offer, acme.value("reader"), browser="").reason is Reason.LOGIN_OTHER_BROWSER


def test_take_role__second_time__refused(store: Store, acme: Company) -> None:
    offer = begin_offer(store, both(acme))
    take(store, offer, acme.value("reader"))
    assert pick_refused(store, offer, acme.value("writer")).reason is Reason.ROLE_CHOICE_GONE


@pytest.mark.parametrize(("validity_s", "open_s"), [(3600, 300), (120, 120)])
def test_take_role__at_the_end_of_the_offer__refused(store: Store, acme: Company, validity_s: int, open_s: int) -> None:
    attributes = role_attributes(acme.value("reader"), acme.value("writer"))
    end = NOON + timedelta(seconds=validity_s)
    offer = begin_offer(store, make_identity(attributes=attributes, not_on_or_after=end))
    assert offer.expires_at == NOON + timedelta(seconds=open_s)
    assert pick_refused(store, offer, acme.value("reader"), after_s=open_s).reason is Reason.ROLE_CHOICE_GONE
    take(store, offer, acme.value("reader"), after_s=open_s - 0.001)


def test_take_role__not_offered__refused(store: Store, acme: Company) -> None:
    with store.transaction() as session:
        acme.session = session
        acme.role("admin")
    offer = begin_offer(store, both(acme))
    assert pick_refused(store, offer, acme.value("admin")).reason is Reason.ROLE_CHOICE_GONE


def test_take_role__pair_mixed_from_two_offered_ones__refused(store: Store, acme: Company) -> None:
    with store.transaction() as session:
        globex = make_company(session, "globex")
        globex.role("reader")
        acme.session = session
    attributes = role_attributes(acme.value("reader"), globex.value("reader"))
    offer = begin_offer(store, make_identity(attributes=attributes))
    mixed = acme.value("reader", provider_arn=globex.provider_arn)
    assert pick_refused(store, offer, mixed).reason is Reason.ROLE_CHOICE_GONE


def test_take_role__unknown_offer__refused(store: Store, acme: Company) -> None:
    offer = RoleOffer("no-such-offer", begin_offer(store, both(acme)).mapping, NOON)
    assert pick_refused(store, offer, acme.value("reader")).reason is Reason.ROLE_CHOICE_GONE


def test_take_role__role_deleted_meanwhile__refused(store: Store, acme: Company) -> None:
    offer = begin_offer(store, both(acme))
    with store.transaction() as session:
        delete_role(session, acme.account.id, "reader")
    assert pick_refused(store, offer, acme.value("reader")).reason is Reason.ROLE_CHOICE_GONE
    assert take(store, offer, acme.value("writer")).grant.token.principal.role_name == "writer"


def test_take_role__role_made_anew_meanwhile__refused(store: Store, acme: Company) -> None:
    offer = begin_offer(store, both(acme))
    with store.transaction() as session:
        delete_role(session, acme.account.id, "reader")
        acme.session = session
        acme.role("reader")
    assert pick_refused(store, offer, acme.value("reader")).reason is Reason.ROLE_CHOICE_GONE


def test_take_role__trust_withdrawn_meanwhile__refused_with_the_decision(store: Store, acme: Company) -> None:
    offer = begin_offer(store, both(acme))
    elsewhere = acme.roles["reader"].trust_document.replace("saml-provider/company", "saml-provider/other")
    with store.transaction() as session:
        update_role(session, acme.account.id, "reader", trust_document=elsewhere, now=NOON)
    error = pick_refused(store, offer, acme.value("reader"))
    assert error.reason is Reason.TRUST_POLICY_DENIED
    assert isinstance(error, Denied)


def test_take_role__provider_rotated_its_certificate_meanwhile__refused(store: Store, acme: Company) -> None:
    offer = begin_offer(store, both(acme))
    with store.transaction() as session:
        metadata = idp_metadata(ENTITY_ID, "new-key")
        update_saml_provider(session, acme.account.id, "company", metadata_xml=metadata, now=NOON)
    assert pick_refused(store, offer, acme.value("reader")).reason is Reason.ROLE_CHOICE_GONE


def test_take_role__offer_key_taken_out_of_the_ring__refused(store: Store, acme: Company) -> None:
    offer = begin_offer(store, both(acme))
    with pytest.raises(AuthenticationError) as caught:
        take(store, offer, acme.value("reader"), ring=KeyRing((new_master_key(),)))
    assert caught.value.reason is Reason.ROLE_CHOICE_GONE


@pytest.mark.parametrize("kind", ["assertion", "session", "certificate", "provider", "role"])
def test_role_session__anything_it_came_from_revoked__is_over(store: Store, acme: Company, kind: str) -> None:
    identity = make_identity(attributes=role_attributes(acme.value("reader")))
    outcome = begin_signed_in(store, identity)
    token = outcome.grant.token
    value = {
        "assertion": assertion_value(ENTITY_ID, identity.assertion_id),
        "session": token.session_id,
        "certificate": identity.certificate_fingerprint,
        "provider": acme.provider_arn,
        "role": acme.roles["reader"].id,
    }[kind]
    with store.transaction() as session:
        revoke(session, kind, value, NOON + timedelta(minutes=1))
    with store.reading() as session:
        assert find_session(session, RING, outcome.handle, NOON + timedelta(minutes=2)) is None
        with pytest.raises(CredentialError) as caught:
            check_live(session, token, NOON + timedelta(minutes=2))
    assert caught.value.reason is Reason.TOKEN_REVOKED


def test_role_session__role_deleted_and_made_anew__stays_over(store: Store, acme: Company) -> None:
    outcome = begin_signed_in(store, make_identity(attributes=role_attributes(acme.value("reader"))))
    later = NOON + timedelta(minutes=1)
    with store.transaction() as session:
        delete_role(session, acme.account.id, "reader")
        acme.session = session
        acme.role("reader")
    with store.reading() as session:
        assert find_session(session, RING, outcome.handle, later) is None
        with pytest.raises(CredentialError) as caught:
            check_live(session, outcome.grant.token, later)
    assert caught.value.reason is Reason.TOKEN_REVOKED


def test_role_session__provider_deleted__is_over(store: Store, acme: Company) -> None:
    outcome = begin_signed_in(store, make_identity(attributes=role_attributes(acme.value("reader"))))
    with store.transaction() as session:
        delete_saml_provider(session, acme.account.id, "company")
    with store.reading() as session:
        assert find_session(session, RING, outcome.handle, NOON) is None


def test_begin_role_login__assertion_revoked_before_use__refused(store: Store, acme: Company) -> None:
    identity = make_identity(attributes=role_attributes(acme.value("reader")))
    with store.transaction() as session:
        revoke(session, "assertion", assertion_value(ENTITY_ID, identity.assertion_id), NOON - timedelta(hours=1))
    assert refused(store, identity).reason is Reason.TOKEN_REVOKED


def test_refusal_names__malformed_next_to_allowed__is_shown_as_refused(store: Store, acme: Company) -> None:
    attributes = role_attributes(acme.value("reader"), "oops", acme.value("writer"), acme.value("nobody"))
    offer = begin_offer(store, make_identity(attributes=attributes))
    assert [choice.refusal for choice in offer.mapping.choices] == [None, None, Refusal.ROLE, Refusal.MALFORMED]
