"""What is personal is not stored: neither in a value, nor in a sentence about it."""

from dataclasses import replace

from gateway.directory.trace_body import LONGEST_BODY, dump_body, load_body, redacted, redacted_body, whole_body
from gateway.login_verdict import CheckResult, LoginVerdict, Outcome, SaidAttribute, Value, value_of

PERSON = "secret.person@example.com"


def verdict() -> LoginVerdict:
    checks = (
        CheckResult("15 subject", Outcome.PASSED, (Value(PERSON, "NameID"),), ("one",), "", proven=True),
        CheckResult("20 audience", Outcome.FAILED, (Value(f"urn:x:{PERSON}"),), ("urn:us",), "wrong", proven=True),
    )
    return LoginVerdict(checks, (SaidAttribute("mail", (Value(PERSON, "attribute value"),)),), proven=True)


def test_redacted_body__personal_values__only_kind_length_and_first_letter() -> None:
    text = dump_body(redacted_body(verdict(), public=f"No user {PERSON}.", notes=(f"name {PERSON}",)))
    assert "secret" not in text
    assert "example.com" not in text
    body = load_body(text)
    assert body.checks[0].seen == ("NameID (an e-mail address), 25 characters, begins with `s`",)
    assert body.checks[0].expected == ("one",)
    assert body.said[0].name == "mail"


def test_redacted_body__personal_text_in_a_sentence__is_taken_out() -> None:
    body = redacted_body(None, public="The user alice-smith is unknown.", personal=("alice-smith", "alice"))
    assert body.public == "The user *** is unknown."


def test_redacted__short_value__tells_its_length_only() -> None:
    assert redacted(Value("bob", "NameID")) == "NameID, 3 characters"
    assert redacted(Value("", "NameID")) == "NameID, 0 characters"
    assert redacted(Value("urn:alibaba")) == "urn:alibaba"


def test_whole_body__same_verdict__shows_everything() -> None:
    body = whole_body(verdict())
    assert body.checks[0].seen == (PERSON,)
    assert body.said[0].values == (PERSON,)


def test_dump_body__what_no_database_takes__is_taken_out() -> None:
    body = redacted_body(None, notes=("NUL \x00 and half a pair \ud800",))
    text = dump_body(body)
    assert text.isascii()
    assert "\x00" not in text
    assert load_body(text).notes


def test_dump_body__huge_message__stays_readable_and_bounded() -> None:
    values = tuple(Value("x" * 300, "attribute value") for _ in range(40))
    said = tuple(SaidAttribute(f"name-{number}" * 20, values) for number in range(60))
    checks = tuple(replace(each, seen=tuple(Value("u" * 300) for _ in range(40))) for each in verdict().results * 11)
    for each in (
        replace(verdict(), said=said),
        replace(verdict(), results=checks),
        replace(verdict(), results=checks * 20),
    ):
        text = dump_body(redacted_body(each, public="why"))
        assert len(text) <= LONGEST_BODY
        assert load_body(text).public == "why"


def test_value_of__unprintable_and_long__is_escaped_and_cut() -> None:
    assert value_of("a\x1b[31m\n").text == "a\\x1b[31m\\n"
    assert len(value_of("x" * 10_000).text) < 400
