"""The resource operations have no SDK of their own: the official clients call them by name."""

from collections.abc import Mapping
from typing import Any

from gateway.api.versions import RESOURCES
from tests.wire.by_name import call_by_name
from tests.wire.seed import Seed


class ResourceService:
    def __init__(self, company: Seed, *key: str) -> None:
        self._client = company.client(*key)

    def call(self, operation: str, **query: str | int | bool) -> Any:
        """The body of the answer. Raises: ClientException."""
        return call_by_name(self._client, RESOURCES, operation, {name: str(value) for name, value in query.items()})


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
