"""`ramgate provider request-options` and `ramgate sso request-options`."""

from pathlib import Path

import pytest

from gateway.errors import Reason
from tests.unit.cli.conftest import Ramgate

NOTHING = {
    "authn_contexts": [],
    "comparison": "exact",
    "force_authn": False,
    "is_passive": False,
    "name_id_format": "",
    "allow_create": True,
    "binding": "post",
}


def test_request_options__of_user_sso__change_what_is_given_and_keep_the_rest(ramgate: Ramgate) -> None:
    assert ramgate.json("sso", "request-options") == NOTHING
    changed = ramgate.json("sso", "request-options", "--context", "urn:a", "--context", "urn:b", "--force-authn")
    assert changed == {**NOTHING, "authn_contexts": ["urn:a", "urn:b"], "force_authn": True}
    assert ramgate.json("sso", "request-options", "--comparison", "minimum")["force_authn"] is True
    back = ramgate.json("sso", "request-options", "--any-context", "--no-force-authn", "--comparison", "exact")
    assert back == NOTHING


def test_request_options__of_a_provider__are_its_own(ramgate: Ramgate, idp_xml: Path) -> None:
    ramgate.ok("provider", "create", "CompanyIdP", str(idp_xml))
    wanted = ("--passive", "--name-id-format", "urn:x:y", "--no-allow-create")
    changed = ramgate.json("provider", "request-options", "companyidp", *wanted)
    assert changed == {**NOTHING, "is_passive": True, "name_id_format": "urn:x:y", "allow_create": False}
    assert ramgate.json("provider", "request-options", "CompanyIdP") == changed
    assert ramgate.json("sso", "request-options") == NOTHING


@pytest.mark.parametrize("wrong", [("--force-authn", "--passive"), ("--context", "x"), ("--binding", "artifact")])
def test_request_options__what_can_not_be_asked_for__refused(ramgate: Ramgate, wrong: tuple[str, ...]) -> None:
    assert ramgate.reason("sso", "request-options", *wrong) == Reason.PARAMETER_INVALID
    assert ramgate.json("sso", "request-options") == NOTHING


def test_request_options__unknown_provider__refused(ramgate: Ramgate) -> None:
    assert ramgate.reason("provider", "request-options", "nobody") == Reason.NOT_FOUND
