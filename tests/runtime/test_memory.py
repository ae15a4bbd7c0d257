from __future__ import annotations

import ctypes
import platform

import psutil
import pytest

from sectorwatch.runtime.memory import give_back_memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_what_was_freed_between_pieces_in_use_is_given_back() -> None:
    """Of 60 MB in small pieces every one but the last is freed: the process shrinks when asked to."""
    c = ctypes.CDLL(None)
    c.malloc.restype = ctypes.c_void_p
    pieces = [ctypes.c_void_p(c.malloc(3_000)) for _ in range(20_000)]
    for piece in pieces:
        ctypes.memset(piece, 1, 3_000)
    for piece in pieces[:-1]:
        c.free(piece)
    before = psutil.Process().memory_info().rss
    assert give_back_memory()
    assert psutil.Process().memory_info().rss < before - 30_000_000
    c.free(pieces[-1])


def test_another_c_library_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no such call nothing happens."""
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not give_back_memory()
