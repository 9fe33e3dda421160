"""Who calls. A signature is checked against the secret of its key, in a fixed order of steps.

1. The call carries a signature of a kind we know.      4. The security token belongs to this key, and opens.
2. Its time is within 15 minutes of ours.               5. The signature is right.
3. The key exists and is active.                        6. The token is live, a lasting key in its network.
                                                        7. The nonce was not used before.

Steps 1 and 2 are those of whoever reads the call, and need no database, so that garbage never takes a write lock.
Rule: sts-contract §4, §5, §6.1.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.directory.access_keys import AccessKey, find_access_key
from gateway.directory.network_policies import check_network
from gateway.errors import CredentialError, InputError, Reason
from gateway.keyring import KeyRing
from gateway.principal import AccountOwner, Principal, RamUser
from gateway.secret import Secret
from gateway.store.direct import Source
from gateway.store.fleeting import Fleeting
from gateway.sts.revocation import check_live
from gateway.sts.token import SessionToken, open_token

WINDOW = timedelta(minutes=15)

_STS_KEY = "STS."
_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")
_NONCE = re.compile(r"[!-~]{1,128}")
_MARGIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature that was read and is not checked yet."""

    access_key_id: str
    security_token: str | None
    signed_at: datetime
    verify: Callable[[Secret], None]  # CredentialError unless it was made with this secret
    client_address: str  # where the call comes from

    @property
    def temporary(self) -> bool:
        """Whether the key is that of a security token."""
        return self.access_key_id.startswith(_STS_KEY)

    @property
    def claimed_until(self) -> datetime:
        """A nonce must stay claimed beyond the last instant at which step 2 would still let the same request pass."""
        return self.signed_at + WINDOW + _MARGIN


@dataclass(frozen=True, slots=True)
class Caller:
    """Who it is, and the security token that came with the call, if one did.

    `mfa_present` is None where there was no sign-in: then policies see nothing of a second factor.
    """

    principal: Principal
    token: SessionToken | None = None
    mfa_present: bool | None = None
    mfa_at: datetime | None = None


def caller_of_token(token: SessionToken) -> Caller:
    return Caller(token.principal, token, token.mfa_present, token.mfa_at)


def verify_proof(source: Source, ring: KeyRing, fleeting: Fleeting, proof: Proof, now: datetime) -> Caller:
    """Steps 3 to 6.

    Raises: CredentialError(ACCESS_KEY_NOT_FOUND), (ACCESS_KEY_INACTIVE), (TOKEN_MISSING), (TOKEN_MALFORMED),
    (TOKEN_KEY_MISMATCH), (SIGNATURE_INCOMPLETE), (SIGNATURE_MISMATCH), (TOKEN_EXPIRED), (TOKEN_REVOKED),
    (ACCESS_KEY_NETWORK).
    """
    if not proof.temporary:
        return Caller(_key_holder(source, ring, fleeting, proof, now))
    token = _open_token(ring, proof)
    proof.verify(token.secret)
    check_live(source, token, now)
    return caller_of_token(token)


def check_nonce(nonce: str | None) -> str:
    """Raises: InputError(PARAMETER_MISSING), subject "SignatureNonce"; CredentialError(SIGNATURE_INCOMPLETE)."""
    if not nonce:
        raise InputError(Reason.PARAMETER_MISSING, "the nonce is missing", subject="SignatureNonce")
    if not _NONCE.fullmatch(nonce):
        raise CredentialError(Reason.SIGNATURE_INCOMPLETE, "the nonce must be 1 to 128 printable ASCII characters")
    return nonce


def check_time(text: str | None, now: datetime, subject: str = "Timestamp") -> datetime:
    """When a call was signed, by its own word: `2026-01-02T03:04:05Z`, at most 15 minutes from now.

    Raises: InputError(PARAMETER_MISSING); CredentialError(TIMESTAMP_FORMAT), (TIMESTAMP_EXPIRED).
    """
    if text is None:
        raise InputError(Reason.PARAMETER_MISSING, "the time is missing", subject=subject)
    signed_at = _parse_time(text)
    if signed_at is None:
        raise CredentialError(Reason.TIMESTAMP_FORMAT, "the time is malformed", repr(text[:40]))
    if abs(now - signed_at) > WINDOW:
        raise CredentialError(Reason.TIMESTAMP_EXPIRED, "the time is out of the window", text)
    return signed_at


def _parse_time(text: str) -> datetime | None:
    """None for anything but `2026-01-02T03:04:05Z`. By hand: `strptime` takes single digits too, and its time."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    try:
        return datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None


def _open_token(ring: KeyRing, proof: Proof) -> SessionToken:
    if proof.security_token is None:
        raise CredentialError(Reason.TOKEN_MISSING, "a temporary key needs its security token")
    token = open_token(ring, proof.security_token)
    if token.access_key_id != proof.access_key_id:
        raise CredentialError(Reason.TOKEN_KEY_MISMATCH, "the security token belongs to another access key")
    return token


def _key_holder(source: Source, ring: KeyRing, fleeting: Fleeting, proof: Proof, now: datetime) -> Principal:
    if proof.security_token is not None:
        raise CredentialError(Reason.TOKEN_KEY_MISMATCH, "a lasting key has no security token")
    key = find_access_key(source, ring, proof.access_key_id)
    if key is None:
        raise CredentialError(Reason.ACCESS_KEY_NOT_FOUND, "no such access key", proof.access_key_id)
    if not key.active:
        raise CredentialError(Reason.ACCESS_KEY_INACTIVE, "the access key is disabled", proof.access_key_id)
    proof.verify(key.secret)
    check_network(key.own_policy, key.account_policy, proof.client_address)
    _check_not_idle(key, fleeting, now)
    if key.user_id is None:
        return AccountOwner(account_id=key.account_id, login=key.owner_login)
    assert key.user_name is not None
    return RamUser(account_id=key.account_id, user_id=key.user_id, name=key.user_name)


def _check_not_idle(key: AccessKey, fleeting: Fleeting, now: datetime) -> None:
    """Owed before the call is noted as a use of the key. Most keys are too young to be looked up."""
    if key.idle(None, now) and key.idle(fleeting.last_use_of(key.access_key_id), now):
        message = f"unused for more than {key.max_idle_days} days"
        raise CredentialError(Reason.ACCESS_KEY_INACTIVE, "the access key is disabled", message)
