"""Makes the committed seeds anew: one good input of each kind, signed by a key that is thrown away.

Run: python -m fuzz.make_seeds
"""

import shutil
from pathlib import Path
from urllib.parse import urlencode

from tests import oidc_factory
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.oidc_provider import discovery_json
from tests.saml_encryption import Encryption
from tests.saml_factory import Profile, Spec
from tests.saml_metadata_document import Document, group

SEEDS = Path(__file__).parent / "seeds"


def seeds() -> dict[str, bytes]:
    """By the folder of the target and a name."""
    signed = factory.serialize(factory.signed_assertion())
    prefixes = factory.serialize(factory.signed_response(profile=Profile(prefix_list="saml samlp ds")))
    plain = factory.serialize(factory.assertion_of(Spec().tree()))
    claims = b'{"iss":"%s","sub":"1","aud":"%s","exp":%d,"iat":%d,"nonce":"%s"}' % (
        oidc_factory.ISSUER.encode(),
        oidc_factory.CLIENT.encode(),
        oidc_factory.NOW_S + 300,
        oidc_factory.NOW_S,
        oidc_factory.NONCE.encode(),
    )
    query = urlencode({"Action": "AssumeRole", "Version": "2015-04-01", "Format": "JSON"}).encode()
    return {
        "response/assertion": signed,
        "response/response": factory.serialize(factory.signed_response()),
        "response/both": factory.serialize(factory.signed_both()),
        "response/prefixes": prefixes,
        "response/encrypted": factory.serialize(encryption.encrypted_response()),
        "response/key-beside": factory.serialize(encryption.encrypted_response(how=Encryption(key_beside=True))),
        "assertion/plain": plain,
        "decryption/plain": plain,
        "decryption/signed": factory.serialize(factory.assertion_of(factory.signed_assertion())),
        "metadata/entity": Document().xml(),
        "metadata/group": group(Document().entity()),
        "metadata/certificate": factory.signing_key().certificate_pem.encode(),
        "redirect/assertion": factory.serialize(Spec().tree()),
        "redirect/path": b"/admin/providers?page=2",
        "redirect/address": b"https://one.apps.example.com/x#y",
        "oidc/token": oidc_factory.Spec().token().encode(),
        "oidc/keys": oidc_factory.key_set_json(oidc_factory.public_jwk(oidc_factory.private_key(), kid="k1")),
        "oidc/discovery": discovery_json(),
        "oidc/answer": b'{"access_token":"a","token_type":"Bearer","id_token":"a.b.c","expires_in":60}',
        "claims/usual": claims,
        "call/query": query + b"\n\n",
        "call/form": query + b"\napplication/x-www-form-urlencoded\nRoleArn=acs%3Aram%3A%3A1&Tag.1.Key=%C3%A9",
    }


def main() -> None:
    shutil.rmtree(SEEDS, ignore_errors=True)
    for name, content in seeds().items():
        path = SEEDS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (SEEDS / "certificate.pem").write_text(factory.signing_key().certificate_pem)


if __name__ == "__main__":
    main()
