"""What an official client makes of a refusal."""

from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException


def refusal(call: Callable[..., Any], *args: object, **more: object) -> ClientException:
    """The error that a call ends in; its `code`, `status_code` and `data["Reason"]` tell which."""
    with pytest.raises(ClientException) as caught:
        call(*args, **more)
    return caught.value
