"""Project-X: groups over ECS, RDS, SLB and OSS resources; the page does what it says, block for block."""

import re
from pathlib import Path

from alibabacloud_ram20150501.models import ListGroupsForUserRequest

from tests.wire.fresh_company import fresh_company
from tests.wire.resource_service import ResourceService
from tests.wire.scenario_page import printed_on, run_page
from tests.wire.seed import Seed


def test_page__run_as_it_stands__prints_what_it_says(company: Seed, tmp_path: Path) -> None:
    own_company = fresh_company(company)
    told = run_page("project-x.md", own_company, tmp_path)
    lines = [line for line in told.splitlines() if re.match(r"[a-z]+: |left behind|now looked", line)]
    assert lines == printed_on("project-x.md")
    groups = own_company.ram().list_groups_for_user(ListGroupsForUserRequest(user_name="ann")).body.groups.group
    assert [group.group_name for group in groups] == ["operators"]
    bucket = f"acs:oss:cn-hangzhou:{own_company.account_id}:project-x"
    kept = ResourceService(own_company).call("GetResource", ResourceArn=bucket)["Resource"]
    assert (kept["Creator"]["Name"], kept["Owner"]["Name"]) == ("ben", "cleo")
