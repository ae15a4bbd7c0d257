"""What the program has let go of, given back to the machine."""

from __future__ import annotations

import ctypes

__all__ = ["give_back_memory"]


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
