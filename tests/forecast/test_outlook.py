"""The next 4 h at a glance."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.made_issues import AS_OF_S, issued, sector
from sectorwatch.airspace.airspace import Partition
from sectorwatch.forecast.capacity import CapacityBook
from sectorwatch.forecast.good_times import Openings, good_times
from sectorwatch.forecast.outlook import outlook_of, outlook_text
from sectorwatch.forecast.warnings import CapacityWarnings

SECTORS = [
    sector("YSSY_CTR", "YSSY_CTR", capacity=8),
    sector("YMML_CTR", "YMML_CTR"),
    sector("YSSY_APP", "YSSY_APP"),
]
PARTITIONS = (
    Partition("made:enroute", "enroute", 0, 2),
    Partition("made:approach", "approach", 2, 1),
)
MEAN = np.array([[10.0], [4.0], [3.0]])


def test_uncovered_is_what_has_no_owner() -> None:
    """In aircraft-minutes by step, over exactly 4 h in all, each partition for itself."""
    staffed = np.array([False, True, True])
    found = outlook_of(issued(SECTORS, MEAN), PARTITIONS, staffed)
    assert found.start_s.tolist() == [AS_OF_S + 900 * n for n in range(17)]
    assert found.uncovered_min[:, 0].tolist() == [150.0, 0.0, 0.0]
    enroute, approach = found.partitions
    assert (enroute.sectors, enroute.staffed, enroute.current) == (2, 1, 14)
    assert enroute.expected == pytest.approx(np.full(17, 14.0))
    assert enroute.uncovered_total_min == pytest.approx(10 * 240)
    assert approach.uncovered_total_min == 0.0


def test_it_can_be_posted_as_it_stands() -> None:
    """In a few lines, of one partition, with what it assumes."""
    nobody = np.zeros(3, np.bool_)
    capacity = CapacityBook(SECTORS).now
    warnings = CapacityWarnings(SECTORS)
    for step in range(2):
        made = issued(SECTORS, MEAN, as_of_s=AS_OF_S + 300 * step, capacity=capacity)
        warnings.hear(made, capacity)
    good = good_times(made, Openings(SECTORS), nobody, capacity=capacity)
    text = outlook_text(
        outlook_of(made, PARTITIONS, nobody), PARTITIONS[0], SECTORS, good, warnings.standing()
    )
    assert text.splitlines() == [
        "Outlook for made:enroute, 08:10Z to 12:10Z",
        "14 aircraft now, most about 14 around 08:10Z. None of the 2 sectors has a controller.",
        (
            "If those online stay and nobody comes, about 3,360 aircraft-minutes go without a "
            "controller, most in YSSY_CTR, YMML_CTR."
        ),
        "Good times to open: YSSY_CTR now (about 10 at once), YMML_CTR now (about 4 at once).",
        "YSSY_CTR may be above 8 from 08:10Z to 12:25Z (about 90 %).",
    ]


def test_one_of_long_ago_says_so_in_its_second_line() -> None:
    """Whoever reads it where it was posted sees nothing but these lines."""
    ahead = outlook_of(issued(SECTORS, MEAN), PARTITIONS, np.ones(3, np.bool_))
    text = outlook_text(ahead, PARTITIONS[1], SECTORS, [], [], "The feed has stalled since.")
    assert text.splitlines()[1] == "As of 08:05Z. The feed has stalled since."


def test_where_all_is_covered_there_is_little_to_say() -> None:
    """No good times, no warnings, nothing uncovered."""
    everybody = np.ones(3, np.bool_)
    found = outlook_of(issued(SECTORS, MEAN), PARTITIONS, everybody)
    text = outlook_text(found, PARTITIONS[1], SECTORS, [], [])
    assert text.endswith("Its one sector has a controller.")
    assert "without" not in text
