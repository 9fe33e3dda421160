"""What the blueprints share: the services, the cookies, and how a page is made."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Response, make_response, redirect, render_template, request
from markupsafe import Markup, escape

from gateway.errors import Conflict, InputError, Reason
from gateway.oidc.call_lanes import CallLanes
from gateway.services import Services
from gateway.web.cookies import Cookies, browser_key
from gateway.web.relay import relay_target
from gateway.web.session import set_cookie

_CODE = re.compile(r"`([^`]*)`")
_ERRANDS_AT_ONCE = 3  # of all accounts; a worker process has more threads than that


class Errands:
    """What administrators have fetched while their browser waits: one at a time for an account, three in a process.

    An account chooses the servers, and can choose slow ones. It must not keep the threads that others sign in by.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: set[str] = set()

    @contextmanager
    def enter(self, account_id: str) -> Iterator[None]:
        """Raises: Conflict(CHANGED_MEANWHILE), at once."""
        with self._lock:
            if account_id in self._under_way or len(self._under_way) >= _ERRANDS_AT_ONCE:
                message = "Something is being fetched already. Wait a few seconds, then try again."
                raise Conflict(Reason.CHANGED_MEANWHILE, message, f"errand of {account_id}", subject="Url")
            self._under_way.add(account_id)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.remove(account_id)


@dataclass(frozen=True, slots=True)
class Edge:
    services: Services
    cookies: Cookies
    lanes: CallLanes = field(default_factory=CallLanes)  # for calls to providers that a browser waits for
    errands: Errands = field(default_factory=Errands)

    def browser(self) -> str:
        """The value that binds a login to this browser; empty when it has no binding cookie."""
        return request.cookies.get(self.cookies.flow.name, "")

    def browser_or_new(self) -> str:
        return browser_key(self.browser())

    def bind(self, response: Response, browser: str) -> Response:
        set_cookie(response, self.cookies.flow, browser)
        return response

    def target(self, relay_state: str | None) -> str:
        return relay_target(relay_state, self.services.base_url, self.services.relay_hosts)


def page(template: str, code: int = 200, /, **values: object) -> Response:
    return make_response(render_template(template, **values), code)


def sentence(text: str) -> Markup:
    """A message as a sentence on a page: capital, full stop, and code where the text has backticks."""
    whole = text[:1].upper() + text[1:]
    whole = whole if whole.endswith((".", "!", "?")) else whole + "."
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(whole))))  # noqa: S704 - escaped before the tags


def see_other(target: str) -> Response:
    """Redirect with 303: what comes next is a GET, whatever this request was."""
    response = make_response(redirect(target, code=303))
    response.autocorrect_location_header = False
    return response


def form_text(name: str, *, max_length: int, required: bool = True) -> str:
    """One field of the posted form, at most `max_length` characters; without `required`, empty if not sent.

    Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_TOO_LONG), InputError(PARAMETER_INVALID) for a
    field that was sent twice or holds a NUL, which no database column takes.
    """
    values = request.form.getlist(name)
    if len(values) > 1 or "\x00" in "".join(values):
        raise InputError(Reason.PARAMETER_INVALID, f"`{name}` can't be used as it was sent.", subject=name)
    text = values[0] if values else ""
    if required and not text:
        raise InputError(Reason.PARAMETER_MISSING, f"`{name}` is missing.", subject=name)
    if len(text) > max_length:
        raise InputError(Reason.PARAMETER_TOO_LONG, f"`{name}` is too long.", subject=name)
    return text
