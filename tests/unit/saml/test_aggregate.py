"""Aggregates: what is read of an entity, what it inherits, and that a broken one spoils nothing."""

import io
from datetime import timedelta

import pytest

from gateway.errors import Reason, SamlError
from gateway.saml.aggregate import Aggregate, AggregateEntity, BrokenEntity, verify_aggregate
from gateway.saml.metadata import parse_idp_metadata
from tests.aggregates import REGISTRAR, VALID, aggregate, federation_entity, service
from tests.fake_clock import NOON
from tests.saml_factory import EXCLUSIVE, Profile, instant
from tests.signed_metadata import ANCHOR

ANCHORS = (ANCHOR.trusted,)


def verified(xml: bytes) -> Aggregate:
    return verify_aggregate(io.BytesIO(xml), ANCHORS, io.BytesIO(), NOON)


def usable(xml: bytes) -> list[AggregateEntity]:
    return [entity for entity in verified(xml).entities() if isinstance(entity, AggregateEntity)]


def broken(xml: bytes) -> list[BrokenEntity]:
    return [entity for entity in verified(xml).entities() if isinstance(entity, BrokenEntity)]


def test_verify_aggregate__several_hundred_entities__each_is_a_document_of_its_own() -> None:
    numbers = range(300)

    entities = usable(aggregate(federation_entity(number) for number in numbers))

    assert [entity.entity_id for entity in entities] == [f"https://idp{number}.example.org/idp" for number in numbers]
    for entity in entities[::50]:
        found = parse_idp_metadata(entity.document, NOON)
        assert found.entity_id == entity.entity_id
        assert found.sso_redirect_url == entity.entity_id.removesuffix("idp") + "sso"


def test_verify_aggregate__names_and_registrar__are_told() -> None:
    provider, sp = usable(aggregate([federation_entity(1), service(2)]))

    assert provider.display_names == (("en", "University 1"), ("fr", "Université 1"))
    assert provider.registration_authority == REGISTRAR
    assert (provider.is_identity_provider, sp.is_identity_provider) == (True, False)


def test_verify_aggregate__organization__gives_the_name_where_there_is_no_other() -> None:
    organization = (
        "<md:Organization><md:OrganizationDisplayName xml:lang='de'> Hochschule \n Ulm </md:OrganizationDisplayName>"
        "</md:Organization></md:EntityDescriptor>"
    )

    (entity,) = usable(aggregate([service(1).replace("</md:EntityDescriptor>", organization)]))

    assert entity.display_names == (("de", "Hochschule Ulm"),)


@pytest.mark.parametrize(
    "profile", [Profile(), Profile(prefix_list="md xs ds"), Profile(prefix="", c14n=EXCLUSIVE + "WithComments")]
)
def test_verify_aggregate__other_forms_of_the_signature__are_accepted(profile: Profile) -> None:
    assert len(usable(aggregate([federation_entity(1)], profile=profile))) == 1


def test_verify_aggregate__texts_and_comments_around__change_nothing() -> None:
    xml = aggregate(["\n  ", federation_entity(1), "\n<!-- the end -->\n"])
    commented = b"<!-- made today -->\n" + xml.replace(b"<md:IDPSSO", b"<!-- x --><md:IDPSSO")

    assert usable(commented) == usable(xml)


def test_verify_aggregate__same_entity_in_another_aggregate__has_the_same_digest() -> None:
    later = f'Name="today" {VALID}'

    (before,) = usable(aggregate([federation_entity(1)]))
    _, after = usable(aggregate([federation_entity(2), federation_entity(1)], later))

    assert before.digest == after.digest


def test_verify_aggregate__group_within__limits_what_is_in_it() -> None:
    soon = instant(NOON + timedelta(days=2))
    inner = f'<md:EntitiesDescriptor validUntil="{soon}" cacheDuration="PT1H">{federation_entity(1)}</md:EntitiesDescriptor>'

    limited, free = usable(aggregate([inner, federation_entity(2)]))

    assert parse_idp_metadata(limited.document, NOON).valid_until == NOON + timedelta(days=2)
    assert b'cacheDuration="PT1H"' in limited.document
    assert parse_idp_metadata(free.document, NOON).valid_until is None


def test_verify_aggregate__entity_that_holds_shorter_than_its_group__keeps_its_limit() -> None:
    own = federation_entity(1).replace("entityID", f'validUntil="{instant(NOON + timedelta(days=1))}" entityID')
    inner = f'<md:EntitiesDescriptor validUntil="{instant(NOON + timedelta(days=2))}">{own}</md:EntitiesDescriptor>'

    (entity,) = usable(aggregate([inner]))

    assert parse_idp_metadata(entity.document, NOON).valid_until == NOON + timedelta(days=1)


def test_verify_aggregate__prefix_that_an_entity_means_otherwise__stays_its_own() -> None:
    own = federation_entity(1).replace("<md:EntityDescriptor", '<md:EntityDescriptor xmlns:xs="urn:other" xs:a="1"')

    (entity,) = usable(aggregate([own]))

    assert b'xmlns:xs="urn:other"' in entity.document
    assert entity.document.count(b"xmlns:xs=") == 1


@pytest.mark.parametrize(
    ("spoiled", "problem"),
    [
        (federation_entity(2).replace("entityID=", "entityId="), "entityID"),
        (federation_entity(2).replace('entityID="', f'entityID="{"x" * 1025}'), "entityID"),
        (federation_entity(2).replace('entityID="', 'entityID=" '), "entityID"),
        (federation_entity(2).replace("entityID", f'validUntil="{instant(NOON)}" entityID'), "valid until"),
        (federation_entity(2).replace("entityID", 'validUntil="soon" entityID'), "validUntil"),
        (federation_entity(2, extra="<!--x-->" + "<md:x>text</md:x>" * 50_000), "larger"),
        (federation_entity(1), "twice"),
    ],
)
def test_verify_aggregate__one_broken_entity__is_told_and_spoils_nothing(spoiled: str, problem: str) -> None:
    xml = aggregate([federation_entity(1), spoiled, federation_entity(3)])

    assert [entity.entity_id[-21:] for entity in usable(xml)] == ["/idp1.example.org/idp", "/idp3.example.org/idp"]
    (told,) = broken(xml)
    assert problem in told.problem


def test_verify_aggregate__cache_and_publication__are_read_from_the_root() -> None:
    publication = (
        f'<md:Extensions><mdrpi:PublicationInfo publisher="x" creationInstant="{instant(NOON)}"/></md:Extensions>'
    )

    found = verified(aggregate([publication, federation_entity(1)]))

    assert found.valid_until == NOON + timedelta(days=14)
    assert found.cache_duration == timedelta(hours=6)
    assert found.published_at == NOON
    assert found.certificate == ANCHOR.trusted


def test_verify_aggregate__valid_for_ever__is_believed_for_sixty_days() -> None:
    found = verified(aggregate([federation_entity(1)], 'validUntil="2999-01-01T00:00:00Z"'))

    assert found.valid_until == NOON + timedelta(days=60)


@pytest.mark.parametrize("attributes", ["", f'validUntil="{instant(NOON)}"'])
def test_verify_aggregate__no_longer_valid_or_without_a_limit__is_refused(attributes: str) -> None:
    with pytest.raises(SamlError) as caught:
        verified(aggregate([federation_entity(1)], attributes))

    assert caught.value.reason is Reason.METADATA_EXPIRED


def test_verify_aggregate__empty__is_an_aggregate_of_none() -> None:
    assert verified(aggregate([])).count == 0
