"""The account: its name, its settings, its providers, tags, and what it knows about itself."""

import base64
from collections.abc import Mapping

from alibabacloud_ram20150501.models import SetAccountAliasRequest

from tests.wire.names import new_name
from tests.wire.seed import idp_metadata
from tests.wire.walk.scenario import Scenario, denied
from tests.wire.walk.walker import IMS, RAM, Answer, Walk

_PRINT = "902ef2deeb3c5b13ea4c3d5193629309e231ae55"
_OTHER_PRINT = "0" * 40


def _restored_alias(walk: Walk, action: str, **parameters: str) -> Answer:
    """The other scenarios sign in to `acme`, and so do other tests."""
    answer = walk(action, **parameters)
    walk.company.ram().set_account_alias(SetAccountAliasRequest(account_alias="acme"))
    return answer


def _preference(service: str) -> tuple[Scenario, ...]:
    return (
        Scenario(
            service,
            "SetSecurityPreference",
            lambda walk: walk("SetSecurityPreference", EnableSaveMFATicket=False, LoginSessionDuration=6),
            lambda walk: walk("SetSecurityPreference", LoginSessionDuration=25),
            "InvalidParameter.LoginSessionDuration",
        ),
        Scenario(
            service,
            "GetSecurityPreference",
            lambda walk: walk("GetSecurityPreference"),
            denied("GetSecurityPreference"),
            "NoPermission",
        ),
        Scenario(
            service,
            "SetPasswordPolicy",
            lambda walk: walk("SetPasswordPolicy", MinimumPasswordLength=8),
            lambda walk: walk("SetPasswordPolicy", MinimumPasswordLength=7),
            "InvalidParameter.MinimumPasswordLength.Range",
        ),
        Scenario(
            service,
            "GetPasswordPolicy",
            lambda walk: walk("GetPasswordPolicy"),
            denied("GetPasswordPolicy"),
            "NoPermission",
        ),
    )


_NAMES = (
    Scenario(
        RAM,
        "SetAccountAlias",
        lambda walk: walk("SetAccountAlias", AccountAlias="acme"),
        lambda walk: walk("SetAccountAlias", AccountAlias="a"),
        "InvalidParameter.AccountAlias.Format",
    ),
    Scenario(RAM, "GetAccountAlias", lambda walk: walk("GetAccountAlias"), denied("GetAccountAlias"), "NoPermission"),
    Scenario(
        RAM,
        "ClearAccountAlias",
        lambda walk: _restored_alias(walk, "ClearAccountAlias"),
        denied("ClearAccountAlias"),
        "NoPermission",
    ),
    Scenario(
        IMS,
        "GetDefaultDomain",
        lambda walk: walk("GetDefaultDomain"),
        denied("GetDefaultDomain"),
        "NoPermission",
    ),
    Scenario(
        IMS,
        "SetDefaultDomain",
        lambda walk: walk("SetDefaultDomain", DefaultDomainName="acme.onaliyun.com"),
        lambda walk: walk("SetDefaultDomain", DefaultDomainName="acme.example.com"),
        "InvalidParameter.DefaultDomainName",
    ),
    Scenario(
        IMS,
        "GetAccountSummary",
        lambda walk: walk("GetAccountSummary"),
        denied("GetAccountSummary"),
        "NoPermission",
    ),
    Scenario(
        IMS,
        "GetAccountMFAInfo",
        lambda walk: walk("GetAccountMFAInfo"),
        denied("GetAccountMFAInfo"),
        "NoPermission",
    ),
    Scenario(
        IMS,
        "GenerateCredentialReport",
        lambda walk: walk("GenerateCredentialReport"),
        denied("GenerateCredentialReport"),
        "NoPermission",
    ),
    Scenario(
        IMS,
        "GetCredentialReport",
        lambda walk: walk("GenerateCredentialReport") and walk("GetCredentialReport", MaxItems="1"),
        denied("GetCredentialReport"),
        "NoPermission",
    ),
)


def _metadata() -> str:
    return base64.b64encode(idp_metadata()).decode()


def _saml(walk: Walk) -> Mapping[str, str]:
    name = {"SAMLProviderName": new_name()}
    walk("CreateSAMLProvider", **name, EncodedSAMLMetadataDocument=_metadata())
    return name


def _oidc(walk: Walk) -> Mapping[str, str]:
    name = {"OIDCProviderName": new_name()}
    issuer = f"https://{name['OIDCProviderName']}.example"
    walk("CreateOIDCProvider", **name, IssuerUrl=issuer, ClientIds="app", Fingerprints=_PRINT, IssuanceLimitTime=12)
    return name


_SAML = (
    Scenario(
        IMS,
        "CreateSAMLProvider",
        lambda walk: walk(
            "CreateSAMLProvider",
            SAMLProviderName=new_name(),
            EncodedSAMLMetadataDocument=_metadata(),
            Description="d",
            AuthnSignAlgo="rsa-sha256",
        ),
        lambda walk: walk("CreateSAMLProvider", **_saml(walk), EncodedSAMLMetadataDocument=_metadata()),
        "EntityAlreadyExists.SAMLProvider",
    ),
    Scenario(
        IMS,
        "GetSAMLProvider",
        lambda walk: walk("GetSAMLProvider", **_saml(walk)),
        lambda walk: walk("GetSAMLProvider", SAMLProviderName=new_name()),
        "EntityNotExist.SAMLProvider",
    ),
    Scenario(
        IMS,
        "UpdateSAMLProvider",
        lambda walk: walk("UpdateSAMLProvider", **_saml(walk), NewDescription="other"),
        lambda walk: walk("UpdateSAMLProvider", **_saml(walk), NewEncodedSAMLMetadataDocument="AAAA"),
        "InvalidParameter.NewEncodedSAMLMetadataDocument",
    ),
    Scenario(
        IMS,
        "ListSAMLProviders",
        lambda walk: _saml(walk) and walk("ListSAMLProviders", MaxItems=1),
        denied("ListSAMLProviders"),
        "NoPermission",
    ),
    Scenario(
        IMS,
        "DeleteSAMLProvider",
        lambda walk: walk("DeleteSAMLProvider", **_saml(walk)),
        lambda walk: walk("DeleteSAMLProvider", SAMLProviderName=new_name()),
        "EntityNotExist.SAMLProvider",
    ),
    Scenario(
        IMS,
        "GetUserSsoSettings",
        lambda walk: walk("GetUserSsoSettings"),
        denied("GetUserSsoSettings"),
        "NoPermission",
    ),
    Scenario(
        IMS,
        "SetUserSsoSettings",
        lambda walk: walk("SetUserSsoSettings", SsoLoginWithDomain=True, MetadataDocument=_metadata()),
        lambda walk: walk("SetUserSsoSettings", MetadataDocument="AAAA"),
        "InvalidParameter.MetadataDocument",
    ),
)
_NO_OIDC = "EntityNotExist.OIDCProvider"
_OIDC = (
    Scenario(
        IMS,
        "CreateOIDCProvider",
        _oidc,
        lambda walk: walk("CreateOIDCProvider", **_oidc(walk), IssuerUrl=f"https://{new_name()}.example"),
        "EntityAlreadyExists.OIDCProvider",
    ),
    Scenario(
        IMS,
        "GetOIDCProvider",
        lambda walk: walk("GetOIDCProvider", **_oidc(walk)),
        lambda walk: walk("GetOIDCProvider", OIDCProviderName=new_name()),
        _NO_OIDC,
    ),
    Scenario(
        IMS,
        "UpdateOIDCProvider",
        lambda walk: walk("UpdateOIDCProvider", **_oidc(walk), NewDescription="other", ClientIds="app,tool"),
        lambda walk: walk("UpdateOIDCProvider", OIDCProviderName=new_name(), NewDescription="other"),
        _NO_OIDC,
    ),
    Scenario(
        IMS,
        "ListOIDCProviders",
        lambda walk: _oidc(walk) and walk("ListOIDCProviders", MaxItems=1),
        denied("ListOIDCProviders"),
        "NoPermission",
    ),
    Scenario(
        IMS,
        "DeleteOIDCProvider",
        lambda walk: walk("DeleteOIDCProvider", **_oidc(walk)),
        lambda walk: walk("DeleteOIDCProvider", OIDCProviderName=new_name()),
        _NO_OIDC,
    ),
    Scenario(
        IMS,
        "AddClientIdToOIDCProvider",
        lambda walk: walk("AddClientIdToOIDCProvider", **_oidc(walk), ClientId="tool"),
        lambda walk: walk("AddClientIdToOIDCProvider", OIDCProviderName=new_name(), ClientId="tool"),
        _NO_OIDC,
    ),
    Scenario(
        IMS,
        "RemoveClientIdFromOIDCProvider",
        lambda walk: walk("RemoveClientIdFromOIDCProvider", **_oidc(walk), ClientId="app"),
        lambda walk: walk("RemoveClientIdFromOIDCProvider", OIDCProviderName=new_name(), ClientId="app"),
        _NO_OIDC,
    ),
    Scenario(
        IMS,
        "AddFingerprintToOIDCProvider",
        lambda walk: walk("AddFingerprintToOIDCProvider", **_oidc(walk), Fingerprint=_OTHER_PRINT),
        lambda walk: walk("AddFingerprintToOIDCProvider", OIDCProviderName=new_name(), Fingerprint=_OTHER_PRINT),
        _NO_OIDC,
    ),
    Scenario(
        IMS,
        "RemoveFingerprintFromOIDCProvider",
        lambda walk: walk("RemoveFingerprintFromOIDCProvider", **_oidc(walk), Fingerprint=_PRINT),
        lambda walk: walk("RemoveFingerprintFromOIDCProvider", OIDCProviderName=new_name(), Fingerprint=_PRINT),
        _NO_OIDC,
    ),
)

SCENARIOS = (*_preference(RAM), *_preference(IMS), *_NAMES, *_SAML, *_OIDC)
