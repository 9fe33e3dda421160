"""A thread learns only so many names from messages that nobody vouched for."""

import resource
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import Reason, SamlError
from gateway.saml import name_budget
from gateway.saml.response import peek, verify_response
from gateway.saml.tree import check_tree
from gateway.saml.xml import parse_apart, parse_document
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.fake_clock import NOON


def in_new_thread(work: Callable[[], list[int]]) -> list[int]:
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.extend(work()))
    thread.start()
    thread.join()
    return results


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def learn(text: str) -> int:
    """What a message costs the thread that reads it."""
    before = name_budget.spent()
    check_tree(parse_document(text.encode()))
    return name_budget.spent() - before


@pytest.mark.parametrize(
    ("first", "second", "is_new"),
    [
        ("<a/>", "<b/>", True),
        ("<a/>", "<a b='1'/>", True),
        ("<a/>", "<a xmlns='urn:b'/>", True),
        ("<a/>", "<a xmlns:b='urn:b'/>", True),
        ("<a xmlns:b='urn:b'/>", "<a xmlns:c='urn:b'/>", True),
        ("<a><b/></a>", "<a> <b/></a>", True),
        ("<a> <b/></a>", "<a> \n<b/></a>", True),
        ("<a> <b/></a>", "<a>&#32;&#9;<b/></a>", True),
        ("<a b='1'>x</a>", "<a b='2'>y z</a>", False),
        ("<a><b/></a>", "<a><b/><a/></a>", False),
    ],
)
def test_settle__second_message__costs_what_is_new_in_it(first: str, second: str, is_new: bool) -> None:
    costs = in_new_thread(lambda: [learn(first), learn(second), learn(second)])
    assert costs[0] > 0
    assert (costs[1] > 0) is is_new
    assert costs[2] == 0


def test_settle__responses_of_a_provider__cost_nothing_after_the_first() -> None:
    encoded = [factory.encode(factory.signed_assertion(factory.Spec(assertion_id=f"_{n}"))) for n in range(3)]
    encoded.append(factory.encode(encryption.encrypted_response()))
    encoded.append(encoded[-1])

    def work() -> list[int]:
        spent = []
        for message in encoded:
            peek(message)
            verify_response(message, factory.expectation(), NOON)
            spent.append(name_budget.spent())
        return spent

    spent = in_new_thread(work)
    assert spent[0] == spent[1] == spent[2] < 10_000
    assert spent[2] < spent[3] == spent[4] < 10_000


def test_charge__message_that_is_not_well_formed__costs_its_length() -> None:
    def work() -> list[int]:
        with pytest.raises(SamlError):
            parse_document(b"<a><b></a>")
        return [name_budget.spent()]

    assert in_new_thread(work) == [10]


def test_parse_document__budget_spent__learns_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_budget, "LIMIT", 1000)

    def work() -> list[int]:
        costs = [learn(f"<{'a' * 900}/>"), learn("<b/>"), learn(f"<{'c' * 900}/>"), learn("<d/>")]
        with pytest.raises(SamlError) as caught:
            parse_document(b"<a>" * 300)
        assert caught.value.reason is Reason.SAML_XML_MALFORMED
        assert parse_document(b"<e>text</e>" + b" " * 100).charged == 0
        return [*costs, name_budget.spent()]

    assert in_new_thread(work) == [964, 65, 0, 0, 964 + 65]


def test_parse_apart__metadata__costs_nothing() -> None:
    def work() -> list[int]:
        assert parse_apart(b"<a/>", max_bytes=4).tag == "a"
        with pytest.raises(SamlError) as caught:
            parse_apart(b"<a/>", max_bytes=3)
        assert caught.value.reason is Reason.SAML_TOO_LARGE
        return [name_budget.spent()]

    assert in_new_thread(work) == [0]


@pytest.mark.parametrize("inside", ["<{}/>", "<a {}=''/>", "<a xmlns:{}='u:r'/>", "<a xmlns='urn:{}'/>"])
def test_parse_document__thousands_of_made_up_names__memory_stays(inside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_budget, "LIMIT", 0)

    def post(number: int) -> None:
        made_up = "".join(inside.format(f"n{number}x{index}{'y' * 20}") for index in range(4000))
        parse_document(f"<r>{made_up}</r>".encode())

    def work() -> list[int]:
        for number in range(10):
            post(number)
        before = resident_bytes()
        for number in range(10, 60):
            post(number)
        return [resident_bytes() - before]

    assert in_new_thread(work)[0] < 8 * 1024 * 1024
