"""Whether the two XML libraries fit together, found out at the start instead of at the first login."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.errors import ConfigError, Reason

ADVICE = (
    "lxml and xmlsec don't work together. Install the pair that pyproject.toml pins, "
    "for example with: pip install --force-reinstall lxml==6.1.3 xmlsec==1.3.17"
)
_DOCUMENT = b'<probe xmlns="urn:ramgate:selftest" ID="_probe"><value>1</value></probe>'


def check_xml_libraries() -> None:
    """Sign and verify a tiny document with a throw-away key, and see that a changed one is refused.

    lxml and xmlsec each bring a libxml2 of their own. If the versions differ, importing both fails or, worse, trees
    handed from one to the other are misread.
    Raises: ConfigError(XML_LIBRARIES_MISMATCH); the text says what to install.
    """
    try:
        sound = _signs_and_refuses()
    except Exception as exc:  # a mismatch shows as ImportError, as an error class of xmlsec or as anything else
        raise _mismatch(f"{type(exc).__name__}: {exc}") from exc
    if not sound:
        raise _mismatch("a changed document was accepted")


def _signs_and_refuses() -> bool:
    import xmlsec  # noqa: PLC0415 - the import is what is being tried
    from lxml import etree  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    names = xmlsec.constants
    root = etree.fromstring(_DOCUMENT)
    template = xmlsec.template.create(root, names.TransformExclC14N, names.TransformEcdsaSha256)
    root.append(template)
    reference = xmlsec.template.add_reference(template, names.TransformSha256, uri="#_probe")
    xmlsec.template.add_transform(reference, names.TransformEnveloped)
    xmlsec.template.add_transform(reference, names.TransformExclC14N)
    xmlsec.tree.add_ids(root, ["ID"])
    signing = xmlsec.SignatureContext()
    signing.key = xmlsec.Key.from_memory(key, names.KeyDataFormatPem, None)
    signing.sign(template)
    verifying = xmlsec.SignatureContext()
    verifying.key = signing.key
    verifying.verify(template)
    root[0].text = "2"
    refusing = xmlsec.SignatureContext()
    refusing.key = signing.key
    try:
        refusing.verify(template)
    except xmlsec.VerificationError:
        return True
    return False


def _mismatch(detail: str) -> ConfigError:
    return ConfigError(Reason.XML_LIBRARIES_MISMATCH, ADVICE, detail)
