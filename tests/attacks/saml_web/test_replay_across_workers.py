"""One assertion, shown to two gateways on one database at the same moment and later: it opens one session."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import requests

from gateway.directory.accounts import create_account
from gateway.directory.roles import create_role
from gateway.directory.saml_providers import create_saml_provider
from gateway.federation.trust_document import saml_trust_document
from gateway.secret import Secret
from tests.live_gateway import LiveGateway, live_gateway
from tests.saml_factory import Spec, encode, instant, signed_assertion, signing_key
from tests.unit.web.site import PASSWORD, ROLE, ROLE_SESSION_NAME, idp_metadata


@dataclass(frozen=True)
class Pair:
    gateways: tuple[LiveGateway, LiveGateway]
    role: str

    def message(self, number: int, issued: datetime) -> str:
        """A response of its own for each number; `issued` ahead of now is refused for its time."""
        recipient = f"{self.gateways[0].base_url}/saml-role/sso"
        soon, before = instant(issued + timedelta(minutes=5)), instant(issued - timedelta(minutes=1))
        spec = Spec(
            response_id=f"_response{number}",
            assertion_id=f"_assertion{number}",
            response_issue_instant=instant(issued),
            assertion_issue_instant=instant(issued),
            destination=recipient,
            confirmation_data_attributes=f'NotOnOrAfter="{soon}" Recipient="{recipient}"',
            conditions_attributes=f'NotBefore="{before}" NotOnOrAfter="{soon}"',
            authn_attributes=f'AuthnInstant="{before}"',
            attributes=((ROLE, (self.role,)), (ROLE_SESSION_NAME, ("alice",))),
        )
        return encode(signed_assertion(spec, signing_key("idp")))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folders = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    with live_gateway(folders[0]) as first:
        services, now = first.services(), datetime.now(UTC)
        with services.store.transaction() as session:
            account = create_account(
                session, alias="acme", display_name="", owner_login="owner", owner_password=Secret(PASSWORD), now=now
            )
            create_saml_provider(session, account.id, "corp", idp_metadata(), now=now)
            provider = f"acs:ram::{account.id}:saml-provider/corp"
            trust = saml_trust_document(provider, f"{first.base_url}/saml-role/sso")
            create_role(session, account.id, "reader", trust_document=trust, now=now)
        services.store.dispose()
        shared = {f"RAMGATE_{name}_DIR": str(folders[0] / name.lower()) for name in ("VAR", "CERTS")}
        with live_gateway(folders[1], environ=shared | {"RAMGATE_BASE_URL": first.base_url}) as second:
            yield Pair((first, second), f"acs:ram::{account.id}:role/reader,{provider}")


def show(gateway: LiveGateway, message: str, public: LiveGateway) -> tuple[int, str]:
    """Status and reason of one presentation in a browser of its own."""
    url = f"http://127.0.0.1:{gateway.settings.port}/saml-role/sso"
    answer = requests.post(
        url, data={"SAMLResponse": message}, headers={"Host": public.endpoint}, allow_redirects=False, timeout=30
    )
    found = re.search(r"<dt>Reason</dt><dd><code>([A-Za-z]+)</code>", answer.text)
    return answer.status_code, found[1] if found else ""


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0), (0, 0)])
def test_role_acs__shown_again_to_a_worker__is_replayed(pair: Pair, first: int, second: int) -> None:
    message = pair.message(10 * first + second, datetime.now(UTC))
    assert show(pair.gateways[first], message, pair.gateways[0]) == (303, "")
    assert show(pair.gateways[second], message, pair.gateways[0]) == (403, "SamlReplayed")
    another = pair.message(100 + 10 * first + second, datetime.now(UTC))
    assert show(pair.gateways[second], another, pair.gateways[0]) == (303, "")


def test_role_acs__shown_to_both_at_once__one_session(pair: Pair) -> None:
    for number in range(200, 203):
        message, start, seen = pair.message(number, datetime.now(UTC)), threading.Barrier(6), []

        def present(gateway: LiveGateway, message: str = message, start: threading.Barrier = start) -> None:
            start.wait()
            seen.append(show(gateway, message, pair.gateways[0]))  # noqa: B023 - joined within the round

        threads = [threading.Thread(target=present, args=(pair.gateways[index % 2],)) for index in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(seen) == [(303, ""), *[(403, "SamlReplayed")] * 5]
