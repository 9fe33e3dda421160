"""How many of each thing there may be. Rule: ram-limits §1, the newest published values."""

from sqlalchemy import literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gateway.errors import LimitExceeded, Reason

USERS_PER_ACCOUNT = 5000
GROUPS_PER_ACCOUNT = 300
GROUPS_PER_USER = 10
ROLES_PER_ACCOUNT = 1000
POLICIES_PER_ACCOUNT = 1500
VERSIONS_PER_POLICY = 5
SYSTEM_POLICIES_PER_TARGET = 20
CUSTOM_POLICIES_PER_TARGET = 10
ACCESS_KEYS_PER_USER = 2
ACCESS_KEYS_PER_OWNER = 2
STATEMENTS_PER_NETWORK_POLICY = 8
ADDRESSES_PER_NETWORK_POLICY = 50
SAML_PROVIDERS_PER_ACCOUNT = 100
MFA_DEVICES_PER_ACCOUNT = 5000
OIDC_PROVIDERS_PER_ACCOUNT = 100
CLIENT_IDS_PER_OIDC_PROVIDER = 50
FINGERPRINTS_PER_OIDC_PROVIDER = 5
RESOURCES_PER_ACCOUNT = 10_000  # ours
FEDERATIONS_PER_ACCOUNT = 10  # ours
RESOURCE_GROUPS_PER_ACCOUNT = 100
INSTANCES_PER_ACCOUNT = 1000  # ours


def check_room(
    session: Session, owned_by: InstrumentedAttribute[str], account_id: str, most: int, subject: str
) -> None:
    """Refuse one more row of an account that has `most` already. The account must be locked, or two can slip in.

    Looks at `most` rows and no further, whatever an account may have grown to under another limit.

    `owned_by` is the table's account column. Raises: LimitExceeded with this subject.
    """
    last_allowed = select(literal(1)).where(owned_by == account_id).offset(most - 1).limit(1)
    if session.scalar(last_allowed) is not None:
        raise LimitExceeded(
            Reason.LIMIT_EXCEEDED, f"the account has {most} of these and may have no more", subject=subject
        )
