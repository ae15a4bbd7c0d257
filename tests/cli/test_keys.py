from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sectorwatch.cli.keys import Scope
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.keys import SCOPES

if TYPE_CHECKING:
    from pathlib import Path

    from cli.calling import Command


def test_the_scopes_offered_are_those_that_exist() -> None:
    """The command line names each scope of the store, and no other."""
    assert {scope.value for scope in Scope} == SCOPES


def test_a_key_is_printed_once_and_only_its_hash_is_kept(
    sectorwatch: Command, tmp_path: Path
) -> None:
    """Standard output is the key and nothing else; no file of the directory has it."""
    made = sectorwatch("keys", "add", "Ops desk", "--scope", "operator", "--scope", "public")
    key = made.out.strip()
    assert made.code == 0
    assert made.out.startswith("sw_")
    assert "operator, public" in made.err
    secret = key.split("_", 2)[2].encode()
    assert not any(
        secret in path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()
    )
    [listed] = sectorwatch("keys", "list", "--json").json()
    assert listed["name"] == "Ops desk"
    assert listed["scopes"] == ["operator", "public"]
    assert listed["id"] == key.split("_")[1]
    assert listed["revoked_at"] is None
    assert "Ops desk" in sectorwatch("keys", "list").out


def test_a_key_opens_until_it_is_revoked(sectorwatch: Command, tmp_path: Path) -> None:
    """Revoked by its id, or by the key itself; a second time is an error."""
    made = sectorwatch("keys", "add", "a", "--scope", "staff", "--json").json()
    with DataDirectory.open(tmp_path / "data") as directory, Store.open(directory) as store:
        assert store.keys.verify(made["key"]) == frozenset({"staff"})
    assert sectorwatch("keys", "revoke", made["key"]).code == 0
    with DataDirectory.open(tmp_path / "data") as directory, Store.open(directory) as store:
        assert store.keys.verify(made["key"]) is None
    again = sectorwatch("keys", "revoke", made["id"])
    assert again.code == 1
    assert "already" in again.err
    unknown = sectorwatch("keys", "revoke", "nobody")
    assert unknown.code == 1
    assert "'nobody'" in unknown.err
    assert "revoked" in sectorwatch("keys", "list").out


def test_keys_are_made_beside_an_instance_that_runs(sectorwatch: Command, tmp_path: Path) -> None:
    """The lock is another's; its database is shared."""
    with DataDirectory.open(tmp_path / "data") as directory, Store.open(directory) as store:
        made = sectorwatch("keys", "add", "beside", "--scope", "public")
        assert made.code == 0
        assert store.keys.verify(made.out.strip()) == frozenset({"public"})
        assert store.keys.any_added()


def test_no_keys_is_said(sectorwatch: Command, tmp_path: Path) -> None:
    """An empty list says how to make one."""
    with DataDirectory.open(tmp_path / "data") as directory:
        Store.open(directory).close()
    listed = sectorwatch("keys", "list")
    assert (listed.code, listed.out) == (0, "")
    assert "keys add" in listed.err


@pytest.mark.parametrize("words", [("list",), ("revoke", "123")])
def test_asking_makes_no_directory(
    sectorwatch: Command, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Only adding a key makes a data directory where there is none."""
    result = sectorwatch("keys", *words, "--data-dir", tmp_path / "typo")
    assert result.code == 1
    assert "typo is no data directory" in result.err
    assert not (tmp_path / "typo").exists()


def test_a_name_that_is_none_is_refused(sectorwatch: Command) -> None:
    """A key's name is for people to read."""
    result = sectorwatch("keys", "add", " ", "--scope", "public")
    assert result.code == 1
    assert "no name for a key" in result.err


def test_a_database_that_is_away_is_said(
    sectorwatch: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys are in the database; the message names it, without its password."""
    DataDirectory.open(tmp_path / "data").close()
    monkeypatch.setenv("SECTORWATCH_DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/none")
    result = sectorwatch("keys", "list")
    assert result.code == 1
    assert "127.0.0.1:1" in result.err
    assert "secret" not in result.err
