"""What a webhook is sent: JSON, and a signature by which the receiver knows that it is ours and new.

`X-Ramgate-Signature: t=<seconds since 1970>,v1=<hex>`, where the hex is HMAC-SHA256 under the webhook's secret (its
ASCII bytes) over the digits of `t`, a full stop and the bytes of the body. A receiver refuses a `t` that is more than
some minutes away, and takes an `event_id` once: a message may come a second time.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime

from gateway.clock import wire_time
from gateway.directory.expiry import DatedThing
from gateway.directory.expiry_notices import threshold_of
from gateway.secret import Secret

SIGNATURE_HEADER = "X-Ramgate-Signature"


def expiry_message(account_id: str, base_url: str, things: Sequence[DatedThing], now: datetime) -> bytes:
    """News of things that lapse; without any it is a test message."""
    content = {
        "type": "expiry" if things else "test",
        "account_id": account_id,
        "sent_at": wire_time(now),
        "page": f"{base_url}/admin/expiry",
        "things": [_thing(thing, base_url, now) for thing in things],
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def signature_of(secret: Secret, body: bytes, now: datetime) -> str:
    """The value of the header."""
    at = str(int(now.timestamp()))
    code = hmac.new(secret.reveal().encode("ascii"), at.encode("ascii") + b"." + body, hashlib.sha256)
    return f"t={at},v1={code.hexdigest()}"


def _thing(thing: DatedThing, base_url: str, now: datetime) -> dict[str, str | int]:
    threshold = threshold_of(thing, now) or 0
    return {
        "event_id": thing.event_id(threshold),
        "kind": thing.kind.value,
        "name": thing.name,
        "what": thing.what,
        "expires_at": wire_time(thing.expires_at),
        "days_left": thing.days_left(now),
        "threshold_days": threshold,
        "stops": thing.stops,
        "what_to_do": thing.what_to_do,
        "link": base_url + (thing.path or "/admin/expiry"),
    }
