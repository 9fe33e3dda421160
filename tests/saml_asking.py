"""What went out to a SAML provider, as the browser carries it there, and answers to it."""

import re
import zlib
from base64 import b64decode
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from saml2 import samlp
from werkzeug.test import TestResponse

from tests.saml_factory import Spec, at

REFEDS_MFA = "https://refeds.org/profile/mfa"


def request_in(answer: TestResponse) -> Any:
    """The AuthnRequest of a redirect, or of the page that leads on after a second factor is asked for."""
    (message,) = parse_qs(urlsplit(way_on(answer)).query)["SAMLRequest"]
    return samlp.authn_request_from_string(zlib.decompress(b64decode(message), -15))


def way_on(answer: TestResponse) -> str:
    if answer.status_code == 303:
        return answer.headers["Location"]
    found = re.search(r'id="step-up" href="([^"]+)"', answer.text)
    assert found, answer.text[:1500]
    return unescape(found[1])


def relay_state_in(answer: TestResponse) -> str:
    return parse_qs(urlsplit(way_on(answer)).query).get("RelayState", [""])[0]


def answer_to(request_id: str, spec: Spec, **changes: Any) -> Spec:
    return replace(spec, response_in_response_to=request_id, in_response_to=request_id, **changes)


def signed_in_by(context: str, *, instant_s: float = 0) -> dict[str, Any]:
    """Changes of a `Spec`: how and when the person signed in."""
    reference = f"<saml:AuthnContextClassRef>{context}</saml:AuthnContextClassRef>"
    return {
        "authn_context": f"<saml:AuthnContext>{reference}</saml:AuthnContext>",
        "authn_attributes": f'AuthnInstant="{at(instant_s)}" SessionIndex="_s" SessionNotOnOrAfter="{at(3600)}"',
    }
