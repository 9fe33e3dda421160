"""How somebody is reached: e-mail addresses and mobile phone numbers. Rule: ram-limits §2, §10."""

import re

from gateway.errors import InputError, Reason

_LONGEST_EMAIL = 128
# ASSUMPTION: what the platform takes for an address is not published; this is what most mail providers give out.
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_MOBILE_PHONE = re.compile(r"[0-9]{1,4}-[0-9]{4,20}")  # ASSUMPTION: how long each part may be


def check_email(parameter: str, text: str) -> None:
    """Raises: InputError(PARAMETER_INVALID) for what is no e-mail address; it need not exist."""
    if len(text) > _LONGEST_EMAIL or not _EMAIL.fullmatch(text):
        raise InputError(Reason.PARAMETER_INVALID, f"`{parameter}` is no e-mail address", subject=parameter)


def check_mobile_phone(parameter: str, text: str) -> None:
    """Raises: InputError(PARAMETER_INVALID) for anything but `<country code>-<number>`."""
    if not _MOBILE_PHONE.fullmatch(text):
        message = f"`{parameter}` must look like 86-18600001234"
        raise InputError(Reason.PARAMETER_INVALID, message, subject=parameter)
