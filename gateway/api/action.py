"""What an operation is: one frozen row. The pipeline runs every row through the same phases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from gateway.api.call import ApiCall
from gateway.api.errors import FederatedCaller
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.audit.receipts import Receipt
from gateway.client import Client
from gateway.identity import VerifiedIdentity
from gateway.principal import Principal
from gateway.services import Services

P = TypeVar("P")


class Auth(StrEnum):
    SIGNED = "Signed"
    ANONYMOUS = "Anonymous"  # the operation proves the caller by a parameter; signatures are not looked at


@dataclass(frozen=True, slots=True)
class Work:
    """What `perform` works with: one request, one database transaction."""

    services: Services
    session: Session
    call: ApiCall
    client: Client
    now: datetime
    principal: Principal | None  # None only where the operation is anonymous
    identity: VerifiedIdentity | None = None  # what `identify` of an anonymous operation found

    @property
    def caller(self) -> Principal:
        """Who signed the call."""
        assert self.principal is not None, "an anonymous operation has no caller"
        return self.principal

    @property
    def vouched(self) -> VerifiedIdentity:
        """Whom an identity provider vouched for."""
        assert self.identity is not None, "the operation identifies nobody"
        return self.identity


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fields of the answer, and what is to be remembered; None where nothing changed and nothing was granted."""

    answer: Mapping[str, Value]
    receipt: Receipt | None = None


def no_resources(_request: object, _caller: Principal) -> tuple[str, ...]:
    return ()


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
    resources: Callable[[P, Principal], tuple[str, ...]] = no_resources  # each of them must be allowed
    federated: Callable[[P], FederatedCaller | None] = nobody  # how a refusal names an anonymous caller
    # Verifies the parameter that stands for a signature, in a session that only reads; what it relied on is owed
    # another look in `perform`.
    identify: Callable[[Services, Session, P, datetime], VerifiedIdentity] | None = None


AnyAction = Action[Any]
