"""What a refusal means for the person in front of the browser: a status, and what to do next."""

from gateway.errors import (
    AlreadyExists,
    AuthenticationError,
    Conflict,
    CredentialError,
    Denied,
    GatewayError,
    InputError,
    LimitExceeded,
    NotFound,
    OidcError,
    Reason,
    SamlError,
    UpstreamError,
)

_START_AGAIN = "Start again from the sign-in page or from your company's portal."
_ASK_IDP = (
    "Nothing is wrong with your password. Ask the people who run your company's sign-in to compare its settings "
    "with ours, and give them the request ID."
)
_TRY_LATER = (
    "Your company's sign-in service does not answer as it should. Try again in a minute. If that does not help, ask "
    "the people who run it, and give the request ID."
)
_ASK_ADMIN = "Ask an administrator of this account, and give the request ID."

_STATUS: tuple[tuple[type[GatewayError], int], ...] = (
    (Denied, 403),
    (NotFound, 404),
    (AlreadyExists, 409),
    (Conflict, 409),
    (LimitExceeded, 409),
    (InputError, 400),
    (CredentialError, 401),
    (SamlError, 403),
    (OidcError, 403),
    (UpstreamError, 502),
    (AuthenticationError, 401),
)
_STATUS_BY_REASON = {
    Reason.PAYLOAD_TOO_LARGE: 413,
    Reason.SAML_TOO_LARGE: 413,
    Reason.OIDC_TOO_LARGE: 413,
    Reason.PAGE_NOT_FOUND: 404,
    Reason.METHOD_NOT_ALLOWED: 405,
    Reason.CSRF: 400,
    Reason.LOGIN_THROTTLED: 429,
    Reason.LOGIN_LOCKED: 429,
    Reason.LOGIN_NETWORK: 403,
    Reason.USER_NO_MATCH: 403,
    Reason.STEP_UP_IMPOSSIBLE: 403,
    Reason.STEP_UP_UNPROVED: 403,
    Reason.STEP_UP_OTHER_PERSON: 403,
    Reason.USER_DOMAIN_NOT_ACCEPTED: 403,
    Reason.USER_NAME_CLAIM: 403,
    Reason.USER_LINKED_ELSEWHERE: 403,
    **dict.fromkeys(
        (
            Reason.SAML_ENCODING,
            Reason.SAML_XML_MALFORMED,
            Reason.SAML_DTD,
            Reason.SAML_COMMENT_OR_PI,
            Reason.SAML_DUPLICATE_ID,
            Reason.SAML_SHAPE,
            Reason.SAML_VERSION,
            Reason.SAML_ASSERTION_COUNT,
            Reason.OIDC_SHAPE,
            Reason.OIDC_ENCRYPTED,
            Reason.OIDC_ENCODING,
            Reason.OIDC_JSON,
            Reason.OIDC_DUPLICATE_MEMBER,
            Reason.OIDC_TOO_DEEP,
            Reason.OIDC_HEADER,
            Reason.OIDC_CALLBACK,
            Reason.METADATA_MALFORMED,
            Reason.METADATA_NO_IDP,
            Reason.METADATA_CERTIFICATE,
            Reason.METADATA_ENDPOINT,
        ),
        400,
    ),
}
_ADVICE = {
    Reason.CSRF: (
        "Signing in or out in another tab has this effect. Open the page anew and send the form again; "
        "to choose a role, start again from your company's portal."
    ),
    Reason.NOT_SIGNED_IN: "Sign in, then come back to this page.",
    Reason.PAGE_NOT_FOUND: "Check the address, or go to the start page.",
    Reason.METHOD_NOT_ALLOWED: "This address is not meant to be opened like this. Go to the start page.",
    Reason.PAYLOAD_TOO_LARGE: "Send less. A sign-in response may have 300 KB, a metadata file 1 MB.",
    Reason.SAML_TOO_LARGE: _ASK_IDP,
    Reason.LOGIN_FAILED: "Check the name and the password. If you forgot it, ask an administrator of this account.",
    Reason.LOGIN_THROTTLED: "Wait as long as it says, a minute at most, and sign in again.",
    Reason.LOGIN_LOCKED: "Wait as long as it says. An administrator of this account can set a new password at once.",
    Reason.LOGIN_IDLE: "An administrator of this account can enable your console sign-in again.",
    Reason.PASSWORD_EXPIRED: "An administrator of this account can set a new password for you.",
    Reason.MFA_CODE_WRONG: (
        "Wait until your app shows the next code, and type that one. If none works, the clock of your phone may be "
        "wrong."
    ),
    Reason.PASSWORD_LOGIN_DISABLED: "This account signs in through your company. Use the company sign-in button.",
    Reason.LOGIN_NETWORK: (
        "Sign in from your company's network, or through its VPN. An administrator of this account can change the "
        "list of networks in its security settings."
    ),
    Reason.SAML_STATUS: "Your company's sign-in refused you. Ask the people who run it, or start again.",
    Reason.SAML_NO_PASSIVE: (
        "It was asked to let you in without any page, and to show one after that, and did neither. " + _ASK_ADMIN
    ),
    Reason.SAML_NO_AUTHN_CONTEXT: (
        "The account asks for a way of signing in, such as with a second factor, that your company's sign-in does not "
        "offer you. If you have not set up a second factor there, do so and start again. Otherwise an administrator of "
        "this account can compare the request options of the identity provider with what it offers."
    ),
    Reason.SAML_REQUEST_DENIED: (
        "Your company decides who may sign in here. Ask the people who run its sign-in, and give the request ID."
    ),
    Reason.SAML_AUTHN_CONTEXT: (
        "This account asks for a stronger or another way of signing in, such as with a second factor. Sign out at your "
        "company, start again and choose that way. If none is offered to you, ask the people who run the sign-in."
    ),
    Reason.SAML_AUTHN_TOO_OLD: (
        "This account wants everybody to sign in anew. Sign out at your company and start again. If it happens each "
        "time, its sign-in does not do what it is asked to (ForceAuthn): an administrator of this account can turn "
        "that off."
    ),
    Reason.SAML_NAME_ID_FORMAT: (
        "An administrator of this account can change the NameID format in the request options, or the people who run "
        "your company's sign-in can send the one that is asked for."
    ),
    Reason.SAML_ARTIFACT: _START_AGAIN,
    Reason.SAML_ARTIFACT_SOURCE: (
        "The answer came from another place than the sign-in that was asked. " + _START_AGAIN + " If it happens again, "
        "an administrator of this account can register the provider's metadata anew."
    ),
    Reason.SAML_ARTIFACT_ANSWER: _TRY_LATER,
    Reason.SAML_REPLAYED: "Each response of your company's sign-in works once; this one was used. " + _START_AGAIN,
    Reason.SAML_EXPIRED: "The response came too late. " + _START_AGAIN + " If it happens each time, a clock is wrong.",
    Reason.SAML_NOT_YET_VALID: "A clock is wrong here or at your company's sign-in. " + _ASK_IDP,
    Reason.SAML_UNSOLICITED: "Start at the sign-in page of your account instead of your company's portal.",
    Reason.SAML_IN_RESPONSE_TO: _START_AGAIN,
    Reason.SAML_METADATA_LAPSED: (
        "Nothing is wrong with your password. Ask an administrator of this account to renew the metadata of your "
        "company's sign-in, and give the request ID."
    ),
    Reason.SAML_UNKNOWN_ISSUER: (
        "The identity provider is not registered here, or not for this kind of sign-in. An administrator of the "
        "account can register its metadata."
    ),
    Reason.OIDC_EXPIRED: "The answer came too late. " + _START_AGAIN + " If it happens each time, a clock is wrong.",
    Reason.OIDC_ISSUED_AT: "A clock is wrong here or at your company's sign-in. " + _ASK_IDP,
    Reason.OIDC_NOT_YET_VALID: "A clock is wrong here or at your company's sign-in. " + _ASK_IDP,
    Reason.OIDC_NONCE: "The answer belongs to another sign-in. " + _START_AGAIN,
    Reason.OIDC_CALLBACK: "The answer belongs to no sign-in that was begun here. " + _START_AGAIN,
    Reason.OIDC_CALLBACK_ISSUER: (
        "The answer came from another sign-in service than the one you were sent to. Start again; if it happens again, "
        "tell an administrator of this account: somebody may be trying to get in between."
    ),
    Reason.OIDC_REFUSED: "Your company's sign-in refused you. Ask the people who run it, or start again.",
    Reason.OIDC_AUTH_TIME: "Your sign-in at your company was too long ago. Sign out there, then start again.",
    Reason.OIDC_ACR: "A stronger sign-in is asked for here, such as with a second factor. " + _START_AGAIN,
    Reason.OIDC_UNAVAILABLE: _TRY_LATER,
    Reason.OIDC_FINGERPRINT: (
        "The certificate of your company's sign-in has another issuer than the registered one. An administrator of the "
        "account can register its fingerprint, if the change is meant."
    ),
    Reason.LOGIN_NOT_PENDING: "The sign-in took too long or was finished already. " + _START_AGAIN,
    Reason.LOGIN_OTHER_BROWSER: (
        "The sign-in was begun in another browser or without cookies. Allow cookies for this site. " + _START_AGAIN
    ),
    Reason.SSO_DISABLED: "Company sign-in is not switched on here. Sign in with a password, or ask an administrator.",
    Reason.SSO_ACCOUNT_AMBIGUOUS: "Start at the sign-in page of the account that you want.",
    Reason.USER_NO_MATCH: "Give the request ID along: the gateway's log says which name your company sent.",
    Reason.USER_NAME_CLAIM: "Give the request ID along: the gateway's log says what was sent and what is expected.",
    Reason.USER_LINKED_ELSEWHERE: _ASK_ADMIN,
    Reason.USER_DOMAIN_NOT_ACCEPTED: "Give the request ID along: the gateway's log says which domains are accepted.",
    Reason.ROLE_ATTRIBUTE: "Your company's sign-in must send roles as `role ARN,provider ARN`. " + _ASK_IDP,
    Reason.ROLE_SESSION_NAME: "Your company's sign-in must send one session name of 2 to 64 characters. " + _ASK_IDP,
    Reason.SESSION_DURATION: _ASK_IDP,
    Reason.ROLE_NONE_ALLOWED: "None of the roles that your company names may be used by you. " + _ASK_ADMIN,
    Reason.STEP_UP_IMPOSSIBLE: "You can take another role meanwhile. " + _ASK_ADMIN,
    Reason.STEP_UP_UNPROVED: (
        "Set up a second factor at your company's sign-in and start again. If you did give one, what your company says "
        "of it is not known here: an administrator can enter it on the page of the identity provider. The log has it."
    ),
    Reason.STEP_UP_OTHER_PERSON: (
        "A role is taken by whoever chose it. Start again as yourself, and sign out at your company first if somebody "
        "else is signed in there."
    ),
    Reason.ROLE_NO_CONSOLE: "Choose another role. " + _ASK_ADMIN,
    Reason.ROLE_CHOICE_GONE: "A role must be chosen within five minutes, and once. " + _START_AGAIN,
    Reason.ACCESS_DENIED: "Somebody who administers this account can attach a policy that allows it.",
    Reason.TRUST_POLICY_DENIED: "The role does not trust this sign-in. " + _ASK_ADMIN,
    Reason.TOKEN_EXPIRED: "The session is over. Sign in again.",
    Reason.TOKEN_REVOKED: "An administrator ended this session. Sign in again.",
}


def status_of(error: GatewayError) -> int:
    if error.reason in _STATUS_BY_REASON:
        return _STATUS_BY_REASON[error.reason]
    return next((status for family, status in _STATUS if isinstance(error, family)), 400)


def advice_of(error: GatewayError) -> str:
    """What the person can do. Every reason has an answer: its own, or its family's."""
    if error.reason in _ADVICE:
        return _ADVICE[error.reason]
    if isinstance(error, (SamlError, OidcError)):
        return _ASK_IDP
    if isinstance(error, UpstreamError):
        return _TRY_LATER
    if isinstance(error, InputError):
        return "Go back, correct the input and send it again."
    return _START_AGAIN if isinstance(error, AuthenticationError) else _ASK_ADMIN
