"""The one table from reasons to what the wire says: HTTP status, code, message. Texts are verbatim, clients match them.

A message may use `{subject}` and `{public}` of the error. Rule: sts-contract §6; ram-limits §10. Rows which those
pages mark as unconfirmed, or do not have, are ASSUMPTIONs.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.api.wire_exchanges import OIDC_EXCHANGE, SAML_EXCHANGE
from gateway.api.wire_row import Row
from gateway.api.wire_texts import BY_ENTITY
from gateway.errors import Reason

_MANDATORY = "{subject} is mandatory for this action."
_NOT_AUTHORIZED = "You are not authorized to do this action. You should be authorized by RAM."
_ASSERTION_INVALID = Row(401, "AuthenticationFail.SAMLAssertion.Invalid", "The SAML Assertion is invalid.")
_ASSERTION_EXPIRED = Row(401, "AuthenticationFail.SAMLAssertion.Expired", "The SAML Assertion is expired.")
_METADATA_INVALID = Row(
    401, "AuthenticationFail.IDPMetadata.Invalid", "The IdP Metadata of your SAML Provider is invalid."
)
# Rule: sts-contract §6.4; the statuses are by analogy with SAML.
_OIDC_INVALID = Row(401, "AuthenticationFail.OIDCToken.Invalid", "The OIDC Token is invalid.")
_OIDC_AUDIENCE = Row(401, "AuthenticationFail.OIDCToken.AudienceNotMatch", "Invalid audience.")
_ISSUER_BROKEN = Row(
    401,
    "AuthenticationFail.OIDCToken.IssuerConfigurationBroken",
    "Get public keys from OIDC Provider failed, the issuer is {subject}.",
)
_PASSWORD_TOO_WEAK = Row(
    400,
    "InvalidParameter.Password.TooWeak",
    'The parameter - "Password" is not compliant with the password policy.',
)
_LOGIN = Row(403, "AuthenticationFail.Login", "{public}")
_FORBIDDEN = Row(403, "Forbidden", "{public}")
_INTERNAL = Row(500, "InternalError", "STS Server Internal Error happened, please send the RequestId to us.")

INTERNAL_ERROR = _INTERNAL

BY_REASON: Mapping[Reason, Row] = MappingProxyType(
    {
        # Settings are refused at start-up; one found broken later is our fault, not the caller's.
        Reason.CONFIG_UNKNOWN_KEY: _INTERNAL,
        Reason.CONFIG_INVALID: _INTERNAL,
        Reason.XML_LIBRARIES_MISMATCH: _INTERNAL,
        Reason.PARAMETER_MISSING: Row(
            400,
            "MissingParameter",
            'The input parameter "{subject}" that is mandatory for processing this request is not supplied.',
        ),
        Reason.PARAMETER_INVALID: Row(400, "InvalidParameter.{subject}", "The parameter {subject} is wrongly formed."),
        Reason.PARAMETER_TOO_LONG: Row(
            400, "InvalidParameter.{subject}.Length", 'The parameter - "{subject}" beyond the length limit.'
        ),
        Reason.PARAMETER_DUPLICATE: Row(400, "InvalidParameter.Duplicate", "A parameter is given more than once."),
        Reason.CONTENT_TYPE: Row(
            400,
            "InvalidParameter.ContentType",
            'The ContentType request header must be "application/x-www-form-urlencoded".',
        ),
        Reason.PAYLOAD_TOO_LARGE: Row(413, "RequestBodyTooLarge", "The request body is too large."),
        Reason.ARN_MALFORMED: Row(400, "InvalidParameter.{subject}", "The parameter {subject} is wrongly formed."),
        Reason.NAME_INVALID_CHARS: Row(
            400, "InvalidParameter.{subject}.InvalidChars", 'The parameter - "{subject}" contains invalid chars.'
        ),
        Reason.NAME_LENGTH: Row(
            400, "InvalidParameter.{subject}.Length", 'The parameter - "{subject}" beyond the length limit.'
        ),
        Reason.PASSWORD_TOO_WEAK: _PASSWORD_TOO_WEAK,
        Reason.PASSWORD_REUSED: _PASSWORD_TOO_WEAK,
        Reason.POLICY_MALFORMED: Row(400, "MalformedPolicyDocument", "{public}"),
        Reason.POLICY_TOO_LONG: Row(
            400, "InvalidParameter.PolicyDocument.Length", 'The parameter - "PolicyDocument" beyond the length limit.'
        ),
        Reason.CSRF: _FORBIDDEN,
        Reason.NOT_SIGNED_IN: _FORBIDDEN,
        Reason.PROXY_UNKNOWN: _FORBIDDEN,
        Reason.PAGE_NOT_FOUND: Row(
            404, "InvalidApi.NotFound", "Specified api is not found, please check your url and method."
        ),
        Reason.METHOD_NOT_ALLOWED: Row(405, "UnsupportedHTTPMethod", "This http method is not supported."),
        Reason.LOGIN_FAILED: _LOGIN,
        Reason.LOGIN_THROTTLED: Row(429, "Throttling.Login", "{public}"),
        Reason.MFA_CODE_WRONG: Row(
            403, "CheckAuthenticationCodeFail", 'The parameter - "AuthenticationCode" is inccorrect.'
        ),
        Reason.PASSWORD_LOGIN_DISABLED: _LOGIN,
        Reason.LOGIN_NETWORK: _LOGIN,
        Reason.LOGIN_LOCKED: Row(429, "Throttling.Login", "{public}"),
        Reason.LOGIN_IDLE: _LOGIN,
        Reason.PASSWORD_EXPIRED: _LOGIN,
        Reason.ACCESS_KEY_NOT_FOUND: Row(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
        Reason.ACCESS_KEY_INACTIVE: Row(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled."),
        Reason.ACCESS_KEY_NETWORK: Row(
            403, "Forbidden.AccessKeyPolicy", "The access key can not be used from this network."
        ),
        Reason.SIGNATURE_INCOMPLETE: Row(
            400, "IncompleteSignature", "The request signature does not conform to Aliyun standards. {public}."
        ),
        Reason.SIGNATURE_MISMATCH: Row(400, "SignatureDoesNotMatch", "{public}"),
        Reason.SIGNATURE_METHOD: Row(400, "InvalidSignatureMethod", "Specified signature method is not supported."),
        Reason.SIGNATURE_NONCE_USED: Row(400, "SignatureNonceUsed", "Specified signature nonce was used already."),
        Reason.TIMESTAMP_FORMAT: Row(
            400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."
        ),
        Reason.TIMESTAMP_EXPIRED: Row(
            400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."
        ),
        Reason.TOKEN_MISSING: Row(400, "MissingSecurityToken", "SecurityToken is mandatory for this action."),
        Reason.TOKEN_MALFORMED: Row(400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed."),
        Reason.TOKEN_KEY_MISMATCH: Row(
            400, "InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey."
        ),
        Reason.TOKEN_EXPIRED: Row(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."),
        Reason.TOKEN_REVOKED: Row(400, "InvalidSecurityToken.Revoked", "Specified SecurityToken is revoked."),
        Reason.ACTION_NOT_FOUND: Row(
            404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."
        ),
        Reason.VERSION_INVALID: Row(400, "InvalidVersion", "Specified parameter Version is not valid."),
        **dict.fromkeys((reason for reason in Reason if reason.name.startswith("SAML_")), _ASSERTION_INVALID),
        Reason.SAML_EXPIRED: _ASSERTION_EXPIRED,
        **dict.fromkeys((reason for reason in Reason if reason.name.startswith("METADATA_")), _METADATA_INVALID),
        **dict.fromkeys((reason for reason in Reason if reason.name.startswith("FETCH_")), _ISSUER_BROKEN),
        **dict.fromkeys((reason for reason in Reason if reason.name.startswith("OIDC_")), _OIDC_INVALID),
        Reason.OIDC_EXPIRED: Row(401, "AuthenticationFail.OIDCToken.Expired", "This JsonWebToken is expired."),
        # ASSUMPTION: a token older than the provider's issuance limit is expired too; the contract gives it no code.
        Reason.OIDC_ISSUANCE_LIMIT: Row(401, "AuthenticationFail.OIDCToken.Expired", "This JsonWebToken is expired."),
        Reason.OIDC_DISCOVERY: _ISSUER_BROKEN,
        Reason.OIDC_DISCOVERY_ISSUER: _ISSUER_BROKEN,
        Reason.OIDC_DISCOVERY_ENDPOINT: _ISSUER_BROKEN,
        Reason.OIDC_UNSUPPORTED: _ISSUER_BROKEN,
        Reason.OIDC_UNAVAILABLE: _ISSUER_BROKEN,
        Reason.OIDC_KEY_SET: _ISSUER_BROKEN,
        Reason.OIDC_FINGERPRINT: Row(
            401,
            "AuthenticationFail.OIDCToken.PublicKeyFingerprintMismatch",
            "The fingerprint of the OIDC Provider's certificate is not registered.",
        ),
        Reason.OIDC_AUDIENCE: _OIDC_AUDIENCE,
        Reason.OIDC_AUDIENCE_UNTRUSTED: _OIDC_AUDIENCE,
        Reason.OIDC_AUTHORIZED_PARTY: _OIDC_AUDIENCE,
        Reason.OIDC_ISSUER: Row(
            401,
            "AuthenticationFail.OIDCToken.IssuerNotMatch",
            "The issuer in the OIDC Token doesn't match the OIDC Provider registered.",
        ),
        Reason.LOGIN_NOT_PENDING: _LOGIN,
        Reason.LOGIN_OTHER_BROWSER: _LOGIN,
        Reason.SSO_DISABLED: _LOGIN,
        Reason.SSO_ACCOUNT_AMBIGUOUS: _LOGIN,
        Reason.USER_NO_MATCH: _LOGIN,
        Reason.USER_DOMAIN_NOT_ACCEPTED: _LOGIN,
        Reason.USER_NAME_CLAIM: _LOGIN,
        Reason.USER_LINKED_ELSEWHERE: _LOGIN,
        Reason.ROLE_ATTRIBUTE: _ASSERTION_INVALID,
        Reason.ROLE_SESSION_NAME: Row(
            400, "InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed."
        ),
        Reason.ROLE_NONE_ALLOWED: Row(403, "NoPermission", _NOT_AUTHORIZED),
        Reason.ROLE_CHOICE_GONE: _LOGIN,
        Reason.ROLE_NO_CONSOLE: _LOGIN,
        # Stepping up is for browsers; an answer of the API never has one of these.
        Reason.STEP_UP_IMPOSSIBLE: _LOGIN,
        Reason.STEP_UP_UNPROVED: _LOGIN,
        Reason.STEP_UP_OTHER_PERSON: _LOGIN,
        Reason.SESSION_DURATION: Row(
            400, "InvalidParameter.DurationSeconds", "The Min/Max value of DurationSeconds is 15min/1hr."
        ),
        Reason.ACCESS_DENIED: Row(403, "NoPermission", _NOT_AUTHORIZED),
        Reason.TRUST_POLICY_DENIED: Row(403, "NoPermission", _NOT_AUTHORIZED),
        Reason.NOT_FOUND: Row(404, "EntityNotExist.{subject}", "The {subject} does not exist."),
        Reason.ALREADY_EXISTS: Row(409, "EntityAlreadyExists.{subject}", "The {subject} does already EXIST."),
        Reason.DELETE_CONFLICT: Row(409, "DeleteConflict.{subject}", "{public}"),
        Reason.CHANGED_MEANWHILE: Row(409, "OperationConflict.{subject}", "{public}"),
        # ASSUMPTION: that the platform refuses is documented, its code is not.
        Reason.ROLE_SERVICE_LINKED: Row(
            400, "NotSupport.ServiceLinkedRole", "The operation is not supported for service linked roles."
        ),
        Reason.LIMIT_EXCEEDED: Row(409, "LimitExceeded.{subject}", "The count of {subject} beyond the current limits."),
    }
)

BY_SUBJECT: Mapping[tuple[Reason, str], Row] = MappingProxyType(
    {
        **{
            (Reason.PARAMETER_MISSING, name): Row(400, f"Missing{name}", _MANDATORY)
            for name in ("AccessKeyId", "Action", "Signature", "SignatureNonce", "Timestamp", "Version")
        },
        (Reason.PARAMETER_INVALID, "Action or Version"): Row(
            400, "InvalidParameter", 'The specified parameter "Action or Version" is not valid.'
        ),
        (Reason.PARAMETER_INVALID, "Encoding"): Row(
            400, "InvalidParameter.Encoding", "Parameters must be urlencoded UTF-8 text."
        ),
        (Reason.PARAMETER_INVALID, "Count"): Row(400, "InvalidParameter.Count", "The request has too many parameters."),
        (Reason.PARAMETER_INVALID, "DurationSeconds"): Row(
            400, "InvalidParameter.DurationSeconds", "The Min/Max value of DurationSeconds is 15min/1hr."
        ),
        **BY_ENTITY,
    }
)


def _metadata_upload(parameter: str) -> Mapping[tuple[Reason, str], Row]:
    """An administrator is told what is wrong with the document; in an exchange that is nobody else's business."""
    row = Row(400, f"InvalidParameter.{parameter}", "{public}")
    return MappingProxyType({(reason, ""): row for reason in Reason if reason.name.startswith("METADATA_")})


def _trust_policy(parameter: str) -> Mapping[tuple[Reason, str], Row]:
    row = Row(400, f"InvalidParameter.{parameter}.Length", f'The parameter - "{parameter}" beyond the length limit.')
    return MappingProxyType({(Reason.POLICY_TOO_LONG, ""): row})


_ASSUME_ROLE: Mapping[tuple[Reason, str], Row] = MappingProxyType(
    {
        (Reason.POLICY_MALFORMED, ""): Row(
            400, "InvalidParameter.PolicyGrammar", "The parameter Policy has not passed grammar check."
        ),
        (Reason.POLICY_TOO_LONG, ""): Row(
            400, "InvalidParameter.PolicySize", "The size of Policy must be smaller than 2048 bytes."
        ),
        (Reason.ACCESS_DENIED, "AccountOwner"): Row(403, "NoPermission", "Roles may not be assumed by root accounts."),
    }
)

# ASSUMPTION: of these the codes and statuses are published, the texts are not.
_DIAGNOSIS: Mapping[tuple[Reason, str], Row] = MappingProxyType(
    {
        (Reason.PARAMETER_INVALID, "EncodedDiagnosticMessage"): Row(
            400, "NotSupport", "The encoded diagnostic message can't be decoded."
        ),
        (Reason.TOKEN_EXPIRED, "EncodedDiagnosticMessage"): Row(
            400, "EncodedMessageExpire", "The encoded diagnostic message is expired."
        ),
        (Reason.NOT_FOUND, "EncodedDiagnosticMessage"): Row(
            404, "EntityNotExist", "The encoded diagnostic message does not exist."
        ),
    }
)

# Some operations say the same thing in other words. An empty subject stands for any.
BY_ACTION: Mapping[str, Mapping[tuple[Reason, str], Row]] = MappingProxyType(
    {
        "AssumeRole": _ASSUME_ROLE,
        "AssumeRoleWithOIDC": OIDC_EXCHANGE,
        "AssumeRoleWithSAML": SAML_EXCHANGE,
        "DecodeDiagnosticMessage": _DIAGNOSIS,
        "CreateRole": _trust_policy("AssumeRolePolicyDocument"),
        "UpdateRole": _trust_policy("NewAssumeRolePolicyDocument"),
        "CreateSAMLProvider": _metadata_upload("EncodedSAMLMetadataDocument"),
        "UpdateSAMLProvider": _metadata_upload("NewEncodedSAMLMetadataDocument"),
        "SetUserSsoSettings": _metadata_upload("MetadataDocument"),
    }
)

# What the HTTP layer refuses before, or instead of, a call. ASSUMPTION: the platform's codes are not published.
BY_STATUS: Mapping[int, Row] = MappingProxyType(
    {
        400: Row(400, "InvalidRequest", "The request is not well-formed HTTP."),
        404: BY_REASON[Reason.PAGE_NOT_FOUND],
        405: BY_REASON[Reason.METHOD_NOT_ALLOWED],
        408: Row(408, "RequestTimeout", "The request did not arrive in time."),
        411: Row(411, "MissingContentLength", "The request body must have a Content-Length, and no Transfer-Encoding."),
        413: BY_REASON[Reason.PAYLOAD_TOO_LARGE],
        414: Row(414, "RequestURITooLong", "The request line is too long."),
        417: Row(417, "ExpectationFailed", "The Expect header can't be met."),
        431: Row(431, "RequestHeaderTooLarge", "The request headers are too large."),
        500: _INTERNAL,
        503: Row(503, "ServiceUnavailable", "The service is busy, please try again."),
    }
)


def row_for(reason: Reason, subject: str, action: str) -> Row:
    """The most special row there is: the operation's own, the subject's, the reason's."""
    own = BY_ACTION.get(action, {})
    return own.get((reason, subject)) or own.get((reason, "")) or BY_SUBJECT.get((reason, subject)) or BY_REASON[reason]
