"""Rows about what was asked of the provider, as in `saml_rows`: its answer must be what was asked for, or say why not."""

from gateway.asking import Asked
from gateway.errors import Reason
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_factory import at
from tests.saml_row import ANSWERED, ANSWERING, STATUS, Row, context, status

PASSING_AS_ASKED = (
    Row(
        "15-name-id-of-the-format-asked",
        spec=ANSWERING,
        expect=ANSWERED | {"asked": Asked(name_id_format=factory.PERSISTENT)},
    ),
    Row(
        "21-the-context-asked",
        spec=ANSWERING,
        expect=ANSWERED | {"asked": Asked(authn_contexts=("urn:a", factory.PASSWORD))},
    ),
    Row(
        "21-signed-in-since-asked-within-skew",
        spec=ANSWERING | {"authn_attributes": f'AuthnInstant="{at(-120)}"'},
        expect=ANSWERED | {"asked": Asked(authenticated_since=NOON)},
    ),
)

FAILING_AS_ASKED = (
    Row(
        "06-status-no-passive",
        Reason.SAML_NO_PASSIVE,
        {"status": status(f"{STATUS}Responder", f'<samlp:StatusCode Value="{STATUS}NoPassive"/>')},
    ),
    Row(
        "06-status-no-authn-context",
        Reason.SAML_NO_AUTHN_CONTEXT,
        {"status": status(f"{STATUS}Responder", f'<samlp:StatusCode Value="{STATUS}NoAuthnContext"/>')},
    ),
    Row(
        "06-status-request-denied",
        Reason.SAML_REQUEST_DENIED,
        {"status": status(f"{STATUS}Responder", f'<samlp:StatusCode Value="{STATUS}RequestDenied"/>')},
    ),
    Row(
        "15-name-id-of-another-format-than-asked",
        Reason.SAML_NAME_ID_FORMAT,
        ANSWERING | {"name_id": f'<saml:NameID Format="{factory.PERSISTENT}2">alice</saml:NameID>'},
        ANSWERED | {"asked": Asked(name_id_format=factory.PERSISTENT)},
    ),
    Row(
        "15-name-id-without-format-where-one-was-asked",
        Reason.SAML_NAME_ID_FORMAT,
        ANSWERING | {"name_id": "<saml:NameID>alice</saml:NameID>"},
        ANSWERED | {"asked": Asked(name_id_format=factory.PERSISTENT)},
    ),
    Row(
        "21-another-context-than-asked",
        Reason.SAML_AUTHN_CONTEXT,
        ANSWERING | {"authn_context": context("AuthnContextClassRef", factory.PASSWORD + "2")},
        ANSWERED | {"asked": Asked(authn_contexts=("urn:a", factory.PASSWORD))},
    ),
    Row(
        "21-no-context-class-where-one-was-asked",
        Reason.SAML_AUTHN_CONTEXT,
        ANSWERING | {"authn_context": context("AuthnContextDeclRef", factory.PASSWORD)},
        ANSWERED | {"asked": Asked(authn_contexts=(factory.PASSWORD,))},
    ),
    Row(
        "21-signed-in-before-it-was-asked",
        Reason.SAML_AUTHN_TOO_OLD,
        ANSWERING | {"authn_attributes": f'AuthnInstant="{at(-121)}"'},
        ANSWERED | {"asked": Asked(authenticated_since=NOON)},
    ),
)
