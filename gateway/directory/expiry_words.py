"""What is said of a thing that lapses: what stops working then, what to do, and where. Kind, and true.

Rule: decision 0006 (dates of an identity provider's certificate warn, they don't refuse); decision 0018.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from gateway.key_manifest import Standing, Use
from gateway.own_keys import OwnKeyState

USER_SSO_PATH = "/admin/user-sso"


@dataclass(frozen=True, slots=True)
class Words:
    """`stops` and `what_to_do` are whole sentences."""

    what: str
    stops: str
    what_to_do: str


def saml_path(name: str) -> str:
    """The page of a SAML provider; `new` in small letters is the page for new ones."""
    return "/admin/providers/" + quote("NEW" if name == "new" else name, safe="")


def oidc_path(name: str) -> str:
    return "/admin/oidc/" + quote("NEW" if name == "new" else name, safe="")


def certificate_words(provider: str, *, staged: bool, has_later: bool) -> Words:
    """`provider`: as people call it, such as "the identity provider corp". `has_later`: it has another certificate that
    is trusted, too, and lapses later.
    """
    which = "Staged signing certificate" if staged else "Signing certificate"
    if has_later:
        return Words(
            f"{which} of {provider}",
            "Nothing, as far as this gateway can see: it trusts a certificate of the same provider that lapses later.",
            "Nothing, once sign-ins come with the later one. See on its page which certificates are used.",
        )
    return Words(
        f"{which} of {provider}",
        "Nothing at this gateway by itself, which goes by the key and not by its dates. But identity providers put "
        "another key in place around that day, and sign-ins fail from then on until this gateway knows it.",
        "Ask the people who run it when they change the key, and register metadata that has the next certificate.",
    )


def metadata_words(provider: str, refused_from: datetime | None) -> Words:
    if refused_from is None:
        stops = "Nothing by itself: metadata that was uploaded only warns. It may be out of date from then on."
    else:
        stops = f"From {refused_from:%Y-%m-%d} on nobody signs in through it, unless newer metadata came."
    return Words(
        f"Metadata of {provider}",
        stops,
        "See on its page why no newer document came, or upload the one that the identity provider publishes now.",
    )


def secret_words(provider: str) -> Words:
    return Words(
        f"Client secret at the OpenID Provider {provider}",
        "The provider refuses our client from then on: nobody signs in through it in the browser.",
        "Make a new secret there, and enter it here together with its date.",
    )


def access_key_words(key_id: str, owner: str, user: str | None, days: int) -> Words:
    """`owner`: whose it is, for people; `user`: the RAM user's name, if it is one's."""
    option = f" --user {user}" if user else ""
    return Words(
        f"AccessKey {key_id} of {owner}",
        f"Nothing: it goes on working. It is {days} days old then, and so is every copy of it that was ever made.",
        f"Make a second key (`ramgate key create{option}`), use it everywhere, then switch this one off "
        f"(`ramgate key disable {key_id}{option}`) and delete it after a few quiet days.",
    )


def own_key_words(state: OwnKeyState, following: OwnKeyState | None) -> Words:
    """`following`: the next key of the same use, if there is one."""
    if state.use is Use.SIGNING:
        what = f"Our own signing certificate ({state.file})"
        stops = "Identity providers that look at dates refuse our requests: sign-ins that begin here fail there."
    else:
        what = f"Our own encryption certificate ({state.file})"
        stops = "Identity providers that look at dates stop encrypting for us, or refuse to sign anybody in."
    if state.standing is Standing.NEXT:
        to_do = "It was never used: on the server, retire it by `ramgate keys retire`, and make another."
    elif following is None:
        to_do = "On the server: `ramgate keys next`, then `ramgate keys switch`. It takes a week and locks nobody out."
    elif following.starts_at is None:
        to_do = f"The next key ({following.file}) is published already. On the server: `ramgate keys switch`."
    else:
        to_do = (
            f"The next key ({following.file}) is used from {following.starts_at:%Y-%m-%d %H:%M} UTC on. See that every "
            "identity provider has read our metadata by then."
        )
    return Words(what, stops, to_do)
