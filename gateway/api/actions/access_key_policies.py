"""Network policies of access keys on the wire. Rule: ram-limits §1, §3; `directory/network_policies.py`.

No user may do this to its own key without a policy that allows it: whoever found the key could lift what holds it.
"""

from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Work, ram_action
from gateway.api.actions.access_keys import OneKey, read_key
from gateway.api.authenticate import read_proof
from gateway.api.key_holders import Holder, holder_targets, user_id_of
from gateway.api.parameters import Parameters, no_parameters
from gateway.api.targets import whole_account
from gateway.api.versions import IMS
from gateway.directory import access_key_policies as directory
from gateway.directory.network_policies import NetworkPolicy, parse_network_policy

_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    holder: Holder
    access_key_id: str
    policy: NetworkPolicy


def _key(parameters: Parameters) -> OneKey:
    return read_key(parameters, IMS)


def _key_policy(parameters: Parameters) -> KeyPolicy:
    key = _key(parameters)
    return KeyPolicy(key.holder, key.access_key_id, _policy(parameters))


def _policy(parameters: Parameters) -> NetworkPolicy:
    """Raises: InputError, LimitExceeded, as `parse_network_policy`."""
    return parse_network_policy(parameters.text("AccessKeyPolicy", max_length=_LONGEST))


def set_key_policy(work: Work, request: KeyPolicy) -> Outcome:
    """Raises: NotFound, subject "User" or "User.AccessKey"; InputError where the caller would lock itself out."""
    directory.set_key_policy(
        work.session,
        account_id=work.account_id,
        user_id=user_id_of(work, request.holder),
        access_key_id=request.access_key_id,
        policy=request.policy,
    )
    _check_still_usable(work)
    document = request.policy.render()
    details = {"access_key_id": request.access_key_id, "policy": document}
    return Outcome({"AccessKeyId": request.access_key_id, "AccessKeyPolicy": document}, details=details)


def get_key_policy(work: Work, key: OneKey) -> Outcome:
    """Raises: NotFound, subject "User" or "User.AccessKey"."""
    document = directory.get_key_policy(
        work.session,
        account_id=work.account_id,
        user_id=user_id_of(work, key.holder),
        access_key_id=key.access_key_id,
    )
    return Outcome({"AccessKeyId": key.access_key_id, "AccessKeyPolicy": document})


def set_account_policy(work: Work, policy: NetworkPolicy) -> Outcome:
    """Raises: InputError where the caller would lock itself out."""
    directory.set_account_policy(work.session, work.account_id, policy)
    _check_still_usable(work)
    document = policy.render()
    return Outcome({"AccessKeyPolicy": document}, details={"policy": document})


def get_account_policy(work: Work, _request: None) -> Outcome:
    return Outcome({"AccessKeyPolicy": directory.get_account_policy(work.session, work.account_id)})


def _check_still_usable(work: Work) -> None:
    """The key that signed this call must pass after it, too. Temporary keys obey no network policy."""
    if work.token is None:
        signed_with = read_proof(work.call, work.now).access_key_id
        directory.check_still_usable(work.session, work.account_id, signed_with, work.client.address)


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("SetAccessKeyPolicy", IMS, _key_policy, set_key_policy, holder_targets),
    ram_action("GetAccessKeyPolicy", IMS, _key, get_key_policy, holder_targets, reads=True),
    ram_action("SetAccessKeyPolicyForAccount", IMS, _policy, set_account_policy, whole_account),
    ram_action("GetAccessKeyPolicyForAccount", IMS, no_parameters, get_account_policy, whole_account, reads=True),
)
