"""AssumeRoleWithSAML: a response of an identity provider becomes credentials of a role. Rule: sts-contract §2.2."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.api.action import Action, AnyAction, Auth, Outcome, Work
from gateway.api.errors import FederatedCaller
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.api.role_credentials import arn_parameter, credentials_answer, exchange_receipt
from gateway.api.versions import STS
from gateway.arn import RamArn
from gateway.client import policy_context
from gateway.directory.saml_providers import SamlProvider, get_saml_provider, provider_certificates
from gateway.federation.exchange import SamlExchange, exchange_saml_for_role
from gateway.federation.facts import Occasion
from gateway.identity import VerifiedIdentity
from gateway.login_verdict import LoginVerdict
from gateway.saml.expectation import Expectation
from gateway.saml.response import verify_response
from gateway.saml.verdict import judge_response
from gateway.services import Services

_NAME = "AssumeRoleWithSAML"
_LONGEST_ASSERTION = 100_000


@dataclass(frozen=True, slots=True)
class SamlExchangeRequest:
    provider: RamArn
    role: RamArn
    assertion: str  # Base64 of the whole response
    policy: str | None
    duration_s: int | None


def parse_saml_exchange(parameters: Parameters) -> SamlExchangeRequest:
    """Raises: InputError(PARAMETER_MISSING), InputError(ARN_MALFORMED), InputError(PARAMETER_INVALID)."""
    assertion = parameters.text("SAMLAssertion", max_length=_LONGEST_ASSERTION)
    return SamlExchangeRequest(
        provider=arn_parameter(parameters, "SAMLProviderArn", "saml-provider"),
        role=arn_parameter(parameters, "RoleArn", "role"),
        assertion=assertion,
        policy=parameters.optional_text("Policy"),
        duration_s=parameters.optional_integer("DurationSeconds"),
    )


def verify_assertion(work: Work, request: SamlExchangeRequest) -> VerifiedIdentity:
    """Verify the response. Only the named provider's own certificates count. Rule: sts-contract §2.2."""
    provider = get_saml_provider(work.session, request.provider.account_id, request.provider.name)
    return verify_response(request.assertion, _expectation(work.session, work.services, provider), work.now)


def judge_assertion(request: SamlExchangeRequest, services: Services, now: datetime) -> LoginVerdict:
    """What became of each check, for the record of a refusal. Raises: NotFound where the provider is gone."""
    with services.store.reading() as session:
        provider = get_saml_provider(session, request.provider.account_id, request.provider.name)
        return judge_response(request.assertion, _expectation(session, services, provider), now)


def _expectation(session: Session, services: Services, provider: SamlProvider) -> Expectation:
    return services.role_sso_expectation(provider.entity_id, provider_certificates(session, provider))


def assume_role_with_saml(work: Work, request: SamlExchangeRequest) -> Outcome:
    """Give credentials of a role for the verified response, if the provider still vouches for it.

    Rule: sts-contract §2.2, §6.3.
    """
    provider = get_saml_provider(work.session, request.provider.account_id, request.provider.name)
    exchange = exchange_saml_for_role(
        work.session,
        work.services.ring,
        identity=work.vouched,
        provider=provider,
        role_arn=str(request.role),
        duration_s=request.duration_s,
        session_policy=request.policy,
        occasion=Occasion(work.call.wire.request_id, work.now, policy_context(work.client, work.now)),
    )
    return Outcome(_exchange_answer(exchange), receipt=exchange_receipt(work, _NAME, exchange.grant))


def _exchange_answer(exchange: SamlExchange) -> dict[str, Value]:
    holder = exchange.grant.token.principal
    return {
        "AssumedRoleUser": {
            "AssumedRoleId": f"{holder.role_id}:{holder.session_name}",
            # ASSUMPTION: the published example of this operation has `acs:sts`, others have `acs:ram`.
            "Arn": f"acs:sts::{holder.account_id}:assumed-role/{holder.role_name}/{holder.session_name}",
        },
        "Credentials": credentials_answer(exchange.grant.credentials),
        "SAMLAssertionInfo": {
            "SubjectType": exchange.subject_type,
            "Subject": exchange.subject,
            "Issuer": exchange.issuer,
            "Recipient": exchange.recipient,
        },
    }


def _saml_caller(request: SamlExchangeRequest) -> FederatedCaller:
    return FederatedCaller(request.provider.account_id, f"saml-provider/{request.provider.name}")


ACTIONS: tuple[AnyAction, ...] = (
    Action(
        _NAME,
        STS,
        Auth.ANONYMOUS,
        parse_saml_exchange,
        assume_role_with_saml,
        permission=f"sts:{_NAME}",
        federated=_saml_caller,
        prepare=verify_assertion,
        judge=judge_assertion,
    ),
)
