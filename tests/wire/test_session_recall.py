"""Calling sessions back in a gateway of two workers and a second process beside it: refused at the next call."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from alibabacloud_sts20150401.models import AssumeRoleRequest, AssumeRoleWithSAMLRequest
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from gateway.audit.receipts import list_receipts
from gateway.federation.trust_document import saml_trust_document
from gateway.principal import RamUser
from gateway.saml.names import role_sso_recipient
from gateway.sts.sessions import open_session
from gateway.sts.token import open_token
from tests.wire.own_policy import give
from tests.wire.refusal import refusal
from tests.wire.resource_service import ResourceService
from tests.wire.seed import ROLE, SESSION_NAME, Caller, Seed
from tests.wire.test_assume_role import ASSUMES, new_role

_CONNECTIONS = 3  # enough to meet both workers more often than not
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Derived:
    """Credentials by AssumeRoleWithSAML, what they assumed, what that assumed; and what a user assumed by its key."""

    user: Caller
    federated: Key
    chained: Key
    twice: Key
    by_key: Key

    def federated_session(self, company: Seed) -> str:
        return open_token(company.services.ring, self.federated[2]).session_id


def assume(company: Seed, key: tuple[str, ...], role: str) -> Key:
    request = AssumeRoleRequest(role_arn=role, role_session_name="alice")
    return as_key(company.client(*key).assume_role(request).body.credentials)


def as_key(found: Any) -> Key:
    return found.access_key_id, found.access_key_secret, found.security_token


@pytest.fixture
def derived(company: Seed) -> Derived:
    second, third = new_role(company, policy=ASSUMES), new_role(company, policy=ASSUMES)
    trust = saml_trust_document(company.provider_arn, role_sso_recipient(company.gateway.base_url))
    first = new_role(company, trust, policy=ASSUMES)
    user = company.new_user(ASSUMES)
    values = ((ROLE, (f"{first},{company.provider_arn}",)), (SESSION_NAME, ("alice",)))
    request = AssumeRoleWithSAMLRequest(
        samlprovider_arn=company.provider_arn, role_arn=first, samlassertion=company.assertion(attributes=values)
    )
    federated = as_key(company.client().assume_role_with_saml(request).body.credentials)
    chained = assume(company, federated, second)
    return Derived(user, federated, chained, assume(company, chained, third), assume(company, user.key, second))


def answer_of(place: Seed, key: Key) -> str:
    """The code of a refusal, by a connection of its own."""
    try:
        place.client(*key).get_caller_identity()
    except AlibabaCloudException as error:
        return str(error.code)
    return "answered"


@pytest.mark.parametrize(
    ("kind", "value", "dead"),
    [
        ("session", lambda company, made: made.federated_session(company), {"federated", "chained", "twice"}),
        ("provider", lambda company, made: company.provider_arn, {"federated", "chained", "twice"}),
        ("access-key", lambda company, made: made.user.key_id, {"by_key"}),
    ],
)
def test_revoke_sessions__credentials__are_refused_at_the_next_call_on_every_worker_and_process(  # noqa: PLR0917
    company: Seed,
    secure_company: Seed,
    derived: Derived,
    kind: str,
    value: Callable[[Seed, Derived], str],
    dead: set[str],
) -> None:
    keys = {name: getattr(derived, name) for name in ("federated", "chained", "twice", "by_key")}
    assert {answer_of(secure_company, key) for key in keys.values()} == {"answered"}
    revoked = ResourceService(company).call("RevokeSessions", Kind=kind, Value=value(company, derived))["Revocation"]
    begun = time.monotonic()
    first = answer_of(secure_company, keys[min(dead)])
    assert (first, time.monotonic() - begun < 1) == ("InvalidSecurityToken.Revoked", True)
    for place in (company, secure_company):
        for _ in range(_CONNECTIONS):
            assert {name for name, key in keys.items() if answer_of(place, key) != "answered"} == dead
    with company.services.store.reading() as session:
        receipt = next(row for row in list_receipts(session) if row.kind == "RevokeSessions")
    assert (receipt.details["revoked"], receipt.details["value"]) == (kind, revoked["Value"])


def test_revoke_sessions__browser_session__is_over_in_both_processes_within_a_second(
    company: Seed, secure_company: Seed
) -> None:
    user = company.new_user()
    now = datetime.now(UTC)
    with company.services.store.transaction() as session:
        handle = open_session(
            session,
            company.services.ring,
            RamUser(company.account_id, user.user_id, user.name),
            token=None,
            provenance=None,
            expires_at=now + timedelta(hours=1),
            duration_cap="a test",
            now=now,
        )

    def is_in(place: Seed, cookie: str) -> bool:
        answer = requests.get(
            f"{place.gateway.base_url}/session",
            cookies={cookie: handle},
            allow_redirects=False,
            timeout=10,
            verify=str(place.trusted) if place.trusted else True,
        )
        return answer.status_code == 200

    places = [(company, "ramgate_session")] * 3 + [(secure_company, "__Host-ramgate_session")] * 3
    assert all(is_in(*place) for place in places)
    ResourceService(company).call("RevokeSessions", Kind="user", Value=user.name)
    begun = time.monotonic()
    assert not is_in(*places[-1])
    assert time.monotonic() - begun < 1
    assert not any(is_in(*place) for place in places)


def test_revoke_sessions__without_the_right__is_denied(company: Seed) -> None:
    clerk = company.new_user()
    service = ResourceService(company, *clerk.key)
    assert refusal(service.call, "RevokeSessions", Kind="user", Value="alice").code == "NoPermission"
    give(
        company,
        clerk,
        {"Effect": "Allow", "Action": "ram:RevokeSessions", "Resource": f"acs:ram:*:*:user/{clerk.name}"},
    )
    assert refusal(service.call, "RevokeSessions", Kind="user", Value="alice").code == "NoPermission"
    assert service.call("RevokeSessions", Kind="user", Value=clerk.name.upper())["Revocation"]["Kind"] == "user"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"Value": "alice"}, "MissingParameter"),
        ({"Kind": "user"}, "MissingParameter"),
        ({"Kind": "everything", "Value": "x"}, "InvalidParameter"),
        ({"Kind": "session", "Value": "x"}, "InvalidParameter"),
        ({"Kind": "user", "Value": "nobody-of-ours"}, "EntityNotExist.User"),
        ({"Kind": "role", "Value": "acs:ram::1111111111111111:role/reader"}, "EntityNotExist.Role"),
    ],
)
def test_revoke_sessions__what_can_not_be_meant__is_refused(company: Seed, given: dict[str, str], code: str) -> None:
    assert code in refusal(ResourceService(company).call, "RevokeSessions", **given).code
