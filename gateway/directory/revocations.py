"""Revocations: what a token came from may be called back, and the token dies with it.

Kinds and values: "role" role id, "user" user id, "session" session id, "provider" provider ARN,
"certificate" SHA-256 fingerprint, "assertion" issuer and assertion ID as `<issuer>#<id>`, "subject", "idp-session" and
"unnamed-session" as `<provider ARN>#<subject, or ID of the session at the provider>`, "access-key" `<account>#<ID>`,
"instance" instance id.
What an account calls back by itself is bound to it: "own-session" `<account>#<session>`, "own-certificate"
`<account>#<fingerprint>`, "own-assertion" `<account>#<issuer>#<id>`. What a SAML provider signs out has the time of the
provider's clock: "saml-logout" `<provider ARN>#<subject>`, "saml-session" `<provider ARN>#<index and subject>`.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.store.base import Base
from gateway.store.direct import Source, Statement
from gateway.store.hashed_key import hash_key
from gateway.store.once import insert_once

_ONE_OF_A_KIND = frozenset({"session", "assertion", "idp-session", "own-session", "own-assertion"})
_FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


class Revocation(Base):
    __tablename__ = "revocations"

    key_hash: Mapped[str] = mapped_column(primary_key=True)  # SHA-256 of kind and value, which may be long
    kind: Mapped[str]
    revoked_at: Mapped[datetime]


@lru_cache(maxsize=64)
def _find(count: int) -> Statement:
    """Pure in its argument; memoised because every call with a token asks, about about as many things."""
    names = [f"hash_{number}" for number in range(count)]
    query = select(Revocation.key_hash, Revocation.revoked_at).where(
        Revocation.key_hash.in_([bindparam(name) for name in names])
    )
    return Statement(lambda _dialect: query, *names)


def revoke(session: Session, kind: str, value: str, now: datetime) -> None:
    """Call back everything of this kind and value that was issued up to `now`.

    Revoking again moves the instant forward, never back.
    """
    key_hash = _hash(kind, value)
    if insert_once(session, Revocation, {"key_hash": key_hash, "kind": kind, "revoked_at": now}):
        return
    session.execute(
        update(Revocation)
        .where(Revocation.key_hash == key_hash, Revocation.revoked_at < now)
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )


def revoke_for_ever(session: Session, kind: str, value: str) -> None:
    """Call back what is gone and never comes back, such as a deleted role: its id is not given a second time.

    No instant is compared, so that a session made while the deletion commits dies too.
    """
    revoke(session, kind, value, _FOR_EVER)


def revoke_until(session: Session, kind: str, value: str, now: datetime) -> None:
    """Give back what was revoked for ever: what is issued after `now` lives, all that came before stays dead."""
    revoke(session, kind, value, now)
    session.execute(
        update(Revocation)
        .where(Revocation.key_hash == _hash(kind, value))
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )


def let_anew(session: Session, kind: str, value: str, now: datetime) -> None:
    """What was revoked for ever may be issued again after `now`: a provider of the same name was registered. Where
    nothing was revoked for ever nothing changes.
    """
    session.execute(
        update(Revocation)
        .where(Revocation.key_hash == _hash(kind, value), Revocation.revoked_at > now)
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )


def find_revocation(source: Source, pairs: Collection[tuple[str, str]], issued_at: datetime) -> tuple[str, str] | None:
    """The first of these (kind, value) pairs that is revoked for something issued at that instant. One query.

    What was issued after the revocation lives: a role may be given back, a certificate trusted again. A session or
    an assertion happens once, so its revocation holds whatever the times say.
    """
    return find_dated_revocation(source, dict.fromkeys(pairs, issued_at))


def find_dated_revocation(source: Source, dated: Mapping[tuple[str, str], datetime]) -> tuple[str, str] | None:
    """The same where each pair has an instant of its own: a session derived from another is as old, as far as that one
    is concerned, as that one. So nothing that was derived while a revocation was being written outlives it.
    """
    by_hash = {_hash(*pair): pair for pair in dated}
    if not by_hash:
        return None
    revoked: dict[str, datetime] = dict(_find(len(by_hash)).all(source, *by_hash))
    for key_hash, pair in by_hash.items():
        if key_hash in revoked and (pair[0] in _ONE_OF_A_KIND or dated[pair] <= revoked[key_hash]):
            return pair
    return None


def _hash(kind: str, value: str) -> str:
    return hash_key(f"{kind}\0{value}")
