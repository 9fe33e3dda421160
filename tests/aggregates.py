"""Aggregates of a federation for tests and benchmarks: written by hand, signed by xmlsec."""

from collections.abc import Iterable
from datetime import timedelta

from lxml import etree

from tests.fake_clock import NOON
from tests.saml_factory import Profile, SigningKey, instant, serialize, sign
from tests.saml_metadata_document import CERTIFICATE, Document
from tests.signed_metadata import ANCHOR, USUAL

NAMESPACES = (
    'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" '
    'xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" xmlns:mdrpi="urn:oasis:names:tc:SAML:metadata:rpi" '
    'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
)
VALID = f'validUntil="{instant(NOON + timedelta(days=14))}" cacheDuration="PT6H"'
REGISTRAR = "https://registrar.example.org/"


def federation_entity(
    number: int, *, names: tuple[tuple[str, str], ...] = (), extra: str = "", certificate: str = CERTIFICATE
) -> str:
    """An identity provider as federations write it: its prefixes are declared further out."""
    host = f"https://idp{number}.example.org"
    shown = names or (("en", f"University {number}"), ("fr", f"Université {number}"))
    ui = "".join(f'<mdui:DisplayName xml:lang="{lang}">{name}</mdui:DisplayName>' for lang, name in shown)
    idp = Document(redirect=f"{host}/sso", post=f"{host}/post", certificates=(certificate,)).idp()
    head, marker, rest = idp.partition("<md:KeyDescriptor")
    return (
        f'<md:EntityDescriptor entityID="{host}/idp"><md:Extensions><mdrpi:RegistrationInfo '
        f'registrationAuthority="{REGISTRAR}"/></md:Extensions>{head}<md:Extensions><mdui:UIInfo>{ui}</mdui:UIInfo>'
        f"</md:Extensions>{marker}{rest}{extra}</md:EntityDescriptor>"
    )


def service(number: int) -> str:
    return (
        f'<md:EntityDescriptor entityID="https://sp{number}.example.org/sp"><md:SPSSODescriptor '
        'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:AssertionConsumerService index="0" '
        f'Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp{number}.example.org/acs"/>'
        "</md:SPSSODescriptor></md:EntityDescriptor>"
    )


def unsigned_aggregate(entities: Iterable[str], attributes: str = VALID) -> bytes:
    return f"<md:EntitiesDescriptor {NAMESPACES} {attributes}>{''.join(entities)}</md:EntitiesDescriptor>".encode()


def aggregate(
    entities: Iterable[str], attributes: str = VALID, *, key: SigningKey = ANCHOR, profile: Profile = USUAL
) -> bytes:
    root = etree.fromstring(unsigned_aggregate(entities, attributes), etree.XMLParser(huge_tree=True))
    root.set("ID", "_aggregate1")
    sign(root, root, key, profile)
    return serialize(root)
