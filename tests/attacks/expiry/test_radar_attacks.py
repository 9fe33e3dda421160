"""The calendar address, the metrics and the webhook in the hands of somebody who should not have them."""

import hashlib
import logging
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from icalendar import Calendar
from werkzeug.test import TestResponse

from gateway.directory.accounts import create_account, get_account
from gateway.directory.expiry_delivery import send_test
from gateway.directory.expiry_settings import find_calendar_account, get_expiry_settings, make_calendar
from gateway.directory.saml_providers import create_saml_provider
from gateway.errors import ConfigError, Reason
from gateway.ids import new_handle
from gateway.principal import AccountOwner
from gateway.secret import Secret
from gateway.settings import load_settings
from tests.databases import SqliteFiles
from tests.fake_clock import NOON
from tests.unit.web.site import Browser, Site, idp_metadata, make_site, reason_of

TOKEN = "a-token-that-nobody-guesses"
FEED = "/calendar/expiry.ics"


def neighbour(site: Site) -> AccountOwner:
    with site.services.store.transaction() as session:
        account = create_account(
            session,
            alias="globex",
            display_name="Globex",
            owner_login="owner@globex.example",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=NOON,
        )
        create_saml_provider(session, account.id, "secret-project", idp_metadata(), now=NOON)
    return AccountOwner(account.id, "owner@globex.example")


def calendar_of(site: Site, account_id: str) -> str:
    with site.services.store.transaction() as session:
        return make_calendar(session, account_id, site.clock.now())


def test_page_and_calendar__of_a_neighbour__show_nothing_of_it(site: Site) -> None:
    theirs = neighbour(site)
    site.roles("reader")
    mine, their_handle = calendar_of(site, site.account_id), calendar_of(site, theirs.account_id)
    site.clock.advance(340 * 86400)
    assert "secret-project" not in site.signed_in(site.owner).get("/admin/expiry").text
    assert "secret-project" in site.signed_in(theirs).get("/admin/expiry").text
    assert b"secret-project" not in site.browser().get(FEED, query_string={"key": mine}).data
    assert b"secret-project" in site.browser().get(FEED, query_string={"key": their_handle}).data
    for extra in ({"account": theirs.account_id}, {"account_id": theirs.account_id}, {"tenantID": theirs.account_id}):
        assert b"secret-project" not in site.browser().get(FEED, query_string={"key": mine, **extra}).data
        page = site.signed_in(site.owner).get("/admin/expiry", query_string=extra)
        assert "secret-project" not in page.text


NEARLY_RIGHT: tuple[str, ...] = (
    "",
    "?key=",
    "?key=%00",
    "?key=%ED%A0%80",
    "?key=" + "a" * 43,
    "?key=" + "a" * 5000,
    "?key[]=a",
    "?KEY={handle}",
    "?key={handle}&key={handle}",
    "?key=x&key={handle}",
    "?key={handle}%20",
    "?key={upper}",
    "?key={hash}",
    "?key=%25",
    "?key=' OR '1'='1",
)


def test_calendar__address_that_is_nearly_right__is_a_page_that_does_not_exist(site: Site) -> None:
    handle = calendar_of(site, site.account_id)
    digest = hashlib.sha256(handle.encode()).hexdigest()
    for query in NEARLY_RIGHT:
        answer = site.browser().get(FEED + query.format(handle=handle, upper=handle.swapcase(), hash=digest))
        assert answer.status_code in {400, 404}, query
        assert b"VCALENDAR" not in answer.data
        assert handle not in answer.text


def test_calendar__database_stolen__holds_no_address(site: Site) -> None:
    handle = calendar_of(site, site.account_id)
    database = Path(str(site.services.store.engine.url.database))
    held = b"".join(path.read_bytes() for path in database.parent.glob(database.name + "*"))
    assert handle.encode() not in held
    assert len(held) > 1000


def test_calendar__guess_by_guess__takes_as_long_however_near_it_is(site: Site) -> None:
    """Looked up by hash: a guess that shares all but its last letter with an address is as far away as any other."""
    handle = calendar_of(site, site.account_id)
    near, far = handle[:-1] + ("A" if handle[-1] != "A" else "B"), new_handle()

    def seconds(guess: str) -> float:
        began = perf_counter()
        with site.services.store.reading() as session:
            assert find_calendar_account(session, guess) is None
        return perf_counter() - began

    times: dict[str, list[float]] = {"near": [], "far": []}
    for _ in range(80):
        times["near"].append(seconds(near))
        times["far"].append(seconds(far))
    assert 0.5 < median(times["near"]) / median(times["far"]) < 2


def test_calendar__refused_or_misused__its_secret_is_in_no_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    handle = calendar_of(site, site.account_id)
    with caplog.at_level(logging.DEBUG):
        for method in ("GET", "POST", "PUT", "DELETE"):
            site.browser().open(FEED, method=method, query_string={"key": handle})
        site.browser().get(FEED, query_string={"key": handle + "x"})
    assert handle not in caplog.text
    assert handle not in "".join(str(record.__dict__) for record in caplog.records)


def test_calendar__certificate_and_account_with_hostile_names__add_no_property(site: Site) -> None:
    name = "x\r\nATTENDEE:mailto:a@evil.example\nBEGIN:VALARM"
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2025, 1, 1, tzinfo=UTC))
        .not_valid_after(NOON + timedelta(days=20))
        .sign(key, SHA256())
    )
    own = re.search(rb"<ds:X509Certificate>(.*)</ds:X509Certificate>", idp_metadata())
    assert own
    metadata = idp_metadata().replace(own[1], b64encode(certificate.public_bytes(Encoding.DER)))
    with site.services.store.transaction() as session:
        create_saml_provider(session, site.account_id, "corp", metadata, now=NOON)
        get_account(session, site.account_id).display_name = "Acme;X-EVIL:1\nMETHOD:CANCEL"
    body = site.browser().get(FEED, query_string={"key": calendar_of(site, site.account_id)}).data
    names = {line.split(b":")[0].split(b";")[0] for line in body.replace(b"\r\n ", b"").split(b"\r\n")}
    assert {b"ATTENDEE", b"METHOD", b"X-EVIL"}.isdisjoint(names)
    (event,) = Calendar.from_ical(body).walk("VEVENT")
    assert len(event.walk("VALARM")) == 3
    page = site.signed_in(site.owner).get("/admin/expiry")
    assert page.status_code == 200


@pytest.fixture
def scraped(sqlite_files: SqliteFiles, certs_dir: Path) -> Site:
    return make_site(sqlite_files.migrated(), certs_dir, metrics_token=Secret(TOKEN))


NOT_THE_TOKEN: tuple[str | None, ...] = (
    None,
    "",
    "Bearer",
    "Bearer ",
    "Bearer x",
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN[:-1]}",
    f"Bearer {TOKEN.upper()}",
    f"Basic {TOKEN}",
    TOKEN,
    f"Bearer {TOKEN}, Bearer {TOKEN}",
    f"Bearer {TOKEN} {TOKEN}",
    "Bearer " + "a" * 5000,
    "Bearer \u00e9" * 10,
)


def test_metrics__without_the_token__tell_nothing(scraped: Site) -> None:
    scraped.user_sso()
    for header in NOT_THE_TOKEN:
        answer = scraped.browser().get("/metrics", headers={} if header is None else {"Authorization": header})
        assert answer.status_code == 401, header
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="metrics"'
        assert "ramgate_" not in answer.text
        assert scraped.account_id not in answer.text


def test_metrics__token_in_the_address_or_a_session__does_not_count(scraped: Site) -> None:
    for query in ({"token": TOKEN}, {"access_token": TOKEN}, {"metrics_token": TOKEN}):
        assert scraped.browser().get("/metrics", query_string=query).status_code == 401
    assert scraped.signed_in(scraped.owner).get("/metrics").status_code == 401


def test_metrics__switched_off__are_a_page_that_does_not_exist(site: Site) -> None:
    for header in ("Bearer ", "Bearer x", f"Bearer {TOKEN}", "Bearer ***"):
        answer = site.browser().get("/metrics", headers={"Authorization": header})
        assert (answer.status_code, reason_of(answer)) == (404, "PageNotFound")


def test_metrics__token_wrong_or_right__is_in_no_log(scraped: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        scraped.browser().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        scraped.browser().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}wrong"})
        scraped.browser().post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert TOKEN not in caplog.text
    assert TOKEN not in "".join(str(record.__dict__) for record in caplog.records)


@pytest.mark.parametrize("token", ["short", "x" * 19, "with a space in it, which no header takes", "é" * 20])
def test_settings__metrics_token_that_could_be_guessed_or_not_be_sent__stops_the_start(token: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"RAMGATE_METRICS_TOKEN": token})
    assert (caught.value.reason, caught.value.subject) == (Reason.CONFIG_INVALID, "metrics_token")
    assert token not in str(caught.value)
    assert "hush-hush-hush-hush-hush" not in repr(load_settings({"RAMGATE_METRICS_TOKEN": "hush-hush-hush-hush-hush"}))


NOT_FOR_US: tuple[str, ...] = (
    "http://hooks.example.com/",
    "http://127.0.0.1/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "https://user:password@hooks.example.com/",
    "https://hooks.example.com\\@169.254.169.254/",
    "https://hooks.example.com/\r\nHost: evil.example",
    "https://hooks.example.com/#@169.254.169.254/",
    "https:///x",
    "//hooks.example.com/",
    "https://hooks.example.com:0/",
    "https://hooks.example.com:99999/",
    "javascript:alert(1)",
)


def test_webhook__address_that_is_no_plain_https__is_not_kept(site: Site) -> None:
    for url in NOT_FOR_US:
        assert reason_of(posted(site, "/webhook", url=url)) == "ParameterInvalid", url
    with site.services.store.reading() as session:
        assert get_expiry_settings(session, site.account_id).webhook is None


INSIDE = (
    "127.0.0.1",
    "169.254.169.254",
    "100.100.100.200",
    "10.0.0.1",
    "[::1]",
    "[::ffff:169.254.169.254]",
    "[fd00::1]",
)


def test_webhook__address_inside__is_never_connected_to(site: Site) -> None:
    for host in INSIDE:
        posted(site, "/webhook", url=f"https://{host}/latest/meta-data/")
        assert send_test(site.services.expiry_teller, site.account_id).outcome == (
            "Not delivered: the server's address lies in a network that the gateway does not connect to (FetchAddress)."
        )


def posted(site: Site, path: str, **fields: str) -> TestResponse:
    browser: Browser = site.signed_in(site.owner)
    return browser.post(f"/admin/expiry{path}", data={"csrf_token": browser.csrf("/admin/expiry"), **fields})


def test_webhook__name_of_script__is_escaped_on_the_page(site: Site) -> None:
    posted(site, "/webhook", url="https://hooks.example.com/'onmouseover='alert(1)")
    page = site.signed_in(site.owner).get("/admin/expiry").text
    assert "'onmouseover='" not in page
