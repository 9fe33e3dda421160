"""The phases, with an operation made for the test: what each lets through, and what a failure leaves behind."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select, text

from gateway.api.action import Action, AnyAction, Auth, Outcome, Target, Work
from gateway.api.actions.table import ACTIONS, find_action
from gateway.api.call import WireRequest
from gateway.api.parameters import Parameters
from gateway.api.pipeline import ApiReply, run
from gateway.api.signature_v1 import sign, string_to_sign
from gateway.audit.receipts import Receipt, list_receipts
from gateway.client import Client
from gateway.clock import wire_time
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.accounts import create_account
from gateway.directory.attachments import attach_policy
from gateway.directory.authorization import Authorizer
from gateway.directory.passwords import HashingLimit
from gateway.directory.policies import create_policy
from gateway.directory.revocations import revoke
from gateway.directory.roles import create_role
from gateway.directory.users import User, create_user
from gateway.errors import InputError, Reason, Throttled
from gateway.keyring import KeyRing, new_master_key
from gateway.oidc.key_cache import ProviderCache
from gateway.principal import RoleSession
from gateway.secret import Secret
from gateway.services import Services
from gateway.store.claims import OneTimeClaim
from gateway.store.engine import Store
from gateway.store.fleeting import LastUse
from gateway.store.fleeting_postgres import PostgresFleeting
from gateway.store.fleeting_sqlite import SqliteFleeting
from gateway.sts.token import SessionToken, seal_token
from tests.fake_clock import FakeClock
from tests.outbound import no_outbound
from tests.saml_factory import gateway_keys
from tests.sessions import make_provenance

VERSION = "2015-05-01"


@dataclass
class Stage:
    """A gateway with one user, and the operation `Probe` that needs `ram:Probe` on the resource it is given."""

    services: Services
    clock: FakeClock
    account_id: str
    user: User
    key: NewAccessKey
    steps: list[str] = field(default_factory=list)
    fault: Exception | None = None

    def action(self, auth: Auth = Auth.SIGNED) -> AnyAction:
        return Action(
            name="Probe",
            version=VERSION,
            auth=auth,
            parse=self._parse,
            perform=self._perform,
            permission="ram:Probe",
            targets=self._targets,
        )

    def reading_action(self) -> AnyAction:
        return replace(self.action(), name="Look", reads=True)

    def _parse(self, parameters: Parameters) -> str:
        self.steps.append("parse")
        return parameters.text("Target", max_length=64)

    def _targets(self, work: Work, request: str) -> tuple[Target, ...]:
        self.steps.append("authorize")
        users = f"acs:ram::{work.account_id}:user"
        return Target(f"{users}/{request}"), Target(f"{users}/*")

    def _perform(self, work: Work, request: str) -> Outcome:
        self.steps.append("perform")
        receipt = Receipt(
            at=work.now,
            request_id=work.call.wire.request_id,
            account_id=self.account_id,
            kind="Probe",
            principal_arn=work.principal.arn if work.principal else None,
            outcome="Allow",
        )
        if self.fault is not None:
            raise self.fault
        return Outcome({"Target": request}, receipt=receipt)

    def call(
        self,
        *,
        auth: Auth = Auth.SIGNED,
        key: NewAccessKey | None = None,
        nonce: str = "n",
        action: AnyAction | None = None,
        **parameters: str,
    ) -> ApiReply:
        key = key or self.key
        chosen = action or self.action(auth)
        signed = {
            "AccessKeyId": key.access_key_id,
            "Action": chosen.name,
            "Version": chosen.version,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": nonce,
            "Timestamp": wire_time(self.clock.now()),
            "Target": "bob",
            **parameters,
        }
        signed["Signature"] = sign(key.secret, string_to_sign("POST", signed))
        return self.send(signed, chosen)

    def send(self, parameters: Mapping[str, str], action: AnyAction) -> ApiReply:
        wire = WireRequest(
            request_id="REQUEST-1",
            method="POST",
            query_string=urlencode(parameters),
            headers={"host": "sso.example.com"},
            body=b"",
            client=Client("192.0.2.7", secure=True),
        )
        return run(wire, self.services, lambda _version, _name: action)

    def grant(self) -> None:
        with self.services.store.transaction() as session:
            attach_policy(session, self.account_id, "System", "AdministratorAccess", self.user, self.clock.now())

    def left_behind(self) -> tuple[int, int]:
        """Nonces and receipts."""
        with self.services.store.reading() as session:
            nonces = session.scalar(select(func.count()).select_from(OneTimeClaim)) or 0
            return nonces, len(list_receipts(session))


@pytest.fixture
def stage(store: Store, clock: FakeClock) -> Stage:
    ring = KeyRing((new_master_key(),))
    services = Services(
        store=store,
        ring=ring,
        clock=clock,
        authorizer=Authorizer(clock),
        hashing=HashingLimit(),
        sp_keys=gateway_keys(),
        base_url="https://sso.example.com",
        role_sso_urn="urn:alibaba:cloudcomputing",
        domain_suffix="onaliyun.com",
        relay_hosts=(),
        skew=timedelta(seconds=120),
        fetcher=no_outbound(),
        oidc_providers=ProviderCache(no_outbound(), clock),
        trusted_proxies=(),
    )
    with store.transaction() as session:
        account = create_account(
            session,
            alias="acme",
            display_name="Acme",
            owner_login="owner@acme.example",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=clock.now(),
        )
        user = create_user(session, account.id, "alice", now=clock.now())
        key = create_access_key(session, ring, account_id=account.id, user_id=user.id, now=clock.now())
    return Stage(services, clock, account.id, user, key)


def forget_nonces(store: Store) -> None:
    """What a power cut can do at its worst."""
    fleeting = store.fleeting
    if isinstance(fleeting, PostgresFleeting):
        with fleeting.engine.connect() as connection:
            connection.execute(text("DELETE FROM nonces"))
    else:
        assert isinstance(fleeting, SqliteFleeting)
        fleeting._open().execute("DELETE FROM nonces")


def body_of(reply: ApiReply) -> Any:
    return json.loads(reply.body)


def reason_of(reply: ApiReply) -> str:
    return str(body_of(reply)["Reason"])


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
    key, token = _session_key(stage)
    assert stage.call(key=key, SecurityToken=token).status == 200
    assert fleeting.last_use_of(key.access_key_id) is None


def test_run__throttled__says_how_long_to_wait(stage: Stage) -> None:
    stage.grant()
    stage.fault = Throttled(Reason.LOGIN_THROTTLED, "too often", retry_after_s=7)
    reply = stage.call()
    assert (reply.status, reply.retry_after_ms) == (429, 7000)
    stage.fault = None
    assert stage.call(nonce="2").retry_after_ms is None


def test_run__nonce_again__refused_until_its_time_is_over(stage: Stage) -> None:
    stage.grant()
    assert stage.call(nonce="once").status == 200
    assert reason_of(stage.call(nonce="once")) == "SignatureNonceUsed"
    assert reason_of(stage.call(nonce="once", Timestamp=wire_time(stage.clock.now() + timedelta(minutes=15)))) == (
        "SignatureNonceUsed"
    )


@pytest.mark.parametrize(("seconds", "status"), [(-901, 400), (-900, 200), (900, 200), (901, 400)])
def test_run__time__exact_window(stage: Stage, seconds: int, status: int) -> None:
    stage.grant()
    reply = stage.call(Timestamp=wire_time(stage.clock.now() + timedelta(seconds=seconds)))
    assert reply.status == status


def test_run__anonymous_operation__signature_is_not_looked_at(stage: Stage) -> None:
    reply = stage.call(auth=Auth.ANONYMOUS, key=NewAccessKey("LTAInobody", Secret("wrong")))
    assert reply.status == 200
    assert stage.steps == ["parse", "perform"]


def _session_key(stage: Stage, **changes: Any) -> tuple[NewAccessKey, str]:
    now = stage.clock.now()
    with stage.services.store.transaction() as session:
        trust = json.dumps(
            {
                "Version": "1",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "sts:AssumeRole",
                        "Principal": {"RAM": [f"acs:ram::{stage.account_id}:root"]},
                    }
                ],
            }
        )
        role = create_role(session, stage.account_id, "reader", trust_document=trust, now=now)
        attach_policy(session, stage.account_id, "System", "AdministratorAccess", role, now)
    token = SessionToken(
        session_id="SESSION-1",
        principal=RoleSession(stage.account_id, role.id, role.name, "alice", **changes),
        access_key_id="STS.key",
        secret=Secret("secret"),
        issued_at=now,
        expires_at=now + timedelta(seconds=900),
        provenance=make_provenance(),
    )
    return NewAccessKey(token.access_key_id, token.secret), seal_token(stage.services.ring, token)


def test_run__session_key__acts_as_the_role_until_it_expires(stage: Stage) -> None:
    key, token = _session_key(stage)
    assert stage.call(key=key, SecurityToken=token).status == 200
    stage.clock.advance(899)
    assert stage.call(key=key, SecurityToken=token, nonce="2").status == 200
    stage.clock.advance(1)
    assert reason_of(stage.call(key=key, SecurityToken=token, nonce="3")) == "TokenExpired"


def test_run__session_revoked__refused_at_once(stage: Stage) -> None:
    key, token = _session_key(stage)
    with stage.services.store.transaction() as session:
        revoke(session, "session", "SESSION-1", stage.clock.now())
    assert reason_of(stage.call(key=key, SecurityToken=token)) == "TokenRevoked"


def test_run__session_policy__narrows(stage: Stage) -> None:
    policy = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*"}]}'
    key, token = _session_key(stage, session_policy=policy)
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
