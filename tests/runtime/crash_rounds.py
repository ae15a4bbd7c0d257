"""Run by test_crash.py in a process of its own: replays again and again, killed each time.

Usage: crash_rounds.py FEEDS DATA_DIR SEED. Everything is imported once; each round is a fork of
this process, killed by SIGKILL at a random moment after a random number of new feeds, until a
round comes to its end. Prints how many were killed, and how often while nothing was in line.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from runtime.world import load_once, settings_for
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.runtime import Pipeline, replay

FEWEST_ROUNDS = 11
MOST_ROUNDS = 60


def run(feeds: Path, data_dir: Path, tell: int, most: int) -> None:
    """Replay, writing a byte to `tell` for each feed that is new; wait to be killed after `most`."""
    seen = 0

    def on_feed(pipeline: Pipeline) -> None:
        nonlocal seen
        new = pipeline.intake.counts().new
        if new > seen:
            os.write(tell, b"." * (new - seen))
            seen = new
        if seen >= most:
            time.sleep(60)

    replay(settings_for(data_dir), ArchiveSource([feeds]), on_feed=on_feed)


def main() -> int:
    """Kill until it is done."""
    feeds, data_dir = Path(sys.argv[1]), Path(sys.argv[2])
    load_once()
    rng = random.Random(int(sys.argv[3]))
    for killed in range(MOST_ROUNDS):
        heard, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(heard)
            try:
                # However fast the machine is, it may not be done before it was killed ten times.
                run(feeds, data_dir, tell, 10 if killed < FEWEST_ROUNDS else 10_000)
            finally:
                os._exit(0 if sys.exc_info()[0] is None else 3)
        os.close(tell)
        wanted = rng.randint(0, 8)
        while wanted > 0 and (got := os.read(heard, wanted)):
            wanted -= len(got)
        # Anywhere within the next feed or two: in the journal, the tracker, the database.
        time.sleep(rng.uniform(0.0, 0.03) if rng.random() < 0.8 else rng.uniform(0.0, 0.3))
        os.kill(child, signal.SIGKILL)
        os.close(heard)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.stdout.write(f"{killed} killed\n")
            return os.WEXITSTATUS(status)
    sys.stdout.write(f"{MOST_ROUNDS} killed, and not done\n")
    return 4


if __name__ == "__main__":
    sys.exit(main())
