"""Metadata that is signed, by the `xmlsec` bindings or by hand, for tests."""

from collections.abc import Callable
from typing import Any

from lxml import etree

from tests.saml_factory import Profile, SigningKey, serialize, sign, sign_by_hand, signing_key

ANCHOR = signing_key("federation")
USUAL = Profile(prefix_list="md xs")
PLAIN = Profile()


def signed(xml: bytes, key: SigningKey = ANCHOR, profile: Profile = USUAL) -> bytes:
    """The document with an ID and an enveloped signature over its root."""
    root = etree.fromstring(xml)
    root.set("ID", root.get("ID") or "_metadata1")
    sign(root, root, key, profile)
    return serialize(root)


def signed_by_hand(
    xml: bytes, alter: Callable[[Any], None] | None = None, profile: Profile = PLAIN, **options: Any
) -> bytes:
    """`alter` changes the Signature before it is signed, `options` are those of `saml_factory.sign_by_hand`."""
    root = etree.fromstring(xml)
    root.set("ID", root.get("ID") or "_metadata1")
    sign_by_hand(root, ANCHOR, profile, alter=alter, **options)
    return serialize(root)


def changed(xml: bytes, change: Callable[[Any], None]) -> bytes:
    """The document after something was done to its root element."""
    root = etree.fromstring(xml)
    change(root)
    return serialize(root)
