"""What a resource service asks about: an action, a resource, and what it saw of its client. Bounded, read once. Pure.

A service tells the circumstances that it alone saw (the client's address, tags, its own keys such as `oss:Prefix`).
What the gateway knows itself can't be told: who the caller is, what time it is, whether a second factor was proved.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from gateway.client import Client
from gateway.directory.names import is_storable
from gateway.errors import InputError, Reason
from gateway.policy.fold import fold
from gateway.policy.values import parse_address

LONGEST_ACTION = 162
LONGEST_RESOURCE = 2048
LONGEST_CONTEXT = 16_384
CALLER_ACCOUNT = "{CallerAccountId}"  # stands in the account field of a resource, for lists of the caller's own things
SOURCE_IP, SECURE_TRANSPORT, ACCESS_ID = "acs:SourceIp", "acs:SecureTransport", "acs:AccessId"

_MOST_KEYS, _MOST_VALUES = 64, 64
_ACTION = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,31}):[A-Za-z0-9][A-Za-z0-9/._-]{0,127}")
_RESOURCE = re.compile(
    r"acs:([a-z][a-z0-9-]{0,31}):([a-z0-9-]{0,64}|\*):([0-9]{16}|\{CallerAccountId\}):(.+)", re.DOTALL
)
_ACCOUNT_FIELD = 3
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,31}):(\S.{0,254})", re.DOTALL)
# Of the keys that every service has, those that it can know better than the gateway does.
_TOLD = frozenset({"acs:sourceip", "acs:securetransport", "acs:sourcevpc", "acs:useragent", "acs:accessid"})
_TOLD_FAMILIES = ("acs:resourcetag/", "acs:requesttag/")
_OURS = frozenset({"acs", "ram", "sts", "ims", "saml", "oidc"})  # prefixes of which nothing else can be told
_ONE_VALUE = {"acs:sourceip": SOURCE_IP, "acs:securetransport": SECURE_TRANSPORT}

Context = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """Made by `read_question`. `context` has each key once, whatever its case, and no key of the gateway's own."""

    action: str
    resource: str
    context: Context = field(repr=False)  # may hold attributes of a person
    service: str = ""  # the code in front of the action, in lower case

    @property
    def resource_service(self) -> str:
        return self.resource.split(":", 2)[1]

    @property
    def resource_account(self) -> str:
        """16 digits, or `CALLER_ACCOUNT`."""
        return self.resource.split(":", 4)[_ACCOUNT_FIELD]

    @property
    def client_address(self) -> str:
        """Where the service's client is, as far as the service told; empty if it did not."""
        return "".join(self.context.get(SOURCE_IP, ()))

    def asked_by(self, account_id: str) -> "Question":
        """The same with the caller's account where the resource leaves it open."""
        if self.resource_account != CALLER_ACCOUNT:
            return self
        fields = self.resource.split(":", 4)
        fields[_ACCOUNT_FIELD] = account_id
        return replace(self, resource=":".join(fields))


def read_question(action: str, resource: str, context: Context) -> Question:
    """Check an action and a resource that are about to be decided on.

    Refused: an action or a resource that is a pattern or no name at all; a resource that does not say whose it is.
    Raises: InputError(PARAMETER_INVALID), subject "Action"; InputError(ARN_MALFORMED), subject "Resource".
    """
    named = _ACTION.fullmatch(action) if len(action) <= LONGEST_ACTION else None
    if named is None:
        message = "an action is written like oss:GetObject"
        raise InputError(Reason.PARAMETER_INVALID, message, action[:LONGEST_ACTION], subject="Action")
    fits = len(resource) <= LONGEST_RESOURCE and is_storable(resource)
    if not fits or not _RESOURCE.fullmatch(resource):
        message = "a resource is written like acs:oss:cn-hangzhou:1234567890123456:bucket/key"
        raise InputError(Reason.ARN_MALFORMED, message, resource[:LONGEST_RESOURCE], subject="Resource")
    return Question(action, resource, context, named[1].lower())


def read_context(text: str | None) -> Context:
    """The circumstances as a JSON object of condition key to value, or to a list of values.

    Values are texts, numbers and booleans, and become texts as they were written. Without `acs:SecureTransport` the
    client's connection counts as not secure.
    Refused: more than 16,384 characters of keys and values, 64 keys, or 64 values of a key; a key twice, in whatever
    case; keys that are the gateway's to tell; an address that is none.
    Raises: InputError(PARAMETER_INVALID), subject "Context".
    """
    return check_context({} if text is None else _load(text))


def check_context(told: Mapping[str, Any]) -> Context:
    """As `read_context`, of values that are read already. Raises: the same."""
    if len(told) > _MOST_KEYS:
        raise malformed_context(f"it has more than {_MOST_KEYS} keys")
    context: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    for key, value in told.items():
        folded = _check_key(key)
        if folded in seen:
            raise malformed_context("a key is there twice")
        seen.add(folded)
        context[_ONE_VALUE.get(folded, key)] = _values(folded, value)
    if sum(len(key) + sum(map(len, values)) for key, values in context.items()) > LONGEST_CONTEXT:
        raise malformed_context(f"it has more than {LONGEST_CONTEXT} characters")
    if SECURE_TRANSPORT not in context:
        context[SECURE_TRANSPORT] = ("false",)
    return MappingProxyType(context)


def told_of(client: Client) -> Context:
    """What a proxy, or a server of our own, saw of a client."""
    address = {SOURCE_IP: (client.address,)} if client.address else {}
    return {**address, SECURE_TRANSPORT: ("true" if client.secure else "false",)}


def load_json(text: str) -> Any:
    """JSON with each member once, and every number as the text that it was written as. Raises: ValueError."""
    try:
        return _JSON.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _load(text: str) -> Mapping[str, Any]:
    try:
        value = load_json(text)
    except ValueError:
        raise malformed_context("it is not JSON with each member once") from None
    if not isinstance(value, dict):
        raise malformed_context("it is not a JSON object")
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _no_constant(_text: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


_JSON = json.JSONDecoder(
    object_pairs_hook=_without_doubles, parse_int=str, parse_float=str, parse_constant=_no_constant
)


def _check_key(key: object) -> str:
    """The key as policies compare it."""
    named = _KEY.fullmatch(key) if isinstance(key, str) and is_storable(key) else None
    if named is None:
        raise malformed_context("a condition key is written like oss:Prefix")
    folded = fold(named[0])
    told = folded in _TOLD or (folded.startswith(_TOLD_FAMILIES) and not folded.endswith("/"))
    if fold(named[1]) in _OURS and not told:
        raise malformed_context(f"the key {folded[:60]!r} is not for a service to tell")
    return folded


def _values(key: str, value: object) -> tuple[str, ...]:
    items: Iterable[object] = value if isinstance(value, (list, tuple)) else (value,)
    values = tuple(context_text(item) for item in items)
    if len(values) > _MOST_VALUES:
        raise malformed_context(f"a key has more than {_MOST_VALUES} values")
    if key in _ONE_VALUE and len(values) != 1:
        raise malformed_context(f"{_ONE_VALUE[key]} has one value")
    if key == "acs:sourceip" and parse_address(values[0]) is None:
        raise malformed_context("acs:SourceIp is an address")
    if key == "acs:securetransport" and values[0] not in {"true", "false"}:
        raise malformed_context("acs:SecureTransport is true or false")
    return values


def context_text(item: object) -> str:
    """One value of a key as a text. Raises: InputError(PARAMETER_INVALID), subject "Context"."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str) and is_storable(item):
        return item
    raise malformed_context("a value is a text, a number, true or false")


def malformed_context(message: str) -> InputError:
    return InputError(Reason.PARAMETER_INVALID, f"`Context`: {message}", subject="Context")
