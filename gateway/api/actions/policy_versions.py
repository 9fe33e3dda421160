"""Versions of policies on the wire. Rule: ram-limits §1, §10; policy-language §6."""

from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.named import PolicyName, read_name, read_policy_name, read_policy_type
from gateway.api.parameters import ANY_LENGTH, Parameters
from gateway.api.render import Value
from gateway.api.targets import policy_target
from gateway.api.versions import RAM
from gateway.clock import wire_time
from gateway.directory.names import POLICY_NAME
from gateway.directory.policies import create_policy_version, delete_version, set_default_version
from gateway.directory.policy_list import VersionEntry, get_version_entry, version_entries
from gateway.policy import PolicyType

_ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"


@dataclass(frozen=True, slots=True)
class NewVersion:
    name: str
    document: str
    set_as_default: bool
    rotate: bool
    type: PolicyType = PolicyType.CUSTOM  # the versions of no other can be changed


@dataclass(frozen=True, slots=True)
class VersionName:
    type: PolicyType
    name: str
    version_id: str


def _read_new(parameters: Parameters) -> NewVersion:
    return NewVersion(
        name=read_name(parameters, POLICY_NAME),
        document=parameters.text("PolicyDocument", max_length=ANY_LENGTH),
        set_as_default=parameters.optional_boolean("SetAsDefault") is True,
        rotate=parameters.optional_choice("RotateStrategy", ("None", _ROTATE)) == _ROTATE,
    )


def _read_own_version(parameters: Parameters) -> VersionName:
    return VersionName(PolicyType.CUSTOM, read_name(parameters, POLICY_NAME), _read_version_id(parameters))


def _read_any_version(parameters: Parameters) -> VersionName:
    policy_type = read_policy_type(parameters)
    return VersionName(policy_type, read_name(parameters, POLICY_NAME), _read_version_id(parameters))


def _read_version_id(parameters: Parameters) -> str:
    return parameters.text("VersionId", max_length=ANY_LENGTH)


def version_fields(version: VersionEntry) -> dict[str, Value]:
    return {
        "VersionId": version.version_id,
        "IsDefaultVersion": version.is_default,
        "PolicyDocument": version.document,
        "CreateDate": wire_time(version.created_at),
    }


def perform_create_version(work: Work, new: NewVersion) -> Outcome:
    """Raises: InputError, of the document; NotFound, subject "Policy"; LimitExceeded, subject "Policy.Version"."""
    made = create_policy_version(
        work.session,
        work.account_id,
        new.name,
        new.document,
        set_as_default=new.set_as_default,
        rotate=new.rotate,
        now=work.now,
    )
    version = get_version_entry(work.session, work.account_id, new.type, new.name, made.version_id)
    return Outcome({"PolicyVersion": version_fields(version)}, details={"policy_version": made.version_id})


def perform_get_version(work: Work, version: VersionName) -> Outcome:
    """Raises: NotFound, subject "Policy" or "Policy.Version"; InputError(PARAMETER_INVALID), subject "VersionId"."""
    found = get_version_entry(work.session, work.account_id, version.type, version.name, version.version_id)
    return Outcome({"PolicyVersion": version_fields(found)})


def perform_list_versions(work: Work, policy: PolicyName) -> Outcome:
    """Oldest first. Raises: NotFound, subject "Policy"."""
    versions = version_entries(work.session, work.account_id, policy.type, policy.name)
    return Outcome({"PolicyVersions": {"PolicyVersion": [version_fields(version) for version in versions]}})


def perform_set_default_version(work: Work, version: VersionName) -> Outcome:
    """Raises: as `perform_get_version`."""
    set_default_version(work.session, work.account_id, version.name, version.version_id, work.now)
    return Outcome(details={"policy_version": version.version_id})


def perform_delete_version(work: Work, version: VersionName) -> Outcome:
    """Raises: as `perform_get_version`; Conflict(DELETE_CONFLICT), subject "Policy.Version.Default"."""
    delete_version(work.session, work.account_id, version.name, version.version_id)
    return Outcome(details={"policy_version": version.version_id})


def _targets(work: Work, request: NewVersion | VersionName | PolicyName) -> tuple[Target, ...]:
    return (policy_target(work, request.type, request.name),)


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("CreatePolicyVersion", RAM, _read_new, perform_create_version, _targets),
    ram_action("GetPolicyVersion", RAM, _read_any_version, perform_get_version, _targets, reads=True),
    ram_action("ListPolicyVersions", RAM, read_policy_name, perform_list_versions, _targets, reads=True),
    ram_action("SetDefaultPolicyVersion", RAM, _read_own_version, perform_set_default_version, _targets),
    ram_action("DeletePolicyVersion", RAM, _read_own_version, perform_delete_version, _targets),
)
