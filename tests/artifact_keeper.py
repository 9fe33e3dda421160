"""A SAML provider on loopback that keeps answers and gives them out for a reference, or does so wrongly."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

from lxml import etree

from tests import saml_factory as factory
from tests.saml_artifacts import Kept, artifact
from tests.saml_factory import SAMLP, Spec, signing_key


def right(question: str, response: str) -> bytes:
    return Kept(response, question, key=signing_key("idp")).xml()


@dataclass
class ArtifactKeeper:
    """`answers` makes the body of an answer from the ID of a question and the response that it asks for."""

    kept: dict[str, str] = field(default_factory=dict)
    questions: list[Any] = field(default_factory=list)
    answers: Callable[[str, str], bytes] = right
    head: tuple[int, str] = (200, "text/xml")
    location: str = ""

    def __post_init__(self) -> None:
        keeper = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = keeper._answer(etree.fromstring(body))
                self.send_response(keeper.head[0])
                self.send_header("Content-Type", keeper.head[1])
                if keeper.location:
                    self.send_header("Location", keeper.location)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/artifact"

    def keep(self, spec: Spec, **how: Any) -> str:
        """Keep a signed response; gives the reference to it."""
        reference = artifact(handle=secrets.token_bytes(20), **how)
        self.kept[reference] = etree.tostring(factory.signed_assertion(spec, signing_key("idp"))).decode()
        return reference

    def _answer(self, envelope: Any) -> bytes:
        question = envelope[0][0]
        self.questions.append(question)
        reference = question.find(f"{{{SAMLP}}}Artifact").text
        return self.answers(question.get("ID"), self.kept.pop(reference, ""))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _exc: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
