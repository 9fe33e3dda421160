"""The sample company: Example Trading, its accounts, roles and policies."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.arn import role_arn, saml_provider_arn
from gateway.demo.people import (
    ALIAS,
    DEVELOPERS,
    DOMAIN,
    LAB_ALIAS,
    LAB_VISITOR,
    OWNER_LOGIN,
    PEOPLE,
    PROVIDER,
    Person,
)
from gateway.demo.state import DemoOwner, DemoUser
from gateway.directory import (
    access_keys,
    accounts,
    attachments,
    domains,
    groups,
    login_profiles,
    policies,
    roles,
    saml_providers,
    user_sso,
    users,
)
from gateway.directory.accounts import Account
from gateway.federation.trust_document import saml_trust_document
from gateway.ids import new_password
from gateway.keyring import KeyRing
from gateway.saml.names import role_sso_recipient
from gateway.secret import Secret


@dataclass(frozen=True, slots=True)
class DemoRole:
    account_alias: str
    name: str
    description: str
    max_session_s: int
    system_policies: tuple[str, ...] = ()
    custom_policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Company:
    account_id: str
    lab_id: str
    owner: DemoOwner
    users: tuple[DemoUser, ...]


ROLES = (
    DemoRole(ALIAS, "admin", "Everything, for an hour", 3600, system_policies=("AdministratorAccess",)),
    DemoRole(
        ALIAS,
        "developer",
        "The team's bucket, and instances from inside the company",
        7200,
        custom_policies=("team-bucket", "instances-from-inside"),
    ),
    DemoRole(ALIAS, "reader", "Look, don't touch", 43200, system_policies=("ReadOnlyAccess",)),
    DemoRole(
        LAB_ALIAS, LAB_VISITOR, "Look around in the laboratory account", 3600, system_policies=("ReadOnlyAccess",)
    ),
)

POLICIES: Mapping[str, tuple[str, object]] = {
    "team-bucket": (
        "Work in the bucket example-team; delete nothing in its archive",
        [
            {"Effect": "Allow", "Action": ["oss:ListBuckets", "oss:GetBucketInfo"], "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": ["oss:GetObject", "oss:PutObject", "oss:ListObjects", "oss:DeleteObject"],
                "Resource": ["acs:oss:*:*:example-team", "acs:oss:*:*:example-team/*"],
            },
            {
                "Effect": "Deny",
                "Action": "oss:DeleteObject",
                "Resource": "acs:oss:*:*:example-team/archive/*",
            },
        ],
    ),
    "instances-from-inside": (
        "Start and stop ECS instances, from private addresses only",
        [
            {"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": ["ecs:StartInstance", "ecs:StopInstance", "ecs:RebootInstance"],
                "Resource": "acs:ecs:*:*:instance/*",
                "Condition": {"IpAddress": {"acs:SourceIp": ["127.0.0.0/8", "10.0.0.0/8", "192.168.0.0/16"]}},
            },
        ],
    ),
}


def create_company(session: Session, ring: KeyRing, base_url: str, idp_metadata: bytes, now: datetime) -> Company:
    """Enter the whole company into an empty directory. User SSO is on when it is done."""
    owner_password = new_password()
    passwords = {person.login: new_password() for person in PEOPLE}
    main = accounts.create_account(
        session,
        alias=ALIAS,
        display_name="Example Trading",
        owner_login=OWNER_LOGIN,
        owner_password=Secret(owner_password),
        now=now,
    )
    lab = accounts.create_account(
        session,
        alias=LAB_ALIAS,
        display_name="Example Trading Laboratory",
        owner_login=f"lab-{OWNER_LOGIN}",
        owner_password=Secret(new_password()),  # nobody needs it here
        now=now,
    )
    domains.add_domain_alias(session, main.id, DOMAIN, now)
    _write_policies(session, main, now)
    _hire(session, main, passwords, now)
    for account in (main, lab):
        saml_providers.create_saml_provider(
            session, account.id, PROVIDER, idp_metadata, description="The company's own sign-in", now=now
        )
    account_ids = {ALIAS: main.id, LAB_ALIAS: lab.id}
    _open_roles(session, account_ids, base_url, now)
    user_sso.set_user_sso(session, main.id, enabled=True, metadata_xml=idp_metadata, idp_initiated=True, now=now)
    key = access_keys.create_access_key(session, ring, account_id=main.id, user_id=None, now=now)
    return Company(
        account_id=main.id,
        lab_id=lab.id,
        owner=DemoOwner(OWNER_LOGIN, owner_password, key.access_key_id, key.secret.reveal()),
        users=tuple(
            DemoUser(person.upn, person.login, passwords[person.login], _role_arns(person, account_ids))
            for person in PEOPLE
        ),
    )


def move_company(
    session: Session, *, old_base_url: str, base_url: str, old_idp_url: str, idp_metadata: bytes, now: datetime
) -> None:
    """Follow a change of ports: the IdP's metadata, and the recipient that roles insist on, name addresses.

    What somebody changed by hand since is kept, as far as it does not name the old addresses.
    """
    for account in accounts.list_accounts(session):
        for provider in saml_providers.list_saml_providers(session, account.id):
            if provider.entity_id.startswith(old_idp_url):
                saml_providers.update_saml_provider(
                    session, account.id, provider.name, metadata_xml=idp_metadata, now=now
                )
        old_recipient, recipient = role_sso_recipient(old_base_url), role_sso_recipient(base_url)
        for role in roles.list_roles(session, account.id):
            if old_recipient in role.trust_document:
                document = role.trust_document.replace(old_recipient, recipient)
                roles.update_role(session, account.id, role.name, trust_document=document, now=now)
        settings = user_sso.find_user_sso(session, account.id)
        if settings is not None and (settings.entity_id or "").startswith(old_idp_url):
            user_sso.set_user_sso(session, account.id, metadata_xml=idp_metadata, now=now)


def _write_policies(session: Session, account: Account, now: datetime) -> None:
    for name, (description, statements) in POLICIES.items():
        document = json.dumps({"Version": "1", "Statement": statements}, indent=2)
        policies.create_policy(session, account.id, name, document, description=description, now=now)


def _hire(session: Session, account: Account, passwords: Mapping[str, str], now: datetime) -> None:
    developers = groups.create_group(session, account.id, DEVELOPERS, comments="Everybody who builds things", now=now)
    for name in POLICIES:
        attachments.attach_policy(session, account.id, "Custom", name, developers, now)
    for person in PEOPLE:
        if not person.has_ram_user:
            continue
        user = users.create_user(
            session, account.id, person.login, display_name=person.display_name, comments=person.job, now=now
        )
        login_profiles.create_login_profile(session, user, Secret(passwords[person.login]), now=now)
        for policy in person.system_policies:
            attachments.attach_policy(session, account.id, "System", policy, user, now)
        for group in person.groups:
            groups.add_user(session, groups.get_group(session, account.id, group), user, now)


def _open_roles(session: Session, account_ids: Mapping[str, str], base_url: str, now: datetime) -> None:
    for wanted in ROLES:
        account_id = account_ids[wanted.account_alias]
        role = roles.create_role(
            session,
            account_id,
            wanted.name,
            trust_document=saml_trust_document(saml_provider_arn(account_id, PROVIDER), role_sso_recipient(base_url)),
            description=wanted.description,
            max_session_duration_s=wanted.max_session_s,
            now=now,
        )
        for policy in wanted.system_policies:
            attachments.attach_policy(session, account_id, "System", policy, role, now)
        for policy in wanted.custom_policies:
            attachments.attach_policy(session, account_id, "Custom", policy, role, now)


def _role_arns(person: Person, account_ids: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(role_arn(account_ids[alias], name) for alias, name in person.roles)
