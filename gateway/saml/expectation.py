"""What the gateway expects of one response: who may have sent it, to whom, and in answer to what."""

from dataclasses import dataclass, field
from datetime import timedelta

from gateway.asking import NOTHING_ASKED, Asked
from gateway.saml.certificates import EncryptionKey, TrustedCertificate


@dataclass(frozen=True, slots=True)
class Expectation:
    """INVARIANT: everything in it comes from the gateway's own records, never from the message to be verified."""

    issuer: str  # entity ID of the identity provider, exactly
    certificates: tuple[TrustedCertificate, ...]  # any of them may have signed
    audience: str  # our entity ID
    recipients: tuple[str, ...]  # our consumer URLs; Destination and Recipient must each be one of them
    in_response_to: str | None  # ID of the request that is answered; None: the response must be unsolicited
    decryption_keys: tuple[EncryptionKey, ...] = field(default=(), repr=False)
    skew: timedelta = timedelta(seconds=120)  # clock difference tolerated
    asked: Asked = NOTHING_ASKED  # with the request that is answered
