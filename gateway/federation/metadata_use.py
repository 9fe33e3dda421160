"""What logins mean for metadata: certificates are counted, a staged document is promoted, a wrong one rolled back.

Everything happens in the transaction of the login, or of the refusal's record, and leaves a receipt.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.audit.receipts import Detail, Receipt, record
from gateway.directory.metadata_life import Turn, promote_document, roll_back_document
from gateway.directory.metadata_owners import lock_owner
from gateway.directory.metadata_trial import count_failure
from gateway.directory.provider_certificates import count_use, still_promotes
from gateway.errors import NotFound, SamlError
from gateway.federation.facts import Occasion, facts_of
from gateway.federation.replay import claim_presentation
from gateway.federation.vouching import Voucher
from gateway.identity import VerifiedIdentity

PROMOTED = "MetadataPromoted"
ROLLED_BACK = "MetadataRolledBack"
_WHY_PROMOTED = "a login was verified by it"
_WHY_ROLLED_BACK = (
    "Too many sign-ins were refused after it was put in force that the previous document would have accepted."
)


def promote_by_login(session: Session, voucher: Voucher, occasion: Occasion) -> None:
    """Put the staged document in force, if this login was verified by what it brings.

    Early in a login: whoever changes the account holds its lock, and this waits for it. Nothing is asked of the
    database unless there is something to promote.
    """
    if voucher.use is None or voucher.use.promoting_row_id is None:
        return
    lock_owner(session, voucher.key)
    if still_promotes(session, voucher.use.promoting_row_id):
        turn = promote_document(session, voucher.key, by=_WHY_PROMOTED, now=occasion.now)
        certificate = {"verified_by": voucher.certificate_fingerprint}
        record_turn(session, PROMOTED, turn, request_id=occasion.request_id, now=occasion.now, more=certificate)


def count_login(session: Session, voucher: Voucher, occasion: Occasion) -> None:
    """One update by primary key, late in a login: see `count_use`."""
    if voucher.use is not None:
        count_use(session, voucher.use, occasion.now)


def note_refused_by_promotion(
    session: Session, provider_key: str, identity: VerifiedIdentity, *, request_id: str, now: datetime
) -> Turn | None:
    """A login was refused that the provider's previous document would have accepted: `identity` is what it would have
    been, every check passed, the signature under a retiring certificate among them.

    Nobody can make that up without a key of the identity provider. The assertion is used up by it, so that one that
    signed in before, or was counted before, does not count. What was rolled back, if that was one too many.
    """
    try:
        owner = lock_owner(session, provider_key)
        claim_presentation(session, facts_of(identity), now)
    except (NotFound, SamlError):
        return None
    if not count_failure(session, provider_key, owner.account_id, now):
        return None
    try:
        turn = roll_back_document(session, provider_key, why=_WHY_ROLLED_BACK, now=now)
    except NotFound:  # an administrator gave up the way back meanwhile
        return None
    record_turn(session, ROLLED_BACK, turn, request_id=request_id, now=now)
    return turn


def record_turn(
    session: Session,
    kind: str,
    turn: Turn,
    *,
    request_id: str,
    now: datetime,
    principal_arn: str | None = None,
    more: Mapping[str, Detail] | None = None,
) -> None:
    """The receipt of whatever changed what is trusted."""
    details: dict[str, Detail] = {
        "provider_arn": turn.provider_arn,
        "entity_id": turn.entity_id,
        "certificates_in_force": list(turn.certificates),
        "why": turn.why,
        **(more or {}),
    }
    record(session, Receipt(now, request_id, turn.account_id, kind, principal_arn, "Allow", details=details))
