"""What the gateway expects of one ID token: who may have signed it, for whom, and in answer to what."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.oidc.algorithms import SUPPORTED
from gateway.secret import Secret


@dataclass(frozen=True, slots=True)
class LoginExpectation:
    """What a browser login adds: it was begun by us, so the token must answer it.

    `access_token` and `code` are those that the token came with; None only where none came.
    """

    client_id: str
    redirect_uri: str
    nonce: str
    access_token: Secret | None = None
    code: Secret | None = None
    max_age: timedelta | None = None  # since the person proved who it is; None: whenever it was
    acr_values: tuple[str, ...] = ()  # one of them must have been reached; empty: any, or none
    authenticated_since: datetime | None = None  # the person must have proved who it is since then; None: whenever


@dataclass(frozen=True, slots=True)
class IdTokenExpectation:
    """INVARIANT: everything in it comes from the gateway's own records, never from the token to be verified.

    Without `login` the token is exchanged for credentials: nothing was asked of the provider, so there is no nonce to
    compare, and it may be for any of `client_ids`.
    """

    provider: str  # ARN of the registered provider
    issuer: str  # its IssuerUrl, exactly
    client_ids: tuple[str, ...]  # those registered; the token must be for one, and for nobody else
    issuance_limit: timedelta = timedelta(hours=12)  # IssuanceLimitTime
    algorithms: frozenset[str] = SUPPORTED  # those the provider may use
    skew: timedelta = timedelta(seconds=120)  # clock difference tolerated
    login: LoginExpectation | None = field(default=None)
