"""Claims that an administrator wrote down to try rules with: read like those of a token, and believed by nobody."""

from collections.abc import Mapping

from gateway.errors import InputError, OidcError, Reason
from gateway.oidc.attributes import Attributes
from gateway.oidc.json_text import read_object

MAX_SAMPLE = 20_000


def read_sample(text: str) -> Mapping[str, tuple[str, ...]]:
    """`{"sub": "1", "groups": ["a", "b"]}` as the texts that rules are asked about.

    Raises: InputError(PARAMETER_TOO_LONG), InputError(PARAMETER_INVALID), subject "Claims".
    """
    if len(text) > MAX_SAMPLE:
        raise InputError(Reason.PARAMETER_TOO_LONG, f"at most {MAX_SAMPLE} characters can be tried", subject="Claims")
    try:
        attributes = Attributes(read_object(text.encode("utf-8", "surrogatepass")))
        attributes.check()
        return dict(attributes)
    except OidcError as error:
        message = 'the claims must be one JSON object, such as {"sub": "1", "groups": ["a"]}'
        raise InputError(Reason.PARAMETER_INVALID, message, error.detail, subject="Claims") from error
