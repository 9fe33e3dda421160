"""SAML identity providers of role SSO on the wire. Rule: sso-contract §2.1; ram-limits §1, §2."""

from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.metadata_documents import look_into_metadata, metadata_text, read_metadata_document
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.api.targets import all_of, saml_provider_target
from gateway.api.versions import IMS
from gateway.clock import wire_time
from gateway.directory import saml_providers as directory
from gateway.directory.provider_certificates import SIGN_ALGORITHMS
from gateway.directory.saml_providers import SamlProvider
from gateway.errors import InputError, Reason
from gateway.store.paging import Page

_LONGEST_NAME = 128
# ASSUMPTION: the platform's default is rsa-sha1; SHA-1 is for those who ask for it.
_DEFAULT_SIGN_ALGORITHM = "rsa-sha256"


@dataclass(frozen=True, slots=True)
class NewProvider:
    name: str
    metadata_xml: bytes
    description: str
    authn_sign_algo: str


@dataclass(frozen=True, slots=True)
class Change:
    name: str
    metadata_xml: bytes | None
    description: str | None  # "" clears it
    authn_sign_algo: str | None


def _name(parameters: Parameters) -> str:
    return parameters.text("SAMLProviderName", max_length=_LONGEST_NAME)


def _new_provider(parameters: Parameters) -> NewProvider:
    """A provider without metadata could vouch for nobody: it is refused."""
    name = _name(parameters)
    metadata_xml = read_metadata_document(parameters, "EncodedSAMLMetadataDocument")
    if metadata_xml is None:
        message = "the metadata of the identity provider is missing"
        raise InputError(Reason.PARAMETER_MISSING, message, subject="EncodedSAMLMetadataDocument")
    return NewProvider(
        name=name,
        metadata_xml=metadata_xml,
        description=parameters.optional_text("Description") or "",
        authn_sign_algo=parameters.optional_choice("AuthnSignAlgo", SIGN_ALGORITHMS) or _DEFAULT_SIGN_ALGORITHM,
    )


def _change(parameters: Parameters) -> Change:
    """Raises: InputError(PARAMETER_MISSING), subject "NewDescription", where nothing is to be changed."""
    change = Change(
        name=_name(parameters),
        metadata_xml=read_metadata_document(parameters, "NewEncodedSAMLMetadataDocument"),
        description=parameters.given_text("NewDescription"),
        authn_sign_algo=parameters.optional_choice("AuthnSignAlgo", SIGN_ALGORITHMS),
    )
    if change.metadata_xml is None and change.description is None and change.authn_sign_algo is None:
        message = "NewDescription or NewEncodedSAMLMetadataDocument must be given"
        raise InputError(Reason.PARAMETER_MISSING, message, subject="NewDescription")
    return change


def _one(work: Work, request: str | Change) -> tuple[Target, ...]:
    return (saml_provider_target(work, request if isinstance(request, str) else request.name),)


def create_provider(work: Work, request: NewProvider) -> Outcome:
    """Raises: InputError; SamlError(METADATA_*); AlreadyExists and LimitExceeded, subject "SAMLProvider"."""
    provider = directory.create_saml_provider(
        work.session,
        work.account_id,
        request.name,
        request.metadata_xml,
        description=request.description,
        authn_sign_algo=request.authn_sign_algo,
        by=work.caller.arn,
        now=work.now,
    )
    return Outcome({"SAMLProvider": _fields(provider)}, details={"entity_id": provider.entity_id})


def get_provider(work: Work, name: str) -> Outcome:
    """Raises: NotFound, subject "SAMLProvider"."""
    provider = directory.get_saml_provider(work.session, work.account_id, name)
    document = {"EncodedSAMLMetadataDocument": metadata_text(provider.metadata_xml)}
    return Outcome({"SAMLProvider": {**_fields(provider), **document}})


def list_providers(work: Work, page: Page) -> Outcome:
    found = directory.page_saml_providers(work.session, work.account_id, page)
    rows = [{name: value for name, value in _fields(row).items() if name != "AuthnSignAlgo"} for row in found.rows]
    return Outcome({"SAMLProviders": {"SAMLProvider": rows}, **page_fields(found)})


def update_provider(work: Work, change: Change) -> Outcome:
    """New metadata replaces what was trusted before, from the next login on.

    Raises: InputError; SamlError(METADATA_*); NotFound, subject "SAMLProvider".
    """
    provider = directory.update_saml_provider(
        work.session,
        work.account_id,
        change.name,
        metadata_xml=change.metadata_xml,
        description=change.description,
        authn_sign_algo=change.authn_sign_algo,
        by=work.caller.arn,
        now=work.now,
    )
    return Outcome({"SAMLProvider": _fields(provider)}, details={"entity_id": provider.entity_id})


def delete_provider(work: Work, name: str) -> Outcome:
    """The sessions and tokens that came from it end. Raises: NotFound, subject "SAMLProvider"."""
    directory.delete_saml_provider(work.session, work.account_id, name)
    return Outcome()


def _fields(provider: SamlProvider) -> dict[str, Value]:
    return {
        "SAMLProviderName": provider.name,
        "Arn": provider.arn,
        "Description": provider.description,
        "AuthnSignAlgo": provider.authn_sign_algo,
        "CreateDate": wire_time(provider.created_at),
        "UpdateDate": wire_time(provider.updated_at),
    }


ACTIONS: tuple[AnyAction, ...] = (
    ram_action(
        "CreateSAMLProvider", IMS, _new_provider, create_provider, all_of("saml-provider"), prepare=look_into_metadata
    ),
    ram_action("GetSAMLProvider", IMS, _name, get_provider, _one, reads=True),
    ram_action("ListSAMLProviders", IMS, read_page, list_providers, all_of("saml-provider"), reads=True),
    ram_action("UpdateSAMLProvider", IMS, _change, update_provider, _one, prepare=look_into_metadata),
    ram_action("DeleteSAMLProvider", IMS, _name, delete_provider, _one),
)
