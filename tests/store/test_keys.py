from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from made_ticks import START_S
from sectorwatch.errors import StoreError
from store.dump import dump

if TYPE_CHECKING:
    from made_ticks import SetClock
    from sectorwatch.store import Store


def test_key_opens_what_it_was_made_for(store: Store) -> None:
    """A key gives its scopes, and nothing else that looks like one does."""
    kept, key = store.keys.add("tower display", {"staff", "public"})
    assert re.fullmatch(r"sw_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", key)
    assert store.keys.verify(key) == frozenset({"staff", "public"})
    other = store.keys.add("other", {"operator"})[1]
    mixed = key[:16] + other[16:]
    for wrong in ("", "sw_", key[:-1], key + "x", mixed, key.upper(), f"sw_{'0' * 12}_{'x' * 43}"):
        assert store.keys.verify(wrong) is None, wrong
    assert kept.name == "tower display"


def test_only_hashes_are_kept(store: Store) -> None:
    """Neither the tables nor the files of the database have the key in them."""
    key = store.keys.add("one", {"operator"})[1]
    secret = key.split("_", 2)[2]
    assert secret not in str(dump(store)["api_key"])
    for file in store.directory.path.glob("sectorwatch.db*"):
        assert secret.encode() not in file.read_bytes()


def test_revoked_key_is_refused_at_once(store: Store, clock: SetClock) -> None:
    """A key that was revoked opens nothing, stays in the list, and cannot be revoked again."""
    kept, key = store.keys.add("one", ["alerts"])
    clock.advance(60)
    assert store.keys.revoke(kept.key_id)
    assert store.keys.verify(key) is None
    assert not store.keys.revoke(kept.key_id)
    assert not store.keys.revoke("nothing")
    (listed,) = store.keys.list()
    assert listed.created_at_us == START_S * 1_000_000
    assert listed.revoked_at_us == (START_S + 60) * 1_000_000
    assert listed.scopes == {"alerts"}


def test_key_that_could_not_be_handed_over_is_none(store: Store) -> None:
    """Whoever was to get it did not: it opens nothing and stands in no list."""
    seen: list[str] = []

    def fails(key: str) -> None:
        seen.append(key)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        store.keys.add("first start", {"operator"}, origin="first_start", hand_over=fails)
    assert store.keys.verify(seen[0]) is None
    assert store.keys.list() == []
    _, key = store.keys.add("first start", {"operator"}, hand_over=seen.append)
    assert seen[1] == key
    assert store.keys.verify(key) == frozenset({"operator"})


def test_key_of_the_first_start_does_not_count(store: Store) -> None:
    """Whether somebody may be let in from outside is decided by keys that somebody added."""
    assert not store.keys.any_added()
    key = store.keys.add("first start", {"operator"}, origin="first_start")[1]
    assert store.keys.verify(key) == frozenset({"operator"})
    assert not store.keys.any_added()
    kept, _ = store.keys.add("mine", {"operator"})
    assert store.keys.any_added()
    store.keys.revoke(kept.key_id)
    assert not store.keys.any_added()


@pytest.mark.parametrize(
    ("name", "scopes", "message"),
    [
        ("x", ["root"], "scope 'root' is unknown: choose of alerts, operator, public, staff"),
        ("x", [], "no scope is given"),
        ("", ["staff"], "'' is no name"),
        ("a\nb", ["staff"], "is no name"),
        ("x" * 81, ["staff"], "give 1 to 80 printable"),
    ],
)
def test_nonsense_makes_no_key(store: Store, name: str, scopes: list[str], message: str) -> None:
    """What was wrong is named, with what can be given."""
    with pytest.raises(StoreError, match=re.escape(message)):
        store.keys.add(name, scopes)
    assert store.keys.list() == []
