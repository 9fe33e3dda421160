"""Mapping rules of an identity provider, SAML and OIDC alike: list, add, change, order, and try with sample claims."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, Response, flash
from sqlalchemy.orm import Session

from gateway.directory.mapping_rules import (
    MappingRuleRow,
    RuleContent,
    create_rule,
    delete_rule,
    get_rule,
    list_rules,
    move_rule,
    update_rule,
)
from gateway.errors import GatewayError, InputError
from gateway.federation.registered import RegisteredProvider, get_registered
from gateway.federation.rule_trial import Trial, try_rules
from gateway.federation.rules import check_session_name_template
from gateway.identity import Protocol
from gateway.oidc.sample import MAX_SAMPLE, read_sample
from gateway.principal import Principal
from gateway.web.admin import allowed_to, changing
from gateway.web.admin_fields import sent_items, sent_number
from gateway.web.admin_oidc import oidc_entity, oidc_path
from gateway.web.admin_providers import provider_path, saml_entity
from gateway.web.advice import status_of
from gateway.web.company_login import login_occasion
from gateway.web.edge import Edge, form_text, page, see_other

_NAME_MAX = 64
_CONDITION_MAX = 4096
_TEMPLATE_MAX = 256
_PLACE_MAX = 3


@dataclass(frozen=True, slots=True)
class _Kind:
    """What differs between the two protocols: whose page it is, and what policies are asked about."""

    protocol: Protocol
    prefix: str
    active: str
    noun: str
    path: Callable[[str], str]
    entity: Callable[[Session, str], str]


@dataclass(frozen=True, slots=True)
class RuleForm:
    """A rule as it was typed."""

    name: str = ""
    condition: str = "{}"
    role_arns: tuple[str, ...] = ()
    session_name: str = ""
    max_duration_s: int | None = None


_SAML = _Kind(Protocol.SAML, "/admin/providers", "providers", "SAMLProvider", provider_path, saml_entity)
_OIDC = _Kind(Protocol.OIDC, "/admin/oidc", "oidc", "OIDCProvider", oidc_path, oidc_entity)


def create_rules_blueprints(edge: Edge) -> tuple[Blueprint, Blueprint]:
    return _blueprint(edge, _SAML), _blueprint(edge, _OIDC)


def _blueprint(edge: Edge, kind: _Kind) -> Blueprint:
    views = Blueprint(f"{kind.protocol}_rules", __name__, url_prefix=kind.prefix)
    _add_reading_views(views, edge, kind)
    _add_changing_views(views, edge, kind)
    return views


def _add_reading_views(views: Blueprint, edge: Edge, kind: _Kind) -> None:
    services = edge.services

    @views.get("/<name>/rules")
    def listing(name: str) -> Response:
        with services.store.reading() as session:
            return _rules_page(session, kind, _looked_up(edge, session, kind, name))

    @views.get("/<name>/rule/<rule>")
    def detail(name: str, rule: str) -> Response:
        with services.store.reading() as session:
            provider = _looked_up(edge, session, kind, name)
            row = get_rule(session, provider.key, rule)
        return _rule_page(kind, provider, _form_of(row), None)

    @views.post("/<name>/rules-trial")
    def trial(name: str) -> Response:
        text = form_text("claims", max_length=MAX_SAMPLE, required=False)
        with services.store.reading() as session:
            provider = _looked_up(edge, session, kind, name)
            try:
                sample = read_sample(text)
            except InputError as error:
                return _rules_page(session, kind, provider, claims=text, bad_claims=error)
            tried = try_rules(session, provider, sample, login_occasion(services.clock.now()))
            return _rules_page(session, kind, provider, claims=text, trial=tried)


def _add_changing_views(views: Blueprint, edge: Edge, kind: _Kind) -> None:
    services = edge.services

    @views.post("/<name>/rules")
    def add(name: str) -> Response:
        form, now = _sent_form(form_text("rule", max_length=_NAME_MAX)), services.clock.now()
        try:
            with services.store.transaction() as session:
                provider, who = _changed(edge, session, kind, name)
                create_rule(session, who.account_id, provider.key, form.name, _content(form), now=now)
        except InputError as error:
            with services.store.reading() as session:
                return _rules_page(session, kind, _looked_up(edge, session, kind, name), form=form, bad_rule=error)
        flash(f"{form.name} is asked last.")
        return see_other(_rules_path(kind, provider))

    @views.post("/<name>/rule/<rule>")
    def change(name: str, rule: str) -> Response:
        form, now = _sent_form(rule), services.clock.now()
        try:
            with services.store.transaction() as session:
                provider, who = _changed(edge, session, kind, name)
                update_rule(session, who.account_id, provider.key, rule, _content(form), now=now)
        except InputError as error:
            with services.store.reading() as session:
                return _rule_page(kind, _looked_up(edge, session, kind, name), form, error)
        flash("Saved.")
        return see_other(_rules_path(kind, provider))

    @views.post("/<name>/rule/<rule>/move")
    def move(name: str, rule: str) -> Response:
        form_text("place", max_length=_PLACE_MAX)
        with services.store.transaction() as session:
            provider, who = _changed(edge, session, kind, name)
            move_rule(session, who.account_id, provider.key, rule, sent_number("place") or 1)
        return see_other(_rules_path(kind, provider))

    @views.post("/<name>/rule/<rule>/delete")
    def delete(name: str, rule: str) -> Response:
        with services.store.transaction() as session:
            provider, who = _changed(edge, session, kind, name)
            delete_rule(session, who.account_id, provider.key, rule)
        flash(f"{rule} is deleted.")
        return see_other(_rules_path(kind, provider))


def _looked_up(edge: Edge, session: Session, kind: _Kind, name: str) -> RegisteredProvider:
    who = allowed_to(session, edge.services, f"Get{kind.noun}", kind.entity(session, name))
    return get_registered(session, who.account_id, kind.protocol, name)


def _changed(edge: Edge, session: Session, kind: _Kind, name: str) -> tuple[RegisteredProvider, Principal]:
    who = changing(session, edge.services, f"Update{kind.noun}", kind.entity(session, name))
    return get_registered(session, who.account_id, kind.protocol, name), who


def _rules_path(kind: _Kind, provider: RegisteredProvider) -> str:
    return f"{kind.path(provider.name)}/rules"


def _sent_form(name: str) -> RuleForm:
    return RuleForm(
        name=name.strip(),
        condition=form_text("condition", max_length=_CONDITION_MAX, required=False).strip() or "{}",
        role_arns=sent_items("roles"),
        session_name=form_text("session_name", max_length=_TEMPLATE_MAX, required=False).strip(),
        max_duration_s=sent_number("max_duration_s"),
    )


def _content(form: RuleForm) -> RuleContent:
    """Raises: InputError(PARAMETER_INVALID), subject "SessionName"."""
    check_session_name_template(form.session_name)
    return RuleContent(form.condition, form.role_arns, form.session_name, form.max_duration_s)


def _form_of(row: MappingRuleRow) -> RuleForm:
    return RuleForm(row.name, row.condition_text, row.role_arns, row.session_name, row.max_duration_s)


def _rules_page(
    session: Session,
    kind: _Kind,
    provider: RegisteredProvider,
    *,
    form: RuleForm | None = None,
    bad_rule: GatewayError | None = None,
    claims: str = "",
    bad_claims: GatewayError | None = None,
    trial: Trial | None = None,
) -> Response:
    problem = bad_rule or bad_claims
    path = kind.path(provider.name)
    rules = [(row, f"{path}/rule/{quote(row.name, safe='')}") for row in list_rules(session, provider.key)]
    return page(
        "admin/rules.html",
        status_of(problem) if problem else 200,
        active=kind.active,
        provider=provider,
        path=path,
        rules=rules,
        form=form or RuleForm(session_name=_usual_name(kind)),
        bad_rule=bad_rule.public if bad_rule else None,
        claims=claims,
        bad_claims=bad_claims.public if bad_claims else None,
        trial=trial,
    )


def _rule_page(kind: _Kind, provider: RegisteredProvider, form: RuleForm, problem: GatewayError | None) -> Response:
    path = kind.path(provider.name)
    return page(
        "admin/rule.html",
        status_of(problem) if problem else 200,
        active=kind.active,
        provider=provider,
        form=form,
        action=f"{path}/rule/{quote(form.name, safe='')}",
        back=f"{path}/rules",
        problem=problem.public if problem else None,
    )


def _usual_name(kind: _Kind) -> str:
    return "${oidc:claim/email}" if kind.protocol is Protocol.OIDC else "${saml:sub}"
