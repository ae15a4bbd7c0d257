"""Stacks of threads as text, and which of their functions is to blame."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, FrameType

__all__ = ["Blame", "OwnCode", "codes_of", "fold", "label_of"]

_DEEPEST = 80
_HERE = Path(__file__).resolve().parent
_PACKAGE = _HERE.parents[1]
_STARTS = ("/threading.py", "/concurrent/futures/thread.py", "/contextlib.py", "<frozen runpy>")
_LIBRARIES = (sys.prefix, sys.base_prefix)


class Blame(NamedTuple):
    """The function that something is put down to: its name, file and line, and whose it is."""

    function: str
    file: str
    line: int
    service: str

    def __str__(self) -> str:
        where = f"{self.function} ({self.file}:{self.line})"
        return f"{where}, of {self.service}" if self.service else where


class OwnCode:
    """Tells the program's own code from that of libraries, and which service owns it.

    `root` is the folder of the program's package; `owners` gives the service by the beginning of
    a path below it, the longest counts. Code of these very profilers is nobody's.
    """

    def __init__(self, root: Path | None = None, owners: dict[str, str] | None = None) -> None:
        self._root = str(root or _PACKAGE) + "/"
        self._owners = sorted((owners or {}).items(), key=lambda each: -len(each[0]))

    def is_own(self, file: str) -> bool:
        """Whether a file is the program's: below its package, or in no library at all.

        >>> OwnCode().is_own(__file__), OwnCode().is_own(sys.prefix + "/lib/json/decoder.py")
        (False, False)
        """
        if file.startswith(str(_HERE)):
            return False
        if file.startswith(self._root):
            return True
        return file.startswith("/") and not file.startswith(_LIBRARIES)

    def service(self, file: str) -> str:
        """The service that owns a file; "" where none does."""
        if not file.startswith(self._root):
            return ""
        inside = file.removeprefix(self._root)
        return next((name for start, name in self._owners if inside.startswith(start)), "")

    def short(self, file: str) -> str:
        """A file's path as it may be shown: from the package on, or the library's own."""
        if file.startswith(self._root):
            return file.removeprefix(str(Path(self._root).parent) + "/")
        for mark in ("/site-packages/", "/python3."):
            _, found, rest = file.rpartition(mark)
            if found:
                return rest if mark == "/site-packages/" else rest.partition("/")[2]
        return Path(file).name

    def blame(self, codes: Sequence[tuple[CodeType, int]]) -> Blame | None:
        """The innermost function of the program's own, else the outermost there is.

        `codes` are code and line from the outermost to the innermost.
        """
        if not codes:
            return None
        own = next((each for each in reversed(codes) if self.is_own(each[0].co_filename)), None)
        if own is None:
            # How a thread or a task begins says nothing.
            own = next((each for each in codes if not _is_start(each[0])), codes[-1])
        code, line = own
        file = code.co_filename
        return Blame(code.co_qualname, self.short(file), line, self.service(file))


def _is_start(code: CodeType) -> bool:
    return code.co_filename.endswith(_STARTS) or "/asyncio/" in code.co_filename


def codes_of(frame: FrameType | None) -> list[tuple[CodeType, int]]:
    """Code and line of a stack from the outermost to the innermost, 80 at most (the innermost)."""
    found: list[tuple[CodeType, int]] = []
    while frame is not None and len(found) < _DEEPEST:
        found.append((frame.f_code, frame.f_lineno or frame.f_code.co_firstlineno))
        frame = frame.f_back
    found.reverse()
    return found


def label_of(code: CodeType) -> str:
    """A function's name with its module's, as it stands in a folded stack.

    >>> label_of(codes_of.__code__)
    'frames.codes_of'
    """
    return f"{Path(code.co_filename).stem}.{code.co_qualname}".replace(";", ":")


def fold(codes: Sequence[tuple[CodeType, int]]) -> str:
    """A stack in one line, outermost first, as flame graphs take it."""
    return ";".join(label_of(code) for code, _ in codes)
