"""`/metrics` for Prometheus: how soon things lapse, and whether the jobs keep their times.

Read from the database, so that it does not matter which of the processes is asked; none of them counts anything itself.
Off unless the setting `metrics_token` is there, which a scraper must show. What was read is good for some seconds, so
that nobody loads the database by asking often.
"""

import re
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from importlib.metadata import version

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.directory.expiry import Radar
from gateway.directory.expiry_notices import ExpiryNotice, NoticeState
from gateway.directory.expiry_radar import read_radar
from gateway.directory.expiry_settings import ExpirySettingsRow
from gateway.errors import InputError, Reason
from gateway.secret import Secret
from gateway.services import NO_METRICS, Services
from gateway.store.jobs import JobRow
from gateway.web.edge import Edge

_SHOWN = 200  # things of each kind, past due and to come
_GOOD_FOR = timedelta(seconds=10)
_BEARER = re.compile(r"[Bb]earer +([!-~]{1,500})")


class _Page:
    """The page as it was read last, for all threads of the process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._text = b""
        self._read_at: datetime | None = None

    def text(self) -> bytes:
        with self._lock:  # who comes while it is read waits for that, and does not read it again
            now = self._services.clock.now()
            if self._read_at is None or not timedelta() <= now - self._read_at < _GOOD_FOR:
                registry = CollectorRegistry()
                registry.register(_Reading(self._services, now))
                self._text, self._read_at = generate_latest(registry), now
            return self._text


class _Reading(Collector):
    def __init__(self, services: Services, now: datetime) -> None:
        self._services = services
        self._now = now

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        services, now = self._services, self._now
        build = GaugeMetricFamily("ramgate_build_info", "Which version answers.", labels=["version"])
        build.add_metric([version("ramgate")], 1)
        yield build
        with services.store.reading() as session:
            radar = read_radar(session, None, services.own_keys.states(now), now, at_most=_SHOWN)
            yield from _expiries(radar, now)
            yield _lateness(session, now)
            yield from _webhooks(session)


def create_metrics_blueprint(edge: Edge) -> Blueprint:
    services, views = edge.services, Blueprint("metrics", __name__)
    page = _Page(services)

    @views.get("/metrics")
    def metrics() -> Response:
        if services.metrics_token == NO_METRICS:
            raise InputError(Reason.PAGE_NOT_FOUND, "There is no page at this address.")
        if not _shows(services.metrics_token):
            headers = {"WWW-Authenticate": 'Bearer realm="metrics"'}
            return Response("The metrics token is missing or wrong.\n", 401, headers, mimetype="text/plain")
        return Response(page.text(), content_type=CONTENT_TYPE_LATEST)

    return views


def _shows(token: Secret) -> bool:
    match = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    return match is not None and Secret(match[1]) == token  # compared in constant time


def _expiries(radar: Radar, now: datetime) -> Iterable[Metric]:
    seconds = GaugeMetricFamily(
        "ramgate_expiry_seconds",
        "Seconds until a thing lapses, below 0 once it has. The soonest ones of each kind only.",
        labels=["kind", "account", "name"],
    )
    for thing in radar.things:
        seconds.add_metric([thing.kind, thing.account_id, thing.name], (thing.expires_at - now).total_seconds())
    yield seconds
    counts = GaugeMetricFamily(
        "ramgate_expiry_things", "How many things lapse how soon, all of them.", labels=["kind", "urgency"]
    )
    for (kind, urgency), count in sorted(radar.counts.items()):
        counts.add_metric([kind, urgency.name.lower()], count)
    yield counts


def _lateness(session: Session, now: datetime) -> Metric:
    late = GaugeMetricFamily(
        "ramgate_job_lateness_seconds", "For how long a job by the clock has been waiting for its turn.", labels=["job"]
    )
    for name, due_at in session.execute(select(JobRow.name, JobRow.due_at).order_by(JobRow.name)):
        late.add_metric([name], max(0.0, (now - due_at).total_seconds()))
    return late


def _webhooks(session: Session) -> Iterable[Metric]:
    waiting = select(func.count()).where(ExpiryNotice.state == NoticeState.WAITING.value)
    failing = select(func.count()).where(
        ExpirySettingsRow.webhook_not_before.is_not(None), ExpirySettingsRow.webhook_failures > 0
    )
    for name, text, query in (
        ("ramgate_expiry_notices_waiting", "News of things that lapse that no webhook has taken yet.", waiting),
        ("ramgate_expiry_webhooks_failing", "Webhooks whose last message was not taken.", failing),
    ):
        yield GaugeMetricFamily(name, text, value=session.scalar(query) or 0)
