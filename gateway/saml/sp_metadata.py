"""The metadata documents that identity providers import to trust the gateway, built from pysaml2's classes.

The same settings always give the same bytes, so that an administrator can compare two downloads.
What we add to the platform's documents: `AuthnRequestsSigned` for user-based SSO, as every request of ours is signed,
and, for those who ask, our encryption key with the algorithms that we take. It is not in there unasked: several IdPs
encrypt as soon as they see one, AD FS with AES-CBC, which needs a signed Response here (`decryption`).
"""

from saml2 import BINDING_HTTP_ARTIFACT, BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, SamlBase, md, saml, samlp, xmldsig

from gateway.saml.certificates import ServiceProviderKeys
from gateway.saml.names import (
    ROLE_ATTRIBUTE,
    ROLE_SESSION_NAME_ATTRIBUTE,
    SESSION_DURATION_ATTRIBUTE,
    role_sso_logout_url,
    role_sso_recipient,
    user_sso_consumer_url,
    user_sso_entity_id,
    user_sso_logout_url_of,
)

_ENCRYPTION_METHODS = (
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
)
_PREFIXES = {"md": md.NAMESPACE, "ds": xmldsig.NAMESPACE}
_USER_SSO_FORMATS = (
    saml.NAMEID_FORMAT_EMAILADDRESS,
    saml.NAMEID_FORMAT_TRANSIENT,
    saml.NAMEID_FORMAT_PERSISTENT,
    saml.NAMEID_FORMAT_UNSPECIFIED,
)
_ROLE_SSO_FORMATS = (
    saml.NAMEID_FORMAT_TRANSIENT,
    saml.NAMEID_FORMAT_PERSISTENT,
    saml.NAMEID_FORMAT_EMAILADDRESS,
    saml.NAMEID_FORMAT_UNSPECIFIED,
    saml.NAMEID_FORMAT_X509SUBJECTNAME,
    saml.NAMEID_FORMAT_WINDOWSDOMAINQUALIFIEDNAME,
    saml.NAMEID_FORMAT_KERBEROS,
    saml.NAMEID_FORMAT_ENTITY,
)


def user_sso_metadata(base_url: str, account_id: str, keys: ServiceProviderKeys, *, encryption: bool = False) -> bytes:
    """SP metadata for user-based SSO of one account; with `encryption` it asks the IdP to encrypt assertions.

    The platform offers no logout service. Ours takes both bindings, at an address of this account. Rule: sso-contract
    §1.1.
    """
    descriptor = md.SPSSODescriptor(
        protocol_support_enumeration=samlp.NAMESPACE,
        authn_requests_signed="true",
        want_assertions_signed="true",
        key_descriptor=_key_descriptors(keys, encryption=encryption),
        single_logout_service=_logout_services(user_sso_logout_url_of(base_url, account_id)),
        name_id_format=[md.NameIDFormat(text=name) for name in _USER_SSO_FORMATS],
        assertion_consumer_service=_consumers(user_sso_consumer_url(base_url), first_index=0),
    )
    return _document(
        md.EntityDescriptor(entity_id=user_sso_entity_id(base_url, account_id), spsso_descriptor=[descriptor])
    )


def role_sso_metadata(base_url: str, urn: str, keys: ServiceProviderKeys, *, encryption: bool = False) -> bytes:
    """SP metadata for role-based SSO, the same for all accounts; with `encryption` it asks for encrypted assertions.

    `urn` is our entity ID. Rule: sso-contract §2.1.
    """
    descriptor = md.SPSSODescriptor(
        protocol_support_enumeration=samlp.NAMESPACE,
        want_assertions_signed="true",
        key_descriptor=_key_descriptors(keys, encryption=encryption),
        single_logout_service=_logout_services(role_sso_logout_url(base_url)),
        name_id_format=[md.NameIDFormat(text=name) for name in _ROLE_SSO_FORMATS],
        assertion_consumer_service=_consumers(role_sso_recipient(base_url), first_index=1),
        attribute_consuming_service=[_role_attributes()],
    )
    organization = md.Organization(
        organization_name=[md.OrganizationName(lang="en", text="ramgate")],
        organization_display_name=[md.OrganizationDisplayName(lang="en", text="ramgate single sign-on")],
        organization_url=[md.OrganizationURL(lang="en", text=base_url)],
    )
    return _document(md.EntityDescriptor(entity_id=urn, spsso_descriptor=[descriptor], organization=organization))


def _role_attributes() -> SamlBase:
    wanted = (
        (ROLE_ATTRIBUTE, "RoleEntitlement", "true"),
        (ROLE_SESSION_NAME_ATTRIBUTE, "RoleSessionName", "true"),
        (SESSION_DURATION_ATTRIBUTE, "SessionDuration", "false"),
    )
    return md.AttributeConsumingService(
        index="1",
        service_name=[md.ServiceName(lang="en", text="Console single sign-on with a RAM role")],
        requested_attribute=[
            md.RequestedAttribute(name=name, friendly_name=friendly_name, is_required=is_required)
            for name, friendly_name, is_required in wanted
        ],
    )


def _key_descriptors(keys: ServiceProviderKeys, *, encryption: bool) -> list[SamlBase]:
    """The signing keys, the one in use first; of the keys that decrypt those offered: nobody should start to use an old
    one.
    """
    certificates = (keys.signing_certificate_pem, *keys.further_signing_certificates)
    descriptors = [_key_descriptor("signing", pem) for pem in certificates]
    if encryption:
        offered = keys.offered_encryption_certificates or (keys.encryption[0].certificate_pem,)
        descriptors += [_key_descriptor("encryption", pem, _ENCRYPTION_METHODS) for pem in offered]
    return descriptors


def _key_descriptor(use: str, certificate_pem: str, algorithms: tuple[str, ...] = ()) -> SamlBase:
    body = "\n".join(line for line in certificate_pem.splitlines() if line and not line.startswith("-----"))
    certificate = xmldsig.X509Certificate(text=body)
    return md.KeyDescriptor(
        use=use,
        key_info=xmldsig.KeyInfo(x509_data=[xmldsig.X509Data(x509_certificate=[certificate])]),
        encryption_method=[md.EncryptionMethod(algorithm=algorithm) for algorithm in algorithms],
    )


def _logout_services(url: str) -> list[SamlBase]:
    bindings = (BINDING_HTTP_REDIRECT, BINDING_HTTP_POST)
    return [md.SingleLogoutService(binding=binding, location=url) for binding in bindings]


def _consumers(url: str, *, first_index: int) -> list[SamlBase]:
    """Where answers go, and, behind that, where references to answers go: for providers that have nothing else."""
    return [
        md.AssertionConsumerService(binding=BINDING_HTTP_POST, location=url, index=str(first_index), is_default="true"),
        md.AssertionConsumerService(binding=BINDING_HTTP_ARTIFACT, location=url, index=str(first_index + 1)),
    ]


def _document(descriptor: SamlBase) -> bytes:
    xml: bytes = descriptor.to_string_force_namespace(_PREFIXES)  # to_string() would change a registry of the process
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + xml + b"\n"
