from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys

import psutil
import pytest

from sectorwatch.runtime import memory
from sectorwatch.runtime.memory import give_back_memory, keep_little_memory

on_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="the C library is not glibc"
)
# A piece of 20 MB, as a zstd window is, comes and goes; then ten of 6 MB come between small ones
# that stay, and go.
_COME_AND_GO = """
import ctypes, sys
import runpy
import psutil

assert "keep" in sys.argv or runpy.run_path(sys.argv[1])["keep_little_memory"]()
c = ctypes.CDLL(None)
c.malloc.restype, c.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
c.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]

def taken(size):
    piece = c.malloc(size)
    c.memset(piece, 1, size)
    return piece

c.free(taken(20 << 20))
before = psutil.Process().memory_info().rss
pieces = [(taken(6 << 20), taken(300_000)) for _ in range(10)]
for large, small in pieces:
    c.free(large)
print(psutil.Process().memory_info().rss - before)
"""
_ARROWS = """
import runpy, sys

assert runpy.run_path(sys.argv[1])["keep_little_memory"]()
import pyarrow
print(pyarrow.default_memory_pool().backend_name)
"""


def _left_of_60_mb(*words: str, **environment: str) -> int:
    """Bytes that a process of its own is larger by when large pieces came and went."""
    return int(_said(_COME_AND_GO, *words, **environment))


def _said(script: str, *words: str, **environment: str) -> str:
    """What a process of its own says, of whose memory the environment says only this."""
    of_memory = ("MALLOC_", "ARROW_")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(of_memory)}
    # The module by its file: of the rest of the program these processes need nothing.
    command = [sys.executable, "-c", script, memory.__file__, *words]
    return subprocess.check_output(command, env={**ours, **environment}, text=True).strip()


@on_glibc
def test_large_pieces_go_back_at_once() -> None:
    """Left alone, the C library keeps them once a larger one was freed; told to, it keeps none."""
    assert _left_of_60_mb() < 10_000_000
    assert _left_of_60_mb("keep") > 50_000_000


@on_glibc
def test_arrow_takes_its_memory_from_the_c_library() -> None:
    """Its own allocator would keep some more."""
    assert _said(_ARROWS) == "system"


@on_glibc
def test_what_the_environment_says_of_memory_holds() -> None:
    """Whoever sets a limit for the process knows why."""
    assert _left_of_60_mb(MALLOC_MMAP_THRESHOLD_=str(32 << 20)) > 50_000_000
    assert _said(_ARROWS, ARROW_DEFAULT_MEMORY_POOL="mimalloc") == "mimalloc"


@pytest.mark.parametrize("answer", [ValueError("unrecognized"), None])
def test_of_another_c_library_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, answer: Exception | None
) -> None:
    """The limits have their numbers from glibc; elsewhere they may mean anything."""

    def confstr(_: str) -> None:
        if answer is not None:
            raise answer

    monkeypatch.setattr(os, "confstr", confstr)
    assert not keep_little_memory()


@on_glibc
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
