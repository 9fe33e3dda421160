"""The whole suite: from one genuine response to some hundred attacks, each judged by the one verification."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.saml import tags
from gateway.saml.attacks.document_changes import document_changes, field_changes, oversized_changes
from gateway.saml.attacks.forged_contents import changed_contents, hidden_texts
from gateway.saml.attacks.forged_signatures import bent_signatures, borrowed_keys, smuggled_digests
from gateway.saml.attacks.loot import Attempt, Loot, assertion_in, field_of, field_of_document
from gateway.saml.attacks.tree_changes import Node, find_all
from gateway.saml.attacks.wrapping import HOW, PLACES, displace, put_second, wrap_assertion, wrap_response
from gateway.saml.expectation import Expectation
from gateway.saml.response import verify_response
from gateway.saml.verdict import judge_response

MOST_SECONDS = 20.0
_MOST_ELEMENTS = 60
_ANYBODY = "sign in as anybody"


@dataclass(frozen=True, slots=True)
class AttackResult:
    """`accepted`: the verification let it pass, which it never should. `check` and `reason`: of the refusal."""

    family: str
    name: str
    gain: str
    accepted: bool
    check: str = ""
    reason: str = ""
    public: str = ""


@dataclass(frozen=True, slots=True)
class AttackRun:
    results: tuple[AttackResult, ...]
    complete: bool  # False: the time was up

    @property
    def accepted(self) -> tuple[AttackResult, ...]:
        return tuple(result for result in self.results if result.accepted)


def run_suite(message: str, expectation: Expectation, at: datetime) -> AttackRun:
    """Attack with a response that `expectation` accepts at `at`, for at most 20 seconds.

    Raises: SamlError if the response is not accepted as it is: then a refusal of a changed one would show nothing.
    """
    verify_response(message, expectation, at)
    until = time.monotonic() + MOST_SECONDS
    results: list[AttackResult] = []
    for attempt in attempts(Loot(message, expectation.decryption_keys), expectation):
        if time.monotonic() > until:
            return AttackRun(tuple(results), complete=False)
        results.append(_result(attempt, expectation, at))
    results += _elsewhere(message, expectation, at)
    return AttackRun(tuple(results), complete=True)


def attempts(loot: Loot, expectation: Expectation) -> Iterator[Attempt]:
    yield from _attempts(loot, expectation)
    if loot.opened is not None:
        for attempt in _attempts(loot.opened, expectation):
            yield replace(attempt, name=f"{attempt.name}, opened")


def _attempts(loot: Loot, expectation: Expectation) -> Iterator[Attempt]:
    yield from _wrapped(loot)
    if loot.plain:
        yield from _seconds(loot)
    yield from changed_contents(loot)
    yield from hidden_texts(loot)
    yield from bent_signatures(loot)
    yield from smuggled_digests(loot)
    yield from borrowed_keys(loot, expectation.certificates)
    yield from _duplicate_ids(loot)
    for change in document_changes():
        made = change.change(loot.document)
        yield Attempt("document", change.name, "confuse the reader of the XML", field_of_document(made))
    for of_field in (*field_changes(), *oversized_changes()):
        made_field = of_field.change(field_of_document(loot.document))
        yield Attempt("document", of_field.name, "confuse or exhaust the reader", made_field)


def _wrapped(loot: Loot) -> Iterator[Attempt]:
    for how in HOW:
        if loot.response_signed:
            evil = loot.forged_response()
            wrap_response(how, evil, loot.tree())
            yield Attempt("wrapping", f"{how} of the signed response", _ANYBODY, field_of(evil))
        if loot.assertion_signed:
            root = loot.tree()
            wrap_assertion(how, root, loot.forged_assertion(), assertion_in(root))
            yield Attempt("wrapping", f"{how} of the signed assertion", _ANYBODY, field_of(root))


def _seconds(loot: Loot) -> Iterator[Attempt]:
    """A second assertion wherever one can stand, and the genuine one where nobody looks."""
    names = [str(element.tag).rpartition("}")[2] for element in loot.tree().iter()][:_MOST_ELEMENTS]
    for number, name in enumerate(names):
        for first in (True, False):
            root = loot.tree()
            put_second(number, first, "", root, loot.forged_assertion())
            where = f"{'first' if first else 'last'} in element {number}, {name}"
            yield Attempt("wrapping", f"second assertion {where}", _ANYBODY, field_of(root))
    for kind in ("EncryptedAssertion", "{urn:x}Assertion", "{}Assertion"):
        root = loot.tree()
        put_second(0, True, kind, root, loot.forged_assertion())
        yield Attempt("wrapping", f"second assertion called {kind}", _ANYBODY, field_of(root))
    for place in PLACES:
        root = loot.tree()
        if place.startswith("//") and not find_all(root, place):
            continue
        displace(place, root, loot.forged_assertion(), assertion_in(root))
        yield Attempt("wrapping", f"the genuine one moved to {place}", _ANYBODY, field_of(root))
    root = loot.tree()
    twin = loot.forged_assertion()
    twin.set("ID", assertion_in(root).get("ID"))
    root.append(twin)
    yield Attempt("wrapping", "two assertions of one ID", _ANYBODY, field_of(root))


def _duplicate_ids(loot: Loot) -> Iterator[Attempt]:
    for name in ("ID", "Id", "id", "{http://www.w3.org/XML/1998/namespace}id"):
        for of in (tags.RESPONSE, tags.ASSERTION):
            root = loot.tree()
            taken: Node = root if of == tags.RESPONSE else assertion_in(root)
            if taken is None:
                continue
            find_all(root, "//samlp:StatusCode")[0].set(name, taken.get("ID"))
            label = (
                f"{name.replace('{http://www.w3.org/XML/1998/namespace}', 'xml:')} of the {of.rpartition('}')[2]} twice"
            )
            yield Attempt("wrapping", label, "have another element verified than read", field_of(root))


def _elsewhere(message: str, expectation: Expectation, at: datetime) -> list[AttackResult]:
    """The genuine message, unchanged, where and when it does not belong."""
    other = "https://evil.example.com/"
    late = at + timedelta(days=2)
    situations = (
        ("to another service", "use a login for one service at another", replace(expectation, audience=other), at),
        ("to another address", "use a login for one service at another", replace(expectation, recipients=(other,)), at),
        ("for another company", "speak for another company", replace(expectation, issuer=other), at),
        ("to who registered other keys", "speak for another company", replace(expectation, certificates=()), at),
        ("in another browser", "push a login into another browser", replace(expectation, in_response_to="_else"), at),
        ("two days later", "use a login for ever", expectation, late),
        ("two days before", "have a login in store", expectation, at - timedelta(days=2)),
    )
    return [
        _result(Attempt("elsewhere", f"the same response {where}", gain, message), wanted, when)
        for where, gain, wanted, when in situations
    ]


def _result(attempt: Attempt, expectation: Expectation, at: datetime) -> AttackResult:
    verdict = judge_response(attempt.message, expectation, at)
    return AttackResult(
        family=attempt.family,
        name=attempt.name,
        gain=attempt.gain,
        accepted=verdict.identity is not None,
        check=verdict.failed_check,
        reason="" if verdict.reason is None else verdict.reason.value,
        public=verdict.public,
    )
