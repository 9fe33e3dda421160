"""Documents made to exhaust the machine that parses them, and what is the same document written differently.

Those made to confuse or to read files are in the corpus, see `test_corpus.py`.
"""

import base64
import time
import tracemalloc
from collections.abc import Callable

import pytest

from gateway.errors import Reason, SamlError
from gateway.saml.response import peek, verify_response
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_corpus import corpus
from tests.saml_document_attacks import documents, form_fields, hidden_text
from tests.saml_factory import Spec

SIGNED = factory.serialize(factory.signed_assertion())
SIGNED_RESPONSE = factory.serialize(factory.signed_response())


@pytest.mark.parametrize("document", [SIGNED, SIGNED_RESPONSE], ids=["assertion", "response"])
def test_verify_response__same_content_written_differently__same_identity(document: bytes) -> None:
    """Prefixes are part of what is signed; quotes, references, blanks in tags and the declaration are not."""
    expected = verify_response(base64.b64encode(document), factory.expectation(), NOON)
    for other in (
        document.replace(b"alice@", b"&#97;lice&#x40;"),
        document.replace(b'Version="2.0"', b"Version\n =\t'2.0'"),
        b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n' + document + b"\n\n",
        document.replace(b"></ds:Transform>", b"/>"),
    ):
        assert verify_response(base64.b64encode(other), factory.expectation(), NOON) == expected


def in_extensions(inside: str) -> bytes:
    extra = f"<samlp:Extensions>{inside}</samlp:Extensions>"
    return factory.serialize(factory.signed_assertion()).replace(b"<samlp:Status>", extra.encode() + b"<samlp:Status>")


NAMESPACES = " ".join(f'xmlns:n{number}="urn:n{number}"' for number in range(6000))
ATTRIBUTES = " ".join(f'a{number}=""' for number in range(20_000))
EXHAUSTING: dict[str, Callable[[], bytes]] = {
    "many elements": lambda: in_extensions("<a/>" * 60_000),
    "many names": lambda: in_extensions("".join(f"<a{number}/>" for number in range(25_000))),
    "many attributes": lambda: in_extensions(f"<a {ATTRIBUTES}/>"),
    "many namespaces": lambda: in_extensions(f"<a {NAMESPACES}>{'<n1:b/>' * 5000}</a>"),
    "long namespace used often": lambda: in_extensions(f'<a xmlns:n="urn:{"x" * 100_000}">{"<n:b/>" * 20_000}</a>'),
    "long namespace used often in attributes": lambda: in_extensions(
        f'<a xmlns:n="urn:{"x" * 100_000}">{"""<b n:c=""/>""" * 12_000}</a>'
    ),
    "deep": lambda: in_extensions("<a>" * 250 + "</a>" * 250),
    "too deep for any parser": lambda: in_extensions("<a>" * 20_000 + "</a>" * 20_000),
    "long text": lambda: in_extensions("x" * 250_000),
    "long attribute": lambda: in_extensions(f'<a b="{"&#x41;" * 40_000}"/>'),
    "references": lambda: in_extensions("&#x10FFFF;" * 25_000),
    "too large": lambda: in_extensions("x" * 300_000),
    "quotes that canonicalization writes out": lambda: in_extensions(f"<a b='{'&#34;' * 50_000}'/>"),
}


@pytest.mark.parametrize("name", EXHAUSTING)
@pytest.mark.parametrize("signed", ["assertion", "response"])
def test_verify_response__made_to_exhaust__answered_with_little_time_and_memory(name: str, signed: str) -> None:
    """With the Response's own Signature in place, so that the whole document is canonicalized before it is refused."""
    document = EXHAUSTING[name]()
    if signed == "response":
        signature = factory.serialize(factory.find(factory.signed_response(), "ds:Signature"))
        document = document.replace(b"<samlp:Extensions>", signature + b"<samlp:Extensions>", 1)
    encoded = base64.b64encode(document)
    tracemalloc.start()
    started = time.process_time()
    try:
        verify_response(encoded, factory.expectation(), NOON)
        refused = None
    except SamlError as exc:
        refused = exc.reason
    spent_s = time.process_time() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused is not None or signed == "assertion"
    assert spent_s < 1
    assert peak < 64 * 1024 * 1024


def test_verify_response__text_of_another_kind_of_space__is_not_stripped() -> None:
    spec = Spec(name_id="<saml:NameID>alice\u3000</saml:NameID>")
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(factory.signed_assertion(spec)), factory.expectation(), NOON)
    assert caught.value.reason is Reason.SAML_SUBJECT


@pytest.mark.parametrize("name", [attack.name for attack in (*hidden_text(), *documents(), *form_fields())])
def test_peek__hostile_document__refused_as_by_the_verification_or_only_looked_at(name: str) -> None:
    """What chooses the keys reads the same hardened tree; it may look at more, since it proves nothing."""
    attack = corpus()[name]
    refused = None
    try:
        peek(attack.message)
    except SamlError as caught:
        refused = caught.reason
    beyond = attack.reason in {Reason.SAML_SIGNATURE_DIGEST, Reason.SAML_SIGNATURE_PLACE}
    assert refused is (None if beyond else attack.reason)
