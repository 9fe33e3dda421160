"""Authorize and AuthorizeBatch, of our own version: may this principal do that? Asked by resource services.

A service asks by `ram:Authorize` on `acs:ram:*:<its account>:service/<code>`, the code being that of the action.
"""

from dataclasses import dataclass, field

from gateway.api.action import Action, AnyAction, Auth, Outcome, Target, Work
from gateway.api.parameters import Parameters, missing
from gateway.api.rulings import remember_ruling, ruling_fields, service_target
from gateway.api.versions import RESOURCES
from gateway.errors import InputError, Reason
from gateway.guard.proof import Caller
from gateway.guard.questions import (
    LONGEST_ACTION,
    LONGEST_RESOURCE,
    Question,
    check_context,
    load_json,
    read_context,
    read_question,
)
from gateway.guard.reach import Reach, check_reach, reach_of
from gateway.guard.ruling import Ruling, rule
from gateway.guard.subjects import LONGEST_ARN, find_subject, open_subject, read_subject
from gateway.policy.trusted import RamPrincipal
from gateway.sts.token import MAX_TEXT_LENGTH

_MOST = 100
_LIST = "Authorizations"
_MEMBERS = frozenset({"PrincipalArn", "PrincipalToken", "RequestAction", "Resource", "Context"})


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a question is about. INVARIANT: exactly one of the two."""

    named: RamPrincipal | None
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    subject: Subject
    question: Question


def authorize(work: Work, asked: Asked) -> Outcome:
    """Raises: as `_subject_of`."""
    return Outcome(ruling_fields(_Asking(work).answer(asked)))


def authorize_batch(work: Work, batch: tuple[Asked, ...]) -> Outcome:
    """In the order of the questions, on one snapshot. One that can't be answered is the end of all.

    Raises: as `_subject_of`.
    """
    asking = _Asking(work)
    return Outcome({"Results": {"Result": [ruling_fields(asking.answer(asked)) for asked in batch]}})


class _Asking:
    """The questions of one call: each principal is looked up once."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._reach: Reach = reach_of(work.source, work.services.authorizer, work.caller)
        self._known: dict[Subject, Caller] = {}

    def answer(self, asked: Asked) -> Ruling:
        subject, work = asked.subject, self._work
        if subject.named is not None:  # before anything is looked up: nobody learns who exists elsewhere
            check_reach(self._reach, subject.named.account_id, asked.question)
        caller = self._known.get(subject)
        if caller is None:
            caller = self._known[subject] = _subject_of(work, subject)
        check_reach(self._reach, caller.principal.account_id, asked.question)
        ruling = rule(work.source, work.services.authorizer, caller, asked.question, work.now)
        remember_ruling(work, "Authorize", caller.principal, ruling)
        return ruling


def _subject_of(work: Work, subject: Subject) -> Caller:
    """Raises: NotFound, subject "User" or "Account"; CredentialError of a token that is not live."""
    if subject.named is not None:
        return find_subject(work.source, subject.named)
    assert subject.token is not None
    return open_subject(work.source, work.services.ring, subject.token, work.now)


def _asked(parameters: Parameters) -> Asked:
    arn = parameters.optional_text("PrincipalArn", max_length=LONGEST_ARN)
    token = parameters.optional_text("PrincipalToken", max_length=MAX_TEXT_LENGTH)
    subject = _subject(arn, token, "PrincipalArn")
    context = read_context(parameters.optional_text("Context"))
    action = parameters.text("RequestAction", max_length=LONGEST_ACTION)
    return Asked(subject, read_question(action, parameters.text("Resource", max_length=LONGEST_RESOURCE), context))


def _batch(parameters: Parameters) -> tuple[Asked, ...]:
    """Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID), subject "Authorizations"."""
    text = parameters.optional_text(_LIST)
    if text is None:
        raise missing(_LIST)
    try:
        items = load_json(text)
    except ValueError:
        raise _not_a_list("it is not JSON with each member once") from None
    if not isinstance(items, list) or not 0 < len(items) <= _MOST:
        raise _not_a_list(f"it is a list of 1 to {_MOST} questions")
    return tuple(_one_of_many(item, number) for number, item in enumerate(items))


def _one_of_many(item: object, number: int) -> Asked:
    """Raises: InputError with the number of the question in its public text."""
    if not isinstance(item, dict) or not set(item) <= _MEMBERS:
        raise _not_a_list(f"question {number} has members besides {', '.join(sorted(_MEMBERS))}, or is no object")
    context = {} if item.get("Context") is None else item["Context"]
    texts = {name: item[name] for name in _MEMBERS - {"Context"} if item.get(name) is not None}
    if not isinstance(context, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise _not_a_list(f"question {number} has a member of the wrong type")
    for name in ("RequestAction", "Resource"):
        if not texts.get(name):
            raise missing(f"{_LIST}.{number}.{name}")
    subject = _subject(texts.get("PrincipalArn"), texts.get("PrincipalToken"), f"{_LIST}.{number}.PrincipalArn")
    return Asked(subject, read_question(texts["RequestAction"], texts["Resource"], check_context(context)))


def _subject(arn: str | None, token: str | None, parameter: str) -> Subject:
    if (arn is None) is (token is None):
        if arn is None:
            raise missing(parameter)
        message = "a principal is named by its ARN or by its token, not by both"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="PrincipalArn")
    return Subject(None if arn is None else read_subject(arn), token)


def _not_a_list(message: str) -> InputError:
    return InputError(Reason.PARAMETER_INVALID, f"`{_LIST}`: {message}", subject=_LIST)


def _targets(work: Work, asked: Asked) -> tuple[Target, ...]:
    return (service_target(work, asked.question.service),)


def _targets_of_all(work: Work, batch: tuple[Asked, ...]) -> tuple[Target, ...]:
    return tuple(service_target(work, code) for code in dict.fromkeys(asked.question.service for asked in batch))


_PERMISSION = "ram:Authorize"
ACTIONS: tuple[AnyAction, ...] = (
    Action("Authorize", RESOURCES, Auth.SIGNED, _asked, authorize, _PERMISSION, _targets, reads=True),
    Action("AuthorizeBatch", RESOURCES, Auth.SIGNED, _batch, authorize_batch, _PERMISSION, _targets_of_all, reads=True),
)
