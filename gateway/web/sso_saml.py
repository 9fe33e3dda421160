"""The SAML endpoints of the browser: starts, the two consumers, taking a role, our metadata."""

from flask import Blueprint, Response, request

from gateway.arn import parse_ram_arn, role_arn
from gateway.directory.accounts import get_account
from gateway.directory.domains import find_account
from gateway.federation.aims import ROLE, Aim
from gateway.federation.login import RoleSignedIn, take_role
from gateway.saml.sp_metadata import role_sso_metadata, user_sso_metadata
from gateway.web.company_login import login_occasion, role_taken
from gateway.web.edge import Edge, form_text
from gateway.web.saml_answers import consume, role_answer, user_answer
from gateway.web.saml_pages import on_to_provider
from gateway.web.session import end_current
from gateway.web.sso_start import Start, ask, role_door, user_door
from gateway.web.step_up import step_up_away

_ARN_MAX = 1024
_METADATA_TYPE = "application/samlmetadata+xml"


def create_sso_blueprint(edge: Edge) -> Blueprint:
    """Endpoints that other sites send browsers to. They take no form token: the assertion itself, its one-time
    claim and the binding cookie stand in for it.
    """
    views = Blueprint("sso", __name__)
    _add_start_views(views, edge)
    _add_consumers(views, edge)
    _add_metadata_views(views, edge)
    return views


def _add_start_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/saml/start/<account_id>")
    def start(account_id: str) -> Response:
        begun = Start(edge.browser_or_new(), edge.target(request.args.get("callback")))
        with services.store.reading() as session:
            door = user_door(session, account_id)
        return on_to_provider(edge, ask(services, door, begun), begun.browser)

    @views.get("/saml-role/start/<account>/<name>")
    def role_start(account: str, name: str) -> Response:
        with services.store.reading() as session:
            found = find_account(session, account, services.domain_suffix)
            door = role_door(session, found.id if found else account, name)
        aim, target = Aim(role_arn=_sent_role(door.account_id)), edge.target(request.args.get("callback"))
        begun = Start(edge.browser_or_new(), target, ROLE, aim)
        return on_to_provider(edge, ask(services, door, begun), begun.browser)


def _add_consumers(views: Blueprint, edge: Edge) -> None:
    """Answers come by POST; references to answers, which we resolve at the provider, also by GET."""

    @views.post("/saml/SSO")
    def user_acs() -> Response:
        return consume(edge, user_answer)

    @views.post("/<account_id>/saml/SSO")
    def user_acs_of_account(account_id: str) -> Response:
        return consume(edge, user_answer, account_id)

    @views.post("/saml-role/sso")
    def role_acs() -> Response:
        return consume(edge, role_answer)

    @views.get("/saml/SSO")
    def user_artifact() -> Response:
        return consume(edge, user_answer)

    @views.get("/saml-role/sso")
    def role_artifact() -> Response:
        return consume(edge, role_answer)


def create_role_blueprint(edge: Edge) -> Blueprint:
    """Taking a role from the selection page: a form of ours, with a form token."""
    views = Blueprint("role", __name__)

    @views.post("/saml-role/take")
    def take() -> Response:
        with edge.services.store.transaction() as session:
            outcome = take_role(
                session,
                edge.services.ring,
                offer_id=form_text("offer", max_length=100),
                browser=edge.browser(),
                role_arn=form_text("role_arn", max_length=1024),
                provider_arn=form_text("provider_arn", max_length=1024),
                occasion=login_occasion(edge.services.clock.now()),
            )
            if isinstance(outcome, RoleSignedIn):
                end_current(session, edge.services, edge.cookies)
                return role_taken(edge, outcome)
        return step_up_away(edge, outcome, edge.browser())

    return views


def _add_metadata_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/saml/SpMetadata.xml")
    def user_metadata() -> Response:
        with services.store.reading() as session:
            account = get_account(session, request.args.get("tenantID", ""))
        document = user_sso_metadata(services.base_url, account.id, services.sp_keys, encryption=_asks_encryption())
        return Response(document, mimetype=_METADATA_TYPE)

    @views.get("/saml-role/sp-metadata.xml")
    def role_metadata() -> Response:
        document = role_sso_metadata(
            services.base_url, services.role_sso_urn, services.sp_keys, encryption=_asks_encryption()
        )
        return Response(document, mimetype=_METADATA_TYPE)


def _asks_encryption() -> bool:
    """`encryption=true` in a metadata URL: the IdP is told our encryption key."""
    return request.args.get("encryption", "").lower() == "true"


def _sent_role(account_id: str) -> str:
    """The role that the person wants, by its ARN or by the name of one of that account; empty for none.

    Raises: InputError(ARN_MALFORMED).
    """
    text = request.args.get("role", "")[:_ARN_MAX].strip()
    return str(parse_ram_arn(text if ":" in text else role_arn(account_id, text), "role")) if text else ""
