"""What a nonce is good for: one call, whatever becomes of it, and what reads and last uses leave behind."""

from datetime import timedelta

import pytest

from gateway.clock import wire_time
from gateway.directory.access_keys import NewAccessKey
from gateway.secret import Secret
from gateway.store.fleeting import LastUse
from tests.unit.api.stage import Stage, body_of, forget_nonces, reason_of, session_key


@pytest.mark.parametrize(
    ("first", "second"), [("Probe", "Look"), ("Look", "Probe"), ("Look", "Look"), ("Probe", "Probe")]
)
def test_run__nonce_of_a_change_or_of_a_read__is_used_for_both(stage: Stage, first: str, second: str) -> None:
    stage.grant()
    actions = {"Probe": stage.action(), "Look": stage.reading_action()}
    assert stage.call(nonce="once", action=actions[first]).status == 200
    assert reason_of(stage.call(nonce="once", action=actions[second])) == "SignatureNonceUsed"


def test_run__power_cut_forgets_nonces__a_change_is_refused_all_the_same(stage: Stage) -> None:
    stage.grant()
    assert stage.call(nonce="change").status == 200
    stage.services.store.fleeting.close()
    forget_nonces(stage.services.store)
    assert reason_of(stage.call(nonce="change")) == "SignatureNonceUsed"
    assert stage.left_behind() == (1, 1)


def test_run__read__commits_nothing_and_leaves_no_receipt(stage: Stage) -> None:
    stage.grant()
    reply = stage.call(action=stage.reading_action())
    assert (reply.status, body_of(reply)["Target"]) == (200, "bob")
    assert stage.steps == ["parse", "authorize", "perform"]
    assert stage.left_behind() == (0, 0)


def test_run__refused_in_the_first_pass__never_waits_for_the_write_lock(stage: Stage) -> None:
    with stage.services.store.transaction() as session:
        session.connection()  # a writer that takes its time
        assert reason_of(stage.call(nonce="1")) == "AccessDenied"
        assert reason_of(stage.call(key=NewAccessKey(stage.key.access_key_id, Secret("wrong")))) == "SignatureMismatch"


def test_run__lasting_key__its_last_use_is_noted(stage: Stage) -> None:
    fleeting = stage.services.store.fleeting
    wrong = NewAccessKey(stage.key.access_key_id, Secret("wrong"))
    assert reason_of(stage.call(key=wrong)) == "SignatureMismatch"
    assert fleeting.last_use_of(stage.key.access_key_id) is None
    assert reason_of(stage.call()) == "AccessDenied"
    assert fleeting.last_use_of(stage.key.access_key_id) == LastUse(stage.clock.now(), "Ram")
    key, token = session_key(stage)
    assert stage.call(key=key, SecurityToken=token).status == 200
    assert fleeting.last_use_of(key.access_key_id) is None


def test_run__nonce_again__refused_until_its_time_is_over(stage: Stage) -> None:
    stage.grant()
    assert stage.call(nonce="once").status == 200
    assert reason_of(stage.call(nonce="once")) == "SignatureNonceUsed"
    assert reason_of(stage.call(nonce="once", Timestamp=wire_time(stage.clock.now() + timedelta(minutes=15)))) == (
        "SignatureNonceUsed"
    )
