"""What a login is begun for: whom it signs in, and, where one role is wanted, which, and by whom it must be answered.

An aim waits with the pending login. Of the person only a digest is kept: it is compared, and never read.
"""

import json
from dataclasses import asdict, dataclass

from gateway.store.hashed_key import hash_key

USER = "user"
ROLE = "role"
TEST = "test"  # an administrator tries the connection: nobody is signed in by the answer
STEP_UP = "step-up"  # a second factor is to be proved, for one role


@dataclass(frozen=True, slots=True)
class Aim:
    """Empty texts: nothing in particular is wanted."""

    role_arn: str = ""  # the role to take as soon as the answer is there
    role_id: str = ""  # it must still be this one, and none of the same name
    person: str = ""  # `person_mark` of whoever must answer


NO_AIM = Aim()


def person_mark(protocol: str, provider_arn: str, subject: str) -> str:
    """Tells people of identity providers apart, by what never changes of them."""
    return hash_key(json.dumps([protocol, provider_arn, subject]))


def dump_aim(aim: Aim) -> str:
    return json.dumps(asdict(aim))


def load_aim(text: str) -> Aim:
    return Aim(**json.loads(text))
