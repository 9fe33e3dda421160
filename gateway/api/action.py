"""What an operation is: one frozen row. The pipeline runs every row through the same phases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from gateway.api.call import ApiCall
from gateway.api.errors import FederatedCaller
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.audit.decisions import DecisionRecord
from gateway.audit.receipts import Detail, Receipt
from gateway.client import Client
from gateway.identity import VerifiedIdentity
from gateway.login_verdict import LoginVerdict
from gateway.principal import Principal
from gateway.services import Services
from gateway.store.reading import Reading
from gateway.sts.token import SessionToken

P = TypeVar("P")
Made = TypeVar("Made")


class Auth(StrEnum):
    SIGNED = "Signed"
    ANONYMOUS = "Anonymous"  # the operation proves the caller by a parameter; signatures are not looked at


@dataclass(frozen=True, slots=True)
class Target:
    """One resource that a call acts on, as policies name it, with the tags that `acs:ResourceTag/<key>` reads.

    `facts` are condition keys of the operation's own, such as `ram:ServiceName`. Where such a key would have several
    values there are several targets with one value each: all of them must be allowed, and any can be denied.
    """

    arn: str
    tags: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """What the phases after authentication work with: one request, one database transaction."""

    services: Services
    source: Session | Reading  # for statements of the hot path
    call: ApiCall
    client: Client
    now: datetime
    principal: Principal | None  # None only where the operation is anonymous
    token: SessionToken | None = None  # the security token that the call came with
    access_key_id: str | None = None  # what it was signed with
    prepared: object = None  # what `prepare` of the operation made
    # Decisions that the operation itself took, about whomever: kept with those about the call, before it is answered.
    rulings: list[DecisionRecord] = field(default_factory=list)

    @property
    def session(self) -> Session:
        """The transaction as the ORM sees it. In a reading it is made when it is first asked for."""
        return self.source if isinstance(self.source, Session) else self.source.session

    @property
    def caller(self) -> Principal:
        """Who signed the call. Raises: TypeError in an anonymous operation, which must not ask."""
        if self.principal is None:
            raise TypeError("an anonymous operation has no caller")
        return self.principal

    @property
    def account_id(self) -> str:
        """The caller's account: the only one that its calls can see or change."""
        return self.caller.account_id

    @property
    def vouched(self) -> VerifiedIdentity:
        """Whom an identity provider vouched for."""
        return self.made(VerifiedIdentity)

    def made(self, kind: type[Made]) -> Made:
        """What `prepare` of the operation made. Raises: TypeError where that is something else: nobody gets by."""
        if not isinstance(self.prepared, kind):
            raise TypeError(f"the operation prepared no {kind.__name__}")
        return self.prepared


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fields of the answer, and what is to be remembered.

    A call that changes something leaves a receipt in any case: who, what, on which targets, allowed by which statement.
    `details` adds to it; `receipt` replaces it; `also` is what other accounts are to remember.
    """

    answer: Mapping[str, Value] = field(default_factory=dict)
    details: Mapping[str, Detail] = field(default_factory=dict)
    receipt: Receipt | None = None
    also: tuple[Receipt, ...] = ()


def no_targets(_work: Work, _request: object) -> tuple[Target, ...]:
    return ()


def no_tags(_request: object) -> Mapping[str, str]:
    return {}


def no_context(_request: object) -> Mapping[str, tuple[str, ...]]:
    return {}


def never(_work: Work, _request: object) -> bool:
    return False


def nobody(_request: object) -> FederatedCaller | None:
    return None


@dataclass(frozen=True, slots=True)
class Action(Generic[P]):
    """One operation. Names are not unique over versions: the key is (version, name)."""

    name: str
    version: str
    auth: Auth
    parse: Callable[[Parameters], P]  # texts to a typed request; InputError for anything else
    perform: Callable[[Work, P], Outcome]
    permission: str = ""  # the action that a policy must allow; empty where none is needed
    # Each of them must be allowed. May look things up, and must not say whether a thing exists: what can't be found is
    # named as the caller named it.
    targets: Callable[[Work, P], tuple[Target, ...]] = no_targets
    request_tags: Callable[[P], Mapping[str, str]] = no_tags  # what `acs:RequestTag/<key>` reads
    context: Callable[[P], Mapping[str, tuple[str, ...]]] = no_context  # further condition keys, of this operation
    # Whether the caller acts on itself where its account lets it: then no policy has to allow it, but one can deny it.
    on_itself: Callable[[Work, P], bool] = never
    reads: bool = False  # changes nothing: runs in a session that can only read, and leaves no receipt
    # Hands out what lives by itself and changes nothing in the directory: performed like a read; then the nonce and the
    # receipt are committed, and only then is it handed out.
    grants: bool = False
    federated: Callable[[P], FederatedCaller | None] = nobody  # how a refusal names an anonymous caller
    # What takes long, and what an anonymous call proves itself with: done before the write transaction, in a session
    # that only reads, after authentication and authorization. What it relied on is owed another look in `perform`.
    prepare: Callable[[Work, P], object] | None = None
    # What became of each check of what an identity provider said, for the record of a refusal; nobody gets in by it.
    judge: Callable[[P, Services, datetime], LoginVerdict] | None = None


AnyAction = Action[Any]


def ram_action(
    name: str,
    version: str,
    parse: Callable[[Parameters], P],
    perform: Callable[[Work, P], Outcome],
    targets: Callable[[Work, P], tuple[Target, ...]],
    *,
    request_tags: Callable[[P], Mapping[str, str]] = no_tags,
    on_itself: Callable[[Work, P], bool] = never,
    reads: bool = False,
    prepare: Callable[[Work, P], object] | None = None,
) -> Action[P]:
    """A signed operation that policies allow as `ram:<name>`, whatever product has it. Rule: policy-language §2."""
    return Action(
        name,
        version,
        Auth.SIGNED,
        parse,
        perform,
        f"ram:{name}",
        targets,
        request_tags=request_tags,
        on_itself=on_itself,
        reads=reads,
        prepare=prepare,
    )
