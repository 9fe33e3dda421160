"""The browser session of a RAM user who came through an identity provider, whatever its protocol."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.directory.accounts import Account
from gateway.directory.users import User, record_login
from gateway.federation.assurance import assurance_of
from gateway.federation.ended_logins import check_not_ended
from gateway.federation.facts import LoginFacts, Occasion
from gateway.federation.metadata_use import count_login, promote_by_login
from gateway.federation.persons import Person, derive_groups
from gateway.federation.receipts import LoginProof, record_user_login
from gateway.federation.role_options import login_context
from gateway.federation.vouching import Voucher
from gateway.keyring import KeyRing
from gateway.principal import RamUser
from gateway.sts.duration import user_duration
from gateway.sts.sessions import open_session


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified login at the door of an account: who vouches for it, when it came, and where it wants to go."""

    facts: LoginFacts
    voucher: Voucher
    occasion: Occasion
    target: str  # checked by the edge


@dataclass(frozen=True, slots=True)
class UserLogin:
    user: User
    handle: str  # for the cookie
    target: str  # where the browser goes now
    expires_at: datetime


def open_user_session(session: Session, ring: KeyRing, account: Account, person: Person, arrival: Arrival) -> UserLogin:
    """Sign a person in as a RAM user, with the groups that this login says, and leave a receipt.

    Raises: SamlError(SAML_EXPIRED) when the session at the identity provider is over already; CredentialError(
    TOKEN_REVOKED) when the provider said so.
    """
    facts, voucher, occasion = arrival.facts, arrival.voucher, arrival.occasion
    check_not_ended(session, facts, voucher.arn)
    promote_by_login(session, voucher, occasion)
    cap = user_duration(
        session_not_on_or_after=facts.session_not_on_or_after,
        login_limit_h=account.login_session_duration_h,
        now=occasion.now,
    )
    expires_at = occasion.now + timedelta(seconds=cap.seconds)
    user = person.user
    principal = RamUser(account_id=account.id, user_id=user.id, name=user.name)
    provenance = facts.provenance(voucher.arn, voucher.certificate_fingerprint)
    context = login_context(facts, voucher, occasion)
    assurance = assurance_of(facts, voucher.settings.second_factors)
    groups = derive_groups(session, person, voucher, context, session_ends_at=expires_at, now=occasion.now)
    handle = open_session(
        session,
        ring,
        principal,
        token=None,
        provenance=provenance,
        expires_at=expires_at,
        duration_cap=cap.name,
        now=occasion.now,
        mfa_present=assurance.second_factor,
        mfa_at=assurance.authenticated_at if assurance.second_factor else None,
    )
    record_login(session, user, occasion.now)
    proof = LoginProof(facts, voucher, occasion)
    record_user_login(session, proof, principal, provenance, cap, how=person.how, groups=groups)
    count_login(session, voucher, occasion)
    return UserLogin(user, handle, arrival.target, expires_at)
