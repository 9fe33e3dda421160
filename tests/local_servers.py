"""Servers on loopback that answer as they are told, plain or with TLS under a throw-away certification authority."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Answer = Callable[[socket.socket], None]


def ok(body: bytes, media_type: str = "application/json", extra: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


@dataclass
class Authority:
    """A root, an intermediate below it, and servers' certificates below that."""

    folder: Path

    def __post_init__(self) -> None:
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self.root = _certificate("root", self._root_key, "root", self._root_key, names=("idp.example.com",), ca=True)
        self._middle_key = ec.generate_private_key(ec.SECP256R1())
        self.middle = _certificate("middle", self._middle_key, "root", self._root_key, ca=True)
        self.ca_file = self.folder / "ca.pem"
        self.ca_file.write_bytes(self.root.public_bytes(Encoding.PEM))

    @property
    def root_thumbprint(self) -> str:
        return self.root.fingerprint(SHA1()).hex()

    @property
    def middle_thumbprint(self) -> str:
        return self.middle.fingerprint(SHA1()).hex()

    def serving_root(self) -> ssl.SSLContext:
        """A server that shows the root's own certificate, which is good for idp.example.com."""
        return self._context(self._root_key, (self.root,))

    def server_context(self, *names: str, days: int = 30, extra: tuple[x509.Certificate, ...] = ()) -> ssl.SSLContext:
        """A server's TLS settings. `extra` certificates are sent along with the chain."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _certificate(names[0], key, "middle", self._middle_key, names=names, days=days)
        return self._context(key, (leaf, self.middle, *extra))

    def server_file(self, *names: str) -> Path:
        """A server's key and certificates, in one PEM file."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _certificate(names[0], key, "middle", self._middle_key, names=names)
        return self._file(key, (leaf, self.middle))

    def _context(self, key: ec.EllipticCurvePrivateKey, certificates: tuple[x509.Certificate, ...]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._file(key, certificates))
        return context

    def _file(self, key: ec.EllipticCurvePrivateKey, certificates: tuple[x509.Certificate, ...]) -> Path:
        pem = self.folder / f"server-{x509.random_serial_number()}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem.write_bytes(private + b"".join(each.public_bytes(Encoding.PEM) for each in certificates))
        return pem


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    names: tuple[str, ...] = (),
    ca: bool = False,
    days: int = 30,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(each) for each in names]), False)
    return builder.sign(issuer_key, SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class LocalServer:
    """Answers each connection by `answer`, a text of bytes or a function of the connection, and keeps what it heard."""

    def __init__(self, answer: bytes | Answer, context: ssl.SSLContext | None = None, *, listens: bool = True) -> None:
        self._answer = answer
        self._listens = listens
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard: list[bytes] = []
        self.server_names: list[str | None] = []
        if context is not None:
            context.sni_callback = lambda _connection, name, _context: self.server_names.append(name)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="local-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        # Wakes accept(): closing a listener does not.
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join(10)
        self._listener.close()

    def wait(self, seconds: float) -> bool:
        """For answers that take their time: ends early when the server stops, and then says True."""
        return self._stopped.wait(seconds)

    def _serve(self) -> None:
        workers = []
        while True:
            connection, _ = self._listener.accept()
            if self._stopped.is_set():
                connection.close()
                break
            worker = threading.Thread(target=self._handle, args=(connection,), daemon=True)
            worker.start()
            workers.append(worker)
        for worker in workers:
            worker.join(10)

    def _handle(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            if self._listens:
                self.heard.append(_read_request(connection))
            if isinstance(self._answer, bytes):
                connection.sendall(self._answer)
            else:
                self._answer(connection)
        except OSError:
            pass  # a client that refuses goes away
        finally:
            connection.close()


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while lengths and len(body) < int(lengths[0]):
        part = connection.recv(65536)
        body += part
        if not part:
            break
    return head + b"\r\n\r\n" + body
