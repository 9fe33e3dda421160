"""User SSO: whose assertion opens which account, how a NameID finds its user, and what it leaves behind."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from gateway.audit.receipts import list_receipts
from gateway.directory.accounts import Account, get_account
from gateway.directory.domains import add_domain_alias, set_auxiliary_domain
from gateway.directory.recycle_bin import delete_user
from gateway.directory.revocations import revoke
from gateway.directory.user_sso import set_user_sso
from gateway.directory.users import create_user, get_user, update_user
from gateway.errors import GatewayError, Reason
from gateway.federation.login import complete_user_login
from gateway.federation.pending import PendingLogin
from gateway.federation.user_session import UserLogin
from gateway.federation.user_sso import user_sso_provider_arn
from gateway.identity import VerifiedIdentity
from gateway.principal import RamUser
from gateway.store.engine import Store
from gateway.sts.duration import ACCOUNT_LOGIN_LIMIT, IDP_SESSION_END
from gateway.sts.revocation import assertion_value
from gateway.sts.sessions import BrowserSession, find_session
from tests.company import RING, make_company, occasion
from tests.fake_clock import NOON
from tests.identities import ENTITY_ID, fingerprint, idp_metadata, make_identity

SUFFIX = "onaliyun.com"
REQUEST_ID = "_c0ffee"


def audience_of(account: Account) -> str:
    return f"http://127.0.0.1:8080/{account.id}/saml/SSO"


@dataclass(slots=True)
class Gate:
    """One account with user SSO and a user called Alice."""

    store: Store
    account: Account

    def identity(self, subject: str = "alice@acme.onaliyun.com", **changes: Any) -> VerifiedIdentity:
        values = {"audience": audience_of(self.account), "in_response_to": REQUEST_ID, "subject": subject} | changes
        return make_identity(**values)

    def log_in(self, identity: VerifiedIdentity, **changes: Any) -> UserLogin:
        arguments: dict[str, Any] = {
            "account_id": self.account.id,
            "audience": audience_of(self.account),
            "pending": PendingLogin(REQUEST_ID, self.account.id, "/admin"),
            "relay_target": "/relay",
            "suffix": SUFFIX,
            "occasion": occasion(),
        }
        with self.store.transaction() as session:
            return complete_user_login(session, RING, identity=identity, **(arguments | changes))

    def refused(self, identity: VerifiedIdentity, **changes: Any) -> GatewayError:
        with pytest.raises(GatewayError) as caught:
            self.log_in(identity, **changes)
        return caught.value

    def session_of(self, login: UserLogin, after_s: float = 0) -> BrowserSession | None:
        with self.store.reading() as session:
            return find_session(session, RING, login.handle, NOON + timedelta(seconds=after_s))


def make_gate(store: Store, session: Session, alias: str = "acme", *certificates: str) -> Gate:
    account = make_company(session, alias, entity_id=f"https://roles.{alias}.example/idp").account
    create_user(session, account.id, "Alice", now=NOON)
    metadata = idp_metadata(ENTITY_ID, *certificates)
    set_user_sso(session, account.id, enabled=True, metadata_xml=metadata, now=NOON)
    return Gate(store, account)


@pytest.fixture
def gate(store: Store) -> Gate:
    with store.transaction() as session:
        return make_gate(store, session)


@pytest.fixture
def one_gate(sqlite_store: Store) -> Gate:
    with sqlite_store.transaction() as session:
        return make_gate(sqlite_store, session)


def test_complete_user_login__answer_to_our_request__signs_the_user_in(gate: Gate) -> None:
    identity = gate.identity()
    login = gate.log_in(identity)
    found = gate.session_of(login)
    assert found is not None
    assert isinstance(found.principal, RamUser)
    assert (found.principal.account_id, found.principal.name) == (gate.account.id, "Alice")
    assert found.token is None
    assert found.provenance is not None
    assert found.provenance.assertion_id == identity.assertion_id
    assert found.provenance.provider_arn == user_sso_provider_arn(gate.account.id)
    assert (found.expires_at, found.duration_cap) == (NOON + timedelta(hours=6), ACCOUNT_LOGIN_LIMIT)
    assert login.target == "/admin"
    with gate.store.reading() as session:
        (receipt,) = list_receipts(session)
        assert get_user(session, gate.account.id, "alice").last_login_at == NOON
    assert (receipt.kind, receipt.request_id) == ("UserLogin", "REQUEST-1")


def test_complete_user_login__idp_session_ends_sooner__ends_with_it(one_gate: Gate) -> None:
    end = NOON + timedelta(minutes=10)
    found = one_gate.session_of(one_gate.log_in(one_gate.identity(session_not_on_or_after=end)))
    assert found is not None
    assert (found.expires_at, found.duration_cap) == (end, IDP_SESSION_END)


def test_complete_user_login__same_assertion_again__refused(gate: Gate) -> None:
    identity = gate.identity()
    gate.log_in(identity)
    assert gate.refused(identity).reason is Reason.SAML_REPLAYED


def test_complete_user_login__refused__leaves_the_assertion_unused(gate: Gate) -> None:
    identity = gate.identity("bob@acme.onaliyun.com")
    assert gate.refused(identity).reason is Reason.USER_NO_MATCH
    with gate.store.transaction() as session:
        create_user(session, gate.account.id, "bob", now=NOON)
    assert gate.log_in(identity).user.name == "bob"


def test_complete_user_login__sso_off__refused(one_gate: Gate) -> None:
    with one_gate.store.transaction() as session:
        set_user_sso(session, one_gate.account.id, enabled=False, now=NOON)
    assert one_gate.refused(one_gate.identity()).reason is Reason.SSO_DISABLED


def test_complete_user_login__made_for_another_account__refused(one_gate: Gate) -> None:
    with one_gate.store.transaction() as session:
        other = make_gate(one_gate.store, session, "globex")
    identity = other.identity("alice@acme.onaliyun.com")
    assert one_gate.refused(identity).reason is Reason.SAML_AUDIENCE_MISMATCH


def test_complete_user_login__pending_of_another_account__refused(one_gate: Gate) -> None:
    pending = PendingLogin(REQUEST_ID, "9999999999999999", "/")
    assert one_gate.refused(one_gate.identity(), pending=pending).reason is Reason.SAML_IN_RESPONSE_TO


@pytest.mark.parametrize(
    "changes",
    [{"issuer": "https://mallory.example/idp"}, {"certificate_fingerprint": fingerprint("mallory-key")}],
    ids=["issuer", "certificate"],
)
def test_complete_user_login__not_the_accounts_idp__refused(one_gate: Gate, changes: dict[str, str]) -> None:
    assert one_gate.refused(one_gate.identity(**changes)).reason is Reason.SAML_UNKNOWN_ISSUER


def test_complete_user_login__key_that_another_account_registered_for_the_idp__refused(one_gate: Gate) -> None:
    with one_gate.store.transaction() as session:
        make_gate(one_gate.store, session, "mallory", "mallory-key")
    identity = one_gate.identity(certificate_fingerprint=fingerprint("mallory-key"))
    assert one_gate.refused(identity).reason is Reason.SAML_UNKNOWN_ISSUER


def test_complete_user_login__key_of_the_accounts_own_role_provider__refused(one_gate: Gate) -> None:
    with one_gate.store.transaction() as session:
        metadata = idp_metadata(ENTITY_ID, "user-sso-key")
        set_user_sso(session, one_gate.account.id, metadata_xml=metadata, now=NOON)
    assert one_gate.refused(one_gate.identity()).reason is Reason.SAML_UNKNOWN_ISSUER


def test_complete_user_login__answer_to_another_request__refused(one_gate: Gate) -> None:
    assert one_gate.refused(one_gate.identity(in_response_to="_other")).reason is Reason.SAML_IN_RESPONSE_TO
    assert one_gate.refused(one_gate.identity(in_response_to=None)).reason is Reason.SAML_IN_RESPONSE_TO
    assert one_gate.refused(one_gate.identity(), pending=None).reason is Reason.SAML_IN_RESPONSE_TO


def test_complete_user_login__unsolicited__only_if_the_account_allows_it(one_gate: Gate) -> None:
    identity = one_gate.identity(in_response_to=None)
    assert one_gate.refused(identity, pending=None).reason is Reason.SAML_UNSOLICITED
    with one_gate.store.transaction() as session:
        set_user_sso(session, one_gate.account.id, idp_initiated=True, now=NOON)
    assert one_gate.log_in(identity, pending=None).target == "/relay"


@pytest.mark.parametrize("kind", ["assertion", "certificate", "provider", "user", "session"])
def test_user_session__anything_it_came_from_revoked__is_over(one_gate: Gate, kind: str) -> None:
    identity = one_gate.identity()
    login = one_gate.log_in(identity)
    found = one_gate.session_of(login)
    assert found is not None
    value = {
        "assertion": assertion_value(ENTITY_ID, identity.assertion_id),
        "certificate": identity.certificate_fingerprint,
        "provider": user_sso_provider_arn(one_gate.account.id),
        "user": login.user.id,
        "session": found.session_id,
    }[kind]
    with one_gate.store.transaction() as session:
        revoke(session, kind, value, NOON)
    assert one_gate.session_of(login) is None


def test_user_session__user_deleted_and_made_anew__is_over(gate: Gate) -> None:
    login = gate.log_in(gate.identity())
    with gate.store.transaction() as session:
        delete_user(session, gate.account.id, "alice", NOON)
        create_user(session, gate.account.id, "Alice", now=NOON)
    assert gate.session_of(login) is None


def test_user_session__user_renamed__shows_the_new_name(one_gate: Gate) -> None:
    login = one_gate.log_in(one_gate.identity())
    with one_gate.store.transaction() as session:
        update_user(session, one_gate.account.id, "alice", new_name="alicia", now=NOON)
    found = one_gate.session_of(login)
    assert found is not None
    assert isinstance(found.principal, RamUser)
    assert found.principal.name == "alicia"


@pytest.mark.parametrize("subject", ["alice@acme.onaliyun.com", "ALICE@ACME.ONALIYUN.COM", "Alice@acme.onAliyun.com"])
def test_match_user__default_domain_in_any_case__found(one_gate: Gate, subject: str) -> None:
    assert one_gate.log_in(one_gate.identity(subject)).user.name == "Alice"


# The table of sso-contract §1.4: what is configured, and which domains are accepted then.
@pytest.mark.parametrize(
    ("alias", "auxiliary", "accepted", "not_accepted"),
    [
        (None, None, [], ["example.com", "example2.com"]),
        ("example.com", None, ["example.com"], ["example2.com"]),
        (None, "example2.com", ["example2.com"], ["example.com"]),
        ("example.com", "example2.com", ["example.com"], ["example2.com"]),
    ],
    ids=["nothing", "alias", "auxiliary", "both"],
)
def test_match_user__configured_domains__follow_the_table(
    one_gate: Gate, alias: str | None, auxiliary: str | None, accepted: list[str], not_accepted: list[str]
) -> None:
    with one_gate.store.transaction() as session:
        if alias:
            add_domain_alias(session, one_gate.account.id, alias, NOON)
        set_auxiliary_domain(session, one_gate.account.id, auxiliary)
    for domain in ["acme.onaliyun.com", *accepted]:
        assert one_gate.log_in(one_gate.identity(f"Alice@{domain}")).user.name == "Alice"
        assert one_gate.log_in(one_gate.identity(f"aLICE@{domain.upper()}")).user.name == "Alice"
    for domain in not_accepted:
        error = one_gate.refused(one_gate.identity(f"Alice@{domain}"))
        assert error.reason is Reason.USER_DOMAIN_NOT_ACCEPTED
        assert error.detail is not None
        assert "acme.onaliyun.com" in error.detail


def test_match_user__account_without_alias__its_id_is_the_domain(sqlite_store: Store) -> None:
    from gateway.directory.accounts import set_alias

    with sqlite_store.transaction() as session:
        gate = make_gate(sqlite_store, session)
        set_alias(session, gate.account.id, None)
        gate.account = get_account(session, gate.account.id)
    assert gate.log_in(gate.identity(f"alice@{gate.account.id}.onaliyun.com")).user.name == "Alice"


def test_match_user__domain_of_another_account__refused(one_gate: Gate) -> None:
    with one_gate.store.transaction() as session:
        other = make_gate(one_gate.store, session, "globex")
        add_domain_alias(session, other.account.id, "globex.example", NOON)
    for domain in ("globex.onaliyun.com", "globex.example"):
        error = one_gate.refused(one_gate.identity(f"alice@{domain}"))
        assert error.reason is Reason.USER_DOMAIN_NOT_ACCEPTED


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("alice", Reason.USER_DOMAIN_NOT_ACCEPTED),
        ("alice@", Reason.USER_DOMAIN_NOT_ACCEPTED),
        ("", Reason.USER_DOMAIN_NOT_ACCEPTED),
        ("alice@acme.onaliyun.com ", Reason.USER_DOMAIN_NOT_ACCEPTED),
        ("alice@acme.onaliyun.com.", Reason.USER_DOMAIN_NOT_ACCEPTED),
        ("alice@acme.onaliyun.com\u200b", Reason.USER_DOMAIN_NOT_ACCEPTED),
        ("alice@acme.onal\u0131yun.com", Reason.USER_DOMAIN_NOT_ACCEPTED),
        ("alice@acme.onaliyun.com@evil.example", Reason.USER_DOMAIN_NOT_ACCEPTED),
        ("@acme.onaliyun.com", Reason.USER_NO_MATCH),
        (" alice@acme.onaliyun.com", Reason.USER_NO_MATCH),
        ("al\u0130ce@acme.onaliyun.com", Reason.USER_NO_MATCH),
        ("al\u0456ce@acme.onaliyun.com", Reason.USER_NO_MATCH),
        ("evil@alice@acme.onaliyun.com", Reason.USER_NO_MATCH),
        ("al%ce@acme.onaliyun.com", Reason.USER_NO_MATCH),
        ("al_ce@acme.onaliyun.com", Reason.USER_NO_MATCH),
        ("bob@acme.onaliyun.com", Reason.USER_NO_MATCH),
        ("a" * 300 + "@acme.onaliyun.com", Reason.USER_NO_MATCH),
    ],
)
def test_match_user__anything_but_the_very_name__refused(one_gate: Gate, subject: str, reason: Reason) -> None:
    assert one_gate.refused(one_gate.identity(subject)).reason is reason


def test_match_user__bare_names_wanted__domain_is_an_error(one_gate: Gate) -> None:
    with one_gate.store.transaction() as session:
        set_user_sso(session, one_gate.account.id, login_with_domain=False, now=NOON)
    assert one_gate.log_in(one_gate.identity("ALICE")).user.name == "Alice"
    error = one_gate.refused(one_gate.identity("alice@acme.onaliyun.com"))
    assert error.reason is Reason.USER_DOMAIN_NOT_ACCEPTED
    assert one_gate.refused(one_gate.identity("bob")).reason is Reason.USER_NO_MATCH


def test_match_user__same_name_in_another_account__is_not_found_there(one_gate: Gate) -> None:
    with one_gate.store.transaction() as session:
        other = make_gate(one_gate.store, session, "globex")
        delete_user(session, one_gate.account.id, "alice", NOON)
    assert one_gate.refused(one_gate.identity()).reason is Reason.USER_NO_MATCH
    assert other.log_in(other.identity("alice@globex.onaliyun.com")).user.account_id == other.account.id


def test_match_user__auxiliary_domain_shadowed_by_an_alias__detail_says_so(one_gate: Gate) -> None:
    with one_gate.store.transaction() as session:
        add_domain_alias(session, one_gate.account.id, "example.com", NOON)
        set_auxiliary_domain(session, one_gate.account.id, "example2.com")
    error = one_gate.refused(one_gate.identity("alice@example2.com"))
    assert error.detail is not None
    assert "auxiliary" in error.detail
