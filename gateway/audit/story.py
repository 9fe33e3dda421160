"""The story of a request in plain words: who came, what was checked, which statement decided on which values, what it
led to. Personal values are shown by their type. Pure: what is told comes from receipts and decisions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.audit.decisions import ASKED, ITSELF, SUPPOSED, UNPROVEN, DecisionRecord
from gateway.audit.personal import Redaction, one_line
from gateway.audit.receipts import Receipt
from gateway.clock import wire_time
from gateway.errors import Reason
from gateway.policy import Layer, Outcome, StatementRef

_LAYERS = {
    Layer.OWNER.value: "the account owner needs no policy",
    Layer.CONTROL.value: "a control policy of the account",
    Layer.SESSION.value: "the session policy, which was given when the session was made",
    Layer.ACCOUNT_IDENTITY.value: "the policies attached for the whole account",
    Layer.RESOURCE_GROUP_IDENTITY.value: "the policies attached for the account or the resource group",
    Layer.TRUST.value: "the role's trust policy",
}
_WORDS = {
    "client": "from",
    "protocol": "by",
    "provider_arn": "identity provider",
    "issuer": "the provider calls itself",
    "subject": "the provider calls the person",
    "assertion_id": "message",
    "signed_sha256": "SHA-256 of the signed bytes",
    "certificate": "verified under the certificate or key",
    "checks": "checks that passed",
    "failed_check": "the check that failed",
    "rules": "mapping rules",
    "rule_values": "what they compared",
    "trust_values": "what the trust policy compared",
    "rules_not_met": "mapping rules that were not met",
    "offered": "roles offered",
    "refused": "roles refused",
    "offered_by": "the role was offered by",
    "decision": "the trust policy",
    "because": "why it was allowed",
    "duration_cap": "how long the session lasts is set by",
    "caps": "limits of how long it lasts, in seconds",
    "expires_at": "the session ends at",
    "session_id": "session",
    "parent_session_id": "made from the session",
    "access_key_id": "its temporary key",
    "user": "the person is this user",
    "claimed_groups": "groups that the login said",
    "second_factor": "second factor",
    "targets": "on",
    "entity": "on",
    "method": "signed in by",
    "operator": "run by the user of this machine's system",
    "sudo_user": "who had come to that by sudo as",
    "named": "on",
    "options": "with the options",
    "values": "values given",
    "tried": "who was tried",
    "holder": "that is the user or the account",
    "times": "how often this was refused since the last record of it",
    "others": "refusals besides that left no record",
    "consumer": "where",
    "lapsed_groups": "groups that the login says no more",
}
_KEY_CURES = {
    Reason.SIGNATURE_MISMATCH.value: "sign with the secret of this very key, and send what was signed unchanged.",
    Reason.SIGNATURE_NONCE_USED.value: "a new nonce for each call, for one that is tried again too.",
    Reason.TIMESTAMP_EXPIRED.value: "set the caller's clock: calls are taken within 15 minutes of being signed.",
    Reason.TOKEN_EXPIRED.value: "get a new token: this one's time is over.",
    Reason.TOKEN_REVOKED.value: "get a new token: what this one came from was revoked.",
    Reason.TOKEN_MISSING.value: "send the security token along: it belongs to a temporary key.",
    Reason.ACCESS_KEY_INACTIVE.value: "have the key enabled, or use another one.",
    Reason.ACCESS_KEY_NETWORK.value: "call from a network that the key may be used from.",
}
_OCCASIONS = {
    ASKED: "they asked at the console whether they may, and did nothing; ",
    SUPPOSED: "supposing that a second factor had been proved just then, ",
}
_NO_REFUSALS = frozenset({ITSELF, *_OCCASIONS})
_EXCHANGES = frozenset({"AssumeRoleWithSAML", "AssumeRoleWithOIDC"})
_OF_PASSWORDS = frozenset({"password", "second factor", "owner's password"})
OF_COMMANDS = "cli:"  # how kinds of receipts of the command line begin
_COMPARISONS = frozenset({"rule_values", "trust_values"})
_OF_WHOLE_TEXTS = frozenset({"decision", "because", "offered", "refused", "rules", "rules_not_met"})


@dataclass(frozen=True, slots=True)
class Story:
    request_id: str
    lines: tuple[str, ...]

    @property
    def known(self) -> bool:
        return bool(self.lines)


def tell(
    request_id: str,
    receipts: Sequence[Receipt],
    decisions: Sequence[DecisionRecord],
    related: Sequence[Receipt],
    redaction: Redaction,
) -> Story:
    lines: list[str] = []
    for receipt in reversed(receipts):
        lines += tell_receipt(receipt, redaction)
    for decision in decisions:
        lines += tell_decision(decision, redaction)
    if related:
        lines.append("Of the same session:")
        lines += [f"  {wire_time(each.at)} {each.kind}: {each.outcome} (request {each.request_id})" for each in related]
    return Story(request_id, tuple(lines))


def tell_receipt(receipt: Receipt, redaction: Redaction) -> list[str]:
    who = _who(receipt)
    reason = f", because of {receipt.reason}" if receipt.reason else ""
    lines = [f"{wire_time(receipt.at)} {receipt.kind} by {who}: {receipt.outcome}{reason}."]
    for name, value in receipt.details.items():
        if name == "version" or value in (None, "", []) or (name == "others" and value == 0):
            continue
        words = _WORDS.get(name, name.replace("_", " "))
        lines.append(f"  {words}: {', '.join(_shown(name, value, redaction))}")
    return lines


def _who(receipt: Receipt) -> str:
    if receipt.principal_arn is not None:
        return one_line(receipt.principal_arn)
    if receipt.kind.startswith(OF_COMMANDS):
        return f"the command line of {one_line(str(receipt.details.get('operator', '')))}"
    if receipt.details.get("consumer") in _OF_PASSWORDS:
        return "somebody who wanted to sign in by password"
    if receipt.details.get("consumer") in _EXCHANGES:
        return "somebody who came with the word of an identity provider"
    return "somebody who was nobody yet"


def tell_decision(decision: DecisionRecord, redaction: Redaction) -> list[str]:
    """What was asked, what decided, on which values, and for a denial what would help."""
    if decision.principal_kind == UNPROVEN:
        return _tell_unproven(decision, redaction)
    who = f"{decision.principal_kind} {one_line(decision.principal_arn)}"
    head = f"{wire_time(decision.at)} {decision.operation} by {who}"
    if not decision.of_policy:
        if decision.reason:
            return [f"{head}: refused before any policy was asked, because of {decision.reason}."]
        return [f"{head}: answered; no policy is asked for this."]
    asked = f"`{one_line(decision.action)}` on `{one_line(decision.resource)}`"
    lines = [f"{head}: {_OCCASIONS.get(decision.reason, '')}{asked} was {_verdict(decision)}."]
    ref = decision.statement or decision.nearest
    if ref is not None:
        role = "decided" if decision.statement is not None else "came nearest, and did not apply"
        lines.append(f"  {tell_statement(ref)} {role}.")
    lines += [f"  {line}" for line in _values(decision, redaction)]
    if decision.reason and decision.reason not in _NO_REFUSALS and decision.outcome == Outcome.ALLOW.value:
        lines.append(f"  It was refused all the same, because of {decision.reason}.")
    lines += [f"  What would help: {line}" for line in _cures(decision)]
    return lines


def _tell_unproven(decision: DecisionRecord, redaction: Redaction) -> list[str]:
    def shown(key: str) -> str:
        return " and ".join(redaction.show(key, value) for value in decision.context.get(key, ()))

    holder = f"the AccessKey {shown('acs:AccessKeyId')} of {one_line(decision.principal_arn)}"
    head = f"{wire_time(decision.at)} {decision.operation or 'A call'} by somebody who named {holder}"
    lines = [f"{head}, and was not let in by it: refused before any policy was asked, because of {decision.reason}."]
    if address := shown("acs:SourceIp"):
        lines.append(f"  from: {address}")
    lines.append(f"  {_WORDS['times']}: {shown('ramgate:Times')}")
    if (others := shown("ramgate:Others")) not in {"", "0"}:
        lines.append(f"  {_WORDS['others']}: {others}")
    cure = _KEY_CURES.get(decision.reason)
    return lines if cure is None else [*lines, f"  What would help: {cure}"]


def tell_statement(ref: StatementRef) -> str:
    version = f" {ref.policy_version}" if ref.policy_version else ""
    place = f", attached to {ref.via.lower()} {one_line(ref.attached_to)}," if ref.attached_to else ""
    kind = ref.policy_type.value.lower()
    return (
        f"Statement[{ref.index}] ({ref.effect.value}) of the {kind} policy {one_line(ref.policy_name)}{version}{place}"
    )


def shown_context(decision: DecisionRecord, redaction: Redaction) -> Mapping[str, Sequence[str]]:
    return {key: [redaction.show(key, value) for value in values] for key, values in decision.context.items()}


def shown_details(receipt: Receipt, redaction: Redaction) -> Mapping[str, Sequence[str]]:
    return {name: _shown(name, value, redaction) for name, value in receipt.details.items() if value is not None}


def _verdict(decision: DecisionRecord) -> str:
    layer = _LAYERS.get(decision.layer, decision.layer)
    if decision.outcome == Outcome.ALLOW.value:
        return f"allowed: {layer}" if decision.layer == Layer.OWNER.value else f"allowed by {layer}"
    if decision.reason == ITSELF:
        return "allowed: the account lets its users do this to themselves, and no policy forbids it"
    if decision.outcome == Outcome.EXPLICIT_DENY.value:
        return f"denied by {layer}"
    return f"denied: nothing in {layer} allows it"


def _values(decision: DecisionRecord, redaction: Redaction) -> Iterable[str]:
    seen = {key.lower(): values for key, values in decision.context.items()}
    for each in decision.conditions:
        found = seen.get(each.key.lower(), ())
        told = " and ".join(redaction.show(each.key, value) for value in found[:3]) or "not there"
        wanted = " or ".join(f"`{one_line(value)}`" for value in each.wanted[:3])
        met = "met" if each.met else "not met"
        yield f"{one_line(each.key)} was {told}; {each.operator} wants {wanted}: {met}."


def _cures(decision: DecisionRecord) -> Iterable[str]:
    if decision.outcome == Outcome.ALLOW.value or decision.reason == ITSELF:
        return
    asked = f"`{one_line(decision.action)}` on `{one_line(decision.resource)}`"
    if decision.statement is not None:
        yield f"take {asked} out of that statement, or its policy away; a Deny beats every Allow."
    elif decision.nearest is not None:
        failed = " and ".join(one_line(each.key) for each in decision.conditions if not each.met)
        yield f"come with what its conditions want ({failed}), or change them."
    elif decision.layer == Layer.SESSION.value:
        yield f"make the session with a session policy that allows {asked}, or without one."
    elif decision.layer == Layer.TRUST.value:
        yield "let the role's trust policy name who came."
    elif decision.layer == Layer.CONTROL.value:
        yield f"whoever looks after the account's folder allows {asked} in its control policies."
    else:
        yield f"attach a policy that allows {asked} to {one_line(decision.principal_arn)} or to a group of theirs."


def _shown(name: str, value: object, redaction: Redaction) -> list[str]:
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    values = [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
    if name in _COMPARISONS:
        return [redaction.comparison(each) for each in values]
    if name in _OF_WHOLE_TEXTS:
        return [_without_values(each) for each in values]
    return [redaction.show(name, each) for each in values]


def _without_values(sentence: str) -> str:
    """A sentence of the policy engine, or of a mapping rule, without the values that it saw."""
    head, found, _ = sentence.partition(" because ")
    return one_line(head + (found and " because of its conditions"), 400)
