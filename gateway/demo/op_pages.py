"""The OpenID Connect endpoints of the demo company's identity provider; people and sign-in page are those of SAML."""

import binascii
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from flask import Flask, Response, jsonify, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from gateway.clock import Clock
from gateway.demo.op_config import OpClient, OpConfig
from gateway.demo.op_flow import Arrived, OpFlow, OpRefusal
from gateway.demo.op_logout import OpSessions, return_address
from gateway.demo.op_signing import OpSigner
from gateway.demo.page_policy import page_policy
from gateway.errors import InputError, Reason

_SEE_OTHER = 303
Page = AnyResponse | str | tuple[str, int]


class OpPages:
    """The views, and what they share. `check_form_token` refuses a form that is not of the page's own browser."""

    def __init__(self, config: OpConfig, clock: Clock, check_form_token: Callable[[], None]) -> None:
        signer = OpSigner()
        self.config = config
        self._clock = clock
        self._signer = signer
        self._flow = OpFlow(config, signer)
        self._sessions = OpSessions(config, signer)
        self._check_form_token = check_form_token

    def register(self, app: Flask) -> None:
        app.add_url_rule("/.well-known/openid-configuration", "op_document", self.document)
        app.add_url_rule("/oidc/jwks", "op_keys", self.keys)
        app.add_url_rule("/oidc/authorize", "op_authorize", self.authorize, methods=["GET", "POST"])
        app.add_url_rule("/oidc/continue", "op_proceed", self.proceed)
        app.add_url_rule("/oidc/token", "op_token", self.token, methods=["POST"])
        app.add_url_rule("/oidc/userinfo", "op_user_info", self.user_info, methods=["GET", "POST"])
        app.add_url_rule("/oidc/logout", "op_logout", self.logout, methods=["GET", "POST"])
        app.register_error_handler(OpRefusal, _refused)

    def document(self) -> Page:
        issuer = self.config.issuer
        return jsonify(
            issuer=issuer,
            jwks_uri=f"{issuer}/oidc/jwks",
            authorization_endpoint=f"{issuer}/oidc/authorize",
            token_endpoint=f"{issuer}/oidc/token",
            userinfo_endpoint=f"{issuer}/oidc/userinfo",
            end_session_endpoint=f"{issuer}/oidc/logout",
            response_types_supported=["code"],
            response_modes_supported=["query"],
            grant_types_supported=["authorization_code"],
            subject_types_supported=["public"],
            scopes_supported=["openid", "profile", "email"],
            id_token_signing_alg_values_supported=["RS256"],
            token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
            code_challenge_methods_supported=["S256"],
            authorization_response_iss_parameter_supported=True,
            backchannel_logout_supported=True,
            backchannel_logout_session_supported=True,
        )

    def keys(self) -> Page:
        return jsonify(self._signer.key_set())

    def authorize(self) -> Page:
        """Take a request. The way on is a redirect, so that our cookie comes along after a cross-site POST."""
        now = self._clock.now()
        wanted = self._flow.read_request(request.values.to_dict(), now)
        if isinstance(wanted, str):
            return redirect(wanted, _SEE_OTHER)
        return redirect(url_for("op_proceed", oidc=self._flow.requests.add(wanted, now)), _SEE_OTHER)

    def proceed(self) -> Page:
        now, handle = self._clock.now(), request.args.get("oidc", "")
        wanted = self._flow.requests.find(handle, now)
        if wanted is None:
            message = "This sign-in request was answered already or is too old. Go back to the service and start again."
            raise InputError(Reason.PARAMETER_INVALID, message)
        arrived = self._arrived()
        if arrived is None or wanted.wants_fresh_login(arrived.signed_in_at):
            if wanted.prompt == "none":
                return redirect(self._flow.answer(wanted, error="login_required"), _SEE_OTHER)
            return redirect(
                url_for("sign_in", oidc=handle, login=wanted.login_hint.partition("@")[0] or None), _SEE_OTHER
            )
        self._flow.requests.take(handle, now)
        self._sessions.join(arrived.session_id, wanted.client, arrived.person.subject)
        return redirect(self._flow.grant(wanted, arrived, now), _SEE_OTHER)

    def token(self) -> Page:
        form = request.form.to_dict()
        return jsonify(self._flow.redeem(self._client(), form, self._clock.now()))

    def user_info(self) -> Page:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise OpRefusal("invalid_token", 401)
        return jsonify(self._flow.user_info(token, self._clock.now()))

    def logout(self) -> Page:
        """Sign out for a client that proves that the session is its own; anybody else is asked by a page first."""
        given = request.values.to_dict()
        client, is_its_own = self._sessions.asked_by(given, str(session.get("sid", "")))
        confirmed = request.method == "POST" and "form_token" in request.form
        if confirmed:
            self._check_form_token()
        elif not is_its_own and self._arrived() is not None:
            page = Response(render_template("sign_out.html", client=client, carried=given))
            page.headers["Content-Security-Policy"] = page_policy("http: https:")
            return page
        self.end_session()
        return redirect(return_address(client, given) or url_for("sign_in"), _SEE_OTHER)

    def end_session(self) -> None:
        """Forget who is signed in to this browser, and tell the clients."""
        session_id = str(session.get("sid", ""))
        session.clear()
        self._sessions.end(session_id, self._clock.now())

    def _arrived(self) -> Arrived | None:
        person = self.config.find_person(str(session.get("login", "")))
        if person is None:
            return None
        since = datetime.fromtimestamp(float(session.get("signed_in_at", 0)), UTC)
        return Arrived(person, since, str(session["sid"]))

    def _client(self) -> OpClient:
        """Who calls the token endpoint: by the header or by the form. Raises: OpRefusal."""
        scheme, _, packed = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return self._flow.check_client(request.form.get("client_id", ""), request.form.get("client_secret", ""))
        try:
            client_id, _, secret = b64decode(packed).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as exc:
            raise OpRefusal("invalid_client", 401) from exc
        return self._flow.check_client(unquote_plus(client_id), unquote_plus(secret))


def _refused(refusal: OpRefusal) -> tuple[Response, int]:
    return jsonify(error=refusal.error), refusal.status
