"""`var/demo.json`: what the demo tells whoever uses it, and the only place where its passwords are kept."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.errors import ConfigError, Reason


@dataclass(frozen=True, slots=True)
class DemoOwner:
    login: str
    password: str
    access_key_id: str
    access_key_secret: str


@dataclass(frozen=True, slots=True)
class DemoUser:
    upn: str  # what the IdP calls this person: the NameID of user SSO, and the session name of role SSO
    idp_login: str
    idp_password: str  # the RAM user, if there is one, has the same: it counts while user SSO is off
    roles: tuple[str, ...]  # ARNs of the roles that the IdP lets this person choose from


@dataclass(frozen=True, slots=True)
class DemoClient:
    """The gateway as a client of the company's OpenID Provider, for one account."""

    client_id: str
    client_secret: str
    account_id: str


@dataclass(frozen=True, slots=True)
class DemoState:
    base_url: str
    idp_url: str
    account_id: str
    owner: DemoOwner
    users: tuple[DemoUser, ...]
    clients: tuple[DemoClient, ...] = ()  # none where the gateway is not on a plain loopback address


def load_state(path: Path) -> DemoState | None:
    """The state that the last run left; None if there is none.

    Raises: ConfigError(CONFIG_INVALID) for a file that another program wrote.
    """
    try:
        raw = json.loads(path.read_text())
        users = tuple(DemoUser(**{**user, "roles": tuple(user["roles"])}) for user in raw["users"])
        clients = tuple(DemoClient(**client) for client in raw.get("clients", ()))
        return DemoState(**{**raw, "owner": DemoOwner(**raw["owner"]), "users": users, "clients": clients})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as exc:
        raise ConfigError(Reason.CONFIG_INVALID, f"{path} can't be read; start over with RESET=1") from exc


def save_state(path: Path, state: DemoState) -> None:
    """Write the file in one step, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(asdict(state), file, indent=2)
        file.write("\n")
    draft.replace(path)
