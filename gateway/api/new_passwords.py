"""Passwords that calls set: checked and hashed before the write transaction, written in it."""

from collections.abc import Callable

from gateway.api.action import Work
from gateway.directory.common_passwords import check_not_common
from gateway.directory.login_profiles import NewPassword
from gateway.directory.password_policy import get_password_policy
from gateway.secret import Secret


def prepare(work: Work, password: Secret, make: Callable[[], NewPassword]) -> NewPassword:
    """What `make` makes of a password, one at a time. To be called by the `prepare` of an operation, whose
    `perform` finds it as `work.made(NewPassword)`.

    Refused: what the account asks to be refused of calls only (`intercept_risk_on_api`); whatever `make` refuses.
    Raises: InputError(PASSWORD_TOO_WEAK); Throttled(LOGIN_THROTTLED) when others take too long.
    """
    if get_password_policy(work.session, work.account_id).intercept_risk_on_api:
        check_not_common(password)
    with work.services.hashing.long_turn():
        return make()
