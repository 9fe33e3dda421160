"""Simulations for administrators: a call foreseen step by step, and who can take a role."""

import json
from collections.abc import Mapping

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from gateway.errors import GatewayError
from gateway.services import Services
from gateway.simulation.call import Stage, Supposed, simulate_call
from gateway.simulation.chain import Chain
from gateway.simulation.circumstances import LONGEST, read_circumstances
from gateway.simulation.reach_role import who_takes_role
from gateway.store.paging import Page
from gateway.web.admin import allowed_to
from gateway.web.edge import Edge, form_text, page

_FIELDS = {"principal": 256, "roles": 2048, "action": 162, "resource": 2048, "policy": 4096, "context": LONGEST}
_LISTED = 100
_EXAMPLE = json.dumps({"acs:SourceIp": "203.0.113.7", "acs:MFAPresent": True})


def create_simulate_blueprint(edge: Edge) -> Blueprint:
    services = edge.services
    views = Blueprint("simulate", __name__, url_prefix="/admin/simulate")

    @views.get("")
    def form() -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "SimulateCall")
        asked = {name: request.args.get(name, "")[:longest] for name, longest in _FIELDS.items()}
        return _show(asked, who.account_id)

    @views.post("")
    def foresee() -> Response:
        asked = {name: form_text(name, max_length=longest, required=False) for name, longest in _FIELDS.items()}
        with services.store.reading() as session:
            who = allowed_to(session, services, "SimulateCall")
            stage = _stage(session, services, who.account_id)
            try:
                chain = _foresee(stage, asked)
            except GatewayError as error:
                return _show(asked, who.account_id, problem=error.public)
        return _show(asked, who.account_id, chain)

    @views.get("/role/<name>")
    def reach(name: str) -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "ListReachingPrincipals", f"role/{name[:128]}")
            stage = _stage(session, services, who.account_id)
            found = who_takes_role(stage, name[:128], {}, Page(_LISTED, request.args.get("after", "")[:200]))
        return page("admin/reach.html", active="simulate", name=name, reach=found)

    return views


def _stage(session: Session, services: Services, account_id: str) -> Stage:
    return Stage(session, services.authorizer, account_id, services.clock.now())


def _foresee(stage: Stage, asked: Mapping[str, str]) -> Chain:
    supposed = Supposed(
        asked["principal"].strip(),
        tuple(asked["roles"].split()),
        asked["policy"].strip() or None,
        asked["action"].strip(),
        asked["resource"].strip() or "*",
    )
    return simulate_call(stage, supposed, read_circumstances(asked["context"].strip(), stage.now))


def _show(asked: Mapping[str, str], account_id: str, chain: Chain | None = None, problem: str = "") -> Response:
    return page(
        "admin/simulate.html",
        400 if problem else 200,
        active="simulate",
        asked=asked,
        account_id=account_id,
        chain=chain,
        problem=problem,
        example=_EXAMPLE,
    )
