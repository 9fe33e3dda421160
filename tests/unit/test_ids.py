import re
from uuid import RFC_4122, UUID

from gateway import ids


def test_ids__forms__are_those_of_the_contract() -> None:
    assert re.fullmatch(r"[1-9][0-9]{15}", ids.new_account_id())
    assert re.fullmatch(r"[1-9][0-9]{17}", ids.new_entity_id())
    assert re.fullmatch(r"LTAI[A-Za-z0-9]{20}", ids.new_access_key_id())
    assert re.fullmatch(r"[A-Za-z0-9]{30}", ids.new_access_key_secret())
    assert re.fullmatch(r"STS\.[A-Za-z0-9]{25}", ids.new_sts_key_id())
    assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", ids.new_request_id())
    made = [UUID(ids.new_request_id()) for _ in range(64)]
    assert {(each.version, each.variant) for each in made} == {(4, RFC_4122)}
    assert re.fullmatch(r"_[0-9a-f]{40}", ids.new_saml_id())


def test_ids__drawn_twice__differ() -> None:
    for draw in (ids.new_account_id, ids.new_handle, ids.new_saml_id, ids.new_sts_key_secret, ids.new_request_id):
        assert draw() != draw()
