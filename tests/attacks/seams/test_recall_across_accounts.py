"""Roles that people and keys of another account took: their own account calls them back, too."""

from dataclasses import replace

import pytest

from gateway.directory.roles import create_role
from gateway.directory.users import create_user
from gateway.errors import CredentialError, Reason
from gateway.federation.recall import RecallKind, parse_recall, recall_sessions
from gateway.principal import RamUser
from gateway.store.engine import Store
from gateway.sts.assume import assume_as_caller
from gateway.sts.revocation import check_live
from gateway.sts.token import open_token, seal_token
from tests.company import RING
from tests.fake_clock import NOON
from tests.identities import fingerprint
from tests.sessions import make_token
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT
from tests.unit.federation.test_recall import EVEN_LATER, KEY, LATER, bare_company, provenance, trust


@pytest.mark.parametrize("kind", [RecallKind.ASSERTION, RecallKind.CERTIFICATE])
@pytest.mark.parametrize("by", [ACCOUNT, OTHER_ACCOUNT])
def test_federated__provider_of_another_account__role_account_calls_it_back(
    store: Store, kind: RecallKind, by: str
) -> None:
    """`ACCOUNT` has the provider and `OTHER_ACCOUNT` the role. Another role of the first stays as it is."""
    with store.transaction() as session:
        origin = provenance(bare_company(session, ACCOUNT))
        bare_company(session, OTHER_ACCOUNT, "other")
        guest, home = make_token(), make_token()
        guest = replace(
            guest, provenance=origin, issued_at=NOON, principal=replace(guest.principal, account_id=OTHER_ACCOUNT)
        )
        home = replace(home, provenance=origin, issued_at=NOON, principal=replace(home.principal, account_id=ACCOUNT))
        value = f"{origin.issuer}#{origin.assertion_id}" if kind is RecallKind.ASSERTION else fingerprint()
        check_live(session, guest, LATER)
        recall_sessions(session, by, parse_recall(kind, value), LATER)
        with pytest.raises(CredentialError) as refused:
            check_live(session, open_token(RING, seal_token(RING, guest)), EVEN_LATER)
        assert refused.value.reason is Reason.TOKEN_REVOKED
        if by == OTHER_ACCOUNT:
            check_live(session, home, EVEN_LATER)


@pytest.mark.parametrize("by", [ACCOUNT, OTHER_ACCOUNT])
def test_by_key__of_another_account__role_account_calls_it_back(store: Store, by: str) -> None:
    with store.transaction() as session:
        bare_company(session, ACCOUNT)
        bare_company(session, OTHER_ACCOUNT, "other")
        alice = create_user(session, ACCOUNT, "alice", now=NOON)
        role = create_role(session, OTHER_ACCOUNT, "guest", trust_document=trust(ACCOUNT), now=NOON)
        grant = assume_as_caller(
            session,
            ring=RING,
            caller=RamUser(ACCOUNT, alice.id, "alice"),
            role=role,
            session_name="alice",
            context={},
            duration_s=None,
            session_policy=None,
            access_key_id=KEY,
            now=NOON,
        )
        recall_sessions(session, by, parse_recall(RecallKind.ACCESS_KEY, KEY), LATER)
        with pytest.raises(CredentialError) as refused:
            check_live(session, grant.token, EVEN_LATER)
        assert refused.value.reason is Reason.TOKEN_REVOKED
