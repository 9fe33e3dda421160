"""The suite that administrators run: made of one response and no key, it finds nothing here, and finds what is weakened."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gateway.errors import SamlError
from gateway.saml import response as response_module
from gateway.saml import signature as signature_module
from gateway.saml.attacks.loot import Loot
from gateway.saml.attacks.suite import attempts, run_suite
from gateway.saml.checks import Check
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_encryption import Encryption
from tests.saml_factory import XENC

CBC = Encryption(XENC + "aes256-cbc")
CAPTURED: dict[str, Callable[[], Any]] = {
    "signed assertion": factory.signed_assertion,
    "signed response": factory.signed_response,
    "both signed": factory.signed_both,
    "encrypted": encryption.encrypted_response,
    "encrypted, response signed": partial(encryption.encrypted_response, sign_response=True),
    "encrypted, only the response signed": partial(
        encryption.encrypted_response, sign_assertion=False, sign_response=True
    ),
    "encrypted by AES-CBC, response signed": partial(encryption.encrypted_response, how=CBC, sign_response=True),
}


def captured(name: str) -> str:
    return factory.encode(CAPTURED[name]())


@pytest.mark.parametrize("name", CAPTURED)
def test_run_suite__genuine_response__every_attack_is_refused_by_a_check(name: str) -> None:
    run = run_suite(captured(name), factory.expectation(), NOON)
    assert run.complete
    assert run.accepted == ()
    assert all(result.reason and result.check in set(Check) for result in run.results)
    assert len(run.results) >= (250 if "only" not in name and "CBC" not in name and "encrypted, r" not in name else 90)


@pytest.mark.parametrize("name", CAPTURED)
def test_attempts__each__is_something_else_than_what_was_captured(name: str) -> None:
    message = captured(name)
    expectation = factory.expectation()
    made = list(attempts(Loot(message, expectation.decryption_keys), expectation))
    names = Counter((attempt.family, attempt.name) for attempt in made)
    assert [each for each, count in names.items() if count > 1] == []
    assert all(attempt.message != message for attempt in made)
    assert all(attempt.gain for attempt in made)


def test_run_suite__plain__attacks_by_every_check_that_an_outsider_meets() -> None:
    run = run_suite(captured("signed assertion"), factory.expectation(), NOON)
    met = {result.check for result in run.results}
    assert met >= {
        Check.ENCODING, Check.XML, Check.TREE, Check.RESPONSE_FRAME, Check.STATUS, Check.RESPONSE_ISSUER,
        Check.DESTINATION, Check.RESPONSE_IN_RESPONSE_TO, Check.ASSERTION_SIGNATURE, Check.AUDIENCE, Check.RECIPIENT,
    } - {Check.RECIPIENT}  # fmt: skip
    families = {result.family for result in run.results}
    assert families == {"wrapping", "contents", "hidden text", "signature", "key", "document", "elsewhere"}


def test_run_suite__signatures_verify_by_whatever_key__finds_the_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signature_module, "verifies", lambda *_: True)
    accepted = {result.name for result in run_suite(captured("signed assertion"), factory.expectation(), NOON).accepted}
    assert "assertion signed by a stranger who says mallory" in accepted


def test_run_suite__digest_not_compared__finds_changed_contents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.saml.signature.hmac.compare_digest", lambda *_: True)
    accepted = {result.name for result in run_suite(captured("signed assertion"), factory.expectation(), NOON).accepted}
    assert "NameID and attributes, changed" in accepted


def test_run_suite__destination_not_checked__finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_module, "check_destination", lambda *_args, **_named: None)
    accepted = {result.name for result in run_suite(captured("signed assertion"), factory.expectation(), NOON).accepted}
    assert accepted == {"the Destination, changed"}


def test_run_suite__response_that_is_refused_anyway__is_not_attacked() -> None:
    with pytest.raises(SamlError):
        run_suite(captured("signed assertion"), factory.expectation(audience="urn:other"), NOON)
