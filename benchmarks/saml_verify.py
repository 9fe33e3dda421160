"""How long one SAML response takes to verify, beside a bare script around the xmlsec bindings.

Both read the same response: about 9 KB, one RSA-2048/SHA-256 signature on the assertion, eight attributes. The bare
script is the least that gets at the attributes: decode, parse, let xmlsec verify, compare six values. It loads its
key for each response as such scripts do; the row below it keeps the key, which flatters it.
The two take turns, so that a noisy machine disturbs both; the ratio of the medians counts.

Run: python benchmarks/saml_verify.py [--rounds 3000] [--profile]
"""

import argparse
import base64
import cProfile
import pstats
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import xmlsec
from lxml import etree

from benchmarks.medians import measure
from gateway.saml.response import verify_response
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.fake_clock import NOON

TARGET = 0.75
BLOCK = 20
ATTRIBUTES = (
    (
        "https://www.aliyun.com/SAML-Role/Attributes/Role",
        tuple(
            f"acs:ram::1234567890123456:role/team-{n},acs:ram::1234567890123456:saml-provider/company" for n in range(6)
        ),
    ),
    ("https://www.aliyun.com/SAML-Role/Attributes/RoleSessionName", ("alice@example.com",)),
    ("https://www.aliyun.com/SAML-Role/Attributes/SessionDuration", ("3600",)),
    *((f"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/claim{n}", ("value " * 130,)) for n in range(5)),
)


def typical_response(kind: str) -> str:
    spec = factory.Spec(attributes=ATTRIBUTES)
    makers: dict[str, Callable[[factory.Spec], Any]] = {
        "assertion signed": factory.signed_assertion,
        "response signed": factory.signed_response,
        "both signed": factory.signed_both,
        "encrypted, signed inside": encryption.encrypted_response,
    }
    return factory.encode(makers[kind](spec))


def bare(encoded: str, key: Any, now: datetime) -> dict[str, list[str | None]]:
    root = etree.fromstring(base64.b64decode(encoded))
    assertion = root.find("saml:Assertion", factory.NS)
    signature = assertion.find("ds:Signature", factory.NS)
    context = xmlsec.SignatureContext()
    context.key = key
    context.register_id(assertion, "ID")
    context.verify(signature)
    if root.find("samlp:Status/samlp:StatusCode", factory.NS).get("Value").rpartition(":")[2] != "Success":
        raise ValueError("status")
    if assertion.findtext("saml:Issuer", None, factory.NS) != factory.IDP:
        raise ValueError("issuer")
    if assertion.findtext(".//saml:Audience", None, factory.NS) != factory.AUDIENCE:
        raise ValueError("audience")
    conditions = assertion.find("saml:Conditions", factory.NS)
    if now >= datetime.fromisoformat(conditions.get("NotOnOrAfter")):
        raise ValueError("expired")
    data = assertion.find("saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData", factory.NS)
    if data.get("Recipient") != factory.RECIPIENT:
        raise ValueError("recipient")
    if not assertion.findtext("saml:Subject/saml:NameID", None, factory.NS):
        raise ValueError("name id")
    return {
        attribute.get("Name"): [value.text for value in attribute.findall("saml:AttributeValue", factory.NS)]
        for attribute in assertion.findall("saml:AttributeStatement/saml:Attribute", factory.NS)
    }


def load_key() -> Any:
    key = factory.signing_key()
    return xmlsec.Key.from_memory(key.certificate_pem, xmlsec.constants.KeyDataFormatCertPem)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3000)
    arguments.add_argument("--profile", action="store_true")
    options = arguments.parse_args()
    expected = factory.expectation()
    encoded = typical_response("assertion signed")
    kept = load_key()
    now = NOON + timedelta(seconds=1)

    def ours(message: str) -> Callable[[], object]:
        return lambda: verify_response(message, expected, now)

    if options.profile:
        profiler = cProfile.Profile()
        profiler.runcall(lambda: [verify_response(encoded, expected, now) for _ in range(options.rounds)])
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
        return
    runs: dict[str, Callable[[], object]] = {
        "bare xmlsec script": lambda: bare(encoded, load_key(), now),
        "bare xmlsec script, key kept": lambda: bare(encoded, kept, now),
        "gateway, assertion signed": ours(encoded),
    }
    for kind in ("response signed", "both signed", "encrypted, signed inside"):
        runs["gateway, " + kind] = ours(typical_response(kind))
    medians = measure(runs, options.rounds, BLOCK)
    base = medians["bare xmlsec script"]
    print(f"one response of {len(base64.b64decode(encoded))} bytes, {options.rounds} rounds, medians")
    for name, median in medians.items():
        print(f"{name:32} {median:7.0f} us  {median / base:5.2f} x")
    ratio = medians["gateway, assertion signed"] / base
    print(f"target at most {TARGET}: {'met' if ratio <= TARGET else 'MISSED'} with {ratio:.2f}")


if __name__ == "__main__":
    main()
