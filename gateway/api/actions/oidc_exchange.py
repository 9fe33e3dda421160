"""AssumeRoleWithOIDC: an ID token becomes credentials of a role. Rule: sts-contract §2.3, §6.4; sso-contract §3.2."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.api.action import Action, AnyAction, Auth, Outcome, Work
from gateway.api.errors import FederatedCaller
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.api.role_credentials import arn_parameter, credentials_answer, exchange_receipt
from gateway.api.versions import STS
from gateway.arn import RamArn
from gateway.client import policy_context
from gateway.clock import wire_time
from gateway.directory.oidc_providers import OidcProvider, get_oidc_provider
from gateway.errors import InputError, OidcError, Reason
from gateway.federation.facts import Occasion
from gateway.federation.oidc_exchange import OidcExchange, Wanted, exchange_oidc_for_role
from gateway.identity import VerifiedIdentity
from gateway.login_verdict import LoginVerdict
from gateway.oidc.expectation import IdTokenExpectation
from gateway.oidc.id_token import verify_id_token
from gateway.oidc.key_cache import KnownProvider, check_fingerprints
from gateway.oidc.verdict import judge_id_token
from gateway.services import Services

_NAME = "AssumeRoleWithOIDC"
_LONGEST_TOKEN = 20_000
_LONGEST_SESSION_NAME = 64
_SESSION_NAME = re.compile(r"[A-Za-z0-9.@_-]{2,64}")
# What a token and a provider's documents can be refused for alike.
_OF_ANY_JSON = frozenset({Reason.OIDC_JSON, Reason.OIDC_DUPLICATE_MEMBER, Reason.OIDC_TOO_DEEP, Reason.OIDC_TOO_LARGE})


@dataclass(frozen=True, slots=True)
class OidcExchangeRequest:
    provider: RamArn
    role: RamArn
    token: str
    session_name: str
    policy: str | None
    duration_s: int | None


def parse_oidc_exchange(parameters: Parameters) -> OidcExchangeRequest:
    """Raises: InputError(PARAMETER_MISSING), InputError(ARN_MALFORMED), InputError(PARAMETER_INVALID)."""
    provider = arn_parameter(parameters, "OIDCProviderArn", "oidc-provider")
    session_name = parameters.text("RoleSessionName", max_length=_LONGEST_SESSION_NAME)
    if not _SESSION_NAME.fullmatch(session_name):
        message = "RoleSessionName must be 2 to 64 letters, digits and . @ - _"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="RoleSessionName")
    return OidcExchangeRequest(
        provider=provider,
        role=arn_parameter(parameters, "RoleArn", "role"),
        token=parameters.text("OIDCToken", max_length=_LONGEST_TOKEN),
        session_name=session_name,
        policy=parameters.optional_text("Policy"),
        duration_s=parameters.optional_integer("DurationSeconds"),
    )


def verify_token(work: Work, request: OidcExchangeRequest) -> VerifiedIdentity:
    """Verify the token with the keys of the named provider, and only those.

    Raises: NotFound, subject "OIDCProvider"; OidcError, UpstreamError. Rule: sso-contract §3.2.
    """
    provider = get_oidc_provider(work.session, request.provider.account_id, request.provider.name)
    work.session.close()  # a provider that answers slowly must not keep a connection to the database
    expectation = _expectation(provider, work.services)

    def verify(known: KnownProvider) -> VerifiedIdentity:
        check_fingerprints(known, provider.fingerprints)
        return verify_id_token(request.token, expectation, known.keys, work.services.clock.now())

    try:
        return work.services.oidc_providers.use(provider.issuer_url, verify)
    except OidcError as error:
        if error.reason in _OF_ANY_JSON and error.subject == provider.issuer_url:
            # Not the token is at fault: the message names the issuer instead.
            raise OidcError(error.reason, provider.issuer_url, error.detail, subject="Issuer") from error
        raise


def judge_token(request: OidcExchangeRequest, services: Services, now: datetime) -> LoginVerdict:
    """What became of each check, for the record of a refusal. Raises: NotFound, OidcError, UpstreamError."""
    with services.store.reading() as session:
        provider = get_oidc_provider(session, request.provider.account_id, request.provider.name)
    expectation = _expectation(provider, services)

    def judge(known: KnownProvider) -> LoginVerdict:
        check_fingerprints(known, provider.fingerprints)
        return judge_id_token(request.token, expectation, known.keys, now)

    return services.oidc_providers.use(provider.issuer_url, judge)


def _expectation(provider: OidcProvider, services: Services) -> IdTokenExpectation:
    return IdTokenExpectation(
        provider=provider.arn,
        issuer=provider.issuer_url,
        client_ids=provider.client_ids,
        issuance_limit=timedelta(hours=provider.issuance_limit_h),
        skew=services.skew,
    )


def assume_role_with_oidc(work: Work, request: OidcExchangeRequest) -> Outcome:
    """Give credentials of a role for the verified token, if the provider is still the one that verified it."""
    exchange = exchange_oidc_for_role(
        work.session,
        work.services.ring,
        identity=work.vouched,
        wanted=Wanted(request.role, request.session_name, request.duration_s, request.policy),
        occasion=Occasion(work.call.wire.request_id, work.now, policy_context(work.client, work.now)),
    )
    return Outcome(_answer(exchange), receipt=exchange_receipt(work, _NAME, exchange.grant))


def _answer(exchange: OidcExchange) -> dict[str, Value]:
    holder = exchange.grant.token.principal
    return {
        "AssumedRoleUser": {
            "AssumedRoleId": f"{holder.role_id}:{holder.session_name}",
            "Arn": f"acs:ram::{holder.account_id}:role/{holder.role_name.lower()}/{holder.session_name}",
        },
        "Credentials": credentials_answer(exchange.grant.credentials),
        "OIDCTokenInfo": {
            "Subject": exchange.subject,
            "Issuer": exchange.issuer,
            "ClientIds": ",".join(exchange.client_ids),
            "ExpirationTime": wire_time(exchange.expires_at),
            "IssuanceTime": wire_time(exchange.issued_at),
            "VerificationInfo": "Success",
        },
    }


def _oidc_caller(request: OidcExchangeRequest) -> FederatedCaller:
    return FederatedCaller(request.provider.account_id, f"oidc-provider/{request.provider.name}")


ACTIONS: tuple[AnyAction, ...] = (
    Action(
        _NAME,
        STS,
        Auth.ANONYMOUS,
        parse_oidc_exchange,
        assume_role_with_oidc,
        permission=f"sts:{_NAME}",
        federated=_oidc_caller,
        prepare=verify_token,
        judge=judge_token,
        grants=True,
    ),
)
