"""Write the recording that `sectorwatch demo` plays: the made network, masked, as a journal.

The same generator and seed give the same records; the bytes around them depend on zstd's version.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from made_network import START, made_network

from sectorwatch.feed.accept import accept
from sectorwatch.feed.journal import Journal
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind
from sectorwatch.recordings import AUSTRALIA, MASKING_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 1
DURATION_S = 7_200


class _FixedClock:
    """Stands at the recording's beginning, so that file headers are the same each time."""

    def now_us(self) -> int:
        """Give the recording's beginning."""
        return round(START.timestamp()) * 1_000_000

    def monotonic_s(self) -> float:
        """Give no time at all."""
        return 0.0


def records(
    *, seed: int = SEED, duration_s: int = DURATION_S
) -> Iterator[tuple[Kind, int, int, bytes]]:
    """Yield kind, time received and time of the snapshot (microseconds), and payload, masked."""
    masker = Masker(MASKING_KEY)
    for feed in made_network(seed=seed, duration_s=duration_s):
        accepted = accept(feed.data, Kind.FEED, masker)
        # A fetch is answered a moment after the snapshot was made.
        received_us = accepted.time_us + 2_000_000
        yield Kind.FEED, received_us, accepted.time_us, accepted.document
        if feed.transceivers is not None:
            yield Kind.TRANSCEIVERS, received_us, accepted.time_us, feed.transceivers


def write(folder: Path) -> int:
    """Write the recording into `folder`, in place of what is there; give its size in bytes."""
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    fingerprint = Masker(MASKING_KEY).fingerprint
    with Journal(draft, key_fingerprint=fingerprint, clock=_FixedClock(), simulated=True) as made:
        for record in records():
            made.append(*record)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    folder.chmod(0o755)
    for file in folder.iterdir():
        # Installed for everybody, unlike an instance's own journal.
        file.chmod(0o644)
    return sum(file.stat().st_size for file in folder.iterdir())


def main() -> None:
    """Write it where the package expects it, or where the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=AUSTRALIA, metavar="FOLDER")
    folder = parser.parse_args().to
    print(f"{folder}: {write(folder):,} bytes")


if __name__ == "__main__":
    main()
