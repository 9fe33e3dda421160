"""Passwords that everybody tries first. Rule: ram-limits §6 (InterceptRiskPasswordOnApi: "threat passwords").

ASSUMPTION: which ones the platform means is not published. These are the heads of the lists that guessers use, as far
as they have eight characters, in any case, and with whatever digits and punctuation stand around them.
"""

import string

from gateway.errors import InputError, Reason
from gateway.secret import Secret

_AROUND = string.digits + string.punctuation + string.whitespace
_TEXT = """
password passw0rd pa55word p@ssword p@ssw0rd pa$$word pa$$w0rd passwort motdepasse contrasena
qwerty qwertyui qwertyuiop qwertz qwertzui azerty azertyui asdfghjk asdfghjkl zxcvbnm asdf qwer zxcv qwerasdf
iloveyou sunshine princess football baseball superman batman trustno welcome welcometo letmein whatever starwars
computer michelle jennifer internet dragon monkey shadow master woaini
admin administrator adminadmin rootroot changeme default secret access test testtest guest login
aliyun alibaba alibabacloud
abc abcd abcdefgh abcdefghi q1w2e3r4 1q2w3e4r 1qaz2wsx qazwsx qazwsxedc 1qaz2wsx3edc zaq12wsx
"""
_WORDS = frozenset(_TEXT.split())


def check_not_common(password: Secret) -> None:
    """Raises: InputError(PASSWORD_TOO_WEAK), subject "Password"."""
    text = password.reveal().casefold()
    core = text.strip(_AROUND)
    if not core or core in _WORDS or text in _WORDS or len(set(text)) == 1:
        message = "a password must not be one of those that everybody tries first"
        raise InputError(Reason.PASSWORD_TOO_WEAK, message, subject="Password")
