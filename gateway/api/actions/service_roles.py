"""Service-linked roles on the wire. Rule: sts-contract §2.5 (no session setting); policy-language §4."""

from dataclasses import replace

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.actions.roles import read_role_name, role_fields, trust_field
from gateway.api.parameters import Parameters
from gateway.api.targets import any_of, role_target, whole_account
from gateway.api.versions import RAM
from gateway.directory.roles import find_role
from gateway.directory.service_roles import create_service_role, delete_service_role, get_template
from gateway.errors import InputError, Reason
from gateway.policy.service_roles import LANGUAGE

_LONGEST_SERVICE = 255
_SERVICE_NAME = "ram:ServiceName"


def _read_new(parameters: Parameters) -> str:
    """No service here lets the caller choose the end of the name or the description.

    Raises: InputError(PARAMETER_INVALID), subject "CustomSuffix.NotAllowed" or "Description.NotAllowed".
    """
    for name in ("CustomSuffix", "Description"):
        if parameters.optional_text(name) is not None:
            message = f"{name} can't be chosen for the role of this service"
            raise InputError(Reason.PARAMETER_INVALID, message, subject=f"{name}.NotAllowed")
    return _read_service(parameters)


def _read_service(parameters: Parameters) -> str:
    return parameters.text("ServiceName", max_length=_LONGEST_SERVICE)


def perform_create(work: Work, service: str) -> Outcome:
    """Raises: NotFound, subject "ServiceLinkedRoleTemplate"; AlreadyExists and LimitExceeded, subject "Role"."""
    role = create_service_role(work.session, work.account_id, service, work.now)
    fields = {**role_fields(role), **trust_field(role), "IsServiceLinkedRole": True}
    return Outcome({"Role": fields}, details={"role_id": role.id})


def perform_delete(work: Work, name: str) -> Outcome:
    """Raises: NotFound, subject "Role", for an ordinary role too."""
    task_id = delete_service_role(work.session, work.account_id, name)
    return Outcome({"DeletionTaskId": task_id}, details={"deletion_task_id": task_id})


def perform_get_template(_work: Work, service: str) -> Outcome:
    """Raises: NotFound, subject "ServiceLinkedRoleTemplate"."""
    template = get_template(service)
    description = {"Language": LANGUAGE, "Description": template.description}
    return Outcome(
        {
            "ServiceLinkedRoleTemplate": {
                "ServiceName": template.service,
                "RoleNamePrefix": template.name,
                "SystemPolicyName": template.policy_name,
                "MultipleRolesAllowed": False,
                "RoleDescriptions": {"RoleDescription": [description]},
            }
        }
    )


def _new_role(work: Work, service: str) -> tuple[Target, ...]:
    return (replace(any_of(work, "role"), facts={_SERVICE_NAME: service.lower()}),)


def _named(work: Work, name: str) -> tuple[Target, ...]:
    role = find_role(work.session, work.account_id, name)
    target = role_target(work, name)
    if role is None or role.service_name is None:
        return (target,)
    return (replace(target, facts={_SERVICE_NAME: role.service_name}),)


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("CreateServiceLinkedRole", RAM, _read_new, perform_create, _new_role),
    ram_action("DeleteServiceLinkedRole", RAM, read_role_name, perform_delete, _named),
    ram_action("GetServiceLinkedRoleTemplate", RAM, _read_service, perform_get_template, whole_account, reads=True),
)
