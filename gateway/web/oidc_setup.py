"""A provider that browsers are sent to, as it is registered right now: read once, then no database is needed."""

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.orm import Session

from gateway.directory.oidc_providers import OidcProvider, find_oidc_provider
from gateway.directory.oidc_sign_in import SignInWish, find_oidc_sign_in
from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.provider_logins import Use, get_login_settings
from gateway.errors import AuthenticationError, Reason
from gateway.federation.vouching import OIDC_DEFAULT
from gateway.fetch import Limits
from gateway.keyring import KeyRing
from gateway.oidc.client_authentication import ClientCredentials
from gateway.oidc.expectation import IdTokenExpectation, LoginExpectation
from gateway.oidc.flow import MAX_ANSWER_BYTES

# Of one call that a browser waits for.
CALL_LIMITS = Limits(total_s=5.0, connect_s=2.0, body_bytes=MAX_ANSWER_BYTES)


@dataclass(frozen=True, slots=True)
class BrowserProvider:
    """INVARIANT: made by `get_browser_provider`. `client` holds the secret or the private key."""

    id: int
    account_id: str
    name: str
    arn: str
    issuer: str
    client_ids: tuple[str, ...]  # of token exchange
    fingerprints: tuple[str, ...]
    issuance_limit: timedelta
    client: ClientCredentials = field(repr=False)
    wish: SignInWish
    second_factors: tuple[str, ...] = ()  # what counts as one; a step-up asks for it

    @property
    def max_age(self) -> timedelta | None:
        return None if self.wish.max_age_s is None else timedelta(seconds=self.wish.max_age_s)

    def expectation(self, login: LoginExpectation, algorithms: frozenset[str], skew: timedelta) -> IdTokenExpectation:
        """What an ID token of a login must be like."""
        return IdTokenExpectation(
            provider=self.arn,
            issuer=self.issuer,
            client_ids=self.client_ids,
            issuance_limit=self.issuance_limit,
            algorithms=algorithms,
            skew=skew,
            login=login,
        )


def get_browser_provider(
    session: Session, ring: KeyRing, account_id: str, name: str, *, signing_out: bool = False
) -> BrowserProvider:
    """The provider of an account, if people sign in through it; `signing_out`: or did, and may still be signed in.

    Raises: AuthenticationError(SSO_DISABLED), for what does not exist as well; CredentialError(TOKEN_MALFORMED) if our
    secret there was sealed under a key that is gone.
    """
    provider = find_oidc_provider(session, account_id, name)
    sign_in = None if provider is None else find_oidc_sign_in(session, ring, provider)
    if provider is None or sign_in is None or not (signing_out or _signs_in(session, provider)):
        raise AuthenticationError(
            Reason.SSO_DISABLED,
            "Sign-in through this identity provider is not turned on.",
            detail=f"account {account_id[:40]}, provider {name[:128]!r}: "
            + ("unknown" if provider is None else "no browser sign-in is set up"),
        )
    return BrowserProvider(
        id=provider.id,
        account_id=provider.account_id,
        name=provider.name,
        arn=provider.arn,
        issuer=provider.issuer_url,
        client_ids=provider.client_ids,
        fingerprints=provider.fingerprints,
        issuance_limit=timedelta(hours=provider.issuance_limit_h),
        client=sign_in.client,
        wish=sign_in.wish,
        second_factors=get_login_settings(session, oidc_provider_key(provider.id), OIDC_DEFAULT).second_factors,
    )


def get_browser_provider_of_key(session: Session, ring: KeyRing, key: str) -> BrowserProvider:
    """The same, by its key (`directory.provider_keys`)."""
    provider = session.get(OidcProvider, int(key.partition(":")[2]))
    if provider is None:
        message = "Sign-in through this identity provider is not turned on."
        raise AuthenticationError(Reason.SSO_DISABLED, message, detail=f"{key} is gone")
    return get_browser_provider(session, ring, provider.account_id, provider.name)


def _signs_in(session: Session, provider: OidcProvider) -> bool:
    settings = get_login_settings(session, oidc_provider_key(provider.id), OIDC_DEFAULT)
    return settings.use is not Use.EXCHANGE_ONLY
