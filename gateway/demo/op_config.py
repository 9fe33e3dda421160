"""What the demo company's OpenID Provider knows: its clients, and what it says of people."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.secret import Secret

Claims = Mapping[str, str | bool | list[str]]


@dataclass(frozen=True, slots=True)
class OpClient:
    """A confidential client. Addresses are compared letter by letter."""

    client_id: str
    secret: Secret
    redirect_uri: str
    post_logout_redirect_uri: str
    back_channel_logout_uri: str
    label: str  # of its tile in the company's portal
    explanation: str
    start_url: str  # where a login begins


@dataclass(frozen=True, slots=True)
class OpPerson:
    """`claims` are those beyond the protocol's own, `subject` stays with the person whatever changes."""

    login: str
    subject: str
    claims: Claims
    methods: tuple[str, ...] = ("pwd",)  # amr


@dataclass(frozen=True, slots=True)
class OpConfig:
    issuer: str  # without a final slash
    clients: tuple[OpClient, ...]
    people: tuple[OpPerson, ...] = field(repr=False)

    def find_client(self, client_id: str) -> OpClient | None:
        return next((client for client in self.clients if client.client_id == client_id), None)

    def find_person(self, login: str) -> OpPerson | None:
        return next((person for person in self.people if person.login == login), None)
