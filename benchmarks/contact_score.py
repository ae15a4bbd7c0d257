"""Radio contact scored on simulated truth: which share of the time found was staged, and back.

Who works whom is staged by the simulator (docs/simulator.md) and never derived from radio range;
the tracker sees transceivers once a minute, as live. An evening of Australia over the made airspace
and, where the real data are, one of the United States over its ARTCCs. What is missed or made up
is put down to what the radios showed at the nearest sample.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from contact_scoring import Score, score_contacts

from sectorwatch.airspace import load_airspace
from sectorwatch.simulator import MadeTimetable, Network

FRIDAY_S = 1_795_132_800  # 2026-11-20
REACH = 0.85


def run() -> dict[str, Any]:
    """Fly and score both; precision and recall are those of all their seconds together."""
    scores = {"Australia, 6 h": _score("australia", "made:australia", 150, 6, 7, stations=25.0)}
    data = os.environ.get("SECTORWATCH_REAL_DATA")
    if data:
        spec = f"geojson:{data}/airspace/perti-us/artcc.json?name=ICAOCODE"
        scores["United States, 2 h"] = _score("us", spec, 800, 2, 25)
    figures = {}
    for name, score in scores.items():
        figures[name] = (
            f"precision {score.precision:.3f}, recall {score.recall:.3f} of"
            f" {score.staged_s / 3_600:.0f} h staged"
        )
        figures[f"{name}, missed"] = _shares(score.missed, score.staged_s)
        figures[f"{name}, made up"] = _shares(score.made_up, score.found_s)
    worst = min(min(score.precision, score.recall) for score in scores.values())
    return {
        "target": "contact",
        "what": "radio contact time, each pair of pilot and station, second by second",
        "against": "handovers as the simulator staged them",
        "reach": f"≥ {REACH} precision and recall (ours)",
        "figures": figures,
        "ratio": round(worst, 3),
        "met": worst >= REACH,
        "note": "pilots without a radio are text-only, absent from the feed or untuned: nobody can see"
        " them in it; on a channel and worked by nobody are pilots who listen before they call, or"
        " who stay after they were let go",
    }


def _score(
    region: str, spec: str, peak: int, hours: int, from_hour: int, *, stations: float | None = None
) -> Score:
    start_s = FRIDAY_S + from_hour * 3_600
    network = Network(
        MadeTimetable(region, seed=1, peak_airborne=peak),
        load_airspace([spec]),
        seed=1,
        start_s=start_s,
        end_s=start_s + hours * 3_600,
        stations=stations,
    )
    return score_contacts(network)


def _shares(counts: Any, of_s: int) -> str:
    return ", ".join(f"{name} {count / of_s:.2%}" for name, count in counts.most_common())


if __name__ == "__main__":
    print(run())
