"""The worked example of docs/leavers.md does what the page says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alibabacloud_ram20150501.models import CreateUserRequest

from gateway.policy import parse_policy
from tests.live_gateway import live_gateway
from tests.wire.resource_service import ResourceService
from tests.wire.seed import Seed, seed
from tests.wire.test_resources import allow, delete_user

PAGE = Path(__file__).resolve().parents[2] / "docs" / "leavers.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def own_company(tmp_path: Path) -> Iterator[Seed]:
    """A company of its own: the example hands over everything whose owner is gone."""
    with live_gateway(tmp_path) as gateway:
        services = gateway.services()
        yield seed(gateway, services)
        services.store.dispose()


def test_example__run_as_it_stands__hands_over(own_company: Seed) -> None:
    company, alice = own_company, own_company.new_user()
    allow(company, alice, "ram:RegisterResource")
    arns = [f"acs:oss::{company.account_id}:bucket-{number}" for number in range(101)]
    for arn in arns:
        ResourceService(company, *alice.key).call("RegisterResource", ResourceArn=arn)
    company.ram().create_user(CreateUserRequest(user_name="bob"))
    delete_user(company, alice.name)
    told = subprocess.run(
        [sys.executable, "-c", block("python")],
        env={
            **os.environ,
            "RAMGATE_ENDPOINT": company.gateway.endpoint,
            "RAMGATE_PROTOCOL": company.protocol,
            "ALIBABA_CLOUD_ACCESS_KEY_ID": company.owner_key.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": company.owner_key.secret.reveal(),
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.count(f"was made by {alice.name}") == 50  # one page of them
    assert sorted(re.findall(r"acs:oss:[^ \n]*(?= |$)", told.partition("handed over:")[2], re.MULTILINE)) == sorted(
        arns
    )
    listed = ResourceService(company).call("ListResources", OwnerGone=True)
    assert listed["Resources"]["Resource"] == []


def test_policy_of_the_page__is_one() -> None:
    parse_policy(block("json"))
