from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from gateway.arn import parse_ram_arn
from gateway.demo.people import ALIAS, LAB_ALIAS, PEOPLE, PROVIDER
from gateway.demo.places import Places, find_places
from gateway.demo.run import prepare, start_over
from gateway.demo.serve_idp import idp_config
from gateway.demo.state import DemoState
from gateway.directory.access_keys import find_access_key
from gateway.directory.accounts import check_owner_password
from gateway.directory.authorization import Authorizer
from gateway.directory.domains import find_account
from gateway.directory.roles import get_role
from gateway.directory.saml_providers import get_saml_provider
from gateway.directory.user_sso import find_user_sso
from gateway.directory.users import find_user, get_user
from gateway.errors import ConfigError, Reason
from gateway.key_files import load_or_make_keys
from gateway.principal import RamUser
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock


def _places(folder: Path, **ports: str) -> Places:
    folders = {f"RAMGATE_{name.upper()}_DIR": str(folder / name) for name in ("var", "certs", "metadata")}
    return find_places({**folders, "PORT": "9180", "IDP_PORT": "9181", **ports})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    prepare(_places(folder))
    return folder


@pytest.fixture(scope="module")
def state(home: Path) -> DemoState:
    return prepare(_places(home))


@pytest.fixture
def directory(home: Path) -> Iterator[Session]:
    store = Store(_places(home).settings.database_url)
    with store.reading() as session:
        yield session
    store.dispose()


def test_create_company__owner__has_password_and_access_key(directory: Session, home: Path, state: DemoState) -> None:
    owner = state.owner
    assert check_owner_password(directory, owner.login, Secret(owner.password)).id == state.account_id
    ring, _ = load_or_make_keys(home / "certs", NOON)
    key = find_access_key(directory, ring, owner.access_key_id)
    assert key is not None
    assert (key.secret, key.user_id, key.account_id) == (Secret(owner.access_key_secret), None, state.account_id)


def test_create_company__accounts__are_found_by_alias_and_domain(directory: Session, state: DemoState) -> None:
    for text in (ALIAS, "example.onaliyun.com", "example.com", state.account_id):
        account = find_account(directory, text, "onaliyun.com")
        assert account is not None
        assert account.id == state.account_id
    assert find_account(directory, LAB_ALIAS, "onaliyun.com") is not None


def test_create_company__people__have_a_ram_user_or_not(directory: Session, state: DemoState) -> None:
    for person in PEOPLE:
        assert (find_user(directory, state.account_id, person.login) is not None) == person.has_ram_user
    settings = find_user_sso(directory, state.account_id)
    assert settings is not None
    assert settings.enabled


@pytest.mark.parametrize(
    ("name", "action", "resource", "allowed"),
    [
        ("alice", "ram:CreateUser", "*", True),
        ("bob", "oss:PutObject", "acs:oss:*:*:example-team/report.csv", True),
        ("bob", "oss:DeleteObject", "acs:oss:*:*:example-team/archive/2020.csv", False),
        ("bob", "oss:PutObject", "acs:oss:*:*:example-books/report.csv", False),
        ("bob", "ecs:StopInstance", "acs:ecs:*:*:instance/i-1", True),
        ("carol", "ecs:DescribeInstances", "*", True),
        ("carol", "ecs:StopInstance", "acs:ecs:*:*:instance/i-1", False),
    ],
)
def test_create_company__people__may_do_what_the_welcome_promises(
    name: str, action: str, resource: str, *, allowed: bool, directory: Session, state: DemoState
) -> None:
    user = get_user(directory, state.account_id, name)
    principal = RamUser(state.account_id, user.id, user.name)
    context = {"acs:SourceIp": ("127.0.0.1",)}
    assert Authorizer(FakeClock()).decide(directory, principal, action, resource, context).allowed == allowed


def test_create_company__bob_from_outside__may_not_stop_instances(directory: Session, state: DemoState) -> None:
    user = get_user(directory, state.account_id, "bob")
    principal = RamUser(state.account_id, user.id, user.name)
    context = {"acs:SourceIp": ("203.0.113.9",)}
    decision = Authorizer(FakeClock()).decide(
        directory, principal, "ecs:StopInstance", "acs:ecs:*:*:instance/i-1", context
    )
    assert not decision.allowed


def test_create_company__roles__exist_where_the_idp_says(directory: Session, state: DemoState) -> None:
    for user in state.users:
        for arn in user.roles:
            parsed = parse_ram_arn(arn, "role")
            role = get_role(directory, parsed.account_id, parsed.name)
            assert f"acs:ram::{parsed.account_id}:saml-provider/{PROVIDER}" in role.trust_document
            assert '"saml:recipient": "http://127.0.0.1:9180/saml-role/sso"' in role.trust_document


def test_idp_config__alice__sends_role_and_provider_of_the_same_account(home: Path, state: DemoState) -> None:
    alice = next(person for person in idp_config(_places(home), state).people if person.login == "alice")
    assert len(alice.role_values) == 4
    for value in alice.role_values:
        role, provider = value.split(",")
        assert role.split(":")[3] == provider.split(":")[3]


def test_prepare__again__changes_nothing(home: Path, state: DemoState) -> None:
    before = _places(home).state.stat().st_mtime_ns
    assert prepare(_places(home)) == state
    assert _places(home).state.stat().st_mtime_ns == before


def test_prepare__other_ports__moves_the_company(tmp_path: Path) -> None:
    first = prepare(_places(tmp_path))
    moved = prepare(_places(tmp_path, PORT="9280", IDP_PORT="9281"))
    assert moved == replace(first, base_url="http://127.0.0.1:9280", idp_url="http://127.0.0.1:9281")
    store = Store(_places(tmp_path).settings.database_url)
    with store.reading() as session:
        for account in (find_account(session, alias, "onaliyun.com") for alias in (ALIAS, LAB_ALIAS)):
            assert account is not None
            assert get_saml_provider(session, account.id, PROVIDER).entity_id == "http://127.0.0.1:9281/metadata"
        settings = find_user_sso(session, first.account_id)
        assert settings is not None
        assert settings.sso_redirect_url == "http://127.0.0.1:9281/sso"
        assert "http://127.0.0.1:9280/saml-role/sso" in get_role(session, first.account_id, "reader").trust_document
    store.dispose()


def test_prepare__something_is_missing__says_to_start_over(tmp_path: Path) -> None:
    places = _places(tmp_path)
    first = prepare(places)
    kept = places.state.read_text()
    places.state.unlink()
    with pytest.raises(ConfigError) as refusal:
        prepare(places)
    assert (refusal.value.reason, "RESET=1" in refusal.value.public) == (Reason.CONFIG_INVALID, True)
    places.state.write_text(kept)
    (tmp_path / "certs" / "keyring.json").unlink()
    with pytest.raises(ConfigError) as refusal:
        prepare(places)
    assert (refusal.value.reason, "RESET=1" in refusal.value.public) == (Reason.CONFIG_INVALID, True)
    start_over(places)
    assert prepare(places).account_id != first.account_id


def test_start_over__keys_of_the_gateway__stay(tmp_path: Path) -> None:
    places = _places(tmp_path)
    prepare(places)
    ring = (tmp_path / "certs" / "keyring.json").read_bytes()
    start_over(places)
    assert not places.database.exists()
    assert not places.state.exists()
    assert not places.idp_key.exists()
    assert (tmp_path / "certs" / "keyring.json").read_bytes() == ring
