"""Who signed what a resource service was sent, and may they? Order and reasons are those of the gateway's own wire."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.directory.authorization import Authorizer
from gateway.errors import CredentialError, Reason
from gateway.guard.forwarded import Forwarded, ForwardedProof, read_forwarded
from gateway.guard.proof import Caller, verify_proof
from gateway.guard.questions import ACCESS_ID, Question
from gateway.guard.reach import Reach, check_reach
from gateway.guard.ruling import Ruling, rule
from gateway.keyring import KeyRing
from gateway.store.fleeting import Fleeting, KeyUse, Nonce
from gateway.store.reading import Reading

_LONGEST_SERVICE = 32
_SIGN_IN = "Service"  # what a use is noted as that asked no more than who it is


@dataclass(frozen=True, slots=True)
class Verified:
    """Who it was, and what may be done; without a question there is no ruling."""

    caller: Caller
    ruling: Ruling | None


@dataclass(frozen=True, slots=True)
class Bench:
    """What is needed to decide: made of the gateway's services, or of a store, a ring and a clock."""

    ring: KeyRing
    fleeting: Fleeting
    authorizer: Authorizer
    now: datetime


def verify_forwarded(
    source: Session | Reading, bench: Bench, forwarded: Forwarded, question: Question | None, reach: Reach
) -> Verified:
    """Authenticate what a service's client signed, and decide what it asks for.

    The use of a lasting key is noted under the service's code. A nonce, if one was told, is claimed once among the
    services of one account, after the signature was found right; it stays claimed whatever is decided.
    Raises: InputError and CredentialError as the gateway's own wire does for the same signature, see `guard.proof`;
    Denied(ACCESS_DENIED) for a caller out of the service's reach.
    """
    proof = read_forwarded(forwarded, bench.now)
    caller = verify_proof(source, bench.ring, bench.fleeting, proof, bench.now)
    check_reach(reach, caller.principal.account_id, question)
    _remember(bench, proof, question, reach)
    if question is None:
        return Verified(caller, None)
    asked = replace(question, context={**_without_access_id(question), ACCESS_ID: (proof.access_key_id,)})
    return Verified(caller, rule(source, bench.authorizer, caller, asked, bench.now))


def _remember(bench: Bench, proof: ForwardedProof, question: Question | None, reach: Reach) -> None:
    service = _SIGN_IN if question is None else question.service[:_LONGEST_SERVICE].capitalize()
    use = None if proof.temporary else KeyUse(proof.access_key_id, service)
    if proof.nonce is None:
        if use is not None:
            bench.fleeting.note_use(use, bench.now)
        return
    key = f"forwarded to {reach.account_id}\n{proof.access_key_id}\n{proof.nonce}"
    if not bench.fleeting.claim_nonce(Nonce(key, proof.signed_at, proof.claimed_until), use, bench.now):
        raise CredentialError(Reason.SIGNATURE_NONCE_USED, "the nonce was used before", "forwarded twice")


def _without_access_id(question: Question) -> dict[str, tuple[str, ...]]:
    """The gateway knows better whose key it was."""
    return {key: values for key, values in question.context.items() if key.lower() != ACCESS_ID.lower()}
