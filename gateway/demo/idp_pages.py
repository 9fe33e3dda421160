"""The pages of the demo company's identity provider."""

import hmac
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from gateway.clock import Clock
from gateway.demo.idp_logout import IdpLogout
from gateway.demo.idp_messages import DemoPerson, IdpMessages, RequestToAnswer, idp_metadata
from gateway.demo.op_pages import OpPages
from gateway.demo.page_policy import page_policy
from gateway.errors import ConfigError, GatewayError, InputError, Reason

_PENDING_LIFETIME = timedelta(minutes=10)
_MAX_PENDING = 1000
_SEE_OTHER = 303
Page = AnyResponse | str | tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Pending:
    request: RequestToAnswer
    received_at: datetime


class PendingRequests:
    """AuthnRequests whose sender waits for somebody to sign in. The oldest make room for new ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, _Pending] = {}

    def add(self, request: RequestToAnswer, now: datetime) -> str:
        handle = secrets.token_urlsafe(16)
        with self._lock:
            while len(self._held) >= _MAX_PENDING:
                del self._held[next(iter(self._held))]
            self._held[handle] = _Pending(request, now)
        return handle

    def find(self, handle: str, now: datetime) -> _Pending:
        """Raises: InputError(PARAMETER_INVALID) for one that was answered, is too old or was never there."""
        with self._lock:
            pending = self._held.get(handle)
        if pending is None or pending.received_at + _PENDING_LIFETIME < now:
            raise InputError(
                Reason.PARAMETER_INVALID,
                "This sign-in request was answered already or is too old. Go back to the service and start again.",
            )
        return pending

    def drop(self, handle: str) -> None:
        with self._lock:
            self._held.pop(handle, None)


class IdpPages:
    """The views, and what they share."""

    def __init__(self, messages: IdpMessages, clock: Clock) -> None:
        self._messages = messages
        self._clock = clock
        self._pending = PendingRequests()
        self._people = {person.login.lower(): person for person in messages.config.people}
        self._logout = IdpLogout(messages.server)
        openid = messages.config.openid
        self._op = None if openid is None else OpPages(openid, clock, _check_form_token)

    def register(self, app: Flask) -> None:
        app.add_url_rule("/", "home", self.home)
        app.add_url_rule("/sign-in", "sign_in", self.sign_in)
        app.add_url_rule("/sign-in", "check_sign_in", self.check_sign_in, methods=["POST"])
        app.add_url_rule("/sign-out", "sign_out", self.sign_out, methods=["POST"])
        app.add_url_rule("/sso", "sso", self.sso, methods=["GET", "POST"])
        app.add_url_rule("/slo", "slo", self.slo, methods=["GET", "POST"])
        app.add_url_rule("/continue", "proceed", self.proceed)
        app.add_url_rule("/launch/<service>", "launch", self.launch)
        app.add_url_rule("/metadata", "metadata", self.metadata)
        if self._op is not None:
            self._op.register(app)
        app.register_error_handler(GatewayError, self.refused)
        app.after_request(_secured)
        app.context_processor(lambda: {"idp": self._messages.config, "form_token": _form_token()})

    def home(self) -> Page:
        person, _ = self._signed_in()
        if person is None:
            return redirect(url_for("sign_in"), _SEE_OTHER)
        # Signing out leads through the services by redirects, which browsers hold against the policy of this page.
        page = Response(render_template("home.html", person=person))
        page.headers["Content-Security-Policy"] = page_policy("http: https:")
        return page

    def sign_in(self) -> Page:
        return self._sign_in_page(None)

    def check_sign_in(self) -> Page:
        _check_form_token()
        person = self._people.get(request.form.get("login", "").strip().lower())
        given = request.form.get("password", "")
        if person is None or not hmac.compare_digest(given.encode(), person.password.reveal().encode()):
            page = self._sign_in_page("The login or the password is wrong.")
            page.status_code = 403
            return page
        session.clear()
        session["login"] = person.login
        session["signed_in_at"] = self._clock.now().timestamp()
        session["sid"] = secrets.token_urlsafe(16)
        if request.form.get("oidc"):
            return redirect(url_for("op_proceed", oidc=request.form["oidc"]), _SEE_OTHER)
        if request.form.get("request"):
            return redirect(url_for("proceed", request=request.form["request"]), _SEE_OTHER)
        if request.form.get("launch") in {"user", "role"}:
            relay_state = request.form.get("RelayState") or None
            return redirect(url_for("launch", service=request.form["launch"], RelayState=relay_state), _SEE_OTHER)
        return redirect(url_for("home"), _SEE_OTHER)

    def sign_out(self) -> Page:
        _check_form_token()
        session_id = str(session.get("sid", ""))
        self._forget_session()
        return redirect(self._logout.end(session_id) or url_for("sign_in"), _SEE_OTHER)

    def slo(self) -> Page:
        """Take a service's wish to sign somebody out, or its answer to ours."""
        by_redirect = request.method == "GET"
        fields = (request.args if by_redirect else request.form).to_dict()
        if "SAMLResponse" in fields:
            return redirect(self._logout.answered(fields) or url_for("sign_in"), _SEE_OTHER)
        leading_on = self._logout.asked(fields, redirect=by_redirect)
        if self._logout.has_ended(str(session.get("sid", ""))):
            self._forget_session()
        return redirect(leading_on, _SEE_OTHER)

    def _forget_session(self) -> None:
        if self._op is not None:
            self._op.end_session()
        session.clear()

    def sso(self) -> Page:
        """Take an AuthnRequest. The way on is a redirect, so that our cookie comes along after a cross-site POST."""
        by_redirect = request.method == "GET"
        fields = request.args if by_redirect else request.form
        wanted = self._messages.read_request(fields.to_dict(), redirect=by_redirect)
        handle = self._pending.add(wanted, self._clock.now())
        return redirect(url_for("proceed", request=handle), _SEE_OTHER)

    def proceed(self) -> Page:
        handle = request.args.get("request", "")
        pending = self._pending.find(handle, self._clock.now())
        person, since = self._signed_in()
        if person is None or (pending.request.force_authn and since < pending.received_at):
            return redirect(url_for("sign_in", request=handle), _SEE_OTHER)
        self._pending.drop(handle)
        return self._posting_page(pending.request, person, since)

    def launch(self, service: str) -> Page:
        relay_state = request.args.get("RelayState", "")
        wanted = self._messages.start(service, relay_state)
        person, since = self._signed_in()
        if person is None:
            return redirect(url_for("sign_in", launch=service, RelayState=relay_state or None), _SEE_OTHER)
        return self._posting_page(wanted, person, since)

    def metadata(self) -> Page:
        return Response(idp_metadata(self._messages.config), mimetype="application/samlmetadata+xml")

    def refused(self, error: GatewayError) -> Page:
        status = 503 if isinstance(error, ConfigError) else 400
        return render_template("refused.html", text=error.public, detail=error.detail), status

    def _posting_page(self, wanted: RequestToAnswer, person: DemoPerson, since: datetime) -> Page:
        answer = self._messages.answer(wanted, person, since)
        self._logout.join(str(session["sid"]), wanted.sp_entity_id, person.name_id)
        page = Response(render_template("post.html", answer=answer, host=urlsplit(answer.action).netloc))
        # any web address: browsers hold form-action against the redirects that follow, and a RelayState may lead on
        page.headers["Content-Security-Policy"] = page_policy("http: https:")
        return page

    def _sign_in_page(self, problem: str | None) -> Response:
        carried = {name: request.values.get(name, "") for name in ("request", "oidc", "launch", "RelayState")}
        login = request.values.get("login", "")
        page = Response(render_template("sign_in.html", problem=problem, login=login, carried=carried))
        if carried["oidc"]:
            # The form leads back to the service by redirects, which browsers hold against the policy of this page.
            page.headers["Content-Security-Policy"] = page_policy("http: https:")
        return page

    def _signed_in(self) -> tuple[DemoPerson | None, datetime]:
        person = self._people.get(str(session.get("login", "")).lower())
        if self._logout.has_ended(str(session.get("sid", ""))):
            person = None
        return person, datetime.fromtimestamp(float(session.get("signed_in_at", 0)), UTC)


def _form_token() -> str:
    """What a form of ours must send back, bound to this browser by the session cookie."""
    return str(session.setdefault("form_token", secrets.token_urlsafe(16)))


def _check_form_token() -> None:
    expected = str(session.get("form_token", ""))
    if not expected or not hmac.compare_digest(request.form.get("form_token", "").encode(), expected.encode()):
        raise InputError(Reason.CSRF, "The form is out of date. Go back, reload the page and try again.")


def _secured(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", page_policy())
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
