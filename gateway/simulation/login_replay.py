"""Logins that a receipt tells of, asked again under another trust policy or other mapping rules.

A receipt keeps, sealed, what the conditions of then compared: not all that a login said. A login can be asked again
exactly where every condition key that decides, before or after the change, is among what was kept whole. The others
are counted, with the keys that are missing: a guess would be worth nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.audit.notary import notary_of
from gateway.audit.personal import Redaction
from gateway.audit.receipts import Receipt, ReceiptRow, read_receipt
from gateway.clock import wire_time
from gateway.errors import InputError
from gateway.federation.receipts import ROLE_LOGIN
from gateway.federation.rules import MappingRule, apply_rules, keys_of_template
from gateway.identity import Protocol
from gateway.policy import FederatedPrincipal
from gateway.policy.fold import fold
from gateway.simulation.changes import Change, ProposedRules
from gateway.simulation.flips import DryRun, Example, Redacted, Turn
from gateway.simulation.trust_judging import TrustBench

KINDS = (ROLE_LOGIN, "AssumeRoleWithSAML", "AssumeRoleWithOIDC")
_KEPT_WHOLE = 8  # fewer values than this of a key: then all of them were kept (see `audit.personal`)
_PAGE = 500
_ASSUME = "sts:AssumeRole"

Known = Mapping[str, tuple[str, ...]]


def replay_logins(  # noqa: PLR0917 - which, under what, into what
    session: Session,
    account_id: str,
    change: Change,
    trust: TrustBench,
    between: tuple[datetime | None, datetime | None],
    run: DryRun,
) -> None:
    """Nothing to do for a change of policies: they have no say in logins."""
    if change.trust is None and change.rules is None:
        return
    redaction = Redaction.under(notary_of(session).ring)
    for receipt in _logins(session, account_id, *between):
        if change.rules is not None:
            _ask_rules(receipt, change.rules, run)
        else:
            _ask_trust(receipt, trust, run, redaction)


def _logins(session: Session, account_id: str, since: datetime | None, until: datetime | None) -> Iterator[Receipt]:
    """Oldest first."""
    notary, last = notary_of(session), 0
    query = select(ReceiptRow).where(ReceiptRow.account_id == account_id, ReceiptRow.kind.in_(KINDS))
    query = query if since is None else query.where(ReceiptRow.at >= since)
    query = query if until is None else query.where(ReceiptRow.at < until)
    while rows := session.scalars(query.where(ReceiptRow.id > last).order_by(ReceiptRow.id).limit(_PAGE)).all():
        for row in rows:
            last = row.id
            yield read_receipt(row, notary)
            session.expunge(row)


def _ask_trust(receipt: Receipt, trust: TrustBench, run: DryRun, redaction: Redaction) -> None:
    provider, role = _text(receipt, "provider_arn"), trust.role_of_id(_text(receipt, "role_id"))
    if role is None or not trust.concerns(role):
        return
    try:
        principal = FederatedPrincipal(provider)
    except InputError:  # it came by another role session
        return
    known = known_values(receipt)
    missing = sorted(trust.keys_of(role, principal) - known.keys())
    if missing:
        run.logins.missing(missing)
        return
    twice = trust.ask(provider, role.arn, known)
    assert twice is not None, "both are known"
    run.logins.asked += 1
    if twice.verdict.allowed_before is not twice.verdict.allowed_after:
        turn = Turn.TO_ALLOW if twice.verdict.allowed_after else Turn.TO_DENY
        _flip(
            run,
            receipt,
            turn,
            role.arn,
            (Redacted(twice.before, redaction).explain(), Redacted(twice.after, redaction).explain()),
        )
    elif not twice.verdict.same_statement:
        run.other_statement += 1


def _ask_rules(receipt: Receipt, rules: ProposedRules, run: DryRun) -> None:
    """Which roles rules offer to this login, before and after; whether it may take them, their trust policies say."""
    asked = receipt.details.get("rules") or _text(receipt, "protocol") == Protocol.OIDC
    if _text(receipt, "provider_arn").lower() != rules.provider.arn.lower() or not asked:
        return
    known = known_values(receipt)
    missing = sorted((_keys_of(rules.before) | _keys_of(rules.after)) - known.keys())
    if missing:
        run.logins.missing(missing)
        return
    run.logins.asked += 1
    before, after = _offered(rules.before, known), _offered(rules.after, known)
    for role, why in before.items():
        if role not in after:
            _flip(run, receipt, Turn.TO_DENY, role, (why, "no mapping rule offers the role"))
    for role, why in after.items():
        if role not in before:
            _flip(run, receipt, Turn.TO_ALLOW, role, ("no mapping rule offers the role", why))


def _offered(rules: Sequence[MappingRule], known: Known) -> Mapping[str, str]:
    """Roles by ARN in lower case, with the rule that offers each first."""
    offered: dict[str, str] = {}
    for hit in apply_rules(rules, known)[0]:
        for role in hit.rule.role_arns:
            offered.setdefault(role.lower(), f"mapping rule `{hit.rule.name}` offers the role")
    return offered


def _keys_of(rules: Sequence[MappingRule]) -> frozenset[str]:
    """The condition keys, folded, that decide which rules are met."""
    conditions = {fold(condition.key) for rule in rules for condition in rule.block.conditions}
    return frozenset(conditions | {fold(key) for rule in rules for key in keys_of_template(rule.session_name)})


def known_values(receipt: Receipt) -> dict[str, tuple[str, ...]]:
    """What a receipt tells of a login, by condition key, folded; of each key all values or nothing."""
    known: dict[str, tuple[str, ...]] = {"acs:currenttime": (wire_time(receipt.at),)}
    prefix = "oidc" if _text(receipt, "protocol") == Protocol.OIDC else "saml"
    for key, name in (("acs:sourceip", "client"), (f"{prefix}:iss", "issuer"), (f"{prefix}:sub", "subject")):
        value = _text(receipt, name)
        if value:
            known[key] = (value,)
    for name in ("rule_values", "trust_values"):
        compared = receipt.details.get(name)
        for text in compared if isinstance(compared, list | tuple) else ():
            _of, key, _operator, _wanted, seen = json.loads(text)
            if len(seen) < _KEPT_WHOLE:
                known[fold(key)] = tuple(seen)
    return known


def _flip(run: DryRun, receipt: Receipt, turn: Turn, role: str, told: tuple[str, str]) -> None:
    """By the provider: that somebody logged in by it is no name of a person."""
    provider = _text(receipt, "provider_arn")
    if run.flips.is_new(turn, provider, _ASSUME, role):
        run.flips.add(turn, provider, _ASSUME, Example(receipt.at, receipt.request_id, role, *told))


def _text(receipt: Receipt, name: str) -> str:
    value = receipt.details.get(name)
    return value if isinstance(value, str) else ""
