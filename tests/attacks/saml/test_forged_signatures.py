"""What is around a signature and proves nothing. The forgeries themselves are in the corpus, see `test_corpus.py`."""

import pytest

from gateway.errors import Reason, SamlError
from gateway.saml.response import verify_response
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_factory import find


def test_verify_response__key_info_of_somebody_else__is_ignored() -> None:
    root = factory.signed_assertion()
    find(root, "//ds:X509Certificate").text = "bm90IGEgY2VydGlmaWNhdGU="
    assert verify_response(factory.encode(root), factory.expectation(), NOON).subject


@pytest.mark.parametrize("path", ["//ds:DigestValue", "//ds:SignatureValue"])
@pytest.mark.parametrize("text", ["", "*", "AAA", "A" * 5, "é"])
def test_verify_response__value_is_no_base64__refused(path: str, text: str) -> None:
    root = factory.signed_assertion()
    find(root, path).text = text
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(root), factory.expectation(), NOON)
    wrong = Reason.SAML_SIGNATURE_DIGEST if path == "//ds:DigestValue" else Reason.SAML_SIGNATURE_VALUE
    assert caught.value.reason is (Reason.SAML_SIGNATURE_SHAPE if text else wrong)
