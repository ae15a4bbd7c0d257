"""The key by which members' numbers are hashed: made once, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from sectorwatch.errors import DataDirectoryError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load_or_create_key"]

_SIZE = 32


def load_or_create_key(path: Path, public: bytes | None = None) -> bytes:
    """The masking key in the file at `path`, which is made where there is none; 32 bytes.

    Whoever loses it gets other hashes for the same members, so that their flights are not joined
    to those before. `public` is taken for a new one where nobody is real and runs have to agree.
    Raises DataDirectoryError where it cannot be read, written, or is no key.
    """
    try:
        if not path.exists():
            _create(path, public or secrets.token_bytes(_SIZE))
        text = path.read_text(encoding="ascii").strip()
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except (OSError, UnicodeDecodeError) as error:
        raise DataDirectoryError(
            f"the masking key {path} cannot be used: {error}; make its folder writable, or put the "
            "key back from a copy"
        ) from error
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _SIZE:
        raise DataDirectoryError(
            f"the masking key {path} is no key ({len(text)} characters; {2 * _SIZE} hexadecimal "
            "ones are expected): put it back from a copy, or remove it to begin anew with another"
        )
    return key


def _create(path: Path, key: bytes) -> None:
    """Puts a new key at `path`, whole or not at all, and on the disk; another's is left alone."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink()
