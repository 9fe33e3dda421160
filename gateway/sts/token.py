"""The security token: everything a role session is, sealed into one text that any worker opens without a database.

Text: `CAIS` and the URL-safe Base64, without padding, of a `KeyRing` seal (purpose `sts-token`) over a deflated
JSON array whose first element is the payload version. Clients treat the text as opaque and of any length.
INVARIANT: one token has one text. The prefix and the spelling of the Base64 are checked, not skipped over.
"""

import json
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.errors import CredentialError, InputError, Reason
from gateway.keyring import KeyRing
from gateway.principal import RoleSession
from gateway.secret import Secret

PREFIX = "CAIS"
PURPOSE = "sts-token"
MAX_TEXT_LENGTH = 32_768
_VERSION = 1
# Most tokens have 300 bytes: to clear memory for a large window takes ten times as long as to deflate them.
_SMALL_BYTES = 4096
_SMALL = 12, 4
_LARGE = zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL
_BODY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
# A whole-payload ceiling for inflating; far above what fits MAX_TEXT_LENGTH in practice.
_MAX_PAYLOAD_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a session came from: enough to say it on a page and to revoke every session of the same origin."""

    protocol: str
    provider_arn: str
    issuer: str
    subject: str
    subject_type: str  # NameID format without the SAML 2.0 prefix
    assertion_id: str
    certificate_fingerprint: str
    recipient: str
    session_index: str = ""  # the session at the identity provider (SessionIndex or sid), where it named one
    name_qualifier: str = ""  # of the NameID, which a logout request has to give back as it came
    sp_name_qualifier: str = ""
    asserted_at: str = ""  # when the provider issued it by its own clock, in microseconds since 1970; SAML only

    @property
    def asserted(self) -> datetime | None:
        """None in sessions from before this was kept."""
        return _EPOCH + int(self.asserted_at) * _MICROSECOND if self.asserted_at else None


@dataclass(frozen=True, slots=True)
class SessionToken:
    """One role session. Not checked here: that it is still live, see `sts.revocation.check_live`."""

    session_id: str
    principal: RoleSession
    access_key_id: str
    secret: Secret
    issued_at: datetime
    expires_at: datetime
    provenance: Provenance | None
    parent: str | None = None  # session id of the session that this one was derived from
    lineage: tuple[tuple[str, str], ...] = ()  # (kind, value) of everything upstream whose revocation ends this too
    lineage_at: tuple[datetime, ...] = ()  # how old each of `lineage` is; empty: as old as this session
    narrowed: tuple[tuple[str, str], ...] = ()  # role id and session policy of the sessions upstream that had one
    mfa_present: bool = False  # a second factor was proved at the browser sign-in that this came from
    mfa_at: datetime | None = None  # when, to the second, if it is known
    source_identity: str | None = None  # who is behind it, as the first AssumeRole of the chain said; it stays


def seal_token(ring: KeyRing, token: SessionToken) -> str:
    """Write a token as text.

    Raises: InputError(PARAMETER_TOO_LONG) when the text would exceed what `open_token` reads.
    """
    payload = json.dumps(_fields(token), separators=(",", ":")).encode("ascii")
    # Deflating next to a secret is safe here: the secret is new in each token, so there is nothing to probe twice.
    bits, memory = _SMALL if len(payload) <= _SMALL_BYTES else _LARGE
    deflate = zlib.compressobj(9, zlib.DEFLATED, bits, memory)
    text = PREFIX + _encode(ring.seal(PURPOSE, deflate.compress(payload) + deflate.flush()))
    if len(text) > MAX_TEXT_LENGTH or len(payload) > _MAX_PAYLOAD_BYTES:
        raise InputError(Reason.PARAMETER_TOO_LONG, "the session is described by too much text", subject="Policy")
    return text


def open_token(ring: KeyRing, text: str) -> SessionToken:
    """Read a token that `seal_token` made under any key of the ring; expired ones too.

    Raises: CredentialError(TOKEN_MALFORMED) for anything else, any changed, added or missing character included.
    """
    body = text.removeprefix(PREFIX)
    if len(text) > MAX_TEXT_LENGTH or not text.startswith(PREFIX) or not _BODY.fullmatch(body):
        raise _malformed("not the text of a token")
    try:
        sealed = urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except ValueError as exc:
        raise _malformed("not Base64") from exc
    if _encode(sealed) != body:
        raise _malformed("Base64 in a spelling that is not ours")
    try:
        inflate = zlib.decompressobj()
        payload = inflate.decompress(ring.open(PURPOSE, sealed), _MAX_PAYLOAD_BYTES)
        if not inflate.eof:
            raise _malformed("payload is not complete")
        return _token(payload)
    except (zlib.error, ValueError, TypeError, OverflowError) as exc:
        raise _malformed("payload of another version") from exc


def _malformed(detail: str) -> CredentialError:
    return CredentialError(Reason.TOKEN_MALFORMED, "the security token is malformed", detail)


def _encode(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def _fields(token: SessionToken) -> list[object]:
    who, origin = token.principal, token.provenance
    return [
        _VERSION,
        token.session_id,
        [who.account_id, who.role_id, who.role_name, who.session_name, who.session_policy],
        token.access_key_id,
        token.secret.reveal(),
        (token.issued_at - _EPOCH) // _MICROSECOND,
        (token.expires_at - _EPOCH) // _MICROSECOND,
        origin and provenance_fields(origin),
        token.parent,
        token.lineage,
        # Named, and only if set: tokens from before there was a name stay readable, and the others short.
        *([extras] if (extras := _extras(token)) else []),
    ]


def _extras(token: SessionToken) -> dict[str, object]:
    extras: dict[str, object] = {"mfa": True} if token.mfa_present else {}
    if token.mfa_at is not None:
        extras["mfa_at"] = (token.mfa_at - _EPOCH) // _SECOND
    if token.lineage_at:
        extras["since"] = [(instant - _EPOCH) // _MICROSECOND for instant in token.lineage_at]
    if token.narrowed:
        extras["narrowed"] = token.narrowed
    return extras if token.source_identity is None else extras | {"source": token.source_identity}


def _token(payload: bytes) -> SessionToken:
    version, *rest = json.loads(payload)
    if version != _VERSION:
        raise _malformed("payload of another version")
    session_id, who, access_key_id, secret, issued_us, expires_us, origin, parent, lineage, *named = rest
    extras = named[0] if named else {}
    return SessionToken(
        session_id=session_id,
        principal=RoleSession(*who),
        access_key_id=access_key_id,
        secret=Secret(secret),
        issued_at=_EPOCH + issued_us * _MICROSECOND,
        expires_at=_EPOCH + expires_us * _MICROSECOND,
        provenance=Provenance(*origin) if origin else None,
        parent=parent,
        lineage=tuple((kind, value) for kind, value in lineage),
        lineage_at=tuple(_EPOCH + instant * _MICROSECOND for instant in extras.get("since", ())),
        narrowed=tuple((role_id, policy) for role_id, policy in extras.get("narrowed", ())),
        mfa_present=extras.get("mfa") is True,
        mfa_at=_EPOCH + extras["mfa_at"] * _SECOND if "mfa_at" in extras else None,
        source_identity=extras.get("source"),
    )


def provenance_fields(origin: Provenance) -> list[str]:
    """The fields in the order that `Provenance(*fields)` takes them."""
    return [
        origin.protocol,
        origin.provider_arn,
        origin.issuer,
        origin.subject,
        origin.subject_type,
        origin.assertion_id,
        origin.certificate_fingerprint,
        origin.recipient,
        origin.session_index,
        *((origin.name_qualifier, origin.sp_name_qualifier, origin.asserted_at) if origin.protocol == "saml" else ()),
    ]
