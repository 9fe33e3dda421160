"""The guard for a service in Python on the gateway's database: the same answers as over HTTP, without the way there.

    guard = Guard(Store(database_url), load_or_make_keys(certs_dir, now)[0], SystemClock(), issuer="https://sso.example.com")
    ruling = guard.authorize(question, principal_arn="acs:ram::1234567890123456:user/alice")
    verified = guard.verify(forwarded, question)

Whoever has the key ring has everything: there is no account that it could not ask about, and it needs no leave.
"""

from gateway.clock import Clock
from gateway.directory.authorization import Authorizer
from gateway.errors import InputError, Reason
from gateway.guard.forwarded import Forwarded
from gateway.guard.proof import Caller
from gateway.guard.questions import Question
from gateway.guard.reach import EVERYWHERE
from gateway.guard.ruling import Ruling, rule
from gateway.guard.subjects import find_subject, open_subject, read_subject
from gateway.guard.verifying import Bench, Verified, verify_forwarded
from gateway.keyring import KeyRing
from gateway.oidc.identity_token import IDENTITY_PURPOSE, Identity, PublicKey, key_set_of, verify_identity
from gateway.signing import signing_keys
from gateway.store.engine import Store


class Guard:
    """Safe under threads; one per process. `issuer` is the gateway's origin, as its identity tokens name it."""

    def __init__(self, store: Store, ring: KeyRing, clock: Clock, *, issuer: str) -> None:
        self._store = store
        self._ring = ring
        self._clock = clock
        self._issuer = issuer
        self._authorizer = Authorizer(clock)
        keys = signing_keys(ring, IDENTITY_PURPOSE)
        self._keys = key_set_of([PublicKey(key.key_id, key.public) for key in keys])

    def authorize(self, question: Question, *, principal_arn: str = "", security_token: str = "") -> Ruling:
        """May this user or owner, or this role session, do that?

        Raises: InputError(PARAMETER_INVALID) for none or both of the two; as `read_subject`, `find_subject`,
        `open_subject`.
        """
        if bool(principal_arn) is bool(security_token):
            message = "a principal is named by its ARN or by its token"
            raise InputError(Reason.PARAMETER_INVALID, message, subject="PrincipalArn")
        now = self._clock.now()
        with self._store.looking() as reading:
            if principal_arn:
                caller: Caller = find_subject(reading, read_subject(principal_arn))
            else:
                caller = open_subject(reading, self._ring, security_token, now)
            return rule(reading, self._authorizer, caller, question, now)

    def verify(self, forwarded: Forwarded, question: Question | None = None) -> Verified:
        """Whose signature is it, and may they? Raises: as `verify_forwarded`."""
        bench = Bench(self._ring, self._store.fleeting, self._authorizer, self._clock.now())
        with self._store.looking() as reading:
            return verify_forwarded(reading, bench, forwarded, question, EVERYWHERE)

    def verify_identity(self, token: str, host: str) -> Identity:
        """Believe a token that the gateway made for a request to this host. Raises: OidcError."""
        return verify_identity(token, self._keys, self._issuer, host, self._clock.now())
