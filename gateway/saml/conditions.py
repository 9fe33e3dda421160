"""When and for whom an assertion is valid. Checks 19 and 20.

Rule: SAML Core 2.0 §2.5; sso-contract §1.3, §2.2.
"""

from datetime import datetime, timedelta

from gateway.errors import Reason, SamlError
from gateway.saml import tags
from gateway.saml.tree import children_of, optional_instant, text_of
from gateway.saml.xml import Element

# OneTimeUse asks for what we do anyway: no assertion is used twice. ProxyRestriction binds who issues assertions
# of his own on the strength of this one; the gateway issues none.
_ONCE = frozenset({tags.ONE_TIME_USE, tags.PROXY_RESTRICTION})
_MANY = frozenset({tags.AUDIENCE_RESTRICTION})
_AUDIENCES = frozenset({tags.AUDIENCE})


def check_conditions(conditions: Element, now: datetime, skew: timedelta) -> datetime | None:
    """Check 19. Returns NotOnOrAfter, without skew.

    Refused: before NotBefore, at NotOnOrAfter and after, and any condition that is not known here.
    Raises: SamlError(SAML_NOT_YET_VALID | SAML_EXPIRED | SAML_CONDITIONS | SAML_TIME).
    """
    children_of(conditions, _ONCE, _MANY, reason=Reason.SAML_CONDITIONS)
    not_before = optional_instant(conditions, "NotBefore")
    not_on_or_after = optional_instant(conditions, "NotOnOrAfter")
    if not_before is not None and now < not_before - skew:
        raise SamlError(Reason.SAML_NOT_YET_VALID, "the assertion is not valid yet", not_before.isoformat())
    if not_on_or_after is not None and now >= not_on_or_after + skew:
        raise SamlError(Reason.SAML_EXPIRED, "the assertion is expired", not_on_or_after.isoformat())
    if not_before is not None and not_on_or_after is not None and not_before >= not_on_or_after:
        raise SamlError(Reason.SAML_CONDITIONS, "the assertion is never valid", not_on_or_after.isoformat())
    return not_on_or_after


def check_audience(conditions: Element, audience: str) -> None:
    """Check 20: refuse an assertion that is not addressed to us.

    Every AudienceRestriction must list `audience`; within one, a single matching Audience is enough.
    Raises: SamlError(SAML_AUDIENCE_MISSING), SamlError(SAML_AUDIENCE_MISMATCH).
    Rule: SAML Core 2.0 §2.5.1.4.
    """
    restrictions = [child for child in conditions if child.tag == tags.AUDIENCE_RESTRICTION]
    if not restrictions:
        raise SamlError(Reason.SAML_AUDIENCE_MISSING, "the assertion has no AudienceRestriction")
    for restriction in restrictions:
        children_of(restriction, frozenset(), _AUDIENCES, reason=Reason.SAML_AUDIENCE_MISMATCH)
        listed = [text_of(child, Reason.SAML_AUDIENCE_MISMATCH) for child in restriction]
        if audience not in listed:
            raise SamlError(
                Reason.SAML_AUDIENCE_MISMATCH,
                "the assertion is made for another service provider",
                ", ".join(listed)[:300],
            )
