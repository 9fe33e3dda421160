"""Who is signed in to the account, and ending it: by session, or by whatever sessions came from."""

from flask import Blueprint, Response, flash, request

from gateway.errors import InputError, Reason
from gateway.federation.recall import LONGEST_VALUE, RecallKind, parse_recall, recall_sessions
from gateway.principal import AccountOwner, Principal, RamUser
from gateway.sts.live_sessions import list_live_sessions
from gateway.web.admin import allowed_to, changing
from gateway.web.edge import Edge, form_text, page, see_other
from gateway.web.session import current_session

_PATH = "/admin/sessions"
_LONGEST_AFTER = 100
_LONGEST_KIND = 20


def create_sessions_blueprint(edge: Edge) -> Blueprint:
    services = edge.services
    views = Blueprint("sessions", __name__, url_prefix=_PATH)

    @views.get("")
    def listing() -> Response:
        now, after = services.clock.now(), request.args.get("after", "")[:_LONGEST_AFTER]
        with services.store.reading() as session:
            who = allowed_to(session, services, "RevokeSessions", "session/*")
            found = list_live_sessions(session, services.ring, who.account_id, now, after)
        return page(
            "admin/sessions.html",
            active="sessions",
            rows=[(each, _kind(each.principal), _name(each.principal)) for each in found.sessions],
            own=current_session().session_id,
            first=not after,
            next_after=found.next_after,
            kinds=[kind for kind in RecallKind if kind is not RecallKind.SESSION],
        )

    @views.post("/revoke")
    def revoke() -> Response:
        wanted = parse_recall(_sent_kind(), form_text("value", max_length=LONGEST_VALUE).strip())
        with services.store.transaction() as session:
            session.connection()  # wait for the write lock before the clock is read
            entity = f"session/{wanted.value}" if wanted.kind is RecallKind.SESSION else "session/*"
            who = changing(session, services, "RevokeSessions", entity)
            name = recall_sessions(session, who.account_id, wanted, services.clock.now())
        flash(f"Every session that came from {wanted.kind} {name} has ended.")
        return see_other(_PATH)

    return views


def _sent_kind() -> RecallKind:
    """Raises: InputError(PARAMETER_INVALID)."""
    text = form_text("kind", max_length=_LONGEST_KIND)
    try:
        return RecallKind(text)
    except ValueError as exc:
        raise InputError(Reason.PARAMETER_INVALID, "Sessions are not called back by that.", subject="kind") from exc


def _kind(principal: Principal) -> str:
    match principal:
        case AccountOwner():
            return "Owner"
        case RamUser():
            return "User"
        case _:
            return "Role"


def _name(principal: Principal) -> str:
    match principal:
        case AccountOwner():
            return principal.login
        case RamUser():
            return principal.name
        case _:
            return f"{principal.role_name} as {principal.session_name}"
