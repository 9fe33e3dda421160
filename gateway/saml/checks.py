"""The numbered list of checks that a SAML response passes before anything in it is believed.

The same numbers stand in the code, in `VerifiedIdentity.evidence`, in the names of the tests and in
docs/flows/saml-verification.md. A check that does not apply (5 without a signature on the Response, 11 without
encryption) is left out of the evidence; every other one is in it.

     1  encoding               strict base64, at most 256 KB
     2  xml                    UTF-8; no DTD, entity, comment, processing instruction or CDATA; well-formed
     3  tree                   bounded depth, unique IDs, one assertion at most and Signatures only where they belong
     4  response-frame         samlp:Response, Version 2.0, ID, IssueInstant not in the future, nothing doubled
     5  response-signature     if there is one: valid; from here on the response is what was signed
     6  status                 Success
     7  response-issuer        absent or the expected one
     8  destination            one of our consumer URLs; may be absent only if the Response is not signed
     9  response-in-response-to   the request that is expected, or absent when none is
    10  assertion-count        exactly one, plain or encrypted, directly in the Response
    11  decryption             RSA-OAEP and AES-GCM (AES-CBC only below a signed Response); the plain text passes 2, 3
    12  assertion-signature    valid; may be absent only if the Response's signature covers the assertion
    13  assertion-frame        Version 2.0, ID, IssueInstant not in the future, nothing unknown or doubled
    14  issuer                 exactly the expected one
    15  subject                exactly one NameID, of the format that was asked for
    16  subject-confirmation   exactly one, bearer, with NotOnOrAfter in the future and without NotBefore
    17  recipient              one of our consumer URLs
    18  in-response-to         the request that is expected, or absent when none is
    19  conditions             now lies within NotBefore and NotOnOrAfter; no condition that we don't know
    20  audience               at least one AudienceRestriction, and each lists us
    21  authn-statement        exactly one, not from the future, its session not over; as it was asked for, if it was
    22  attributes             plain text values, nothing encrypted

Owed by the caller: that the assertion was not used before (check 23 of the flow), and that the provider whose
certificate verified it may speak for the account or role in question.
Rule: SAML Core 2.0 §2, §3.2.2, §5; SAML Profiles 2.0 §4.1.4; SAML Bindings 2.0 §3.5; sso-contract §1.3, §2.2.
"""

from enum import StrEnum, unique


@unique
class Check(StrEnum):
    """One check of the list above; the value is what `evidence` records."""

    ENCODING = "1 encoding"
    XML = "2 xml"
    TREE = "3 tree"
    RESPONSE_FRAME = "4 response-frame"
    RESPONSE_SIGNATURE = "5 response-signature"
    STATUS = "6 status"
    RESPONSE_ISSUER = "7 response-issuer"
    DESTINATION = "8 destination"
    RESPONSE_IN_RESPONSE_TO = "9 response-in-response-to"
    ASSERTION_COUNT = "10 assertion-count"
    DECRYPTION = "11 decryption"
    ASSERTION_SIGNATURE = "12 assertion-signature"
    ASSERTION_FRAME = "13 assertion-frame"
    ISSUER = "14 issuer"
    SUBJECT = "15 subject"
    SUBJECT_CONFIRMATION = "16 subject-confirmation"
    RECIPIENT = "17 recipient"
    IN_RESPONSE_TO = "18 in-response-to"
    CONDITIONS = "19 conditions"
    AUDIENCE = "20 audience"
    AUTHN_STATEMENT = "21 authn-statement"
    ATTRIBUTES = "22 attributes"
