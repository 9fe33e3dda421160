"""Exchanges of an identity provider's word that were refused before any policy was asked: a record like that of a
company login, one in a minute for each provider and reason.

Providers that nobody registered leave next to nothing: strangers make up as many as they like.
"""

import logging
from collections.abc import Mapping
from datetime import datetime

from gateway.api.asked import Asked
from gateway.api.errors import FederatedCaller
from gateway.audit.receipts import LOGIN_REFUSED, Detail, Receipt, record
from gateway.audit.tally import Share, Tally, Told
from gateway.errors import GatewayError, NotFound, UpstreamError
from gateway.login_verdict import LoginVerdict, Outcome
from gateway.services import Services

MOST_OF_REASON = 60  # records an hour, for each provider and reason
MOST_OF_NOBODY = 60  # of providers that are not there, altogether
_PROVIDERS = frozenset({"SAMLProvider", "OIDCProvider"})


def remember_exchange(asked: Asked, caller: FederatedCaller, services: Services, error: GatewayError) -> None:
    """Record the refusal, or count it. Raises nothing: the refusal stands."""
    try:
        now = services.clock.now()
        known = not (isinstance(error, NotFound) and error.subject in _PROVIDERS)
        share = Share("exchange with nobody", MOST_OF_NOBODY)
        if known:
            share = Share(f"exchange {caller.account_id}:{caller.provider} {error.reason}", MOST_OF_REASON)
        tally: Tally = services.store.stamps.tally

        def write(told: Told) -> None:
            verdict = _verdict(asked, services, error, now) if known else None
            receipt = _receipt(asked, caller if known else None, error, verdict, told, now)
            with services.store.transaction() as session:
                record(session, receipt)

        tally.note(share, str(error.reason), now, write)
    except Exception:
        logging.getLogger("ramgate").exception("the refused exchange %s can't be recorded", asked.request_id)


def _verdict(asked: Asked, services: Services, error: GatewayError, now: datetime) -> LoginVerdict | None:
    """What became of each check; None where the provider could not be asked for its keys, or is gone by now."""
    if asked.judge is None or isinstance(error, UpstreamError):
        return None
    try:
        return asked.judge(services, now)
    except GatewayError:
        return None


def _receipt(  # noqa: PLR0917 - who asked for what, why not, and how often
    asked: Asked,
    caller: FederatedCaller | None,
    error: GatewayError,
    verdict: LoginVerdict | None,
    told: Told,
    now: datetime,
) -> Receipt:
    checks: Mapping[str, Detail] = {}
    if verdict is not None:
        passed = [each.check for each in verdict.results if each.outcome is Outcome.PASSED]
        checks = {"checks": passed, "failed_check": verdict.failed_check}
    return Receipt(
        at=now,
        request_id=asked.request_id,
        account_id=caller.account_id if caller else None,
        kind=LOGIN_REFUSED,
        principal_arn=None,
        outcome="Refused",
        reason=str(error.reason),
        details={
            "consumer": asked.operation,
            "provider_arn": f"acs:ram::{caller.account_id}:{caller.provider}" if caller else "",
            **checks,
            "client": asked.client.address,
            "times": told.times,
            "others": told.others,
        },
    )
