"""The block in the role selection page that command-line tools read.

`saml2alibabacloud` posts a Response to the consumer URL and looks in the HTML text for `ROLE_SSO_PAGE:`. It skips
one character and takes everything up to and including the first `"}]}}` that a comma follows, as JSON. Hence:
compact JSON, `RoleInfoList` last, `roleName` last in each role, a comma after the block, and no double quote
inside any text, or a RelayState could end the block early. Rule: sso-contract §8.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

_ESCAPED = re.compile(r"\\(.)")
_MARKUP = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"}


@dataclass(frozen=True, slots=True)
class OfferedRole:
    account_id: str
    account_alias: str
    role_name: str
    role_arn: str
    provider_arn: str
    raw: str  # the attribute value as the IdP sent it


def role_page_block(roles: Sequence[OfferedRole], *, relay_state: str, saml_response: str) -> Markup:
    """Render the block for a `<script type="text/plain">`, which no browser executes."""
    by_account: dict[str, list[dict[str, str]]] = {}
    for role in roles:
        by_account.setdefault(role.account_id, []).append(
            {
                "accountId": role.account_id,
                "providerArn": role.provider_arn,
                "raw": role.raw,
                "roleArn": role.role_arn,
                "roleName": role.role_name,
            }
        )
    page = {
        "AccountAliasList": {role.account_id: role.account_alias for role in roles},
        "RelayState": relay_state,
        "SamlResponse": saml_response,
        "RoleInfoList": by_account,
    }
    text = json.dumps(page, separators=(",", ":"), ensure_ascii=True)
    text = _ESCAPED.sub(lambda found: "\\u0022" if found[1] == '"' else found[0], text)
    for character, escape in _MARKUP.items():
        text = text.replace(character, escape)
    return Markup(f"ROLE_SSO_PAGE: {text},")  # noqa: S704 - every markup character was escaped above
