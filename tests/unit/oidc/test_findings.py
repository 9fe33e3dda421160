"""What an administrator is told about a provider, and claims that are written down to try rules with."""

from typing import Any

import pytest

from gateway.errors import InputError, Reason
from gateway.oidc.discovery import parse_discovery
from gateway.oidc.findings import Finding, findings_of
from gateway.oidc.key_cache import KnownProvider
from gateway.oidc.sample import MAX_SAMPLE, read_sample
from tests.fake_clock import NOON
from tests.oidc_factory import ISSUER, key_set
from tests.oidc_provider import THUMBPRINT, discovery_json


def findings(**changes: Any) -> dict[str, Finding]:
    metadata = parse_discovery(discovery_json(**changes), ISSUER)
    known = KnownProvider(metadata, key_set(), (THUMBPRINT,), NOON)
    return {finding.topic: finding for finding in findings_of(known)}


def test_findings_of__provider_that_can_everything__lacks_only_our_algorithm() -> None:
    lacking = {topic: finding.lacks for topic, finding in findings().items() if finding.lacks}
    assert lacking == {"Clients prove themselves by": "private_key_jwt without ES256, ours"}


@pytest.mark.parametrize(
    ("topic", "changes", "hurts"),
    [
        ("Sign-in", {"authorization_endpoint": None}, True),
        ("Sign-in", {"token_endpoint": None}, True),
        ("PKCE", {"code_challenge_methods_supported": ["plain"]}, True),
        ("PKCE", {"code_challenge_methods_supported": None}, False),
        ("Clients prove themselves by", {"token_endpoint_auth_methods_supported": ["tls_client_auth"]}, True),
        ("Issuer in the callback", {"authorization_response_iss_parameter_supported": None}, False),
        ("Pushed requests", {"pushed_authorization_request_endpoint": None}, False),
        ("User information", {"userinfo_endpoint": None}, False),
        ("Sign-out by the browser", {"end_session_endpoint": None}, False),
        ("Sign-out told to us", {"backchannel_logout_supported": None}, False),
    ],
)
def test_findings_of__something_missing__says_what_that_means(topic: str, changes: dict[str, Any], hurts: bool) -> None:
    finding = findings(**changes)[topic]
    assert (bool(finding.lacks), finding.hurts) == (True, hurts)


def test_read_sample__claims__are_written_like_those_of_a_token() -> None:
    text = '{"sub": "1", "groups": ["a", 2], "realm": {"roles": ["x"]}, "email_verified": true, "nothing": null}'
    assert read_sample(text) == {
        "sub": ("1",),
        "groups": ("a", "2"),
        "realm.roles": ("x",),
        "email_verified": ("true",),
    }


@pytest.mark.parametrize("text", ["", "[]", "1", "{", '{"a": 1, "a": 2}', '{"a.b": 1, "a": {"b": 2}}', '{"a": NaN}'])
def test_read_sample__no_claims__refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_sample(text)
    assert (caught.value.reason, caught.value.subject) == (Reason.PARAMETER_INVALID, "Claims")


def test_read_sample__too_long__refused() -> None:
    with pytest.raises(InputError) as caught:
        read_sample(" " * (MAX_SAMPLE + 1))
    assert caught.value.reason is Reason.PARAMETER_TOO_LONG
