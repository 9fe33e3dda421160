"""`ramgate routes`: the route table of applications behind a proxy, looked at before it counts."""

from urllib.parse import urlsplit

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup, TextFile
from gateway.cli.printing import Row
from gateway.errors import InputError, Reason
from gateway.guard.route_file import lint_routes, read_routes


@click.group("routes", cls=DeskGroup)
def routes() -> None:
    """The route table of applications behind a proxy, looked at before it counts."""


@routes.command("check")
@click.argument("document", type=TextFile(), metavar="FILE")
@pass_desk
def check(desk: Desk, document: str) -> None:
    """Read a FILE of routes, and say what is wrong with it or seldom meant."""
    table = read_routes(document)
    found: list[Row] = [{"where": each.place, "what": each.problem} for each in lint_routes(table)]
    if found:
        desk.out.rows(found, ("where", "what"))
        return
    count = sum(len(app.rules) for app in table.apps.values())
    desk.out.done(
        f"{len(table.apps)} applications, {count} rules, nothing odd", {"applications": len(table.apps), "rules": count}
    )


@routes.command("try")
@click.argument("document", type=TextFile(), metavar="FILE")
@click.argument("method")
@click.argument("url")
@pass_desk
def try_one(desk: Desk, document: str, method: str, url: str) -> None:
    """Say what a request would be decided on: METHOD and URL as a browser would send them, still encoded."""
    origin, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if origin not in {"http", "https"} or not urlsplit(url).hostname or not slash:
        message = "the URL is written like https://wiki.example.com/pages/home"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="url")
    app = read_routes(document).get(host)
    rule, captured = app.find(method, slash + path)
    question = rule.question(captured, {})
    desk.out.record(
        {
            "app": app.name,
            "rule": rule.number,
            "path": rule.pattern.text,
            "action": question.action,
            "resource": question.resource,
            "context": {key: list(values) for key, values in rule.context.items()},
        }
    )
