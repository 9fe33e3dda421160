"""Files in `metadata/`: what they register, stage and report."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.audit.receipts import list_receipts
from gateway.directory.accounts import get_account
from gateway.directory.metadata_sources import MetadataSource, find_source
from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.saml_providers import create_saml_provider, find_saml_provider
from gateway.directory.user_sso import find_user_sso
from gateway.errors import Reason
from gateway.federation.dropped_metadata import broken_files, reconcile_files
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.in_process import bare_account
from tests.metadata_documents import ACTIVE, NEW, OLD, STAGED, document, states
from tests.saml_factory import signing_key
from tests.unit.directory.world import ACCOUNT

SUFFIX = "onaliyun.com"


@dataclass(slots=True)
class Folder:
    store: Store
    root: Path
    clock: FakeClock

    def reconcile(self) -> tuple[str, ...]:
        return reconcile_files(self.store, self.clock, self.root, SUFFIX)

    def put(self, label: str, content: bytes | str) -> Path:
        path = self.root / label
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def key(self, name: str = "corp") -> str:
        with self.store.reading() as session:
            found = find_saml_provider(session, ACCOUNT, name)
        assert found is not None
        return saml_provider_key(found.id)

    def source(self, key: str | None = None) -> MetadataSource:
        with self.store.reading() as session:
            found = find_source(session, key or self.key())
        assert found is not None
        return found

    def states(self, key: str | None = None) -> dict[str, str]:
        with self.store.reading() as session:
            return states(session, key or self.key())

    def kinds(self) -> list[str]:
        with self.store.reading() as session:
            return [receipt.kind for receipt in list_receipts(session, account_id=ACCOUNT)]


@pytest.fixture
def folder(sqlite_store: Store, tmp_path: Path) -> Folder:
    return make_folder(sqlite_store, tmp_path)


@pytest.fixture
def everywhere(store: Store, tmp_path: Path) -> Folder:
    return make_folder(store, tmp_path)


def make_folder(store: Store, tmp_path: Path) -> Folder:
    with store.transaction() as session:
        session.add(bare_account(ACCOUNT, "company"))
    root = tmp_path / "metadata"
    root.mkdir()
    (root / "README.md").write_text("what this is")
    (root / "demo-idp.local.xml").write_bytes(document(NEW))
    return Folder(store, root, FakeClock())


@pytest.mark.parametrize("account", ["company", ACCOUNT, "company.onaliyun.com"])
def test_reconcile_files__new_file__registers_a_provider(everywhere: Folder, account: str) -> None:
    everywhere.put(f"{account}/corp.xml", document())
    everywhere.put(f"{account}/corp.toml", 'description = "ours"')
    assert everywhere.reconcile() == (f"{account}/corp.xml",)
    with everywhere.store.reading() as session:
        provider = find_saml_provider(session, ACCOUNT, "corp")
        assert provider is not None
        assert provider.description == "ours"
        assert find_saml_provider(session, ACCOUNT, "demo-idp.local") is None, "files above the folders are not taken"
    source = everywhere.source()
    assert (source.kind, source.brought_by) == ("dropped", f"the file {account}/corp.xml")
    assert everywhere.kinds() == ["MetadataFileRegistered"]
    assert everywhere.reconcile() == ()
    assert everywhere.kinds() == ["MetadataFileRegistered"]


def test_reconcile_files__user_sso__is_registered_and_not_switched_on(folder: Folder) -> None:
    folder.put("company/user-sso.xml", document())
    folder.reconcile()
    with folder.store.reading() as session:
        settings = find_user_sso(session, ACCOUNT)
        assert settings is not None
        assert (settings.metadata_xml, settings.enabled) == (document(), False)
    folder.put("company/user-sso.xml", document(NEW))
    assert folder.reconcile() == ("company/user-sso.xml",)
    assert folder.states(user_sso_key(ACCOUNT)) == {OLD: ACTIVE, NEW: STAGED}


def test_reconcile_files__changed_file__is_staged_beside_the_old(everywhere: Folder) -> None:
    everywhere.put("company/corp.xml", document())
    everywhere.reconcile()
    everywhere.put("company/corp.xml", document(NEW))
    assert everywhere.reconcile() == ("company/corp.xml",)
    assert everywhere.states() == {OLD: ACTIVE, NEW: STAGED}
    assert everywhere.reconcile() == ()
    assert everywhere.kinds() == ["MetadataStaged", "MetadataFileRegistered"]


def test_reconcile_files__provider_registered_by_hand__is_taken_over_by_staging(folder: Folder) -> None:
    with folder.store.transaction() as session:
        create_saml_provider(session, ACCOUNT, "corp", document(), now=NOON)
    folder.put("company/corp.xml", document(NEW))
    folder.reconcile()
    assert folder.states() == {OLD: ACTIVE, NEW: STAGED}


def test_reconcile_files__file_goes_away__the_provider_stays_and_is_marked(folder: Folder) -> None:
    path = folder.put("company/corp.xml", document())
    folder.reconcile()
    path.unlink()
    folder.clock.advance(60)
    folder.reconcile()
    assert folder.source().gone_since == folder.clock.now()
    assert folder.states() == {OLD: ACTIVE}
    folder.put("company/corp.xml", document())
    folder.reconcile()
    assert folder.source().gone_since is None


def test_reconcile_files__url_and_anchor_beside_it__are_the_source(folder: Folder) -> None:
    folder.put("company/corp.xml", document())
    folder.put("company/anchor.pem", signing_key("federation").certificate_pem)
    folder.put("company/corp.toml", 'url = "https://idp.example.com/metadata"\nanchor = "anchor.pem"\n')
    folder.reconcile()
    source = folder.source()
    assert (source.kind, source.url, source.next_refresh_at) == ("url", "https://idp.example.com/metadata", NOON)
    assert [each.fingerprint for each in source.anchors] == [signing_key("federation").trusted.fingerprint]
    (folder.root / "company" / "corp.toml").unlink()
    folder.reconcile()
    assert (folder.source().kind, folder.source().url) == ("dropped", "")


BROKEN = {
    "malformed": (b"<x/>", "", Reason.METADATA_MALFORMED),
    "expired": (document(NEW, days=-1), "", Reason.METADATA_EXPIRED),
    "huge": (b" " * (1024 * 1024 + 1), "", Reason.PARAMETER_INVALID),
    "no toml": (document(NEW), "url = ", Reason.PARAMETER_INVALID),
    "unknown key": (document(NEW), 'ulr = "https://idp.example.com/"', Reason.PARAMETER_INVALID),
    "wrong type": (document(NEW), 'trust_tls = "no"', Reason.PARAMETER_INVALID),
    "bad url": (document(NEW), 'url = "file:///etc/passwd"', Reason.PARAMETER_INVALID),
    "anchor elsewhere": (document(NEW), 'url = "https://x/"\nanchor = "../anchor.pem"', Reason.PARAMETER_INVALID),
    "anchor missing": (document(NEW), 'url = "https://x/"\nanchor = "anchor.pem"', Reason.PARAMETER_INVALID),
}


@pytest.mark.parametrize(("xml", "toml", "reason"), BROKEN.values(), ids=BROKEN)
def test_reconcile_files__broken_file__is_reported_and_changes_nothing(
    folder: Folder, caplog: pytest.LogCaptureFixture, xml: bytes, toml: str, reason: Reason
) -> None:
    folder.put("company/corp.xml", document())
    folder.put("company/other.xml", document(NEW, entity_id="https://other.example.com/idp"))
    folder.reconcile()
    folder.put("company/corp.xml", xml)
    folder.put("company/corp.toml", toml)
    with caplog.at_level(logging.WARNING, "ramgate"):
        for _ in range(3):
            folder.reconcile()
    assert folder.states() == {OLD: ACTIVE}
    source = folder.source()
    assert (source.outcome, source.gone_since) == (reason, None)
    assert "company/corp.xml" in source.outcome_text
    assert len([record for record in caplog.records if "corp.xml" in record.getMessage()]) == 1, "once an hour"
    assert folder.source(folder.key("other")).outcome == "", "one broken file spoils no other"
    folder.put("company/corp.xml", document(NEW))
    (folder.root / "company" / "corp.toml").unlink()
    folder.reconcile()
    assert (folder.states(), folder.source().outcome) == ({OLD: ACTIVE, NEW: STAGED}, "")


def test_reconcile_files__links_pipes_and_folders__are_not_followed(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "corp.xml").write_bytes(document())
    (folder.root / "linked").symlink_to(outside)
    home = folder.root / "company"
    home.mkdir()
    (home / "link.xml").symlink_to(outside / "corp.xml")
    (home / "folder.xml").mkdir()
    os.mkfifo(home / "pipe.xml")
    folder.put("company/anchored.xml", document())
    (home / "anchored.toml").symlink_to(outside / "corp.xml")
    (home / ".hidden.xml").write_bytes(document())
    assert folder.reconcile() == ()
    assert folder.kinds() == []


@pytest.mark.parametrize(
    "label",
    ["nobody/corp.xml", "company/-corp.xml", "company/a b.xml", f"company/{'p' * 129}.xml", "company/ünï.xml"],
)
def test_reconcile_files__names_that_are_none__register_nothing(folder: Folder, label: str) -> None:
    folder.put(label, document())
    assert folder.reconcile() == ()
    assert folder.kinds() == []


def test_reconcile_files__name_that_is_no_text__registers_nothing(folder: Folder) -> None:
    (folder.root / "company").mkdir()
    (Path(os.fsdecode(os.fsencode(folder.root / "company") + b"/\xff\xfe.xml"))).write_bytes(document())
    assert folder.reconcile() == ()


def test_reconcile_files__no_folder__nothing_happens(folder: Folder) -> None:
    folder.root = folder.root / "missing"
    assert folder.reconcile() == ()


def test_broken_files__of_the_account__are_told_until_they_are_right(folder: Folder) -> None:
    def told() -> list[str]:
        with folder.store.reading() as session:
            account = get_account(session, ACCOUNT)
            return broken_files(session, folder.root, account, SUFFIX, folder.clock.now())

    folder.put("nobody/corp.xml", b"<x/>")
    folder.put("company/good.xml", document())
    assert told() == []
    folder.put("company/corp.xml", b"<x/>")
    (sentence,) = told()
    assert "company/corp.xml" in sentence
    assert "EntityDescriptor" in sentence
    folder.put("company/corp.xml", document(NEW))
    assert told() == []
