"""One federation: its entities, searched by name, and adopting one of them as an identity provider."""

import re
from urllib.parse import urlsplit

from flask import Blueprint, Response, flash, request
from sqlalchemy.orm import Session

from gateway.directory.adoptions import adoptions_of, entity_document, is_queried
from gateway.directory.federation_answers import Answer
from gateway.directory.federation_entities import search_entities
from gateway.directory.federations import Federation, get_federation
from gateway.errors import GatewayError, InputError, NotFound, SamlError, UpstreamError
from gateway.federation.metadata_queries import adopt, get_answer
from gateway.saml.metadata import parse_idp_metadata
from gateway.store.paging import Page
from gateway.web.admin import allowed_to, changing
from gateway.web.admin_federations import PATH, federation_entity, federation_path
from gateway.web.admin_providers import provider_path
from gateway.web.advice import status_of
from gateway.web.edge import Edge, form_text, page, see_other

_PAGE = 25
_WORDS_MAX = 200
_AFTER_MAX = 400
_ENTITY_MAX = 1024
_NAME_MAX = 128
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.-]+")


def create_adoption_blueprint(edge: Edge) -> Blueprint:
    services = edge.services
    views = Blueprint("adoption", __name__, url_prefix=PATH)

    @views.get("/<name>")
    def detail(name: str) -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "GetFederation", federation_entity(session, name))
            return _detail_page(edge, session, get_federation(session, who.account_id, name))

    @views.post("/<name>/preview")
    def preview(name: str) -> Response:
        entity_id = form_text("entity_id", max_length=_ENTITY_MAX)
        with services.store.reading() as session:
            who = allowed_to(session, services, "CreateSAMLProvider", "saml-provider/*")
            federation = get_federation(session, who.account_id, name)
        try:
            answer = _answer(edge, federation, entity_id)
            with services.store.reading() as session:
                return _preview_page(edge, session, federation, entity_id, answer)
        except (InputError, NotFound, SamlError, UpstreamError) as error:
            with services.store.reading() as session:
                return _detail_page(edge, session, get_federation(session, who.account_id, name), error)

    @views.post("/<name>/adopt")
    def adopt_one(name: str) -> Response:
        entity_id, provider = form_text("entity_id", max_length=_ENTITY_MAX), form_text("name", max_length=_NAME_MAX)
        with services.store.reading() as session:
            who = allowed_to(session, services, "CreateSAMLProvider", f"saml-provider/{provider}")
            federation = get_federation(session, who.account_id, name)
        answer = _answer(edge, federation, entity_id)  # no transaction is open: the other side can be slow
        with services.store.transaction() as session:
            who = changing(session, services, "CreateSAMLProvider", f"saml-provider/{provider}")
            live = get_federation(session, who.account_id, name)
            adopt(session, live, entity_id, provider, answer, by=who.arn, clock=services.clock)
        flash(f"{provider} is registered, and follows what the federation says of it.")
        return see_other(provider_path(provider))

    return views


def _answer(edge: Edge, federation: Federation, entity_id: str) -> Answer | None:
    """Of a query service. Raises: as `get_answer`; Conflict(CHANGED_MEANWHILE)."""
    if not is_queried(federation):
        return None
    with edge.errands.enter(federation.account_id):
        return get_answer(edge.services.fetcher, federation, entity_id, edge.services.clock)


def _detail_page(edge: Edge, session: Session, federation: Federation, problem: GatewayError | None = None) -> Response:
    words = request.args.get("q", "")[:_WORDS_MAX]
    after, broken = request.args.get("after", "")[:_AFTER_MAX], "broken" in request.args
    return page(
        "admin/federation.html",
        status_of(problem) if problem else 200,
        active="providers",
        federation=federation,
        path=federation_path(federation.name),
        anchors=federation.anchors,
        queried=is_queried(federation),
        found=search_entities(session, federation.id, _storable(words), Page(_PAGE, _storable(after)), broken=broken),
        words=words,
        broken=broken,
        first=not after,
        adopted={adoption.entity_id for adoption in adoptions_of(session, federation.id)},
        now=edge.services.clock.now(),
        problem=problem.public if problem else None,
    )


def _preview_page(
    edge: Edge, session: Session, federation: Federation, entity_id: str, answer: Answer | None
) -> Response:
    """What the entity's metadata says. Raises: SamlError(METADATA_*); NotFound; InputError."""
    now = edge.services.clock.now()
    document = entity_document(session, federation, entity_id) if answer is None else answer.document
    return page(
        "admin/federation_adopt.html",
        active="providers",
        federation=federation,
        path=federation_path(federation.name),
        metadata=parse_idp_metadata(document, now),
        suggested=_suggested(entity_id),
        now=now,
    )


def _suggested(entity_id: str) -> str:
    """A name for the provider: the host in its entity ID, as far as a name may hold it."""
    try:
        host = urlsplit(entity_id).hostname or ""
    except ValueError:
        host = ""
    return _NOT_IN_A_NAME.sub("-", host).strip(".-")[:_NAME_MAX]


def _storable(text: str) -> str:
    return text.replace("\0", "").encode(errors="ignore").decode()
