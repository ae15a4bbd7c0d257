"""The pilots of the last feed, known again by their bytes: of most, only what moves is read.

Where head and tail of a record are, byte for byte, those of the last feed, what they say has been
read and masked already; only the middles are read, all at once. What is new, and all that is no
pilot, goes the usual way as a smaller document. Where anything is unlike what is known here, the
whole feed goes the usual way: what comes out is the same, only later.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.cutting import cut, new_records, spliced
from sectorwatch.feed.fields import read_fields
from sectorwatch.feed.mask import Masked
from sectorwatch.feed.standing import NO_HEAD, Known, learn, moved_up, stranger
from sectorwatch.feed.wire import read_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sectorwatch.feed.cutting import Cut
    from sectorwatch.feed.fields import PilotFields
    from sectorwatch.feed.mask import Masker
    from sectorwatch.feed.records import Pilot
    from sectorwatch.feed.standing import Row, Runs
    from sectorwatch.feed.wire import Wire, WirePilot

__all__ = ["Attended", "Before", "Regulars"]

_MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class Before:
    """What moves seldom, as it was in the feed before, row by row; None where a row is new."""

    pilots: Sequence[Pilot | None]
    transponder: Sequence[str | None]
    qnh_i_hg: Sequence[float | None]
    qnh_mb: Sequence[float | None]

    def moved_up(self, runs: Runs, new: int) -> Before:
        """The same in the rows of the next feed."""
        nothing = [None] * new
        return Before(
            moved_up(self.pilots, nothing, runs),
            moved_up(self.transponder, nothing, runs),
            moved_up(self.qnh_i_hg, nothing, runs),
            moved_up(self.qnh_mb, nothing, runs),
        )


@dataclass(frozen=True, slots=True)
class Attended:
    """A feed whose pilots were known again: their fields turned, and what was so before.

    `wire` is the rest of the feed; of its pilots it has only those that are new, whose rows are
    `new`; of the others `before` says what was so, None where nobody knows. `times_s` are the
    positions' times, None where they have to be read one by one. `planless` of those that are
    not new have no plan. `keep` takes the pilots that were made of all rows, for the next feed.
    """

    wire: Wire
    fields: PilotFields
    new: Sequence[int]
    before: Before | None
    times_s: NDArray[np.int64] | None
    planless: int
    keep: Callable[[Sequence[Pilot]], None]


class Regulars:
    """Remembers the pilots of the last feed that was read; not to be shared between threads."""

    def __init__(self) -> None:
        self._known = Known.of([])
        self._before: Before | None = None
        self._row_of: dict[bytes, int] = {}
        # Words in anybody's remarks: those of who has left stay until all is forgotten.
        self._words: set[str] = set()
        self._masks = True

    def forget(self) -> None:
        """Know nobody: the next feed is read whole."""
        self._known, self._before = Known.of([]), None
        self._row_of, self._words = {}, set()

    def read(self, document: bytes, masker: Masker | None) -> tuple[Masked, Attended] | None:
        """`document` masked, and its pilots; None where it has to go the usual way.

        Without `masker` it is masked already; with one, another feed begins for it.
        """
        if masker is not None and masker.begin():
            self.forget()
        if self._masks != (masker is not None):
            # What stands for itself in one may not stand for itself in the other.
            self._masks = masker is not None
            self.forget()
        for _ in range(_MOST_TRIES):
            found = cut(document, self._known, self._row_of)
            if found is None:
                break
            try:
                masked = (
                    Masked(found.reduced, b"") if masker is None else masker.masked(found.reduced)
                )
            except FeedRefusedError:
                # The whole says better what is wrong with it, and where.
                break
            if masker is not None and self._let_go(masker.news()):
                # Somebody is named in remarks that were read before anybody knew the name.
                continue
            read = self._joined(document, found, masked)
            if read is None:
                break
            return read
        self.forget()
        return None

    def _let_go(self, phrases: Iterable[tuple[str, ...]]) -> bool:
        """Forget those whose remarks have all words of any of `phrases`; whether there are any."""
        firsts: dict[str, list[tuple[str, ...]]] = {}
        for phrase in phrases:
            if not phrase:
                # A sign that parts no words may stand anywhere.
                was_known = bool(self._row_of)
                self.forget()
                return was_known
            if phrase[0] in self._words:
                firsts.setdefault(phrase[0], []).append(phrase)
        if not firsts:
            return False
        wanted = set(firsts)
        named = [
            row
            for row, said in enumerate(self._known.words)
            if not said.isdisjoint(wanted)
            and any(said.issuperset(phrase) for first in said & wanted for phrase in firsts[first])
        ]
        for row in named:
            self._row_of.pop(self._known.head[row], None)
            self._known.head[row] = NO_HEAD
            self._known.words[row] = frozenset()
        return bool(named)

    def _joined(
        self, document: bytes, found: Cut, masked: Masked
    ) -> tuple[Masked, Attended] | None:
        """The new records made known, and all put together again."""
        # What had to be masked record by record has records that are left out.
        wire = masked.wire if self._masks else read_wire(masked.document)
        if wire is None or len(wire.pilots) != len(found.new):
            return None
        records = new_records(masked.document, found.begin, len(found.new))
        if records is None:
            return None
        odd: dict[int, WirePilot] = {}
        learned: list[Row] = []
        starts = zip(found.new, found.starts, strict=True)
        for (row, start), record, read in zip(starts, records, wire.pilots, strict=True):
            lesson = learn(document, start, record, remarks=self._masks)
            if lesson is None:
                odd[row] = read
                found.times[row] = (read.last_updated or "").encode()
                learned.append(stranger(read, record))
            else:
                known_row, found.middles[row], found.times[row] = lesson
                learned.append(known_row)
                self._words |= known_row.words
        known = self._known.moved_up(found.runs, learned)
        turned = read_fields(known, found.middles, found.times, odd)
        if turned is None:
            return None
        whole = document
        if self._masks:
            rest = masked.document[found.begin + len(b",".join(records)) :]
            whole = spliced(document[: found.begin], known, found, list(odd), rest)
        before = self._before and self._before.moved_up(found.runs, len(learned))
        if learned or len(known.head) != len(self._known.head):
            self._row_of = dict(zip(known.head, range(len(known.head)), strict=True))
            self._row_of.pop(NO_HEAD, None)
        # Until pilots are made of these, nobody knows what they were.
        self._known, self._before = known, None
        attended = Attended(
            wire=wire,
            fields=turned[0],
            new=found.new,
            before=before,
            times_s=turned[1],
            planless=known.has_plan.count(False) - sum(not row.has_plan for row in learned),
            keep=partial(self._keep, turned[0]),
        )
        # The header stands before what was cut out, as it came: there are no members in it.
        return Masked(whole, bytes(wire.general)), attended

    def _keep(self, fields: PilotFields, pilots: Sequence[Pilot]) -> None:
        """Hand these pilots out again, who were made of `fields`."""
        self._before = Before(pilots, fields.transponder, fields.qnh_i_hg, fields.qnh_mb)
