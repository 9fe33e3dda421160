"""What an assertion states: how and when the subject logged on, and its attributes. Checks 21 and 22.

Rule: SAML Core 2.0 §2.7; SAML Profiles 2.0 §4.1.4.2; sso-contract §2.2, §2.3.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from gateway.errors import Reason, SamlError
from gateway.saml import tags
from gateway.saml.tree import children_of, optional_instant, parse_instant, text_of
from gateway.saml.xml import Element

_STATEMENT_CHILDREN = frozenset({tags.SUBJECT_LOCALITY, tags.AUTHN_CONTEXT})
_CONTEXT_CHILDREN = frozenset({tags.AUTHN_CONTEXT_CLASS_REF, tags.AUTHN_CONTEXT_DECL, tags.AUTHN_CONTEXT_DECL_REF})
_CONTEXT_REPEATED = frozenset({tags.AUTHENTICATING_AUTHORITY})


class Authentication(NamedTuple):
    instant: datetime
    context: str | None
    session_index: str | None
    session_not_on_or_after: datetime | None


def read_authn_statement(statement: Element, now: datetime, skew: timedelta) -> Authentication:
    """Check 21.

    Refused: no AuthnInstant or one from the future, a session that is over (skew does not lengthen sessions), a
    statement without AuthnContext or with unknown or doubled parts.
    Raises: SamlError(SAML_AUTHN_STATEMENT | SAML_SESSION_ENDED | SAML_TIME).
    """
    children = children_of(statement, _STATEMENT_CHILDREN, reason=Reason.SAML_AUTHN_STATEMENT)
    instant = parse_instant(statement.get("AuthnInstant") or "")
    if instant - skew > now:
        raise SamlError(Reason.SAML_AUTHN_STATEMENT, "the AuthnInstant is in the future", instant.isoformat())
    ends = optional_instant(statement, "SessionNotOnOrAfter")
    if ends is not None and now >= ends:
        raise SamlError(Reason.SAML_SESSION_ENDED, "the session at the identity provider is over", ends.isoformat())
    context = children.get(tags.AUTHN_CONTEXT)
    if context is None:
        raise SamlError(Reason.SAML_AUTHN_STATEMENT, "the AuthnStatement has no AuthnContext")
    reference = children_of(context, _CONTEXT_CHILDREN, _CONTEXT_REPEATED, reason=Reason.SAML_AUTHN_STATEMENT).get(
        tags.AUTHN_CONTEXT_CLASS_REF
    )
    return Authentication(
        instant=instant,
        context=None if reference is None else text_of(reference, Reason.SAML_AUTHN_STATEMENT),
        session_index=statement.get("SessionIndex"),
        session_not_on_or_after=ends,
    )


def read_attributes(statements: Sequence[Element]) -> Mapping[str, tuple[str, ...]]:
    """Check 22: attribute names to values, both in the order of the document; attributes of one name are joined.

    Refused: an attribute without Name, encrypted attributes, a value with child elements other than one NameID -
    also in attributes that nobody here asks for, since a policy may say "not if". An empty value, `xsi:nil` or not,
    is the empty text.
    Raises: SamlError(SAML_ATTRIBUTE).
    """
    attributes: dict[str, tuple[str, ...]] = {}
    for statement in statements:
        for attribute in statement:
            if attribute.tag != tags.ATTRIBUTE:
                encrypted = attribute.tag == tags.ENCRYPTED_ATTRIBUTE
                public = "an attribute is encrypted" if encrypted else "an AttributeStatement holds something else"
                raise SamlError(Reason.SAML_ATTRIBUTE, public, attribute.tag[:200])
            name = attribute.get("Name")
            if not name:
                raise SamlError(Reason.SAML_ATTRIBUTE, "an attribute has no Name")
            values = tuple([_value_of(child, name) for child in attribute])
            attributes[name] = attributes[name] + values if name in attributes else values
    return MappingProxyType(attributes)


def _value_of(value: Element, name: str) -> str:
    if value.tag == tags.ATTRIBUTE_VALUE and len(value) == 1 and value[0].tag == tags.NAME_ID:
        return _only_text(value, value[0], name)
    if value.tag != tags.ATTRIBUTE_VALUE or len(value):
        raise SamlError(Reason.SAML_ATTRIBUTE, "the value of an attribute is not plain text", name[:200])
    return value.text or ""


def _only_text(value: Element, name_id: Element, name: str) -> str:
    """The text of a value that holds one NameID and nothing else, as that of eduPersonTargetedID does."""
    around = (value.text or "") + (name_id.tail or "")
    if len(name_id) or around.strip():
        raise SamlError(Reason.SAML_ATTRIBUTE, "the value of an attribute is not plain text", name[:200])
    return name_id.text or ""
