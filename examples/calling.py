"""Any operation of the gateway by its name, with the official client: `call("Authorize", PrincipalArn=..., ...)`.

Where the gateway is, and whose key signs, say RAMGATE_ENDPOINT (host:port), RAMGATE_PROTOCOL, RAMGATE_CA_FILE and
ALIBABA_CLOUD_ACCESS_KEY_ID, _SECRET and ALIBABA_CLOUD_SECURITY_TOKEN in the environment.
"""

import os
from typing import Any

from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

OURS = "2026-11-01"


def configured(key_id: str = "", secret: str = "", token: str | None = None) -> Config:
    """What an official client has to be told; by the key of the environment unless one is given."""
    given = os.environ
    return Config(
        endpoint=given["RAMGATE_ENDPOINT"],
        protocol=given.get("RAMGATE_PROTOCOL", "HTTPS"),
        ca=given.get("RAMGATE_CA_FILE"),
        access_key_id=key_id or given["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        access_key_secret=secret or given["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        security_token=token if key_id else given.get("ALIBABA_CLOUD_SECURITY_TOKEN"),
    )


def call(operation: str, config: Config | None = None, **parameters: str) -> Any:
    """The body of the answer. Raises: alibabacloud_tea_openapi.exceptions.ClientException and its kin."""
    return ask(Client(config or configured()), operation, parameters)


def ask(client: Client, operation: str, parameters: dict[str, str]) -> Any:
    params = Params(
        action=operation,
        version=OURS,
        pathname="/",
        method="POST",
        protocol="HTTPS",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    given = {name: value for name, value in parameters.items() if value}
    return client.call_api(params, OpenApiRequest(body=given), RuntimeOptions(autoretry=False))["body"]
