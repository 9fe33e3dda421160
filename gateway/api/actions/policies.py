"""Policies on the wire: system and custom ones. Rule: ram-limits §1, §2, §8, §10; policy-language §2, §6, §7."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.actions.policy_versions import version_fields
from gateway.api.named import PolicyName, named_policy, read_name, read_optional_policy_type, read_policy_name
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import ANY_LENGTH, Parameters
from gateway.api.people import tag_list
from gateway.api.render import Value
from gateway.api.targets import all_of, policy_target
from gateway.api.versions import RAM
from gateway.clock import wire_time
from gateway.directory.names import POLICY_NAME
from gateway.directory.policies import create_policy, delete_policy, update_description
from gateway.directory.policy_list import PolicyEntry, get_entry, get_version_entry, list_policy_page
from gateway.directory.tags import check_tags, check_wanted
from gateway.policy import PolicyType
from gateway.store.paging import Page


@dataclass(frozen=True, slots=True)
class NewPolicy:
    name: str
    document: str
    description: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PolicyDescription:
    name: str
    description: str  # empty: none any more


@dataclass(frozen=True, slots=True)
class PolicyDeletion:
    name: str
    cascade: bool


@dataclass(frozen=True, slots=True)
class PolicyQuery:
    page: Page
    type: PolicyType | None
    wanted: tuple[tuple[str, str], ...]


def _read_new(parameters: Parameters) -> NewPolicy:
    return NewPolicy(
        name=read_name(parameters, POLICY_NAME),
        document=parameters.text("PolicyDocument", max_length=ANY_LENGTH),
        description=parameters.optional_text("Description") or "",
        tags=check_tags(parameters.pairs("Tag")),
    )


def _read_description(parameters: Parameters) -> PolicyDescription:
    return PolicyDescription(read_name(parameters, POLICY_NAME), parameters.given_text("NewDescription") or "")


def _read_deletion(parameters: Parameters) -> PolicyDeletion:
    cascade = parameters.optional_boolean("CascadingDelete")
    return PolicyDeletion(read_name(parameters, POLICY_NAME), cascade=cascade is True)


def _read_query(parameters: Parameters) -> PolicyQuery:
    wanted = check_wanted(parameters.pairs("Tag"))
    return PolicyQuery(read_page(parameters), read_optional_policy_type(parameters), tuple(wanted))


def perform_create_policy(work: Work, new: NewPolicy) -> Outcome:
    """Raises: InputError, of the document and the tags too; AlreadyExists and LimitExceeded, subject "Policy"."""
    create_policy(
        work.session,
        work.account_id,
        new.name,
        new.document,
        description=new.description,
        tags=new.tags,
        now=work.now,
    )
    entry = get_entry(work.session, work.account_id, PolicyType.CUSTOM, new.name)
    return Outcome({"Policy": {**_core(entry), "CreateDate": wire_time(entry.created_at)}})


def perform_get_policy(work: Work, policy: PolicyName) -> Outcome:
    """The policy and its default version, the document in both. Raises: NotFound, subject "Policy"."""
    entry = get_entry(work.session, work.account_id, policy.type, policy.name)
    version = get_version_entry(work.session, work.account_id, policy.type, policy.name)
    return Outcome(
        {
            "Policy": {**_dated(entry), "AttachmentCount": entry.attachment_count, "PolicyDocument": version.document},
            "DefaultPolicyVersion": version_fields(version),
        }
    )


def perform_list_policies(work: Work, query: PolicyQuery) -> Outcome:
    """System policies first, then the account's own."""
    page = list_policy_page(work.session, work.account_id, query.page, query.type, query.wanted)
    rows = [
        {**_dated(entry), "AttachmentCount": entry.attachment_count, **(tag_list(entry.tags) if entry.tags else {})}
        for entry in page.rows
    ]
    return Outcome({"Policies": {"Policy": rows}, **page_fields(page)})


def perform_update_description(work: Work, request: PolicyDescription) -> Outcome:
    """Raises: InputError, subject "NewDescription"; NotFound, subject "Policy"."""
    update_description(work.session, work.account_id, request.name, request.description, work.now)
    return Outcome({"Policy": _dated(get_entry(work.session, work.account_id, PolicyType.CUSTOM, request.name))})


def perform_delete_policy(work: Work, request: PolicyDeletion) -> Outcome:
    """Raises: NotFound, subject "Policy"; Conflict(DELETE_CONFLICT), subject "Policy.User" and so on."""
    delete_policy(work.session, work.account_id, request.name, cascade=request.cascade)
    return Outcome()


def _core(entry: PolicyEntry) -> dict[str, Value]:
    fields: dict[str, Value] = {
        "PolicyName": entry.name,
        "PolicyType": entry.type.value,
        "DefaultVersion": entry.default_version,
    }
    return fields | ({"Description": entry.description} if entry.description else {})


def _dated(entry: PolicyEntry) -> dict[str, Value]:
    return {
        **_core(entry),
        "CreateDate": wire_time(entry.created_at),
        "UpdateDate": wire_time(entry.updated_at),
    }


def _own(work: Work, request: PolicyDescription | PolicyDeletion) -> tuple[Target, ...]:
    """Only custom policies can be changed; a system policy's name means a custom one that does not exist."""
    return (policy_target(work, PolicyType.CUSTOM, request.name),)


ACTIONS: tuple[AnyAction, ...] = (
    ram_action(
        "CreatePolicy", RAM, _read_new, perform_create_policy, all_of("policy"), request_tags=lambda new: new.tags
    ),
    ram_action("GetPolicy", RAM, read_policy_name, perform_get_policy, named_policy, reads=True),
    ram_action("ListPolicies", RAM, _read_query, perform_list_policies, all_of("policy"), reads=True),
    ram_action("UpdatePolicyDescription", RAM, _read_description, perform_update_description, _own),
    ram_action("DeletePolicy", RAM, _read_deletion, perform_delete_policy, _own),
)
