"""Roles that ask for a second factor, and providers that can be asked for one."""

import json
from dataclasses import replace

from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.provider_logins import get_login_settings, set_login_settings
from gateway.directory.roles import create_role
from gateway.directory.saml_providers import get_saml_provider
from gateway.federation.vouching import SAML_DEFAULT
from tests.fake_clock import NOON
from tests.saml_asking import REFEDS_MFA
from tests.unit.web.site import Site

MFA = {"Bool": {"acs:MFAPresent": "true"}}


def careful_role(site: Site, name: str = "careful", *, condition: object = None, deny: object = None) -> str:
    """A role of the provider `corp` that lets in whoever meets the condition; gives the value of the Role attribute."""
    provider = f"acs:ram::{site.account_id}:saml-provider/corp"
    base = {"Action": "sts:AssumeRole", "Principal": {"Federated": [provider]}}
    wanted = MFA if condition is None else condition
    statements = [{"Effect": "Allow", **base, **({"Condition": wanted} if wanted else {})}]
    if deny is not None:
        statements.append({"Effect": "Deny", **base, "Condition": deny})
    trust = json.dumps({"Version": "1", "Statement": statements})
    with site.services.store.transaction() as session:
        create_role(session, site.account_id, name, trust_document=trust, now=NOON)
    return f"acs:ram::{site.account_id}:role/{name},{provider}"


def second_factors(site: Site, *values: str, user_sso: bool = False) -> None:
    """What counts as a second factor at the provider `corp`, or at that of user SSO."""
    with site.services.store.transaction() as session:
        key = (
            user_sso_key(site.account_id)
            if user_sso
            else saml_provider_key(get_saml_provider(session, site.account_id, "corp").id)
        )
        settings = get_login_settings(session, key, SAML_DEFAULT)
        changed = replace(settings, second_factors=values or (REFEDS_MFA,))
        set_login_settings(session, site.account_id, key, changed, now=NOON)
