"""A server that publishes metadata over HTTPS, signed or not, and says what a test wants it to say."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from lxml import etree

from gateway.fetch import Fetcher
from gateway.outbound import OutboundRules
from tests.live_issuer import Answer, LiveIssuer, issuer_server
from tests.local_servers import Authority
from tests.saml_factory import serialize, sign, signing_key

ANCHOR = "federation"
_TYPE = "application/samlmetadata+xml"
_PATH = "/metadata"


def signed_metadata(xml: bytes, key: str = ANCHOR) -> bytes:
    root = etree.fromstring(xml)
    root.set("ID", "_metadata")
    sign(root, root, signing_key(key))
    return serialize(root)


class Publisher:
    """`body`, `status`, `etag` are what the next fetch gets; `asked` are the ETags that came with each fetch."""

    def __init__(self, issuer: LiveIssuer, ca_file: Path) -> None:
        self.url = issuer.url + _PATH
        self.ca_file = ca_file
        self.body = b""
        self.status = 200
        self.etag = ""
        self.asked: list[str] = []
        self.before: Callable[[], object] = lambda: None  # done before each answer
        issuer.pages[_PATH] = self._answer

    def _answer(self, request: BaseHTTPRequestHandler) -> Answer:
        self.asked.append(request.headers.get("If-None-Match", ""))
        self.before()
        if self.etag and self.asked[-1] == self.etag:
            return Answer(b"", 304, {"ETag": self.etag}, _TYPE)
        return Answer(self.body, self.status, {"ETag": self.etag} if self.etag else {}, _TYPE)


@contextmanager
def publisher(folder: Path) -> Iterator[tuple[Publisher, Fetcher]]:
    """With a fetcher that believes its certificate."""
    authority = Authority(folder)
    context: ssl.SSLContext = authority.server_context("127.0.0.1")
    with issuer_server(context) as server:
        yield (
            Publisher(server.new_issuer(), authority.ca_file),
            Fetcher(OutboundRules(development=True), authority.ca_file),
        )
