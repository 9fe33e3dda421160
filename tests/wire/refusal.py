"""What an official client makes of a refusal."""

from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException


def refusal(call: Callable[..., Any], *args: object, **more: object) -> AlibabaCloudException:
    """The error that a call ends in; its `code`, `status_code` and `data["Reason"]` tell which.

    Clients that are told to wait raise another kind, with the same fields and `retry_after` in milliseconds.
    """
    with pytest.raises(AlibabaCloudException) as caught:
        call(*args, **more)
    return caught.value
