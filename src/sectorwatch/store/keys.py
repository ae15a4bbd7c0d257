"""API keys: made here, shown once, kept as hashes.

A key is `sw_<id>_<secret>`. The secret has 256 random bits, so that a plain SHA-256 of it tells
nobody anything; the id finds the row, and the hash is compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import select, update

from sectorwatch.errors import StoreError
from sectorwatch.store.rows import clean
from sectorwatch.store.schema import api_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy import Row

    from sectorwatch.clock import Clock
    from sectorwatch.store.database import Database

__all__ = ["SCOPES", "Key", "Keys"]

SCOPES = frozenset({"public", "staff", "operator", "alerts"})
Origin = Literal["added", "first_start"]
_FORM = re.compile(r"sw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_LONGEST_NAME = 80
_NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; of the key itself nothing can be told from it.

    `origin` is `first_start` for the one that the first start made by itself.
    """

    key_id: str
    name: str
    scopes: frozenset[str]
    origin: Origin
    created_at_us: int
    revoked_at_us: int | None


class Keys:
    """The keys of an installation."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        name: str,
        scopes: Collection[str],
        *,
        origin: Origin = "added",
        hand_over: Callable[[str], None] | None = None,
    ) -> tuple[Key, str]:
        """Makes a key called `name`; gives what is kept of it, and the key, which is not.

        `hand_over` is given the key before it counts: where that raises, there is none.
        Raises StoreError where a scope is unknown or none is given, or the name is empty or long.
        """
        unknown = sorted(set(scopes) - SCOPES)
        if unknown or not scopes:
            what = f"scope {unknown[0][:40]!r} is unknown" if unknown else "no scope is given"
            raise StoreError(f"{what}: choose of {', '.join(sorted(SCOPES))}")
        name = clean(name).strip()
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            raise StoreError(
                f"{name[:90]!r} is no name for a key: give 1 to {_LONGEST_NAME} printable letters"
            )
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        text = f"sw_{key_id}_{secret}"
        key = Key(key_id, name, frozenset(scopes), origin, self._clock.now_us(), None)
        with self._database.write("adding a key") as connection:
            connection.execute(
                api_key.insert().values(
                    key_id=key_id,
                    name=name,
                    scopes=" ".join(sorted(scopes)),
                    secret_hash=_hash(secret),
                    origin=origin,
                    created_at_us=key.created_at_us,
                    revoked_at_us=None,
                )
            )
            if hand_over is not None:
                hand_over(text)
        return key, text

    def list(self) -> list[Key]:
        """Every key ever made, oldest first, those revoked included."""
        with self._database.read("listing keys") as connection:
            rows = connection.execute(
                select(api_key).order_by(api_key.c.created_at_us, api_key.c.key_id)
            ).all()
        return [_key_of(row) for row in rows]

    def revoke(self, key_id: str) -> bool:
        """Ends a key at once; False where there is none of this id, or it was ended before."""
        with self._database.write("revoking a key") as connection:
            done = connection.execute(
                update(api_key)
                .where(api_key.c.key_id == key_id, api_key.c.revoked_at_us.is_(None))
                .values(revoked_at_us=self._clock.now_us())
            )
        return done.rowcount == 1

    def verify(self, key: str) -> frozenset[str] | None:
        """The scopes of a valid key, None for any other text."""
        form = _FORM.fullmatch(key)
        if form is None:
            return None
        with self._database.read("looking up a key") as connection:
            row = connection.execute(
                select(api_key).where(
                    api_key.c.key_id == form[1], api_key.c.revoked_at_us.is_(None)
                )
            ).one_or_none()
        # Compared even where there is nothing to compare with: the time taken tells nothing.
        expected = _NO_HASH if row is None else row.secret_hash
        same = hmac.compare_digest(_hash(form[2]), expected)
        return frozenset(row.scopes.split()) if same and row is not None else None

    def any_added(self) -> bool:
        """Whether somebody added a key that is valid; the first start's own does not count."""
        return any(key.origin == "added" and key.revoked_at_us is None for key in self.list())


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _key_of(row: Row[Any]) -> Key:
    return Key(
        key_id=row.key_id,
        name=row.name,
        scopes=frozenset(row.scopes.split()),
        origin=row.origin,
        created_at_us=row.created_at_us,
        revoked_at_us=row.revoked_at_us,
    )
