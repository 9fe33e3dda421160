"""OpenID Providers on the wire: registered and listed. Rule: sso-contract §3.1; operations.md, traps (comma lists)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.api.targets import all_of, oidc_provider_target
from gateway.api.versions import IMS
from gateway.clock import wire_time
from gateway.directory import oidc_providers as directory
from gateway.directory.oidc_providers import OidcProvider
from gateway.store.paging import Page

_LONGEST_NAME = 128
_LONGEST_URL = 255
_LONGEST_ITEM = 128
_LONGEST_LIST = 10_000  # 50 items of 128 characters, and then some


@dataclass(frozen=True, slots=True)
class NewProvider:
    name: str
    issuer_url: str
    client_ids: tuple[str, ...]
    fingerprints: tuple[str, ...]
    issuance_limit_h: int
    description: str


@dataclass(frozen=True, slots=True)
class Change:
    name: str
    client_ids: tuple[str, ...] | None
    issuance_limit_h: int | None
    description: str | None  # "" clears it


@dataclass(frozen=True, slots=True)
class Item:
    """One client ID or fingerprint of a provider."""

    name: str
    value: str


def _name(parameters: Parameters) -> str:
    return parameters.text("OIDCProviderName", max_length=_LONGEST_NAME)


def _new_provider(parameters: Parameters) -> NewProvider:
    return NewProvider(
        name=_name(parameters),
        issuer_url=parameters.text("IssuerUrl", max_length=_LONGEST_URL),
        client_ids=_comma_list(parameters, "ClientIds") or (),
        fingerprints=_comma_list(parameters, "Fingerprints") or (),
        issuance_limit_h=_issuance_limit(parameters) or directory.DEFAULT_ISSUANCE_LIMIT_H,
        description=parameters.optional_text("Description") or "",
    )


def _change(parameters: Parameters) -> Change:
    return Change(
        name=_name(parameters),
        client_ids=_comma_list(parameters, "ClientIds"),
        issuance_limit_h=_issuance_limit(parameters),
        description=parameters.given_text("NewDescription"),
    )


def _client_id(parameters: Parameters) -> Item:
    return Item(_name(parameters), parameters.text("ClientId", max_length=_LONGEST_ITEM))


def _fingerprint(parameters: Parameters) -> Item:
    return Item(_name(parameters), parameters.text("Fingerprint", max_length=_LONGEST_ITEM))


def _issuance_limit(parameters: Parameters) -> int | None:
    return parameters.optional_integer_between("IssuanceLimitTime", 1, 168)


def _comma_list(parameters: Parameters, name: str) -> tuple[str, ...] | None:
    """None where nothing was sent: an empty text takes nothing away. White space around the commas does not count."""
    text = parameters.optional_text(name, max_length=_LONGEST_LIST)
    return None if text is None else tuple(item.strip() for item in text.split(","))


def _one(work: Work, request: str | Change | Item) -> tuple[Target, ...]:
    return (oidc_provider_target(work, request if isinstance(request, str) else request.name),)


def create_provider(work: Work, request: NewProvider) -> Outcome:
    """Raises: InputError; AlreadyExists and LimitExceeded, subjects as in `create_oidc_provider`."""
    provider = directory.create_oidc_provider(
        work.session,
        work.account_id,
        request.name,
        request.issuer_url,
        client_ids=request.client_ids,
        fingerprints=request.fingerprints,
        issuance_limit_h=request.issuance_limit_h,
        description=request.description,
        development=work.services.development,
        now=work.now,
    )
    return _answer(provider)


def get_provider(work: Work, name: str) -> Outcome:
    """Raises: NotFound, subject "OIDCProvider"."""
    return _answer(directory.get_oidc_provider(work.session, work.account_id, name))


def list_providers(work: Work, page: Page) -> Outcome:
    found = directory.list_oidc_providers(work.session, work.account_id, page)
    rows = [_fields(provider) for provider in found.rows]
    return Outcome({"OIDCProviders": {"OIDCProvider": rows}, **page_fields(found)})


def update_provider(work: Work, change: Change) -> Outcome:
    """Raises: InputError; NotFound; LimitExceeded, subject "OIDCProvider.ClientId"."""
    provider = directory.update_oidc_provider(
        work.session,
        work.account_id,
        change.name,
        client_ids=change.client_ids,
        issuance_limit_h=change.issuance_limit_h,
        description=change.description,
        now=work.now,
    )
    return _answer(provider)


def delete_provider(work: Work, name: str) -> Outcome:
    """The sessions that came from it end. Raises: NotFound, subject "OIDCProvider"."""
    directory.delete_oidc_provider(work.session, work.account_id, name)
    return Outcome()


def _performing(
    change: Callable[[Session, str, str, str, datetime], OidcProvider],
) -> Callable[[Work, Item], Outcome]:
    """What adding and taking away an item have in common."""

    def perform(work: Work, item: Item) -> Outcome:
        return _answer(change(work.session, work.account_id, item.name, item.value, work.now))

    return perform


def _answer(provider: OidcProvider) -> Outcome:
    return Outcome({"OIDCProvider": _fields(provider)})


def _fields(provider: OidcProvider) -> dict[str, Value]:
    return {
        "OIDCProviderName": provider.name,
        "Arn": provider.arn,
        "IssuerUrl": provider.issuer_url,
        "ClientIds": provider.client_ids_text,
        "Fingerprints": provider.fingerprints_text,
        "IssuanceLimitTime": provider.issuance_limit_h,
        "Description": provider.description,
        "CreateDate": wire_time(provider.created_at),
        "UpdateDate": wire_time(provider.updated_at),
        "GmtCreate": _epoch_ms(provider.created_at),
        "GmtModified": _epoch_ms(provider.updated_at),
    }


def _epoch_ms(instant: datetime) -> str:
    return str(int(instant.timestamp() * 1000))


def _action(name: str, parse: Callable[[Parameters], Item], perform: Callable[[Work, Item], Outcome]) -> AnyAction:
    return ram_action(name, IMS, parse, perform, _one)


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("CreateOIDCProvider", IMS, _new_provider, create_provider, all_of("oidc-provider")),
    ram_action("GetOIDCProvider", IMS, _name, get_provider, _one, reads=True),
    ram_action("ListOIDCProviders", IMS, read_page, list_providers, all_of("oidc-provider"), reads=True),
    ram_action("UpdateOIDCProvider", IMS, _change, update_provider, _one),
    ram_action("DeleteOIDCProvider", IMS, _name, delete_provider, _one),
    _action("AddClientIdToOIDCProvider", _client_id, _performing(directory.add_client_id)),
    _action("RemoveClientIdFromOIDCProvider", _client_id, _performing(directory.remove_client_id)),
    _action("AddFingerprintToOIDCProvider", _fingerprint, _performing(directory.add_fingerprint)),
    _action("RemoveFingerprintFromOIDCProvider", _fingerprint, _performing(directory.remove_fingerprint)),
)
