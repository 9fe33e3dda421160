"""Logout messages as an identity provider would send them, written and signed by hand, with every part replaceable."""

import base64
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_plus

from lxml import etree

from gateway.saml.logout import LogoutExpectation
from gateway.saml.logout_bindings import Received, read_form, read_redirect
from tests.saml_encryption import Encryption, encrypted_bytes
from tests.saml_factory import (
    IDP,
    PERSISTENT,
    RSA_SHA256,
    SAML,
    SAMLP,
    SKEW,
    Profile,
    SigningKey,
    at,
    default_signer,
    encode,
    find,
    gateway_keys,
    sign,
    signing_key,
)

LOGOUT_URL = "https://sso.example.com/saml-role/logout"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
PARTIAL = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"
RESPONDER = "urn:oasis:names:tc:SAML:2.0:status:Responder"


@dataclass(frozen=True)
class Logout:
    """A LogoutRequest, or with `status` a LogoutResponse, that passes every check. None leaves a part out."""

    message_id: str = "_logout1"
    version: str = "2.0"
    issue_instant: str = at(-5)
    destination: str | None = LOGOUT_URL
    not_on_or_after: str | None = at(300)
    issuer: str | None = IDP
    name_id: str = f'<saml:NameID Format="{PERSISTENT}">alice@example.onaliyun.com</saml:NameID>'
    session_indexes: tuple[str, ...] = ("_session1",)
    in_response_to: str | None = None
    status: str | None = None
    extra: str = ""

    def xml(self) -> str:
        issuer = "" if self.issuer is None else f"<saml:Issuer>{self.issuer}</saml:Issuer>"
        attributes = "".join(
            f' {name}="{value}"'
            for name, value in (
                ("Destination", self.destination),
                ("NotOnOrAfter", None if self.status else self.not_on_or_after),
                ("InResponseTo", self.in_response_to),
            )
            if value is not None
        )
        if self.status is None:
            name = "LogoutRequest"
            indexes = "".join(f"<samlp:SessionIndex>{index}</samlp:SessionIndex>" for index in self.session_indexes)
            body = self.name_id + indexes
        else:
            name, body = "LogoutResponse", self.status
        return (
            f'<samlp:{name} xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="{self.message_id}" '
            f'Version="{self.version}" IssueInstant="{self.issue_instant}"{attributes}>'
            f"{issuer}{body}{self.extra}</samlp:{name}>"
        )


def status_of(*codes: str) -> str:
    """A Status whose codes nest."""
    inner = ""
    for code in reversed(codes):
        inner = f'<samlp:StatusCode Value="{code}">{inner}</samlp:StatusCode>'
    return f"<samlp:Status>{inner}</samlp:Status>"


def answer(request_id: str, *codes: str, **changes: Any) -> Logout:
    """A LogoutResponse to our request."""
    made = Logout(in_response_to=request_id, status=status_of(*(codes or (SUCCESS,))))
    return replace(made, **changes)


def expecting(**changes: Any) -> LogoutExpectation:
    base = LogoutExpectation(IDP, (signing_key().trusted,), (LOGOUT_URL,), gateway_keys().encryption, SKEW)
    return replace(base, **changes)


def encrypted_id(plain: str, algorithm: str = "http://www.w3.org/2009/xmlenc11#aes256-gcm") -> str:
    """An EncryptedID for the gateway's key."""
    whole = encrypted_bytes(plain.encode(), Encryption(algorithm=algorithm), sign_response=False)
    (data,) = find(whole, ".//saml:EncryptedAssertion")
    return f"<saml:EncryptedID>{etree.tostring(data, with_tail=False).decode()}</saml:EncryptedID>"


def deflated(data: bytes) -> str:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return base64.b64encode(compressor.compress(data) + compressor.flush()).decode()


def query_of(
    logout: Logout | str,
    key: SigningKey | None = None,
    *,
    algorithm: str = RSA_SHA256,
    relay_state: str | None = None,
    escape: Callable[[str], str] = quote_plus,
) -> str:
    """The signed query string of a redirect."""
    text = logout if isinstance(logout, str) else logout.xml()
    name = "SAMLRequest" if "LogoutRequest" in text else "SAMLResponse"
    fields = [(name, deflated(text.encode()))]
    if relay_state is not None:
        fields.append(("RelayState", relay_state))
    return signed_query([*fields, ("SigAlg", algorithm)], key or signing_key(), algorithm, escape)


def signed_query(
    fields: Sequence[tuple[str, str]],
    key: SigningKey,
    algorithm: str = RSA_SHA256,
    escape: Callable[[str], str] = quote_plus,
) -> str:
    """These fields, and a signature over just them."""
    text = "&".join(f"{name}={escape(value)}" for name, value in fields)
    signature = base64.b64encode(default_signer(key, algorithm)(text.encode())).decode()
    return f"{text}&Signature={escape(signature)}"


def form_of(
    logout: Logout | str,
    key: SigningKey | None = None,
    *,
    relay_state: str | None = None,
    profile: Profile | None = None,
) -> dict[str, str]:
    """The fields of a form, the message signed inside."""
    text = logout if isinstance(logout, str) else logout.xml()
    root = etree.fromstring(text.encode())
    sign(root, root, key or signing_key(), profile or Profile())
    name = "SAMLRequest" if "LogoutRequest" in root.tag else "SAMLResponse"
    return {name: encode(root)} | ({} if relay_state is None else {"RelayState": relay_state})


def by_redirect(logout: Logout | str, key: SigningKey | None = None, **options: Any) -> Received:
    return read_redirect(query_of(logout, key, **options).encode())


def by_post(logout: Logout | str, key: SigningKey | None = None, **options: Any) -> Received:
    return read_form(list(form_of(logout, key, **options).items()))
