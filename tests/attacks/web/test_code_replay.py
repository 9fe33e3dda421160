"""One code, offered to two gateways on one database at the same moment: it opens one session."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import requests

from gateway.directory.accounts import create_account
from gateway.directory.login_profiles import create_login_profile
from gateway.directory.mfa_devices import bind_seed
from gateway.directory.users import create_user
from gateway.secret import Secret
from gateway.totp import code_at, new_seed, step_at
from tests.live_gateway import LiveGateway, live_gateway

PASSWORD = "Correct-Horse-7-Battery"


@dataclass(frozen=True)
class Pair:
    gateways: tuple[LiveGateway, LiveGateway]
    seed: Secret


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    first_folder, second_folder, seed = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second"), new_seed()
    with live_gateway(first_folder) as first:
        services, now = first.services(), datetime.now(UTC)
        with services.store.transaction() as session:
            account = create_account(
                session, alias="acme", display_name="", owner_login="owner", owner_password=Secret(PASSWORD), now=now
            )
            user = create_user(session, account.id, "alice", now=now)
            create_login_profile(session, user, Secret(PASSWORD), now=now)
            bind_seed(session, services.ring, user, seed, used_step=0, now=now)
        services.store.dispose()
        shared = {f"RAMGATE_{name}_DIR": str(first_folder / name.lower()) for name in ("VAR", "CERTS")}
        with live_gateway(second_folder, environ=shared) as second:
            yield Pair((first, second), seed)


def form_token(browser: requests.Session, url: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(url, timeout=30).text)
    assert found
    return found[1]


def give_password(gateway: LiveGateway) -> requests.Session:
    browser, url = requests.Session(), f"{gateway.base_url}/acme/login.htm"
    form = {"csrf_token": form_token(browser, url), "user": "alice", "password": PASSWORD}
    answer = browser.post(url, data=form, allow_redirects=False, timeout=30)
    assert answer.headers["Location"] == "/signin/code"
    return browser


def test_code__at_two_gateways_at_once__opens_one_session(pair: Pair) -> None:
    browsers = [(gateway, give_password(gateway)) for gateway in pair.gateways for _ in range(2)]
    forms = [{"csrf_token": form_token(browser, f"{gateway.base_url}/signin/code")} for gateway, browser in browsers]
    code = code_at(pair.seed, step_at(datetime.now(UTC)))
    start, statuses = threading.Barrier(len(browsers)), []

    def offer(gateway: LiveGateway, browser: requests.Session, form: dict[str, str]) -> None:
        start.wait()
        url = f"{gateway.base_url}/signin/code"
        answer = browser.post(url, data={**form, "code": code}, allow_redirects=False, timeout=30)
        statuses.append(answer.status_code)

    threads = [
        threading.Thread(target=offer, args=(gateway, browser, form))
        for (gateway, browser), form in zip(browsers, forms, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303, 401, 401, 401]
    signed_in = [
        browser.get(f"{gateway.base_url}/session", allow_redirects=False, timeout=30) for gateway, browser in browsers
    ]
    assert sorted(answer.status_code for answer in signed_in) == [200, 303, 303, 303]
