"""What a data feed costs before anything is made of it: accepted and masked, then decoded.

On the steady documents of `_steady.py` (1,706 pilots, moved on 15 s at a time); beside it `msgspec`
decoding the same bytes into typed Structs. All sides take turns, document by document. Masking
reads the document typed too, to prove that nothing was missed, and hands that on: the decoding
that follows costs only the rest. "Decoding alone" is what a record read back from the journal
costs; "record by record" a document with one value of another type in it, "unusual" one with spaces.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import TYPE_CHECKING, Any

from _steady import steady_documents

from sectorwatch.clock import parse_us
from sectorwatch.feed.accept import accept
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind
from sectorwatch.feed.wire import read_wire

if TYPE_CHECKING:
    from collections.abc import Callable

TICKS = 61
WARM = 5
START_US = parse_us("2023-03-12T17:24:18.6737571Z")


def run() -> dict[str, Any]:
    """Time all sides; medians over the documents after a warm-up."""
    documents = steady_documents(TICKS)
    masker = Masker(b"k" * 32)
    laps: dict[str, list[float]] = {}

    def lap(name: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        done = work()
        laps.setdefault(name, []).append(time.perf_counter() - started)
        return done

    for document in documents:
        taken = lap("accepting and masking", lambda: accept(document, Kind.FEED, masker))  # noqa: B023 - called at once
        lap(
            "decoding after it",
            lambda: decode_feed(taken.document, taken.time_us, 0, wire=taken.wire),  # noqa: B023 - as above
        )
        lap("typed Structs", lambda: read_wire(document))  # noqa: B023 - as above
        lap("decoding alone", lambda: decode_feed(taken.document, taken.time_us, 0))  # noqa: B023 - as above
    for document in documents[:5]:
        odd = document.replace(b'"altitude":', b'"altitude":"",":":', 1)
        lap("one odd record", lambda: _both(odd, masker))  # noqa: B023 - as above
        spaced = json.dumps(json.loads(document)).encode()
        lap("unusual", lambda: _both(spaced, masker))  # noqa: B023 - as above
    medians = {name: statistics.median(each[WARM:] or each) * 1e3 for name, each in laps.items()}
    ratio = (medians["accepting and masking"] + medians["decoding after it"]) / medians[
        "typed Structs"
    ]
    return {
        "target": "1 (its share)",
        "what": "a feed of 1,706 pilots accepted, masked and decoded into columns",
        "against": "`msgspec` decoding the same bytes into typed Structs, plan kept raw",
        "reach": "no target of its own",
        "figures": {name: f"{value:.2f} ms" for name, value in medians.items()},
        "ratio": round(ratio, 2),
        "met": True,
    }


def _both(document: bytes, masker: Masker) -> None:
    taken = accept(document, Kind.FEED, masker)
    decode_feed(taken.document, taken.time_us, 0, wire=taken.wire)


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
