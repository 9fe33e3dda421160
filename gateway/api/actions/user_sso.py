"""User SSO on the wire: the account's one identity provider for its RAM users. Rule: sso-contract §1.2, §1.4."""

from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Work, ram_action
from gateway.api.metadata_documents import look_into_metadata, metadata_text, read_metadata_document
from gateway.api.parameters import Parameters, no_parameters
from gateway.api.render import Value
from gateway.api.targets import whole_account
from gateway.api.versions import IMS
from gateway.directory.accounts import get_account
from gateway.directory.domains import set_auxiliary_domain
from gateway.directory.provider_certificates import SIGN_ALGORITHMS
from gateway.directory.user_sso import UserSsoSettings, default_user_sso, find_user_sso, set_user_sso

_LONGEST_DOMAIN = 253


@dataclass(frozen=True, slots=True)
class Change:
    """What to change; None leaves a setting as it is."""

    metadata_xml: bytes | None
    enabled: bool | None
    login_with_domain: bool | None
    authn_sign_algo: str | None
    auxiliary_domain: str | None  # "" takes it away


def _change(parameters: Parameters) -> Change:
    parameters.optional_text("AuxiliaryDomain", max_length=_LONGEST_DOMAIN)
    return Change(
        metadata_xml=read_metadata_document(parameters, "MetadataDocument"),
        enabled=parameters.optional_boolean("SsoEnabled"),
        login_with_domain=parameters.optional_boolean("SsoLoginWithDomain"),
        authn_sign_algo=parameters.optional_choice("AuthnSignAlgo", SIGN_ALGORITHMS),
        auxiliary_domain=parameters.given_text("AuxiliaryDomain"),
    )


def get_settings(work: Work, _request: None) -> Outcome:
    """An account that never chose anything answers with the defaults."""
    settings = find_user_sso(work.session, work.account_id) or default_user_sso(work.account_id, work.now)
    return Outcome(_fields(work, settings))


def set_settings(work: Work, change: Change) -> Outcome:
    """Change what is given.

    Raises: InputError, subjects "MetadataDocument" and "AuxiliaryDomain"; SamlError(METADATA_*).
    """
    if change.auxiliary_domain is not None:
        set_auxiliary_domain(work.session, work.account_id, change.auxiliary_domain or None)
    settings = set_user_sso(
        work.session,
        work.account_id,
        enabled=change.enabled,
        metadata_xml=change.metadata_xml,
        login_with_domain=change.login_with_domain,
        authn_sign_algo=change.authn_sign_algo,
        by=work.caller.arn,
        now=work.now,
    )
    return Outcome(_fields(work, settings), details={"enabled": settings.enabled, "entity_id": settings.entity_id})


def _fields(work: Work, settings: UserSsoSettings) -> dict[str, Value]:
    return {
        "UserSsoSettings": {
            "SsoEnabled": settings.enabled,
            "SsoLoginWithDomain": settings.login_with_domain,
            "AuthnSignAlgo": settings.authn_sign_algo,
            "AuxiliaryDomain": get_account(work.session, work.account_id).auxiliary_domain or "",
            "MetadataDocument": metadata_text(settings.metadata_xml or b""),
        }
    }


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("GetUserSsoSettings", IMS, no_parameters, get_settings, whole_account, reads=True),
    ram_action("SetUserSsoSettings", IMS, _change, set_settings, whole_account, prepare=look_into_metadata),
)
