"""Draws of chance by hash: the same for the same seed and keys, whoever asks, whenever.

A running generator gives what it gives by how often it was asked before; a network begun later
would then differ from one begun earlier. A hash of (seed, what is drawn, for whom) does not.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

__all__ = ["bits", "choose", "draw", "key_of", "lot", "pick"]

Floats = NDArray[np.float64]

# Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (OOPSLA 2014), SplitMix64.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = (np.uint64(bits) for bits in (30, 27, 31, 11))
_UNIT = 2.0**-53
_WORD = 2**64


@lru_cache(maxsize=4096)
def key_of(text: str) -> int:
    """A 63-bit number made of a text, for use as a key.

    >>> key_of("YSSY_APP") == key_of("YSSY_APP") != key_of("YSSY_CTR")
    True
    """
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def draw(seed: int, what: str, *keys: ArrayLike) -> Floats:
    """Numbers evenly spread over 0 <= u < 1, one for each set of whole-number `keys`.

    Keys are broadcast; the shape is theirs. What is drawn for one `what` says nothing of another.

    >>> draw(1, "lot", [4, 5]).shape, float(draw(1, "lot", 4)[()] == draw(1, "lot", [4, 5])[0])
    ((2,), 1.0)
    """
    return (bits(seed, what, *keys) >> _S11).astype(np.float64) * _UNIT


def bits(seed: int, what: str, *keys: ArrayLike) -> NDArray[np.uint64]:
    """64 bits of chance for each set of `keys`; `draw` is made of the first 53."""
    state = np.asarray(_begun(seed, what), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            state = _mixed((state ^ np.asarray(key).astype(np.int64).view(np.uint64)) + _STEP)
    return state


def lot(seed: int, what: str, *keys: int) -> float:
    """The same number as `draw` gives, for one set of keys: quicker where there is only one.

    >>> lot(7, "lot", 4, -5) == float(draw(7, "lot", 4, -5))
    True
    """
    state = _begun(seed, what)
    for key in keys:
        state = _mixed_one(((state ^ (key % _WORD)) + 0x9E3779B97F4A7C15) % _WORD)
    return (state >> 11) * _UNIT


def pick(u: float, shares: Sequence[float]) -> int:
    """The same as `choose`, for one u."""
    left = u * sum(shares)
    for index, share in enumerate(shares):
        left -= share
        if left < 0:
            return index
    return len(shares) - 1


def choose(u: Floats, shares: ArrayLike) -> NDArray[np.intp]:
    """Which of the `shares`, which need not sum to 1, each u in 0..1 falls into."""
    edges = np.cumsum(np.asarray(shares, dtype=np.float64))
    return np.searchsorted(edges[:-1] / edges[-1], u, side="right")


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> _S30)) * _MIX_1
    state = (state ^ (state >> _S27)) * _MIX_2
    mixed: NDArray[np.uint64] = state ^ (state >> _S31)
    return mixed


@lru_cache(maxsize=4096)
def _begun(seed: int, what: str) -> int:
    state = (seed * 0x2545F4914F6CDD1D + key_of(what)) % _WORD
    return _mixed_one((state + 0x9E3779B97F4A7C15) % _WORD)


def _mixed_one(state: int) -> int:
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % _WORD
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB % _WORD
    return state ^ (state >> 31)
