"""The route table: first rule that fits, and nothing that nearly fits."""

import pytest

from gateway.errors import ConfigError, Denied, InputError, Reason
from gateway.guard.route_file import lint_routes, load_routes, read_routes
from gateway.guard.routes import App, filled

ACCOUNT = "1234567890123456"
RULE = """
[[app.rule]]
methods = {methods}
path = "{path}"
action = "{action}"
resource = "{resource}"
"""


def table(*rules: tuple[str, str], methods: str = '["GET"]') -> str:
    head = '[[app]]\nname = "wiki"\norigin = "https://wiki.example.com"\n'
    return head + "".join(
        RULE.format(methods=methods, path=path, action=f"wiki:{action}", resource=f"acs:wiki:*:{ACCOUNT}:{action}")
        for path, action in rules
    )


def wiki(*rules: tuple[str, str]) -> App:
    return read_routes(table(*rules)).get("WIKI.example.com")


def decided(app: App, target: str, method: str = "GET") -> str:
    """What is asked, or why nothing is."""
    try:
        rule, captured = app.find(method, target)
        return rule.question(captured, {}).action
    except InputError as refused:
        return refused.subject
    except Denied as refused:
        return refused.subject


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("/admin", "wiki:Admin"),
        ("/admin?x=1", "wiki:Admin"),
        ("/pages/a", "wiki:Page"),
        ("/pages/a/b", "wiki:Rest"),
        ("/pages/", "wiki:Rest"),
        ("/pages", "wiki:Rest"),
        ("/", "wiki:Rest"),
        ("/ADMIN", "Path"),
        ("/admin/", "Path"),
        ("/Admin/", "Path"),
        ("/\u0061dmin".replace("a", "%ef%bd%81"), "Path"),  # a full-width letter
        ("/PAGES/a", "Path"),
        ("/pages/a/", "Path"),
        ("/.ramgate/x", "Route"),
        ("/.RAMGATE/x", "Route"),
    ],
)
def test_find__first_rule_that_fits__and_none_that_nearly_does(target: str, asked: str) -> None:
    app = wiki(("/admin", "Admin"), ("/pages/{page}", "Page"), ("/{all...}", "Rest"))
    assert decided(app, target) == asked


@pytest.mark.parametrize(
    ("method", "asked"), [("POST", "Route"), ("get", "Method"), ("", "Method"), ("GET ", "Method")]
)
def test_find__other_methods__refused(method: str, asked: str) -> None:
    assert decided(wiki(("/{all...}", "Rest")), "/a", method) == asked


def test_get__unknown_host__denied() -> None:
    routes = read_routes(table(("/a", "A")))
    for host in ("elsewhere.example.com", "wiki.example.com:8443", "", "wiki.example.com."):
        with pytest.raises(Denied) as refused:
            routes.get(host)
        assert refused.value.subject == "Route"


def test_question__captures__stand_in_resource_and_context() -> None:
    text = table().rstrip() + (
        '\n[[app.rule]]\nmethods = ["GET"]\npath = "/{kind}/{name...}"\naction = "wiki:Read"\n'
        'resource = "acs:wiki:*:{CallerAccountId}:{kind}/{name}"\ncontext = { "wiki:Kind" = ["{kind}", "x"] }\n'
    )
    rule, captured = read_routes(text).get("wiki.example.com").find("GET", "/page/a/b%20c")
    question = rule.question(captured, {"acs:SourceIp": ("10.0.0.1",)})
    assert question.asked_by(ACCOUNT).resource == f"acs:wiki:*:{ACCOUNT}:page/a/b c"
    assert (question.context["wiki:Kind"], question.client_address) == (("page", "x"), "10.0.0.1")


def test_filled__braces_in_what_was_captured__are_not_looked_at_again() -> None:
    assert filled("{a}/{b}/{c}", {"a": "{b}", "b": "{CallerAccountId}"}) == "{b}/{CallerAccountId}/{c}"
    assert filled("{a", {"a": "x"}) == "{a"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[app]", "not valid TOML"),
        ("apps = 1", "`apps` is not known"),
        ("app = 1", "is written as"),
        ('[[app]]\nname = "Wiki"\norigin = "https://w.example"', "small letters"),
        ('[[app]]\nname = "wiki"\norigin = "http://w.example"', "must use https"),
        ('[[app]]\nname = "wiki"\norigin = "https://W.example"', "small letters"),
        ('[[app]]\nname = "wiki"\norigin = "https://w.example/"', "is written like"),
        ('[[app]]\nname = "wiki"\norigin = "https://u@w.example"', "is written like"),
        ('[[app]]\nname = "wiki"\norigin = "https://w.example:443"', "leaves out the port"),
        ('[[app]]\nname = "wiki"\norigin = "https://w.example:x"', "can't be read"),
        (table() + table(), "the same name"),
        (table(("/a", "A"), ("/a", "B")), "never decides: rule 1"),
        (table(("/{x}", "A"), ("/a", "B")), "never decides: rule 1"),
        (table(("/{x...}", "A"), ("/a/{y}", "B")), "never decides: rule 1"),
        (table(("a", "A")), "starts with a slash"),
        (table(("/a//b", "A")), "can never be asked for"),
        (table(("/../b", "A")), "can never be asked for"),
        (table(("/%41", "A")), "written decoded"),
        (table(("/a{b}", "A")), "whole segment"),
        (table(("/{b...}/c", "A")), "at the end only"),
        (table(("/{b}/{b}", "A")), "same name"),
        (table(("/.ramgate/x", "A")), "the gateway's own"),
        (table(("/a", "A"), methods='["get"]'), "`methods` is a list"),
        (table(("/a", "A"), methods="[]"), "`methods` is a list"),
        (table(("/a", "*")), "an action is written"),
        (table(("/a", "A")).replace(ACCOUNT, "*"), "a resource is written"),
        (table(("/a", "A")).replace(":A", ":{b}"), "the path has no `{b}`"),
        (table(("/{b}", "A")).replace(ACCOUNT, "{b}"), "last field"),
        (table(("/{b}", "A")).replace("acs:wiki:*", "acs:wiki:{b}"), "last field"),
        (table(("/a", "A")).replace(f"{ACCOUNT}:A", f"{ACCOUNT}:{{CallerAccountId}}"), "account field"),
        (table(("/a", "A")) + 'context = { "acs:MFAPresent" = "true" }', "not for a service to tell"),
        (table(("/a", "A")) + 'context = { "acs:SourceIp" = "10.0.0.1" }', "the proxy says"),
        (table(("/a", "A")) + "context = 1", "table of condition keys"),
        (table(("/a", "A")) + 'context = { "wiki:A" = 1 }', "a text"),
        (table(("/a", "A")) + "more = 1", "`more` is not known"),
    ],
)
def test_read_routes__unusable__says_where(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_routes(text)
    assert refused.value.reason is Reason.CONFIG_INVALID
    assert problem in refused.value.public


def test_load_routes__no_file__refused_and_no_name__empty() -> None:
    assert load_routes("").apps == {}
    with pytest.raises(ConfigError):
        load_routes("/nowhere/routes.toml")


def test_lint__odd_rules__are_named() -> None:
    found = {
        each.problem.partition(":")[0] for each in lint_routes(read_routes(table(("/a/{b...}", "A"), ("/a", "B"))))
    }
    assert any("put this first" in problem for problem in found)
    assert any("stands in no resource" in problem for problem in found)
    assert any("without HEAD" in problem for problem in found)
    assert [each.problem for each in lint_routes(read_routes(table()))] == ["it has no rule: nobody can open anything"]
