"""About whom a resource service may ask: the principals of its own account; those of all, where it is registered so."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gateway.directory.authorization import Authorizer
from gateway.errors import Denied, Reason
from gateway.guard.questions import Question
from gateway.principal import AccountOwner, Principal, RamUser
from gateway.store.reading import Reading


@dataclass(frozen=True, slots=True)
class Reach:
    """`find_codes` gives the services that it may ask about in other accounts, and is asked only where that matters.

    None is for a service in our own process: it holds the keys of the database and needs no leave.
    """

    account_id: str
    find_codes: Callable[[], frozenset[str]] | None


EVERYWHERE = Reach("", None)


def reach_of(source: Session | Reading, authorizer: Authorizer, service: Principal) -> Reach:
    """How far the caller of the API may ask. No owner of an account is a service of others."""
    if isinstance(service, AccountOwner):
        return Reach(service.account_id, frozenset)
    own_id = service.user_id if isinstance(service, RamUser) else service.role_id
    return Reach(service.account_id, lambda: authorizer.services_of(source, service.account_id, own_id))


def check_reach(reach: Reach, account_id: str, question: Question | None) -> None:
    """Refuse a question about a principal of an account that is out of reach; None asks no more than who it is.

    Says the same whether or not there is such an account. Raises: Denied(ACCESS_DENIED).
    """
    if account_id == reach.account_id or reach.find_codes is None:
        return
    codes = reach.find_codes()
    asked = set() if question is None else {question.service, question.resource_service}
    if not codes or not asked <= codes:
        message = "you are not authorized to do this action"
        raise Denied(Reason.ACCESS_DENIED, message, None, f"a service of {reach.account_id} asked about {account_id}")
