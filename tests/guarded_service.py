"""A service of our own behind the middleware, and requests to it as clients sign them."""

import hashlib
import io
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from sqlalchemy.orm import Session

from gateway.clock import wire_time
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.attachments import attach_policy
from gateway.directory.policies import create_policy
from gateway.directory.users import create_user
from gateway.guard.guard import Guard
from gateway.guard.middleware import CALLER, Guarded, GuardMiddleware
from gateway.guard.route_file import read_routes
from gateway.guard.signature_v1 import sign as sign_v1
from gateway.guard.signature_v1 import string_to_sign as text_v1
from gateway.guard.signature_v3 import SignedRequest, canonical_request, sign, string_to_sign
from gateway.keyring import KeyRing
from gateway.store.engine import Store
from tests.fake_clock import FakeClock
from tests.in_process import bare_account

ACCOUNT, ISSUER, HOST = "1234567890123456", "https://sso.example.com", "notes.example.com"
ROUTES = f"""
[[app]]
name = "notes"
origin = "https://{HOST}"
[[app.rule]]
methods = ["POST"]
path = "/"
action = "notes:Call"
resource = "acs:notes:*:{ACCOUNT}:rpc"
[[app.rule]]
methods = ["GET", "PUT"]
path = "/notes/{{note...}}"
action = "notes:Use"
resource = "acs:notes:*:{{CallerAccountId}}:note/{{note}}"
[[app.rule]]
methods = ["GET"]
path = "/admin"
action = "notes:Administer"
resource = "acs:notes:*:{ACCOUNT}:admin"
"""
POLICY = {"Effect": "Allow", "Action": ["notes:Use", "notes:Call"], "Resource": "*"}


@dataclass
class Answer:
    status: int
    body: Any
    seen: list[Guarded] = field(default_factory=list)


class Service:
    """`alice` may use notes and call, and is no administrator."""

    def __init__(self, store: Store, ring: KeyRing, clock: FakeClock) -> None:
        self.store, self.ring, self.clock = store, ring, clock
        with store.transaction() as session:
            session.add(bare_account(ACCOUNT, "acme"))
            session.flush()
            self.key = self._user(session)
        self.guard = Guard(store, ring, clock, issuer=ISSUER)
        self.reached: list[dict[str, Any]] = []
        app = read_routes(ROUTES).get(HOST)
        self.middleware = GuardMiddleware(self._application, self.guard, app)

    def _user(self, session: Session) -> NewAccessKey:
        now = self.clock.now()
        user = create_user(session, ACCOUNT, "alice", now=now)
        document = json.dumps({"Version": "1", "Statement": [POLICY]})
        create_policy(session, ACCOUNT, "notes", document, now=now)
        attach_policy(session, ACCOUNT, "Custom", "notes", user, now)
        self.user_id = user.id
        return create_access_key(session, self.ring, account_id=ACCOUNT, user_id=user.id, now=now)

    def _application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        self.reached.append({**environ, "body": body})
        start_response("200 OK", [("Content-Type", "application/json")])
        guarded = environ[CALLER]
        assert isinstance(guarded, Guarded)
        return (json.dumps({"arn": guarded.arn, "resource": guarded.resource}).encode(),)

    def send(self, environ: Mapping[str, Any]) -> Answer:
        statuses: list[str] = []
        body = b"".join(self.middleware(dict(environ), lambda status, _headers, *_: statuses.append(status)))  # type: ignore[arg-type]
        return Answer(int(statuses[0].split(" ")[0]), json.loads(body))

    def environ(
        self,
        target: str,
        *,
        method: str = "GET",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        path, _, query = target.partition("?")
        made = {
            "REQUEST_METHOD": method,
            "RAW_URI": target,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body),
            "HTTP_HOST": HOST,
        }
        made |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in (headers or {}).items()}
        if body:
            made["CONTENT_TYPE"] = "text/plain"
        return {**made, **more}

    def signed(
        self, target: str, *, method: str = "GET", body: bytes = b"", host: str = HOST, nonce: str = "", **query: str
    ) -> dict[str, Any]:
        """By ACS3, for the address as it is given."""
        headers = {
            "host": host,
            "x-acs-action": "UseNote",
            "x-acs-version": "2026-01-01",
            "x-acs-date": wire_time(self.clock.now()),
            "x-acs-signature-nonce": nonce or secrets.token_hex(8),
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            **({"content-type": "text/plain"} if body else {}),
        }
        names = tuple(sorted(headers))
        canonical = canonical_request(SignedRequest(method, query, headers, body, target), names)
        signature = sign(self.key.secret, string_to_sign(canonical))
        value = f"Credential={self.key.access_key_id},SignedHeaders={';'.join(names)},Signature={signature}"
        sent = {name: text for name, text in headers.items() if name != "content-type"}
        whole = target + ("?" + urlencode(query) if query else "")
        return self.environ(
            whole, method=method, body=body, headers={**sent, "authorization": f"ACS3-HMAC-SHA256 {value}"}
        )

    def signed_v1(self, target: str = "/", **changes: str) -> dict[str, Any]:
        """By RPC signature V1, in a form."""
        call = {
            "AccessKeyId": self.key.access_key_id,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": secrets.token_hex(8),
            "Timestamp": wire_time(self.clock.now()),
            "Action": "Call",
            **changes,
        }
        call["Signature"] = sign_v1(self.key.secret, text_v1("POST", call))
        form = "application/x-www-form-urlencoded"
        return self.environ(target, method="POST", body=urlencode(call).encode(), CONTENT_TYPE=form)
