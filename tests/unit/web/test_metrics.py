"""What a Prometheus server scrapes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.clockwork.job import run_due
from gateway.clockwork.table import JOBS
from gateway.secret import Secret
from tests.databases import SqliteFiles
from tests.unit.web.site import Site, make_site

TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture
def scraped(sqlite_files: SqliteFiles, certs_dir: Path) -> Iterator[Site]:
    made = make_site(sqlite_files.migrated(), certs_dir, metrics_token=Secret(TOKEN))
    yield made
    made.services.store.dispose()


def samples(site: Site) -> dict[tuple[str, ...], float]:
    answer = site.browser().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert "Set-Cookie" not in answer.headers
    found = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    keys = [(sample.name, *(value for _, value in sorted(sample.labels.items()))) for sample in found]
    assert len(set(keys)) == len(keys), "a sample twice"
    return dict(zip(keys, (sample.value for sample in found), strict=True))


def test_metrics__things_that_lapse__tell_how_soon(scraped: Site) -> None:
    scraped.user_sso()
    scraped.roles("reader")
    scraped.clock.advance(360 * 86400)
    found = samples(scraped)
    soon = {key: value for key, value in found.items() if key[0] == "ramgate_expiry_seconds"}
    assert [(key[1], key[2]) for key in soon] == [(scraped.account_id, "idp-certificate")] * 2
    assert set(soon.values()) == {5 * 86400}
    assert {key[3].split()[0] for key in soon} == {"user", "corp"}
    assert found["ramgate_expiry_things", "idp-certificate", "week"] == 2
    assert found["ramgate_build_info", "0.1.0"] == 1
    assert found["ramgate_expiry_notices_waiting",] == 0
    assert found["ramgate_expiry_webhooks_failing",] == 0


def test_metrics__job_that_waits__tells_for_how_long(scraped: Site) -> None:
    jobs = [job for job in JOBS if job.name.startswith("expiry")]
    run_due(scraped.services, jobs)
    assert samples(scraped)["ramgate_job_lateness_seconds", "expiry-send"] == 0
    scraped.clock.advance(60 + 90)
    found = samples(scraped)
    assert found["ramgate_job_lateness_seconds", "expiry-send"] == 90
    assert found["ramgate_job_lateness_seconds", "expiry-plan"] == 0


def test_metrics__asked_often__reads_the_database_once_in_ten_seconds(scraped: Site) -> None:
    before = samples(scraped)
    scraped.user_sso()
    scraped.clock.advance(9)
    scraped.user_sso()
    assert samples(scraped) == before
    scraped.clock.advance(360 * 86400)
    assert samples(scraped) != before


def test_metrics__clock_set_back__is_read_again(scraped: Site) -> None:
    samples(scraped)
    scraped.user_sso()
    scraped.clock.advance(-5)
    assert samples(scraped)["ramgate_build_info", "0.1.0"] == 1
