"""The calendar address of an account: whoever has it may read, without signing in.

The secret stands in the query, which no log of ours repeats. An address that is not known, or not any more, answers as
a page that does not exist.
"""

import hashlib

from flask import Blueprint, Response, request

from gateway.directory.accounts import get_account
from gateway.directory.expiry_calendar import AHEAD, expiry_calendar
from gateway.directory.expiry_radar import read_radar
from gateway.directory.expiry_settings import find_calendar_account
from gateway.errors import InputError, Reason
from gateway.web.edge import Edge

CALENDAR_PATH = "/calendar/expiry.ics"
_TYPE = "text/calendar; charset=utf-8"


def create_expiry_feed_blueprint(edge: Edge) -> Blueprint:
    services, views = edge.services, Blueprint("expiry_feed", __name__)

    @views.get(CALENDAR_PATH)
    def calendar() -> Response:
        now, keys = services.clock.now(), request.args.getlist("key")
        with services.store.reading() as session:
            account_id = find_calendar_account(session, keys[0]) if len(keys) == 1 else None
            if account_id is None:
                raise InputError(Reason.PAGE_NOT_FOUND, "There is no page at this address.")
            account = get_account(session, account_id)
            radar = read_radar(session, account_id, services.own_keys.states(now), now, ahead=AHEAD)
        name = account.display_name or account.alias
        body = expiry_calendar(radar.things, name, services.base_url)
        response = Response(body, content_type=_TYPE)
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Content-Disposition"] = 'inline; filename="expiry.ics"'
        response.set_etag(hashlib.sha256(body).hexdigest())
        response.make_conditional(request)
        return response

    return views
