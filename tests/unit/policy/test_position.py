"""Errors about a place in a policy say its line and column."""

import pytest

from gateway.errors import InputError
from gateway.policy import parse_policy, parse_trust_policy
from gateway.policy.position import find_position

TEXT = """{
  "Version": "1",
  "Statement": [
    {"Effect": "Allow", "Action": "oss:*", "Resource": "*"},
    {
      "Effect": "Deny",
      "Action": ["oss:Get*", "wrong action"],
      "Resource": "*",
      "Condition": {"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}}
    }
  ]
}"""


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ("", (1, 1)),
        ("Version", (2, 3)),
        ("Statement[0]", (4, 5)),
        ("Statement[1].Action[1]", (7, 30)),
        ("Statement[1].Condition.IpAddress.acs:SourceIp", (9, 35)),
        ("Statement[1].Principal", (5, 5)),  # what is missing is missing from the statement
        ("Statement[0].Action[0]", (4, 25)),  # a single value stands for a list of one
    ],
)
def test_find_position__path__line_and_column_of_its_deepest_part(path: str, position: tuple[int, int]) -> None:
    assert find_position(TEXT, path) == position


def test_parse_policy__wrong_action__says_where_it_stands() -> None:
    with pytest.raises(InputError) as caught:
        parse_policy(TEXT)
    assert caught.value.public.startswith("Statement[1].Action[1]: ")
    assert caught.value.public.endswith("(line 7, column 30)")


def test_parse_trust_policy__missing_principal__says_which_statement() -> None:
    text = '{"Version": "1",\n "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}'
    with pytest.raises(InputError) as caught:
        parse_trust_policy(text)
    assert caught.value.public.endswith("(line 2, column 16)")


def test_parse_policy__keys_with_dots_and_brackets__are_found() -> None:
    condition = '{"StringLike": {"oss:a.b[0]": [], "x": "y"}}'
    text = (
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*",\n"Condition":' + condition + "}]}"
    )
    with pytest.raises(InputError) as caught:
        parse_policy(text)
    assert "(line 2, column 29)" in caught.value.public
