"""Stepping up: a role that asks for a second factor sends the person back to the identity provider for it, once.

The role, and who the person is, wait with the pending login. What comes back is a login of its own: nothing of the
first one goes into the session, and a person who proves no second factor, or is another one, gets none.
"""

from collections.abc import Collection
from dataclasses import dataclass

from gateway.errors import AuthenticationError, Reason
from gateway.federation.aims import Aim, person_mark
from gateway.federation.assurance import assurance_of
from gateway.federation.facts import LoginFacts
from gateway.federation.vouching import Voucher

_TRANSIENT = "transient"


@dataclass(frozen=True, slots=True)
class StepUp:
    """The person has to go back to this provider before the role can be taken."""

    provider_key: str  # see `directory.provider_keys`
    aim: Aim
    target: str  # where the browser goes afterwards; checked by the edge


@dataclass(frozen=True, slots=True)
class Solicited:
    """What a login that was begun here was begun for."""

    provider_arn: str  # that was asked
    aim: Aim
    stepping_up: bool


def why_no_step_up(facts: LoginFacts, voucher: Voucher) -> str:
    """Why a provider can't be asked for a second factor, in words for the person; empty where it can."""
    return why_no_step_up_at(voucher.settings.second_factors, facts.subject_type)


def why_no_step_up_at(second_factors: Collection[str], subject_type: str) -> str:
    """The same of what counts as a second factor there, and of the short NameID format that the person is known by."""
    if not second_factors:
        return (
            "The role asks for a second factor, and nothing that your company's sign-in says counts as one. An "
            "administrator can enter which authentication contexts do, on the page of the identity provider."
        )
    if subject_type == _TRANSIENT:
        return (
            "The role asks for a second factor, and your company's sign-in calls you by another name each time, so "
            "that nobody can tell whether the same person comes back. An administrator can have it send a lasting "
            "name (NameID format)."
        )
    return ""


def step_up_for(
    facts: LoginFacts, voucher_arn: str, provider_key: str, *, role: tuple[str, str], target: str
) -> StepUp:
    """`role`: ARN and id."""
    mark = person_mark(facts.protocol, voucher_arn, facts.subject)
    return StepUp(provider_key, Aim(role[0], role[1], mark), target)


def check_stepped_up(solicited: Solicited, facts: LoginFacts, voucher: Voucher) -> None:
    """Hold an answer to a step-up to what it was begun for. One attempt is one request: a refusal begins no other.

    Raises: AuthenticationError(STEP_UP_OTHER_PERSON) unless the same subject of the same provider has come back,
    AuthenticationError(STEP_UP_UNPROVED) unless the answer says that a second factor was proved.
    """
    if person_mark(facts.protocol, voucher.arn, facts.subject) != solicited.aim.person:
        raise AuthenticationError(
            Reason.STEP_UP_OTHER_PERSON,
            "Somebody else came back from your company's sign-in than went there.",
            detail=f"subject {facts.subject!r:.200} of {voucher.arn} answers a step-up of another",
        )
    if not assurance_of(facts, voucher.settings.second_factors).second_factor:
        raise AuthenticationError(
            Reason.STEP_UP_UNPROVED,
            "Your company's sign-in was asked for a second factor, and answered without one.",
            detail=f"{voucher.arn} says {facts.authn_context!r:.200} {facts.methods!r:.200}; "
            f"{voucher.settings.second_factors!r:.300} would count",
        )
