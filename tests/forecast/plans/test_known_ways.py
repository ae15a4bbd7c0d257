"""Ways are kept while they are asked for, and others forgotten for want of room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.plans.made_situation import AIRPORTS, boxes, situation
from sectorwatch.forecast.plans import known_ways
from sectorwatch.forecast.plans.known_ways import KnownWays
from sectorwatch.forecast.plans.ways import lay_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest
    from numpy.typing import NDArray

    from sectorwatch.forecast.plans.ways import Way, Ways
    from sectorwatch.traffic.contract import Space


def test_what_is_still_asked_for_is_not_laid_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """One flight comes and one goes at a time; there is room for the ways of seven."""
    airspace = boxes()
    plain = lay_out
    speeds_laid: list[float] = []

    def laid(ways: Sequence[Way], space: Space) -> Ways:
        speeds_laid.extend(way.cruise_kt for way in ways)
        return plain(ways, space)

    monkeypatch.setattr(known_ways, "lay_out", laid)
    kept = KnownWays(airspace, AIRPORTS, None)
    rows = np.arange(3)
    kept.numbers(situation(airspace, [{}]), rows[:1])
    monkeypatch.setattr(known_ways, "_MOST_POINTS", 7 * kept.ways.x.size)
    kept.forget()
    speeds_laid.clear()
    for slowest in [*range(300, 330), 300]:
        now = situation(airspace, [{"tas_kt": slowest + more} for more in rows.tolist()])
        number = kept.numbers(now, rows)
        assert kept.cruise_kt[number].tolist() == [slowest, slowest + 1, slowest + 2]
        assert kept.ways.x.size <= 8 * kept.ways.first[1]
        alone = KnownWays(airspace, AIRPORTS, None)
        for mine, other in zip(number, alone.numbers(now, rows), strict=True):
            assert kept.corners[mine] == alone.corners[other]
            for name, value in _of(kept.ways, mine).items():
                np.testing.assert_allclose(value, _of(alone.ways, other)[name], rtol=1e-6)
        del speeds_laid[-3:]  # those of the one that has nothing kept
    assert speeds_laid == [*range(300, 332), 300, 301, 302]


def _of(ways: Ways, number: int) -> dict[str, NDArray[Any]]:
    """All that is said of one way."""
    points = slice(*ways.first[number : number + 2])
    passages = slice(*ways.passage_first[number : number + 2])
    return {
        **{name: getattr(ways, name)[points] for name in ("x", "y", "z", "elapsed_s")},
        "altitude_ft": ways.altitude_ft[points],
        **{name: getattr(ways, name)[passages] for name in ("sector", "partition", "enter_s")},
        **{name: getattr(ways, name)[passages] for name in ("exit_s", "enter_phase", "exit_phase")},
    }
