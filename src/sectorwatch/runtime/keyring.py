"""Who holds a key: those kept in the store, and the one in the settings."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from sectorwatch.store.files import disk_errors, write_durably

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr

    from sectorwatch.runtime.slots import StoreSlot

__all__ = ["KeyRing"]

_OPERATOR = frozenset({"operator"})


class KeyRing:
    """Looks keys up; every method may be called from any thread."""

    def __init__(self, stores: StoreSlot, operator_key: SecretStr | None) -> None:
        self._stores = stores
        self._own = None if operator_key is None else operator_key.get_secret_value().encode()

    def verify(self, key: str) -> frozenset[str] | None:
        """Scopes of a key, None where no such key is valid.

        Raises DatabaseAwayError where it is none of the settings and the store does not answer.
        """
        if self._own is not None and hmac.compare_digest(key.encode(), self._own):
            return _OPERATOR
        return self._stores.ask().keys.verify(key)

    def any_added(self) -> bool:
        """Whether somebody gave this instance a key; the one that it made itself is not meant."""
        return self._own is not None or self._stores.ask().keys.any_added()

    def make_first(self, path: Path) -> bool:
        """At the first start write an operator's key to `path`, for its owner alone to read.

        False where one was ever made: who removed the file, or revoked the key, meant it.
        """
        keys = self._stores.ask().keys
        if any(key.origin == "first_start" for key in keys.list()):
            return False

        def hand_over(text: str) -> None:
            with disk_errors(f"writing the operator's key to {path}"):
                write_durably(path, f"{text}\n".encode())

        # Written before it counts: a start that is killed in between, or finds the disk full,
        # leaves a file with a key that opens nothing, and the next one writes another.
        keys.add("first start", {"operator"}, origin="first_start", hand_over=hand_over)
        return True
