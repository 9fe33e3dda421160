"""Running the demo company's IdP as a server, with everything it needs to know about the company."""

import signal
import sys
from dataclasses import replace

from werkzeug.serving import make_server

from gateway.arn import parse_ram_arn, saml_provider_arn
from gateway.clock import SystemClock
from gateway.demo.idp import DemoIdpConfig, DemoPerson, create_idp
from gateway.demo.openid import openid_config
from gateway.demo.people import PEOPLE, PROVIDER
from gateway.demo.places import Places
from gateway.demo.state import DemoState, DemoUser, load_state
from gateway.errors import ConfigError, Reason
from gateway.key_files import load_or_make_keys
from gateway.saml.sp_metadata import role_sso_metadata, user_sso_metadata
from gateway.secret import Secret


def idp_config(places: Places, state: DemoState | None) -> DemoIdpConfig:
    """The IdP of these addresses; without a state it knows nobody, which is enough for its metadata."""
    return DemoIdpConfig(
        entity_id=f"{places.idp_url}/metadata",
        base_url=places.idp_url,
        key_path=places.idp_key,
        certificate_path=places.idp_certificate,
        people=() if state is None else tuple(_person(user) for user in state.users),
        company="Example Trading",
        templates_dir=places.settings.templates_dir,
        openid=None if state is None or not places.speaks_openid else openid_config(places, state),
    )


def serve_idp(places: Places) -> None:
    """Serve until SIGTERM.

    Raises: ConfigError(CONFIG_INVALID) if no company was set up.
    """
    state = load_state(places.state)
    if state is None:
        raise ConfigError(Reason.CONFIG_INVALID, f"there is no {places.state}; start with `make demo`")
    settings = places.settings
    now = SystemClock().now()
    keys = load_or_make_keys(settings.certs_dir, now)[1].at(now)
    config = replace(
        idp_config(places, state),
        user_sso=user_sso_metadata(settings.base_url, state.account_id, keys, encryption=True),
        role_sso=role_sso_metadata(settings.base_url, settings.role_sso_urn, keys, encryption=True),
    )
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    make_server(settings.host, places.idp_port, create_idp(config), threaded=True).serve_forever()


def _person(user: DemoUser) -> DemoPerson:
    person = next(person for person in PEOPLE if person.login == user.idp_login)
    return DemoPerson(
        login=user.idp_login,
        password=Secret(user.idp_password),
        name_id=user.upn,
        role_values=tuple(_role_value(arn) for arn in user.roles),
        session_name=user.upn,
        display_name=person.display_name,
    )


def _role_value(arn: str) -> str:
    """A value of the Role attribute: each account has the provider under the same name. Rule: sso-contract §2.2."""
    return f"{arn},{saml_provider_arn(parse_ram_arn(arn, 'role').account_id, PROVIDER)}"
