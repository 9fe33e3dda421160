"""The attack corpus: all attacks by name.

`tests/attacks/saml/test_corpus.py` holds the gateway to it, `test_mutations.py` each rule of the verifier, and
`tests/property/test_saml_differential.py` holds it beside xmlsec.
"""

from collections.abc import Iterator
from functools import cache, partial
from typing import Any

from lxml import etree

from gateway.errors import Reason
from gateway.saml.attacks.wrapping import HOW
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.saml_attacks import Attack, replaced
from tests.saml_document_attacks import documents, form_fields, hidden_text
from tests.saml_factory import SAMLP, Spec, assertion_of
from tests.saml_row import ANSWERING, ATTRIBUTE, VALUE, Maker, encrypted_unsigned, unsigned
from tests.saml_rows import FAILING
from tests.saml_signature_attacks import encrypted, signatures
from tests.saml_wrapping import displaced, forged_assertion, same_id, second_assertions, wrapped

COUNT, SHAPE = Reason.SAML_ASSERTION_COUNT, Reason.SAML_SHAPE

_SIGNED_INSTEAD: dict[Maker, Maker] = {
    unsigned: factory.signed_assertion,
    encrypted_unsigned: encryption.encrypted_response,
}


@cache
def corpus() -> dict[str, Attack]:
    made: dict[str, Attack] = {}
    for attack in (
        *wrapping(),
        *hidden_text(),
        *documents(),
        *form_fields(),
        *signatures(),
        *encrypted(),
        *frames(),
        *contents(),
    ):
        assert attack.name not in made, attack.name
        made[attack.name] = attack
    return made


def wrapping() -> Iterator[Attack]:
    for of, refused in (("response", SHAPE), ("assertion", COUNT)):
        for how in HOW:
            plain = factory.signed_response if of == "response" else factory.signed_assertion
            yield Attack(f"{how} of a signed {of}", refused, partial(wrapped, how, of), plain)
            hidden = partial(
                encryption.encrypted_response, sign_assertion=of == "assertion", sign_response=of == "response"
            )
            evil = partial(wrapped, how, of, encrypt=True)
            yield Attack(f"{how} of a signed {of}, encrypted", refused, evil, hidden)
    yield Attack("two assertions of one ID", Reason.SAML_DUPLICATE_ID, same_id, factory.signed_assertion)
    for name, make in {**second_assertions(), **displaced()}.items():
        yield Attack(name, COUNT, make, factory.signed_assertion)


def frames() -> Iterator[Attack]:
    """Messages whose parts are right and whose whole is none."""
    signed = factory.signed_assertion
    yield Attack("the assertion alone", SHAPE, lambda: factory.serialize(assertion_of(signed())), signed)
    foreign = partial(replaced, signed, "<samlp:Response ", '<x:Response xmlns:x="urn:x" ')
    other_root = lambda: foreign().replace(b"</samlp:Response>", b"</x:Response>")  # noqa: E731
    yield Attack("a Response of another namespace", SHAPE, other_root, signed)
    yield Attack("no assertion", COUNT, partial(_without_assertion, in_extensions=False), factory.signed_response)
    hidden = partial(_without_assertion, in_extensions=True)
    yield Attack("the only assertion in Extensions", COUNT, hidden, factory.signed_response)
    yield Attack("two assertions below the provider's signature", COUNT, _two_assertions, factory.signed_response)
    data = f"<saml:SubjectConfirmationData {Spec().confirmation_data_attributes} ></saml:SubjectConfirmationData>"
    unconfirmed = partial(_signed_text, Spec().xml().replace(data, ""))
    yield Attack("no SubjectConfirmationData", Reason.SAML_SUBJECT_CONFIRMATION, unconfirmed, signed)
    for name, inside in {
        "encrypted attribute with a name": '<saml:EncryptedAttribute Name="a"/>',
        "NameID with elements in an attribute": (
            '<saml:Attribute Name="a"><saml:AttributeValue><saml:NameID>x<y xmlns=""/></saml:NameID>'
            "</saml:AttributeValue></saml:Attribute>"
        ),
    }.items():
        evil = partial(signed, Spec(attributes_extra=inside))
        right = partial(signed, Spec(attributes_extra=ATTRIBUTE.format("a", VALUE.format("x"))))
        yield Attack(name, Reason.SAML_ATTRIBUTE, evil, right)


def _without_assertion(*, in_extensions: bool) -> Any:
    root = Spec().tree()
    assertion = assertion_of(root)
    if in_extensions:
        etree.SubElement(root, f"{{{SAMLP}}}Extensions").append(assertion)
    else:
        root.remove(assertion)
    factory.sign(root, root)
    return root


def _two_assertions() -> Any:
    root = Spec().tree()
    root.append(forged_assertion())
    factory.sign(root, root)
    return root


def _signed_text(xml: str) -> Any:
    assert xml != Spec().xml()
    root = etree.fromstring(xml.encode())
    factory.sign(root, assertion_of(root))
    return root


def contents() -> Iterator[Attack]:
    """Signed as it should be, and wrong in what it says; the neighbour says what is expected."""
    for row in FAILING:
        assert row.reason is not None
        answers = "in_response_to" in row.expect
        right = Spec(**ANSWERING) if answers else Spec()
        make = _SIGNED_INSTEAD.get(row.make, row.make)
        others_keys = "certificates" in row.expect or "decryption_keys" in row.expect
        yield Attack(
            f"check {row.name}",
            row.reason,
            partial(row.make, Spec(**row.spec)),
            partial(make, right),
            row.expect,
            {} if others_keys else row.expect,
        )
