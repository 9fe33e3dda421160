"""The sample company's OpenID Provider as its two accounts registered it: one for users, one for roles.

In the main account the e-mail address is the logon name of a RAM user. In the laboratory roles come from a claim, and
from a mapping rule for whoever builds things.
"""

import json
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.arn import oidc_provider_arn, role_arn
from gateway.demo.people import LAB_TESTER, LAB_VISITOR, OIDC_PROVIDER
from gateway.demo.state import DemoClient
from gateway.directory import attachments, mapping_rules, oidc_providers, provider_logins, roles
from gateway.directory.oidc_sign_in import SignInWish, set_oidc_sign_in
from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.provider_logins import LoginSettings, Use
from gateway.federation.trust_document import oidc_trust_document
from gateway.ids import new_handle
from gateway.keyring import KeyRing
from gateway.oidc.client_authentication import ClientMethod
from gateway.secret import Secret

USER_CLIENT, ROLE_CLIENT = "ramgate-user", "ramgate-role"
_EMAIL = "oidc:claim/email"
_SESSION_NAME = "${oidc:claim/email}"
_SECOND_FACTORS = ("mfa",)


def register_provider(
    session: Session, ring: KeyRing, *, account_id: str, lab_id: str, issuer: str, now: datetime
) -> tuple[DemoClient, ...]:
    """Enter the provider into both accounts, what its logins become, and the laboratory's trust in it."""
    clients = (DemoClient(USER_CLIENT, new_handle(), account_id), DemoClient(ROLE_CLIENT, new_handle(), lab_id))
    _enter(session, ring, clients, issuer, now)
    _open_lab(session, lab_id, issuer, now)
    return clients


def move_provider(
    session: Session, ring: KeyRing, clients: tuple[DemoClient, ...], *, old_issuer: str, issuer: str, now: datetime
) -> None:
    """Register the provider anew under its new address, since an issuer never changes, and let the roles know."""
    for client in clients:
        if oidc_providers.find_oidc_provider(session, client.account_id, OIDC_PROVIDER) is None:
            continue  # somebody has deleted it since
        oidc_providers.delete_oidc_provider(session, client.account_id, OIDC_PROVIDER)
        _enter(session, ring, (client,), issuer, now)
        for role in roles.list_roles(session, client.account_id):
            if json.dumps(old_issuer) in role.trust_document:
                document = role.trust_document.replace(json.dumps(old_issuer), json.dumps(issuer))
                roles.update_role(session, client.account_id, role.name, trust_document=document, now=now)


def _enter(session: Session, ring: KeyRing, clients: tuple[DemoClient, ...], issuer: str, now: datetime) -> None:
    settings = {
        USER_CLIENT: LoginSettings(use=Use.USER, logon_name_key=_EMAIL, second_factors=_SECOND_FACTORS),
        ROLE_CLIENT: LoginSettings(
            use=Use.ROLE,
            roles_key="oidc:claim/lab_roles",
            session_name=_SESSION_NAME,
            second_factors=_SECOND_FACTORS,
        ),
    }
    for client in clients:
        provider = oidc_providers.create_oidc_provider(
            session,
            client.account_id,
            OIDC_PROVIDER,
            issuer,
            client_ids=(client.client_id,),
            description="The company's own sign-in, by OpenID Connect",
            development=True,
            now=now,
        )
        set_oidc_sign_in(
            session,
            ring,
            provider,
            client_id=client.client_id,
            method=ClientMethod.BASIC,
            client_secret=Secret(client.client_secret),
            wish=SignInWish(),
            now=now,
        )
        key = oidc_provider_key(provider.id)
        provider_logins.set_login_settings(session, client.account_id, key, settings[client.client_id], now=now)
        if client.client_id == ROLE_CLIENT:
            _write_rule(session, client.account_id, key, now)


def _open_lab(session: Session, lab_id: str, issuer: str, now: datetime) -> None:
    """The role that SAML knows trusts the provider too; another one trusts it alone."""
    document = oidc_trust_document(oidc_provider_arn(lab_id, OIDC_PROVIDER), issuer, (ROLE_CLIENT,))
    visitor = roles.get_role(session, lab_id, LAB_VISITOR)
    statements = [*json.loads(visitor.trust_document)["Statement"], *json.loads(document)["Statement"]]
    both = json.dumps({"Version": "1", "Statement": statements}, indent=2)
    roles.update_role(session, lab_id, LAB_VISITOR, trust_document=both, now=now)
    tester = roles.create_role(
        session,
        lab_id,
        LAB_TESTER,
        trust_document=document,
        description="Try things out in the laboratory account",
        max_session_duration_s=3600,
        now=now,
    )
    attachments.attach_policy(session, lab_id, "System", "ReadOnlyAccess", tester, now)


def _write_rule(session: Session, account_id: str, provider_key: str, now: datetime) -> None:
    content = mapping_rules.RuleContent(
        condition=json.dumps({"StringEquals": {"oidc:claim/job": "developer"}}),
        role_arns=(role_arn(account_id, LAB_TESTER),),
        session_name=_SESSION_NAME,
        max_duration_s=1800,
    )
    mapping_rules.create_rule(session, account_id, provider_key, "developers-test", content, now=now)
