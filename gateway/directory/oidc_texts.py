"""What the texts of an OpenID Provider's registration may look like. Rule: sso-contract §3.1."""

import re
from urllib.parse import urlsplit

from gateway.errors import InputError, Reason
from gateway.loopback import is_loopback

_LONGEST_ISSUER = 255
_LONGEST_ITEM = 128
_LONGEST_ISSUANCE_LIMIT_H = 168
_ISSUER = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[!$%&'()*+,\-./0-9:;=A-Z_a-z~]*)?")
_DOTS = re.compile(r"(^|/)(\.|%2e){1,2}(/|$)", re.IGNORECASE)
_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")
_FINGERPRINT = re.compile(r"[A-Za-z0-9]+")
_HIGHEST_PORT = 65535
_DEFAULT_PORT = {"https": 443, "http": 80}


def check_issuer_url(url: str, *, development: bool = False) -> None:
    """Refuse an issuer that is not an https URL of at most 255 characters without a query, a fragment or a login.

    `development`: the gateway runs on somebody's own machine, where http on a loopback address will do.
    Refused, too: characters that a URL can't have, ports that there are not, and paths with `.` or `..` in them,
    because what they mean is up to whoever resolves them.
    Raises: InputError(PARAMETER_TOO_LONG), InputError(PARAMETER_INVALID), subject "IssuerUrl".
    """
    if len(url) > _LONGEST_ISSUER:
        message = f"`IssuerUrl` must have at most {_LONGEST_ISSUER} characters"
        raise InputError(Reason.PARAMETER_TOO_LONG, message, subject="IssuerUrl")
    match = _ISSUER.fullmatch(url)
    if match is None or not _is_port(match[2]) or _DOTS.search(match[3] or "") or not _is_safe(url, development):
        message = "`IssuerUrl` must be an https URL without ?, # and @"
        raise InputError(Reason.PARAMETER_INVALID, message, url[:_LONGEST_ISSUER], subject="IssuerUrl")


def issuer_key(url: str) -> str:
    """What two spellings of one issuer share: the host in lower case, no default port, no slash at the end.

    Only to tell that an issuer is registered already: a token's `iss` is compared with the URL letter by letter.
    """
    parts = urlsplit(url)
    port = "" if parts.port in {None, _DEFAULT_PORT[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"


def check_client_id(text: str, parameter: str) -> None:
    """Raises: InputError(PARAMETER_TOO_LONG), InputError(PARAMETER_INVALID), subject the parameter."""
    _check_item(text, _CLIENT_ID, parameter, "letters, digits and . - _ : /, and starts with a letter or digit")


def check_fingerprint(text: str, parameter: str) -> None:
    """Raises: InputError(PARAMETER_TOO_LONG), InputError(PARAMETER_INVALID), subject the parameter."""
    _check_item(text, _FINGERPRINT, parameter, "letters and digits")


def check_issuance_limit(hours: int) -> None:
    """Raises: InputError(PARAMETER_INVALID), subject "IssuanceLimitTime", for anything but 1 to 168 hours."""
    if not 1 <= hours <= _LONGEST_ISSUANCE_LIMIT_H:
        message = f"`IssuanceLimitTime` must be 1 to {_LONGEST_ISSUANCE_LIMIT_H} hours"
        raise InputError(Reason.PARAMETER_INVALID, message, str(hours), subject="IssuanceLimitTime")


def _check_item(text: str, pattern: re.Pattern[str], parameter: str, alphabet: str) -> None:
    if len(text) > _LONGEST_ITEM:
        message = f"an item of `{parameter}` must have at most {_LONGEST_ITEM} characters"
        raise InputError(Reason.PARAMETER_TOO_LONG, message, subject=parameter)
    if not pattern.fullmatch(text):
        message = f"an item of `{parameter}` has {alphabet}"
        raise InputError(Reason.PARAMETER_INVALID, message, text, subject=parameter)


def _is_port(text: str | None) -> bool:
    return text is None or 1 <= int(text[1:]) <= _HIGHEST_PORT


def _is_safe(url: str, development: bool) -> bool:
    """Brackets may hold what is no address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (development and is_loopback(parts.hostname or "")))
