import sys
import time
from types import ModuleType

import pytest
import xmlsec

from gateway.errors import ConfigError, Reason
from gateway.saml.selftest import check_xml_libraries


def test_check_xml_libraries__pinned_pair__passes_in_no_time() -> None:
    check_xml_libraries()
    began = time.process_time()
    check_xml_libraries()

    assert time.process_time() - began < 0.1


def test_check_xml_libraries__xmlsec_can_not_be_imported__says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xmlsec", None)

    with pytest.raises(ConfigError) as caught:
        check_xml_libraries()

    assert caught.value.reason is Reason.XML_LIBRARIES_MISMATCH
    assert "lxml==" in caught.value.public
    assert "xmlsec==" in caught.value.public


def test_check_xml_libraries__changed_document_passes__is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    credulous = ModuleType("xmlsec")
    credulous.__dict__.update(vars(xmlsec))

    class Context:
        key: object = None

        def sign(self, node: object) -> None: ...
        def verify(self, node: object) -> None: ...

    credulous.__dict__["SignatureContext"] = Context
    monkeypatch.setitem(sys.modules, "xmlsec", credulous)

    with pytest.raises(ConfigError) as caught:
        check_xml_libraries()

    assert caught.value.reason is Reason.XML_LIBRARIES_MISMATCH


def test_check_xml_libraries__advice__names_the_installed_pair() -> None:
    from importlib.metadata import version

    from gateway.saml.selftest import ADVICE

    assert f"lxml=={version('lxml')}" in ADVICE
    assert f"xmlsec=={version('xmlsec')}" in ADVICE
