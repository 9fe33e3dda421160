"""An account that names slow servers must not keep the threads that everybody else signs in by."""

import socket
import threading
from contextlib import ExitStack

import pytest
from werkzeug.test import TestResponse

from gateway.errors import Conflict, Reason
from gateway.web.edge import Errands
from tests.local_servers import LocalServer
from tests.unit.web.oidc_site import LocalBrowser, OidcSite
from tests.unit.web.site import reason_of


def preview(browser: LocalBrowser, token: str, url: str) -> TestResponse:
    form = {"csrf_token": token, "url": url, "name": "slow", "sign_algo": "rsa-sha256"}
    return browser.post("/admin/providers/new/preview", data=form)


def test_preview__while_a_slow_server_is_asked__second_one_of_the_account_is_refused_at_once(oidc: OidcSite) -> None:
    asked, answer = threading.Event(), threading.Event()

    def slowly(_connection: socket.socket) -> None:
        asked.set()
        answer.wait(10)

    first, second = (oidc.signed_in(oidc.site.owner) for _ in range(2))
    tokens = [each.csrf("/admin/providers/new") for each in (first, second)]
    with LocalServer(slowly) as server:
        url = f"http://localhost:{server.port}/metadata"
        waiting = threading.Thread(target=preview, args=(first, tokens[0], url))
        waiting.start()
        assert asked.wait(10)
        assert reason_of(preview(second, tokens[1], url)) == Reason.CHANGED_MEANWHILE
        assert len(server.heard) == 1
        answer.set()
        waiting.join(20)
        again = preview(second, tokens[1], url)
        assert len(server.heard) == 2, "it is free again"
        assert "being fetched already" not in again.text


def test_errands__three_accounts_have_slow_servers__fourth_is_refused_until_one_is_done() -> None:
    errands = Errands()
    with ExitStack() as under_way:
        for account in "abc":
            under_way.enter_context(errands.enter(account))
        with pytest.raises(Conflict) as refused, errands.enter("d"):
            pass
        assert refused.value.reason is Reason.CHANGED_MEANWHILE
    with errands.enter("d"):
        pass
