"""How good the attacks are: the verifier is weakened one rule at a time, and each weakened build must be found out.

Two scores, both 100 %. Of the numbered checks each is switched off and then at least one attack must be accepted: no
check is there for nothing, and none is untried. Of the single rules, which are found in the source and listed nowhere,
each must change what happens to at least one message: it is accepted, breaks, or is refused with other words.
"""

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from types import CodeType

import pytest
from lxml import etree

from gateway.saml import (
    algorithms,
    artifact,
    asked,
    assertion,
    canonical,
    conditions,
    decryption,
    name_budget,
    response,
    signature,
    statements,
    subject,
    tree,
    xml,
)
from gateway.saml.checks import Check
from gateway.saml.response import peek, verify_response
from gateway.saml.xml import Document
from tests import saml_artifacts
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_corpus import corpus
from tests.saml_factory import Spec
from tests.saml_mutants import Mutant, by_text, functions_passed, mutants_of, outcome

MODULES = (
    xml, tree, signature, algorithms, canonical, conditions, subject, statements, asked, assertion, response, decryption, artifact,
)  # fmt: skip
Attempt = Callable[[], object]


@dataclass(frozen=True)
class Tried:
    attempt: Attempt
    outcome: str  # of the gateway as it is
    passed: set[CodeType]


class _NothingComesOut:
    """An XML engine that canonicalizes to nothing, as some do when they fail."""

    LxmlError = etree.LxmlError

    @staticmethod
    def tostring(*_: object, **__: object) -> bytes:
        return b""


def canonicalized_to_nothing() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canonical, "etree", _NothingComesOut)
        return canonical.canonicalize(etree.fromstring("<a/>"), ())


def signed_element_that_is_no_assertion() -> object:
    signer = factory.signing_key().trusted
    frame = response._Frame(assertions=[], signer=signer, signatures_left=0)
    return response._verify_assertion(etree.fromstring("<x/>"), frame, factory.expectation(), NOON, [])


def malformed_in_a_thread_of_its_own() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(name_budget, "LIMIT", 0)
        return xml.parse_document(b"<a>")


def no_canonical_form_in_a_thread_of_its_own() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(name_budget, "new_prefixes", lambda prefixes: prefixes)
        patch.setattr(name_budget, "learn_prefixes", lambda *_: False)
        return canonical.canonicalize(etree.fromstring('<p:a xmlns:p="relative"/>'), ("p",))


def beyond_messages() -> dict[str, Attempt]:
    """Locks behind other locks: no message gets there, so they are tried at their own door."""
    anonymous = Spec(response_issuer=None, issuer="")
    nothing = Spec(response_issuer="")
    return {
        "comment in a tree": lambda: tree.check_tree(Document(etree.fromstring("<a><!-- --></a>"), False, 0)),
        "canonicalized to nothing": canonicalized_to_nothing,
        "signed, and no assertion": signed_element_that_is_no_assertion,
        "no canonical form, written apart": no_canonical_form_in_a_thread_of_its_own,
        "malformed, read apart": malformed_in_a_thread_of_its_own,
        **artifacts(),
        "peek: no issuer": partial(peek, factory.encode(anonymous.xml())),
        "peek: empty issuer": partial(peek, factory.encode(nothing.xml())),
    }


def artifacts() -> dict[str, Attempt]:
    """References and the answers to them, which bring messages and are none."""
    read = artifact.read_artifact_response
    foreign = artifact.parse_artifact(saml_artifacts.artifact("https://evil.example.com"))
    return {
        "artifact of another source": partial(artifact.check_source, foreign, factory.IDP),
        **{
            f"artifact {number}": partial(artifact.parse_artifact, text)
            for number, text in enumerate(saml_artifacts.NO_ARTIFACTS)
        },
        **{
            f"artifact answer: {name}": partial(read, kept.xml(), saml_artifacts.expectation(), NOON)
            for name, (_, kept) in saml_artifacts.REFUSED.items()
        },
    }


@cache
def tried() -> dict[str, Tried]:
    attempts: dict[str, Attempt] = {
        name: partial(verify_response, attack.message, attack.expectation, NOON) for name, attack in corpus().items()
    }
    made = {
        name: Tried(attempt, outcome(attempt), functions_passed(attempt))
        for name, attempt in {**attempts, **beyond_messages()}.items()
    }
    assert not [name for name, case in made.items() if case.outcome == "accepted" or "broken" in case.outcome]
    return made


def changes_under(mutant: Mutant) -> dict[str, str]:
    """What happens otherwise in the weakened build: attack to outcome."""
    original = mutant.function.__code__
    concerned = {name: case for name, case in tried().items() if original in case.passed}
    with mutant.in_place():
        outcomes = {name: outcome(case.attempt) for name, case in concerned.items()}
    return {name: found for name, found in outcomes.items() if found != concerned[name].outcome}


@dataclass(frozen=True)
class Switch:
    """A numbered check that is off, an attack that it alone holds off, and what else would have to be off for it."""

    check: Check
    off: tuple[Mutant, ...]
    attack: str
    second_locks: tuple[Mutant, ...] = ()


def switches() -> tuple[Switch, ...]:
    count = by_text(tree._census, "if assertions > 1:", "if False:")
    answers = "check_in_response_to({}, expectation.in_response_to)"
    response_answers = answers.format('response.get("InResponseTo")')
    digest = by_text(
        signature.verify_enveloped, "if not hmac.compare_digest(digest, profile.digest_value):", "if False:"
    )
    anybody = by_text(signature.find_signer, "if verifies(", "if True or verifies(")
    unsigned = "if signer is None:\n        raise"
    nobody = by_text(
        response._verify_assertion,
        unsigned,
        f"if signer is None:\n        signer = expectation.certificates[0]\n    {unsigned}",
    )
    cbc = "(_CBC_KEY_BYTES.get(algorithm) if takes_cbc else None)"
    return (
        Switch(
            Check.ENCODING, (_off(xml.decode_base64, "strict_mode=True", "strict_mode=False"),), "'*' in the base64"
        ),
        Switch(
            Check.XML, (_off(xml._check_bytes, 'if b"!" in body and b"<!" in body:'),), "CDATA in NameID, both signed"
        ),
        Switch(Check.TREE, (count,), "second assertion first in element 3, StatusCode"),
        Switch(
            Check.RESPONSE_FRAME,
            (_off(tree.check_frame, 'if element.get("Version") != "2.0":'),),
            "check 04-version-1.1",
        ),
        Switch(Check.RESPONSE_SIGNATURE, (digest,), "content changed below a signed response"),
        Switch(Check.RESPONSE_SIGNATURE, (anybody,), "attacker's key in KeyInfo, signed_response"),
        Switch(
            Check.STATUS,
            (_off(response.check_status, 'codes[0].get("Value") == tags.STATUS_SUCCESS', "True"),),
            "check 06-status-requester",
        ),
        Switch(
            Check.RESPONSE_ISSUER,
            (_off(response._verify_frame, "if tags.ISSUER in parts:"),),
            "check 07-response-issuer-other",
        ),
        Switch(
            Check.DESTINATION,
            (_off(response.check_destination, "if destination in recipients", "if True"),),
            "check 08-destination-other",
        ),
        Switch(
            Check.RESPONSE_IN_RESPONSE_TO,
            (_off(response._verify_frame, response_answers, "pass"),),
            "check 09-answers-another-request",
        ),
        Switch(
            Check.ASSERTION_COUNT,
            (_off(response.verify_response, "if len(frame.assertions) != 1:"),),
            "two assertions below the provider's signature",
            (count,),
        ),
        Switch(
            Check.DECRYPTION,
            (_off(decryption._decrypt, cbc, "_CBC_KEY_BYTES.get(algorithm)"),),
            "aes128-cbc below an unsigned response",
        ),
        Switch(Check.ASSERTION_SIGNATURE, (anybody,), "attacker's key in KeyInfo, signed_assertion"),
        Switch(Check.ASSERTION_SIGNATURE, (digest,), "signature of another response"),
        Switch(Check.ASSERTION_SIGNATURE, (nobody,), "check 12-encrypted-unsigned"),
        Switch(
            Check.ASSERTION_FRAME,
            (_off(tree.check_frame, "if issued_at - skew > now:"),),
            "check 13-issue-instant-ahead-beyond-skew",
        ),
        Switch(Check.ISSUER, (_off(assertion.check_issuer, "found != expected", "False"),), "check 14-issuer-other"),
        Switch(
            Check.SUBJECT,
            (_off(subject._is_unusable, "text != text.strip()", "False"),),
            "check 15-name-id-blank-at-the-end",
        ),
        Switch(
            Check.SUBJECT_CONFIRMATION,
            (_off(subject.check_subject_confirmation, 'if confirmation.get("Method") != tags.BEARER:'),),
            "check 16-holder-of-key",
        ),
        Switch(
            Check.RECIPIENT,
            (_off(subject.check_recipient, "if recipient not in recipients:"),),
            "check 17-recipient-other",
        ),
        Switch(
            Check.IN_RESPONSE_TO,
            (_off(assertion.read_assertion, answers.format("confirmed.in_response_to"), "pass"),),
            "check 18-answers-another-request",
        ),
        Switch(
            Check.CONDITIONS,
            (_off(conditions.check_conditions, "now >= not_on_or_after + skew", "False"),),
            "check 19-expired-exactly-at-skew",
        ),
        Switch(
            Check.AUDIENCE, (_off(conditions.check_audience, "if audience not in listed:"),), "check 20-other-audience"
        ),
        Switch(
            Check.AUTHN_STATEMENT,
            (_off(statements.read_authn_statement, "now >= ends", "False"),),
            "check 21-session-over",
        ),
        Switch(
            Check.ATTRIBUTES,
            (_off(statements._value_of, "if value.tag != tags.ATTRIBUTE_VALUE or len(value):"),),
            "check 22-value-with-elements",
        ),
    )


def silent_rules() -> tuple[tuple[Mutant, str], ...]:
    """Rules that refuse by what they leave out, and an attack that gets in without each."""
    anyone = by_text(
        response._verify_assertion,
        "expectation.certificates if signer is None else (signer,)",
        "expectation.certificates",
    )
    return (
        (by_text(algorithms.verifies, "return False", "return True"), "attacker's key in KeyInfo, signed_both"),
        (by_text(tree.check_tree, "ids += ids_outside", "pass"), "plain text: an ID of the response outside"),
        (by_text(response._verify_encrypted, "census.ids", "frozenset()"), "plain text: an ID of the response outside"),
        (by_text(tree._read_names, "_ID_NAMES.isdisjoint(names)", "True"), "Id _assertion1 twice"),
        (anyone, "two registered signers of one message"),
        (by_text(decryption._unwrap, "if len(content_key) == key_bytes:", "if True:"), "content key of another length"),
        (
            by_text(conditions.check_audience, "in restrictions:", "in restrictions[:1]:"),
            "check 20-one-restriction-without-us",
        ),
    )


def test_silent_rules__each_switched_off__lets_an_attack_through() -> None:
    assert [attack for mutant, attack in silent_rules() if under((mutant,), attack) != "accepted"] == []


def _off(function: object, rule: str, instead: str = "if False:") -> Mutant:
    return by_text(function, rule, instead)


def under(mutants: tuple[Mutant, ...], attack: str) -> str:
    attempt = tried()[attack].attempt
    with contextlib.ExitStack() as weakened:
        for mutant in mutants:
            weakened.enter_context(mutant.in_place())
        return outcome(attempt)


def test_checks__each_switched_off__lets_an_attack_through(capsys: pytest.CaptureFixture[str]) -> None:
    let_through = {
        switch.check for switch in switches() if under((*switch.off, *switch.second_locks), switch.attack) == "accepted"
    }
    tell(capsys, f"{len(let_through)} of {len(Check)} checks")
    assert let_through == set(Check)


def test_checks__second_lock__holds_alone_and_each_switch_is_needed() -> None:
    for switch in switches():
        assert under(switch.off, switch.attack) == "accepted" or switch.second_locks
        if switch.second_locks:
            assert under(switch.off, switch.attack) != "accepted"
            assert under(switch.second_locks, switch.attack) != "accepted"


def test_mutants__afterwards__the_gateway_is_whole_again() -> None:
    before = {name: case.outcome for name, case in tried().items()}
    for switch in switches():
        under((*switch.off, *switch.second_locks), switch.attack)
    assert {name: outcome(case.attempt) for name, case in tried().items()} == before


def tell(capsys: pytest.CaptureFixture[str], score: str) -> None:
    with capsys.disabled():
        print(f"\nmutation score of the SAML verifier: {score}")  # noqa: T201 - a result and no left-over


def rules() -> dict[str, Mutant]:
    return {mutant.name: mutant for module in MODULES for mutant in mutants_of(module)}


def test_rules__each_switched_off__is_found_out(capsys: pytest.CaptureFixture[str]) -> None:
    kinds: Counter[str] = Counter()
    survivors = []
    for name, mutant in rules().items():
        outcomes = changes_under(mutant).values()
        if not outcomes:
            survivors.append(name)
        how = "accepted" if "accepted" in outcomes else "refused otherwise"
        kinds[how if outcomes else "survived"] += 1
    total = sum(kinds.values())
    score = f"{total - len(survivors)} of {total} rules: {100 * (total - len(survivors)) / total:.1f} % ({dict(kinds)})"
    tell(capsys, score)
    assert not survivors, "\n".join(survivors)
    assert total > 120
