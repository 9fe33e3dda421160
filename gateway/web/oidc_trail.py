"""How far a login at an OpenID Provider came, noted on the way, so that a refusal can be explained afterwards."""

from dataclasses import dataclass, field
from datetime import datetime

from gateway.identity import VerifiedIdentity
from gateway.login_verdict import LoginVerdict
from gateway.oidc.expectation import IdTokenExpectation
from gateway.oidc.keys import KeySet
from gateway.oidc.verdict import judge_id_token


@dataclass(slots=True)
class OidcTrail:
    """`begun`: this browser had begun the login here. The token is not verified."""

    begun: bool = False
    purpose: str = ""  # of the login that was begun
    identity: VerifiedIdentity | None = field(default=None, repr=False)  # with its user information
    unverified_id_token: str = field(default="", repr=False)
    expectation: IdTokenExpectation | None = field(default=None, repr=False)
    keys: KeySet | None = None

    def note(self, unverified_id_token: str, expectation: IdTokenExpectation, keys: KeySet) -> None:
        self.unverified_id_token, self.expectation, self.keys = unverified_id_token, expectation, keys

    def judge(self, now: datetime) -> LoginVerdict | None:
        """None where no ID token came."""
        if self.expectation is None or self.keys is None:
            return None
        return judge_id_token(self.unverified_id_token, self.expectation, self.keys, now)
