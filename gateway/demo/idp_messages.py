"""The SAML side of the demo company's identity provider: pysaml2's IdP, told who works there and whom it serves."""

import base64
import binascii
import threading
import urllib.request
import warnings
import zlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from pathlib import Path

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, md, saml, samlp, xmldsig

from gateway.demo.op_config import OpConfig
from gateway.errors import ConfigError, InputError, Reason
from gateway.saml.names import ROLE_ATTRIBUTE, ROLE_SESSION_NAME_ATTRIBUTE, SESSION_DURATION_ATTRIBUTE
from gateway.secret import Secret
from gateway.settings import TEMPLATES

with warnings.catch_warnings():
    # pysaml2 imports a cipher mode that cryptography is about to move; nobody at a demo needs to read that.
    warnings.filterwarnings("ignore", message="CFB has been moved")
    from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
    from saml2.config import IdPConfig
    from saml2.metadata import entity_descriptor

    from gateway.demo.idp_crypto import InProcessServer

_MAX_REQUEST_BYTES = 64 * 1024  # of XML, inflated
_MAX_RELAY_STATE = 2048
_FETCH_TIMEOUT_S = 5
_ASSERTION_LIFETIME_MIN = 5
_NAME_ID_FORMATS = (saml.NAMEID_FORMAT_PERSISTENT, saml.NAMEID_FORMAT_EMAILADDRESS, saml.NAMEID_FORMAT_UNSPECIFIED)


@unique
class SignStyle(StrEnum):
    """What is signed in a response, and whether the assertion is encrypted."""

    ASSERTION = "assertion"
    RESPONSE = "response"
    BOTH = "both"
    ENCRYPTED = "encrypted"  # the assertion, signed inside
    ENCRYPTED_BOTH = "encrypted-both"  # the assertion, signed inside, and the response around the ciphertext

    @property
    def assertion_signed(self) -> bool:
        return self is not SignStyle.RESPONSE

    @property
    def response_signed(self) -> bool:
        return self in {SignStyle.RESPONSE, SignStyle.BOTH, SignStyle.ENCRYPTED_BOTH}

    @property
    def assertion_encrypted(self) -> bool:
        return self in {SignStyle.ENCRYPTED, SignStyle.ENCRYPTED_BOTH}


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody who works at the demo company."""

    login: str
    password: Secret
    name_id: str  # the user principal name that user-based SSO looks for
    role_values: tuple[str, ...]  # `<role ARN>,<provider ARN>` each
    session_name: str
    display_name: str
    session_duration_s: int | None = None


@dataclass(frozen=True, slots=True)
class DemoIdpConfig:
    """An identity provider. A service provider is given by its metadata (bytes) or the URL of it (fetched when needed).

    `base_url` has no final slash. `user_sso_start_url` is where the first tile leads when the gateway does not
    accept user-based SSO that starts here.
    """

    entity_id: str
    base_url: str
    key_path: Path
    certificate_path: Path
    people: tuple[DemoPerson, ...]
    user_sso: bytes | str | None = None
    role_sso: bytes | str | None = None
    idp_initiated_user_sso: bool = True
    user_sso_start_url: str | None = None
    sign_style: SignStyle = SignStyle.ASSERTION
    company: str = "Example Company"
    openid: OpConfig | None = None  # what it speaks beside SAML, to the same people
    templates_dir: Path = TEMPLATES

    @property
    def sso_url(self) -> str:
        return f"{self.base_url}/sso"

    @property
    def slo_url(self) -> str:
        return f"{self.base_url}/slo"


@dataclass(frozen=True, slots=True)
class RequestToAnswer:
    """Somebody is to be signed in for a service provider: an AuthnRequest, or our own start if `request_id` is None."""

    sp_entity_id: str
    acs_url: str
    relay_state: str
    request_id: str | None = None
    force_authn: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A form that the browser posts to the service provider."""

    action: str
    saml_response: str
    relay_state: str


class IdpMessages:
    """Reads AuthnRequests and writes responses. Its service providers are loaded at the first use."""

    def __init__(self, config: DemoIdpConfig) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._server: InProcessServer | None = None
        self._entity_ids: dict[str, str] = {}

    def read_request(self, fields: dict[str, str], *, redirect: bool) -> RequestToAnswer:
        """Validate an AuthnRequest: its signature, that it is for us, and that the consumer URL is registered.

        Raises: InputError(PARAMETER_MISSING | PARAMETER_TOO_LONG | PARAMETER_INVALID), ConfigError(CONFIG_INVALID) if
        the service provider's metadata can't be fetched.
        """
        message = fields.get("SAMLRequest", "")
        relay_state = fields.get("RelayState")
        if not message:
            raise InputError(Reason.PARAMETER_MISSING, "There is no SAMLRequest.", subject="SAMLRequest")
        if len(relay_state or "") > _MAX_RELAY_STATE:
            raise InputError(Reason.PARAMETER_TOO_LONG, "RelayState is too long.", subject="RelayState")
        _check_size(message, redirect=redirect)
        request, destination = self._parsed(message, fields, redirect=redirect)
        return RequestToAnswer(
            sp_entity_id=request.issuer.text.strip(),
            acs_url=destination,
            relay_state=relay_state or "",
            request_id=request.id,
            force_authn=request.force_authn in {"true", "1"},
        )

    def _parsed(self, message: str, fields: dict[str, str], *, redirect: bool) -> tuple[samlp.AuthnRequest, str]:
        server = self.server()
        try:
            request = server.parse_authn_request(
                message,
                BINDING_HTTP_REDIRECT if redirect else BINDING_HTTP_POST,
                relay_state=fields.get("RelayState"),
                sigalg=fields.get("SigAlg"),
                signature=fields.get("Signature"),
            ).message
            return request, server.response_args(request, bindings=[BINDING_HTTP_POST])["destination"]
        except Exception as exc:  # pysaml2 raises whatever its many parts raise
            forget_frames(exc)
            raise InputError(
                Reason.PARAMETER_INVALID,
                "The AuthnRequest was refused: it must be signed by a registered service provider, name this "
                "identity provider as its destination and a registered consumer URL.",
                f"{type(exc).__name__}: {exc}"[:500],
                subject="SAMLRequest",
            ) from exc

    def start(self, service: str, relay_state: str) -> RequestToAnswer:
        """Sign-in that begins here: `user` or `role`.

        Raises: InputError(PARAMETER_INVALID) for another or an unconfigured service, ConfigError as `read_request`.
        """
        server = self.server()
        if service not in self._entity_ids or (service == "user" and not self.config.idp_initiated_user_sso):
            raise InputError(Reason.PARAMETER_INVALID, "This service can't be started from here.", service[:40])
        entity_id = self._entity_ids[service]
        consumer = server.metadata.assertion_consumer_service(entity_id, BINDING_HTTP_POST)[0]
        return RequestToAnswer(
            sp_entity_id=entity_id, acs_url=consumer["location"], relay_state=relay_state[:_MAX_RELAY_STATE]
        )

    def answer(self, request: RequestToAnswer, person: DemoPerson, signed_in_at: datetime) -> Answer:
        """A response that says who signed in, signed and encrypted in the configured style."""
        style = self.config.sign_style
        response = self.server().create_authn_response(
            self._attributes(request, person),
            request.request_id,
            request.acs_url,
            request.sp_entity_id,
            name_id=saml.NameID(format=saml.NAMEID_FORMAT_PERSISTENT, text=person.name_id),
            authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_instant": signed_in_at.timestamp()},
            sign_assertion=style.assertion_signed,
            sign_response=style.response_signed,
            encrypt_assertion=style.assertion_encrypted,
        )
        return Answer(
            action=request.acs_url,
            saml_response=base64.b64encode(str(response).encode()).decode(),
            relay_state=request.relay_state,
        )

    def _attributes(self, request: RequestToAnswer, person: DemoPerson) -> dict[str, list[str]]:
        """User-based SSO needs none. Rule: sso-contract §1.3, §2.2."""
        if request.sp_entity_id != self._entity_ids.get("role"):
            return {}
        attributes = {ROLE_ATTRIBUTE: list(person.role_values), ROLE_SESSION_NAME_ATTRIBUTE: [person.session_name]}
        if person.session_duration_s is not None:
            attributes[SESSION_DURATION_ATTRIBUTE] = [str(person.session_duration_s)]
        return attributes

    def server(self) -> InProcessServer:
        with self._lock:
            if self._server is None:
                documents = {
                    name: _document(source)
                    for name, source in (("user", self.config.user_sso), ("role", self.config.role_sso))
                    if source is not None
                }
                self._server = InProcessServer(_pysaml2_config(self.config, tuple(documents.values())))
                self._entity_ids = {
                    name: md.entity_descriptor_from_string(xml).entity_id for name, xml in documents.items()
                }
            return self._server


def idp_metadata(config: DemoIdpConfig) -> bytes:
    """What the demo IdP's `/metadata` serves, without running it: to be registered at the gateway."""
    descriptor = entity_descriptor(_pysaml2_config(config, ()))
    xml: bytes = descriptor.to_string_force_namespace({"md": md.NAMESPACE, "ds": xmldsig.NAMESPACE})
    return xml


def _pysaml2_config(config: DemoIdpConfig, service_providers: tuple[bytes, ...]) -> IdPConfig:
    settings = {
        "entityid": config.entity_id,
        "crypto_backend": "XMLSecurity",  # replaced by InProcessServer; it looks for no program
        "key_file": str(config.key_path),
        "cert_file": str(config.certificate_path),
        "service": {
            "idp": {
                # Here, and not above: pysaml2 looks only here, and would fall back to SHA-1.
                "signing_algorithm": xmldsig.SIG_RSA_SHA256,
                "digest_algorithm": xmldsig.DIGEST_SHA256,
                "name": config.company,
                "endpoints": {
                    "single_sign_on_service": [
                        (config.sso_url, BINDING_HTTP_REDIRECT),
                        (config.sso_url, BINDING_HTTP_POST),
                    ],
                    "single_logout_service": [
                        (config.slo_url, BINDING_HTTP_REDIRECT),
                        (config.slo_url, BINDING_HTTP_POST),
                    ],
                },
                "name_id_format": list(_NAME_ID_FORMATS),
                "want_authn_requests_signed": True,
                "policy": {"default": {"lifetime": {"minutes": _ASSERTION_LIFETIME_MIN}}},
            }
        },
    }
    if service_providers:
        settings["metadata"] = {"inline": [xml.decode() for xml in service_providers]}
    return IdPConfig().load(settings)


def _document(source: bytes | str) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        with urllib.request.urlopen(source, timeout=_FETCH_TIMEOUT_S) as reply:  # noqa: S310 - the demo's own gateway
            document: bytes = reply.read()
            return document
    except (OSError, ValueError) as exc:
        raise ConfigError(
            Reason.CONFIG_INVALID, f"The service provider's metadata can't be fetched from {source}.", str(exc)
        ) from exc


def _check_size(message: str, *, redirect: bool) -> None:
    """Refuse what is no base64 or would inflate to more than 64 KB."""
    try:
        data = base64.b64decode(message, validate=True)
        if redirect:
            inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
            data = inflater.decompress(data, _MAX_REQUEST_BYTES + 1)
    except (binascii.Error, ValueError, zlib.error) as exc:
        raise InputError(
            Reason.PARAMETER_INVALID,
            "SAMLRequest is not encoded as its binding wants.",
            str(exc),
            subject="SAMLRequest",
        ) from exc
    if len(data) > _MAX_REQUEST_BYTES:
        raise InputError(Reason.PARAMETER_TOO_LONG, "SAMLRequest is too large.", subject="SAMLRequest")


def forget_frames(exc: BaseException) -> None:
    """pysaml2's frames hold their own exception and open temporary files: a circle that only the collector breaks."""
    link: BaseException | None = exc
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
