"""Calls that named a key or a token of somebody, and did not prove to be theirs, or came too late or twice: whoever has
the key asks about these most. One a minute for each key and reason leaves a decision that no policy was asked for.

A key that nobody has leaves nothing: strangers make up as many as they like.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from gateway.audit.decisions import NO_POLICY, REFUSED, UNPROVEN, DecisionRecord, record_decision, who_is
from gateway.audit.tally import Share, Tally, Told
from gateway.directory.access_keys import find_access_key
from gateway.directory.names import is_storable
from gateway.errors import CredentialError, GatewayError, Throttled
from gateway.keyring import KeyRing
from gateway.principal import AccountOwner, Principal, RamUser
from gateway.store.direct import Source
from gateway.store.engine import Store
from gateway.sts.token import open_token

MOST_OF_KEY = 60  # records an hour
LONGEST_KEY_ID = 128
_TEMPORARY = "STS."


@dataclass(frozen=True, slots=True)
class NamedKey:
    """What a call says whose it is. Nothing of it is proven."""

    access_key_id: str
    security_token: str | None


@dataclass(frozen=True, slots=True)
class Attempted:
    operation: str
    request_id: str
    client_address: str
    at: datetime


def is_unproven(error: GatewayError) -> bool:
    """Whether a refusal means that nobody knows who came."""
    return isinstance(error, CredentialError) and not isinstance(error, Throttled)


def remember_unproven(store: Store, ring: KeyRing, named: NamedKey, error: GatewayError, attempted: Attempted) -> None:
    """Record the refusal, or count it; nothing for a key that nobody has. Raises nothing: the refusal stands."""
    try:
        with store.looking(one_snapshot=False) as reading:
            holder = _holder(reading, ring, named)
        if holder is None:
            return
        tally: Tally = store.stamps.tally
        share = Share(f"key {named.access_key_id}", MOST_OF_KEY)

        def write(told: Told) -> None:
            record_decision(store, _record(holder, named, error, attempted, told))

        tally.note(share, str(error.reason), attempted.at, write)
    except Exception:
        logging.getLogger("ramgate").exception("the refused call %s can't be recorded", attempted.request_id)


def _holder(source: Source, ring: KeyRing, named: NamedKey) -> Principal | None:
    """Whose it is: of a token that opens, its holder; of a lasting key, whoever it was made for."""
    key_id = named.access_key_id
    if not key_id or len(key_id) > LONGEST_KEY_ID or not is_storable(key_id):
        return None
    if key_id.startswith(_TEMPORARY):
        return _holder_of_token(ring, named)
    key = find_access_key(source, ring, key_id)
    if key is None:
        return None
    if key.user_id is None:
        return AccountOwner(key.account_id, key.owner_login)
    return RamUser(key.account_id, key.user_id, key.user_name or "")


def _holder_of_token(ring: KeyRing, named: NamedKey) -> Principal | None:
    if named.security_token is None:
        return None
    try:
        token = open_token(ring, named.security_token)
    except CredentialError:
        return None
    return token.principal if token.access_key_id == named.access_key_id else None


def _record(
    holder: Principal, named: NamedKey, error: GatewayError, attempted: Attempted, told: Told
) -> DecisionRecord:
    _, principal_id, _ = who_is(holder)
    context = {
        "acs:SourceIp": (attempted.client_address,) if attempted.client_address else (),
        "acs:AccessKeyId": (named.access_key_id,),
        "ramgate:Times": (str(told.times),),
        "ramgate:Others": (str(told.others),),
    }
    return DecisionRecord(
        attempted.at,
        attempted.request_id,
        holder.account_id,
        UNPROVEN,
        principal_id,
        holder.arn,
        None,
        attempted.operation,
        "",
        "",
        context,
        REFUSED,
        NO_POLICY,
        None,
        None,
        (),
        str(error.reason),
    )
