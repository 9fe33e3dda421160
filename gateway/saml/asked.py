"""Whether an answer is what was asked for: the halves of checks 15 and 21 that only a request of ours brings.

What isn't here can't be checked: `minimum`, `better` and `maximum` need an order of contexts, see `asking.asked_by`.
Rule: SAML Core 2.0 §3.3.2.2.1 (RequestedAuthnContext), §3.4.1 (ForceAuthn), §3.4.1.1 (NameIDPolicy).
"""

from datetime import datetime, timedelta

from gateway.asking import Asked
from gateway.errors import Reason, SamlError


def check_name_id_format(found: str, asked: Asked) -> None:
    """Check 15: the NameID has the format that was asked for. `found` is empty where the provider gave none.

    Raises: SamlError(SAML_NAME_ID_FORMAT).
    """
    if asked.name_id_format and found != asked.name_id_format:
        raise SamlError(
            Reason.SAML_NAME_ID_FORMAT, "the NameID has another format than was asked for", repr(found[:200])
        )


def check_authn_context(found: str | None, asked: Asked) -> None:
    """Check 21: the person signed in in one of the ways that were asked for, letter by letter.

    Raises: SamlError(SAML_AUTHN_CONTEXT).
    """
    if asked.authn_contexts and found not in asked.authn_contexts:
        raise SamlError(
            Reason.SAML_AUTHN_CONTEXT,
            "your company's sign-in let you in in another way than was asked for",
            repr((found or "")[:200]),
        )


def check_fresh(instant: datetime, asked: Asked, skew: timedelta) -> None:
    """Check 21: where the person had to prove anew who it is, that did not happen before we asked.

    Raises: SamlError(SAML_AUTHN_TOO_OLD).
    """
    if asked.authenticated_since is not None and instant < asked.authenticated_since - skew:
        raise SamlError(
            Reason.SAML_AUTHN_TOO_OLD, "you were to sign in again, and were not asked to", instant.isoformat()
        )
