"""The numbered list of checks that a logout message passes before anything is done about it.

The same numbers stand in the code, in `VerifiedLogout.evidence`, in the names of the tests and in
docs/flows/saml-logout.md. Checks 1 to 9 are for requests and answers alike, 10 and 11 for requests, 12 and 13 for
answers; every one that applies is in the evidence.

     1  binding         SAMLRequest or SAMLResponse, each parameter once and by its plain name, in order
     2  encoding        strict base64; by redirect a whole DEFLATE stream; at most 256 KB either way
     3  xml             UTF-8; no DTD, entity, comment, processing instruction or CDATA; well-formed
     4  tree            bounded depth, unique IDs, a Signature inside where the binding has one there and nowhere else
     5  signature       by redirect over the octets of the query as they came; by POST enveloped; never absent
     6  frame           LogoutRequest or LogoutResponse, Version 2.0, ID, nothing unknown or doubled
     7  issuer          exactly the expected one
     8  destination     one of our logout URLs, never absent
     9  time            IssueInstant not in the future and at most five minutes old; NotOnOrAfter not over
    10  subject         exactly one NameID, plain or encrypted with AES-GCM
    11  session-index   at most 32, none empty
    12  in-response-to  the request that we sent
    13  status          Success, PartialLogout or a failure: all three are answers

Owed by the caller: that the request was not used before, and that what is ended belongs to the providers whose
certificate verified it.
Rule: SAML Core 2.0 §3.2, §3.7; SAML Profiles 2.0 §4.4; SAML Bindings 2.0 §3.4, §3.5.
"""

from enum import StrEnum, unique


@unique
class LogoutCheck(StrEnum):
    """One check of the list above; the value is what `evidence` records."""

    BINDING = "1 binding"
    ENCODING = "2 encoding"
    XML = "3 xml"
    TREE = "4 tree"
    SIGNATURE = "5 signature"
    FRAME = "6 frame"
    ISSUER = "7 issuer"
    DESTINATION = "8 destination"
    TIME = "9 time"
    SUBJECT = "10 subject"
    SESSION_INDEX = "11 session-index"
    IN_RESPONSE_TO = "12 in-response-to"
    STATUS = "13 status"


COMMON = (
    LogoutCheck.BINDING,
    LogoutCheck.ENCODING,
    LogoutCheck.XML,
    LogoutCheck.TREE,
    LogoutCheck.SIGNATURE,
    LogoutCheck.FRAME,
    LogoutCheck.ISSUER,
    LogoutCheck.DESTINATION,
    LogoutCheck.TIME,
)
