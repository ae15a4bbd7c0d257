"""Who holds a key: those kept in the store, and the one in the settings."""

from __future__ import annotations

import hmac
import re
import threading
import time
from typing import TYPE_CHECKING

from sectorwatch.observe import LogCategory, LogLevel, Telemetry
from sectorwatch.store.files import disk_errors, write_durably

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr

    from sectorwatch.runtime.slots import StoreSlot

__all__ = ["KeyRing"]

_OPERATOR = frozenset({"operator"})
# What of a key may be told: by it the key is found in `sectorwatch keys list`.
_PUBLIC_PART = re.compile(r"sw_[0-9a-f]{12}(?=_)", re.ASCII)
_TOLD_EVERY_S = 3_600.0
_REFUSALS_EVERY_S = 10.0


class KeyRing:
    """Looks keys up; every method may be called from any thread."""

    def __init__(
        self,
        stores: StoreSlot,
        operator_key: SecretStr | None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._stores = stores
        self._log = (telemetry or Telemetry.null()).for_service("api").log
        self.accepted = 0
        """How often a key was shown that is valid."""
        self.refused = 0
        """How often one was that is not."""
        self._lock = threading.Lock()
        self._told_of: dict[str, float] = {}
        self._refusal_told_s = float("-inf")
        self._untold = 0
        self._own = None if operator_key is None else operator_key.get_secret_value().encode()

    def verify(self, key: str) -> frozenset[str] | None:
        """Scopes of a key, None where no such key is valid.

        Raises DatabaseAwayError where it is none of the settings and the store does not answer.
        """
        if self._own is not None and hmac.compare_digest(key.encode(), self._own):
            scopes: frozenset[str] | None = _OPERATOR
            self._accepted("operator_key of the settings")
        else:
            scopes = self._stores.ask().keys.verify(key)
            public = _PUBLIC_PART.match(key)
            name = "of another form" if public is None else public[0]
            if scopes is None:
                self._refused(name)
            else:
                self._accepted(name)
        return scopes

    def _accepted(self, name: str) -> None:
        """Count a key that was shown, and tell of each once an hour."""
        now_s = time.monotonic()
        with self._lock:
            self.accepted += 1
            is_new = now_s - self._told_of.get(name, float("-inf")) >= _TOLD_EVERY_S
            if is_new:
                self._told_of[name] = now_s
        if is_new:
            self._log.log_operation("use_key", category=LogCategory.SECURITY, key_id=name)

    def _refused(self, name: str) -> None:
        """Count one that opens nothing; who tries keys by the thousand writes few lines."""
        now_s = time.monotonic()
        with self._lock:
            self.refused += 1
            self._untold += 1
            if now_s - self._refusal_told_s < _REFUSALS_EVERY_S:
                return
            self._refusal_told_s = now_s
            times, self._untold = self._untold, 0
        self._log.log_operation(
            "refuse_key", LogLevel.WARNING, LogCategory.SECURITY, key_id=name, times=times
        )

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
