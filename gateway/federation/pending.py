"""Logins that we sent to an identity provider and that have not come back: single use, bound to one browser."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.asking import NOTHING_ASKED, Asked, dump_asked, load_asked
from gateway.errors import AuthenticationError, InputError, Reason
from gateway.federation.aims import NO_AIM, USER, Aim, dump_aim, load_aim
from gateway.federation.browser import is_same_browser
from gateway.store.base import Base
from gateway.store.hashed_key import hash_key
from gateway.store.sweep import sweep_expired

LIFETIME = timedelta(minutes=10)


class PendingLoginRow(Base):
    __tablename__ = "pending_logins"

    request_id: Mapped[str] = mapped_column(primary_key=True)  # the ID of our AuthnRequest
    account_id: Mapped[str]
    browser_hash: Mapped[str]
    target: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    purpose: Mapped[str] = mapped_column(server_default=USER)  # of `aims`, or of whoever begins logins of another kind
    provider_key: Mapped[str] = mapped_column(server_default="", index=True)  # see `directory.provider_keys`
    asked_text: Mapped[str] = mapped_column(server_default="")
    aim_text: Mapped[str] = mapped_column(server_default="")


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """A login of ours that an answer came for. The row behind it is gone."""

    request_id: str
    account_id: str
    target: str  # where the browser goes afterwards; checked by the edge before `begin_login`
    purpose: str = USER
    provider_key: str = ""  # the provider that was asked; empty for one begun before that was kept
    asked: Asked = NOTHING_ASKED  # what the answer is held to
    aim: Aim = NO_AIM


def begin_login(
    session: Session,
    *,
    account_id: str,
    browser: str,
    target: str,
    request_id: str,
    now: datetime,
    purpose: str = USER,
    provider_key: str = "",
    asked: Asked = NOTHING_ASKED,
    aim: Aim = NO_AIM,
) -> None:
    """Remember that `browser` was sent to a provider of the account with the AuthnRequest `request_id`.

    `target` must have been checked by the caller: it is followed without another look. `provider_key` names the
    provider (`directory.provider_keys`), `asked` what its answer is held to.
    Raises: InputError(PARAMETER_MISSING) for a browser without a binding cookie.
    """
    if not browser:
        raise InputError(Reason.PARAMETER_MISSING, "the login is not bound to a browser", subject="browser")
    sweep_expired(session, PendingLoginRow.request_id, PendingLoginRow.expires_at, now)
    session.add(
        PendingLoginRow(
            request_id=request_id,
            account_id=account_id,
            browser_hash=hash_key(browser),
            target=target,
            created_at=now,
            expires_at=now + LIFETIME,
            purpose=purpose,
            provider_key=provider_key,
            asked_text=dump_asked(asked),
            aim_text=dump_aim(aim),
        )
    )
    session.flush()


def find_pending(session: Session, request_id: str, browser: str, now: datetime) -> PendingLogin:
    """The pending login that an answer names, not used up yet: to choose whose answer is to be verified.

    Refused: an unknown, used or expired request (10 minutes, exactly then it is over); another browser than the
    one that began, which does not use the login up.
    Raises: AuthenticationError(LOGIN_NOT_PENDING), AuthenticationError(LOGIN_OTHER_BROWSER).
    Rule: SAML Profiles 2.0 §4.1.4.3 (InResponseTo); sso-contract §1.3.
    """
    row = session.get(PendingLoginRow, request_id)
    if row is None or now >= row.expires_at:
        raise _not_pending(request_id, "unknown or used" if row is None else "expired")
    if not is_same_browser(row.browser_hash, browser):
        raise AuthenticationError(
            Reason.LOGIN_OTHER_BROWSER,
            "This sign-in was started in another browser. Start again in this one.",
            detail=f"request {request_id}, {'another' if browser else 'no'} binding cookie",
        )
    return PendingLogin(
        request_id=row.request_id,
        account_id=row.account_id,
        target=row.target,
        purpose=row.purpose,
        provider_key=row.provider_key,
        asked=load_asked(row.asked_text) if row.asked_text else NOTHING_ASKED,
        aim=load_aim(row.aim_text) if row.aim_text else NO_AIM,
    )


def take_pending(session: Session, request_id: str, browser: str, now: datetime) -> PendingLogin:
    """Use the pending login up. Of two takers one gets it, other processes included.

    Refused and raised: as by `find_pending`.
    """
    pending = find_pending(session, request_id, browser, now)
    taken = session.execute(delete(PendingLoginRow).where(PendingLoginRow.request_id == request_id))
    assert isinstance(taken, CursorResult)
    if taken.rowcount != 1:  # another process was faster
        raise _not_pending(request_id, "used at this very moment")
    return pending


def _not_pending(request_id: str, why: str) -> AuthenticationError:
    return AuthenticationError(
        Reason.LOGIN_NOT_PENDING,
        "This sign-in is not waiting for an answer any more. Start again.",
        detail=f"request {request_id!r:.100}: {why}",
    )
