"""References to SAML responses, and what a provider answers to the question for one."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from lxml import etree

from gateway.errors import Reason
from gateway.saml.artifact import ArtifactExpectation
from tests import saml_factory as factory
from tests.saml_factory import IDP, SAML, SAMLP, SKEW, SigningKey, Spec, at, signing_key
from tests.saml_row import STATUS, SUCCESS, status

QUESTION = "_resolve1"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def artifact(entity_id: str = IDP, *, index: int = 0, handle: bytes = b"h" * 20, kind: int = 4) -> str:
    source = hashlib.sha1(entity_id.encode()).digest()
    return base64.b64encode(kind.to_bytes(2, "big") + index.to_bytes(2, "big") + source + handle).decode()


def expectation(**changes: Any) -> ArtifactExpectation:
    given: dict[str, Any] = {
        "issuer": IDP,
        "certificates": (signing_key().trusted,),
        "in_response_to": QUESTION,
        "skew": SKEW,
        **changes,
    }
    return ArtifactExpectation(**given)


@dataclass(frozen=True)
class Kept:
    """An answer that is accepted; change one thing and it is not. Texts stand in the XML as they are."""

    response: str | None = None  # None: a signed one
    in_response_to: str | None = QUESTION
    issuer: str = f"<saml:Issuer>{IDP}</saml:Issuer>"
    version: str = "2.0"
    issue_instant: str = at(-1)
    status: str = status(SUCCESS)
    extra: str = ""
    signs: bool = True
    key: SigningKey | None = None
    envelope: str = '<soap:Envelope xmlns:soap="{soap}"><soap:Body>{answer}</soap:Body></soap:Envelope>'

    def xml(self) -> bytes:
        answers = "" if self.in_response_to is None else f' InResponseTo="{self.in_response_to}"'
        inner = signed_response() if self.response is None else self.response
        root = etree.fromstring(
            f'<samlp:ArtifactResponse xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_kept1" '
            f'Version="{self.version}" IssueInstant="{self.issue_instant}"{answers}>'
            f"{self.issuer}{self.status}{inner}{self.extra}</samlp:ArtifactResponse>"
        )
        if self.signs:
            factory.sign(root, root, self.key)
        answer = etree.tostring(root).decode()
        return self.envelope.replace("{soap}", SOAP).replace("{answer}", answer).encode()


def signed_response(spec: Spec | None = None) -> str:
    text: str = etree.tostring(factory.signed_assertion(spec or Spec())).decode()
    return text


NO_ARTIFACTS = (
    "",
    "AAQ",
    "****",
    artifact(kind=1),
    artifact(handle=b"h" * 19),
    artifact(handle=b"h" * 21),
    "\xfc" * 60,
)
ANSWER, SHAPE = Reason.SAML_ARTIFACT_ANSWER, Reason.SAML_SHAPE
REFUSED: dict[str, tuple[Reason, Kept]] = {
    "unsigned": (Reason.SAML_UNSIGNED, Kept(signs=False)),
    "signed by another": (Reason.SAML_SIGNATURE_VALUE, Kept(key=signing_key("other"))),
    "of another provider": (Reason.SAML_ISSUER_MISMATCH, Kept(issuer="<saml:Issuer>https://x</saml:Issuer>")),
    "of nobody": (Reason.SAML_ISSUER_MISMATCH, Kept(issuer="")),
    "to another question": (Reason.SAML_IN_RESPONSE_TO, Kept(in_response_to="_resolve2")),
    "to no question": (Reason.SAML_UNSOLICITED, Kept(in_response_to=None)),
    "version 1.1": (Reason.SAML_VERSION, Kept(version="1.1")),
    "from the future": (Reason.SAML_ISSUE_INSTANT, Kept(issue_instant=at(121))),
    "refusal": (Reason.SAML_STATUS, Kept(status=status(f"{STATUS}Requester"))),
    "nothing kept": (ANSWER, Kept(response="")),
    "two responses": (SHAPE, Kept(response=signed_response() + '<samlp:Response ID="_r2"/>')),
    "two statuses": (ANSWER, Kept(extra=status(f"{STATUS}Success"))),
    "another message": (ANSWER, Kept(extra="<samlp:LogoutResponse/>")),
    "two assertions": (Reason.SAML_ASSERTION_COUNT, Kept(extra="<saml:Assertion/>")),
    "no envelope": (ANSWER, Kept(envelope="{answer}")),
    "other envelope": (ANSWER, Kept(envelope="<Envelope><Body>{answer}</Body></Envelope>")),
    "empty envelope": (ANSWER, Kept(envelope='<s:Envelope xmlns:s="{soap}"/>')),
    "empty body": (ANSWER, Kept(envelope='<s:Envelope xmlns:s="{soap}"><s:Body/></s:Envelope>')),
    "a fault": (ANSWER, Kept(envelope='<s:Envelope xmlns:s="{soap}"><s:Body><s:Fault/></s:Body></s:Envelope>')),
    "two bodies": (
        ANSWER,
        Kept(envelope='<s:Envelope xmlns:s="{soap}"><s:Body>{answer}</s:Body><s:Body/></s:Envelope>'),
    ),
    "a bare response": (
        ANSWER,
        Kept(envelope=f'<s:Envelope xmlns:s="{{soap}}"><s:Body>{signed_response()}</s:Body></s:Envelope>'),
    ),
    "ID of the inner one": (Reason.SAML_DUPLICATE_ID, Kept(response=signed_response(Spec(response_id="_kept1")))),
}
