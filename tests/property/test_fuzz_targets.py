"""The fuzz targets themselves: they reach what they are meant for, and a finding is one."""

import base64
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fuzz import run, targets, unguided
from fuzz.targets import SEEDS, TARGETS, Finding, seeds_of
from gateway.saml.response import verify_response
from tests import saml_factory as factory
from tests.fake_clock import NOON

GOOD = ("assertion", "response", "both", "prefixes")


def test_targets__each__is_run_and_has_seeds() -> None:
    assert tuple(TARGETS) == run.TARGETS
    for name in TARGETS:
        assert seeds_of(name)


@pytest.mark.parametrize("name", GOOD)
def test_response__seed_that_is_signed__is_accepted(name: str) -> None:
    encoded = base64.b64encode((SEEDS / "response" / name).read_bytes())
    assert verify_response(encoded, targets.expected(), NOON).subject == targets.ALICE


def test_response__accepted_though_it_says_something_else__is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    key = factory.signing_key()
    forged = factory.signed_assertion(factory.Spec(name_id="<saml:NameID>mallory</saml:NameID>"), key)
    monkeypatch.setattr(targets, "expected", lambda: factory.expectation(certificates=(key.trusted,)))
    with pytest.raises(Finding):
        targets.response(factory.serialize(forged))


@pytest.mark.parametrize("target", [lambda data: 1 / 0, targets.response], ids=["a crash", "none"])
def test_unguided__target__ends_in_time_and_tells(
    target: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "FOUND", tmp_path)
    seeds = seeds_of("response")
    monkeypatch.setattr(unguided, "seeds_of", lambda name: seeds)
    monkeypatch.setattr(unguided, "TARGETS", {"response": target})
    monkeypatch.setattr(unguided, "MEMORY_MB", 1_000_000)  # of the whole test run
    monkeypatch.setattr(sys, "argv", ["fuzz", "response", "1", ""])
    assert unguided.main() == (target is not targets.response)
    assert len(list(tmp_path.iterdir())) == (target is not targets.response)
