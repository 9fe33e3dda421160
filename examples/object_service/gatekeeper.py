"""The question to the gateway: whose signature is this, and may they? It is signed by the service's own AccessKey.

A user or role of the bucket's account, with a policy that allows `ram:VerifyRequest` on `acs:ram:*:*:service/oss`.
"""

import base64
import json
import logging
from collections.abc import Mapping
from typing import Any

from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config

from examples.calling import ask
from examples.object_service.answers import Refusal
from examples.object_service.signing import Signed

# What the gateway says of a client's signature, and how OSS calls it.
_CODES = {
    "InvalidAccessKeyId.NotFound": "InvalidAccessKeyId",
    "InvalidAccessKeyId.Inactive": "InvalidAccessKeyId",
    "SignatureDoesNotMatch": "SignatureDoesNotMatch",
    "SignatureNonceUsed": "AccessDenied",
    "InvalidTimeStamp.Expired": "RequestTimeTooSkewed",
    "InvalidSecurityToken.Expired": "SecurityTokenExpired",
    "InvalidSecurityToken.Revoked": "SecurityTokenRevoked",
    "InvalidSecurityToken.Malformed": "InvalidSecurityToken",
    "InvalidSecurityToken.MismatchWithAccessKey": "InvalidSecurityToken",
    "MissingSecurityToken": "InvalidSecurityToken",
}
_FORBIDDEN = range(400, 500)
_TOO_MANY = 429


class Gatekeeper:
    def __init__(self, config: Config) -> None:
        self._client = Client(config)

    def admit(
        self, signed: Signed, action: str, resource: str, context: Mapping[str, str | bool], *, once: bool
    ) -> str:
        """The ARN of the caller, who may. `once`: the same signature is not taken again.

        Raises: Refusal with the gateway's explanation; Refusal(ServiceUnavailable) while the gateway can't be asked.
        """
        answer = self._ask(
            ClientAccessKeyId=signed.access_key_id,
            ClientSecurityToken=signed.security_token,
            ClientSignatureMethod=signed.method,
            EncodedStringToSign=base64.b64encode(signed.text).decode(),
            ClientSignature=signed.signature,
            SignedAt=signed.signed_at,
            ClientNonce=signed.signature if once else "",
            RequestAction=action,
            Resource=resource,
            Context=json.dumps(context),
        )
        decision = answer["Decision"]
        if decision["Allowed"] is not True:
            message = f"you are not allowed {action} on {resource}"
            raise Refusal(403, "AccessDenied", message, str(decision["Explanation"]))
        return str(answer["Caller"]["Arn"])

    def _ask(self, **parameters: str) -> Any:
        try:
            return ask(self._client, "VerifyRequest", parameters)
        except ClientException as error:
            if error.status_code not in _FORBIDDEN or error.status_code == _TOO_MANY:
                raise _unavailable(error) from error
            code = _CODES.get(error.code, "AccessDenied")
            message = str((error.data or {}).get("Message", error.message))
            raise Refusal(403, code, message, f"the gateway refused the signature: {message}") from error
        except Exception as error:  # whatever the client makes of a gateway that is not there: nobody gets in
            raise _unavailable(error) from error


def _unavailable(error: Exception) -> Refusal:
    logging.getLogger("objects").error("the gateway can't be asked: %s", error)
    return Refusal(503, "ServiceUnavailable", "nobody can be let in at the moment; try again in a minute")
