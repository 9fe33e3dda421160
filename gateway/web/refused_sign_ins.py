"""Sign-ins by password that were refused: a line in the log for each, and a record of one in a minute for each name.

The record is made when the refusal is on its way to the browser: how long an answer takes must not tell whether a name
is somebody's. It keeps a mark of the name that was typed, never the name: people type passwords there.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from flask import Response, after_this_request
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.audit.log import log_event
from gateway.audit.personal import Redaction
from gateway.audit.receipts import LOGIN_REFUSED, Receipt, record
from gateway.audit.tally import Share, Tally, Told
from gateway.directory.accounts import Account
from gateway.directory.names import is_storable, name_key
from gateway.directory.users import find_user
from gateway.errors import GatewayError, Reason
from gateway.services import Services
from gateway.web.visit import current_visit

MOST_OF_ACCOUNT = 120  # records an hour, of names that somebody has
MOST_OF_NOBODY = 60  # of names that nobody has, for each account, and for owners
PASSWORD, CODE, OWNER = "password", "second factor", "owner's password"


@dataclass(frozen=True, slots=True)
class RefusedSignIn:
    """`account_id` is empty on the page of owners; `holder_id` is empty where it is not known who was tried."""

    consumer: str
    account_id: str
    typed: str
    holder_id: str
    reason: Reason
    request_id: str
    client: str
    at: datetime


def password_refused(
    services: Services, error: GatewayError, account_id: str, typed: str = "", *, holder_id: str = ""
) -> None:
    """Somebody gave a user's name, or on the page of owners (`account_id` is empty) a login, and a password in vain;
    or the right one, and could not be signed in as this holder when that was all that was missing.

    `detail` of the log names whoever exists; what else was typed is not written down.
    """
    visit = current_visit()
    log_event(
        "web.password_refused",
        request_id=visit.request_id,
        reason=error.reason,
        detail=error.detail,
        account_id=account_id,
        client=visit.client.address,
    )
    _remember(services, error, PASSWORD if account_id else OWNER, account_id, typed, holder_id)


def code_refused(services: Services, error: GatewayError, account_id: str, holder_id: str) -> None:
    """Somebody who knows the password of a user, or of an owner (then the account's id), gave a code in vain."""
    visit = current_visit()
    log_event(
        "web.code_refused",
        request_id=visit.request_id,
        reason=error.reason,
        detail=error.detail,
        account_id=account_id,
        holder=holder_id,
        client=visit.client.address,
    )
    _remember(services, error, CODE, account_id, "", holder_id)


def _remember(  # noqa: PLR0917 - what was refused, where, to whom
    services: Services, error: GatewayError, consumer: str, account_id: str, typed: str, holder_id: str
) -> None:
    visit, now = current_visit(), services.clock.now()
    refused = RefusedSignIn(
        consumer, account_id, typed, holder_id, error.reason, visit.request_id, visit.client.address, now
    )

    @after_this_request
    def after(response: Response) -> Response:
        response.call_on_close(lambda: remember_refused_sign_in(services, refused))
        return response


def remember_refused_sign_in(services: Services, refused: RefusedSignIn) -> None:
    """Record it, or count it. Raises nothing: the refusal stands, whatever happens to its record."""
    try:
        with services.store.reading() as session:
            account_id, holder_id = _holder(session, refused)
        mark = Redaction.under(services.ring).show("subject", name_key(refused.typed)) if refused.typed else ""
        whose = f"of {account_id or 'owners'}"
        share = Share(f"sign-in {whose}", MOST_OF_ACCOUNT)
        if not holder_id:
            share = Share(f"sign-in of nobody {whose}", MOST_OF_NOBODY)
        tally: Tally = services.store.stamps.tally

        def write(told: Told) -> None:
            with services.store.transaction() as session:
                record(session, _receipt(refused, account_id, holder_id, mark, told))

        tally.note(share, f"{refused.consumer}\n{refused.reason}\n{holder_id or mark}", refused.at, write)
    except Exception:
        logging.getLogger("ramgate").exception("the refused sign-in %s can't be recorded", refused.request_id)


def _holder(session: Session, refused: RefusedSignIn) -> tuple[str, str]:
    """Account and id of whoever was tried; empty for what is nobody's."""
    if refused.holder_id or not is_storable(refused.typed):
        return refused.account_id, refused.holder_id
    if refused.consumer == OWNER:
        query = select(Account.id).where(Account.owner_login == refused.typed.lower())
        account_id = session.scalar(query) or ""
        return account_id, account_id
    user = find_user(session, refused.account_id, refused.typed)
    return refused.account_id, "" if user is None else user.id


def _receipt(refused: RefusedSignIn, account_id: str, holder_id: str, mark: str, told: Told) -> Receipt:
    return Receipt(
        at=refused.at,
        request_id=refused.request_id,
        account_id=account_id or None,
        kind=LOGIN_REFUSED,
        principal_arn=None,
        outcome="Refused",
        reason=refused.reason.value,
        details={
            "consumer": refused.consumer,
            "tried": mark,
            "holder": holder_id,
            "client": refused.client,
            "times": told.times,
            "others": told.others,
        },
    )
