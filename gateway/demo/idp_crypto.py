"""XML signatures and encryption for pysaml2's IdP side, made in process instead of by starting the xmlsec1 program.

pysaml2 hands key files, XML texts and templates to a `CryptoBackend`. This one works on the xmlsec bindings. pysaml2
has no registry for backends, so `InProcessServer` puts it in place once the server is built.
"""

from typing import Any

import xmlsec
from lxml import etree
from saml2 import SamlBase
from saml2.config import IdPConfig
from saml2.server import Server
from saml2.sigver import (
    CryptoBackend,
    EncryptError,
    RSACrypto,
    SignatureError,
    import_rsa_key_from_file,
    pre_encrypt_assertion,
)

_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_ASSERTION_TO_ENCRYPT = "/".join(
    f"/*[local-name()='{name}']" for name in ("Response", "EncryptedAssertion", "Assertion")
)
_SESSION_KEY_BITS = 256


class InProcessCrypto(CryptoBackend):  # type: ignore[misc]  # pysaml2 has no types
    """Signs with the algorithms that pysaml2 chose; encrypts with AES-256-GCM and RSA-OAEP, whatever it chose.

    pysaml2's own choice is Triple DES, which service providers of today refuse.
    """

    @property
    def version(self) -> str:
        return ".".join(str(part) for part in xmlsec.get_libxml_version())

    def sign_statement(self, statement: str | bytes | SamlBase, node_name: str, key_file: str, node_id: str) -> str:
        """Fill in the signature template of the element of that name (`namespace:tag`) and ID."""
        root = _parse(statement)
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(key_file, xmlsec.constants.KeyDataFormatPem)
        try:
            context.sign(_signature_of(root, node_name, node_id))
        except xmlsec.Error as exc:
            raise SignatureError(str(exc)) from exc
        return str(etree.tostring(root, encoding="unicode"))

    def validate_signature(
        self, signedtext: str | bytes, cert_file: str, cert_type: str, node_name: str, node_id: str
    ) -> bool:
        """Whether the certificate's key made the signature that the element carries over itself.

        Raises: saml2.sigver.SignatureError if not.
        """
        if cert_type != "pem":
            raise SignatureError(f"certificates are read as PEM, not as {cert_type}")
        root = _parse(signedtext)
        signature = _signature_of(root, node_name, node_id)
        references = signature.findall(f"{{{_DSIG}}}SignedInfo/{{{_DSIG}}}Reference")
        if [reference.get("URI") for reference in references] != [f"#{node_id}"]:
            raise SignatureError("the signature does not cover the element that carries it")
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(cert_file, xmlsec.constants.KeyDataFormatCertPem)
        try:
            context.verify(signature)
        except xmlsec.Error as exc:
            raise SignatureError(str(exc)) from exc
        return True

    def encrypt_assertion(
        self,
        statement: str | bytes | SamlBase,
        enc_key: str,
        template: object,  # noqa: ARG002
        key_type: str = "",  # noqa: ARG002
        node_xpath: str | None = None,
    ) -> str:
        """Put the assertion inside `EncryptedAssertion` under the certificate in the file `enc_key`."""
        if isinstance(statement, SamlBase):
            statement = pre_encrypt_assertion(statement)
        root = _parse(statement)
        found = root.xpath(node_xpath or _ASSERTION_TO_ENCRYPT)
        if len(found) != 1:
            raise EncryptError(f"{len(found)} assertions to encrypt")
        manager = xmlsec.KeysManager()
        manager.add_key(xmlsec.Key.from_file(enc_key, xmlsec.constants.KeyDataFormatCertPem))
        context = xmlsec.EncryptionContext(manager)
        context.key = xmlsec.Key.generate(
            xmlsec.constants.KeyDataAes, _SESSION_KEY_BITS, xmlsec.constants.KeyDataTypeSession
        )
        try:
            context.encrypt_xml(_encryption_template(found[0]), found[0])
        except xmlsec.Error as exc:
            raise EncryptError(str(exc)) from exc
        return str(etree.tostring(root, encoding="unicode"))


class InProcessServer(Server):  # type: ignore[misc]  # pysaml2 has no types
    """pysaml2's IdP, complete without the xmlsec1 program, and without a memory of the assertions it issued."""

    def __init__(self, config: IdPConfig) -> None:
        """The configuration must say `crypto_backend="XMLSecurity"`: the one choice that looks for no program."""
        super().__init__(config=config)
        self.sec.crypto = InProcessCrypto()
        self.sec.sec_backend = RSACrypto(import_rsa_key_from_file(config.key_file))  # signs and verifies redirects

    def support_AssertionIDRequest(self) -> bool:  # noqa: N802 - pysaml2's name
        return False

    def support_AuthnQuery(self) -> bool:  # noqa: N802 - pysaml2's name
        return False


def _parse(xml: str | bytes | SamlBase) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    root = etree.fromstring(xml if isinstance(xml, bytes) else str(xml).encode(), parser)
    xmlsec.tree.add_ids(root, ["ID"])
    return root


def _signature_of(root: Any, node_name: str, node_id: str) -> Any:
    namespace, _, tag = node_name.rpartition(":")
    carriers = [element for element in root.iter(f"{{{namespace}}}{tag}") if element.get("ID") == node_id]
    if len(carriers) != 1 or carriers[0].find(f"{{{_DSIG}}}Signature") is None:
        raise SignatureError(f"no signature on one {tag} with the ID {node_id}")
    return carriers[0].find(f"{{{_DSIG}}}Signature")


def _encryption_template(node: Any) -> Any:
    data = xmlsec.template.encrypted_data_create(
        node, xmlsec.constants.TransformAes256Gcm, type=xmlsec.constants.TypeEncElement, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    key_info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    encrypted_key = xmlsec.template.add_encrypted_key(key_info, xmlsec.constants.TransformRsaOaep)
    xmlsec.template.encrypted_data_ensure_cipher_value(encrypted_key)
    return data
