"""Run by test_run.py in a process of its own: an instance over a recording, told how to behave.

Usage: run_child.py FEEDS DATA_DIR MODE. MODE `good` stops as it should; with `stuck` a service's
stop hangs, with `busy` a thread of the default pool does. Prints a line once it has started.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from runtime.world import settings_for
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.runtime import build, run_application


def main() -> int:
    """Run until told to stop."""
    feeds, data_dir, mode = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    # One that stops as it should has the time that the program has; of the others it is waited for.
    settings = settings_for(data_dir, port=0, stop_timeout_s=5 if mode == "good" else 2)
    application = build(settings, ArchiveSource([feeds]))

    def started() -> None:
        if mode == "busy":
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)
        if mode == "stuck":
            # Not even the loop turns any more: only the last resort helps.
            application.pipeline.follow.forget = lambda: time.sleep(60)  # type: ignore[method-assign]
        sys.stdout.write("started\n")
        sys.stdout.flush()

    run_application(application, on_started=started)
    return 0


if __name__ == "__main__":
    sys.exit(main())
