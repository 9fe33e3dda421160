"""The demo company's OpenID Provider as this run has it: the gateway's addresses, and the people of SAML."""

import hashlib

from gateway.demo.op_config import OpClient, OpConfig, OpPerson
from gateway.demo.people import LAB_ALIAS, OIDC_PROVIDER, PEOPLE, Person
from gateway.demo.places import Places
from gateway.demo.state import DemoClient, DemoState
from gateway.oidc.names import back_channel_logout_url, post_logout_redirect_uri, redirect_uri, start_path
from gateway.secret import Secret

_TILES = {
    "ramgate-user": ("Console by OpenID Connect", "User-based: your e-mail address is the name of a RAM user."),
    "ramgate-role": (
        "Laboratory by OpenID Connect",
        "Role-based: one role by a claim, one by a rule for developers. No RAM user is needed.",
    ),
}


def openid_config(places: Places, state: DemoState) -> OpConfig:
    return OpConfig(
        issuer=places.idp_url,
        clients=tuple(_client(places.settings.base_url, client) for client in state.clients),
        people=tuple(_person(person) for person in PEOPLE),
    )


def _client(base_url: str, client: DemoClient) -> OpClient:
    label, explanation = _TILES[client.client_id]
    here = client.account_id, OIDC_PROVIDER
    return OpClient(
        client_id=client.client_id,
        secret=Secret(client.client_secret),
        redirect_uri=redirect_uri(base_url, *here),
        post_logout_redirect_uri=post_logout_redirect_uri(base_url, *here),
        back_channel_logout_uri=back_channel_logout_url(base_url, *here),
        label=label,
        explanation=explanation,
        start_url=base_url + start_path(*here),
    )


def _person(person: Person) -> OpPerson:
    return OpPerson(
        login=person.login,
        subject=hashlib.sha256(f"Example Trading {person.login}".encode()).hexdigest()[:20],
        claims={
            "name": person.display_name,
            "preferred_username": person.login,
            "email": person.upn,
            "email_verified": True,
            "job": person.job,
            "groups": list(person.groups),
            "lab_roles": list(person.role_names(LAB_ALIAS)),
        },
        methods=person.methods,
    )
