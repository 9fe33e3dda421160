"""One row for each thing that a response may say: it passes, or it is refused for one reason.

The number that opens a name is the number of the check in `gateway.saml.checks`.
"""

from datetime import timedelta

from gateway.errors import Reason
from tests import saml_factory as factory
from tests.saml_asked_rows import FAILING_AS_ASKED, PASSING_AS_ASKED
from tests.saml_factory import AUDIENCE, IDP, OTHER_RECIPIENT, RECIPIENT, REQUEST_ID, at
from tests.saml_row import (
    ANSWERING,
    ATTRIBUTE,
    CONFIRMATION,
    SUCCESS,
    VALUE,
    Row,
    conditions,
    data,
    encrypted,
    encrypted_unsigned,
    restriction,
    status,
    unsigned,
)

PASSING = (
    *PASSING_AS_ASKED,
    Row("04-issue-instant-ahead-within-skew", spec={"response_issue_instant": at(120)}),
    Row("04-extensions", spec={"response_extra": '<samlp:Extensions><x xmlns="urn:x"/></samlp:Extensions>'}),
    Row("05-response-signed", make=factory.signed_response),
    Row("05-both-signed", make=factory.signed_both),
    Row(
        "06-status-message",
        spec={
            "status": f'<samlp:Status><samlp:StatusCode Value="{SUCCESS}"/><samlp:StatusMessage>ok</samlp:StatusMessage></samlp:Status>'
        },
    ),
    Row("07-response-issuer-absent", spec={"response_issuer": None}),
    Row("08-destination-absent-unsigned-response", spec={"destination": None}),
    Row("08-destination-other-consumer-url", spec={"destination": OTHER_RECIPIENT}),
    Row("09-answers-the-request", spec=ANSWERING, expect={"in_response_to": REQUEST_ID}),
    Row("11-encrypted-signed-inside", make=encrypted),
    Row(
        "11-encrypted-key-of-the-past",
        make=encrypted,
        expect={"decryption_keys": factory.gateway_keys("newer").encryption + factory.gateway_keys().encryption},
    ),
    Row(
        "12-second-certificate",
        expect={"certificates": (factory.signing_key("other").trusted, factory.signing_key().trusted)},
    ),
    Row("13-issue-instant-ahead-within-skew", spec={"assertion_issue_instant": at(120)}),
    Row(
        "13-issue-instant-with-offset-and-fraction",
        spec={"assertion_issue_instant": "2026-03-04T13:59:59.9999999+02:00"},
    ),
    Row("13-advice", spec={"assertion_extra": "<saml:Advice/>"}),
    Row(
        "14-issuer-format-entity",
        spec={"issuer": f'<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">{IDP}</saml:Issuer>'},
    ),
    Row("15-name-id-without-format", spec={"name_id": "<saml:NameID>alice</saml:NameID>"}),
    Row("16-address-is-not-compared", spec={"confirmation_data_attributes": data(Address="192.0.2.1")}),
    Row("16-expired-within-skew", spec={"confirmation_data_attributes": data(NotOnOrAfter=at(-119))}),
    Row("17-other-consumer-url", spec={"confirmation_data_attributes": data(Recipient=OTHER_RECIPIENT)}),
    Row(
        "18-answers-the-request-signed-response",
        spec=ANSWERING,
        expect={"in_response_to": REQUEST_ID},
        make=factory.signed_response,
    ),
    Row("19-no-times", spec={"conditions_attributes": ""}),
    Row("19-not-yet-valid-within-skew", spec={"conditions_attributes": conditions(120, 300)}),
    Row("19-expired-within-skew", spec={"conditions_attributes": conditions(-300, -119)}),
    Row(
        "19-one-time-use-and-proxy-restriction",
        spec={"audiences": restriction(AUDIENCE) + '<saml:OneTimeUse/><saml:ProxyRestriction Count="0"/>'},
    ),
    Row("20-several-audiences", spec={"audiences": restriction("urn:other", AUDIENCE)}),
    Row(
        "20-two-restrictions-each-listing-us",
        spec={"audiences": restriction(AUDIENCE) + restriction(AUDIENCE, "urn:x")},
    ),
    Row("21-no-session-end", spec={"authn_attributes": f'AuthnInstant="{at(-30)}"'}),
    Row(
        "21-locality-and-authority",
        spec={
            "authn_context": '<saml:SubjectLocality Address="192.0.2.1"/><saml:AuthnContext><saml:AuthnContextDeclRef>urn:x</saml:AuthnContextDeclRef><saml:AuthenticatingAuthority>urn:a</saml:AuthenticatingAuthority></saml:AuthnContext>'
        },
    ),
    Row("22-no-attributes", spec={"attributes": ()}),
    Row(
        "22-empty-value",
        spec={
            "attributes_extra": ATTRIBUTE.format(
                "a", '<saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>'
            )
        },
    ),
)

FAILING = (
    *FAILING_AS_ASKED,
    Row("04-version-1.1", Reason.SAML_VERSION, {"response_version": "1.1"}),
    Row("04-id-not-a-name", Reason.SAML_SHAPE, {"response_id": "1 2"}),
    Row("04-issue-instant-ahead-beyond-skew", Reason.SAML_ISSUE_INSTANT, {"response_issue_instant": at(121)}),
    Row("04-issue-instant-without-zone", Reason.SAML_TIME, {"response_issue_instant": "2026-03-04T12:00:00"}),
    Row("04-two-issuers", Reason.SAML_SHAPE, {"response_extra": f"<saml:Issuer>{IDP}</saml:Issuer>"}),
    Row("04-two-statuses", Reason.SAML_SHAPE, {"response_extra": status(SUCCESS)}),
    Row("04-unknown-child", Reason.SAML_SHAPE, {"response_extra": "<samlp:Scoping/>"}),
    Row(
        "05-signed-by-another-key",
        Reason.SAML_SIGNATURE_VALUE,
        expect={"certificates": (factory.signing_key("other").trusted,)},
        make=factory.signed_response,
    ),
    Row("06-status-requester", Reason.SAML_STATUS, {"status": status("urn:oasis:names:tc:SAML:2.0:status:Requester")}),
    Row(
        "06-success-only-nested",
        Reason.SAML_STATUS,
        {"status": status("urn:oasis:names:tc:SAML:2.0:status:Responder", f'<samlp:StatusCode Value="{SUCCESS}"/>')},
    ),
    Row("06-no-status", Reason.SAML_STATUS, {"status": ""}),
    Row("07-response-issuer-other", Reason.SAML_ISSUER_MISMATCH, {"response_issuer": "https://idp.example.net/"}),
    Row("07-response-issuer-with-space", Reason.SAML_ISSUER_MISMATCH, {"response_issuer": IDP + " "}),
    Row("08-destination-other", Reason.SAML_DESTINATION, {"destination": "https://sso.example.net/saml-role/sso"}),
    Row("08-destination-empty", Reason.SAML_DESTINATION, {"destination": ""}),
    Row("08-destination-prefix", Reason.SAML_DESTINATION, {"destination": RECIPIENT + "/"}),
    Row(
        "08-destination-absent-signed-response",
        Reason.SAML_DESTINATION,
        {"destination": None},
        make=factory.signed_response,
    ),
    Row(
        "09-answers-nothing-though-expected",
        Reason.SAML_UNSOLICITED,
        {"in_response_to": REQUEST_ID},
        {"in_response_to": REQUEST_ID},
    ),
    Row(
        "09-answers-another-request",
        Reason.SAML_IN_RESPONSE_TO,
        {"response_in_response_to": "_other", "in_response_to": REQUEST_ID},
        {"in_response_to": REQUEST_ID},
    ),
    Row("09-answers-though-none-is-expected", Reason.SAML_IN_RESPONSE_TO, {"response_in_response_to": REQUEST_ID}),
    Row(
        "11-no-key-of-ours",
        Reason.SAML_DECRYPTION,
        make=encrypted,
        expect={"decryption_keys": factory.gateway_keys("newer").encryption},
    ),
    Row("11-no-keys", Reason.SAML_DECRYPTION, make=encrypted, expect={"decryption_keys": ()}),
    Row("12-unsigned", Reason.SAML_UNSIGNED, make=unsigned),
    Row("12-encrypted-unsigned", Reason.SAML_UNSIGNED, make=encrypted_unsigned),
    Row(
        "12-signed-by-another-key",
        Reason.SAML_SIGNATURE_VALUE,
        expect={"certificates": (factory.signing_key("other").trusted,)},
    ),
    Row("12-no-certificate", Reason.SAML_SIGNATURE_VALUE, expect={"certificates": ()}),
    Row("13-version-1.1", Reason.SAML_VERSION, {"assertion_version": "1.1"}),
    Row("13-id-not-a-name", Reason.SAML_SHAPE, {"assertion_id": "-x"}),
    Row("13-issue-instant-ahead-beyond-skew", Reason.SAML_ISSUE_INSTANT, {"assertion_issue_instant": at(121)}),
    Row("13-issue-instant-empty", Reason.SAML_TIME, {"assertion_issue_instant": ""}),
    Row("13-issue-instant-year-9999", Reason.SAML_TIME, {"assertion_issue_instant": "9999-12-31T23:59:59Z"}),
    Row("13-two-conditions", Reason.SAML_SHAPE, {"assertion_extra": "<saml:Conditions/>"}),
    Row("13-two-subjects", Reason.SAML_SHAPE, {"assertion_extra": "<saml:Subject/>"}),
    Row("13-two-issuers", Reason.SAML_SHAPE, {"assertion_extra": f"<saml:Issuer>{IDP}</saml:Issuer>"}),
    Row("13-unknown-statement", Reason.SAML_SHAPE, {"assertion_extra": "<saml:AuthzDecisionStatement/>"}),
    Row(
        "14-issuer-other",
        Reason.SAML_ISSUER_MISMATCH,
        {"issuer": "<saml:Issuer>https://idp.example.net/</saml:Issuer>"},
    ),
    Row("14-issuer-case", Reason.SAML_ISSUER_MISMATCH, {"issuer": f"<saml:Issuer>{IDP.upper()}</saml:Issuer>"}),
    Row("14-issuer-absent", Reason.SAML_ISSUER_MISMATCH, {"issuer": ""}),
    Row(
        "14-issuer-with-elements",
        Reason.SAML_ISSUER_MISMATCH,
        {"issuer": f'<saml:Issuer>{IDP}<x xmlns=""/></saml:Issuer>'},
    ),
    Row(
        "14-issuer-format-other",
        Reason.SAML_ISSUER_MISMATCH,
        {"issuer": f'<saml:Issuer Format="{factory.PERSISTENT}">{IDP}</saml:Issuer>'},
    ),
    Row("15-no-name-id", Reason.SAML_SUBJECT, {"name_id": ""}),
    Row("15-two-name-ids", Reason.SAML_SUBJECT, {"subject_extra": "<saml:NameID>bob</saml:NameID>"}),
    Row("15-name-id-empty", Reason.SAML_SUBJECT, {"name_id": "<saml:NameID/>"}),
    Row("15-name-id-blank-at-the-end", Reason.SAML_SUBJECT, {"name_id": "<saml:NameID>alice </saml:NameID>"}),
    Row("15-name-id-line-end", Reason.SAML_SUBJECT, {"name_id": "<saml:NameID>alice&#10;bob</saml:NameID>"}),
    Row("15-name-id-too-long", Reason.SAML_SUBJECT, {"name_id": f"<saml:NameID>{'a' * 1025}</saml:NameID>"}),
    Row("15-name-id-with-elements", Reason.SAML_SUBJECT, {"name_id": '<saml:NameID>alice<x xmlns=""/></saml:NameID>'}),
    Row("15-encrypted-id", Reason.SAML_SUBJECT, {"name_id": "<saml:EncryptedID/>"}),
    Row("15-base-id", Reason.SAML_SUBJECT, {"name_id": "<saml:BaseID/>"}),
    Row(
        "16-holder-of-key",
        Reason.SAML_SUBJECT_CONFIRMATION,
        {"confirmation_method": "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"},
    ),
    Row(
        "16-two-confirmations",
        Reason.SAML_SUBJECT_CONFIRMATION,
        {
            "subject_extra": f'<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">{CONFIRMATION.format(data())}</saml:SubjectConfirmation>'
        },
    ),
    Row("16-two-data", Reason.SAML_SUBJECT_CONFIRMATION, {"confirmation_extra": CONFIRMATION.format(data())}),
    Row(
        "16-confirmed-by-somebody-else",
        Reason.SAML_SUBJECT_CONFIRMATION,
        {"confirmation_extra": "<saml:NameID>proxy</saml:NameID>"},
    ),
    Row(
        "16-data-with-key",
        Reason.SAML_SUBJECT_CONFIRMATION,
        {"confirmation_data_content": f'<ds:KeyInfo xmlns:ds="{factory.DS}"/>'},
    ),
    Row("16-not-before", Reason.SAML_SUBJECT_CONFIRMATION, {"confirmation_data_attributes": data(NotBefore=at(-60))}),
    Row(
        "16-no-not-on-or-after",
        Reason.SAML_SUBJECT_CONFIRMATION,
        {"confirmation_data_attributes": data(NotOnOrAfter=None)},
    ),
    Row(
        "16-expired-exactly-at-skew", Reason.SAML_EXPIRED, {"confirmation_data_attributes": data(NotOnOrAfter=at(-120))}
    ),
    Row(
        "16-expired-exactly-without-skew",
        Reason.SAML_EXPIRED,
        {"confirmation_data_attributes": data(NotOnOrAfter=at(0))},
        {"skew": timedelta(0)},
    ),
    Row(
        "16-time-unreadable",
        Reason.SAML_TIME,
        {"confirmation_data_attributes": data(NotOnOrAfter="2026-02-30T00:00:00Z")},
    ),
    Row(
        "17-recipient-other",
        Reason.SAML_RECIPIENT,
        {"confirmation_data_attributes": data(Recipient="https://sso.example.net/")},
    ),
    Row("17-recipient-absent", Reason.SAML_RECIPIENT, {"confirmation_data_attributes": data(Recipient=None)}),
    Row(
        "18-answers-nothing-though-expected",
        Reason.SAML_UNSOLICITED,
        {"response_in_response_to": REQUEST_ID},
        {"in_response_to": REQUEST_ID},
    ),
    Row(
        "18-answers-another-request",
        Reason.SAML_IN_RESPONSE_TO,
        {"response_in_response_to": REQUEST_ID, "in_response_to": "_other"},
        {"in_response_to": REQUEST_ID},
    ),
    Row("18-answers-though-none-is-expected", Reason.SAML_IN_RESPONSE_TO, {"in_response_to": REQUEST_ID}),
    Row("19-no-conditions", Reason.SAML_CONDITIONS, {"conditions": None}),
    Row("19-not-yet-valid", Reason.SAML_NOT_YET_VALID, {"conditions_attributes": conditions(121, 300)}),
    Row("19-expired-exactly-at-skew", Reason.SAML_EXPIRED, {"conditions_attributes": conditions(-300, -120)}),
    Row(
        "19-expired-exactly-without-skew",
        Reason.SAML_EXPIRED,
        {"conditions_attributes": conditions(-300, 0)},
        {"skew": timedelta(0)},
    ),
    Row("19-never-valid", Reason.SAML_CONDITIONS, {"conditions_attributes": conditions(60, 60)}),
    Row("19-unknown-condition", Reason.SAML_CONDITIONS, {"audiences": restriction(AUDIENCE) + "<saml:Condition/>"}),
    Row(
        "19-two-one-time-uses",
        Reason.SAML_CONDITIONS,
        {"audiences": restriction(AUDIENCE) + "<saml:OneTimeUse/><saml:OneTimeUse/>"},
    ),
    Row("20-no-restriction", Reason.SAML_AUDIENCE_MISSING, {"audiences": ""}),
    Row("20-empty-restriction", Reason.SAML_AUDIENCE_MISMATCH, {"audiences": restriction()}),
    Row(
        "20-other-audience",
        Reason.SAML_AUDIENCE_MISMATCH,
        {"audiences": restriction("urn:alibaba:cloudcomputing:international")},
    ),
    Row(
        "20-one-restriction-without-us",
        Reason.SAML_AUDIENCE_MISMATCH,
        {"audiences": restriction(AUDIENCE) + restriction("urn:other")},
    ),
    Row(
        "20-audience-with-elements",
        Reason.SAML_AUDIENCE_MISMATCH,
        {"audiences": restriction(AUDIENCE + '<x xmlns=""/>')},
    ),
    Row("21-no-statement", Reason.SAML_AUTHN_STATEMENT, {"authn_statement": ""}),
    Row("21-two-statements", Reason.SAML_AUTHN_STATEMENT, {"authn_statement": "{here}{here}"}),
    Row(
        "21-authn-instant-in-the-future", Reason.SAML_AUTHN_STATEMENT, {"authn_attributes": f'AuthnInstant="{at(121)}"'}
    ),
    Row("21-authn-instant-absent", Reason.SAML_TIME, {"authn_attributes": ""}),
    Row("21-no-context", Reason.SAML_AUTHN_STATEMENT, {"authn_context": ""}),
    Row(
        "21-session-over",
        Reason.SAML_SESSION_ENDED,
        {"authn_attributes": f'AuthnInstant="{at(-30)}" SessionNotOnOrAfter="{at(0)}"'},
    ),
    Row("22-encrypted-attribute", Reason.SAML_ATTRIBUTE, {"attributes_extra": "<saml:EncryptedAttribute/>"}),
    Row(
        "22-value-with-elements",
        Reason.SAML_ATTRIBUTE,
        {"attributes_extra": ATTRIBUTE.format("a", VALUE.format('<x xmlns="">y</x>'))},
    ),
    Row(
        "22-value-with-text-beside-a-name-id",
        Reason.SAML_ATTRIBUTE,
        {"attributes_extra": ATTRIBUTE.format("a", VALUE.format("<saml:NameID>x</saml:NameID>y"))},
    ),
    Row(
        "22-value-with-two-name-ids",
        Reason.SAML_ATTRIBUTE,
        {"attributes_extra": ATTRIBUTE.format("a", VALUE.format("<saml:NameID>x</saml:NameID><saml:NameID/>"))},
    ),
    Row(
        "22-attribute-without-name",
        Reason.SAML_ATTRIBUTE,
        {"attributes_extra": ATTRIBUTE.format("", VALUE.format("x"))},
    ),
    Row(
        "22-something-else-in-an-attribute",
        Reason.SAML_ATTRIBUTE,
        {"attributes_extra": ATTRIBUTE.format("a", '<x xmlns=""/>')},
    ),
)
