"""Sessions derived from a RAM user or from another role session."""

import json
from datetime import timedelta

import pytest

from gateway.directory.revocations import revoke
from gateway.directory.roles import Role, delete_role
from gateway.directory.users import create_user
from gateway.errors import CredentialError, Denied, GatewayError, InputError, Reason
from gateway.principal import RamUser
from gateway.store.engine import Store
from gateway.sts.assume import RoleSessionGrant, assume_as_caller, assume_with_identity
from gateway.sts.duration import CHAIN_LIMIT, DEFAULT, PARENT_END, Cap
from gateway.sts.revocation import check_live
from gateway.sts.token import SessionToken
from tests.company import RING, Company, make_company
from tests.fake_clock import NOON
from tests.sessions import make_provenance

NARROW = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:GetObject","Resource":"*"}]}'
NARROWER = NARROW.replace("oss:GetObject", "oss:GetObjectMeta")


def trusting(*principals: str) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": list(principals)}}
    return json.dumps({"Version": "1", "Statement": [statement]})


@pytest.fixture
def acme(store: Store) -> Company:
    with store.transaction() as session:
        company = make_company(session)
        create_user(session, company.account.id, "alice", now=NOON)
        company.role("first", trust=trusting(f"acs:ram::{company.account.id}:user/alice"), max_s=43200)
        itself = trusting(f"acs:ram::{company.account.id}:role/first", f"acs:ram::{company.account.id}:role/second")
        company.role("second", trust=itself, max_s=43200)
    return company


def alice(acme: Company) -> RamUser:
    return RamUser(acme.account.id, "200000000000000001", "alice")


def assume(
    store: Store,
    caller: RamUser | SessionToken,
    role: Role,
    *,
    after_s: float = 0,
    duration_s: int | None = None,
    session_policy: str | None = None,
    session_name: str = "alice",
) -> RoleSessionGrant:
    with store.transaction() as session:
        return assume_as_caller(
            session,
            ring=RING,
            caller=caller,
            role=role,
            session_name=session_name,
            context={},
            duration_s=duration_s,
            session_policy=session_policy,
            now=NOON + timedelta(seconds=after_s),
        )


def is_revoked(store: Store, token: SessionToken, after_s: float) -> bool:
    with store.reading() as session:
        try:
            check_live(session, token, NOON + timedelta(seconds=after_s))
        except CredentialError as error:
            return error.reason is Reason.TOKEN_REVOKED
    return False


def test_assume_as_caller__trusted_user__gets_a_session(store: Store, acme: Company) -> None:
    grant = assume(store, alice(acme), acme.roles["first"])
    assert grant.token.principal.role_id == acme.roles["first"].id
    assert grant.token.parent is None
    assert grant.duration_cap == DEFAULT
    assert grant.decision.allowed


def test_assume_as_caller__user_that_the_role_does_not_trust__denied(store: Store, acme: Company) -> None:
    with pytest.raises(Denied) as caught:
        assume(store, alice(acme), acme.roles["second"])
    assert caught.value.reason is Reason.TRUST_POLICY_DENIED


def test_assume_as_caller__namesake_in_another_account__denied(store: Store, acme: Company) -> None:
    with pytest.raises(Denied) as caught:
        assume(store, RamUser("9999999999999999", "1", "alice"), acme.roles["first"])
    assert caught.value.reason is Reason.TRUST_POLICY_DENIED


def test_assume_as_caller__role_session__child_ends_with_its_parent(store: Store, acme: Company) -> None:
    parent = assume(store, alice(acme), acme.roles["first"], duration_s=7200).token
    early = assume(store, parent, acme.roles["second"], duration_s=43200)
    late = assume(store, parent, acme.roles["second"], after_s=6000)
    assert (early.token.expires_at, early.duration_cap) == (NOON + timedelta(hours=1), CHAIN_LIMIT)
    assert (late.token.expires_at, late.duration_cap) == (parent.expires_at, PARENT_END)
    assert early.token.parent == parent.session_id


def test_assume_as_caller__parent_over__refused(store: Store, acme: Company) -> None:
    parent = assume(store, alice(acme), acme.roles["first"]).token
    with pytest.raises(CredentialError) as caught:
        assume(store, parent, acme.roles["second"], after_s=3600)
    assert caught.value.reason is Reason.TOKEN_EXPIRED


@pytest.mark.parametrize("kind", ["session", "role", "user"])
def test_assume_as_caller__anything_upstream_revoked__whole_chain_dies(store: Store, acme: Company, kind: str) -> None:
    parent = assume(store, alice(acme), acme.roles["first"]).token
    child = assume(store, parent, acme.roles["second"]).token
    grandchild = assume(store, child, acme.roles["second"]).token
    value = {"session": parent.session_id, "role": parent.principal.role_id, "user": alice(acme).user_id}[kind]
    with store.transaction() as session:
        revoke(session, kind, value, NOON + timedelta(seconds=1))
    assert all(is_revoked(store, token, 2) for token in (parent, child, grandchild))
    with pytest.raises(CredentialError) as caught:
        assume(store, parent, acme.roles["second"], after_s=2)
    assert caught.value.reason is Reason.TOKEN_REVOKED


def test_assume_as_caller__child_revoked__parent_lives(store: Store, acme: Company) -> None:
    parent = assume(store, alice(acme), acme.roles["first"]).token
    child = assume(store, parent, acme.roles["second"]).token
    with store.transaction() as session:
        revoke(session, "session", child.session_id, NOON)
    assert not is_revoked(store, parent, 1)
    assert is_revoked(store, child, 1)


def test_assume_as_caller__same_role_again__keeps_its_session_policy(store: Store, acme: Company) -> None:
    first = assume(store, alice(acme), acme.roles["first"]).token
    parent = assume(store, first, acme.roles["second"], session_policy=NARROW).token
    child = assume(store, parent, acme.roles["second"]).token
    assert child.principal.session_policy == NARROW
    with pytest.raises(InputError) as caught:
        assume(store, parent, acme.roles["second"], session_policy=NARROWER)
    assert (caught.value.reason, caught.value.subject) == (Reason.PARAMETER_INVALID, "Policy")


@pytest.mark.parametrize("name", ["", "a", "a" * 65, "al ice", "al/ice"])
def test_assume_as_caller__bad_session_name__refused(store: Store, acme: Company, name: str) -> None:
    with pytest.raises(InputError) as caught:
        assume(store, alice(acme), acme.roles["first"], session_name=name)
    assert (caught.value.reason, caught.value.subject) == (Reason.PARAMETER_INVALID, "RoleSessionName")


def test_assume_as_caller__session_policy_too_long__refused(store: Store, acme: Company) -> None:
    with pytest.raises(GatewayError) as caught:
        assume(store, alice(acme), acme.roles["first"], session_policy=NARROW + " " * 2048)
    assert caught.value.reason is Reason.POLICY_TOO_LONG


def test_assume_as_caller__role_gone__its_sessions_assume_nothing(store: Store, acme: Company) -> None:
    parent = assume(store, alice(acme), acme.roles["first"]).token
    with store.transaction() as session:
        delete_role(session, acme.account.id, "first")
    with pytest.raises(CredentialError) as caught:
        assume(store, parent, acme.roles["second"], after_s=1)
    assert caught.value.reason is Reason.TOKEN_REVOKED


def test_assume_with_identity__provenance_of_another_provider__is_a_mistake_of_ours(
    store: Store, acme: Company
) -> None:
    with store.transaction() as session:
        acme.session = session
        role = acme.role("reader")
        with pytest.raises(ValueError, match="provenance"):
            assume_with_identity(
                session,
                ring=RING,
                role=role,
                provider_arn=acme.provider_arn,
                session_name="alice",
                identity_context={"saml:recipient": ("http://127.0.0.1:8080/saml-role/sso",)},
                provenance=make_provenance(),
                duration=Cap("test", 900),
                session_policy=None,
                now=NOON,
            )
