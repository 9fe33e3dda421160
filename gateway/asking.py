"""What is asked of an identity provider at a login, and what its answer is held to. Values; whoever speaks SAML or
OpenID Connect writes them into requests and compares answers with them.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

NAME_ID_UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


class Comparison(StrEnum):
    """How an answer's authentication context must compare with those asked for. Rule: SAML Core 2.0 §3.3.2.2.1."""

    EXACT = "exact"
    MINIMUM = "minimum"
    BETTER = "better"
    MAXIMUM = "maximum"


class ResponseBinding(StrEnum):
    """How the answer comes: posted by the browser, or as a reference that we resolve at the provider."""

    POST = "post"
    ARTIFACT = "artifact"


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What each login through a SAML provider asks for. Rule: SAML Core 2.0 §3.4.1."""

    authn_contexts: tuple[str, ...] = ()  # AuthnContextClassRef, in the order of preference
    comparison: Comparison = Comparison.EXACT
    force_authn: bool = False  # the person must prove again who it is
    is_passive: bool = False  # the provider must not show anything; it may be asked once more if it has to
    name_id_format: str = ""  # in full; empty: as the provider is set up
    allow_create: bool = True  # the provider may make an identifier for the person
    binding: ResponseBinding = ResponseBinding.POST


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked with one request, as far as an answer can be held to it.

    INVARIANT: kept with the pending login and read from there, never from the answer.
    """

    authn_contexts: tuple[str, ...] = ()  # one of them must be reached; empty: any
    authenticated_since: datetime | None = None  # the person must have proved who it is since then, less the skew
    name_id_format: str = ""  # the NameID must have it; empty: any
    passive: bool = False  # nothing was to be shown
    artifact: bool = False  # the answer comes as a reference


NOTHING_WANTED = RequestOptions()
NOTHING_ASKED = Asked()


def asked_by(options: RequestOptions, now: datetime) -> Asked:
    """What a request with these options, made now, can be held to.

    `minimum`, `better` and `maximum` need an order of contexts, which only the provider has: what it says counts, and
    rights hang on the list of second factors instead. An `unspecified` format leaves the choice to the provider.
    Rule: SAML Core 2.0 §3.3.2.2.1, §3.4.1, §8.3.1.
    """
    exact = options.comparison is Comparison.EXACT
    named = options.name_id_format if options.name_id_format != NAME_ID_UNSPECIFIED else ""
    return Asked(
        authn_contexts=options.authn_contexts if exact else (),
        authenticated_since=now if options.force_authn else None,
        name_id_format=named,
        passive=options.is_passive,
        artifact=options.binding is ResponseBinding.ARTIFACT,
    )


def dump_asked(asked: Asked) -> str:
    since = asked.authenticated_since
    return json.dumps(asdict(asked) | {"authenticated_since": None if since is None else since.isoformat()})


def load_asked(text: str) -> Asked:
    fields = json.loads(text)
    since = fields["authenticated_since"]
    return Asked(
        **{
            **fields,
            "authn_contexts": tuple(fields["authn_contexts"]),
            "authenticated_since": None if since is None else datetime.fromisoformat(since),
        }
    )
