"""What a metadata query service answers: where it is asked, and what of the answer is believed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.directory.metadata_sources import read_anchors
from gateway.directory.names import check_text
from gateway.errors import InputError, Reason

_LONGEST_ENTITY_ID = 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified entity, as a document that says until when it holds."""

    document: bytes
    cache_duration: timedelta | None
    valid_for: timedelta


def query_address(base_url: str, entity_id: str) -> str:
    """Raises: InputError, subject "EntityId", for what can't be the ID of an entity."""
    from gateway.saml.aggregate import is_entity_id  # noqa: PLC0415 - reading XML takes a while to load
    from gateway.saml.federation_entity import query_url  # noqa: PLC0415

    check_text("EntityId", entity_id, _LONGEST_ENTITY_ID)
    if not is_entity_id(entity_id):
        message = "an entity ID has 1 to 1024 printable characters"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="EntityId")
    return query_url(base_url, entity_id)


def read_answer(xml: bytes, anchors_pem: str, entity_id: str, now: datetime) -> Answer:
    """Raises: SamlError(METADATA_SIGNATURE | METADATA_MALFORMED | METADATA_EXPIRED)."""
    from gateway.saml.federation_entity import limited_document, verify_entity  # noqa: PLC0415 - see above

    entity = verify_entity(xml, read_anchors(anchors_pem), entity_id, now)
    document = limited_document(entity.document, entity.valid_until)
    return Answer(document, entity.cache_duration, entity.valid_until - now)
