"""What is granted in the very instant in which something is deleted or called back, on PostgreSQL, where writers do not
queue.
"""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from gateway.directory.revocations import find_revocation
from gateway.directory.roles import Role, create_role
from gateway.directory.saml_providers import create_saml_provider, delete_saml_provider
from gateway.errors import CredentialError, Reason
from gateway.federation.facts import facts_of
from gateway.federation.login import RoleSignedIn, begin_role_login
from gateway.federation.recall import RecallKind, parse_recall, recall_sessions
from gateway.federation.saml_sign_out import Party, end_logins
from gateway.federation.trust_document import saml_trust_document
from gateway.identity import VerifiedLogout
from gateway.store.engine import Store
from gateway.sts.assume import assume_with_identity
from gateway.sts.duration import Cap
from gateway.sts.revocation import check_live
from gateway.sts.sessions import find_session
from gateway.sts.token import SessionToken
from tests.company import BROWSER, RING, occasion
from tests.databases import PostgresServer, opened
from tests.fake_clock import NOON
from tests.identities import ENTITY_ID, ROLE_RECIPIENT, fingerprint, idp_metadata, make_identity
from tests.in_process import bare_account
from tests.unit.directory.world import ACCOUNT

ARN = f"acs:ram::{ACCOUNT}:saml-provider/company"
BEFORE, LATER = NOON + timedelta(seconds=1), NOON + timedelta(seconds=2)
_WAIT_S = 20


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[Store]:
    url = postgres_server.migrated()
    with opened(url) as store:
        with store.transaction() as session:
            session.add(bare_account(ACCOUNT, "acme"))
            session.flush()
            create_saml_provider(session, ACCOUNT, "company", idp_metadata(), now=NOON)
            trust = saml_trust_document(ARN, ROLE_RECIPIENT)
            create_role(session, ACCOUNT, "reader", trust_document=trust, now=NOON)
        yield store
    postgres_server.drop(url)


def revoked(store: Store, token: SessionToken) -> bool:
    with store.reading() as session:
        try:
            check_live(session, token, LATER + timedelta(seconds=1))
        except CredentialError as error:
            return error.reason is Reason.TOKEN_REVOKED
    return False


def test_delete_provider__while_a_token_of_it_is_granted__the_token_is_dead(postgres: Store) -> None:
    """The grant reads its clock after the deletion read its own, sees the provider, and commits last."""
    facts = facts_of(make_identity())
    with postgres.transaction() as granting:
        role = granting.query(Role).one()
        grant = assume_with_identity(
            granting,
            ring=RING,
            role=role,
            provider_arn=ARN,
            session_name="alice",
            identity_context={"saml:recipient": (ROLE_RECIPIENT,)},
            provenance=facts.provenance(ARN, fingerprint()),
            duration=Cap("a test", 3600),
            session_policy=None,
            now=LATER,
        )
        with postgres.transaction() as deleting:
            delete_saml_provider(deleting, ACCOUNT, "company")
    assert revoked(postgres, grant.token)
    with postgres.transaction() as session:
        create_saml_provider(session, ACCOUNT, "company", idp_metadata(), now=LATER + timedelta(seconds=1))
    assert revoked(postgres, grant.token)


def test_delete_provider__while_somebody_signs_in_through_it__the_session_is_dead(postgres: Store) -> None:
    value = f"acs:ram::{ACCOUNT}:role/reader,{ARN}"
    identity = make_identity(
        attributes={
            "https://www.aliyun.com/SAML-Role/Attributes/Role": (value,),
            "https://www.aliyun.com/SAML-Role/Attributes/RoleSessionName": ("alice",),
        }
    )
    failed: list[BaseException] = []

    def delete() -> None:
        try:
            with postgres.transaction() as deleting:
                delete_saml_provider(deleting, ACCOUNT, "company")
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    deletion = threading.Thread(target=delete)
    with postgres.transaction() as granting:
        outcome = begin_role_login(
            granting, RING, identity=identity, browser=BROWSER, relay_target="/", occasion=occasion(LATER)
        )
        deletion.start()  # it may have to wait for the login's locks
    deletion.join(_WAIT_S)
    assert not deletion.is_alive()
    assert failed == []
    assert isinstance(outcome, RoleSignedIn)
    assert revoked(postgres, outcome.grant.token)
    with postgres.reading() as session:
        assert find_session(session, RING, outcome.handle, LATER + timedelta(seconds=1)) is None


def test_single_logout__while_its_assertion_becomes_a_session__the_session_is_dead(postgres: Store) -> None:
    """The login looks for a logout and finds none, the logout commits, then the login does."""
    facts = facts_of(make_identity(BEFORE))
    with postgres.transaction() as granting:
        role = granting.query(Role).one()
        grant = assume_with_identity(
            granting,
            ring=RING,
            role=role,
            provider_arn=ARN,
            session_name="alice",
            identity_context={"saml:recipient": (ROLE_RECIPIENT,)},
            provenance=facts.provenance(ARN, fingerprint()),
            duration=Cap("a test", 3600),
            session_policy=None,
            now=LATER,
        )
        with postgres.transaction() as ending:
            party = Party("saml:1", ARN, ACCOUNT, ENTITY_ID, "rsa-sha256", for_users=False)
            logout = VerifiedLogout("_1", ENTITY_ID, facts.subject, (), fingerprint(), (), BEFORE, LATER)
            end_logins(ending, (party,), logout, BEFORE)
    assert revoked(postgres, grant.token)


def test_recall__of_two_at_once__the_later_instant_stays(postgres: Store) -> None:
    wanted = parse_recall(RecallKind.ROLE, "reader")
    done = threading.Event()

    def second() -> None:
        with postgres.transaction() as session:
            recall_sessions(session, ACCOUNT, wanted, BEFORE)
        done.set()

    thread = threading.Thread(target=second)
    with postgres.transaction() as session:
        recall_sessions(session, ACCOUNT, wanted, LATER)
        thread.start()
    assert done.wait(_WAIT_S)
    thread.join()
    with postgres.reading() as session:
        role_id = session.query(Role).one().id
        assert find_revocation(session, [("role", role_id)], LATER) == ("role", role_id)
