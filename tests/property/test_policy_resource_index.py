"""The index by resource leaves out no statement that matches, and keeps the order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy.resource_index import ResourceIndex, index_key
from tests.property.policy_reference import slow_match

_signs = st.sampled_from(["acs:", ":", ":", "a", "B", "b", "*", "?", "b/x", "a/"])
_patterns = st.lists(_signs, max_size=9).map("".join) | st.tuples(
    *[st.sampled_from("ab*?")] * 4, st.text("aB/*?:")
).map(":".join)
_resources = st.lists(st.sampled_from(["acs:", ":", ":", "a", "B", "b", "b/x", "a/"]), max_size=9).map(
    "".join
) | st.tuples(*[st.sampled_from("ab")] * 4, st.text("aB/:")).map(":".join)


@settings(max_examples=200, deadline=None)
@given(lists=st.lists(st.lists(_patterns, min_size=1, max_size=3), min_size=8, max_size=16), resource=_resources)
def test_near__any_patterns__keeps_what_matches(lists: list[list[str]], resource: str) -> None:
    index = ResourceIndex.of([(place, tuple(patterns)) for place, patterns in enumerate(lists)])
    near = list(index.near(index_key(resource)))
    assert near == sorted(set(near))
    matching = {place for place, patterns in enumerate(lists) if any(slow_match(each, resource) for each in patterns)}
    assert matching <= set(near)


def test_near__many_named_resources__touches_few() -> None:
    index = ResourceIndex.of([(place, (f"acs:oss:*:*:bucket-{place}/*",)) for place in range(1000)])
    assert list(index.near(index_key("acs:oss:cn:1:bucket-17/x"))) == [17]
    assert list(index.near(index_key("acs:oss:cn:1:elsewhere/x"))) == []
