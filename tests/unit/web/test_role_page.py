import json
from typing import Any

import pytest

from gateway.web.role_page import OfferedRole, role_page_block

HOSTILE = [
    "",
    "/session",
    '"}]}},',
    '\\"}]}},',
    '\\\\"}]}},ROLE_SSO_PAGE:',
    "</script><script>alert(1)</script>",
    "<!--",
    "it's & <b>",
    "ROLE_SSO_PAGE: {},",
    "\u2028\u2029é\U0001f600",
    "\\",
    "\ud800",
]


def read_as_the_tool_does(html: str) -> Any:
    """`saml2alibabacloud`: one character after the marker, up to and including the first `"}]}}` before a comma."""
    start = html.index("ROLE_SSO_PAGE:") + len("ROLE_SSO_PAGE:") + 1
    end = start + html[start:].index('"}]}},') + 5
    return json.loads(html[start:end])


def role(account_id: str, name: str, alias: str = "acme") -> OfferedRole:
    provider = f"acs:ram::{account_id}:saml-provider/corp"
    arn = f"acs:ram::{account_id}:role/{name}"
    return OfferedRole(account_id, alias, name, arn, provider, f"{arn},{provider}")


@pytest.mark.parametrize("text", HOSTILE)
def test_role_page_block__hostile_texts__are_read_back_and_harmless(text: str) -> None:
    roles = [role("1" * 16, "reader"), role("1" * 16, "admin"), role("2" * 16, "reader", "lab")]
    block = role_page_block(roles, relay_state=text, saml_response=text)
    page = read_as_the_tool_does(f"<html>{block}</html>")
    assert page["RelayState"] == text
    assert page["SamlResponse"] == text
    assert page["AccountAliasList"] == {"1" * 16: "acme", "2" * 16: "lab"}
    assert [entry["roleName"] for entry in page["RoleInfoList"]["1" * 16]] == ["reader", "admin"]
    assert page["RoleInfoList"]["2" * 16][0] == {
        "accountId": "2" * 16,
        "providerArn": f"acs:ram::{'2' * 16}:saml-provider/corp",
        "raw": f"acs:ram::{'2' * 16}:role/reader,acs:ram::{'2' * 16}:saml-provider/corp",
        "roleArn": f"acs:ram::{'2' * 16}:role/reader",
        "roleName": "reader",
    }
    assert not set("<>&'") & set(str(block))
    assert block.isascii()
