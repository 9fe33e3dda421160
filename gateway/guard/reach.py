"""About whom a resource service may ask: the principals of its own account; those of all, where it is registered so."""

from dataclasses import dataclass

from gateway.directory.resource_services import service_codes_of
from gateway.errors import Denied, Reason
from gateway.guard.questions import Question
from gateway.principal import AccountOwner, Principal, RamUser
from gateway.store.direct import Source


@dataclass(frozen=True, slots=True)
class Reach:
    """`codes` are the services that it may ask about in other accounts; None: whatever it likes, in every account.

    None is for a service in our own process: it holds the keys of the database and needs no leave.
    """

    account_id: str
    codes: frozenset[str] | None = frozenset()


EVERYWHERE = Reach("", None)


def reach_of(source: Source, service: Principal) -> Reach:
    """How far the caller of the API may ask. One query below the ORM; none for the owner of an account."""
    if isinstance(service, AccountOwner):
        return Reach(service.account_id)
    own_id = service.user_id if isinstance(service, RamUser) else service.role_id
    return Reach(service.account_id, service_codes_of(source, service.account_id, own_id))


def check_reach(reach: Reach, account_id: str, question: Question | None) -> None:
    """Refuse a question about a principal of an account that is out of reach; None asks no more than who it is.

    Says the same whether or not there is such an account. Raises: Denied(ACCESS_DENIED).
    """
    if account_id == reach.account_id or reach.codes is None:
        return
    asked = set() if question is None else {question.service, question.resource_service}
    if not reach.codes or not asked <= reach.codes:
        message = "you are not authorized to do this action"
        raise Denied(Reason.ACCESS_DENIED, message, None, f"a service of {reach.account_id} asked about {account_id}")
