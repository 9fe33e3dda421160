import json
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from gateway.api.render import render_json, render_xml


def test_render_xml__nested_answer__elements_named_like_fields() -> None:
    body = render_xml(
        "ListUsersResponse",
        {
            "RequestId": "R",
            "IsTruncated": False,
            "Count": 2,
            "None": None,
            "Users": {"User": [{"N": "a<b"}, {"N": "é"}]},
        },
    )
    assert body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?><ListUsersResponse><RequestId>R</RequestId>'
        "<IsTruncated>false</IsTruncated><Count>2</Count>"
        "<Users><User><N>a&lt;b</N></User><User><N>é</N></User></Users></ListUsersResponse>"
    )


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=20))
def test_render__any_text__well_formed_in_both_formats(text: str) -> None:
    assert json.loads(render_json({"Message": text}))["Message"] == text
    assert ET.fromstring(render_xml("Error", {"Message": text})).tag == "Error"
