"""What each login asks of a SAML provider: kept per provider, and changed by whoever administers it.

A provider without a row here is asked for nothing in particular. OpenID Providers have theirs in `oidc_sign_in`.
Rule: SAML Core 2.0 §3.4.1; SAML Bindings 2.0 §3.6.
"""

import json
from datetime import datetime

from sqlalchemy import ForeignKey, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.asking import Comparison, RequestOptions, ResponseBinding
from gateway.directory.accounts import lock_account
from gateway.directory.provider_endpoints import provider_endpoints
from gateway.errors import InputError, Reason
from gateway.saml.endpoints import SOAP, EndpointKind
from gateway.store.base import Base
from gateway.store.once import insert_or_lock

_MOST_CONTEXTS = 20
_LONGEST_URI = 256
_ENCRYPTED = "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"
_NOBODY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"


class RequestOptionsRow(Base):
    __tablename__ = "request_options"

    provider_key: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    context_text: Mapped[str]  # a JSON list
    comparison: Mapped[str]
    force_authn: Mapped[bool]
    is_passive: Mapped[bool]
    name_id_format: Mapped[str]
    allow_create: Mapped[bool]
    response_binding: Mapped[str]
    updated_at: Mapped[datetime]


def get_request_options(session: Session, provider_key: str) -> RequestOptions:
    """`provider_key`: see `directory.provider_keys`."""
    row = session.get(RequestOptionsRow, provider_key)
    if row is None:
        return RequestOptions()
    return RequestOptions(
        authn_contexts=tuple(json.loads(row.context_text)),
        comparison=Comparison(row.comparison),
        force_authn=row.force_authn,
        is_passive=row.is_passive,
        name_id_format=row.name_id_format,
        allow_create=row.allow_create,
        binding=ResponseBinding(row.response_binding),
    )


def set_request_options(
    session: Session, account_id: str, provider_key: str, options: RequestOptions, *, now: datetime
) -> None:
    """Replace what is asked of a provider of this account.

    Refused: more than 20 contexts, contexts and formats that are no URI of at most 256 characters, a format that nobody
    here can read (`encrypted`, `entity`), a passive login that forces one, and artifacts of a provider whose metadata
    names no place where they are resolved.
    Raises: InputError(PARAMETER_INVALID), subject the option.
    """
    _check(options)
    lock_account(session, account_id)
    if options.binding is ResponseBinding.ARTIFACT and not resolves_artifacts(session, provider_key):
        why = "can't be artifact: the provider's metadata has no ArtifactResolutionService that speaks SOAP"
        raise _invalid("ResponseBinding", why)
    values = {
        "context_text": json.dumps(options.authn_contexts),
        "comparison": options.comparison.value,
        "force_authn": options.force_authn,
        "is_passive": options.is_passive,
        "name_id_format": options.name_id_format,
        "allow_create": options.allow_create,
        "response_binding": options.binding.value,
        "updated_at": now,
    }
    row = insert_or_lock(session, RequestOptionsRow, {"provider_key": provider_key, "account_id": account_id, **values})
    for column, value in values.items():
        setattr(row, column, value)
    session.flush()


def resolves_artifacts(session: Session, provider_key: str) -> bool:
    return any(each.binding == SOAP for each in provider_endpoints(session, provider_key, EndpointKind.ARTIFACT))


def delete_request_options_of(session: Session, provider_key: str) -> None:
    """With a provider goes what was asked of it."""
    session.execute(delete(RequestOptionsRow).where(RequestOptionsRow.provider_key == provider_key))


def _check(options: RequestOptions) -> None:
    if len(options.authn_contexts) > _MOST_CONTEXTS:
        raise _invalid("AuthnContexts", f"has more than {_MOST_CONTEXTS} values")
    if len(set(options.authn_contexts)) != len(options.authn_contexts):
        raise _invalid("AuthnContexts", "names a context twice")
    for value in options.authn_contexts:
        _check_uri("AuthnContexts", value)
    if options.name_id_format:
        _check_uri("NameIDFormat", options.name_id_format)
    if options.name_id_format in {_ENCRYPTED, _NOBODY}:
        raise _invalid("NameIDFormat", "must be one of a person, in clear; let the provider encrypt whole assertions")
    if options.force_authn and options.is_passive:
        raise _invalid("IsPassive", "and ForceAuthn exclude each other: nobody can sign in again without seeing it")


def _check_uri(subject: str, text: str) -> None:
    plain = len(text) <= _LONGEST_URI and all("!" <= letter <= "~" for letter in text)
    if not plain or ":" not in text:
        raise _invalid(subject, f"must be URIs of at most {_LONGEST_URI} printable ASCII characters")


def _invalid(subject: str, why: str) -> InputError:
    return InputError(Reason.PARAMETER_INVALID, f"{subject} {why}", subject=subject)
