"""The end of the log's files, so that a search finds what was written before a restart.

The files hold every line already: reading their end once at the start costs some milliseconds,
keeping lines in a database as well would cost a write for each of them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["read_tail"]

_BEGIN = b'{"timestamp":"'


def read_tail(path: Path, *, keep: int, max_bytes: int) -> Iterator[bytes]:
    """The lines at the end of `path` and its `keep` older files, newest first, so many bytes.

    What is no line of ours (torn by a crash, or another's) is left out, and so is a file that
    cannot be read.
    """
    left = max_bytes
    for file in (path, *(path.with_name(f"{path.name}.{n}") for n in range(1, keep + 1))):
        if left <= 0:
            return
        data = b""
        with suppress(OSError), file.open("rb") as opened:
            size = opened.seek(0, 2)
            opened.seek(max(0, size - left))
            data = opened.read(left)
            if size > left:
                data = data.partition(b"\n")[2]
        left -= len(data)
        for line in reversed(data.splitlines(keepends=True)):
            if line.startswith(_BEGIN) and line.endswith(b"}\n"):
                yield line
