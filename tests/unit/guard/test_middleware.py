"""A service of our own behind the middleware: signed requests, identity tokens, and everything else."""

from dataclasses import replace

import pytest

from gateway.directory.access_keys import set_status
from gateway.errors import InputError, Reason
from gateway.guard.questions import read_context, read_question
from gateway.keyring import KeyRing, new_master_key
from gateway.oidc.identity_token import IDENTITY_PURPOSE, Identity, issue_identity
from gateway.signing import signing_keys
from gateway.store.engine import Store
from tests.fake_clock import FakeClock
from tests.guarded_service import ACCOUNT, HOST, ISSUER, Service

ARN = f"acs:ram::{ACCOUNT}:user/alice"


@pytest.fixture
def service(store: Store, clock: FakeClock) -> Service:
    return Service(store, KeyRing((new_master_key(),)), clock)


@pytest.fixture
def one(sqlite_store: Store, clock: FakeClock) -> Service:
    """The same on one database."""
    return Service(sqlite_store, KeyRing((new_master_key(),)), clock)


def identity(service: Service, **changes: str) -> str:
    who = Identity(ISSUER, HOST, ARN, service.user_id, ACCOUNT, "notes:Use", f"acs:notes:*:{ACCOUNT}:note/a")
    key = signing_keys(service.ring, IDENTITY_PURPOSE)[0]
    return issue_identity(replace(who, **changes), key.key_id, key.sign, service.clock.now(), "t")


def test_middleware__signed_by_acs3__reaches_the_application_with_its_body(service: Service) -> None:
    answer = service.send(service.signed("/notes/a%20b", method="PUT", body=b"hello", q="1 +"))
    assert (answer.status, answer.body) == (200, {"arn": ARN, "resource": f"acs:notes:*:{ACCOUNT}:note/a b"})
    assert service.reached[0]["body"] == b"hello"


def test_middleware__signed_by_v1__reaches_the_application_on_its_one_path(service: Service) -> None:
    assert service.send(service.signed_v1()).status == 200
    assert service.send(service.signed_v1("/notes/a")).status == 403  # no rule lets a POST in
    elsewhere = service.signed_v1("/notes/a") | {"REQUEST_METHOD": "PUT"}
    assert service.send(elsewhere).body["Reason"] == Reason.SIGNATURE_METHOD


def test_middleware__identity_token__counts_for_its_request_only(service: Service) -> None:
    answer = service.send(service.environ("/notes/a", headers={"x-ramgate-identity": identity(service)}))
    assert (answer.status, answer.body["arn"]) == (200, ARN)
    assert "HTTP_X_RAMGATE_IDENTITY" not in service.reached[0]
    other = service.send(service.environ("/notes/b", headers={"x-ramgate-identity": identity(service)}))
    assert (other.status, other.body["Reason"]) == (401, Reason.OIDC_CLAIM)
    for changes in ({"issuer": "https://evil.example"}, {"audience": "other.example"}, {"action": "notes:Administer"}):
        forged = service.environ("/notes/a", headers={"x-ramgate-identity": identity(service, **changes)})
        assert service.send(forged).status == 401
    late = identity(service)
    service.clock.advance(60)
    assert service.send(service.environ("/notes/a", headers={"x-ramgate-identity": late})).status == 401


def test_middleware__not_allowed__403_and_unknown_path_too(service: Service) -> None:
    answer = service.send(service.signed("/admin"))
    assert (answer.status, answer.body["Reason"]) == (403, Reason.ACCESS_DENIED)
    assert service.send(service.signed("/elsewhere")).status == 403
    assert service.reached == []


def test_middleware__key_switched_off__401_at_the_next_request(service: Service) -> None:
    assert service.send(service.signed("/notes/a")).status == 200
    with service.store.transaction() as session:
        set_status(
            session,
            account_id=ACCOUNT,
            user_id=service.user_id,
            access_key_id=service.key.access_key_id,
            status="Inactive",
            now=service.clock.now(),
        )
    answer = service.send(service.signed("/notes/a"))
    assert (answer.status, answer.body["Reason"]) == (401, Reason.ACCESS_KEY_INACTIVE)


def test_middleware__nothing_signed__401(one: Service) -> None:
    assert one.send(one.environ("/notes/a")).body["Reason"] == Reason.NOT_SIGNED_IN
    assert one.send(one.environ("/notes/a", headers={"authorization": "Basic eDp5"})).status == 401


def test_middleware__too_large_or_of_unknown_length__refused(one: Service) -> None:
    for changes in ({"CONTENT_LENGTH": "99999999"}, {"HTTP_TRANSFER_ENCODING": "chunked"}, {"CONTENT_LENGTH": "-1"}):
        assert one.send(one.signed("/notes/a") | changes).body["Reason"] == Reason.PAYLOAD_TOO_LARGE


def test_guard_authorize__by_arn__and_by_neither_or_both(service: Service) -> None:
    question = read_question("notes:Use", f"acs:notes:*:{ACCOUNT}:note/a", read_context(None))
    assert service.guard.authorize(question, principal_arn=ARN).allowed
    for named in ({}, {"principal_arn": ARN, "security_token": "x"}):
        with pytest.raises(InputError):
            service.guard.authorize(question, **named)
