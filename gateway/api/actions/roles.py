"""Roles on the wire. Rule: ram-limits §1, §2, §8, §10; policy-language §1, §2, §4."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.named import read_name
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import ANY_LENGTH, Parameters
from gateway.api.people import tag_list
from gateway.api.render import Value
from gateway.api.targets import all_of, role_target
from gateway.api.trusting import trusting_targets
from gateway.api.versions import RAM
from gateway.clock import wire_time
from gateway.directory.accounts import get_account
from gateway.directory.names import ROLE_NAME
from gateway.directory.roles import Role, create_role, delete_role, get_role, list_role_page, update_role
from gateway.directory.tags import TagKind, check_tags, check_wanted, tags_of_each
from gateway.policy import TrustPolicy, parse_trust_policy
from gateway.store.paging import Page

_SHORTEST_SESSION_S, _LONGEST_SESSION_S = 3600, 43200
_SERVICE_DOMAIN = "onaliyunservice.com"  # ASSUMPTION: from the one published example of a role's principal name


@dataclass(frozen=True, slots=True)
class NewRole:
    name: str
    trust: TrustPolicy
    description: str
    max_session_duration_s: int
    allow_console_login: bool
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RoleUpdate:
    """None leaves a thing as it is; an empty description clears it."""

    name: str
    trust: TrustPolicy | None
    description: str | None
    max_session_duration_s: int | None
    allow_console_login: bool | None


@dataclass(frozen=True, slots=True)
class RoleQuery:
    page: Page
    wanted: tuple[tuple[str, str], ...]


def _read_new(parameters: Parameters) -> NewRole:
    """Raises: InputError, of the trust policy and the tags too."""
    seconds = _read_seconds(parameters, "MaxSessionDuration")
    return NewRole(
        name=read_name(parameters, ROLE_NAME),
        trust=parse_trust_policy(parameters.text("AssumeRolePolicyDocument", max_length=ANY_LENGTH)),
        description=parameters.optional_text("Description") or "",
        max_session_duration_s=_SHORTEST_SESSION_S if seconds is None else seconds,
        allow_console_login=parameters.optional_boolean("AllowConsoleLogin") is not False,
        tags=check_tags(parameters.pairs("Tag")),
    )


def _read_update(parameters: Parameters) -> RoleUpdate:
    """Raises: InputError, of the trust policy too."""
    document = parameters.optional_text("NewAssumeRolePolicyDocument")
    return RoleUpdate(
        name=read_name(parameters, ROLE_NAME),
        trust=None if document is None else parse_trust_policy(document),
        description=parameters.given_text("NewDescription"),
        max_session_duration_s=_read_seconds(parameters, "NewMaxSessionDuration"),
        allow_console_login=parameters.optional_boolean("NewAllowConsoleLogin"),
    )


def _read_seconds(parameters: Parameters, name: str) -> int | None:
    return parameters.optional_integer_between(name, _SHORTEST_SESSION_S, _LONGEST_SESSION_S)


def _read_query(parameters: Parameters) -> RoleQuery:
    return RoleQuery(read_page(parameters), tuple(check_wanted(parameters.pairs("Tag"))))


def read_role_name(parameters: Parameters) -> str:
    return read_name(parameters, ROLE_NAME)


def perform_create_role(work: Work, new: NewRole) -> Outcome:
    """Raises: InputError; AlreadyExists and LimitExceeded, subject "Role"."""
    role = create_role(
        work.session,
        work.account_id,
        new.name,
        trust_document=new.trust.text,
        description=new.description,
        max_session_duration_s=new.max_session_duration_s,
        allow_console_login=new.allow_console_login,
        tags=new.tags,
        now=work.now,
    )
    return Outcome({"Role": {**_settings(role), **trust_field(role)}}, details={"role_id": role.id})


def perform_get_role(work: Work, name: str) -> Outcome:
    """Raises: NotFound, subject "Role"."""
    role = get_role(work.session, work.account_id, name)
    alias = get_account(work.session, work.account_id).alias
    return Outcome(
        {
            "Role": {
                **_dated(role),
                **trust_field(role),
                "IsServiceLinkedRole": role.service_name is not None,
                "RolePrincipalName": f"{role.name}@role.{alias}.{_SERVICE_DOMAIN}",
            }
        }
    )


def perform_list_roles(work: Work, query: RoleQuery) -> Outcome:
    page = list_role_page(work.session, work.account_id, query.page, query.wanted)
    tags = tags_of_each(work.session, work.account_id, TagKind.ROLE, [role.id for role in page.rows])
    rows: list[Value] = [{**_dated(role), **(tag_list(tags[role.id]) if tags[role.id] else {})} for role in page.rows]
    return Outcome({"Roles": {"Role": rows}, **page_fields(page)})


def perform_update_role(work: Work, update: RoleUpdate) -> Outcome:
    """A changed trust policy counts at the next attempt to take the role.

    Raises: InputError; NotFound, subject "Role"; Conflict(ROLE_SERVICE_LINKED).
    """
    role = update_role(
        work.session,
        work.account_id,
        update.name,
        trust_document=None if update.trust is None else update.trust.text,
        description=update.description,
        max_session_duration_s=update.max_session_duration_s,
        allow_console_login=update.allow_console_login,
        now=work.now,
    )
    return Outcome({"Role": {**_dated(role), **trust_field(role)}}, details={"role_id": role.id})


def perform_delete_role(work: Work, name: str) -> Outcome:
    """Its sessions and tokens end. Raises: NotFound; Conflict(DELETE_CONFLICT), Conflict(ROLE_SERVICE_LINKED)."""
    role_id = get_role(work.session, work.account_id, name).id
    delete_role(work.session, work.account_id, name)
    return Outcome(details={"role_id": role_id})


def role_fields(role: Role) -> dict[str, Value]:
    """What every answer about a role says of it."""
    fields: dict[str, Value] = {
        "RoleId": role.id,
        "RoleName": role.name,
        "Arn": role.arn,
        "CreateDate": wire_time(role.created_at),
    }
    return fields | ({"Description": role.description} if role.description else {})


def trust_field(role: Role) -> dict[str, Value]:
    return {"AssumeRolePolicyDocument": role.trust_document}


def _settings(role: Role) -> dict[str, Value]:
    return {
        **role_fields(role),
        "MaxSessionDuration": role.max_session_duration_s,
        "AllowConsoleLogin": role.allow_console_login,
    }


def _dated(role: Role) -> dict[str, Value]:
    return {**_settings(role), "UpdateDate": wire_time(role.updated_at)}


def _new_role(work: Work, new: NewRole) -> tuple[Target, ...]:
    """The role by its name: rights on `role/*` cover it as well, and rights on some names cover no other."""
    return trusting_targets(role_target(work, new.name), new.trust)


def _updated_role(work: Work, update: RoleUpdate) -> tuple[Target, ...]:
    target = role_target(work, update.name)
    return (target,) if update.trust is None else trusting_targets(target, update.trust)


def _named(work: Work, name: str) -> tuple[Target, ...]:
    return (role_target(work, name),)


def _tags(new: NewRole) -> Mapping[str, str]:
    return new.tags


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("CreateRole", RAM, _read_new, perform_create_role, _new_role, request_tags=_tags),
    ram_action("GetRole", RAM, read_role_name, perform_get_role, _named, reads=True),
    ram_action("ListRoles", RAM, _read_query, perform_list_roles, all_of("role"), reads=True),
    ram_action("UpdateRole", RAM, _read_update, perform_update_role, _updated_role),
    ram_action("DeleteRole", RAM, read_role_name, perform_delete_role, _named),
)
