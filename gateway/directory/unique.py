"""Uniqueness is the database's word: a clash becomes AlreadyExists, and the transaction stays usable."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.errors import AlreadyExists, Reason
from gateway.store.base import Base

_CLASHES = {
    "AccountAlias": "another account has this alias",
    "DomainAlias": "an account has this domain already",
    "User": "there is a user of this name already",
    "Group": "there is a group of this name already",
    "Role": "there is a role of this name already",
    "Policy": "there is a policy of this name already",
    "MappingRule": "the provider has a mapping rule of this name already",
    "SAMLProvider": "there is a SAML provider of this name already",
    "OIDCProvider": "there is an OIDC provider of this name already",
    "OIDCProvider.IssuerUrl": "there is an OIDC provider of this issuer already",
    "ResourceDirectory": "the account manages a directory already",
    "Federation": "there is a federation of this name already",
    "Folder": "there is a folder of this name already",
    "Member": "the account is in a directory already",
    "ControlPolicy": "there is a control policy of this name already",
    "ControlPolicyAttachment": "the control policy is attached there already",
    "Instance": "there is an instance of this name already",
    "ResourceGroup": "there is a resource group of this name already",
    "Resource": "there is a resource of this ARN already",
    "User.LoginProfile": "the user has a password already",
    "VirtualMFADevice": "there is an MFA device of this name already",
    "User.Group": "the user is in this group already",
    "User.Policy": "the policy is attached to this user already",
    "Group.Policy": "the policy is attached to this group already",
    "Role.Policy": "the policy is attached to this role already",
}


@contextmanager
def unique_change(session: Session, subject: str) -> Iterator[None]:
    """Flush what the block changes; a clash with a unique name undoes the block alone.

    Raises: AlreadyExists with this subject.
    """
    session.flush()  # what was changed before is not this block's clash
    try:
        with session.begin_nested():
            yield
    except IntegrityError as exc:
        raise AlreadyExists(Reason.ALREADY_EXISTS, _CLASHES[subject], subject=subject) from exc


def insert_unique(session: Session, row: Base, subject: str) -> None:
    """Raises: AlreadyExists with this subject."""
    with unique_change(session, subject):
        session.add(row)
