"""What is kept of calls that named somebody's key and were not let in by it."""

from datetime import timedelta

from gateway.api.action import Auth
from gateway.audit.batches import read_decisions
from gateway.audit.decisions import DecisionRecord
from gateway.audit.packing import pack
from gateway.audit.why import find_out
from gateway.directory.access_keys import NewAccessKey
from gateway.secret import Secret
from tests.unit.api.stage import Stage, reason_of


def kept(stage: Stage) -> list[DecisionRecord]:
    pack(stage.services.store, stage.clock)
    with stage.services.store.reading() as session:
        return list(read_decisions(session, stage.account_id).records)


def wrong(stage: Stage) -> NewAccessKey:
    return NewAccessKey(stage.key.access_key_id, Secret("wrong"))


def story(stage: Stage) -> str:
    with stage.services.store.reading() as session:
        return "\n".join(find_out(session, "REQUEST-1").story.lines)


def test_run__wrong_signature_of_a_known_key__leaves_a_record_in_its_account(stage: Stage) -> None:
    stage.call(key=wrong(stage))
    (record,) = kept(stage)
    assert (record.principal_kind, record.principal_id) == ("Unproven", stage.user.id)
    assert (record.outcome, record.reason, record.of_policy) == ("Refused", "SignatureMismatch", False)
    assert record.context["acs:AccessKeyId"] == (stage.key.access_key_id,)
    told = story(stage)
    assert (
        f"somebody who named the AccessKey {stage.key.access_key_id} of acs:ram::{stage.account_id}:user/alice" in told
    )
    assert "because of SignatureMismatch" in told
    assert "What would help: sign with the secret of this very key" in told
    assert "192.0.2.7" not in told


def test_run__key_that_nobody_has__leaves_none(stage: Stage) -> None:
    assert reason_of(stage.call(key=NewAccessKey("LTAInobody", Secret("x")))) == "AccessKeyNotFound"
    assert kept(stage) == []


def test_run__flood_of_wrong_signatures__one_record_a_minute_and_the_count(stage: Stage) -> None:
    for number in range(50):
        stage.call(key=wrong(stage), nonce=f"n{number}")
    assert len(kept(stage)) == 1
    stage.clock.advance(60)
    assert [each.context["ramgate:Times"] for each in kept(stage)] == [("1",), ("49",)]


def test_run__flood_for_hours__bounded_for_the_key(stage: Stage) -> None:
    for _ in range(120):
        stage.call(key=wrong(stage))
        stage.clock.advance(30)
    assert len(kept(stage)) <= 2 * 60


def test_run__replayed_again_and_again__one_record_a_minute(stage: Stage) -> None:
    stage.grant()
    assert stage.call(action=stage.reading_action()).status == 200
    before = len(kept(stage))
    for _ in range(20):
        assert reason_of(stage.call(action=stage.reading_action())) == "SignatureNonceUsed"
    added = kept(stage)[before:]
    assert [(each.principal_kind, each.reason) for each in added] == [("Unproven", "SignatureNonceUsed")]


def test_run__signed_too_long_ago__leaves_a_record(stage: Stage) -> None:
    late = (stage.clock.now() - timedelta(minutes=16)).strftime("%Y-%m-%dT%H:%M:%SZ")
    action = stage.action()
    parameters = {
        "Action": "Probe",
        "AccessKeyId": stage.key.access_key_id,
        "Signature": "x",
        "Version": action.version,
    }
    parameters |= {"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": "n", "Timestamp": late}
    assert reason_of(stage.send(parameters, action)) == "TimestampExpired"
    assert [each.reason for each in kept(stage)] == ["TimestampExpired"]


def test_run__anonymous_operation_that_names_a_key__is_no_call_of_it(stage: Stage) -> None:
    stage.call(auth=Auth.ANONYMOUS, key=wrong(stage))
    assert all(each.principal_kind != "Unproven" for each in kept(stage))
