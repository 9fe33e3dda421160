"""The resource operations have no SDK of their own: the official client calls them by name, signed with V3 as any."""

from collections.abc import Mapping
from typing import Any

from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

from tests.wire.seed import Seed

VERSION = "2026-11-01"


class ResourceService:
    def __init__(self, company: Seed, key_id: str = "", secret: str = "", token: str | None = None) -> None:
        self._client = Client(
            Config(
                access_key_id=key_id or company.owner_key.access_key_id,
                access_key_secret=secret or company.owner_key.secret.reveal(),
                security_token=token,
                endpoint=company.gateway.endpoint,
                protocol=company.protocol,
                ca=None if company.trusted is None else str(company.trusted),
            )
        )

    def call(self, operation: str, **query: str | int | bool) -> Any:
        """The body of the answer. Raises: ClientException."""
        params = Params(
            action=operation,
            version=VERSION,
            protocol="HTTPS",
            pathname="/",
            method="POST",
            auth_type="AK",
            style="RPC",
            req_body_type="formData",
            body_type="json",
        )
        request = OpenApiRequest(query={name: str(value) for name, value in query.items()})
        return self._client.call_api(params, request, RuntimeOptions())["body"]


def listed(name: str, *values: str) -> Mapping[str, str]:
    """`Name.1`, `Name.2` and so on."""
    return {f"{name}.{number}": value for number, value in enumerate(values, 1)}


def tagged(**tags: str) -> Mapping[str, str]:
    """`Tag.1.Key`, `Tag.1.Value` and so on."""
    pairs = enumerate(tags.items(), 1)
    return {
        f"Tag.{number}.{part}": text
        for number, pair in pairs
        for part, text in zip(("Key", "Value"), pair, strict=True)
    }
