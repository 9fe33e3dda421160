"""Whose an issuer is: the SAML providers, of whatever accounts, that have registered an entity ID."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.directory.names import is_storable
from gateway.directory.saml_providers import SamlProvider
from gateway.directory.user_sso import UserSsoSettings


def providers_of_issuer(session: Session, entity_id: str, *, at_most: int) -> Sequence[SamlProvider]:
    """Of role SSO, the oldest first."""
    if not is_storable(entity_id):
        return []
    query = select(SamlProvider).where(SamlProvider.entity_id == entity_id).order_by(SamlProvider.id).limit(at_most)
    return session.scalars(query).all()


def settings_of_issuer(session: Session, entity_id: str, *, at_most: int) -> Sequence[UserSsoSettings]:
    """Of user SSO, turned on or not."""
    if not is_storable(entity_id):
        return []
    query = select(UserSsoSettings).where(UserSsoSettings.entity_id == entity_id)
    return session.scalars(query.order_by(UserSsoSettings.account_id).limit(at_most)).all()
