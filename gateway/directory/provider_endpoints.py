"""Where a SAML identity provider takes logout messages and resolves artifacts, as its metadata says.

The addresses of its sign-in stand with the provider itself, as every login asks for them.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.saml.endpoints import EndpointKind, ServiceEndpoint
from gateway.store.base import Base


class ProviderEndpoint(Base):
    __tablename__ = "provider_endpoints"

    provider_key: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)  # in the order of the metadata
    kind: Mapped[str]
    binding: Mapped[str]  # the URI of the binding
    location: Mapped[str]
    response_location: Mapped[str]  # where answers go; the same as `location` unless the metadata says otherwise
    endpoint_index: Mapped[int]  # which source of artifacts; 0 elsewhere


def replace_endpoints(session: Session, provider_key: str, endpoints: Iterable[ServiceEndpoint]) -> None:
    """From now on exactly these are the provider's. `provider_key`: see `directory.provider_keys`."""
    session.execute(delete(ProviderEndpoint).where(ProviderEndpoint.provider_key == provider_key))
    session.add_all(
        ProviderEndpoint(
            provider_key=provider_key,
            position=position,
            kind=endpoint.kind.value,
            binding=endpoint.binding,
            location=endpoint.location,
            response_location=endpoint.response_location,
            endpoint_index=endpoint.index,
        )
        for position, endpoint in enumerate(endpoints)
    )
    session.flush()


def provider_endpoints(session: Session, provider_key: str, kind: EndpointKind) -> Sequence[ServiceEndpoint]:
    """In the order of the metadata; empty where the provider offers no such service. One indexed query."""
    query = (
        select(ProviderEndpoint)
        .where(ProviderEndpoint.provider_key == provider_key, ProviderEndpoint.kind == kind.value)
        .order_by(ProviderEndpoint.position)
    )
    return [
        ServiceEndpoint(kind, row.binding, row.location, row.response_location, row.endpoint_index)
        for row in session.scalars(query)
    ]
