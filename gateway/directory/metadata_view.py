"""What a provider's documents and certificates look like to whoever looks after them: read, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from gateway.directory.metadata_documents import DocumentState, find_document
from gateway.directory.metadata_in_force import read_again
from gateway.directory.metadata_owners import get_owner, owner_arn, owner_name
from gateway.directory.metadata_sources import MetadataSource, find_source
from gateway.directory.provider_certificates import ProviderCertificate, certificate_rows

if TYPE_CHECKING:
    from gateway.saml.metadata_difference import Difference, Risk

_NEXT = {
    DocumentState.STAGED: (
        "The certificates of both documents are trusted. The first sign-in that is verified by what this one brings "
        "puts it in force; until then everything else stays as it is."
    ),
    DocumentState.WAITING: "Nothing of it is trusted. If you approve it, it is staged beside the document in force.",
    DocumentState.PREVIOUS: (
        "It was in force before. For seven days you can go back to it; meanwhile its certificates verify nothing, "
        "unless the document in force has them, too."
    ),
}
_BY_HAND = (
    "The certificates of both documents are trusted. This one was rolled back before, so only an administrator puts it "
    "in force."
)


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document beside the one in force, and what it would change."""

    state: DocumentState
    since: datetime
    brought_by: str
    why: str
    what_next: str
    risk: "Risk"
    differences: "tuple[Difference, ...]"
    entity_id: str
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class MetadataView:
    name: str
    arn: str
    entity_id: str
    certificates: Sequence[ProviderCertificate]
    source: MetadataSource | None  # None: registered before sources were kept, and not touched since
    documents: tuple[DocumentView, ...]  # staged, waiting, previous, as far as there are any

    @property
    def states(self) -> frozenset[str]:
        return frozenset(document.state.value for document in self.documents)


def view_metadata(session: Session, provider_key: str) -> MetadataView:
    """Raises: NotFound, subject "SAMLProvider"."""
    owner = get_owner(session, provider_key)
    documents = tuple(
        view
        for state in DocumentState
        if (view := _view(session, provider_key, owner.metadata_xml or b"", state)) is not None
    )
    return MetadataView(
        name=owner_name(owner),
        arn=owner_arn(owner),
        entity_id=owner.entity_id or "",
        certificates=certificate_rows(session, provider_key),
        source=find_source(session, provider_key),
        documents=documents,
    )


def _view(session: Session, provider_key: str, in_force: bytes, state: DocumentState) -> DocumentView | None:
    from gateway.saml.metadata_difference import highest_risk, metadata_differences  # noqa: PLC0415 - see read_metadata

    document = find_document(session, provider_key, state)
    if document is None:
        return None
    metadata = read_again(document.xml)
    differences = metadata_differences(read_again(in_force), metadata)
    staged_by_hand = document.by_hand and state is DocumentState.STAGED
    return DocumentView(
        state=state,
        since=document.since,
        brought_by=document.brought_by,
        why=document.why,
        what_next=_BY_HAND if staged_by_hand else _NEXT[state],
        risk=highest_risk(differences),
        differences=differences,
        entity_id=metadata.entity_id,
        valid_until=metadata.valid_until,
    )
