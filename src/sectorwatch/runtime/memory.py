"""What the program has let go of, given back to the machine."""

from __future__ import annotations

import ctypes
import os

__all__ = ["give_back_memory", "keep_little_memory"]

_MB = 1 << 20
# Name in the environment, number for `mallopt` (glibc's malloc.h), value.
_LIMITS = (
    ("MALLOC_ARENA_MAX", -8, 2),
    ("MALLOC_MMAP_THRESHOLD_", -3, 4 * _MB),
    ("MALLOC_TRIM_THRESHOLD_", -1, 8 * _MB),
)


def keep_little_memory() -> bool:
    """Have little kept of what is freed, in the whole process; whether the C library does.

    For the start of a program: before there are other threads, and before Arrow is loaded. Left
    alone, glibc takes a heap for each thread, and once a zstd window of 16 MB was freed it puts
    whatever is smaller into them, between pieces that stay; and Arrow has an allocator of its own
    beside it. Here there are two heaps for all, and pieces of 4 MB and more go back at once. What
    the environment says of any of it (`MALLOC_ARENA_MAX`, ...) is left as it is. Where the C
    library is not glibc nothing is changed, and False is given. docs/decisions/memory.md has the
    figures.
    """
    if not _is_glibc():
        return False
    # Not `pyarrow.set_memory_pool`: what Arrow does by itself would still take from its own.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    mallopt = ctypes.CDLL(None).mallopt
    wanted = [(number, value) for name, number, value in _LIMITS if name not in os.environ]
    # Each of them, whatever becomes of the one before.
    done = [bool(mallopt(number, value)) for number, value in wanted]
    return all(done)


def give_back_memory() -> bool:
    """Give the machine what was freed and is only kept in case; whether any was.

    The C library keeps what is freed between pieces that are in use. An hour that is sealed passes
    through memory once, some 50 MB of it, and would stay part of the process until the next one.
    Where the C library is not glibc there is no such call, and False is given.
    """
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError):
        return False


def _is_glibc() -> bool:
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (AttributeError, OSError, ValueError):
        return False
