"""The phases, with an operation made for the test: what each lets through, and what a failure leaves behind."""

import json
import logging
from datetime import timedelta

import pytest

from gateway.api.action import Auth
from gateway.api.actions.table import ACTIONS, find_action
from gateway.clock import wire_time
from gateway.directory.access_keys import NewAccessKey
from gateway.directory.attachments import attach_policy
from gateway.directory.policies import create_policy
from gateway.directory.revocations import revoke
from gateway.errors import InputError, Reason, Throttled
from gateway.secret import Secret
from tests.unit.api.stage import VERSION, Stage, body_of, reason_of, session_key


def test_run__allowed__all_phases_in_order_and_one_receipt(stage: Stage) -> None:
    stage.grant()
    reply = stage.call()
    assert (reply.status, body_of(reply)) == (200, {"RequestId": "REQUEST-1", "Target": "bob"})
    assert stage.steps == ["parse", "authorize", "authorize", "perform"]
    assert stage.left_behind() == (1, 1)


def test_run__no_policy__denied_before_it_is_performed(stage: Stage) -> None:
    reply = stage.call()
    assert (reply.status, reason_of(reply)) == (403, "AccessDenied")
    detail = body_of(reply)["AccessDeniedDetail"]
    assert (detail["AuthAction"], detail["AuthPrincipalType"]) == ("ram:Probe", "SubUser")
    assert detail["AuthPrincipalDisplayName"] == stage.user.id
    assert stage.steps == ["parse", "authorize"]
    assert stage.left_behind() == (0, 0)


def test_run__second_resource_not_allowed__denied(stage: Stage) -> None:
    document = {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "Action": "ram:Probe", "Resource": f"acs:ram::{stage.account_id}:user/bob"}],
    }
    with stage.services.store.transaction() as session:
        create_policy(session, stage.account_id, "one", json.dumps(document), now=stage.clock.now())
        attach_policy(session, stage.account_id, "Custom", "one", stage.user, stage.clock.now())
    assert reason_of(stage.call()) == "AccessDenied"


def test_run__bad_signature__refused_before_parameters_are_read(stage: Stage) -> None:
    reply = stage.call(key=NewAccessKey(stage.key.access_key_id, Secret("wrong")))
    assert reason_of(reply) == "SignatureMismatch"
    assert stage.steps == []
    assert stage.left_behind() == (0, 0)


@pytest.mark.parametrize(
    ("fault", "status"), [(InputError(Reason.PARAMETER_INVALID, "x", subject="Target"), 400), (ValueError("hush"), 500)]
)
def test_run__perform_fails__nothing_is_left_and_the_nonce_is_used(
    stage: Stage, fault: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    stage.grant()
    stage.fault = fault
    with caplog.at_level(logging.INFO, logger="ramgate"):
        reply = stage.call()
    assert reply.status == status
    assert b"hush" not in reply.body
    assert "REQUEST-1" in caplog.text
    assert stage.left_behind() == (0, 0)
    stage.fault = None
    assert reason_of(stage.call()) == "SignatureNonceUsed"
    assert stage.call(nonce="another").status == 200


def test_run__throttled__says_how_long_to_wait(stage: Stage) -> None:
    stage.grant()
    stage.fault = Throttled(Reason.LOGIN_THROTTLED, "too often", retry_after_s=7)
    reply = stage.call()
    assert (reply.status, reply.retry_after_ms) == (429, 7000)
    stage.fault = None
    assert stage.call(nonce="2").retry_after_ms is None


@pytest.mark.parametrize(("seconds", "status"), [(-901, 400), (-900, 200), (900, 200), (901, 400)])
def test_run__time__exact_window(stage: Stage, seconds: int, status: int) -> None:
    stage.grant()
    reply = stage.call(Timestamp=wire_time(stage.clock.now() + timedelta(seconds=seconds)))
    assert reply.status == status


def test_run__anonymous_operation__signature_is_not_looked_at(stage: Stage) -> None:
    reply = stage.call(auth=Auth.ANONYMOUS, key=NewAccessKey("LTAInobody", Secret("wrong")))
    assert reply.status == 200
    assert stage.steps == ["parse", "perform"]


def test_run__session_key__acts_as_the_role_until_it_expires(stage: Stage) -> None:
    key, token = session_key(stage)
    assert stage.call(key=key, SecurityToken=token).status == 200
    stage.clock.advance(899)
    assert stage.call(key=key, SecurityToken=token, nonce="2").status == 200
    stage.clock.advance(1)
    assert reason_of(stage.call(key=key, SecurityToken=token, nonce="3")) == "TokenExpired"


def test_run__session_revoked__refused_at_once(stage: Stage) -> None:
    key, token = session_key(stage)
    with stage.services.store.transaction() as session:
        revoke(session, "session", "SESSION-1", stage.clock.now())
    assert reason_of(stage.call(key=key, SecurityToken=token)) == "TokenRevoked"


def test_run__session_policy__narrows(stage: Stage) -> None:
    policy = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*"}]}'
    key, token = session_key(stage, session_policy=policy)
    reply = stage.call(key=key, SecurityToken=token)
    assert body_of(reply)["AccessDeniedDetail"]["PolicyType"] == "SessionPolicy"
    assert body_of(reply)["AccessDeniedDetail"]["AuthPrincipalDisplayName"] == "reader:alice"


@pytest.mark.parametrize("name", ["AccessKeyId", "Signature", "SignatureNonce", "Timestamp"])
def test_run__signature_parameter_blank__missing(stage: Stage, name: str) -> None:
    parameters = {
        "AccessKeyId": stage.key.access_key_id,
        "Action": "Probe",
        "Version": VERSION,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "n",
        "Timestamp": wire_time(stage.clock.now()),
        "Signature": "x",
    }
    del parameters[name]
    reply = stage.send(parameters, stage.action())
    assert (reply.status, body_of(reply)["Code"]) == (400, f"Missing{name}")


def test_actions__every_row__is_found_under_its_own_key() -> None:
    for (version, name), action in ACTIONS.items():
        assert find_action(version, name) is action
        assert (action.version, action.name) == (version, name)


@pytest.mark.parametrize(
    ("version", "name", "reason"),
    [
        ("2015-04-01", "getcalleridentity", Reason.ACTION_NOT_FOUND),
        ("1999-01-01", "GetCallerIdentity", Reason.VERSION_INVALID),
    ],
)
def test_find_action__unknown__refused(version: str, name: str, reason: Reason) -> None:
    with pytest.raises(InputError) as caught:
        find_action(version, name)
    assert caught.value.reason is reason
