"""Abusing Authorize and VerifyRequest: facts that are not the service's to tell, borrowed signatures, other accounts."""

import base64
import hmac
import itertools
import json
from datetime import timedelta
from typing import Any

import pytest

from gateway.api.pipeline import run
from gateway.api.versions import RESOURCES
from gateway.audit.decisions import DecisionRecord, load
from gateway.audit.journal import read_file, waiting_files
from gateway.clock import wire_time
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.attachments import attach_policy, detach_policy
from gateway.directory.policies import create_policy
from gateway.directory.resource_services import register_service, remove_service
from gateway.directory.revocations import revoke
from gateway.directory.roles import create_role
from gateway.directory.users import create_user, get_user, update_user
from gateway.guard.signature_v1 import sign, string_to_sign
from gateway.keyring import KeyRing, new_master_key
from gateway.principal import RoleSession
from gateway.store.engine import Store
from gateway.sts.token import SessionToken, seal_token
from tests.fake_clock import FakeClock
from tests.in_process import bare_account, make_services, posted_form, signed_parameters
from tests.sessions import make_token

OURS, THEIRS = "1234567890123456", "6543210987654321"
BUCKET = f"acs:oss:*:{OURS}:photos/a"
MFA_ONLY = {
    "Effect": "Allow",
    "Action": "oss:*",
    "Resource": "*",
    "Condition": {"Bool": {"acs:MFAPresent": "true"}},
}
NOT_ALICE = {
    "Effect": "Allow",
    "Action": "log:*",
    "Resource": "*",
    "Condition": {"StringNotLike": {"acs:PrincipalARN": "*:user/alice"}},
}
BY_OTHER_KEY = {
    "Effect": "Allow",
    "Action": "ecs:*",
    "Resource": "*",
    "Condition": {"StringEquals": {"acs:AccessId": "LTAIother"}},
}


class Place:
    """Two accounts; `service` of ours may ask about everything at home; `alice` and `role` are asked about."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.ring = KeyRing((new_master_key(),))
        self.store, self.clock = store, clock
        self.services = make_services(store, clock, self.ring)
        self._nonces = itertools.count()
        self.keys: dict[str, NewAccessKey] = {}
        with store.transaction() as session:
            session.add_all([bare_account(OURS, "acme"), bare_account(THEIRS, "other")])
            session.flush()
            trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [f"acs:ram::{OURS}:root"]}}
            document = json.dumps({"Version": "1", "Statement": [trust]})
            self.role = create_role(session, OURS, "reader", trust_document=document, now=clock.now())
            statements = json.dumps({"Version": "1", "Statement": [MFA_ONLY, NOT_ALICE, BY_OTHER_KEY]})
            for account, name, policy in (
                (OURS, "service", "AdministratorAccess"),
                (OURS, "alice", ""),
                (THEIRS, "zoe", "AdministratorAccess"),
            ):
                user = create_user(session, account, name, now=clock.now())
                if policy:
                    attach_policy(session, account, "System", policy, user, clock.now())
                else:
                    create_policy(session, account, "odd", statements, now=clock.now())
                    attach_policy(session, account, "Custom", "odd", user, clock.now())
                    attach_policy(session, account, "Custom", "odd", self.role, clock.now())
                self.keys[name] = create_access_key(
                    session, self.ring, account_id=account, user_id=user.id, now=clock.now()
                )
        self.role_id = self.role.id

    def ask(self, action: str, **parameters: str) -> tuple[int, dict[str, Any]]:
        sent = signed_parameters(
            self.keys["service"],
            {"Action": action, "Version": RESOURCES, **parameters},
            nonce=f"n{next(self._nonces)}",
            now=self.clock.now(),
        )
        reply = run(posted_form(sent), self.services)
        return reply.status, json.loads(reply.body)

    def authorize(self, action: str = "oss:GetObject", **more: str) -> tuple[int, dict[str, Any]]:
        asked = {"RequestAction": action, "Resource": BUCKET.replace("oss", action.partition(":")[0])}
        named = {} if "PrincipalToken" in more else {"PrincipalArn": f"acs:ram::{OURS}:user/alice"}
        return self.ask("Authorize", **{**named, **asked, **more})

    def token(self, **changes: Any) -> SessionToken:
        made = make_token(role_id=self.role_id, issued_at=self.clock.now(), **changes)
        assert made.principal.account_id == OURS
        return made

    def forwarded(self, who: str, text: str, method: str = "HMAC-SHA1", **more: str) -> dict[str, str]:
        digest = hmac.digest(self.keys[who].secret.reveal().encode(), text.encode(), "sha1")
        return {
            "ClientAccessKeyId": self.keys[who].access_key_id,
            "ClientSignatureMethod": method,
            "StringToSign": text,
            "ClientSignature": base64.b64encode(digest).decode(),
            "SignedAt": wire_time(self.clock.now()),
            **more,
        }


@pytest.fixture
def place(store: Store, clock: FakeClock) -> Place:
    return Place(store, clock)


@pytest.fixture
def here(sqlite_store: Store, clock: FakeClock) -> Place:
    return Place(sqlite_store, clock)


@pytest.mark.parametrize(
    "context",
    [
        {"acs:MFAPresent": True},
        {"ACS:mfapresent": "true"},
        {"acs:MFAPre\u017fent": "true", "acs:MFAPresent": "true"},
        {"acs:PrincipalARN": "acs:ram::1:user/bob"},
        {"acs:CurrentTime": "2020-01-01T00:00:00Z"},
    ],
)
def test_context__facts_of_the_gateways_own__refused(here: Place, context: dict[str, object]) -> None:
    status, answer = here.authorize(Context=json.dumps(context))
    assert (status, answer["Code"]) == (400, "InvalidParameter.Context")


def test_context__letters_that_look_like_ours__count_for_nothing(here: Place) -> None:
    """A long s folds onto `s` in many languages, and a Kelvin sign onto `k`."""
    for key in ("acs:MFAPre\u017fent", "\uff41cs:MFAPresent", "a\u0441s:MFAPresent"):
        status, answer = here.authorize(Context=json.dumps({key: "true"}))
        assert status == 400 or not answer["Allowed"]


def test_principal__who_asks_for_somebody__is_decided_as_that_one(here: Place) -> None:
    """The service may do everything; alice may not, whatever the case of her name."""
    for name in ("alice", "ALICE"):
        status, answer = here.authorize("log:Get", PrincipalArn=f"acs:ram::{OURS}:user/{name}")
        assert (status, answer["Allowed"]) == (200, False)


def test_token__mfa_of_the_session__counts_and_cant_be_told(place: Place) -> None:
    plain, proved = (
        seal_token(place.ring, place.token()),
        seal_token(place.ring, _with_mfa(place.token(session_id="S2"))),
    )
    assert place.authorize(PrincipalToken=plain)[1]["Allowed"] is False
    assert place.authorize(PrincipalToken=proved)[1]["Allowed"] is True


def test_token__revoked_expired_or_of_another_account__refused(place: Place) -> None:
    token = _with_mfa(place.token())
    text = seal_token(place.ring, token)
    assert place.authorize(PrincipalToken=text)[1]["Allowed"] is True
    with place.store.transaction() as session:
        revoke(session, "session", token.session_id, place.clock.now())
    assert place.authorize(PrincipalToken=text)[1]["Code"] == "InvalidSecurityToken.Revoked"
    foreign = make_token(issued_at=place.clock.now())
    stranger = RoleSession(THEIRS, foreign.principal.role_id, "reader", "x")
    theirs = seal_token(place.ring, _replaced(foreign, principal=stranger, session_id="S9"))
    assert place.authorize(PrincipalToken=theirs)[1]["Code"] == "NoPermission"
    late = seal_token(place.ring, _with_mfa(place.token(session_id="S3")))
    place.clock.advance(3600)
    assert place.authorize(PrincipalToken=late)[1]["Code"] == "InvalidSecurityToken.Expired"


def test_token__session_of_a_deleted_role__has_no_rights(here: Place) -> None:
    ghost = make_token(role_id="300000000000000099", issued_at=here.clock.now())
    status, answer = here.authorize(PrincipalToken=seal_token(here.ring, _with_mfa(ghost)))
    assert (status, answer["Allowed"]) == (200, False)


def test_batch__one_question_out_of_reach__nothing_is_answered(here: Place) -> None:
    mine = {"PrincipalArn": f"acs:ram::{OURS}:user/alice", "RequestAction": "oss:A", "Resource": BUCKET}
    theirs = {**mine, "PrincipalArn": f"acs:ram::{THEIRS}:user/zoe"}
    status, answer = here.ask("AuthorizeBatch", Authorizations=json.dumps([mine, theirs]))
    assert (status, answer["Code"], "Results" in answer) == (403, "NoPermission", False)


def test_batch__refused_after_a_decision__what_was_decided_is_kept(here: Place) -> None:
    """Nobody learns what alice may do without a record of it, by making the call fail afterwards."""
    mine = {"PrincipalArn": f"acs:ram::{OURS}:user/alice", "RequestAction": "oss:A", "Resource": BUCKET}
    theirs = {**mine, "PrincipalArn": f"acs:ram::{THEIRS}:user/zoe"}
    assert here.ask("AuthorizeBatch", Authorizations=json.dumps([mine, theirs]))[0] == 403
    kept = [(each.principal_arn.rpartition("/")[2], each.operation, each.outcome) for each in _journal(here)]
    assert kept == [("alice", "Authorize", "ImplicitDeny"), ("service", "AuthorizeBatch", "Allow")]


def test_authorize__what_was_remembered__counts_no_longer_than_it_is_so(place: Place) -> None:
    """Each change is made between two calls of the same process: stamps, services and subjects are asked anew."""
    zoe = f"acs:ram::{THEIRS}:user/zoe"
    at_zoes = {"PrincipalArn": zoe, "Resource": f"acs:oss:*:{THEIRS}:photos/a"}
    service = f"acs:ram::{OURS}:user/service"
    now = place.clock.now()
    for _ in range(2):
        assert place.authorize(**at_zoes)[1]["Code"] == "NoPermission"
        with place.store.transaction() as session:
            register_service(session, service, ["oss"], now)
        assert place.authorize(**at_zoes)[1]["Allowed"] is True
        with place.store.transaction() as session:
            detach_policy(session, THEIRS, "System", "AdministratorAccess", get_user(session, THEIRS, "zoe"))
        assert place.authorize(**at_zoes)[1]["Allowed"] is False
        with place.store.transaction() as session:
            attach_policy(session, THEIRS, "System", "AdministratorAccess", get_user(session, THEIRS, "zoe"), now)
            remove_service(session, service)
    with place.store.transaction() as session:
        register_service(session, service, ["oss"], now)
        update_user(session, THEIRS, "zoe", new_name="zora", now=now)
        create_user(session, THEIRS, "zoe", now=now)
    assert place.authorize(**at_zoes)[1]["Allowed"] is False, "another one of the old name"
    assert place.authorize(**{**at_zoes, "PrincipalArn": zoe.replace("zoe", "zora")})[1]["Allowed"] is True


def test_verify__a_call_to_the_gateway_itself__is_no_other_signature(here: Place) -> None:
    """What alice signed for the gateway, by `secret&`, proves nothing as a signature by the secret alone."""
    text = string_to_sign("POST", {"Action": "DeleteUser", "UserName": "bob"})
    made = sign(here.keys["alice"].secret, text)
    sent = here.forwarded("alice", text, ClientSignature=made)
    assert here.ask("VerifyRequest", **sent)[1]["Code"] == "SignatureDoesNotMatch"
    plain = here.forwarded("alice", text)
    assert here.ask("VerifyRequest", **plain)[0] == 200
    as_rpc = {**plain, "ClientSignatureMethod": "RPC-HMAC-SHA1"}
    assert here.ask("VerifyRequest", **as_rpc)[1]["Code"] == "SignatureDoesNotMatch"


def test_verify__wrong_signature__says_as_little_as_the_api(here: Place) -> None:
    sent = here.forwarded("alice", "GET secret-text", ClientSignature="AAAA")
    status, answer = here.ask("VerifyRequest", **sent)
    assert (status, answer["Code"]) == (400, "SignatureDoesNotMatch")
    assert not {"Caller", "Decision"} & answer.keys()
    assert "alice" not in json.dumps(answer)
    assert "secret-text" not in answer["Message"]
    expected = sent | {"ClientSignature": here.forwarded("alice", "GET secret-text")["ClientSignature"]}
    assert expected["ClientSignature"] not in json.dumps(answer)


def test_verify__nonce__is_not_burned_by_who_may_not_ask(place: Place) -> None:
    asked = {"RequestAction": "oss:Get", "Resource": BUCKET}
    theirs = place.forwarded("zoe", "GET", ClientNonce="once")
    for _ in range(2):
        assert place.ask("VerifyRequest", **theirs, **asked)[1]["Code"] == "NoPermission"
    ours = place.forwarded("alice", "GET", ClientNonce="once")
    assert place.ask("VerifyRequest", **ours, **asked)[0] == 200
    assert place.ask("VerifyRequest", **ours, **asked)[1]["Code"] == "SignatureNonceUsed"
    place.clock.advance(60)  # signed anew with the same nonce
    again = place.forwarded("alice", "GET 2", ClientNonce="once")
    assert place.ask("VerifyRequest", **again, **asked)[1]["Code"] == "SignatureNonceUsed"


def test_verify__time__is_held_to_the_window(here: Place) -> None:
    for seconds, code in ((901, "InvalidTimeStamp.Expired"), (-901, "InvalidTimeStamp.Expired")):
        when = wire_time(here.clock.now() + timedelta(seconds=seconds))
        assert here.ask("VerifyRequest", **here.forwarded("alice", "GET", SignedAt=when))[1]["Code"] == code


def test_verify__access_id__is_the_keys_own(here: Place) -> None:
    """A policy about `acs:AccessId` is decided on the key that signed, whatever the service says."""
    asked = {"RequestAction": "ecs:Run", "Resource": BUCKET.replace("oss", "ecs")}
    for key in ("acs:AccessId", "ACS:ACCESSID"):
        told = json.dumps({key: "LTAIother"})
        answer = here.ask("VerifyRequest", **here.forwarded("alice", "GET"), **asked, Context=told)[1]
        assert answer["Decision"]["Outcome"] == "ImplicitDeny"
        (condition,) = answer["Decision"]["ConditionValues"]["ConditionValue"]
        assert condition["Seen"] == {"Value": [here.keys["alice"].access_key_id]}


def _with_mfa(token: SessionToken) -> SessionToken:
    return _replaced(token, mfa_present=True)


def _replaced(token: SessionToken, **changes: Any) -> SessionToken:
    from dataclasses import replace

    return replace(token, **changes)


def _journal(place: Place) -> list[DecisionRecord]:
    journal = place.store.stamps.journal
    journal.rotate()
    return [load(text) for path in waiting_files(journal.directory) for text in read_file(path, place.ring).entries]
