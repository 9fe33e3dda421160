"""Single logout at the demo company: its own sign-out tells every service that its people opened, and a service can ask
for it. Rule: SAML Profiles 2.0 §4.4, by redirect.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, saml, samlp
from saml2.s_utils import status_message_factory, success_status_factory
from saml2.sigver import verify_redirect_signature

from gateway.demo.idp_crypto import InProcessServer
from gateway.demo.idp_messages import forget_frames
from gateway.errors import InputError, Reason

_MOST_ROUNDS = 1000
_SEE_ALSO = "The LogoutRequest was refused: it must be signed by a registered service provider and be for us."


@dataclass(slots=True)
class _Round:
    """One sign-out on its way through the services. `asked_by`: whoever is to be answered at its end, if anybody."""

    left: list[tuple[str, str]]  # entity ID and NameID of the services that are not told yet
    asked_by: tuple[samlp.LogoutRequest, str] | None  # with the RelayState that goes back
    waited_for: str = ""  # the entity ID of the service that is asked now
    failed: bool = False


@dataclass(slots=True)
class IdpLogout:
    """Which services a session of ours has been used for; it keeps that in memory, like everything here."""

    server: Callable[[], InProcessServer]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _joined: dict[str, dict[str, str]] = field(default_factory=dict)  # session -> entity ID -> NameID
    _ended: set[str] = field(default_factory=set)
    _rounds: dict[str, _Round] = field(default_factory=dict)

    def join(self, session_id: str, sp_entity_id: str, name_id: str) -> None:
        with self._lock:
            self._joined.setdefault(session_id, {})[sp_entity_id] = name_id

    def has_ended(self, session_id: str) -> bool:
        return session_id in self._ended

    def end(self, session_id: str) -> str | None:
        """End a session of ours from here; gives where the browser goes to tell the first service, if there is any."""
        with self._lock:
            self._ended.add(session_id)
            left = list(self._joined.pop(session_id, {}).items())
        return self._go_on(_Round(left, None))

    def asked(self, fields: dict[str, str], *, redirect: bool) -> str:
        """Take the LogoutRequest of a service: end the sessions that it means, tell the others, and answer.

        Raises: InputError(PARAMETER_INVALID).
        """
        message = self._read_request(fields, redirect=redirect)
        asker, name_id = message.issuer.text.strip(), message.name_id.text.strip()
        left: dict[tuple[str, str], None] = {}
        with self._lock:
            for session_id, joined in list(self._joined.items()):
                if joined.get(asker) == name_id:
                    self._ended.add(session_id)
                    left |= dict.fromkeys(pair for pair in self._joined.pop(session_id).items() if pair[0] != asker)
        url = self._go_on(_Round(list(left), (message, fields.get("RelayState", ""))))
        assert url is not None, "whoever asked is answered"
        return url

    def answered(self, fields: dict[str, str]) -> str | None:
        """Take a service's answer; gives where the browser goes next, None at the end of a sign-out from here.

        Raises: InputError(PARAMETER_INVALID).
        """
        server = self.server()
        try:
            response = samlp.logout_response_from_string(
                server.unravel(fields["SAMLResponse"], BINDING_HTTP_REDIRECT, "logout_response")
            )
            with self._lock:
                round_ = self._rounds.pop(response.in_response_to)
            certificates = server.metadata.certs(round_.waited_for, "spsso", "signing")
            genuine = any(
                verify_redirect_signature(fields, server.sec.sec_backend, certificate)
                for _, certificate in certificates
            )
        except Exception as exc:  # pysaml2 raises whatever its many parts raise
            forget_frames(exc)
            raise InputError(Reason.PARAMETER_INVALID, "The LogoutResponse was refused.", str(exc)[:500]) from exc
        if not genuine or response.issuer.text != round_.waited_for:
            raise InputError(Reason.PARAMETER_INVALID, "The LogoutResponse was refused.", "not signed by that service")
        round_.failed = round_.failed or response.status.status_code.value != samlp.STATUS_SUCCESS
        return self._go_on(round_)

    def _go_on(self, round_: _Round) -> str | None:
        while round_.left:
            entity_id, name_id = round_.left.pop(0)
            url = self._request(round_, entity_id, name_id)
            if url is not None:
                return url
            round_.failed = True
        return None if round_.asked_by is None else self._answer(*round_.asked_by, failed=round_.failed)

    def _request(self, round_: _Round, entity_id: str, name_id: str) -> str | None:
        server = self.server()
        services = server.metadata.single_logout_service(entity_id, BINDING_HTTP_REDIRECT, "spsso")
        if not services:
            return None
        destination = services[0]["location"]
        named = saml.NameID(format=saml.NAMEID_FORMAT_PERSISTENT, text=name_id)
        request_id, request = server.create_logout_request(
            destination, entity_id, name_id=named, message_id="_" + secrets.token_hex(16), sign=False
        )
        round_.waited_for = entity_id
        with self._lock:
            while len(self._rounds) >= _MOST_ROUNDS:
                del self._rounds[next(iter(self._rounds))]
            self._rounds[request_id] = round_
        return self._redirect(request, destination, "", response=False)

    def _answer(self, request: samlp.LogoutRequest, relay_state: str, *, failed: bool) -> str:
        server = self.server()
        status = success_status_factory()
        if failed:
            status = status_message_factory("not everywhere", samlp.STATUS_PARTIAL_LOGOUT, samlp.STATUS_SUCCESS)
        response = server.create_logout_response(request, [BINDING_HTTP_REDIRECT], status=status, sign=False)
        return self._redirect(response, response.destination, relay_state, response=True)

    def _redirect(self, message: object, destination: str, relay_state: str, *, response: bool) -> str:
        binding = self.server().apply_binding(
            BINDING_HTTP_REDIRECT, str(message), destination, relay_state, response, sign=True
        )
        return str(dict(binding["headers"])["Location"])

    def _read_request(self, fields: dict[str, str], *, redirect: bool) -> samlp.LogoutRequest:
        if redirect and not (fields.get("SigAlg") and fields.get("Signature")):
            raise InputError(Reason.PARAMETER_INVALID, _SEE_ALSO, "it is not signed", subject="SAMLRequest")
        try:
            message = (
                self.server()
                .parse_logout_request(
                    fields["SAMLRequest"],
                    BINDING_HTTP_REDIRECT if redirect else BINDING_HTTP_POST,
                    relay_state=fields.get("RelayState"),
                    sigalg=fields.get("SigAlg"),
                    signature=fields.get("Signature"),
                )
                .message
            )
        except Exception as exc:  # pysaml2 raises whatever its many parts raise
            forget_frames(exc)
            detail = f"{type(exc).__name__}: {exc}"[:500]
            raise InputError(Reason.PARAMETER_INVALID, _SEE_ALSO, detail, subject="SAMLRequest") from exc
        if message.name_id is None or not message.name_id.text:
            raise InputError(Reason.PARAMETER_INVALID, _SEE_ALSO, "it names nobody", subject="SAMLRequest")
        return message
