"""A dry login from its message to its trace: judged, mapped, reported and written down; nobody is signed in.

The sealed answer of a test holds the report, and of a SAML login the message, for the attacks. No Flask in here.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.asking import Asked, dump_asked, load_asked
from gateway.directory.connection_tests import ConnectionTest, catch_answer
from gateway.directory.login_traces import Evidence, NewTrace, TraceKind, keep_trace
from gateway.directory.trace_body import dump_body, redacted_body
from gateway.errors import AuthenticationError, GatewayError, Reason
from gateway.federation.dry_login import DryLogin, try_oidc_login, try_role_login, try_user_login
from gateway.federation.facts import Occasion
from gateway.identity import VerifiedIdentity
from gateway.login_verdict import LoginVerdict, Outcome
from gateway.saml.checks import Check
from gateway.saml.expectation import Expectation
from gateway.saml.verdict import judge_response
from gateway.services import Services
from gateway.web.connection import SamlConnection
from gateway.web.connection_report import (
    ConnectionReport,
    dump_report,
    load_report,
    report_of,
    sealed_report_of,
)
from gateway.web.oidc_trail import OidcTrail

TEST_CONSUMER = "test"


@dataclass(frozen=True, slots=True)
class SamlAnswer:
    """A response that a test caught, and what it answers."""

    message: str = field(repr=False)
    in_response_to: str | None
    asked: Asked
    at: datetime  # when it came: it is judged as of then, however late somebody looks

    def expectation(self, connection: SamlConnection) -> Expectation:
        return replace(connection.expecting(self.in_response_to), asked=self.asked)


@dataclass(frozen=True, slots=True)
class Caught:
    report: ConnectionReport
    answer: SamlAnswer | None  # None for OpenID Connect


def try_saml(services: Services, connection: SamlConnection, answer: SamlAnswer, occasion: Occasion) -> "Tried":
    """Judge a response under one provider, and see what would come of it.

    Anybody's response can be brought to a test, and the gateway can read those that are encrypted for it, for whatever
    account. So of an encrypted one nothing is told unless the account's own provider made it for this account: as an
    answer to the test's own request, or, by user SSO, for the account's own audience.
    """
    verdict = judge_response(answer.message, answer.expectation(connection), answer.at)
    if _is_encrypted(verdict) and not _is_for_account(verdict, connection, answer):
        return Tried(verdict, sealed_report_of(verdict), answer)
    dry: DryLogin | None = None
    if verdict.identity is not None:
        with services.store.reading() as session:
            dry = _dry_saml(session, services, connection, verdict.identity, occasion)
    return Tried(verdict, report_of(verdict, dry), answer)


def _is_encrypted(verdict: LoginVerdict) -> bool:
    return any(
        result.check == Check.DECRYPTION and result.outcome is not Outcome.NOT_APPLICABLE for result in verdict.results
    )


def _is_for_account(verdict: LoginVerdict, connection: SamlConnection, answer: SamlAnswer) -> bool:
    passed = {result.check for result in verdict.results if result.outcome is Outcome.PASSED}
    asked = answer.in_response_to is not None and Check.IN_RESPONSE_TO in passed
    return verdict.proven and (asked or (connection.is_user_sso and Check.AUDIENCE in passed))


def try_oidc(services: Services, trail: OidcTrail, refused: GatewayError | None, occasion: Occasion) -> "Tried":
    """The same of a login at an OpenID Provider. `refused` is what stopped it, if something did."""
    verdict = trail.judge(occasion.now) or LoginVerdict((), (), proven=False)
    identity = trail.identity
    if refused is not None:
        public = refused.public + ("" if not refused.subject else f" ({refused.subject})")
        verdict = replace(verdict, identity=None, reason=refused.reason, public=public)
        return Tried(verdict, report_of(verdict, None, also=(public,)), None)
    if identity is None:
        raise AuthenticationError(Reason.LOGIN_NOT_PENDING, "This test did not come to its end. Start it again.")
    with services.store.reading() as session:
        dry = try_oidc_login(session, identity, suffix=services.domain_suffix, occasion=occasion)
    return Tried(verdict, report_of(verdict, dry), None)


@dataclass(frozen=True, slots=True)
class Tried:
    verdict: LoginVerdict
    report: ConnectionReport
    answer: SamlAnswer | None

    @property
    def personal(self) -> tuple[str, ...]:
        """What the trace must not keep."""
        said = tuple(value.text for each in self.verdict.said for value in each.values)
        identity = self.verdict.identity
        user = () if self.report.user is None else (self.report.user.name,)
        return (*said, *user) if identity is None else (identity.subject, *said, *user)


def keep_tried(session: Session, services: Services, test: ConnectionTest, tried: Tried, occasion: Occasion) -> bool:
    """Seal what was caught, and leave the trace; False, and nothing is written, if the test has its answer already."""
    if not catch_answer(
        session,
        services.ring,
        test.id,
        _dump(Caught(tried.report, tried.answer)),
        caught_by=occasion.request_id,
        now=occasion.now,
    ):
        return False
    report = tried.report
    body = redacted_body(tried.verdict, public=tried.verdict.public, notes=report.notes, personal=tried.personal)
    trace = NewTrace(
        request_id=occasion.request_id,
        account_id=test.account_id,
        provider_key=test.provider_key,
        kind=TraceKind.TEST,
        consumer=TEST_CONSUMER,
        evidence=Evidence.PROVEN if tried.verdict.proven else Evidence.BEGUN,
        reason=report.reason,
        body=dump_body(body),
        at=occasion.now,
    )
    keep_trace(session, trace)
    return True


def load_caught(payload: bytes) -> Caught:
    fields = json.loads(payload)
    answer = fields["answer"]
    return Caught(
        report=load_report(fields["report"]),
        answer=None
        if answer is None
        else SamlAnswer(
            message=answer["message"],
            in_response_to=answer["in_response_to"],
            asked=load_asked(answer["asked"]),
            at=datetime.fromisoformat(answer["at"]),
        ),
    )


def _dump(caught: Caught) -> bytes:
    answer = caught.answer
    written = None
    if answer is not None:
        written = {
            "message": answer.message,
            "in_response_to": answer.in_response_to,
            "asked": dump_asked(answer.asked),
            "at": answer.at.isoformat(),
        }
    return json.dumps({"report": dump_report(caught.report), "answer": written}).encode()


def _dry_saml(
    session: Session, services: Services, connection: SamlConnection, identity: VerifiedIdentity, occasion: Occasion
) -> DryLogin:
    if connection.is_user_sso:
        suffix = services.domain_suffix
        return try_user_login(session, identity, connection.account_id, suffix=suffix, occasion=occasion)
    return try_role_login(session, identity, connection.arn, occasion)
