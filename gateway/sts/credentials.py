"""The four values that a client of the token service receives."""

from dataclasses import dataclass
from datetime import datetime

from gateway.keyring import KeyRing
from gateway.secret import Secret
from gateway.sts.token import SessionToken, seal_token


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key_id: str
    access_key_secret: Secret
    security_token: str
    expiration: datetime  # rendered by `clock.wire_time`, which drops the fraction of a second


def build_credentials(ring: KeyRing, token: SessionToken) -> Credentials:
    """What the holder of a session signs requests with. Each call seals anew; all texts open to the same token."""
    return Credentials(
        access_key_id=token.access_key_id,
        access_key_secret=token.secret,
        security_token=seal_token(ring, token),
        expiration=token.expires_at,
    )
