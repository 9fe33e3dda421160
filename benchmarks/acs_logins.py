"""How many company logins a second on one core: a response posted by a browser, until it is signed in.

    python -m benchmarks.acs_logins [--seconds 6] [--rounds 3]

The gateway's role consumer does all of it: verification, the durable claim of the assertion, trust policy, session,
receipt. Beside it SATOSA's SAML backend (which starts `xmlsec1` for each response, as it does everywhere) and Apache
with mod_auth_mellon (C; its sessions are in memory only, and none of both refuses a response that comes twice). Each
server has core 1 to itself, the client core 0. Every response is posted once; the identity provider begins the login.
A ratio is the median of the rounds' own ratios.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from json import dumps
from pathlib import Path
from socket import create_connection
from statistics import median
from urllib.parse import urlencode

from benchmarks.api_calls import ONE_WORKER, address
from benchmarks.load import CONNECTIONS, rate
from gateway.directory.accounts import create_account
from gateway.directory.roles import create_role
from gateway.directory.saml_providers import create_saml_provider
from gateway.federation.trust_document import saml_trust_document
from gateway.secret import Secret
from gateway.services import Services
from tests.live_gateway import free_port, live_gateway
from tests.saml_factory import Spec, encode, instant, signed_assertion, signing_key
from tests.unit.web.site import audience, idp_metadata, role_spec

PEERS = Path(__file__).resolve().parent / "peers"
ENVIRONMENT = Path("var/bench-env/bin")
MODULES = Path("/usr/lib/apache2/modules")
AUDIENCE = "urn:alibaba:cloudcomputing"
_START_S = 30.0


@dataclass(frozen=True)
class Contestant:
    where: tuple[str, int]
    response: Callable[[], bytes]  # the next request, whole


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """What is started in here stays on this core, and we come back from it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Responses:
    """Responses to one consumer, each with IDs of its own, valid now."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._number = 0

    def next(self) -> str:
        self._number += 1
        return encode(signed_assertion(_numbered(self._spec, self._number), signing_key("idp")))


def _numbered(spec: Spec, number: int) -> Spec:
    mark = f"{os.getpid()}-{number}"
    return replace(spec, response_id=f"_r{mark}", assertion_id=f"_a{mark}")


def spec_at(recipient: str, of: Spec, entity_id: str) -> Spec:
    now = datetime.now(UTC)
    soon, past, later = (instant(now + timedelta(seconds=each)) for each in (1800, -60, 3600))
    return replace(
        of,
        destination=recipient,
        response_issue_instant=instant(now),
        assertion_issue_instant=instant(now),
        confirmation_data_attributes=f'NotOnOrAfter="{soon}" Recipient="{recipient}"',
        conditions_attributes=f'NotBefore="{past}" NotOnOrAfter="{soon}"',
        authn_attributes=f'AuthnInstant="{past}" SessionIndex="_session1" SessionNotOnOrAfter="{later}"',
        audiences=audience(entity_id),
    )


def request_to(recipient: str, response: str, *more: str, relay_state: str = "") -> bytes:
    path = "/" + recipient.split("/", 3)[3]
    body = urlencode({"SAMLResponse": response, "RelayState": relay_state})
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {recipient.split('/')[2]}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        *more,
    ]
    return ("\r\n".join([*lines, "", ""]) + body).encode()


@contextmanager
def gateway_at(folder: Path) -> Iterator[Contestant]:
    with ExitStack() as stack:
        with pinned(1):
            gateway = stack.enter_context(live_gateway(folder, environ=ONE_WORKER))
        recipient = f"{gateway.base_url}/saml-role/sso"
        services = gateway.services()
        role = _make_role(services, recipient)
        services.store.dispose()
        responses = Responses(spec_at(recipient, role_spec(role), AUDIENCE))
        yield Contestant(address(gateway), lambda: request_to(recipient, responses.next()))


def _make_role(services: Services, recipient: str) -> str:
    """The value of the Role attribute for one that lets the provider in."""
    now = datetime.now(UTC)
    with services.store.transaction() as session:
        account = create_account(
            session,
            alias="acme",
            display_name="Acme",
            owner_login="owner@acme.example",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=now,
        )
        provider = create_saml_provider(session, account.id, "corp", idp_metadata(), now=now)
        trust = saml_trust_document(provider.arn, recipient)
        role = create_role(session, account.id, "reader", trust_document=trust, now=now)
        return f"{role.arn},{provider.arn}"


def _write_keys(folder: Path) -> None:
    key = signing_key("sp")
    (folder / "sp.key").write_text(key.pem)
    (folder / "sp.pem").write_text(key.certificate_pem)
    (folder / "idp.xml").write_bytes(idp_metadata())


@contextmanager
def satosa_at(folder: Path, xmlsec1: str) -> Iterator[Contestant]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    recipient = f"{base}/Saml2/acs/post"
    _write_keys(folder)
    chosen = {
        "base": base,
        "recipient": recipient,
        "audience": f"{base}/Saml2/proxy_saml2_backend.xml",
        "xmlsec1": xmlsec1,
        "key_file": str(folder / "sp.key"),
        "certificate_file": str(folder / "sp.pem"),
        "metadata": str(folder / "idp.xml"),
    }
    environ = {**os.environ, "SATOSA_PEER": dumps(chosen)}
    python, gunicorn = ENVIRONMENT / "python", ENVIRONMENT / "gunicorn"
    found = subprocess.run([python, PEERS / "satosa_proxy.py"], env=environ, check=True, capture_output=True, text=True)
    serve: list[str | Path] = [
        gunicorn,
        "--bind",
        f"127.0.0.1:{port}",
        "--worker-class",
        "gthread",
        "--threads",
        "8",
        "--chdir",
        PEERS,
    ]
    command: list[str | Path] = [*serve, "--keep-alive", "60", "satosa_proxy:app"]
    responses = Responses(spec_at(recipient, role_spec("reader"), chosen["audience"]))
    with _process(command, port, folder / "satosa.log", environ):
        cookie = f"Cookie: {found.stdout.strip()}"
        yield Contestant(
            ("127.0.0.1", port), lambda: request_to(recipient, responses.next(), cookie, relay_state="here")
        )


@contextmanager
def mellon_at(folder: Path, apache: str) -> Iterator[Contestant]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    recipient, entity_id = f"{base}/mellon/postResponse", f"{base}/mellon/metadata"
    _write_keys(folder)
    (folder / "sp.xml").write_text(_sp_metadata(entity_id, recipient))
    (folder / "www").mkdir()
    text = (PEERS / "mellon.conf").read_text()
    for name, value in {"FOLDER": folder, "PORT": port, "MODULES": MODULES}.items():
        text = text.replace(f"@{name}@", str(value))
    (folder / "httpd.conf").write_text(text)
    folder.chmod(0o755)
    responses = Responses(spec_at(recipient, role_spec("reader"), entity_id))
    command: list[str | Path] = [apache, "-D", "FOREGROUND", "-f", folder / "httpd.conf"]
    with _process(command, port, folder / "apache.log", dict(os.environ)):
        yield Contestant(
            ("127.0.0.1", port),
            lambda: request_to(
                recipient, responses.next(), "Cookie: mellon-cookie=cookietest", relay_state=f"{base}/signed-in"
            ),
        )


def _sp_metadata(entity_id: str, recipient: str) -> str:
    body = "".join(line for line in signing_key("sp").certificate_pem.splitlines() if "-----" not in line)
    return (
        f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}">'
        '<SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="true" '
        'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">'
        '<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>'
        f"{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>"
        '<AssertionConsumerService index="0" isDefault="true" '
        f'Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{recipient}"/>'
        "</SPSSODescriptor></EntityDescriptor>"
    )


@contextmanager
def _process(command: list[str | Path], port: int, log: Path, environ: dict[str, str]) -> Iterator[None]:
    with pinned(1), log.open("wb") as stream:
        process = subprocess.Popen(command, env=environ, stdout=stream, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(log.read_text()) from None
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=int, default=600, help="logins a second that responses are made for")
    options = parser.parse_args()
    xmlsec1, apache = os.environ.get("XMLSEC1") or shutil.which("xmlsec1"), shutil.which("apache2")
    rounds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        place = Path(name)
        place.chmod(0o755)
        starters = {"gateway": gateway_at}
        if xmlsec1 and (ENVIRONMENT / "gunicorn").exists():
            starters["SATOSA"] = partial(satosa_at, xmlsec1=xmlsec1)
        if apache and (MODULES / "mod_auth_mellon.so").exists():
            starters["mod_auth_mellon"] = partial(mellon_at, apache=apache)
        contestants = {}
        for who, start in starters.items():
            (place / who).mkdir()
            contestants[who] = stack.enter_context(start(place / who))
        for _ in range(options.rounds):
            rounds.append({})
            for who, each in contestants.items():
                enough = 100 if who == "SATOSA" else options.most
                requests = [each.response() for _ in range(int(options.seconds * enough) + CONNECTIONS)]
                with pinned(0):
                    rounds[-1][who] = rate(each.where, requests, options.seconds, answers={b"302", b"303"})
    for who in rounds[0]:
        times = median(each["gateway"] / each[who] for each in rounds)
        print(f"{who:16} {median(each[who] for each in rounds):6.0f} logins/s; the gateway: {times:.2f} times that")


if __name__ == "__main__":
    main()
