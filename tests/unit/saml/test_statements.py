"""What an attribute's value may look like."""

from gateway.saml.response import verify_response
from tests import saml_factory as factory
from tests.fake_clock import NOON

TARGETED_ID = "urn:oid:1.3.6.1.4.1.5923.1.1.1.10"


def test_read_attributes__value_is_one_name_id__is_its_text() -> None:
    """Shibboleth sends eduPersonTargetedID like this to everybody, whether asked or not."""
    value = '\n  <saml:NameID NameQualifier="https://idp.example.com">Ab3/x=</saml:NameID>\n'
    spec = factory.Spec(
        attributes_extra=f'<saml:Attribute Name="{TARGETED_ID}"><saml:AttributeValue>{value}</saml:AttributeValue>'
        "</saml:Attribute>"
    )
    signed = factory.encode(factory.signed_assertion(spec))

    assert verify_response(signed, factory.expectation(), NOON).attributes[TARGETED_ID] == ("Ab3/x=",)
