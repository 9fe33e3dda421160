"""Playing an instance: stolen tokens, replayed and borrowed proofs, roles that it was not registered for."""

import json
import threading
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from gateway.arn import instance_arn
from gateway.audit.receipts import ReceiptRow
from gateway.directory.control_policies import attach_control_policy, create_control_policy
from gateway.directory.instances import deregister_instance, get_instance, renew_enrolment
from gateway.directory.resource_directory import add_member, create_directory, enable_controls, get_directory
from gateway.directory.revocations import find_dated_revocation
from gateway.directory.roles import create_role, delete_role, update_role
from gateway.store.engine import Store
from gateway.sts.assume import assume_as_caller
from gateway.sts.revocation import token_pairs
from gateway.sts.token import SessionToken, open_token
from tests.fake_clock import FakeClock
from tests.instances import ACCOUNT, OTHER, InstancePlace, trust

TRUSTS_APP = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"RAM": [f"acs:ram::{ACCOUNT}:role/app"]},
            }
        ],
    }
)


@pytest.fixture
def place(store: Store, clock: FakeClock) -> InstancePlace:
    return InstancePlace(store, clock)


@pytest.fixture
def enrolled(place: InstancePlace) -> InstancePlace:
    place.enrol()
    return place


def token_of(place: InstancePlace, **changes: Any) -> SessionToken:
    status, answer = place.assume(**changes)
    assert status == 200, answer
    return open_token(place.ring, answer["Credentials"]["SecurityToken"])


def is_live(place: InstancePlace, token: SessionToken) -> bool:
    with place.store.reading() as session:
        return find_dated_revocation(session, token_pairs(token)) is None


def test_enrolment__a_second_time__refused_whoever_comes(enrolled: InstancePlace) -> None:
    enrolled.key = Ed25519PrivateKey.generate()
    status, answer = enrolled.call("EnrolInstance", **enrolled.enrolment())
    assert (status, answer["Reason"]) == (404, "NotFound")


@pytest.mark.parametrize("token", ["rie_", "rie_wrong", "", "x" * 128, "\x00", "é"])
def test_enrolment__token_of_nobody__refused(place: InstancePlace, token: str) -> None:
    sent = place.enrolment("rie_other") | {"EnrolmentToken": token}
    status, answer = place.call("EnrolInstance", **sent)
    assert 400 <= status < 500
    assert "InstanceArn" not in answer


def test_enrolment__a_day_later__refused(place: InstancePlace) -> None:
    place.clock.advance(24 * 3600)
    status, answer = place.call("EnrolInstance", **place.enrolment())
    assert (status, answer["Reason"]) == (404, "NotFound")


def test_enrolment__with_somebody_elses_public_key_or_for_another_gateway__refused(place: InstancePlace) -> None:
    stranger = place.public(Ed25519PrivateKey.generate())
    for sent in (
        place.enrolment(PublicKey=stranger),
        place.enrolment(origin="https://evil.example"),
        place.enrolment(PublicKey="00" * 32),
        place.enrolment(PublicKey="zz" * 32),
        place.enrolment(InstanceSignature="00" * 64),
        place.enrolment(InstanceSignature="xyz"),
        place.enrolment(InstanceSignature=""),
    ):
        status, answer = place.call("EnrolInstance", **sent)
        assert 400 <= status < 500, answer
    place.enrol()  # none of them used the token up


def test_enrolment__with_a_key_that_everybody_has__refused(place: InstancePlace) -> None:
    """With R = A = 1 and S = 0 the equation of the signature holds for every text."""
    identity = "01" + "00" * 31
    for public in (identity, "01" + "00" * 30 + "80", "ec" + "ff" * 30 + "7f", "00" * 32, "00" * 31 + "80"):
        sent = place.enrolment(PublicKey=public, InstanceSignature=identity + "00" * 32)
        status, answer = place.call("EnrolInstance", **sent)
        assert (status, answer["Reason"]) == (400, "ParameterInvalid")
    place.enrol()


def test_enrolment__two_at_the_same_instant__one_wins(place: InstancePlace) -> None:
    answers = []
    keys = [Ed25519PrivateKey.generate() for _ in range(2)]
    sent = []
    for key in keys:
        place.key = key
        sent.append(place.enrolment())
    threads = [threading.Thread(target=lambda s=s: answers.append(place.call("EnrolInstance", **s)[0])) for s in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 404]


def test_proof__replayed__gives_nothing_the_second_time(enrolled: InstancePlace) -> None:
    sent = enrolled.asked()
    assert enrolled.call("AssumeInstanceRole", **sent)[0] == 200
    status, answer = enrolled.call("AssumeInstanceRole", **sent)
    assert (status, answer["Reason"]) == (400, "SignatureNonceUsed")
    enrolled.clock.advance(14 * 60)
    assert enrolled.call("AssumeInstanceRole", **sent)[1]["Reason"] == "SignatureNonceUsed"
    enrolled.clock.advance(2 * 60)
    assert enrolled.call("AssumeInstanceRole", **sent)[1]["Reason"] == "TimestampExpired"


def test_proof__signed_for_later_and_kept__is_claimed_as_long_as_it_counts(enrolled: InstancePlace) -> None:
    sent = enrolled.asked(at_s=14 * 60)
    assert enrolled.call("AssumeInstanceRole", **sent)[0] == 200
    enrolled.clock.advance(28 * 60)
    for number in range(40):  # claims are swept in passing
        enrolled.assume(Nonce=f"n{number}")
    assert enrolled.call("AssumeInstanceRole", **sent)[1]["Reason"] == "SignatureNonceUsed"


@pytest.mark.parametrize(
    "changes",
    [
        {"DurationSeconds": "3600"},
        {"Nonce": "another"},
        {"SignedAt": "2026-03-04T12:00:01Z"},
        {"InstanceSignature": "00" * 64},
        {"InstanceSignature": "00"},
        {"InstanceArn": instance_arn(ACCOUNT, "i-0000000000000000")},
        {"origin": "https://evil.example"},
        {"origin": "https://sso.example.com/"},
    ],
)
def test_proof__of_something_else__refused(enrolled: InstancePlace, changes: dict[str, str]) -> None:
    assert enrolled.code(**changes) == "SignatureMismatch"


def test_unknown_instance_and_wrong_key__look_the_same(enrolled: InstancePlace) -> None:
    unknown = enrolled.assume(arn=instance_arn(ACCOUNT, "i-0123456789abcdef"))
    elsewhere = enrolled.assume(arn=enrolled.arn.replace(ACCOUNT, OTHER))
    enrolled.key = Ed25519PrivateKey.generate()
    wrong = enrolled.assume()
    not_yet = enrolled.register("web-2").instance.arn
    said = [(status, answer["Code"], answer["Message"]) for status, answer in (unknown, elsewhere, wrong)]
    status, answer = enrolled.assume(arn=not_yet)
    assert set(said) == {(status, answer["Code"], answer["Message"])}
    assert answer["Reason"] == "SignatureMismatch"


def test_key_of_one_instance__for_another__refused(enrolled: InstancePlace) -> None:
    first, key = enrolled.arn, enrolled.key
    enrolled.token, enrolled.key = enrolled.register("web-2").token.reveal(), Ed25519PrivateKey.generate()
    enrolled.enrol()
    enrolled.key = key
    assert enrolled.code() == "SignatureMismatch"
    assert token_of(enrolled, arn=first).lineage == (("instance", first.rpartition("/")[2]),)


@pytest.mark.parametrize("end", ["deregister", "renew"])
def test_deregistered_or_renewed__what_is_out_dies_and_nothing_comes(enrolled: InstancePlace, end: str) -> None:
    token = token_of(enrolled)
    assert is_live(enrolled, token)
    with enrolled.store.transaction() as session:
        if end == "renew":
            renew_enrolment(session, ACCOUNT, "WEB-1", enrolled.clock.now())
        else:
            deregister_instance(session, ACCOUNT, "web-1")
    assert not is_live(enrolled, token)
    assert enrolled.code() == "SignatureMismatch"


def test_session_of_another_role__taken_with_an_instances__dies_with_it(enrolled: InstancePlace) -> None:
    parent = token_of(enrolled)
    with enrolled.store.transaction() as session:
        other = create_role(session, ACCOUNT, "other", trust_document=TRUSTS_APP, now=enrolled.clock.now())
        grant = assume_as_caller(
            session,
            ring=enrolled.ring,
            caller=parent,
            role=other,
            session_name="next",
            context={},
            duration_s=None,
            session_policy=None,
            now=enrolled.clock.now(),
        )
    assert is_live(enrolled, grant.token)
    with enrolled.store.transaction() as session:
        deregister_instance(session, ACCOUNT, "web-1")
    assert not is_live(enrolled, grant.token)


def test_token_that_was_renewed__is_no_token_any_more(place: InstancePlace) -> None:
    with place.store.transaction() as session:
        renewed = renew_enrolment(session, ACCOUNT, "web-1", place.clock.now())
    assert place.call("EnrolInstance", **place.enrolment())[0] == 404
    place.token = renewed.token.reveal()
    place.enrol()


def test_same_name_registered_again__is_another_instance(enrolled: InstancePlace) -> None:
    with enrolled.store.transaction() as session:
        deregister_instance(session, ACCOUNT, "web-1")
    enrolled.register("web-1")
    assert enrolled.code() == "SignatureMismatch"


def test_role_of_the_same_name__made_later__is_not_the_instances(enrolled: InstancePlace) -> None:
    token = token_of(enrolled)
    with enrolled.store.transaction() as session:
        delete_role(session, ACCOUNT, "app")
        create_role(session, ACCOUNT, "app", trust_document=trust("ecs.aliyuncs.com"), now=enrolled.clock.now())
    assert not is_live(enrolled, token)
    assert enrolled.code() == "NotFound"


@pytest.mark.parametrize(
    "services", [("fc.aliyuncs.com",), ("6543210987654321@ecs.aliyuncs.com",), ("ecs.aliyuncs.com.evil.example",)]
)
def test_role_that_trusts_others__gives_nothing(enrolled: InstancePlace, services: tuple[str, ...]) -> None:
    with enrolled.store.transaction() as session:
        update_role(session, ACCOUNT, "app", trust_document=trust(*services), now=enrolled.clock.now())
    status, answer = enrolled.assume()
    assert (status, answer["Reason"]) == (403, "TrustPolicyDenied")


def test_control_policy_over_the_account__binds_instances_too(enrolled: InstancePlace) -> None:
    denies = {"Version": "1", "Statement": [{"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}]}
    now = enrolled.clock.now()
    with enrolled.store.transaction() as session:
        directory = create_directory(session, OTHER, now)
        add_member(session, directory, ACCOUNT, directory.root_id, now)
        enable_controls(session, directory, enabled=True)
        create_control_policy(session, directory, "no-roles", json.dumps(denies), now=now)
    assert enrolled.assume()[0] == 200
    with enrolled.store.transaction() as session:
        attach_control_policy(session, get_directory(session, OTHER), "no-roles", directory.root_id, now)
    status, answer = enrolled.assume()
    assert (status, answer["Reason"]) == (403, "TrustPolicyDenied")


@pytest.mark.parametrize("seconds", ["899", "3601", "43201", "-1", "1e3", "9" * 20])
def test_duration__beyond_the_role__refused(enrolled: InstancePlace, seconds: str) -> None:
    status, answer = enrolled.assume(DurationSeconds=seconds)
    assert 400 <= status < 500, answer
    if seconds.isdigit() and len(seconds) < 9:
        assert enrolled.code(duration=int(seconds)) == "ParameterInvalid"


def test_garbage__in_any_place__refused_and_never_a_fault(enrolled: InstancePlace) -> None:
    for name in ("InstanceArn", "SignedAt", "Nonce", "InstanceSignature", "DurationSeconds"):
        for value in ("", "\x00", "a\nb", "\xed\xa0\x80", "x" * 5000, "acs:ram::1234567890123456:role/app"):
            if (name, value) == ("DurationSeconds", ""):
                continue  # as if it was not there
            status, answer = enrolled.call("AssumeInstanceRole", **{**enrolled.asked(), name: value})
            assert 400 <= status < 500, (name, value, answer)
    assert enrolled.assume()[0] == 200


def test_receipts__say_who_and_which__and_hold_no_secret(enrolled: InstancePlace) -> None:
    status, answer = enrolled.assume()
    assert status == 200
    with enrolled.store.reading() as session:
        rows = session.scalars(select(ReceiptRow).where(ReceiptRow.account_id == ACCOUNT)).all()
        kept = "".join(f"{row.kind}{row.details}{row.principal_arn}" for row in rows)
        instance = get_instance(session, ACCOUNT, "web-1")
        assert instance.token_hash is None
        assert instance.credentials_at == enrolled.clock.now()
    assert "AssumeInstanceRole" in kept
    assert enrolled.arn in kept
    for secret in (enrolled.token, answer["Credentials"]["AccessKeySecret"], answer["Credentials"]["SecurityToken"]):
        assert secret not in kept
