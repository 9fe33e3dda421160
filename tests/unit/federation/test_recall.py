"""What is called back, and that everything derived from it goes with it, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from gateway.directory.roles import create_role
from gateway.directory.saml_providers import create_saml_provider
from gateway.directory.user_sso import set_user_sso
from gateway.directory.users import User, create_user
from gateway.errors import CredentialError, InputError, NotFound, Reason
from gateway.federation.facts import facts_of
from gateway.federation.recall import RecallKind, parse_recall, recall_sessions
from gateway.federation.user_sso import user_sso_provider_arn
from gateway.principal import RamUser
from gateway.store.engine import Store
from gateway.sts.assume import assume_as_caller
from gateway.sts.revocation import check_live
from gateway.sts.sessions import find_session, open_session
from gateway.sts.token import Provenance, SessionToken, open_token, seal_token
from tests.company import RING, Company
from tests.fake_clock import NOON
from tests.identities import ENTITY_ID, fingerprint, idp_metadata, make_identity
from tests.in_process import bare_account
from tests.sessions import make_token
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT

LATER = NOON + timedelta(seconds=10)
EVEN_LATER = NOON + timedelta(seconds=20)
KEY = "LTAI5tExampleExample1234"


def trust(account_id: str) -> str:
    return (
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
        f'"Principal":{{"RAM":["acs:ram::{account_id}:root"]}}}}]}}'
    )


@dataclass
class Family:
    """A federated role session and what was derived from it; a user's; and bystanders of the same company."""

    company: Company
    alice: User
    federated: SessionToken
    chained: SessionToken  # assumed by `federated`
    twice: SessionToken  # assumed by `chained`
    by_key: SessionToken  # assumed by alice with an access key
    bystander: SessionToken  # another person, through another provider
    handle: str  # of alice's browser session

    def alive(self, session: Session, now: datetime = EVEN_LATER) -> dict[str, bool]:
        found = {}
        for name in ("federated", "chained", "twice", "by_key", "bystander"):
            try:
                check_live(session, getattr(self, name), now)
                found[name] = True
            except CredentialError as error:
                found[name] = error.reason is not Reason.TOKEN_REVOKED
        found["browser"] = find_session(session, RING, self.handle, now) is not None
        return found


def bare_company(session: Session, account_id: str, alias: str = "acme") -> Company:
    """As `make_company`, with an owner who has no password: hashing is slow."""
    account = bare_account(account_id, alias)
    session.add(account)
    session.flush()
    return Company(session, account, create_saml_provider(session, account_id, "company", idp_metadata(), now=NOON))


def provenance(company: Company) -> Provenance:
    return facts_of(make_identity()).provenance(company.provider_arn, fingerprint())


def make_family(session: Session) -> Family:
    company = bare_company(session, ACCOUNT)
    account_id = company.account.id
    roles = {
        name: create_role(session, account_id, name, trust_document=trust(account_id), now=NOON)
        for name in ("first", "second", "third")
    }
    alice = create_user(session, account_id, "alice", now=NOON)

    def by(caller: RamUser | SessionToken, role: str, key: str | None = None) -> SessionToken:
        grant = assume_as_caller(
            session,
            ring=RING,
            caller=caller,
            role=roles[role],
            session_name="alice",
            context={},
            duration_s=None,
            session_policy=None,
            access_key_id=key,
            now=LATER,
        )
        return open_token(RING, seal_token(RING, grant.token))

    federated = make_token(role_id=roles["first"].id, provenance=provenance(company), session_id=session_id(1))
    federated = replace(federated, principal=replace(federated.principal, account_id=account_id, role_name="first"))
    chained = by(federated, "second")
    user = RamUser(account_id, alice.id, "alice")
    handle = open_session(
        session,
        RING,
        user,
        token=None,
        provenance=None,
        expires_at=NOON + timedelta(hours=1),
        duration_cap="a test",
        now=NOON,
    )
    elsewhere = replace(
        provenance(company),
        provider_arn=f"acs:ram::{account_id}:saml-provider/other",
        subject="bob",
        certificate_fingerprint="0" * 64,
        assertion_id="_other",
    )
    bystander = replace(make_token(role_id="9", session_id=session_id(2)), provenance=elsewhere)
    bystander = replace(bystander, principal=replace(bystander.principal, account_id=account_id))
    return Family(company, alice, federated, chained, by(chained, "third"), by(user, "first", KEY), bystander, handle)


def session_id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012d}"


ALL = {"federated", "chained", "twice", "by_key", "bystander", "browser"}
FEDERATED = {"federated", "chained", "twice"}


@pytest.mark.parametrize(
    ("kind", "value", "dead"),
    [
        (RecallKind.SESSION, lambda family: family.federated.session_id, FEDERATED),
        (RecallKind.SESSION, lambda family: family.chained.session_id, {"chained", "twice"}),
        (RecallKind.USER, lambda family: "ALICE", {"by_key", "browser"}),
        (RecallKind.USER, lambda family: family.alice.arn, {"by_key", "browser"}),
        (RecallKind.ROLE, lambda family: "first", FEDERATED | {"by_key"}),
        (RecallKind.ROLE, lambda family: "second", {"chained", "twice"}),
        (RecallKind.PROVIDER, lambda family: family.company.provider_arn, FEDERATED),
        (RecallKind.CERTIFICATE, lambda family: fingerprint().upper(), FEDERATED),
        (RecallKind.ASSERTION, lambda family: f"{ENTITY_ID}#{assertion_of(family)}", FEDERATED),
        (RecallKind.SUBJECT, lambda family: f"{family.company.provider_arn}#alice@example.com", FEDERATED),
        (RecallKind.ACCESS_KEY, lambda family: KEY, {"by_key"}),
    ],
)
def test_recall__each_kind__ends_every_descendant_and_nobody_else(
    store: Store, kind: RecallKind, value: Callable[[Family], str], dead: set[str]
) -> None:
    with store.transaction() as session:
        family = make_family(session)
        assert family.alive(session) == dict.fromkeys(ALL, True)
        recall_sessions(session, family.company.account.id, parse_recall(kind, value(family)), EVEN_LATER)
        alive = family.alive(session)
    assert {name for name in ALL if not alive[name]} == dead


def assertion_of(family: Family) -> str:
    assert family.federated.provenance is not None
    return family.federated.provenance.assertion_id


@pytest.mark.parametrize("kind", [RecallKind.SESSION, RecallKind.CERTIFICATE, RecallKind.ASSERTION])
def test_recall__by_another_account__ends_nothing_here(store: Store, kind: RecallKind) -> None:
    with store.transaction() as session:
        family = make_family(session)
        other = bare_company(session, OTHER_ACCOUNT, "other")  # the same identity provider, with the same certificate
        values = {
            RecallKind.SESSION: family.federated.session_id,
            RecallKind.CERTIFICATE: fingerprint(),
            RecallKind.ASSERTION: f"{ENTITY_ID}#{assertion_of(family)}",
        }
        recall_sessions(session, other.account.id, parse_recall(kind, values[kind]), EVEN_LATER)
        assert family.alive(session) == dict.fromkeys(ALL, True)


@pytest.mark.parametrize(
    ("kind", "value", "subject"),
    [
        (RecallKind.USER, lambda family: family.alice.arn, "User"),
        (RecallKind.USER, lambda family: "nobody", "User"),
        (RecallKind.ROLE, lambda family: f"acs:ram::{family.company.account.id}:role/first", "Role"),
        (RecallKind.PROVIDER, lambda family: family.company.provider_arn, "SAMLProvider"),
        (RecallKind.SUBJECT, lambda family: f"{family.company.provider_arn}#alice@example.com", "SAMLProvider"),
        (RecallKind.PROVIDER, lambda family: f"acs:ram::{family.company.account.id}:oidc-provider/x", "OIDCProvider"),
    ],
)
def test_recall__thing_of_another_account__is_not_found(
    store: Store, kind: RecallKind, value: Callable[[Family], str], subject: str
) -> None:
    with store.transaction() as session:
        family = make_family(session)
        other = bare_company(session, OTHER_ACCOUNT, "other").account.id
        with pytest.raises(NotFound) as caught:
            recall_sessions(session, other, parse_recall(kind, value(family)), EVEN_LATER)
        assert caught.value.subject == subject
        assert family.alive(session) == dict.fromkeys(ALL, True)


def test_recall__user_sso_setting__is_named_by_its_arn(store: Store) -> None:
    with store.transaction() as session:
        account_id = bare_company(session, ACCOUNT).account.id
        wanted = parse_recall(RecallKind.PROVIDER, user_sso_provider_arn(account_id))
        with pytest.raises(InputError):
            recall_sessions(session, account_id, wanted, NOON)
        set_user_sso(session, account_id, enabled=True, metadata_xml=idp_metadata(), now=NOON)
        assert recall_sessions(session, account_id, wanted, NOON) == user_sso_provider_arn(account_id)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (RecallKind.SESSION, "x"),
        (RecallKind.SESSION, session_id(1) + "0"),
        (RecallKind.CERTIFICATE, "00"),
        (RecallKind.CERTIFICATE, "g" * 64),
        (RecallKind.ASSERTION, "_id"),
        (RecallKind.ASSERTION, "#_id"),
        (RecallKind.SUBJECT, "acs:ram::1:saml-provider/x#"),
        (RecallKind.ACCESS_KEY, "../.."),
        (RecallKind.USER, ""),
        (RecallKind.USER, "a\x00b"),
        (RecallKind.USER, "\ud800"),
        (RecallKind.USER, "a" * 4097),
    ],
)
def test_parse_recall__what_can_be_no_value__is_refused(kind: RecallKind, value: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_recall(kind, value)
    assert (caught.value.reason, caught.value.subject) == (Reason.PARAMETER_INVALID, "Value")


def test_recall__session_begun_afterwards__lives(store: Store) -> None:
    with store.transaction() as session:
        family = make_family(session)
        account_id = family.company.account.id
        recall_sessions(session, account_id, parse_recall(RecallKind.ROLE, "first"), NOON - timedelta(seconds=1))
        assert family.alive(session) == dict.fromkeys(ALL, True)


def test_check_live__derived_while_the_revocation_was_being_written__dies_by_the_age_of_what_it_came_from(
    store: Store,
) -> None:
    """The chain was made at LATER; the provider was called back as of before that, and written after."""
    between = NOON + timedelta(seconds=5)
    with store.transaction() as session:
        family = make_family(session)
        wanted = parse_recall(RecallKind.PROVIDER, family.company.provider_arn)
        recall_sessions(session, family.company.account.id, wanted, between)
        alive = family.alive(session)
    assert {name for name in ALL if not alive[name]} == FEDERATED


def test_check_live__role_revoked_before_its_session_was_assumed__spares_it_and_its_children(store: Store) -> None:
    between = NOON + timedelta(seconds=5)
    with store.transaction() as session:
        family = make_family(session)
        wanted = parse_recall(RecallKind.ROLE, "second")
        recall_sessions(session, family.company.account.id, wanted, between)
        assert family.alive(session) == dict.fromkeys(ALL, True)
