"""A guard around a WSGI application: nothing reaches it that is not signed by somebody who may.

Taken are requests signed as the official clients sign them, by `ACS3-HMAC-SHA256`, by RPC signature V1 (on the path
`/` only: it signs no path), and requests with an identity token of the gateway. The route table says what each asks
for. The application finds a `Guarded` in `environ["ramgate.caller"]`, and believes nothing else.
"""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, unquote_to_bytes

from gateway.client import Network, client_of_environ
from gateway.errors import AuthenticationError, CredentialError, Denied, GatewayError, InputError, OidcError, Reason
from gateway.guard import signature_v1, signature_v3
from gateway.guard.forwarded import Forwarded, Method
from gateway.guard.guard import Guard
from gateway.guard.questions import Question, told_of
from gateway.guard.routes import App
from gateway.ids import new_request_id
from gateway.principal import Principal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CALLER = "ramgate.caller"
MAX_BODY_BYTES = 8 * 1024 * 1024  # of a signed request: its hash is part of what is signed

_OWN_PREFIXES = ("ramgate.", "HTTP_X_RAMGATE_")
_IDENTITY = "HTTP_X_RAMGATE_IDENTITY"
_OVERRIDES = ("HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_HTTP_METHOD", "HTTP_X_METHOD_OVERRIDE")
_FORM = "application/x-www-form-urlencoded"
_MOST_PARAMETERS = 1000


@dataclass(frozen=True, slots=True)
class Guarded:
    """Who comes, and what was allowed. `principal` is None where an identity token told who it is."""

    arn: str
    account_id: str
    action: str
    resource: str
    principal: Principal | None


@dataclass(frozen=True, slots=True)
class _Read:
    """One request: its address, and its parameters by name."""

    target: str
    path: str  # still encoded
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class GuardMiddleware:
    """`app` is the entry of the route table for this application; the header `Host` chooses nothing.

    `trusted_proxies` are those whose `X-Forwarded-For` and `-Proto` are believed.
    """

    def __init__(
        self, application: "WSGIApplication", guard: Guard, app: App, *, trusted_proxies: Sequence[Network] = ()
    ) -> None:
        self._application = application
        self._guard = guard
        self._app = app
        self._trusted = tuple(trusted_proxies)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        token = environ.get(_IDENTITY)
        for key in [key for key in environ if key.startswith(_OWN_PREFIXES)]:
            del environ[key]
        request_id = new_request_id()
        try:
            guarded = self._admit(environ, token, request_id)
        except GatewayError as error:
            return _refuse(error, start_response, request_id)
        environ[CALLER] = guarded
        return self._application(environ, start_response)

    def _admit(self, environ: "WSGIEnvironment", token: object, request_id: str) -> Guarded:
        if any(name in environ for name in _OVERRIDES):
            message = "the request asks to be taken for another method"
            raise InputError(Reason.PARAMETER_INVALID, message, subject="Method")
        target = _target(environ)
        by_header = str(environ.get("HTTP_AUTHORIZATION", "")).startswith(signature_v3.FAMILY)
        if by_header and token is not None:
            raise CredentialError(Reason.SIGNATURE_INCOMPLETE, "the request proves its caller in two ways")
        if token is not None:
            return self._by_token(environ, target, str(token))
        if not by_header and "Signature=" not in target and not _is_form(environ):
            raise AuthenticationError(Reason.NOT_SIGNED_IN, "the request is not signed")
        return self._by_signature(environ, _read(environ, target), request_id)

    def _by_token(self, environ: "WSGIEnvironment", target: str, token: str) -> Guarded:
        """The gateway has decided already; here is checked that it was this request."""
        identity = self._guard.verify_identity(token, self._app.host)
        asked = self._question(environ, target).asked_by(identity.account_id)
        if (identity.action, identity.resource) != (asked.action, asked.resource):
            raise OidcError(Reason.OIDC_CLAIM, "the token is for another request")
        return Guarded(identity.subject, identity.account_id, asked.action, asked.resource, None)

    def _by_signature(self, environ: "WSGIEnvironment", read: _Read, request_id: str) -> Guarded:
        question = self._question(environ, read.target)
        method = environ["REQUEST_METHOD"]
        if read.headers.get("authorization", "").startswith(signature_v3.FAMILY):
            forwarded = self._v3(method, read, question)
        else:
            forwarded = _v1(method, read, question)
        verified = self._guard.verify(forwarded, question, request_id=request_id)
        ruling = verified.ruling
        assert ruling is not None, "a question was asked"
        if not ruling.allowed:
            message = "you are not authorized to do this action"
            raise Denied(Reason.ACCESS_DENIED, message, ruling.decision, ruling.explain())
        principal = verified.caller.principal
        return Guarded(principal.arn, principal.account_id, ruling.question.action, ruling.question.resource, principal)

    def _question(self, environ: "WSGIEnvironment", target: str) -> Question:
        found, captured = self._app.find(environ["REQUEST_METHOD"], target)
        return found.question(captured, told_of(client_of_environ(environ, self._trusted)))

    def _v3(self, method: str, read: _Read, question: Question) -> Forwarded:
        """Raises: CredentialError, for a request that was signed for another host, too."""
        authorization = signature_v3.parse_authorization(read.headers["authorization"])
        request = signature_v3.SignedRequest(method, read.query, read.headers, read.body, read.path)
        text = signature_v3.text_of(request, authorization)
        if read.headers["host"].lower() != self._app.host or not signature_v3.is_body_signed(request):
            raise CredentialError(Reason.SIGNATURE_MISMATCH, "it was signed for another host, or with another body")
        if read.headers.get("x-acs-accesskey-id", authorization.access_key_id) != authorization.access_key_id:
            raise CredentialError(Reason.SIGNATURE_INCOMPLETE, "two different access keys are named")
        return Forwarded(
            access_key_id=authorization.access_key_id,
            security_token=read.headers.get("x-acs-security-token") or None,
            method=Method.ACS3,
            string_to_sign=text.encode(),
            signature=authorization.signature,
            signed_at=read.headers.get("x-acs-date", ""),
            nonce=read.headers["x-acs-signature-nonce"],
            client_address=question.client_address,
        )


def _v1(method: str, read: _Read, question: Question) -> Forwarded:
    parameters = read.query
    if read.path != "/":
        raise CredentialError(Reason.SIGNATURE_METHOD, "this signature says nothing of the path")
    for name in ("AccessKeyId", "Signature", "SignatureNonce", "Timestamp"):
        if not parameters.get(name):
            raise InputError(Reason.PARAMETER_MISSING, f"{name} is missing", subject=name)
    signature_v1.check_method(parameters)
    return Forwarded(
        access_key_id=parameters["AccessKeyId"],
        security_token=parameters.get("SecurityToken") or None,
        method=Method.RPC_HMAC_SHA1,
        string_to_sign=signature_v1.string_to_sign(method, parameters).encode(),
        signature=parameters["Signature"],
        signed_at=parameters["Timestamp"],
        nonce=parameters["SignatureNonce"],
        client_address=question.client_address,
    )


def _target(environ: "WSGIEnvironment") -> str:
    """The address as it came, which the application must see alike.

    Raises: InputError(PARAMETER_INVALID), subject "Path", where the server does not tell it, and where what it shows to
    the application is something else.
    """
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    shown = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1", "replace")
    path, _, query = str(raw or "").partition("?")
    if not raw or unquote_to_bytes(path) != shown or query != environ.get("QUERY_STRING", ""):
        raise InputError(Reason.PARAMETER_INVALID, "the address can be read in two ways", subject="Path")
    return str(raw)


def _is_form(environ: "WSGIEnvironment") -> bool:
    return str(environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower() == _FORM


def _read(environ: "WSGIEnvironment", target: str) -> _Read:
    """Reads the body, and puts it back for the application."""
    path, _, query_text = target.partition("?")
    length = str(environ.get("CONTENT_LENGTH") or "0")
    if "HTTP_TRANSFER_ENCODING" in environ or not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        raise InputError(Reason.PAYLOAD_TOO_LARGE, "the body is too large, or of unknown length")
    body = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    by_header = str(environ.get("HTTP_AUTHORIZATION", "")).startswith(signature_v3.FAMILY)
    query = _pairs(query_text, {})
    if not by_header and _is_form(environ):
        query = _pairs(body.decode("latin-1"), query)
    return _Read(target, path, query, _headers(environ), body)


def _headers(environ: Mapping[str, Any]) -> Mapping[str, str]:
    headers = {key[5:].replace("_", "-").lower(): str(value) for key, value in environ.items() if key[:5] == "HTTP_"}
    for key, name in (("CONTENT_TYPE", "content-type"), ("CONTENT_LENGTH", "content-length")):
        if value := environ.get(key):
            headers[name] = str(value)
    return headers


def _pairs(encoded: str, earlier: Mapping[str, str]) -> Mapping[str, str]:
    """Raises: InputError(PARAMETER_DUPLICATE), InputError(PARAMETER_INVALID)."""
    pairs = dict(earlier)
    pieces = encoded.split("&")
    if len(pieces) > _MOST_PARAMETERS or not encoded.isascii():
        raise InputError(Reason.PARAMETER_INVALID, "the parameters can't be read", subject="Encoding")
    for piece in filter(None, pieces):
        try:
            name, _, value = (unquote_plus(part, errors="strict") for part in piece.partition("="))
        except UnicodeDecodeError:
            raise InputError(Reason.PARAMETER_INVALID, "a parameter is not UTF-8", subject="Encoding") from None
        if name in pairs:
            raise InputError(Reason.PARAMETER_DUPLICATE, "a parameter is given twice", name[:100])
        pairs[name] = value
    return pairs


def _refuse(error: GatewayError, start_response: "StartResponse", request_id: str) -> Iterable[bytes]:
    """401 where nobody proved who they are, 403 where they may not, 400 for what can't be read; with the ID that
    `ramgate why` finds the decision by.
    """
    status = HTTPStatus.BAD_REQUEST
    if isinstance(error, AuthenticationError):
        status = HTTPStatus.UNAUTHORIZED
    elif isinstance(error, Denied):
        status = HTTPStatus.FORBIDDEN
    body = json.dumps({"Reason": error.reason, "Message": error.public}).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Request-Id", request_id),
    ]
    start_response(f"{status.value} {status.phrase}", headers)
    return (body,)
