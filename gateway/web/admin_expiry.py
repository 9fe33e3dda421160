"""Things that lapse: one page with all of them, and where else they are told: a calendar address, a webhook.

Seeing it is the right `ram:ListExpiringThings`, changing where it is told `ram:SetExpirySettings`.
"""

from flask import Blueprint, Response, flash
from sqlalchemy.orm import Session

from gateway.directory.expiry_delivery import plan_account, send_test
from gateway.directory.expiry_radar import read_radar
from gateway.directory.expiry_settings import (
    ROTATION_DAYS,
    drop_calendar,
    drop_webhook,
    get_expiry_settings,
    make_calendar,
    set_rotation_days,
    set_webhook,
)
from gateway.errors import InputError, Reason, UpstreamError
from gateway.web.admin import allowed_to, changing
from gateway.web.admin_fields import sent_number
from gateway.web.edge import Edge, form_text, page, see_other
from gateway.web.expiry_feed import CALENDAR_PATH

_PATH = "/admin/expiry"
_SEE = "ListExpiringThings"
_CHANGE = "SetExpirySettings"
_URL_MAX = 1024


def create_expiry_blueprint(edge: Edge) -> Blueprint:
    views = Blueprint("expiry", __name__, url_prefix=_PATH)
    services = edge.services

    @views.get("")
    def overview() -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, _SEE)
            return _overview(edge, session, who.account_id)

    @views.post("/rotation")
    def rotation() -> Response:
        now, days = services.clock.now(), sent_number("days")
        with services.store.transaction() as session:
            who = changing(session, services, _CHANGE)
            set_rotation_days(session, who.account_id, -1 if days is None else days, now)
        flash("Saved.")
        return see_other(_PATH)

    _add_calendar_views(views, edge)
    _add_webhook_views(views, edge)
    return views


def _add_calendar_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.post("/calendar")
    def new_calendar() -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, _CHANGE)
            handle = make_calendar(session, who.account_id, services.clock.now())
        return page(
            "admin/expiry_secret.html",
            active="expiry",
            heading="Your calendar address",
            lead="Subscribe to it in a calendar. Whoever has it can read when things of this account lapse, and can do "
            "nothing else. It is shown this once; a new one makes it void.",
            label="Calendar address",
            text=f"{services.base_url}{CALENDAR_PATH}?key={handle}",
        )

    @views.post("/calendar/remove")
    def remove_calendar() -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, _CHANGE)
            drop_calendar(session, who.account_id, services.clock.now())
        flash("The calendar address is void.")
        return see_other(_PATH)


def _add_webhook_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.post("/webhook")
    def new_webhook() -> Response:
        url = form_text("url", max_length=_URL_MAX).strip()
        with services.store.transaction() as session:
            who = changing(session, services, _CHANGE)
            _check_url(edge, url)
            secret = set_webhook(session, services.ring, who.account_id, url, services.clock.now())
        plan_account(services.expiry_teller, who.account_id)
        return page(
            "admin/expiry_secret.html",
            active="expiry",
            heading="The secret of your webhook",
            lead=f"Messages to {url} are signed with it from now on. It is shown this once.",
            label="Secret",
            text=secret.reveal(),
        )

    @views.post("/webhook/test")
    def test_webhook() -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, _CHANGE)
        with edge.errands.enter(who.account_id):
            flash(send_test(services.expiry_teller, who.account_id).outcome)
        return see_other(_PATH)

    @views.post("/webhook/remove")
    def remove_webhook() -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, _CHANGE)
            drop_webhook(session, who.account_id, services.clock.now())
        flash("Nothing is sent any more.")
        return see_other(_PATH)


def _check_url(edge: Edge, url: str) -> None:
    """Raises: InputError(PARAMETER_INVALID), subject "WebhookUrl", for what the gateway would never send to."""
    try:
        edge.services.fetcher.check_url(url)
    except UpstreamError as exc:
        message = "The address must begin with https://, and name no user."
        raise InputError(Reason.PARAMETER_INVALID, message, exc.detail, subject="WebhookUrl") from exc


def _overview(edge: Edge, session: Session, account_id: str) -> Response:
    services, now = edge.services, edge.services.clock.now()
    radar = read_radar(session, account_id, services.own_keys.states(now), now)
    return page(
        "admin/expiry.html",
        active="expiry",
        groups=radar.groups(now),
        settings=get_expiry_settings(session, account_id),
        choices=ROTATION_DAYS,
        now=now,
    )
