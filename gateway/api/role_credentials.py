"""What the ways to a role session have in common on the wire: the role's name coming in, the credentials going out."""

from gateway.api.action import Work
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.arn import RamArn, parse_ram_arn
from gateway.audit.receipts import Receipt
from gateway.clock import wire_time
from gateway.errors import InputError
from gateway.federation.facts import facts_of
from gateway.federation.receipts import grant_details, login_evidence
from gateway.sts.assume import RoleSessionGrant
from gateway.sts.credentials import Credentials

_LONGEST_ARN = 1024


def arn_parameter(parameters: Parameters, name: str, kind: str) -> RamArn:
    """Raises: InputError(ARN_MALFORMED) with the parameter as its subject, InputError(PARAMETER_MISSING)."""
    text = parameters.text(name, max_length=_LONGEST_ARN)
    try:
        return parse_ram_arn(text, kind)
    except InputError as error:
        raise InputError(error.reason, error.public, error.detail, subject=name) from error


def exchange_receipt(work: Work, kind: str, grant: RoleSessionGrant) -> Receipt:
    """What the role's account remembers of credentials that were given for a foreign token."""
    holder = grant.token.principal
    return Receipt(
        at=work.now,
        request_id=work.call.wire.request_id,
        account_id=holder.account_id,
        kind=kind,
        principal_arn=holder.arn,
        outcome=grant.decision.outcome.value,
        details=grant_details(grant) | login_evidence(facts_of(work.vouched)) | {"client": work.client.address},
    )


def credentials_answer(credentials: Credentials) -> dict[str, Value]:
    return {
        "AccessKeyId": credentials.access_key_id,
        "AccessKeySecret": credentials.access_key_secret.reveal(),
        "SecurityToken": credentials.security_token,
        "Expiration": wire_time(credentials.expiration),
    }
