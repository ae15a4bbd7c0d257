"""With observation off the same feeds give the same rows: what watches takes no part in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from runtime.world import contents, settings_for, write_feeds
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.runtime import replay

if TYPE_CHECKING:
    from pathlib import Path


def test_a_replay_gives_the_same_tables_observed_or_not(tmp_path: Path) -> None:
    """Every table, sealed row and position is equal, and so are the counts but for the time."""
    feeds = tmp_path / "feeds"
    write_feeds(feeds, duration_s=2_400, every_s=60, radios=True)
    found, counted = {}, {}
    for is_observed in (True, False):
        data_dir = tmp_path / f"observed_{is_observed}"
        settings = settings_for(data_dir, observation=is_observed)
        counts = replay(settings, ArchiveSource([feeds]), sinks=[])
        # Before `contents`, which has a directory of its own to open.
        assert (data_dir / "observe.db").exists() is is_observed
        counted[is_observed] = asdict(counts) | {"seconds": None}
        found[is_observed] = contents(data_dir)
    assert counted[True] == counted[False]
    assert found[True] == found[False]
    assert found[True]["visit"]
    assert found[True]["positions"][0] > 0
