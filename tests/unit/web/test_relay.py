import pytest

from gateway.web.relay import HOME, form_sources, relay_target

BASE = "https://sso.example.com"
HOSTS = ("console.example.com", "*.apps.example.com")


@pytest.mark.parametrize(
    "text",
    [
        "/session",
        "/admin/providers?x=1#y",
        "/session?action=ram%3AListUsers&resource=acs:ram:*:*:user/*",
        "https://sso.example.com/session",
        "https://sso.example.com:443/session",
        "https://console.example.com",
        "https://console.example.com/a?b=https://elsewhere.example",
        "https://CONSOLE.example.com/",
        "https://a.apps.example.com/x",
        "https://a.b.apps.example.com/x",
    ],
)
def test_relay_target__own_or_listed__is_kept(text: str) -> None:
    assert relay_target(text, BASE, HOSTS) == text


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        " https://console.example.com",
        "https://console.example.com\r\nSet-Cookie: a=b",
        "/session\r\nX: y",
        "/\x00/evil",
        "/..//evil.example",
        "/.//evil.example",
        "/a//evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "http://console.example.com/",
        "http://sso.example.com/",
        "HTTPS://console.example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://console.example.com@evil.example/",
        "https://console.example.com:x@evil.example/",
        "https://console.example.com%40evil.example/",
        "https://console.example.com\\@evil.example/",
        "https://console.example.com.evil.example/",
        "https://console.example.com./",
        "https://evilconsole.example.com/",
        "https://apps.example.com/",
        "https://.apps.example.com.evil.example/",
        "https://evil-apps.example.com/",
        "https://console.example.com:8443/",
        "https://sso.example.com:444/",
        "https://[::1]/",
        "https://console.example.com？evil",
        "https://cønsole.example.com/",
        "session",
        "?x",
        "https://console.example.com/" + "a" * 2048,
    ],
)
def test_relay_target__anything_else__goes_home(text: str | None) -> None:
    assert relay_target(text, BASE, HOSTS) == HOME


def test_relay_target__loopback_with_port__is_our_own_origin_only_with_that_port() -> None:
    assert relay_target("http://127.0.0.1:8080/session", "http://127.0.0.1:8080", ()) == "http://127.0.0.1:8080/session"
    assert relay_target("http://127.0.0.1:8081/session", "http://127.0.0.1:8080", ()) == HOME


def test_form_sources__hosts__become_https_sources_and_nothing_else_gets_in() -> None:
    assert form_sources((*HOSTS, "a; script-src *")) == ("https://console.example.com", "https://*.apps.example.com")
