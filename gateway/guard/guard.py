"""The guard for a service in Python on the gateway's database: the same answers as over HTTP, without the way there.

    guard = Guard(Store(database_url), load_or_make_keys(certs_dir, now)[0], SystemClock(), issuer="https://sso.example.com")
    ruling = guard.authorize(question, principal_arn="acs:ram::1234567890123456:user/alice")
    verified = guard.verify(forwarded, question)

Whoever has the key ring has everything: there is no account that it could not ask about, and it needs no leave. What it
decides is recorded as the gateway's own decisions are, before it is answered; `close` the guard at the end.
"""

from pathlib import Path
from threading import Event, Lock

from gateway.audit.decisions import decision_record, record_decision
from gateway.audit.keeping import keep_records
from gateway.audit.packing import start_packing
from gateway.clock import Clock
from gateway.directory.authorization import Authorizer
from gateway.errors import CredentialError, InputError, Reason
from gateway.guard.forwarded import Forwarded
from gateway.guard.proof import Caller
from gateway.guard.questions import Question
from gateway.guard.reach import EVERYWHERE
from gateway.guard.ruling import Ruling, rule
from gateway.guard.subjects import find_subject, open_subject, read_subject
from gateway.guard.unproven import Attempted, NamedKey, is_unproven, remember_unproven
from gateway.guard.verifying import Bench, Verified, verify_forwarded
from gateway.ids import new_request_id
from gateway.keyring import KeyRing
from gateway.oidc.identity_token import IDENTITY_PURPOSE, Identity, PublicKey, key_set_of, verify_identity
from gateway.principal import Principal
from gateway.signing import signing_keys
from gateway.store.engine import Store
from gateway.store.forks import call_in_child

AUTHORIZE, VERIFY = "Guard.authorize", "Guard.verify"


class Guard:
    """Safe under threads; one per process. `issuer` is the gateway's origin, as its identity tokens name it.

    `var_dir`: where decisions wait until they are in the database, if that is PostgreSQL; beside a SQLite database they
    have their place.
    Raises: ValueError for a database elsewhere without `var_dir`.
    """

    _packing: bool

    def __init__(self, store: Store, ring: KeyRing, clock: Clock, *, issuer: str, var_dir: Path | None = None) -> None:
        self._packs = store.stamps.journal is None  # the gateway packs what is recorded in its own process
        if self._packs:
            keep_records(store, lambda: ring, var_dir)
        self._start_anew()
        call_in_child(self, Guard._start_anew)
        self._store = store
        self._ring = ring
        self._clock = clock
        self._issuer = issuer
        self._authorizer = Authorizer(clock)
        keys = signing_keys(ring, IDENTITY_PURPOSE)
        self._keys = key_set_of([PublicKey(key.key_id, key.public) for key in keys])

    def authorize(
        self, question: Question, *, principal_arn: str = "", security_token: str = "", request_id: str = ""
    ) -> Ruling:
        """May this user or owner, or this role session, do that?

        `request_id` is what `ramgate why` finds it by; a new one if it is empty.
        Raises: InputError(PARAMETER_INVALID) for none or both of the two; OSError if it can't be recorded; as
        `read_subject`, `find_subject`, `open_subject`.
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
            ruling = rule(reading, self._authorizer, caller, question, now)
        self._remember(AUTHORIZE, caller.principal, ruling, request_id)
        return ruling

    def verify(self, forwarded: Forwarded, question: Question | None = None, *, request_id: str = "") -> Verified:
        """Whose signature is it, and may they? Raises: as `verify_forwarded`; OSError if it can't be recorded."""
        request_id = request_id or new_request_id()
        bench = Bench(self._ring, self._store.fleeting, self._authorizer, self._clock.now())
        try:
            with self._store.looking() as reading:
                verified = verify_forwarded(reading, bench, forwarded, question, EVERYWHERE)
        except CredentialError as error:
            if is_unproven(error):
                named = NamedKey(forwarded.access_key_id, forwarded.security_token)
                attempted = Attempted(VERIFY, request_id, forwarded.client_address, bench.now)
                self._keep_packed()
                remember_unproven(self._store, self._ring, named, error, attempted)
            raise
        if verified.ruling is not None:
            self._remember(VERIFY, verified.caller.principal, verified.ruling, request_id)
        return verified

    def close(self) -> None:
        """Pack no more: what waits is packed by the gateway, or by the next guard."""
        self._stop.set()

    def _remember(self, operation: str, principal: Principal, ruling: Ruling, request_id: str) -> None:
        """Nothing of another account's resource: no policy was asked."""
        if ruling.decision is None:
            return
        self._keep_packed()
        request_id = request_id or new_request_id()
        kept = decision_record(
            ruling.decision, principal, at=self._clock.now(), request_id=request_id, operation=operation
        )
        record_decision(self._store, kept)

    def _keep_packed(self) -> None:
        """A thread for each process, begun when it first has something to pack."""
        if not self._packs or self._packing:
            return
        with self._lock:
            if not self._packing:
                start_packing(self._store, self._clock, self._stop)
                self._packing = True

    def _start_anew(self) -> None:
        self._lock, self._stop = Lock(), Event()
        self._packing = False

    def verify_identity(self, token: str, host: str) -> Identity:
        """Believe a token that the gateway made for a request to this host. Raises: OidcError."""
        return verify_identity(token, self._keys, self._issuer, host, self._clock.now())
