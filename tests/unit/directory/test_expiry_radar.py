"""What lapses before long is found by its date, of one account or of all, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from gateway.directory.access_keys import AccessKeyStatus, create_access_key, set_status
from gateway.directory.expiry import DatedThing, ThingKind, Urgency
from gateway.directory.expiry_radar import SHOWN, news_for, read_radar
from gateway.directory.expiry_settings import set_rotation_days
from gateway.directory.expiry_sources import AHEAD
from gateway.directory.metadata_sources import MetadataSource
from gateway.directory.oidc_providers import create_oidc_provider
from gateway.directory.oidc_sign_in import SignInWish, set_oidc_sign_in
from gateway.directory.provider_certificates import ProviderCertificate
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.saml_providers import create_saml_provider
from gateway.directory.user_sso import set_user_sso
from gateway.directory.users import create_user
from gateway.keyring import KeyRing, new_master_key
from gateway.oidc.client_authentication import ClientMethod
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.identities import ENTITY_ID, fingerprint, idp_metadata
from tests.in_process import bare_account

RING = KeyRing((new_master_key(),))
DAY = timedelta(days=1)
ONE, OTHER = "1000000000000001", "1000000000000002"
CERTIFICATE_ENDS = datetime(2035, 1, 1, tzinfo=UTC)  # of whatever `idp_metadata` holds


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    with store.transaction() as opened:
        opened.add_all([bare_account(ONE, "one"), bare_account(OTHER, "other")])
        opened.flush()
        yield opened


def things(session: Session, now: datetime, account_id: str | None = ONE) -> list[tuple[ThingKind, str]]:
    return [(thing.kind, thing.name) for thing in read_radar(session, account_id, (), now).things]


def new_key(session: Session, account_id: str, user: str | None = None, now: datetime = NOON) -> str:
    user_id = None if user is None else create_user(session, account_id, user, now=NOON).id
    return create_access_key(session, RING, account_id=account_id, user_id=user_id, now=now).access_key_id


def sign_in_with_secret(session: Session, account_id: str, name: str, until: datetime | None) -> None:
    provider = create_oidc_provider(session, account_id, name, f"https://{name}.example.com", now=NOON)
    set_oidc_sign_in(
        session,
        RING,
        provider,
        client_id="ramgate",
        method=ClientMethod.BASIC,
        client_secret=Secret("hush"),
        wish=SignInWish(),
        secret_expires_at=until,
        now=NOON,
    )


def test_read_radar__certificates__are_shown_ninety_days_ahead_and_stay_when_past_due(session: Session) -> None:
    create_saml_provider(session, ONE, "corp", idp_metadata(ENTITY_ID), now=NOON)
    set_user_sso(session, ONE, metadata_xml=idp_metadata(ENTITY_ID), now=NOON)
    assert things(session, CERTIFICATE_ENDS - AHEAD - DAY) == []
    radar = read_radar(session, ONE, (), CERTIFICATE_ENDS - AHEAD)
    assert {thing.path for thing in radar.things} == {"/admin/providers/corp", "/admin/user-sso"}
    assert {thing.expires_at for thing in radar.things} == {CERTIFICATE_ENDS}
    assert radar.counts == {(ThingKind.IDP_CERTIFICATE, Urgency.QUARTER): 2}
    late = read_radar(session, ONE, (), CERTIFICATE_ENDS + 1000 * DAY)
    assert [thing.days_left(CERTIFICATE_ENDS + 1000 * DAY) for thing in late.things] == [-1000, -1000]
    assert late.counts == {(ThingKind.IDP_CERTIFICATE, Urgency.PAST): 2}


def test_read_radar__certificate_that_a_later_one_stands_beside__needs_nothing(session: Session) -> None:
    create_saml_provider(session, ONE, "corp", idp_metadata(ENTITY_ID, "idp", "next"), now=NOON)
    create_saml_provider(session, ONE, "other", idp_metadata("https://other.example.com", "idp"), now=NOON)
    old = session.query(ProviderCertificate).filter_by(fingerprint=fingerprint("idp")).all()
    for row in old:
        row.not_after = NOON + DAY
    session.flush()
    found = {thing.path: thing.what_to_do.split()[0] for thing in read_radar(session, ONE, (), NOON).things}
    assert found == {"/admin/providers/corp": "Nothing,", "/admin/providers/other": "Ask"}


@pytest.mark.parametrize(
    ("before", "urgency"),
    [
        (90 * DAY, Urgency.QUARTER),
        (30 * DAY + timedelta(seconds=1), Urgency.QUARTER),
        (30 * DAY, Urgency.MONTH),
        (7 * DAY + timedelta(seconds=1), Urgency.MONTH),
        (7 * DAY, Urgency.WEEK),
        (timedelta(seconds=1), Urgency.WEEK),
        (timedelta(), Urgency.PAST),
        (-timedelta(seconds=1), Urgency.PAST),
    ],
)
def test_read_radar__around_a_border__thing_and_count_agree(
    sqlite_store: Store, before: timedelta, urgency: Urgency
) -> None:
    now = CERTIFICATE_ENDS - before
    with sqlite_store.transaction() as session:
        session.add(bare_account(ONE, "one"))
        session.flush()
        create_saml_provider(session, ONE, "corp", idp_metadata(ENTITY_ID), now=NOON)
        radar = read_radar(session, ONE, (), now)
    assert [thing.urgency(now) for thing in radar.things] == [urgency]
    assert radar.counts == {(ThingKind.IDP_CERTIFICATE, urgency): 1}
    assert [(each, len(found), count) for each, found, count in radar.groups(now)] == [(urgency, 1, 1)]


def test_read_radar__client_secret__only_with_a_date(session: Session) -> None:
    sign_in_with_secret(session, ONE, "dated", NOON + 10 * DAY)
    sign_in_with_secret(session, ONE, "undated", None)
    (thing,) = read_radar(session, ONE, (), NOON).things
    assert (thing.kind, thing.name, thing.path) == (ThingKind.CLIENT_SECRET, "dated", "/admin/oidc/dated")


def test_read_radar__metadata__with_the_name_of_its_provider(session: Session) -> None:
    for name in ("corp", "new"):
        create_saml_provider(session, ONE, name, idp_metadata(f"https://{name}.example.com"), now=NOON)
    for source in session.query(MetadataSource):
        source.valid_until = NOON + 5 * DAY
    set_user_sso(session, ONE, metadata_xml=idp_metadata(ENTITY_ID), now=NOON)
    session.get_one(MetadataSource, f"user-sso:{ONE}").valid_until = NOON - DAY
    found = read_radar(session, ONE, (), NOON).things
    assert [(thing.name, thing.path) for thing in found] == [
        ("user SSO", "/admin/user-sso"),
        ("corp", "/admin/providers/corp"),
        ("new", "/admin/providers/NEW"),
    ]
    assert found[1].key == saml_provider_key(1)


def test_read_radar__metadata_that_is_fetched__only_once_fetching_fails(session: Session) -> None:
    create_saml_provider(session, ONE, "corp", idp_metadata(ENTITY_ID), now=NOON)
    source = session.query(MetadataSource).one()
    source.kind, source.url, source.valid_until = "url", "https://idp.example.com/md", NOON + 5 * DAY
    session.flush()
    kinds = [thing.kind for thing in read_radar(session, ONE, (), NOON).things]
    assert ThingKind.METADATA not in kinds
    assert ThingKind.METADATA in [thing.kind for thing in read_radar(session, ONE, (), NOON + 4.5 * DAY).things]
    source.failures = 1
    session.flush()
    assert ThingKind.METADATA in [thing.kind for thing in read_radar(session, ONE, (), NOON).things]


def test_read_radar__access_keys__by_the_age_that_the_account_chose(session: Session) -> None:
    owners, users = new_key(session, ONE), new_key(session, ONE, "alice")
    assert things(session, NOON + 60 * DAY - timedelta(seconds=1)) == []
    found = read_radar(session, ONE, (), NOON + 60 * DAY).things
    assert {thing.what for thing in found} == {
        f"AccessKey {owners} of the account owner owner@one.example",
        f"AccessKey {users} of user alice",
    }
    set_rotation_days(session, ONE, 30, NOON)
    assert {thing.expires_at for thing in read_radar(session, ONE, (), NOON + 60 * DAY).things} == {NOON + 30 * DAY}
    set_rotation_days(session, ONE, 0, NOON)
    assert things(session, NOON + 5000 * DAY) == []


def test_read_radar__access_key_switched_off__is_at_rest(session: Session) -> None:
    key = new_key(session, ONE)
    set_status(session, account_id=ONE, user_id=None, access_key_id=key, status=AccessKeyStatus.INACTIVE, now=NOON)
    assert things(session, NOON + 500 * DAY) == []


def test_read_radar__of_one_account__shows_nothing_of_another(session: Session) -> None:
    create_saml_provider(session, OTHER, "theirs", idp_metadata(ENTITY_ID), now=NOON)
    set_user_sso(session, OTHER, metadata_xml=idp_metadata(ENTITY_ID), now=NOON)
    sign_in_with_secret(session, OTHER, "theirs", NOON + DAY)
    new_key(session, OTHER, "bob")
    for source in session.query(MetadataSource):
        source.valid_until = NOON + 5 * DAY
    late = CERTIFICATE_ENDS + DAY
    assert things(session, late, ONE) == []
    assert list(news_for(session, ONE, (), CERTIFICATE_ENDS)) == []
    of_all = read_radar(session, None, (), late)
    assert {thing.kind for thing in of_all.things} == set(ThingKind) - {ThingKind.OWN_KEY}
    assert {thing.account_id for thing in of_all.things} == {OTHER}
    assert sum(of_all.counts.values()) == len(of_all.things) == 6


def test_read_radar__of_all_accounts__each_by_its_own_rotation_age(session: Session) -> None:
    new_key(session, ONE)
    new_key(session, OTHER)
    set_rotation_days(session, OTHER, 365, NOON)
    found = {thing.account_id: thing.expires_at for thing in read_radar(session, None, (), NOON + 300 * DAY).things}
    assert found == {ONE: NOON + 90 * DAY, OTHER: NOON + 365 * DAY}
    set_rotation_days(session, OTHER, 0, NOON)
    assert [thing.account_id for thing in read_radar(session, None, (), NOON + 300 * DAY).things] == [ONE]


def test_read_radar__more_than_are_shown__what_is_to_come_is_not_crowded_out(session: Session) -> None:
    row = new_key(session, ONE)
    statement = text(
        "INSERT INTO access_keys (id, account_id, sealed_secret, status, created_at, updated_at) "
        "SELECT :id, account_id, sealed_secret, status, :at, :at FROM access_keys WHERE id = :like"
    )
    old = "2020-01-01 00:00:00+00:00" if session.get_bind().dialect.name == "postgresql" else "2020-01-01 00:00:00"
    session.execute(statement, [{"id": f"OLD{number}", "at": old, "like": row} for number in range(SHOWN + 20)])
    radar = read_radar(session, ONE, (), NOON + 70 * DAY)
    assert len(radar.things) == SHOWN + 1
    assert radar.things[-1].key == row
    assert radar.counts == {(ThingKind.ACCESS_KEY, Urgency.PAST): SHOWN + 20, (ThingKind.ACCESS_KEY, Urgency.MONTH): 1}


def test_news_for__all_of_it__without_what_lapsed_long_ago(session: Session) -> None:
    sign_in_with_secret(session, ONE, "long-ago", NOON - 8 * DAY)
    sign_in_with_secret(session, ONE, "lately", NOON - 6 * DAY)
    sign_in_with_secret(session, ONE, "soon", NOON + 89 * DAY)
    sign_in_with_secret(session, ONE, "later", NOON + 91 * DAY)
    assert [thing.name for thing in news_for(session, ONE, (), NOON)] == ["lately", "soon"]


def test_read_radar__thousands_of_providers_and_keys__the_databases_read_by_index(store: Store) -> None:
    """No plan may walk through a whole table that grows with accounts."""
    statements: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, parameters))

    with store.transaction() as session:
        session.add(bare_account(ONE, "one"))
        session.flush()
        event.listen(store.engine, "before_cursor_execute", note)
        read_radar(session, ONE, (), NOON)
        event.remove(store.engine, "before_cursor_execute", note)
        if store.engine.dialect.name != "sqlite":
            return  # PostgreSQL chooses by statistics, which empty tables don't have
        grown = ("provider_certificates", "access_keys", "oidc_sign_ins", "metadata_sources", "saml_providers", "users")
        for statement, parameters in statements:
            plan = session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)  # type: ignore[arg-type]
            scans = [row[3] for row in plan if row[3].startswith("SCAN") and "INDEX" not in row[3]]
            assert [scan for scan in scans if scan.split()[1].startswith(grown)] == [], statement


def test_event_id__other_date_or_days_or_account__is_other_news() -> None:
    def thing(**changes: object) -> DatedThing:
        base: dict[str, object] = {
            "kind": ThingKind.CLIENT_SECRET,
            "account_id": ONE,
            "key": "oidc:1",
            "name": "n",
            "expires_at": NOON,
            "changed_at": NOON,
            "what": "w",
            "stops": "s",
            "what_to_do": "d",
        }
        return DatedThing(**{**base, **changes})  # type: ignore[arg-type]

    news = {
        thing().event_id(30),
        thing().event_id(7),
        thing(expires_at=NOON + DAY).event_id(30),
        thing(key="oidc:2").event_id(30),
        thing(account_id=OTHER).event_id(30),
        thing(kind=ThingKind.METADATA).event_id(30),
    }
    assert len(news) == 6
    assert thing(name="renamed", changed_at=NOON + DAY).event_id(30) == thing().event_id(30)
