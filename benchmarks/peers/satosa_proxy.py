"""SATOSA with its SAML backend, and a frontend that sends whoever signed in on: the least that SATOSA can do.

Started by benchmarks/acs_logins.py under gunicorn in the peers' environment; `SATOSA_PEER` says how, as JSON. It keeps
nothing: it would take the same response twice, makes no session of its own and decides on no role.
"""

import json
import os
from typing import Any

from satosa.frontends.base import FrontendModule
from satosa.proxy_server import make_app
from satosa.response import SeeOther
from satosa.satosa_config import SATOSAConfig
from satosa.state import State

CHOSEN = json.loads(os.environ["SATOSA_PEER"])
STATE_KEY = "a key of a benchmark, on one machine, for a minute"
COOKIE = "SATOSA_STATE"


class Doorman(FrontendModule):  # type: ignore[misc]  # the library is untyped
    def __init__(self, ask: Any, attributes: Any, _config: Any, base_url: str, name: str) -> None:
        super().__init__(ask, attributes, base_url, name)

    def handle_authn_response(self, _context: Any, _identity: Any) -> Any:
        return SeeOther("http://127.0.0.1/signed-in")

    def handle_backend_error(self, exception: Exception) -> Any:
        raise exception

    def register_endpoints(self, _backends: list[str]) -> list[Any]:
        return []


BACKEND = {
    "module": "satosa.backends.saml2.SAMLBackend",
    "name": "Saml2",
    "config": {
        "entityid_endpoint": True,
        "sp_config": {
            "entityid": CHOSEN["audience"],
            "xmlsec_binary": CHOSEN["xmlsec1"],
            "key_file": CHOSEN["key_file"],
            "cert_file": CHOSEN["certificate_file"],
            "metadata": {"local": [CHOSEN["metadata"]]},
            "accepted_time_diff": 120,
            "service": {
                "sp": {
                    "endpoints": {
                        "assertion_consumer_service": [
                            [CHOSEN["recipient"], "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"]
                        ],
                        "discovery_response": [],
                    },
                    "allow_unsolicited": True,
                    "want_response_signed": False,
                    "want_assertions_signed": True,
                    "allow_unknown_attributes": True,
                }
            },
        },
    },
}
CONFIG = {
    "BASE": CHOSEN["base"],
    "COOKIE_STATE_NAME": COOKIE,
    "STATE_ENCRYPTION_KEY": STATE_KEY,
    "INTERNAL_ATTRIBUTES": {"attributes": {"name": {"saml": ["RoleSessionName"]}}},
    "BACKEND_MODULES": [BACKEND],
    "FRONTEND_MODULES": [{"module": "satosa_proxy.Doorman", "name": "Doorman", "config": {}}],
    "LOGGING": {"version": 1, "root": {"level": "WARNING", "handlers": []}},
}


def state_cookie() -> str:
    """The cookie of a browser that was sent to the identity provider with the relay state `here`."""
    state = State()
    state["SATOSA_BASE"] = {"requester": "https://app.example.com"}
    state["ROUTER"] = "Doorman"
    state["Doorman"] = {}
    state["Saml2"] = {"relay_state": "here"}
    return f"{COOKIE}={state.urlstate(STATE_KEY)}"


if __name__ == "__main__":
    print(state_cookie())
else:
    app = make_app(SATOSAConfig(CONFIG))
