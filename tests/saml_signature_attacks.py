"""Attacks on signatures and encryption: almost the right signature, over almost the right thing, by almost anybody.

Where nothing else is said SignedInfo is signed by the provider's own key, so that the one rule in question stands
between the message and acceptance.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import Reason
from gateway.saml.attacks import tree_changes as tree
from tests import saml_changes as change
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.saml_attacks import Attack, text_of
from tests.saml_encryption import Encryption
from tests.saml_factory import DS, ENVELOPED, EXCLUSIVE, MORE, XENC, Profile, Spec, assertion_of

INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
XSLT = (
    f'<ds:Transform xmlns:ds="{DS}" Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><xsl:stylesheet version="1.0" '
    'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><xsl:value-of '
    "select=\"document('http://127.0.0.1:1/')\"/></xsl:template></xsl:stylesheet></ds:Transform>"
)
XPATH = (
    f'<ds:Transform xmlns:ds="{DS}" Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
    "<ds:XPath>not(ancestor-or-self::NameID)</ds:XPath></ds:Transform>"
)
SHAPE, REFERENCE = Reason.SAML_SIGNATURE_SHAPE, Reason.SAML_SIGNATURE_REFERENCE
ALGORITHM, DIGEST, VALUE = Reason.SAML_SIGNATURE_ALGORITHM, Reason.SAML_SIGNATURE_DIGEST, Reason.SAML_SIGNATURE_VALUE
PLACE = Reason.SAML_SIGNATURE_PLACE
Alter = Callable[[Any], None]
USUAL = Profile()


def by_hand(alter: Alter | None = None, profile: Profile = USUAL, *, after: Alter | None = None, **options: Any) -> Any:
    """A signed assertion whose Signature was altered before SignedInfo was signed, and whatever else after."""
    root = Spec().tree()
    factory.sign_by_hand(assertion_of(root), None, profile, alter=alter, **options)
    if after is not None:
        after(root)
    return root


def signatures() -> Iterator[Attack]:
    yield from references()
    yield from algorithms()
    yield from doubled()
    yield from borrowed()


def references() -> Iterator[Attack]:
    uris = [
        "", "#", "_assertion1", "#_response1", "#_nowhere", "#_assertion1 ", "#xpointer(/)",
        "#xpointer(id('_assertion1'))", "http://127.0.0.1:1/#_assertion1", "file:///etc/passwd", "cid:x",
    ]  # fmt: skip
    for uri in uris:
        alter = partial(tree.set_uri, uri)
        yield Attack(f"Reference to {uri!r}", REFERENCE, partial(by_hand, alter), by_hand)
    nameless = partial(_nameless, tree.set_uri)
    yield Attack("Reference to an assertion without ID", REFERENCE, nameless, by_hand)
    yield Attack("Reference without URI", REFERENCE, partial(by_hand, partial(tree.set_uri, None)), by_hand)
    for name, text in (
        ("XSLT", XSLT),
        ("XPath", XPATH),
        ("third", f'<ds:Transform xmlns:ds="{DS}" Algorithm="{EXCLUSIVE}"/>'),
    ):
        for index in (0, 1, 2):
            alter = partial(tree.insert, ".//ds:Transforms", index, text)
            yield Attack(f"{name} transform at {index}", REFERENCE, partial(by_hand, alter), by_hand)
    orders: list[tuple[str, ...]] = [
        (), (ENVELOPED,), (EXCLUSIVE,), (EXCLUSIVE, ENVELOPED), (ENVELOPED, ENVELOPED), (ENVELOPED, INCLUSIVE),
        (ENVELOPED, "http://www.w3.org/2006/12/xml-c14n11"), (ENVELOPED, DS + "base64"),
        ("http://www.w3.org/2002/06/xmldsig-filter2", EXCLUSIVE),
    ]  # fmt: skip
    for transforms in orders:
        make = partial(by_hand, profile=Profile(transforms=transforms))
        yield Attack(f"transforms {transforms}", REFERENCE, make, by_hand)
    for prefixes in (33, 200):
        listed = " ".join(f"p{number}" for number in range(prefixes))
        make = partial(by_hand, profile=Profile(prefix_list=listed))
        right = partial(by_hand, profile=Profile(prefix_list=" ".join(listed.split()[:32])))
        yield Attack(f"{prefixes} prefixes", SHAPE, make, right)
    for holder in (".//ds:Transform[2]", ".//ds:CanonicalizationMethod"):
        alter = partial(tree.insert, holder, 0, f'<ds:XPath xmlns:ds="{DS}">true()</ds:XPath>')
        yield Attack(f"XPath in {holder}", SHAPE, partial(by_hand, alter), by_hand)


def algorithms() -> Iterator[Attack]:
    signer = factory.default_signer(factory.signing_key(), "sha256")
    more_2007 = "http://www.w3.org/2007/05/xmldsig-more#"
    weak = [
        DS + "rsa-sha1", MORE + "rsa-md5", MORE + "rsa-sha224", MORE + "rsa-ripemd160", DS + "dsa-sha1", "",
        MORE + "ecdsa-sha1", more_2007 + "rsa-pss", more_2007 + "sha1-rsa-MGF1", MORE + "rsa-sha256 ",
        (MORE + "rsa-sha256").upper(), MORE + "ecdsa-sha256",
    ]  # fmt: skip
    for algorithm in weak:
        make = partial(by_hand, profile=Profile(algorithm=algorithm), signer=signer)
        yield Attack(f"signature algorithm {algorithm!r}", ALGORITHM, make, by_hand)
    sha1 = factory.default_signer(factory.signing_key(), "sha1")
    make = partial(by_hand, profile=Profile(algorithm=DS + "rsa-sha1"), signer=sha1)
    yield Attack("really signed with SHA-1", ALGORITHM, make, by_hand)
    for digest, function in ((DS + "sha1", "sha1"), (MORE + "md5", "md5"), (MORE + "sha224", "sha224"), ("", "sha256")):
        make = partial(by_hand, profile=Profile(digest=digest), digest_function=function)
        yield Attack(f"digest {digest!r}", ALGORITHM, make, by_hand)
    for method in (INCLUSIVE, INCLUSIVE + "#WithComments", "http://www.w3.org/2006/12/xml-c14n11", "urn:none", ""):
        yield Attack(f"canonicalization {method!r}", ALGORITHM, partial(by_hand, profile=Profile(c14n=method)), by_hand)
    key = factory.signing_key()
    public = key.private.public_key()
    secrets = {
        "certificate": key.trusted.der,
        "certificate's PEM": key.certificate_pem.encode(),
        "public key": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "public key's PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "empty key": b"",
    }
    for name, secret in secrets.items():
        for algorithm in (DS + "hmac-sha1", MORE + "hmac-sha256", MORE + "hmac-sha512"):
            function = algorithm.rpartition("-")[2]
            mac = partial(change.mac, secret, function)
            make = partial(by_hand, profile=Profile(algorithm=algorithm), signer=mac)
            yield Attack(f"{algorithm} keyed with the {name}", ALGORITHM, make, by_hand)
    mac = partial(change.mac, b"", "sha256")
    make = partial(by_hand, profile=Profile(algorithm=MORE + "hmac-sha256"), signer=mac)
    yield Attack("HMAC where nobody is registered", ALGORITHM, make, by_hand, {"certificates": ()}, {})
    for path, child in (
        (".//ds:SignatureMethod", "HMACOutputLength"), (".//ds:SignatureMethod", "RSAPSSParams"), (".//ds:DigestMethod", "x"),
    ):  # fmt: skip
        alter = partial(tree.insert, path, 0, f'<ds:{child} xmlns:ds="{DS}">0</ds:{child}>')
        yield Attack(f"{child} in {path}", ALGORITHM, partial(by_hand, alter), by_hand)
    alter = partial(tree.insert, ".//ds:Transform[1]", 0, f'<ds:XPath xmlns:ds="{DS}">true()</ds:XPath>')
    yield Attack("XPath in the enveloped transform", REFERENCE, partial(by_hand, alter), by_hand)


PARTS = (
    "ds:SignedInfo", "ds:SignatureValue", "ds:SignedInfo/ds:Reference", "ds:SignedInfo/ds:CanonicalizationMethod",
    "ds:SignedInfo/ds:SignatureMethod", "ds:SignedInfo/ds:Reference/ds:DigestValue",
    "ds:SignedInfo/ds:Reference/ds:DigestMethod", "ds:SignedInfo/ds:Reference/ds:Transforms",
)  # fmt: skip


def doubled() -> Iterator[Attack]:
    for path in PARTS:
        for before in (False, True):
            alter = partial(tree.double, path, before)
            name = f"second {path} {'before' if before else 'behind'}"
            after = partial(tree.within_signature, alter)
            yield Attack(name, SHAPE, partial(by_hand, after=after), by_hand)
            if path.startswith("ds:SignedInfo/"):
                yield Attack(name + ", signed", SHAPE, partial(by_hand, alter), by_hand)
        yield Attack(
            f"no {path}",
            SHAPE,
            partial(by_hand, after=partial(tree.within_signature, partial(tree.drop, path))),
            by_hand,
        )
    for make in (factory.signed_assertion, factory.signed_response):
        doubled_ = partial(change.changed, make, tree.signature_twice)
        yield Attack(f"two Signatures, {make.__name__}", Reason.SAML_SHAPE, doubled_, make)
    alter = partial(tree.insert, ".", 2, f'<ds:Object xmlns:ds="{DS}"/>')
    yield Attack("Object in the Signature", SHAPE, partial(by_hand, alter), by_hand)
    for path in ("ds:DigestValue", "ds:SignatureValue"):
        after = partial(tree.child_in, f"//{path}")
        yield Attack(f"an element in {path}", SHAPE, partial(by_hand, after=after), by_hand)
        yield Attack(
            f"{path} that is no base64",
            SHAPE,
            partial(by_hand, after=partial(tree.set_text, f"//{path}", "*")),
            by_hand,
        )
    signed = factory.signed_assertion
    for path in ("//saml:Subject", "//saml:Conditions", "samlp:Status", "(//saml:AttributeValue)[1]", "//ds:KeyInfo"):
        also = partial(change.changed, signed, partial(tree.signature_also_in, path))
        yield Attack(f"another Signature in {path}", PLACE, also, signed)
    moved = partial(by_hand, after=tree.signature_moved_to_status)
    yield Attack("the Signature in another place", PLACE, moved, by_hand)


def borrowed() -> Iterator[Attack]:
    """Signatures of somebody else or over something else."""
    signed, response = factory.signed_assertion, factory.signed_response
    for make in (signed, response, factory.signed_both, encryption.encrypted_response):
        evil = partial(make, key=factory.signing_key("attacker"))
        yield Attack(f"attacker's key in KeyInfo, {make.__name__}", VALUE, evil, make)
        yield Attack(f"nobody registered, {make.__name__}", VALUE, make, make, {"certificates": ()}, {})
    yield Attack("signature of another response", DIGEST, partial(change.exchanged, "//ds:Signature"), signed)
    yield Attack("digest and content exchanged", VALUE, partial(change.exchanged, "//ds:SignatureValue"), signed)
    yield Attack("digest of nothing", DIGEST, partial(by_hand, tree.digest_of_nothing), by_hand)
    void = partial(by_hand, tree.digest_of_nothing, after=change.relative_namespace)
    yield Attack("canonicalization that yields nothing", Reason.SAML_XML_MALFORMED, void, by_hand)
    yield Attack("digest in the Status", DIGEST, change.smuggled_digest, signed)
    yield Attack(
        "content changed below a signed response",
        DIGEST,
        partial(change.changed, response, change.says_mallory),
        response,
    )
    yield Attack(
        "content changed below both",
        DIGEST,
        partial(change.changed, factory.signed_both, change.says_mallory),
        factory.signed_both,
    )
    stripped = partial(change.changed, factory.signed_both, tree.stripped)
    yield Attack("signatures taken away", Reason.SAML_UNSIGNED, stripped, factory.signed_both)
    yield Attack(
        "Signature in another namespace", PLACE, partial(change.changed, signed, tree.foreign_signature), signed
    )
    both = {"certificates": (factory.signing_key("other").trusted, factory.signing_key().trusted)}
    yield Attack("two registered signers of one message", VALUE, change.two_signers, factory.signed_both, both)
    for length in (0, 1, 255, 257, 1000):
        evil = partial(by_hand, signer=partial(_filler, length))
        yield Attack(f"an RSA value of {length} bytes", VALUE, evil, by_hand)
    yield Attack("forged encrypted, borrowed Signature", DIGEST, _borrowed_inside, encryption.encrypted_response)
    elliptic = factory.signing_key("idp", "p256")
    curve = partial(signed, key=elliptic, profile=Profile(algorithm=MORE + "ecdsa-sha256"))
    yield Attack("ECDSA value in DER", VALUE, _in_der, curve, {"certificates": (elliptic.trusted,)})


def encrypted() -> Iterator[Attack]:
    """Anybody can encrypt to us: encryption proves nothing, and what comes out is a document like any other."""
    signed = encryption.encrypted_response
    for how in (Encryption(), Encryption("http://www.w3.org/2009/xmlenc11#aes128-gcm"), Encryption(key_beside=True)):
        yield Attack(
            f"encrypted by {how}, not signed",
            Reason.SAML_UNSIGNED,
            partial(signed, how=how, sign_assertion=False),
            partial(signed, how=how),
        )
    unaccepted = Reason.SAML_ENCRYPTION_ALGORITHM
    for algorithm in ("aes128-cbc", "aes256-cbc", "tripledes-cbc"):
        how = Encryption(XENC + algorithm)
        outside = partial(signed, how=how, sign_response=True) if "aes" in algorithm else signed
        yield Attack(f"{algorithm} below an unsigned response", unaccepted, partial(signed, how=how), outside)
    transport = Encryption(key_transport=XENC + "rsa-1_5")
    yield Attack("RSA 1.5 key transport", unaccepted, partial(signed, how=transport), signed)
    plain = text_of(assertion_of(factory.signed_assertion()))
    right = partial(encryption.encrypted_bytes, plain, Encryption(), sign_response=False)
    inside = {
        "comment": plain.replace(b"alice@", b"alice<!-- -->@"),
        "instruction": plain.replace(b"alice@", b"alice<?x y?>@"),
        "CDATA": plain.replace(b"alice@", b"<![CDATA[alice]]>@"),
        "DTD": b"<!DOCTYPE r>" + plain,
        "undefined entity": plain.replace(b"alice@", b"&x;@"),
        "not closed": plain[:-1],
        "closes its holder": plain + b"</w><w>",
        "two assertions": plain + plain,
        "text behind": plain + b"x",
        "text before": b"x" + plain,
        "nothing": b"",
        "another element": b"<x/>",
        "a Response": text_of(factory.signed_response()),
        "not UTF-8": plain.replace(b"alice", b"alic\xe9"),
    }
    for name, data in inside.items():
        make = partial(encryption.encrypted_bytes, data, Encryption(), sign_response=False)
        yield Attack(f"plain text: {name}", Reason.SAML_DECRYPTION, make, right)
    hidden = plain.replace(b"</saml:Subject>", b"</saml:Subject><saml:Advice>" + plain + b"</saml:Advice>")
    make = partial(encryption.encrypted_bytes, hidden, Encryption(), sign_response=False)
    yield Attack("plain text: an assertion in the assertion", Reason.SAML_DUPLICATE_ID, make, right)
    same_id = text_of(assertion_of(factory.signed_assertion(Spec(assertion_id="_response1"))))
    make = partial(encryption.encrypted_bytes, same_id, Encryption(), sign_response=False)
    yield Attack("plain text: an ID of the response outside", Reason.SAML_DUPLICATE_ID, make, right)
    with_response, with_other = (
        Spec(assertion_extra=f"<saml:Advice>{inside}</saml:Advice>") for inside in ("<samlp:Response/>", "<samlp:x/>")
    )
    make, other = partial(signed, with_response), partial(signed, with_other)
    yield Attack("plain text: a Response in the assertion", Reason.SAML_SHAPE, make, other)
    yield from _ciphers(signed)
    yield from _block_ciphers(plain)


def _ciphers(signed: Callable[..., Any]) -> Iterator[Attack]:
    shape = Reason.SAML_ENCRYPTION_SHAPE
    changes: dict[str, tuple[Reason, Alter]] = {
        "content changed": (Reason.SAML_DECRYPTION, partial(tree.flip, "//xenc:EncryptedData/xenc:CipherData/xenc:CipherValue")),
        "key changed": (Reason.SAML_DECRYPTION, partial(tree.flip, "//xenc:EncryptedKey/xenc:CipherData/xenc:CipherValue")),
        "too short": (Reason.SAML_DECRYPTION, partial(tree.set_text, "//xenc:EncryptedData/xenc:CipherData/xenc:CipherValue", "AAAA")),
        "no base64": (shape, partial(tree.set_text, "//xenc:EncryptedData/xenc:CipherData/xenc:CipherValue", "*")),
        "an element in the value": (shape, partial(tree.child_in, "//xenc:EncryptedData/xenc:CipherData/xenc:CipherValue")),
        "no key": (shape, partial(tree.drop, "//xenc:EncryptedKey")),
        "two keys": (shape, change.key_twice),
        "no method": (shape, partial(tree.drop, "//xenc:EncryptedData/xenc:EncryptionMethod")),
        "content and not an element": (shape, partial(tree.set_attribute, "//xenc:EncryptedData", "Type", XENC + "Content")),
        "something in the method": (
            Reason.SAML_ENCRYPTION_ALGORITHM,
            partial(tree.child_in, "//xenc:EncryptedData/xenc:EncryptionMethod"),
        ),
        "a digest nobody knows": (Reason.SAML_ENCRYPTION_ALGORITHM, partial(change.oaep_digest, "urn:none")),
        "a CipherReference": (shape, partial(change.rename, "//xenc:EncryptedData/xenc:CipherData/xenc:CipherValue", "CipherReference")),
        "a Signature beside": (PLACE, change.signature_beside_cipher),
    }  # fmt: skip
    for name, (reason, alter) in changes.items():
        yield Attack(f"ciphertext: {name}", reason, partial(change.changed, signed, alter), signed)
    beside = partial(signed, how=Encryption(key_beside=True))
    for name, attribute, value in (
        ("URI", "URI", "http://127.0.0.1:1/"),
        ("other ID", "URI", "#_data"),
        ("type", "Type", "urn:x"),
    ):
        alter = partial(tree.set_attribute, "//ds:RetrievalMethod", attribute, value)
        yield Attack(f"RetrievalMethod with another {name}", shape, partial(change.changed, beside, alter), beside)
    alter = partial(tree.child_in, "//ds:RetrievalMethod")
    yield Attack("RetrievalMethod with a transform", shape, partial(change.changed, beside, alter), beside)
    nameless = partial(change.changed, beside, change.key_without_name)
    yield Attack("RetrievalMethod to a key without Id", shape, nameless, beside)
    mask = '<m:MGF xmlns:m="http://www.w3.org/2009/xmlenc11#" Algorithm="{}"/>'
    oaep = Encryption(key_transport="http://www.w3.org/2009/xmlenc11#rsa-oaep")
    plain = text_of(assertion_of(factory.signed_assertion()))
    unknown, known = (
        partial(encryption.encrypted_bytes, plain, oaep, sign_response=False, key_method=mask.format(name))
        for name in ("urn:none", "http://www.w3.org/2009/xmlenc11#mgf1sha1")
    )
    yield Attack("a mask function nobody knows", Reason.SAML_ENCRYPTION_ALGORITHM, unknown, known)
    other = {"decryption_keys": factory.gateway_keys("newer").encryption}
    yield Attack("encrypted to somebody else", Reason.SAML_DECRYPTION, signed, signed, other, {})
    yield Attack("content key of another length", Reason.SAML_DECRYPTION, change.short_key, signed)


def _block_ciphers(plain: bytes) -> Iterator[Attack]:
    """AES-CBC, accepted below a signed Response only; whatever goes wrong with it has one reason and one text."""
    how, refused = Encryption(XENC + "aes256-cbc"), Reason.SAML_DECRYPTION
    right = partial(encryption.encrypted_bytes, plain, how, sign_response=True)
    value = "//xenc:EncryptedData/xenc:CipherData/xenc:CipherValue"
    for name, text in (("no whole block", "A" * 44), ("one block", "A" * 22 + "=="), ("wrong padding", "A" * 64)):
        alter = partial(tree.set_text, value, text)
        yield Attack(f"AES-CBC: {name}", refused, partial(_signed_after, how, alter), right)
    long = partial(encryption.encrypted_bytes, plain, how, sign_response=True, blocks_too_many=1)
    yield Attack("AES-CBC: padding longer than a block", refused, long, right)
    for name, spec in (
        ("another audience", Spec(audiences="<saml:AudienceRestriction/>")),
        ("expired", Spec(conditions_attributes='NotOnOrAfter="2026-01-01T00:00:00Z"')),
    ):
        cbc = partial(encryption.encrypted_response, spec, how, sign_response=True)
        yield Attack(
            f"AES-CBC: {name}", refused, cbc, partial(encryption.encrypted_response, how=how, sign_response=True)
        )
        gcm = partial(encryption.encrypted_response, spec)
        reason = Reason.SAML_EXPIRED if name == "expired" else Reason.SAML_AUDIENCE_MISMATCH
        yield Attack(f"AES-GCM: {name}", reason, gcm, encryption.encrypted_response)


def _signed_after(how: Encryption, alter: Alter) -> Any:
    root = encryption.encrypted_response(how=how)
    alter(root)
    factory.sign(root, root)
    return root


def _nameless(set_uri: Callable[[str | None, Any], None]) -> Any:
    root = Spec(assertion_id="").tree()
    factory.sign_by_hand(assertion_of(root), alter=partial(set_uri, "#"))
    return root


def _filler(length: int, _: bytes) -> bytes:
    return b"\x01" * length


def _borrowed_inside() -> Any:
    """Encrypted to us: mallory's assertion with the Signature over alice's."""
    root = change.exchanged("//ds:Signature")
    encryption.encrypt(root)
    return root


def _in_der() -> Any:
    """An ECDSA value as everybody but XML Signature writes it."""
    key = factory.signing_key("idp", "p256")
    private = key.private
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    root = Spec().tree()
    profile = Profile(algorithm=MORE + "ecdsa-sha256")
    signer = partial(private.sign, signature_algorithm=ec.ECDSA(hashes.SHA256()))
    factory.sign_by_hand(assertion_of(root), key, profile, signer=signer)
    return root
