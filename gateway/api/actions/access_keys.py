"""Access keys on the wire: of users, of the account owner, and of whoever calls. Rule: ram-limits §1, §3, §10.

Without a name a RAM user acts on itself, and the account owner on its own keys, which no name leads to. Both versions
say the same; they differ in how they name a user, and in a field or two.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Work, ram_action
from gateway.api.key_holders import Holder, acts_on_itself, holder_targets, read_holder, user_id_of
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.api.versions import IMS, RAM
from gateway.clock import wire_time
from gateway.directory import access_keys as directory
from gateway.directory.access_keys import AccessKeyRow, AccessKeyStatus
from gateway.directory.recycled_keys import delete_access_key
from gateway.directory.security_preference import get_security_preference
from gateway.store.fleeting import LastUse

_LONGEST_KEY_ID = 64


@dataclass(frozen=True, slots=True)
class OneKey:
    holder: Holder
    access_key_id: str


@dataclass(frozen=True, slots=True)
class NewStatus:
    holder: Holder
    access_key_id: str
    status: str


def read_key(parameters: Parameters, version: str) -> OneKey:
    return OneKey(read_holder(parameters, version), parameters.text("UserAccessKeyId", max_length=_LONGEST_KEY_ID))


def _new_status(parameters: Parameters, version: str) -> NewStatus:
    key = read_key(parameters, version)
    return NewStatus(key.holder, key.access_key_id, parameters.choice("Status", tuple(AccessKeyStatus)))


def create_key(work: Work, holder: Holder) -> Outcome:
    """The only answer that ever holds the secret.

    Raises: NotFound, subject "User"; LimitExceeded, subject "User.AccessKey".
    """
    made = directory.create_access_key(
        work.session,
        work.services.ring,
        account_id=work.account_id,
        user_id=user_id_of(work, holder),
        now=work.now,
    )
    answer: dict[str, Value] = {
        "AccessKeyId": made.access_key_id,
        "AccessKeySecret": made.secret.reveal(),
        "Status": AccessKeyStatus.ACTIVE.value,
        "CreateDate": wire_time(work.now),
    }
    return Outcome({"AccessKey": answer}, details={"access_key_id": made.access_key_id})


def update_key(work: Work, change: NewStatus) -> Outcome:
    """Switch a key on or off, from the next call on.

    Raises: NotFound, subject "User" or "User.AccessKey".
    """
    directory.set_status(
        work.session,
        account_id=work.account_id,
        user_id=user_id_of(work, change.holder),
        access_key_id=change.access_key_id,
        status=change.status,
        now=work.now,
    )
    return Outcome(details={"access_key_id": change.access_key_id, "status": change.status})


def delete_key(work: Work, key: OneKey) -> Outcome:
    """A user's key goes to the recycle bin, the account owner's for good.

    Raises: NotFound, subject "User" or "User.AccessKey".
    """
    delete_access_key(
        work.session,
        account_id=work.account_id,
        user_id=user_id_of(work, key.holder),
        access_key_id=key.access_key_id,
        now=work.now,
    )
    return Outcome(details={"access_key_id": key.access_key_id})


def list_keys(work: Work, holder: Holder) -> Outcome:
    """A key that has gone unused for too long is listed as what it is: inactive.

    Raises: NotFound, subject "User".
    """
    rows = directory.list_access_keys(work.session, work.account_id, user_id_of(work, holder))
    uses = work.services.store.fleeting.last_uses_of([row.id for row in rows])
    max_idle_days = get_security_preference(work.session, work.account_id).max_idle_days_for_access_keys
    fields = [_listed(work, row, uses, max_idle_days, dated=holder.version == IMS) for row in rows]
    return Outcome({"AccessKeys": {"AccessKey": fields}})


def get_last_use(work: Work, key: OneKey) -> Outcome:
    """Of a key that was never used, nothing is said.

    Raises: NotFound, subject "User" or "User.AccessKey".
    """
    directory.get_access_key(work.session, work.account_id, user_id_of(work, key.holder), key.access_key_id)
    use = work.services.store.fleeting.last_use_of(key.access_key_id)
    if use is None:
        return Outcome({"AccessKeyLastUsed": {}})
    service = {"ServiceName": use.service} if key.holder.version == IMS else {}
    return Outcome({"AccessKeyLastUsed": {"LastUsedDate": wire_time(use.at), **service}})


def _listed(
    work: Work, row: AccessKeyRow, uses: Mapping[str, LastUse], max_idle_days: int, *, dated: bool
) -> dict[str, Value]:
    idle = directory.is_idle(row.created_at, row.updated_at, uses.get(row.id), max_idle_days, work.now)
    changed = {"UpdateDate": wire_time(row.updated_at)} if dated else {}
    return {
        "AccessKeyId": row.id,
        "Status": AccessKeyStatus.INACTIVE.value if idle else row.status,
        "CreateDate": wire_time(row.created_at),
        **changed,
    }


def _itself(work: Work, request: Holder | OneKey | NewStatus) -> bool:
    """A user manages its own keys where its account lets it."""
    holder = request if isinstance(request, Holder) else request.holder
    return acts_on_itself(work, holder) and (
        get_security_preference(work.session, work.account_id).allow_user_to_manage_access_keys
    )


def _actions(version: str) -> tuple[AnyAction, ...]:
    def action(
        name: str, parse: Callable[[Parameters, str], object], perform: Callable[..., Outcome], *, reads: bool = False
    ) -> AnyAction:
        return ram_action(
            name,
            version,
            lambda parameters: parse(parameters, version),
            perform,
            holder_targets,
            on_itself=_itself,
            reads=reads,
        )

    return (
        action("CreateAccessKey", read_holder, create_key),
        action("UpdateAccessKey", _new_status, update_key),
        action("DeleteAccessKey", read_key, delete_key),
        action("ListAccessKeys", read_holder, list_keys, reads=True),
        action("GetAccessKeyLastUsed", read_key, get_last_use, reads=True),
    )


ACTIONS: tuple[AnyAction, ...] = (*_actions(RAM), *_actions(IMS))
