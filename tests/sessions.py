"""Session tokens for tests."""

from datetime import datetime, timedelta

from gateway.principal import RoleSession
from gateway.secret import Secret
from gateway.sts.token import Provenance, SessionToken
from tests.fake_clock import NOON
from tests.identities import ENTITY_ID, ROLE_RECIPIENT, fingerprint

ACCOUNT_ID = "1234567890123456"


def make_provenance() -> Provenance:
    return Provenance(
        protocol="saml",
        provider_arn=f"acs:ram::{ACCOUNT_ID}:saml-provider/company",
        issuer=ENTITY_ID,
        subject="alice@example.com",
        subject_type="persistent",
        assertion_id="_1b9c4f6fb1f7a2f4d1f1a4b0a3d9be1dd2a9a8b7",
        certificate_fingerprint=fingerprint(),
        recipient=ROLE_RECIPIENT,
    )


def make_token(
    *,
    session_id: str = "SESSION-1",
    role_id: str = "300000000000000001",
    role_name: str = "reader",
    session_policy: str | None = None,
    access_key_id: str = "STS.key",
    secret: str = "secret",
    provenance: Provenance | None = None,
    issued_at: datetime = NOON,
    lifetime_s: int = 3600,
    lineage: tuple[tuple[str, str], ...] = (),
) -> SessionToken:
    return SessionToken(
        session_id=session_id,
        principal=RoleSession(
            account_id=ACCOUNT_ID,
            role_id=role_id,
            role_name=role_name,
            session_name="alice",
            session_policy=session_policy,
        ),
        access_key_id=access_key_id,
        secret=Secret(secret),
        issued_at=issued_at,
        expires_at=issued_at + timedelta(seconds=lifetime_s),
        provenance=provenance or make_provenance(),
        lineage=lineage,
    )
