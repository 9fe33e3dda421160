"""One root error. Each refusal carries a machine-readable reason, a public text and, for the log only, a detail."""

from enum import StrEnum, unique


@unique
class Reason(StrEnum):
    """Why something was refused; what tests and the audit log tell apart."""

    # settings and start-up
    CONFIG_UNKNOWN_KEY = "ConfigUnknownKey"
    CONFIG_INVALID = "ConfigInvalid"
    XML_LIBRARIES_MISMATCH = "XmlLibrariesMismatch"

    # input in general
    PARAMETER_MISSING = "ParameterMissing"
    PARAMETER_INVALID = "ParameterInvalid"
    PARAMETER_TOO_LONG = "ParameterTooLong"
    PAYLOAD_TOO_LARGE = "PayloadTooLarge"
    ARN_MALFORMED = "ArnMalformed"
    NAME_INVALID_CHARS = "NameInvalidChars"
    NAME_LENGTH = "NameLength"
    PASSWORD_TOO_WEAK = "PasswordTooWeak"  # noqa: S105
    PASSWORD_REUSED = "PasswordReused"  # noqa: S105
    POLICY_MALFORMED = "PolicyMalformed"
    POLICY_TOO_LONG = "PolicyTooLong"

    # browser
    CSRF = "CsrfTokenInvalid"
    NOT_SIGNED_IN = "NotSignedIn"
    PROXY_UNKNOWN = "ProxyUnknown"
    PAGE_NOT_FOUND = "PageNotFound"
    METHOD_NOT_ALLOWED = "MethodNotAllowed"

    # credentials
    LOGIN_FAILED = "LoginFailed"
    LOGIN_THROTTLED = "LoginThrottled"
    MFA_CODE_WRONG = "MfaCodeWrong"
    PASSWORD_LOGIN_DISABLED = "PasswordLoginDisabled"  # noqa: S105
    LOGIN_NETWORK = "LoginNetwork"
    LOGIN_LOCKED = "LoginLocked"
    LOGIN_IDLE = "LoginIdle"
    PASSWORD_EXPIRED = "PasswordExpired"  # noqa: S105
    ACCESS_KEY_NOT_FOUND = "AccessKeyNotFound"
    ACCESS_KEY_INACTIVE = "AccessKeyInactive"
    ACCESS_KEY_NETWORK = "AccessKeyNetwork"
    SIGNATURE_INCOMPLETE = "SignatureIncomplete"
    SIGNATURE_MISMATCH = "SignatureMismatch"
    SIGNATURE_METHOD = "SignatureMethodUnknown"
    SIGNATURE_NONCE_USED = "SignatureNonceUsed"
    TIMESTAMP_FORMAT = "TimestampFormat"
    TIMESTAMP_EXPIRED = "TimestampExpired"
    TOKEN_MISSING = "TokenMissing"  # noqa: S105
    TOKEN_MALFORMED = "TokenMalformed"  # noqa: S105
    TOKEN_KEY_MISMATCH = "TokenKeyMismatch"  # noqa: S105
    TOKEN_EXPIRED = "TokenExpired"  # noqa: S105
    TOKEN_REVOKED = "TokenRevoked"  # noqa: S105

    # wire
    ACTION_NOT_FOUND = "ActionNotFound"
    VERSION_INVALID = "VersionInvalid"
    PARAMETER_DUPLICATE = "ParameterDuplicate"
    CONTENT_TYPE = "ContentType"

    # SAML: document
    SAML_ENCODING = "SamlEncoding"
    SAML_TOO_LARGE = "SamlTooLarge"
    SAML_XML_MALFORMED = "SamlXmlMalformed"
    SAML_DTD = "SamlDtd"
    SAML_COMMENT_OR_PI = "SamlCommentOrProcessingInstruction"
    SAML_CDATA = "SamlCdata"
    SAML_TOO_DEEP = "SamlTooDeep"
    SAML_DUPLICATE_ID = "SamlDuplicateId"
    SAML_SHAPE = "SamlShape"
    SAML_VERSION = "SamlVersion"
    SAML_STATUS = "SamlStatus"
    SAML_BINDING = "SamlBinding"
    SAML_NO_PASSIVE = "SamlNoPassive"
    SAML_NO_AUTHN_CONTEXT = "SamlNoAuthnContext"
    SAML_REQUEST_DENIED = "SamlRequestDenied"
    SAML_ARTIFACT = "SamlArtifact"
    SAML_ARTIFACT_SOURCE = "SamlArtifactSource"
    SAML_ARTIFACT_ANSWER = "SamlArtifactAnswer"
    SAML_ASSERTION_COUNT = "SamlAssertionCount"
    # SAML: signature and encryption
    SAML_UNSIGNED = "SamlUnsigned"
    SAML_SIGNATURE_PLACE = "SamlSignaturePlace"
    SAML_SIGNATURE_SHAPE = "SamlSignatureShape"
    SAML_SIGNATURE_REFERENCE = "SamlSignatureReference"
    SAML_SIGNATURE_ALGORITHM = "SamlSignatureAlgorithm"
    SAML_SIGNATURE_DIGEST = "SamlSignatureDigest"
    SAML_SIGNATURE_VALUE = "SamlSignatureValue"
    SAML_ENCRYPTION_SHAPE = "SamlEncryptionShape"
    SAML_ENCRYPTION_ALGORITHM = "SamlEncryptionAlgorithm"
    SAML_DECRYPTION = "SamlDecryption"
    # SAML: content
    SAML_TIME = "SamlTime"
    SAML_DESTINATION = "SamlDestination"
    SAML_ISSUER_MISMATCH = "SamlIssuerMismatch"
    SAML_ISSUE_INSTANT = "SamlIssueInstant"
    SAML_SUBJECT = "SamlSubject"
    SAML_SUBJECT_CONFIRMATION = "SamlSubjectConfirmation"
    SAML_RECIPIENT = "SamlRecipient"
    SAML_IN_RESPONSE_TO = "SamlInResponseTo"
    SAML_UNSOLICITED = "SamlUnsolicited"
    SAML_EXPIRED = "SamlExpired"
    SAML_NOT_YET_VALID = "SamlNotYetValid"
    SAML_CONDITIONS = "SamlConditions"
    SAML_AUDIENCE_MISSING = "SamlAudienceMissing"
    SAML_AUDIENCE_MISMATCH = "SamlAudienceMismatch"
    SAML_AUTHN_STATEMENT = "SamlAuthnStatement"
    SAML_SESSION_ENDED = "SamlSessionEnded"
    SAML_AUTHN_CONTEXT = "SamlAuthnContext"
    SAML_AUTHN_TOO_OLD = "SamlAuthnTooOld"
    SAML_NAME_ID_FORMAT = "SamlNameIdFormat"
    SAML_ATTRIBUTE = "SamlAttribute"
    SAML_REPLAYED = "SamlReplayed"
    SAML_UNKNOWN_ISSUER = "SamlUnknownIssuer"
    SAML_METADATA_LAPSED = "SamlMetadataLapsed"
    # SAML: metadata
    METADATA_MALFORMED = "MetadataMalformed"
    METADATA_NO_IDP = "MetadataNoIdentityProvider"
    METADATA_CERTIFICATE = "MetadataCertificate"
    METADATA_ENDPOINT = "MetadataEndpoint"
    METADATA_EXPIRED = "MetadataExpired"
    METADATA_SIGNATURE = "MetadataSignature"

    # what the gateway fetches from others
    FETCH_URL = "FetchUrl"
    FETCH_RESOLVE = "FetchResolve"
    FETCH_ADDRESS = "FetchAddress"
    FETCH_CONNECT = "FetchConnect"
    FETCH_TLS = "FetchTls"
    FETCH_TIMEOUT = "FetchTimeout"
    FETCH_TOO_LARGE = "FetchTooLarge"
    FETCH_REDIRECT = "FetchRedirect"
    FETCH_PROTOCOL = "FetchProtocol"

    # OIDC: token and key
    OIDC_TOO_LARGE = "OidcTooLarge"
    OIDC_SHAPE = "OidcShape"
    OIDC_ENCRYPTED = "OidcEncrypted"
    OIDC_ENCODING = "OidcEncoding"
    OIDC_JSON = "OidcJsonMalformed"
    OIDC_DUPLICATE_MEMBER = "OidcDuplicateMember"
    OIDC_TOO_DEEP = "OidcTooDeep"
    OIDC_HEADER = "OidcHeader"
    OIDC_CRITICAL_HEADER = "OidcCriticalHeader"
    OIDC_TYPE = "OidcType"
    OIDC_ALGORITHM = "OidcAlgorithm"
    OIDC_KEY_UNKNOWN = "OidcKeyUnknown"
    OIDC_KEY_AMBIGUOUS = "OidcKeyAmbiguous"
    OIDC_KEY_ALGORITHM = "OidcKeyAlgorithm"
    OIDC_SIGNATURE = "OidcSignature"
    OIDC_KEY_SET = "OidcKeySet"
    # OIDC: claims
    OIDC_ISSUER = "OidcIssuerMismatch"
    OIDC_SUBJECT = "OidcSubject"
    OIDC_AUDIENCE = "OidcAudienceMismatch"
    OIDC_AUDIENCE_UNTRUSTED = "OidcAudienceUntrusted"
    OIDC_AUTHORIZED_PARTY = "OidcAuthorizedParty"
    OIDC_TIME = "OidcTime"
    OIDC_EXPIRED = "OidcExpired"
    OIDC_ISSUED_AT = "OidcIssuedAt"
    OIDC_ISSUANCE_LIMIT = "OidcIssuanceLimit"
    OIDC_NOT_YET_VALID = "OidcNotYetValid"
    OIDC_NONCE = "OidcNonce"
    OIDC_ACCESS_TOKEN_HASH = "OidcAccessTokenHash"  # noqa: S105
    OIDC_CODE_HASH = "OidcCodeHash"
    OIDC_AUTH_TIME = "OidcAuthTime"
    OIDC_ACR = "OidcAuthenticationContext"
    OIDC_CLAIM = "OidcClaim"
    # OIDC: logout tokens
    OIDC_LOGOUT_EVENT = "OidcLogoutEvent"
    OIDC_LOGOUT_NONCE = "OidcLogoutNonce"
    OIDC_LOGOUT_WHOM = "OidcLogoutWhom"
    OIDC_LOGOUT_ID = "OidcLogoutId"
    # OIDC: what a provider says and answers
    OIDC_DISCOVERY = "OidcDiscovery"
    OIDC_DISCOVERY_ISSUER = "OidcDiscoveryIssuer"
    OIDC_DISCOVERY_ENDPOINT = "OidcDiscoveryEndpoint"
    OIDC_UNSUPPORTED = "OidcUnsupported"
    OIDC_UNAVAILABLE = "OidcUnavailable"
    OIDC_FINGERPRINT = "OidcFingerprint"
    OIDC_CALLBACK = "OidcCallback"
    OIDC_CALLBACK_ISSUER = "OidcCallbackIssuer"
    OIDC_REFUSED = "OidcProviderRefused"
    OIDC_ANSWER = "OidcAnswer"
    OIDC_USERINFO_SUBJECT = "OidcUserInfoSubject"

    # federation
    LOGIN_NOT_PENDING = "LoginNotPending"
    LOGIN_OTHER_BROWSER = "LoginOtherBrowser"
    SSO_DISABLED = "SsoDisabled"
    SSO_ACCOUNT_AMBIGUOUS = "SsoAccountAmbiguous"
    USER_NO_MATCH = "UserNoMatch"
    USER_DOMAIN_NOT_ACCEPTED = "UserDomainNotAccepted"
    USER_NAME_CLAIM = "UserNameClaim"
    USER_LINKED_ELSEWHERE = "UserLinkedElsewhere"
    ROLE_ATTRIBUTE = "RoleAttribute"
    ROLE_SESSION_NAME = "RoleSessionName"
    ROLE_NONE_ALLOWED = "RoleNoneAllowed"
    ROLE_CHOICE_GONE = "RoleChoiceGone"
    ROLE_NO_CONSOLE = "RoleNoConsole"
    SESSION_DURATION = "SessionDuration"
    STEP_UP_IMPOSSIBLE = "StepUpImpossible"
    STEP_UP_UNPROVED = "StepUpUnproved"
    STEP_UP_OTHER_PERSON = "StepUpOtherPerson"

    # decisions
    ACCESS_DENIED = "AccessDenied"
    TRUST_POLICY_DENIED = "TrustPolicyDenied"

    # directory
    NOT_FOUND = "NotFound"
    ALREADY_EXISTS = "AlreadyExists"
    DELETE_CONFLICT = "DeleteConflict"
    CHANGED_MEANWHILE = "ChangedMeanwhile"
    LIMIT_EXCEEDED = "LimitExceeded"
    ROLE_SERVICE_LINKED = "RoleServiceLinked"


class GatewayError(Exception):
    """The root of everything the gateway raises on purpose.

    `reason` is for programs, `public` may be shown to anybody, `detail` goes to the log and nowhere else. `public` is
    a phrase in lower case without a full stop, of which pages make a sentence, or whole sentences where only they show
    it.
    `subject` names the thing the reason is about (`User`, `Policy.Version`, a parameter name), so that the
    wire code table can tell `EntityNotExist.User` from `EntityNotExist.Group`.
    """

    def __init__(self, reason: Reason, public: str, detail: str | None = None, *, subject: str = "") -> None:
        super().__init__(f"{reason}: {public}")
        self.reason = reason
        self.public = public
        self.detail = detail
        self.subject = subject


class ConfigError(GatewayError):
    """The gateway can't start as it is set up."""


class InputError(GatewayError):
    """What the caller sent can't be used. `place` says where in a document, such as `Statement[1].Action[0]`."""

    place: str = ""


class AuthenticationError(GatewayError):
    """The caller did not prove who it is."""


class CredentialError(AuthenticationError):
    """A password, access key, signature or STS token was refused."""


class Throttled(CredentialError):  # noqa: N818 - reads as what happened to the caller
    """A password was not checked, or not accepted, for now. `retry_after_s`: whole seconds until it may be tried."""

    def __init__(self, reason: Reason, public: str, detail: str | None = None, *, retry_after_s: int) -> None:
        super().__init__(reason, public, detail)
        self.retry_after_s = retry_after_s


class SamlError(AuthenticationError):
    """A SAML message was refused."""


class OidcError(AuthenticationError):
    """A token, key set, discovery document or answer of an OpenID Provider was refused."""


class UpstreamError(GatewayError):
    """A server that the gateway depends on can't be reached, may not be, or does not answer as it should."""


class Denied(GatewayError):  # noqa: N818 - the field's word for the outcome of a decision
    """The policy engine said no. `decision` is the `policy.Decision` behind it; None where no policy was asked."""

    def __init__(
        self, reason: Reason, public: str, decision: object, detail: str | None = None, *, subject: str = ""
    ) -> None:
        super().__init__(reason, public, detail, subject=subject)
        self.decision = decision


class DirectoryError(GatewayError):
    """An operation on accounts, users, groups, roles, policies or providers can't be done."""


class NotFound(DirectoryError):  # noqa: N818
    pass


class AlreadyExists(DirectoryError):  # noqa: N818
    pass


class Conflict(DirectoryError):  # noqa: N818
    pass


class LimitExceeded(DirectoryError):  # noqa: N818
    pass
