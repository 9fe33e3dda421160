"""How people sign in through an OpenID Provider: our client there, what a login becomes, and who is linked to whom."""

from flask import Blueprint, Response, flash, request
from sqlalchemy.orm import Session

from gateway.directory.groups import get_group
from gateway.directory.identity_links import page_links, unlink_user
from gateway.directory.oidc_providers import get_oidc_provider
from gateway.directory.oidc_sign_in import SignInWish, delete_oidc_sign_in, set_oidc_sign_in
from gateway.directory.provider_logins import LoginSettings, Use, set_login_settings
from gateway.directory.users import find_user_by_id
from gateway.errors import InputError, NotFound, Reason
from gateway.federation.registered import get_registered
from gateway.federation.rules import check_session_name_template
from gateway.identity import Protocol
from gateway.oidc.client_authentication import ClientMethod
from gateway.secret import Secret
from gateway.store.paging import Page
from gateway.web.admin import allowed_to, changing
from gateway.web.admin_fields import sent_date, sent_items, sent_key, sent_number
from gateway.web.admin_oidc import oidc_entity, oidc_path
from gateway.web.edge import Edge, form_text, page, see_other

_CLIENT_ID_MAX = 256
_SECRET_MAX = 1024
_TEMPLATE_MAX = 256
_GROUP_MAX = 64
_LINKS_PER_PAGE = 100
_FOR_USERS = frozenset({Use.USER, Use.BOTH})


def create_oidc_login_blueprint(edge: Edge) -> Blueprint:
    views = Blueprint("oidc_login", __name__, url_prefix="/admin/oidc")
    _add_sign_in_views(views, edge)
    _add_link_views(views, edge)
    return views


def _add_sign_in_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.post("/<name>/sign-in")
    def sign_in(name: str) -> Response:
        client_id, method, wish = (
            form_text("client_id", max_length=_CLIENT_ID_MAX).strip(),
            _sent_method(),
            _sent_wish(),
        )
        secret, expires_at = form_text("client_secret", max_length=_SECRET_MAX, required=False), sent_date("expires_on")
        with services.store.transaction() as session:
            who = changing(session, services, "UpdateOIDCProvider", oidc_entity(session, name))
            set_oidc_sign_in(
                session,
                services.ring,
                get_oidc_provider(session, who.account_id, name),
                client_id=client_id,
                method=method,
                client_secret=Secret(secret) if secret else None,
                wish=wish,
                secret_expires_at=expires_at,
                now=services.clock.now(),
            )
        flash("Saved.")
        return see_other(oidc_path(name))

    @views.post("/<name>/sign-in/delete")
    def delete_sign_in(name: str) -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, "UpdateOIDCProvider", oidc_entity(session, name))
            delete_oidc_sign_in(session, get_oidc_provider(session, who.account_id, name))
        flash("Nobody signs in through it in the browser any more.")
        return see_other(oidc_path(name))

    @views.post("/<name>/login")
    def login(name: str) -> Response:
        settings = _sent_settings()
        with services.store.transaction() as session:
            who = changing(session, services, "UpdateOIDCProvider", oidc_entity(session, name))
            registered = get_registered(session, who.account_id, Protocol.OIDC, name)
            if not _FOR_USERS.isdisjoint((settings.use, registered.settings.use)):
                changing(session, services, "SetUserSsoSettings")  # whoever sets this decides who is which user
            _check_group(session, who.account_id, settings)
            set_login_settings(session, who.account_id, registered.key, settings, now=services.clock.now())
        flash("Saved.")
        return see_other(oidc_path(name))


def _add_link_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/<name>/links")
    def links(name: str) -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "GetOIDCProvider", oidc_entity(session, name))
            registered = get_registered(session, who.account_id, Protocol.OIDC, name)
            found = page_links(session, registered.key, Page(_LINKS_PER_PAGE, request.args.get("after", "")[:20]))
        path = oidc_path(registered.name)
        return page("admin/oidc_links.html", active="oidc", provider=registered, links=found, path=path)

    @views.post("/<name>/links/unlink")
    def unlink(name: str) -> Response:
        user_id = form_text("user", max_length=20)
        with services.store.transaction() as session:
            who = changing(session, services, "UpdateOIDCProvider", oidc_entity(session, name))
            changing(session, services, "SetUserSsoSettings")
            registered = get_registered(session, who.account_id, Protocol.OIDC, name)
            user = find_user_by_id(session, who.account_id, user_id)
            if user is None:
                raise NotFound(Reason.NOT_FOUND, "the user does not exist", subject="User")
            unlink_user(session, user, registered.key)
        flash(f"{user.name} is linked to nobody now. The next login that means this user links it anew.")
        return see_other(f"{oidc_path(name)}/links")


def _sent_method() -> ClientMethod:
    """Raises: InputError(PARAMETER_INVALID)."""
    text = form_text("method", max_length=40)
    if text not in set(ClientMethod):
        raise InputError(
            Reason.PARAMETER_INVALID, "Choose one of the three ways to prove who we are.", subject="Method"
        )
    return ClientMethod(text)


def _sent_wish() -> SignInWish:
    return SignInWish(
        scopes=sent_items("scopes"),
        acr_values=sent_items("acr_values"),
        prompt=sent_items("prompt"),
        max_age_s=sent_number("max_age_s"),
        reads_user_info="reads_user_info" in request.form,
    )


def _sent_settings() -> LoginSettings:
    """Raises: InputError."""
    use = form_text("use", max_length=10)
    if use not in set(Use):
        raise InputError(Reason.PARAMETER_INVALID, "Choose what a sign-in is for.", subject="Use")
    session_name = form_text("session_name", max_length=_TEMPLATE_MAX, required=False).strip()
    if session_name:
        check_session_name_template(session_name)
    return LoginSettings(
        use=Use(use),
        logon_name_key=sent_key("logon_name_key"),
        login_with_domain="login_with_domain" in request.form,
        roles_key=sent_key("roles_key"),
        groups_key=sent_key("groups_key"),
        session_name=session_name,
        creates_users="creates_users" in request.form,
        new_user_group=form_text("new_user_group", max_length=_GROUP_MAX, required=False).strip(),
        new_user_days=sent_number("new_user_days") or LoginSettings().new_user_days,
        second_factors=sent_items("second_factors"),
    )


def _check_group(session: Session, account_id: str, settings: LoginSettings) -> None:
    """Raises: NotFound, subject "Group": a typing error would leave new users without their rights."""
    if settings.new_user_group:
        get_group(session, account_id, settings.new_user_group)
