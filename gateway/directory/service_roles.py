"""Service-linked roles: made from a template for one service, changed by nobody, deleted in a way of their own.

The catalogue of services is `gateway.policy.SERVICE_ROLES`.
"""

import uuid
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from gateway.directory.accounts import change_policies
from gateway.directory.attachments import Attachment, hang_policy
from gateway.directory.roles import Role, create_role, get_role, remove_role
from gateway.errors import NotFound, Reason
from gateway.policy import SERVICE_ROLES, PolicyType, ServiceRole


def get_template(service: str) -> ServiceRole:
    """Raises: NotFound, subject "ServiceLinkedRoleTemplate", for a service that has no role here.

    ASSUMPTION: what the platform answers for an unknown service is not published.
    """
    template = SERVICE_ROLES.get(service.lower())
    if template is None:
        message = "the service has no service-linked role here"
        raise NotFound(Reason.NOT_FOUND, message, service[:128], subject="ServiceLinkedRoleTemplate")
    return template


def create_service_role(session: Session, account_id: str, service: str, now: datetime) -> Role:
    """Make the role of a service and give it the service's policy.

    Raises: NotFound, subject "ServiceLinkedRoleTemplate"; AlreadyExists and LimitExceeded, subject "Role".
    """
    template = get_template(service)
    role = create_role(
        session,
        account_id,
        template.name,
        trust_document=template.trust_document,
        description=template.description,
        allow_console_login=False,
        service_name=template.service,
        now=now,
    )
    hang_policy(session, account_id, PolicyType.SYSTEM, template.policy_name, role, now)
    return role


def delete_service_role(session: Session, account_id: str, name: str) -> str:
    """Delete a service-linked role with its attachments, and end its sessions; the id of the deletion task.

    Nothing here can tell that a service still uses its role, so a deletion is never refused and done at once.
    Raises: NotFound, subject "Role", for an ordinary role too.
    ASSUMPTION: a task is called `<role name>/<UUID>`, as in the one published example.
    """
    change_policies(session, account_id)
    role = get_role(session, account_id, name)
    if role.service_name is None:
        raise NotFound(Reason.NOT_FOUND, "the role does not exist", "it is no service-linked role", subject="Role")
    session.execute(delete(Attachment).where(Attachment.target_kind == "Role", Attachment.target_id == role.id))
    remove_role(session, role)
    return f"{role.name}/{uuid.uuid4()}"
