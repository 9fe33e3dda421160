"""Keys and parties for the interoperability tests, made once per test process."""

import re
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from gateway.demo.idp import DemoIdpConfig, DemoPerson, SignStyle
from gateway.demo.idp_messages import IdpMessages
from gateway.saml.certificates import ServiceProviderKeys, make_keys
from gateway.saml.sp_metadata import role_sso_metadata, user_sso_metadata
from gateway.secret import Secret

BASE_URL = "https://sso.example.com"
ACCOUNT_ID = "1234567890123456"
URN = "urn:alibaba:cloudcomputing"
IDP_URL = "https://idp.example.com"
ROLE_VALUES = (
    f"acs:ram::{ACCOUNT_ID}:role/reader,acs:ram::{ACCOUNT_ID}:saml-provider/company",
    f"acs:ram::{ACCOUNT_ID}:role/admin,acs:ram::{ACCOUNT_ID}:saml-provider/company",
)
ALICE = DemoPerson(
    login="alice",
    password=Secret("alice-password"),
    name_id="alice@example.onaliyun.com",
    role_values=ROLE_VALUES,
    session_name="alice@example.com",
    session_duration_s=1800,
    display_name="Alice Example",
)
BOB = DemoPerson(
    login="bob",
    password=Secret("bob-password"),
    name_id="bob@example.onaliyun.com",
    role_values=(),
    session_name="bob",
    display_name="Bob Example",
)


@lru_cache(maxsize=1)
def gateway_keys() -> ServiceProviderKeys:
    return make_keys("sso.example.com", datetime.now(UTC))


@lru_cache(maxsize=4)
def other_keys(name: str) -> ServiceProviderKeys:
    return make_keys(name, datetime.now(UTC))


@lru_cache(maxsize=1)
def _idp_files() -> tuple[Path, Path]:
    folder = Path(tempfile.mkdtemp(prefix="ramgate-idp-"))
    keys = other_keys("idp.example.com")
    (folder / "idp.key").write_text(keys.signing_key_pem.reveal())
    (folder / "idp.crt").write_text(keys.signing_certificate_pem)
    return folder / "idp.key", folder / "idp.crt"


def idp_config(style: SignStyle = SignStyle.ASSERTION) -> DemoIdpConfig:
    key_path, certificate_path = _idp_files()
    return DemoIdpConfig(
        entity_id=f"{IDP_URL}/metadata",
        base_url=IDP_URL,
        key_path=key_path,
        certificate_path=certificate_path,
        people=(ALICE, BOB),
        user_sso=user_sso_metadata(BASE_URL, ACCOUNT_ID, gateway_keys(), encryption=True),
        role_sso=role_sso_metadata(BASE_URL, URN, gateway_keys(), encryption=True),
        sign_style=style,
    )


@lru_cache(maxsize=len(SignStyle))
def idp_messages(style: SignStyle = SignStyle.ASSERTION) -> IdpMessages:
    """It takes a while to build and keeps nothing between messages."""
    return IdpMessages(idp_config(style))


def without_user_sso(config: DemoIdpConfig) -> DemoIdpConfig:
    return replace(config, user_sso=None, idp_initiated_user_sso=False)


def bare(certificate_pem: str) -> str:
    """A certificate as metadata carries it."""
    return re.sub(r"-----[^-]+-----|\s", "", certificate_pem)
