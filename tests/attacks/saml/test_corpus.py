"""Each attack of the corpus is refused for its own reason; its neighbour, which differs only in being right, is not."""

import pytest

from gateway.errors import SamlError
from gateway.saml.response import verify_response
from tests.fake_clock import NOON
from tests.saml_corpus import corpus

ALICE = "alice@example.onaliyun.com"


@pytest.mark.parametrize("name", corpus())
def test_verify_response__attack__refused_for_its_own_reason(name: str) -> None:
    attack = corpus()[name]
    with pytest.raises(SamlError) as caught:
        verify_response(attack.message, attack.expectation, NOON)
    assert caught.value.reason is attack.reason


@pytest.mark.parametrize("name", corpus())
def test_verify_response__neighbour_of_an_attack__accepted(name: str) -> None:
    attack = corpus()[name]
    assert verify_response(attack.neighbour, attack.neighbours_expectation, NOON).subject == ALICE


def test_corpus__attack_and_neighbour__are_not_the_same() -> None:
    for attack in corpus().values():
        assert (attack.message, attack.expectation) != (attack.neighbour, attack.neighbours_expectation)
