"""Calls by the names of the wire, through the official clients; what was called last is remembered with its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from alibabacloud_ims20190815 import models as ims_models
from alibabacloud_ims20190815.client import Client as ImsClient
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401 import models as sts_models
from alibabacloud_sts20150401.client import Client as StsClient

from tests.wire.names import new_name
from tests.wire.seed import Caller, Seed

RAM, IMS, STS = "RAM", "IMS", "STS"
_MODELS = {RAM: ram_models, IMS: ims_models, STS: sts_models}
Answer = Mapping[str, Any]


class _Hears:
    """A client that keeps what the gateway answered: its own models drop the fields that they do not know."""

    heard: Answer

    def call_api(self, params: Any, request: Any, runtime: Any) -> Any:
        answer = super().call_api(params, request, runtime)  # type: ignore[misc]
        self.heard = answer["body"]
        return answer

    def do_rpcrequest(self, *call: Any) -> Any:
        """The same for calls without a signature."""
        answer = super().do_rpcrequest(*call)  # type: ignore[misc]
        self.heard = answer["body"]
        return answer


class _Ram(_Hears, RamClient):  # type: ignore[misc]
    pass


class _Ims(_Hears, ImsClient):  # type: ignore[misc]
    pass


class _Sts(_Hears, StsClient):  # type: ignore[misc]
    pass


_CLIENTS = {RAM: _Ram, IMS: _Ims, STS: _Sts}


class Signer(Protocol):
    """Whose key signs, and with which token."""

    @property
    def key(self) -> tuple[str, ...]: ...


@dataclass
class Call:
    service: str
    action: str
    answer: Answer | None = None  # None: it was refused


@dataclass
class Walk:
    """A company seen from one service: `walk("CreateUser", UserName="bob")` calls as the account's owner."""

    company: Seed
    service: str
    signer: tuple[str, ...] = ()
    calls: list[Call] = field(default_factory=list)

    def __call__(self, action: str, **parameters: object) -> Answer:
        return self._call(self.service, action, parameters)

    def ram(self, action: str, **parameters: object) -> Answer:
        return self._call(RAM, action, parameters)

    def ims(self, action: str, **parameters: object) -> Answer:
        return self._call(IMS, action, parameters)

    def by(self, caller: Caller) -> "Walk":
        return Walk(self.company, self.service, caller.key, self.calls)

    def nobody(self) -> "Walk":
        """The same walk as a user without any rights."""
        return self.by(self.company.new_user())

    def called(self, name: str) -> Mapping[str, str]:
        """How this service is told which user is meant."""
        return {"UserName": name} if self.service == RAM else {"UserPrincipalName": self.principal(name)}

    def principal(self, name: str) -> str:
        return f"{name}@{self.company.account_id}.onaliyun.com"

    def user(self) -> Mapping[str, str]:
        """A new user, as this service is told about it."""
        name = new_name()
        self.ram("CreateUser", UserName=name)
        return self.called(name)

    def _call(self, service: str, action: str, parameters: Mapping[str, object]) -> Answer:
        client = _CLIENTS[service](self.company.config(*self.signer))
        request = getattr(_MODELS[service], f"{action}Request", None)
        arguments = () if request is None else (request().from_map(parameters),)
        call = Call(service, action)
        self.calls.append(call)
        getattr(client, _method(service, action))(*arguments)
        call.answer = client.heard
        return client.heard


@cache
def _method(service: str, action: str) -> str:
    """The client's own name of an operation, such as `bind_mfadevice`."""
    names = {name.replace("_", ""): name for name in dir(_CLIENTS[service])}
    return names[action.lower()]
