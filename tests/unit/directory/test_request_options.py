"""What is asked of SAML providers, kept per provider."""

from dataclasses import replace

import pytest

from gateway.asking import Comparison, RequestOptions, ResponseBinding, asked_by
from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.request_options import get_request_options, resolves_artifacts, set_request_options
from gateway.directory.saml_providers import create_saml_provider, delete_saml_provider
from gateway.errors import InputError, Reason
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT
from tests.unit.web.site import idp_metadata

KEY = user_sso_key(ACCOUNT)
FULL = RequestOptions(
    authn_contexts=("urn:b", "urn:a"),
    comparison=Comparison.MINIMUM,
    force_authn=True,
    name_id_format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    allow_create=False,
)

pytestmark = pytest.mark.usefixtures("account")


def put(store: Store, options: RequestOptions, key: str = KEY) -> None:
    with store.transaction() as session:
        set_request_options(session, ACCOUNT, key, options, now=NOON)


def found(store: Store, key: str = KEY) -> RequestOptions:
    with store.reading() as session:
        return get_request_options(session, key)


def test_set_request_options__twice__the_last_ones_hold(store: Store) -> None:
    assert found(store) == RequestOptions()
    put(store, FULL)
    assert found(store) == FULL
    put(store, RequestOptions(is_passive=True))
    assert found(store) == RequestOptions(is_passive=True)
    assert found(store, user_sso_key("9" * 16)) == RequestOptions()


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ({"authn_contexts": ("",)}, "AuthnContexts"),
        ({"authn_contexts": ("no-uri",)}, "AuthnContexts"),
        ({"authn_contexts": ("urn:a b",)}, "AuthnContexts"),
        ({"authn_contexts": ("urn:\x00",)}, "AuthnContexts"),
        ({"authn_contexts": ("urn:\ud800",)}, "AuthnContexts"),
        ({"authn_contexts": ("urn:" + "a" * 253,)}, "AuthnContexts"),
        ({"authn_contexts": ("urn:a", "urn:a")}, "AuthnContexts"),
        ({"authn_contexts": tuple(f"urn:{number}" for number in range(21))}, "AuthnContexts"),
        ({"name_id_format": "persistent"}, "NameIDFormat"),
        ({"name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"}, "NameIDFormat"),
        ({"name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"}, "NameIDFormat"),
        ({"is_passive": True}, "IsPassive"),
        ({"binding": ResponseBinding.ARTIFACT}, "ResponseBinding"),
    ],
)
def test_set_request_options__what_can_not_be_asked__refused(
    store: Store, change: dict[str, object], subject: str
) -> None:
    with pytest.raises(InputError) as caught:
        put(store, replace(FULL, **change))  # type: ignore[arg-type]
    assert (caught.value.reason, caught.value.subject) == (Reason.PARAMETER_INVALID, subject)
    assert found(store) == RequestOptions()


def test_set_request_options__provider_that_resolves_artifacts__may_answer_so(store: Store) -> None:
    with store.transaction() as session:
        metadata = idp_metadata(artifacts_at="https://idp.example.com/artifact")
        key = saml_provider_key(create_saml_provider(session, ACCOUNT, "corp", metadata, now=NOON).id)
        assert resolves_artifacts(session, key)
    put(store, RequestOptions(binding=ResponseBinding.ARTIFACT), key)
    assert found(store, key).binding is ResponseBinding.ARTIFACT
    with store.transaction() as session:
        delete_saml_provider(session, ACCOUNT, "corp")
    assert found(store, key) == RequestOptions()


@pytest.mark.parametrize("comparison", [Comparison.MINIMUM, Comparison.BETTER, Comparison.MAXIMUM])
def test_asked_by__comparison_that_needs_an_order__holds_the_answer_to_nothing(comparison: Comparison) -> None:
    assert asked_by(replace(FULL, comparison=comparison), NOON).authn_contexts == ()
    assert asked_by(replace(FULL, comparison=Comparison.EXACT), NOON).authn_contexts == ("urn:b", "urn:a")


def test_asked_by__unspecified_format__leaves_it_to_the_provider() -> None:
    unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
    assert asked_by(RequestOptions(name_id_format=unspecified), NOON).name_id_format == ""
