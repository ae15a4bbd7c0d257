"""Hundreds of thousands of short texts in two arrays, for a tenth of what objects take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Texts", "TextsMade"]


class Texts:
    """Texts by number; `len` says how many there are.

    >>> Texts.of(["QFA12", "", "JST500"]).take(np.array([2, 0]))
    ['JST500', 'QFA12']
    """

    def __init__(self, whole: bytes, ends: NDArray[np.int64]) -> None:
        self._whole = whole
        self._ends = ends

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """These texts, in their order."""
        made = TextsMade()
        made.extend(texts)
        return made.done()

    def __len__(self) -> int:
        return int(self._ends.size)

    def __getitem__(self, row: int) -> str:
        return self.take(np.array([row]))[0]

    def take(self, rows: NDArray[np.integer]) -> list[str]:
        """The texts of `rows`, shape (n,); of a row below zero the empty one."""
        if not self._ends.size:
            return [""] * len(rows)
        ends = self._ends[rows]
        starts = np.where(rows > 0, self._ends[rows - 1], 0)
        ends = np.where(rows < 0, starts, ends)
        whole = self._whole
        return [
            whole[start:end].decode("utf-8", "surrogatepass")
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]

    def reordered(self, rows: NDArray[np.integer]) -> Texts:
        """The texts of `rows`, as a value of their own."""
        return Texts.of(self.take(rows))


class TextsMade:
    """Texts to which more may be added."""

    def __init__(self) -> None:
        self._whole = bytearray()
        self._ends: list[NDArray[np.int64]] = []

    def extend(self, texts: Iterable[str]) -> None:
        """More of them."""
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum([len(each) for each in encoded], dtype=np.int64)
        self._ends.append(ends + len(self._whole))
        self._whole += b"".join(encoded)

    def done(self) -> Texts:
        """All of them."""
        return Texts(bytes(self._whole), np.concatenate([np.empty(0, np.int64), *self._ends]))
