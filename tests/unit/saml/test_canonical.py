"""Canonical forms of a tree that another thread has read."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.saml import name_budget
from gateway.saml.canonical import canonicalize
from gateway.saml.xml import parse_apart


def _document(prefix: str) -> bytes:
    return f'<a xmlns:{prefix}="urn:listed"><b xmlns:c="urn:c"><c:d/></b></a>'.encode()


@pytest.mark.parametrize("spent", [False, True])
def test_canonicalize__listed_prefix_that_this_thread_never_read__is_declared(
    spent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = f"p{secrets.token_hex(6)}"
    if spent:
        monkeypatch.setattr(name_budget, "LIMIT", name_budget.spent())
    inner = parse_apart(_document(prefix), max_bytes=1000)[0]

    with ThreadPoolExecutor(1) as pool:
        elsewhere = pool.submit(canonicalize, inner, [prefix]).result()
    here = canonicalize(inner, [prefix, "unknown", "xml", prefix])

    assert here == elsewhere
    assert here == f'<b xmlns:{prefix}="urn:listed"><c:d xmlns:c="urn:c"></c:d></b>'.encode()


def test_canonicalize__many_new_prefixes__cost_this_thread_a_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_budget, "LIMIT", name_budget.spent() + 1000)
    for _ in range(50):
        prefix = f"p{secrets.token_hex(6)}"
        assert prefix.encode() in canonicalize(parse_apart(_document(prefix), max_bytes=1000)[0], [prefix])

    assert name_budget.spent() <= name_budget.LIMIT


def test_canonicalize__one_prefix_known_and_one_new__declares_both_in_a_thread_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, new = f"p{secrets.token_hex(6)}", f"q{secrets.token_hex(6)}"
    canonicalize(parse_apart(_document(known), max_bytes=1000)[0], [known])
    monkeypatch.setattr(name_budget, "LIMIT", name_budget.spent())
    xml = f'<a xmlns:{known}="urn:k" xmlns:{new}="urn:n"><b/></a>'.encode()

    written = canonicalize(parse_apart(xml, max_bytes=1000)[0], [known, new])

    assert written == f'<b xmlns:{known}="urn:k" xmlns:{new}="urn:n"></b>'.encode()
