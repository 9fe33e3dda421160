"""Identity providers of role SSO and of user SSO, and whose certificates are trusted for what."""

from datetime import timedelta

import pytest

from gateway.directory import quotas
from gateway.directory.revocations import find_revocation
from gateway.directory.saml_providers import (
    SamlProvider,
    create_saml_provider,
    delete_saml_provider,
    find_saml_provider,
    get_saml_provider,
    list_saml_providers,
    provider_certificates,
    trusted_certificates,
    update_saml_provider,
)
from gateway.directory.user_sso import find_user_sso, set_user_sso, user_sso_candidates, user_sso_certificates
from gateway.errors import AlreadyExists, InputError, LimitExceeded, NotFound, Reason, SamlError
from gateway.saml.certificates import TrustedCertificate
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.identities import ENTITY_ID, fingerprint, idp_metadata
from tests.statements import counted_queries
from tests.unit.directory.world import OTHER_ACCOUNT, refused

OTHER_ENTITY_ID = "https://other.example.com/metadata"


def prints(certificates: tuple[TrustedCertificate, ...]) -> list[str]:
    return [certificate.fingerprint for certificate in certificates]


def test_create_saml_provider__metadata__is_read(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_saml_provider(session, account, "Company", idp_metadata(), description="ours", now=NOON)
    with store.reading() as session:
        provider = get_saml_provider(session, account, "COMPANY")
        assert provider.arn == f"acs:ram::{account}:saml-provider/Company"
        assert (provider.entity_id, provider.metadata_xml) == (ENTITY_ID, idp_metadata())
        assert (provider.sso_redirect_url, provider.sso_post_url) == ("https://idp.example.com/sso", None)
        assert (provider.description, provider.authn_sign_algo) == ("ours", "rsa-sha256")
        (certificate,) = provider_certificates(session, provider)
        assert certificate.fingerprint == fingerprint()
        assert certificate.not_after.tzinfo is not None
        assert [each.name for each in list_saml_providers(session, account)] == ["Company"]
        assert find_saml_provider(session, OTHER_ACCOUNT, "Company") is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", Reason.NAME_LENGTH),
        ("p" * 129, Reason.NAME_LENGTH),
        ("-company", Reason.NAME_INVALID_CHARS),
        ("company.", Reason.NAME_INVALID_CHARS),
        ("com pany", Reason.NAME_INVALID_CHARS),
        ("a,b", Reason.NAME_INVALID_CHARS),
    ],
)
def test_create_saml_provider__malformed_name__refused(store: Store, account: str, name: str, reason: Reason) -> None:
    with refused(InputError, reason, "SAMLProviderName"), store.transaction() as session:
        create_saml_provider(session, account, name, idp_metadata(), now=NOON)


def test_create_saml_provider__taken_full_or_malformed__refused(
    store: Store, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quotas.SAML_PROVIDERS_PER_ACCOUNT == 100
    monkeypatch.setattr(quotas, "SAML_PROVIDERS_PER_ACCOUNT", 2)
    with store.transaction() as session:
        create_saml_provider(session, account, "a", idp_metadata(), now=NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "SAMLProvider"):
            create_saml_provider(session, account, "A", idp_metadata(), now=NOON)
        with pytest.raises(SamlError) as caught:
            create_saml_provider(session, account, "b", b"<x/>", now=NOON)
        assert caught.value.reason is Reason.METADATA_MALFORMED
        with refused(InputError, Reason.PARAMETER_INVALID, "AuthnSignAlgo"):
            create_saml_provider(session, account, "b", idp_metadata(), authn_sign_algo="none", now=NOON)
        with refused(InputError, Reason.PARAMETER_TOO_LONG, "Description"):
            create_saml_provider(session, account, "b", idp_metadata(), description="x" * 257, now=NOON)
        create_saml_provider(session, account, "b", idp_metadata(), now=NOON)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "SAMLProvider"):
            create_saml_provider(session, account, "c", idp_metadata(), now=NOON)


def test_update_saml_provider__new_metadata__old_certificates_are_not_trusted_any_more(
    store: Store, account: str
) -> None:
    later = NOON + timedelta(hours=1)
    with store.transaction() as session:
        create_saml_provider(session, account, "company", idp_metadata(ENTITY_ID, "idp", "next"), now=NOON)
        assert prints(trusted_certificates(session, ENTITY_ID)) == [fingerprint("idp"), fingerprint("next")]
    with store.transaction() as session:
        update_saml_provider(session, account, "company", metadata_xml=idp_metadata(ENTITY_ID, "next"), now=later)
        assert prints(trusted_certificates(session, ENTITY_ID)) == [fingerprint("next")]
        update_saml_provider(
            session, account, "company", metadata_xml=idp_metadata(OTHER_ENTITY_ID), description="moved", now=later
        )
    with store.reading() as session:
        provider = get_saml_provider(session, account, "company")
        assert (provider.entity_id, provider.description) == (OTHER_ENTITY_ID, "moved")
        assert (provider.created_at, provider.updated_at) == (NOON, later)
        assert trusted_certificates(session, ENTITY_ID) == ()
        assert prints(trusted_certificates(session, OTHER_ENTITY_ID)) == [fingerprint()]


def test_trusted_certificates__several_providers__each_once_by_one_query_and_own_ones_apart(
    store: Store, account: str
) -> None:
    def create(account_id: str, name: str, *certificates: str, entity_id: str = ENTITY_ID) -> SamlProvider:
        metadata = idp_metadata(entity_id, *certificates)
        return create_saml_provider(session, account_id, name, metadata, now=NOON)

    with store.transaction() as session:
        company = create(account, "company", "idp")
        theirs = create(OTHER_ACCOUNT, "company", "idp", "theirs")
        create(account, "other", "elsewhere", entity_id=OTHER_ENTITY_ID)
        set_user_sso(session, account, metadata_xml=idp_metadata(ENTITY_ID, "users"), enabled=True, now=NOON)
    with store.reading() as session:
        with counted_queries(session) as queries:
            found = trusted_certificates(session, ENTITY_ID)
        assert prints(found) == [fingerprint("idp"), fingerprint("theirs")]
        assert len(queries) == 1
        assert prints(provider_certificates(session, company)) == [fingerprint("idp")]
        assert prints(provider_certificates(session, theirs)) == [fingerprint("idp"), fingerprint("theirs")]
        for unknown in ("", ENTITY_ID.upper(), ENTITY_ID + "/", ENTITY_ID + "\0", "\ud800"):
            assert trusted_certificates(session, unknown) == ()


def test_delete_saml_provider__gone_with_its_certificates_and_revoked(store: Store, account: str) -> None:
    with store.transaction() as session:
        provider = create_saml_provider(session, account, "Company", idp_metadata(), now=NOON)
        delete_saml_provider(session, account, "company")
        assert trusted_certificates(session, ENTITY_ID) == ()
        with refused(NotFound, Reason.NOT_FOUND, "SAMLProvider"):
            delete_saml_provider(session, account, "company")
        with refused(NotFound, Reason.NOT_FOUND, "SAMLProvider"):
            update_saml_provider(session, account, "company", description="", now=NOON)
        came_from = ("provider", provider.arn)
        assert find_revocation(session, [came_from], NOON) == came_from
        assert find_revocation(session, [came_from], NOON + timedelta(seconds=1)) == came_from
        create_saml_provider(session, account, "Company", idp_metadata(), now=NOON + timedelta(seconds=2))
        assert find_revocation(session, [came_from], NOON + timedelta(seconds=2)) == came_from
        assert find_revocation(session, [came_from], NOON + timedelta(seconds=3)) is None


def test_set_user_sso__first_time__has_the_defaults(store: Store, account: str) -> None:
    with store.transaction() as session:
        assert find_user_sso(session, account) is None
        set_user_sso(session, account, metadata_xml=idp_metadata(), now=NOON)
    with store.reading() as session:
        settings = find_user_sso(session, account)
        assert settings is not None
        assert (settings.enabled, settings.login_with_domain, settings.idp_initiated) == (False, True, False)
        assert (settings.entity_id, settings.authn_sign_algo) == (ENTITY_ID, "rsa-sha256")
        assert settings.sso_redirect_url == "https://idp.example.com/sso"
        assert prints(user_sso_certificates(session, account)) == [fingerprint()]
        assert user_sso_certificates(session, OTHER_ACCOUNT) == ()
        assert user_sso_candidates(session, ENTITY_ID) == [], "it is not enabled"
        assert trusted_certificates(session, ENTITY_ID) == (), "role SSO does not trust it"


def test_set_user_sso__what_is_given__changes(store: Store, account: str) -> None:
    with store.transaction() as session:
        set_user_sso(session, account, metadata_xml=idp_metadata(), enabled=True, now=NOON)
        set_user_sso(session, OTHER_ACCOUNT, metadata_xml=idp_metadata(ENTITY_ID, "theirs"), enabled=True, now=NOON)
        set_user_sso(
            session, account, login_with_domain=False, idp_initiated=True, authn_sign_algo="rsa-sha1", now=NOON
        )
    with store.transaction() as session:
        settings = find_user_sso(session, account)
        assert settings is not None
        assert (settings.enabled, settings.login_with_domain, settings.idp_initiated) == (True, False, True)
        assert settings.authn_sign_algo == "rsa-sha1"
        candidates = user_sso_candidates(session, ENTITY_ID)
        assert sorted(each.account_id for each in candidates) == sorted([account, OTHER_ACCOUNT])
        assert prints(user_sso_certificates(session, account)) == [fingerprint()]
        set_user_sso(session, account, metadata_xml=idp_metadata(OTHER_ENTITY_ID, "new"), now=NOON)
        assert [each.account_id for each in user_sso_candidates(session, OTHER_ENTITY_ID)] == [account]
        assert prints(user_sso_certificates(session, account)) == [fingerprint("new")]
        set_user_sso(session, account, enabled=False, now=NOON)
        assert user_sso_candidates(session, OTHER_ENTITY_ID) == []
        assert user_sso_candidates(session, "\0") == []
        assert find_user_sso(session, "\0") is None


def test_set_user_sso__enabled_without_metadata_or_malformed__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        with refused(InputError, Reason.PARAMETER_MISSING, "MetadataDocument"):
            set_user_sso(session, account, enabled=True, now=NOON)
        with refused(InputError, Reason.PARAMETER_INVALID, "AuthnSignAlgo"):
            set_user_sso(session, account, authn_sign_algo="rsa-md5", now=NOON)
        with pytest.raises(SamlError) as caught:
            set_user_sso(session, account, metadata_xml=b"", now=NOON)
        assert caught.value.reason is Reason.METADATA_MALFORMED
        with refused(NotFound, Reason.NOT_FOUND, "Account"):
            set_user_sso(session, "1111111111111111", enabled=False, now=NOON)
        assert find_user_sso(session, account) is None
