"""May this principal do that? The one place where directory and policy engine meet.

Rule: policy-language §5.2.
"""

from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from threading import Lock

from sqlalchemy.orm import Session

from gateway.clock import Clock
from gateway.directory.policy_stamps import find_stamp
from gateway.directory.resource_groups import find_resource_group
from gateway.directory.resource_services import service_codes_of
from gateway.directory.rights import Rights, decide_by, load_rights
from gateway.errors import Denied, Reason
from gateway.policy import AccessRequest, Decision, Layers, compile_policies, decide
from gateway.principal import AccountOwner, Principal, RamUser, RoleSession
from gateway.store.reading import Reading

_PRINCIPAL_ARN = "acs:PrincipalARN"
_REMEMBERED_PRINCIPALS = 4096
_NO_POLICIES = compile_policies(())


class Authorizer:
    """Decides. One per process, shared by its threads.

    Compiled policies are remembered per user and role until the account's policy stamp changes, or a membership that an
    identity provider claimed lapses. The stamp is read for every decision, so that a change counts at the next request
    on every worker.
    """

    def __init__(self, clock: Clock, remembered: int = _REMEMBERED_PRINCIPALS) -> None:
        self._clock = clock
        self._remembered = remembered
        self._rights: OrderedDict[tuple[str, str, str], Rights] = OrderedDict()
        self._codes: dict[tuple[str, str], tuple[int, frozenset[str]]] = {}
        self._lock = Lock()

    def decide(
        self,
        source: Session | Reading,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, tuple[str, ...]],
    ) -> Decision:
        """Allow or deny, with the statement behind it. Reads the store, changes nothing.

        The account owner may do everything. A user has its own policies and those of its groups, a role session
        those of its role, narrowed by its session policy. A principal that is gone has no rights at all.
        `acs:PrincipalARN` is added here; one in `context` does not count.
        """
        return self._decide(source, principal, action, resource, context)[0]

    def require(
        self,
        source: Session | Reading,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, tuple[str, ...]],
    ) -> Decision:
        """As `decide`, but a denial is an error.

        Raises: Denied(ACCESS_DENIED), with the decision.
        """
        decision, exists = self._decide(source, principal, action, resource, context)
        if not decision.allowed:
            why = decision.explain() if exists else f"{principal.arn} does not exist any more"
            message = "you are not authorized to do this action"
            raise Denied(Reason.ACCESS_DENIED, message, decision, detail=why)
        return decision

    def services_of(self, source: Session | Reading, account_id: str, principal_id: str) -> frozenset[str]:
        """The services about which a user or role may ask in every account: see `resource_services`.

        Remembered until the account's policy stamp changes.
        """
        stamp, key = find_stamp(source, account_id), (account_id, principal_id)
        if stamp is None:
            return frozenset()
        known = self._codes.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        codes = service_codes_of(source, account_id, principal_id)
        with self._lock:
            if len(self._codes) >= self._remembered:
                self._codes.clear()
            self._codes[key] = stamp, codes
        return codes

    def _decide(
        self,
        source: Session | Reading,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, tuple[str, ...]],
    ) -> tuple[Decision, bool]:
        """The decision, and whether the principal exists."""
        stamp = find_stamp(source, principal.account_id)
        facts = {key: values for key, values in context.items() if key.lower() != _PRINCIPAL_ARN.lower()}
        facts[_PRINCIPAL_ARN] = (principal.arn,)
        if isinstance(principal, AccountOwner):
            layers = Layers(owner=stamp is not None, identity=_NO_POLICIES)
            return decide(AccessRequest(action, resource, facts), layers), stamp is not None
        rights = None if stamp is None else self._find_rights(source, principal, stamp)
        if rights is None:
            return decide(AccessRequest(action, resource, facts), Layers(identity=_NO_POLICIES)), False
        facts[_PRINCIPAL_ARN] = (rights.arn,)
        find_group = partial(find_resource_group, source, principal.account_id)
        return decide_by(rights, principal, AccessRequest(action, resource, facts), find_group), True

    def _find_rights(self, source: Session | Reading, principal: RamUser | RoleSession, stamp: int) -> Rights | None:
        key = (
            ("User", principal.account_id, principal.user_id)
            if isinstance(principal, RamUser)
            else ("Role", principal.account_id, principal.role_id)
        )
        with self._lock:
            known = self._rights.get(key)
            if known is not None and known.stamp == stamp and (known.until is None or self._clock.now() < known.until):
                self._rights.move_to_end(key)
                return known
        session = source.session if isinstance(source, Reading) else source
        rights = load_rights(session, principal, stamp, self._clock.now())
        with self._lock:
            self._rights.pop(key, None)
            if rights is not None:
                self._rights[key] = rights
            while len(self._rights) > self._remembered:
                self._rights.popitem(last=False)
        return rights
