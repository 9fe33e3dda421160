"""SAML identity providers of role SSO, through the official client."""

import base64
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_ims20190815.models import (
    CreateSAMLProviderRequest,
    DeleteSAMLProviderRequest,
    GetSAMLProviderRequest,
    ListSAMLProvidersRequest,
    UpdateSAMLProviderRequest,
)
from alibabacloud_sts20150401.models import AssumeRoleWithSAMLRequest

from gateway.arn import role_arn, saml_provider_arn
from gateway.directory.roles import create_role
from gateway.federation.trust_document import saml_trust_document
from gateway.saml.names import role_sso_recipient
from tests.saml_factory import signing_key
from tests.wire.refusal import refusal
from tests.wire.seed import ROLE, SESSION_NAME, Seed, idp_metadata


@pytest.fixture
def name() -> str:
    return "Idp-" + secrets.token_hex(4)


def encoded(document: bytes) -> str:
    return base64.b64encode(document).decode()


def create(company: Seed, name: str, **fields: Any) -> Any:
    fields.setdefault("encoded_samlmetadata_document", encoded(idp_metadata()))
    request = CreateSAMLProviderRequest(samlprovider_name=name, **fields)
    return company.ims().create_samlprovider(request).body.samlprovider


def get(company: Seed, name: str) -> Any:
    return company.ims().get_samlprovider(GetSAMLProviderRequest(samlprovider_name=name)).body.samlprovider


def test_create_saml_provider__metadata_in_lines_of_base64__is_read_back_as_it_was(company: Seed, name: str) -> None:
    lines = base64.encodebytes(idp_metadata()).decode()
    made = create(company, name, encoded_samlmetadata_document=lines, description="ours", authn_sign_algo="rsa-sha1")
    found = get(company, name.upper())
    assert found.arn == made.arn == f"acs:ram::{company.account_id}:saml-provider/{name}"
    assert base64.b64decode(found.encoded_samlmetadata_document) == idp_metadata()
    assert (found.description, found.authn_sign_algo, found.samlprovider_name) == ("ours", "rsa-sha1", name)
    assert found.create_date == found.update_date


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"samlprovider_name": "idp."}, 400, "InvalidParameter.SAMLProviderName.InvalidChars"),
        ({"samlprovider_name": "company"}, 409, "EntityAlreadyExists.SAMLProvider"),
        ({"samlprovider_name": None}, 400, "MissingParameter"),
        ({"encoded_samlmetadata_document": None}, 400, "MissingParameter"),
        ({"encoded_samlmetadata_document": "no base64!"}, 400, "InvalidParameter.EncodedSAMLMetadataDocument"),
        ({"encoded_samlmetadata_document": "ü"}, 400, "InvalidParameter.EncodedSAMLMetadataDocument"),
        ({"encoded_samlmetadata_document": encoded(b"<x/>")}, 400, "InvalidParameter.EncodedSAMLMetadataDocument"),
        ({"encoded_samlmetadata_document": encoded(b"\x00")}, 400, "InvalidParameter.EncodedSAMLMetadataDocument"),
        ({"authn_sign_algo": "rsa-md5"}, 400, "InvalidParameter.AuthnSignAlgo"),
        ({"description": "a" * 257}, 400, "InvalidParameter.Description.Length"),
    ],
)
def test_create_saml_provider__one_thing_wrong__refused_and_nothing_stored(
    company: Seed, name: str, fields: dict[str, Any], status: int, code: str
) -> None:
    good = {"samlprovider_name": name, "encoded_samlmetadata_document": encoded(idp_metadata())}
    error = refusal(company.ims().create_samlprovider, CreateSAMLProviderRequest(**{**good, **fields}))
    assert (error.status_code, error.code) == (status, code)
    error = refusal(get, company, name)
    assert (error.status_code, error.code) == (404, "EntityNotExist.SAMLProvider")


def test_create_saml_provider__no_algorithm_chosen__signs_with_sha256(company: Seed, name: str) -> None:
    assert create(company, name).authn_sign_algo == "rsa-sha256"


def test_update_saml_provider__description_and_algorithm__keep_the_metadata(company: Seed, name: str) -> None:
    create(company, name, description="old")
    request = UpdateSAMLProviderRequest(samlprovider_name=name, new_description="", authn_sign_algo="rsa-sha1")
    changed = company.ims().update_samlprovider(request).body.samlprovider
    assert (changed.description, changed.authn_sign_algo) == ("", "rsa-sha1")
    assert base64.b64decode(get(company, name).encoded_samlmetadata_document) == idp_metadata()
    nothing = UpdateSAMLProviderRequest(samlprovider_name=name)
    assert refusal(company.ims().update_samlprovider, nothing).code == "MissingParameter"
    broken = UpdateSAMLProviderRequest(samlprovider_name=name, new_encoded_samlmetadata_document=encoded(b"<x/>"))
    error = refusal(company.ims().update_samlprovider, broken)
    assert (error.status_code, error.code) == (400, "InvalidParameter.NewEncodedSAMLMetadataDocument")


def _federated(company: Seed, name: str) -> Callable[[], Any]:
    """A role that trusts the provider `name`; the call takes it with an assertion of the company's key."""
    recipient = role_sso_recipient(company.gateway.base_url)
    provider_arn = saml_provider_arn(company.account_id, name)
    with company.services.store.transaction() as session:
        document = saml_trust_document(provider_arn, recipient)
        create_role(session, company.account_id, name, trust_document=document, now=company.services.clock.now())
    arn = role_arn(company.account_id, name)
    attributes = ((ROLE, (f"{arn},{provider_arn}",)), (SESSION_NAME, ("alice",)))

    def assume() -> Any:
        request = AssumeRoleWithSAMLRequest(
            role_arn=arn, samlprovider_arn=provider_arn, samlassertion=company.assertion(attributes=attributes)
        )
        return company.client().assume_role_with_saml(request).body.credentials

    return assume


def test_update_saml_provider__other_certificate__distrusts_the_old_at_once(company: Seed, name: str) -> None:
    create(company, name)
    assume = _federated(company, name)
    assert assume().security_token
    replaced = encoded(idp_metadata(signing_key("another")))
    request = UpdateSAMLProviderRequest(samlprovider_name=name, new_encoded_samlmetadata_document=replaced)
    company.ims().update_samlprovider(request)
    assert refusal(assume).code == "AuthenticationFail.SAMLAssertion.Invalid"


def test_delete_saml_provider__tokens_came_from_it__die_with_it(company: Seed, name: str) -> None:
    create(company, name)
    credentials = _federated(company, name)()
    caller = company.client(credentials.access_key_id, credentials.access_key_secret, credentials.security_token)
    assert caller.get_caller_identity().body.identity_type == "AssumedRoleUser"
    request = DeleteSAMLProviderRequest(samlprovider_name=name)
    company.ims().delete_samlprovider(request)
    assert refusal(caller.get_caller_identity).code == "InvalidSecurityToken.Revoked"
    assert refusal(company.ims().delete_samlprovider, request).code == "EntityNotExist.SAMLProvider"


def test_list_saml_providers__in_pages__gives_each_once_and_no_documents(company: Seed, name: str) -> None:
    ims = company.ims()
    names = {create(company, f"{name}-{number}").samlprovider_name for number in range(3)}
    seen: list[str] = []
    marker: str | None = None
    while True:
        body = ims.list_samlproviders(ListSAMLProvidersRequest(marker=marker, max_items=2)).body
        seen += [row.samlprovider_name for row in body.samlproviders.samlprovider]
        marker = body.marker
        if not body.is_truncated:
            break
    assert len(seen) == len(set(seen))
    assert names <= set(seen)
    request = ListSAMLProvidersRequest(marker="!")
    assert refusal(ims.list_samlproviders, request).code == "InvalidParameter.Marker"


def test_saml_providers__user_without_rights__is_denied_every_operation(company: Seed, name: str) -> None:
    create(company, name)
    named = {"samlprovider_name": name}
    ims = company.ims(*company.new_user("AliyunRAMReadOnlyAccess").key)
    assert ims.get_samlprovider(GetSAMLProviderRequest(**named)).body.samlprovider.encoded_samlmetadata_document
    document = encoded(idp_metadata())
    calls: list[tuple[Callable[..., Any], object]] = [
        (
            ims.create_samlprovider,
            CreateSAMLProviderRequest(samlprovider_name=name + "2", encoded_samlmetadata_document=document),
        ),
        (ims.update_samlprovider, UpdateSAMLProviderRequest(**named, new_description="mine")),
        (ims.delete_samlprovider, DeleteSAMLProviderRequest(**named)),
    ]
    nobody = company.ims(*company.new_user().key)
    calls += [
        (nobody.get_samlprovider, GetSAMLProviderRequest(**named)),
        (nobody.list_samlproviders, ListSAMLProvidersRequest()),
    ]
    for call, request in calls:
        error = refusal(call, request)
        assert (error.status_code, error.code) == (403, "NoPermission")
