"""A call as far as it came, for what is remembered of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.api.call import ApiCall
from gateway.api.errors import FederatedCaller
from gateway.audit.decisions import DecisionRecord
from gateway.client import Client
from gateway.login_verdict import LoginVerdict
from gateway.policy import Decision
from gateway.principal import Principal
from gateway.services import Services

Judge = Callable[[Services, datetime], LoginVerdict]


@dataclass(slots=True)
class Asked:
    """`decisions` are those of the targets, `rulings` what it asked for about somebody; `judge` says what became of
    each check of what an identity provider said.
    """

    operation: str
    request_id: str
    client: Client
    caller: Principal | FederatedCaller | None = None
    decisions: tuple[Decision, ...] = field(default=())
    rulings: list[DecisionRecord] = field(default_factory=list)
    call: ApiCall | None = None
    proven: bool = False  # the caller signed it, and it is no copy
    judge: Judge | None = None
