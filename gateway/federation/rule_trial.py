"""Trying mapping rules with claims that somebody wrote down: nobody signs in by it, and nothing is saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from gateway.federation.facts import LoginFacts, Occasion
from gateway.federation.registered import RegisteredProvider
from gateway.federation.role_options import login_context, rules_of
from gateway.federation.rules import RuleHit, RuleMiss, apply_rules
from gateway.federation.vouching import Voucher
from gateway.identity import Protocol

Sample = Mapping[str, tuple[str, ...]]  # claims, or attributes, by name

# What stands for itself in a token stands under these names in a sample of a SAML login.
NAME_ID, CONTEXT_CLASS = "NameID", "AuthnContextClassRef"
_SECONDS = 12


@dataclass(frozen=True, slots=True)
class Trial:
    """Which rules a login would meet. `context` are all the condition keys that it would have."""

    hits: tuple[RuleHit, ...]
    misses: tuple[RuleMiss, ...]
    context: Mapping[str, tuple[str, ...]]


def try_rules(session: Session, provider: RegisteredProvider, sample: Sample, occasion: Occasion) -> Trial:
    facts = suppose(provider, sample, occasion.now)
    voucher = supposed_voucher(provider)
    context = login_context(facts, voucher, occasion)
    hits, misses = apply_rules(rules_of(session, provider.key), context)
    return Trial(hits, misses, context)


def supposed_voucher(provider: RegisteredProvider) -> Voucher:
    """The provider as if it vouched for what somebody wrote down."""
    return Voucher(provider.key, provider.arn, provider.account_id, "", provider.settings)


def suppose(provider: RegisteredProvider, sample: Sample, now: datetime, *, recipient: str = "") -> LoginFacts:
    """What a login with these claims or attributes would say. Nothing of it is verified: nobody may sign in by it."""
    is_oidc = provider.protocol is Protocol.OIDC
    contexts = sample.get("acr" if is_oidc else CONTEXT_CLASS, ())
    return LoginFacts(
        protocol=provider.protocol.value,
        issuer=provider.issuer,
        subject=next(iter(sample.get("sub" if is_oidc else NAME_ID, ())), ""),
        subject_type="",
        assertion_id="",
        certificate_fingerprint="",
        recipient=recipient,
        not_on_or_after=now,
        session_not_on_or_after=None,
        attributes=sample,
        audiences=sample.get("aud", ()),
        authn_instant=_instant(sample.get("auth_time", ())),
        authn_context=next(iter(contexts), None),
        methods=sample.get("amr", ()) if is_oidc else (),
        provider=provider.arn,
    )


def _instant(values: tuple[str, ...]) -> datetime | None:
    text = next(iter(values), "")
    plain = text.isascii() and text.isdigit() and len(text) < _SECONDS
    return datetime.fromtimestamp(int(text), UTC) if plain else None
