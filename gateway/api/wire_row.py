"""How one refusal looks on the wire."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`code` and `message` may use `{subject}`, `message` also `{public}` of the error."""

    status: int
    code: str
    message: str
