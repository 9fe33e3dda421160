"""How the two exchanges of foreign tokens for credentials put their refusals. Rule: sts-contract §6.3, §6.4."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.api.wire_row import Row
from gateway.errors import Reason

_NO_PERMISSION = "AuthenticationFail.NoPermission"

SAML_EXCHANGE: Mapping[tuple[Reason, str], Row] = MappingProxyType(
    {
        **{
            (Reason.PARAMETER_MISSING, name): Row(400, f"MissingParameter.{name}", f"Parameter {name} is required.")
            for name in ("SAMLAssertion", "SAMLProviderArn", "RoleArn")
        },
        (Reason.POLICY_MALFORMED, ""): Row(400, "InvalidParameter.PolicyGrammar", "Invalid Policy."),
        # The number in the published text is out of date; the limit is 2048.
        (Reason.POLICY_TOO_LONG, ""): Row(400, "InvalidParameter.PolicySize", "The max size of policy string is 1024."),
        (Reason.ROLE_SESSION_NAME, ""): Row(400, "InvalidParameter.RoleSessionName", "The RoleSessionName is invalid."),
        (Reason.SESSION_DURATION, ""): Row(400, "InvalidParameter.DurationSeconds", "The DurationSeconds is invalid."),
        (Reason.PARAMETER_INVALID, "DurationSeconds"): Row(
            400, "InvalidParameter.DurationSeconds", "The DurationSeconds is invalid."
        ),
        (Reason.NOT_FOUND, "RoleArn"): Row(404, "EntityNotExist.RoleArn", "The specified Role does not exists."),
    }
)

# ASSUMPTION: statuses are not published; they follow the SAML exchange, as do the parameters' codes.
OIDC_EXCHANGE: Mapping[tuple[Reason, str], Row] = MappingProxyType(
    {
        **{
            (Reason.PARAMETER_MISSING, name): Row(400, f"MissingParameter.{name}", f"Parameter {name} is required.")
            for name in ("OIDCToken", "OIDCProviderArn", "RoleArn", "RoleSessionName")
        },
        (Reason.ARN_MALFORMED, "OIDCProviderArn"): Row(403, _NO_PERMISSION, "Parameter OIDCProviderArn is not valid"),
        (Reason.NOT_FOUND, "OIDCProvider"): Row(403, _NO_PERMISSION, "No such OIDC Provider registered."),
        (Reason.TRUST_POLICY_DENIED, ""): Row(403, _NO_PERMISSION, "There is no permission"),
        (Reason.NOT_FOUND, "RoleArn"): Row(404, "EntityNotExist.Role", "The role not exists: {public}."),
        **{
            (reason, "Issuer"): Row(
                401,
                "AuthenticationFail.OIDCToken.IssuerConfigurationBroken",
                "Get public keys from OIDC Provider failed, the issuer is {public}.",
            )
            for reason in Reason
            if reason.name.startswith("OIDC_")
        },
        (Reason.POLICY_MALFORMED, ""): Row(400, "InvalidParameter.PolicyGrammar", "Invalid Policy."),
        (Reason.POLICY_TOO_LONG, ""): Row(400, "InvalidParameter.PolicySize", "The max size of policy string is 2048."),
        (Reason.PARAMETER_INVALID, "RoleSessionName"): Row(
            400, "InvalidParameter.RoleSessionName", "The RoleSessionName is invalid."
        ),
        (Reason.PARAMETER_INVALID, "DurationSeconds"): Row(
            400, "InvalidParameter.DurationSeconds", "The DurationSeconds is invalid."
        ),
    }
)
