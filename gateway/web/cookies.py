"""The names and flags of our cookies. On https each has the `__Host-` prefix: no sibling host can plant one."""

from dataclasses import dataclass
from typing import Literal

from gateway.ids import new_handle

_FLOW_LIFETIME_S = 15 * 60  # outlives a pending login (10 minutes) and a role offer (5 minutes)
_STEP_LIFETIME_S = 10 * 60
_TEST_LIFETIME_S = 10 * 60
_TICKET_LIFETIME_S = 7 * 24 * 3600
_MAX_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Cookie:
    name: str
    secure: bool
    same_site: Literal["Lax", "None"]
    max_age_s: int | None = None  # None: until the browser closes


@dataclass(frozen=True, slots=True)
class Cookies:
    session: Cookie  # the handle of the server-side session, nothing else
    flow: Cookie  # binds a login under way to the browser that began it
    step: Cookie  # the handle of a sign-in that owes a step, nothing else
    test: Cookie  # the handle of a connection test that waits for an answer in this browser, nothing else
    ticket: Cookie  # sealed; spares this browser the second factor, where the account allows it
    form: Cookie  # signed; holds the secret behind form tokens


def cookies_for(base_url: str) -> Cookies:
    """`flow` must come along when an IdP on another site posts to us. Browsers allow that only as SameSite=None,
    which needs https; on plain-http loopback the Lax cookie comes with the re-post from our own page instead.
    """
    secure = base_url.startswith("https://")
    prefix = "__Host-" if secure else ""
    return Cookies(
        session=Cookie(prefix + "ramgate_session", secure, "Lax"),
        flow=Cookie(prefix + "ramgate_flow", secure, "None" if secure else "Lax", _FLOW_LIFETIME_S),
        step=Cookie(prefix + "ramgate_step", secure, "Lax", _STEP_LIFETIME_S),
        test=Cookie(prefix + "ramgate_test", secure, "None" if secure else "Lax", _TEST_LIFETIME_S),
        ticket=Cookie(prefix + "ramgate_ticket", secure, "Lax", _TICKET_LIFETIME_S),
        form=Cookie(prefix + "ramgate_form", secure, "Lax"),
    )


def browser_key(flow_cookie: str) -> str:
    """The value that names this browser: the cookie's if it can be one, else a new one."""
    return flow_cookie if 0 < len(flow_cookie) <= _MAX_LENGTH and flow_cookie.isascii() else new_handle()
