"""Check 3, and the strict reading of elements and times."""

from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml.tree import MAX_DEPTH, check_tree, children_of, parse_instant, text_of
from gateway.saml.xml import Document


def tree(text: str) -> Any:
    return etree.fromstring(text.encode())


def document(text: str) -> Document:
    return Document(tree(text), may_hold_blanks=True, charged=0)


def test_check_tree__check_3_distinct_ids__counts() -> None:
    census = check_tree(
        document('<Response ID="1"><Assertion Id="2"/><Signature id="3"><x xml:id="i4"/></Signature></Response>')
    )
    assert census[:3] == (1, 1, {"1", "2", "3", "i4"})
    assert len(census.elements) == 4


@pytest.mark.parametrize(
    "text",
    [
        '<a ID="1"><b ID="1"/></a>',
        '<a ID="1"><b Id="1"/></a>',
        '<a ID="1"><b id="1"/></a>',
        '<a ID="i1"><b xml:id="i1"/></a>',
        '<a ID="1" Id="1"/>',
        '<a><b ID="1"/><b ID="&#49;"/></a>',
    ],
)
def test_check_tree__check_3_one_id_twice__refused(text: str) -> None:
    with pytest.raises(SamlError) as caught:
        check_tree(document(text))
    assert caught.value.reason is Reason.SAML_DUPLICATE_ID


def test_check_tree__check_3_id_known_from_outside__refused() -> None:
    with pytest.raises(SamlError) as caught:
        check_tree(document('<a ID="1"/>'), frozenset({"1"}))
    assert caught.value.reason is Reason.SAML_DUPLICATE_ID


def test_check_tree__check_3_depth__is_bounded() -> None:
    check_tree(document("<a>" * MAX_DEPTH + "</a>" * MAX_DEPTH))
    with pytest.raises(SamlError) as caught:
        check_tree(document("<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1)))
    assert caught.value.reason is Reason.SAML_TOO_DEEP


@pytest.mark.parametrize(
    "inside",
    [
        "<Assertion/><Assertion/>",
        "<Assertion/>" * 3,
        '<x:Assertion xmlns:x="urn:x"/><Assertion/>',
        "<Assertion/><x><EncryptedAssertion/></x>",
        '<Assertion><Assertion xmlns="urn:x"/></Assertion>',
    ],
)
def test_check_tree__check_3_second_assertion_anywhere__refused(inside: str) -> None:
    with pytest.raises(SamlError) as caught:
        check_tree(document(f"<Response>{inside}</Response>"))
    assert caught.value.reason is Reason.SAML_ASSERTION_COUNT


def test_check_tree__check_3_second_response__refused() -> None:
    for text in ("<Response><x><Response/></x></Response>", "<Assertion><Response/></Assertion>"):
        with pytest.raises(SamlError) as caught:
            check_tree(document(text))
        assert caught.value.reason is Reason.SAML_SHAPE


@pytest.mark.parametrize("inside", ["<!-- -->", "<?x y?>"])
def test_check_tree__check_3_node_that_is_no_element__refused(inside: str) -> None:
    with pytest.raises(SamlError) as caught:
        check_tree(document(f"<a>{inside}</a>"))
    assert caught.value.reason is Reason.SAML_COMMENT_OR_PI


MANY = "".join(f"<a:b{number}/>" for number in range(1100))
TOO_LARGE = {
    "long namespace of an element": f'<r xmlns:a="urn:{"x" * 253}"><a:b/></r>',
    "long namespace of an attribute": f'<r xmlns:a="urn:{"x" * 253}"><b a:c=""/></r>',
    "many elements": f'<r xmlns:a="urn:{"x" * 250}">{MANY}</r>',
    "many attributes": f'<r xmlns:a="urn:{"x" * 250}">{MANY.replace("a:", "x a:")}</r>'.replace("/>", '=""/>'),
    "many attributes on one": f"<r {' '.join(f'a{number}=' + chr(34) * 2 for number in range(65))}/>",
}


@pytest.mark.parametrize("text", TOO_LARGE.values(), ids=TOO_LARGE)
def test_check_tree__check_3_names_that_would_be_written_out_too_long__refused(text: str) -> None:
    with pytest.raises(SamlError) as caught:
        check_tree(document(text))
    assert caught.value.reason is Reason.SAML_TOO_LARGE


def test_children_of__known_ones__by_tag() -> None:
    parent = tree("<a><b/><c n='1'/><c n='2'/></a>")
    found = children_of(parent, {"b"}, {"c"})
    assert (found["b"].tag, found["c"].get("n")) == ("b", "1")
    assert "d" not in children_of(parent, {"b", "d"}, {"c"})


@pytest.mark.parametrize("text", ["<a><b/><b/></a>", "<a><x/></a>", '<a><b xmlns="urn:x"/></a>'])
def test_children_of__doubled_or_unknown__refused_with_the_reason_given(text: str) -> None:
    with pytest.raises(SamlError) as caught:
        children_of(tree(text), {"b"}, reason=Reason.SAML_CONDITIONS)
    assert caught.value.reason is Reason.SAML_CONDITIONS


def test_text_of__plain_text__unchanged() -> None:
    assert text_of(tree("<a> x&amp;y </a>"), Reason.SAML_SUBJECT) == " x&y "
    assert text_of(tree("<a/>"), Reason.SAML_SUBJECT) == ""
    with pytest.raises(SamlError) as caught:
        text_of(tree("<a>x<b/>y</a>"), Reason.SAML_SUBJECT)
    assert caught.value.reason is Reason.SAML_SUBJECT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-04T12:00:00Z", datetime(2026, 3, 4, 12, tzinfo=UTC)),
        ("2026-03-04T12:00:00.5Z", datetime(2026, 3, 4, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-03-04T12:00:00.1234567Z", datetime(2026, 3, 4, 12, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-03-04T13:30:00+01:30", datetime(2026, 3, 4, 12, tzinfo=UTC)),
        ("2026-03-04T12:00:00-00:00", datetime(2026, 3, 4, 12, tzinfo=UTC)),
    ],
)
def test_parse_instant__with_zone__in_utc(text: str, expected: datetime) -> None:
    assert parse_instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-03-04", "2026-03-04T12:00:00", "2026-03-04 12:00:00Z", "2026-03-04T12:00Z", "20260304T120000Z",
        "2026-13-04T12:00:00Z", "2026-02-29T12:00:00Z", "2026-03-04T24:00:00Z", "2026-03-04T12:00:60Z",
        "2026-03-04T12:00:00.Z", "2026-03-04T12:00:00,5Z", "2026-03-04T12:00:00z", " 2026-03-04T12:00:00Z",
        "2026-03-04T12:00:00Z\n", "-2026-03-04T12:00:00Z", "12026-03-04T12:00:00Z", "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z", "2026-03-04T12:00:00+99:00", "2026-W10-3T12:00:00Z", "２026-03-04T12:00:00Z",
    ],
)  # fmt: skip
def test_parse_instant__anything_else__refused(text: str) -> None:
    with pytest.raises(SamlError) as caught:
        parse_instant(text)
    assert caught.value.reason is Reason.SAML_TIME
