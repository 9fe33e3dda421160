"""Any operation by its name, with any parameters, as the official clients would sign it."""

from collections.abc import Mapping
from typing import Any

from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions


def call_by_name(client: Client, version: str, action: str, query: Mapping[str, str]) -> Any:
    """The body of the answer, fields that the client's models do not know included."""
    params = Params(
        action=action,
        version=version,
        protocol="HTTP",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    return client.call_api(params, OpenApiRequest(query=dict(query)), RuntimeOptions())["body"]
