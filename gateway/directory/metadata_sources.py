"""Where the metadata of a provider comes from, when it is fetched again, and how the last attempt ended.

Every SAML provider and every user SSO setting with metadata has a row. Intervals: `next_interval`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import CursorResult, ForeignKey, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.errors import InputError, Reason, SamlError
from gateway.saml.certificates import TrustedCertificate, parse_certificate
from gateway.store.base import Base
from gateway.store.once import insert_or_lock

USUAL_INTERVAL = timedelta(hours=6)
SHORTEST_INTERVAL = timedelta(minutes=5)
LONGEST_INTERVAL = timedelta(hours=24)
VALIDITY_GRACE = timedelta(days=3)  # after validUntil, for documents from a URL
_LEASE = timedelta(minutes=5)  # whoever fetches has this long, before another process may
_MAX_URL = 2048
_MAX_ANCHORS = 4
_LONGEST_PEM = 64 * 1024
_PEM_END = "-----END CERTIFICATE-----"


class SourceKind(StrEnum):
    PASTED = "pasted"  # uploaded, pasted, sent to the API or given to the command line
    URL = "url"
    DROPPED = "dropped"  # a file in the folder `metadata`
    FEDERATION = "federation"  # an entity of a federation's aggregate or of its MDQ service


class MetadataSource(Base):
    __tablename__ = "metadata_sources"

    provider_key: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str]
    url: Mapped[str]  # empty unless there is one
    anchors_pem: Mapped[str]  # certificates that must have signed what is fetched; empty: no signature is asked for
    trust_tls: Mapped[bool]  # without anchors: what the server's TLS certificate vouches for needs no approval
    etag: Mapped[str]
    cache_duration_s: Mapped[int | None]  # what the publisher asked for last
    next_refresh_at: Mapped[datetime | None] = mapped_column(index=True)
    tried_at: Mapped[datetime | None]
    refreshed_at: Mapped[datetime | None]  # the last attempt that worked
    outcome: Mapped[str]  # of the last attempt: a `metadata_offers.Outcome` or the reason of a refusal
    outcome_text: Mapped[str]  # for people
    failures: Mapped[int]  # in a row
    valid_until: Mapped[datetime | None] = mapped_column(index=True)  # of the document in force
    lapsed: Mapped[bool]  # validUntil and grace are over, nobody signs in any more
    in_force_since: Mapped[datetime]
    brought_by: Mapped[str]  # who or what brought the document in force
    refused_digest: Mapped[str]  # of the document that was discarded last: it is not offered again
    file_digest: Mapped[str] = mapped_column(index=True)  # SHA-256 of the dropped file as it was taken last
    gone_since: Mapped[datetime | None]  # the dropped file, or the entity, is not there any more
    trial_until: Mapped[datetime | None]  # until then failures put the previous document in force again
    trial_began_at: Mapped[datetime | None]  # the ten minutes that `trial_failures` are counted in
    trial_failures: Mapped[int]

    @property
    def anchors(self) -> tuple[TrustedCertificate, ...]:
        return read_anchors(self.anchors_pem)

    @property
    def cache_duration(self) -> timedelta | None:
        return None if self.cache_duration_s is None else timedelta(seconds=self.cache_duration_s)

    @property
    def refused_from(self) -> datetime | None:
        """From when on nobody signs in, if nothing newer comes. Pasted and dropped documents only warn."""
        fetched = self.kind in {SourceKind.URL, SourceKind.FEDERATION}
        return self.valid_until + VALIDITY_GRACE if fetched and self.valid_until is not None else None


def lock_source(session: Session, provider_key: str, account_id: str, now: datetime) -> MetadataSource:
    """The provider's row, made if there is none; nobody else changes it until the transaction ends."""
    fresh = {
        "provider_key": provider_key,
        "account_id": account_id,
        "kind": SourceKind.PASTED.value,
        "url": "",
        "anchors_pem": "",
        "trust_tls": False,
        "etag": "",
        "outcome": "",
        "outcome_text": "",
        "failures": 0,
        "lapsed": False,
        "in_force_since": now,
        "brought_by": "",
        "refused_digest": "",
        "file_digest": "",
        "trial_failures": 0,
    }
    return insert_or_lock(session, MetadataSource, fresh)


def find_source(session: Session, provider_key: str) -> MetadataSource | None:
    return session.get(MetadataSource, provider_key)


def set_url_source(source: MetadataSource, *, url: str, anchors_pem: str, trust_tls: bool, now: datetime) -> None:
    """From now on the metadata is fetched from there, at once for the first time.

    Refused: what is no https URL (http on loopback is for the fetcher to refuse), unreadable anchors or more than 4.
    Raises: InputError(PARAMETER_INVALID), subject "Url" or "TrustAnchor".
    """
    if not url.startswith(("https://", "http://")) or not url.isascii() or not url.isprintable() or len(url) > _MAX_URL:
        raise InputError(Reason.PARAMETER_INVALID, "the source must be an https URL", subject="Url")
    try:
        read_anchors(anchors_pem)
    except SamlError as exc:
        message = f"a trust anchor can't be used: {exc.public}"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="TrustAnchor") from exc
    source.kind, source.url, source.anchors_pem, source.trust_tls = SourceKind.URL.value, url, anchors_pem, trust_tls
    source.etag, source.failures, source.outcome, source.outcome_text = "", 0, "", ""
    source.refused_digest = ""
    source.next_refresh_at = now


def set_pasted_source(source: MetadataSource) -> None:
    """From now on nothing is fetched."""
    source.kind, source.url, source.anchors_pem, source.trust_tls = SourceKind.PASTED.value, "", "", False
    source.etag, source.failures, source.next_refresh_at = "", 0, None


def read_anchors(pem: str) -> tuple[TrustedCertificate, ...]:
    """Up to 4 certificates in PEM, one after the other. Raises: SamlError(METADATA_CERTIFICATE)."""
    if len(pem) > _LONGEST_PEM or pem.count(_PEM_END) > _MAX_ANCHORS:
        raise SamlError(Reason.METADATA_CERTIFICATE, f"at most {_MAX_ANCHORS} certificates can be trust anchors")
    *whole, rest = pem.split(_PEM_END)
    pieces = [piece + _PEM_END for piece in whole] + ([rest] if rest.strip() else [])
    return tuple(parse_certificate(piece.strip().encode("utf-8", "surrogatepass")) for piece in pieces)


def due_sources(session: Session, now: datetime, at_most: int) -> Sequence[str]:
    """The keys of providers whose metadata is to be fetched now, the longest due first."""
    query = (
        select(MetadataSource.provider_key)
        .where(MetadataSource.next_refresh_at <= now)
        .order_by(MetadataSource.next_refresh_at)
        .limit(at_most)
    )
    return session.scalars(query).all()


def take_refresh(session: Session, provider_key: str, now: datetime, *, only_due: bool = True) -> bool:
    """Whether the caller is to fetch: of all processes one, which has five minutes for it."""
    takes = (
        update(MetadataSource)
        .where(MetadataSource.provider_key == provider_key, MetadataSource.kind == SourceKind.URL.value)
        .values(next_refresh_at=now + _LEASE)
        .execution_options(synchronize_session=False)
    )
    taken = session.execute(takes.where(MetadataSource.next_refresh_at <= now) if only_due else takes)
    assert isinstance(taken, CursorResult)
    return taken.rowcount == 1


def next_interval(
    *, cache_duration: timedelta | None, valid_for: timedelta | None, failures: int, chance: float
) -> timedelta:
    """Until the next attempt: what the publisher asks for, at most six hours, at least five minutes; sooner where the
    document ends before; after failures five minutes, doubled each time up to six hours. `chance`, 0 to 1, takes up to
    a tenth off, so that gateways that began together do not come together.
    """
    if failures:
        wanted = min(SHORTEST_INTERVAL * (1 << min(failures - 1, 10)), USUAL_INTERVAL)
    else:
        wanted = min(each for each in (cache_duration, USUAL_INTERVAL) if each is not None)
        if valid_for is not None:
            wanted = min(wanted, valid_for / 2)
    bounded = min(max(wanted, SHORTEST_INTERVAL), LONGEST_INTERVAL)
    return max(bounded * (1 - chance / 10), SHORTEST_INTERVAL)


def forget_source(session: Session, provider_key: str) -> None:
    """With a provider goes where it came from."""
    session.execute(delete(MetadataSource).where(MetadataSource.provider_key == provider_key))
