"""Run by test_rebuild.py in a process of its own: rebuilds again and again, killed each time.

Usage: rebuild_rounds.py DATA_DIR. Each round is a fork, killed by SIGKILL at a random moment; after
each a line is written, and one is read before the next. A round may end before it is killed, however
fast the machine is just then: there are more until enough were. The last comes to its end.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from runtime.world import load_once, settings_for
from sectorwatch.runtime.rebuild import rebuild

KILLED = 6


def main() -> int:
    """Kill until enough were killed, and let the last round end."""
    data_dir = Path(sys.argv[1])
    load_once()
    rng = random.Random(1)
    took_s = 1.0
    killed = 0
    while True:
        child = os.fork()
        if child == 0:
            try:
                rebuild(settings_for(data_dir))
            finally:
                os._exit(0 if sys.exc_info()[0] is None else 3)
        begun_s = time.monotonic()
        is_last = killed == KILLED
        if not is_last:
            # The swap is at the end, so that is where most are killed.
            time.sleep(took_s * (rng.random() if rng.random() < 0.4 else rng.uniform(0.8, 1.05)))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        ended = os.WIFEXITED(status)
        if ended and not is_last:
            took_s = time.monotonic() - begun_s
        killed += not ended
        sys.stdout.write("ended\n" if ended else "killed\n")
        sys.stdout.flush()
        if ended and os.WEXITSTATUS(status):
            return os.WEXITSTATUS(status)
        sys.stdin.readline()
        if is_last:
            return 0


if __name__ == "__main__":
    sys.exit(main())
