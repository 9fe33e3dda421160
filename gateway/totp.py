"""Time-based one-time codes: seeds, which step a code belongs to, and the QR code that an app reads a seed from. Pure.

Rule: RFC 6238, RFC 4226; ram-limits §4 (6 digits, 30 s, SHA-1 - what every authenticator app can do).
"""

import base64
import hmac
import io
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from urllib.parse import quote, urlencode

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from gateway.errors import InputError, Reason
from gateway.secret import Secret

STEP_S = 30
SKEW_STEPS = 1  # a phone's clock may be this far from ours, either way
DIGITS = 6
ISSUER = "ramgate"

_SEED_BYTES = 20  # RFC 4226 §4 recommends 160 bits
_CODE = re.compile(r"[0-9]{6}")
_QR_SCALE = 5


def new_seed() -> Secret:
    """A fresh seed in Base32, 32 characters. ASSUMPTION: the platform's are longer; apps take any length."""
    return Secret(base64.b32encode(secrets.token_bytes(_SEED_BYTES)).decode())


def step_at(instant: datetime) -> int:
    """The number of the 30-second step that an instant lies in."""
    return int(instant.timestamp()) // STEP_S


def check_code_format(code: str) -> None:
    """Raises: InputError(PARAMETER_INVALID), subject "AuthenticationCode", for anything but 6 digits."""
    if not _CODE.fullmatch(code):
        message = "a code has 6 digits, with nothing between them"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="AuthenticationCode")


def code_at(seed: Secret, step: int) -> str:
    """The code of one step."""
    # RFC 6238 with SHA-1 is an HMAC, whose security does not rest on collisions.
    totp = TOTP(base64.b32decode(seed.reveal()), DIGITS, SHA1(), STEP_S)  # noqa: S303
    return totp.generate(step * STEP_S).decode()


def matching_step(seed: Secret, code: str, now: datetime, *, after: int) -> int | None:
    """The step whose code this is, among the present one and one on either side; None if there is none.

    Steps up to `after` were used and do not count, so that no code works twice. Every candidate is compared, in
    constant time.
    """
    return _last_match((step for step in _around(now) if step > after), lambda step: _equal(code_at(seed, step), code))


def matching_pair(seed: Secret, first: str, second: str, now: datetime, *, after: int) -> int | None:
    """The step of the second of two codes that follow each other directly, neither of them used; None otherwise.

    The second code lies within the usual skew, so that the first, which had to be waited on, may be a step older.
    """
    candidates = (step for step in _around(now) if step - 1 > after)
    return _last_match(
        candidates,
        lambda step: _equal(code_at(seed, step - 1), first) & _equal(code_at(seed, step), second),
    )


def provisioning_uri(seed: Secret, label: str) -> str:
    """What the QR code says. `label` names the account in the app, such as `alice@acme.onaliyun.com`.

    ASSUMPTION: the platform's label is not published. Ours is `<issuer>:<label>` as the authenticator apps agree on.
    The result holds the seed: it is shown once, and never logged.
    """
    query = urlencode(
        {"secret": seed.reveal(), "issuer": ISSUER, "algorithm": "SHA1", "digits": DIGITS, "period": STEP_S}
    )
    return f"otpauth://totp/{quote(ISSUER)}:{quote(label, safe='@')}?{query}"


def qr_png(text: str) -> bytes:
    """A PNG picture of a QR code, dark on light with the quiet zone that cameras need."""
    picture = io.BytesIO()
    segno.make_qr(text, error="m").save(picture, kind="png", scale=_QR_SCALE)
    return picture.getvalue()


def qr_svg(text: str) -> str:
    """The same as SVG to stand inside a page, where nothing has to be fetched a second time. Holds no foreign text."""
    return segno.make_qr(text, error="m").svg_inline(
        scale=_QR_SCALE, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )


def _around(now: datetime) -> range:
    middle = step_at(now)
    return range(middle - SKEW_STEPS, middle + SKEW_STEPS + 1)


def _last_match(steps: Iterable[int], fits: Callable[[int], bool]) -> int | None:
    found = [step for step in steps if fits(step)]
    return found[-1] if found else None


def _equal(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())
