"""Names of AWS as names of ours: resources, principals, identity providers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.policy.strict_json import malformed, shown

_PARTS = 6
_ACCOUNT = re.compile(r"[0-9]{12}")
_NAME = re.compile(r"[A-Za-z0-9._@+=*?-]+")
_RAM_KINDS = ("user", "group", "role", "policy", "saml-provider")


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Which of ours stands for which of AWS: `accounts` (12 digits to 16), and for OpenID Providers, which AWS names by
    their issuer without `https://`, the ARN of ours.
    """

    accounts: Mapping[str, str] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Arn:
    service: str
    region: str
    account: str
    relative: str


def import_resource(resource: str, path: str, names: Correspondence) -> str:
    """Raises: InputError(POLICY_MALFORMED)."""
    if resource == "*":
        return "*"
    _check_plain(resource, path)
    arn = _read(resource, path)
    if arn.service == "s3" and not arn.region and not arn.account:
        return f"acs:oss:*:*:{arn.relative}"
    if arn.service == "iam":
        return f"acs:ram:*:{_account(arn.account, path, names)}:{_ram_relative(arn.relative, path)}"
    raise malformed(path, f"nothing here means the same as {shown(resource)}; write the statement anew")


def import_principal_arn(name: str, path: str, names: Correspondence) -> str:
    """An account, user or role as trust policies and `acs:PrincipalARN` name it.

    Raises: InputError(POLICY_MALFORMED).
    """
    _check_plain(name, path)
    if _ACCOUNT.fullmatch(name):
        return f"acs:ram::{_account(name, path, names)}:root"
    arn = _read(name, path)
    if arn.service != "iam":
        raise malformed(path, f"{shown(name)} is no account, user or role; sessions can't be named here")
    account = _account(arn.account, path, names)
    return f"acs:ram::{account}:{arn.relative if arn.relative == 'root' else _ram_relative(arn.relative, path)}"


def import_provider(name: str, path: str, names: Correspondence) -> tuple[str, str]:
    """`saml` or `oidc`, and the ARN of ours. Raises: InputError(POLICY_MALFORMED)."""
    arn = _read(name, path) if name.startswith("arn:") else None
    kind, _, rest = ("", "", "") if arn is None else arn.relative.partition("/")
    if arn is not None and arn.service == "iam" and kind == "saml-provider":
        return "saml", f"acs:ram::{_account(arn.account, path, names)}:{_ram_relative(arn.relative, path)}"
    if arn is not None and arn.service == "iam" and kind == "oidc-provider" and rest in names.providers:
        return "oidc", names.providers[rest]
    raise malformed(path, f"say which provider here stands for {shown(rest or name)}")


def _check_plain(text: str, path: str) -> None:
    if "${" in text:
        raise malformed(path, f"{shown(text)} has a policy variable, and there are none here; write the names out")


def _read(text: str, path: str) -> _Arn:
    parts = text.split(":", _PARTS - 1)
    if len(parts) != _PARTS or parts[0] != "arn" or not parts[1].startswith("aws") or not parts[5]:
        raise malformed(path, f"{shown(text)} is no ARN of AWS")
    return _Arn(service=parts[2], region=parts[3], account=parts[4], relative=parts[5])


def _account(account: str, path: str, names: Correspondence) -> str:
    if account == "*":
        return "*"
    if account not in names.accounts:
        raise malformed(path, f"say which account here stands for {shown(account)}")
    return names.accounts[account]


def _ram_relative(relative: str, path: str) -> str:
    if relative == "*":
        return "*"
    kind, _, name = relative.partition("/")
    if kind not in _RAM_KINDS:
        raise malformed(path, f"{shown(relative)} has no counterpart here")
    if not _NAME.fullmatch(name):
        raise malformed(
            path, f"{shown(relative)} has a path; users, groups and roles have none here, name them plainly"
        )
    return relative
