"""The steady tick that targets speak of: one real feed of 1,706 pilots, moved on 15 s at a time.

What changes from one document to the next is in the proportions of the real step of 2023-08-07
23:29:29Z to :44Z: of 757 pilots 4 were new, 1 gone, 4 had another plan, 176 stood still, 1 had
another squawk and 24 another altimeter setting.
"""

from __future__ import annotations

import copy
import gzip
import json
import math
import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorwatch.feed.records import RawFeed

STEP_S = 15
_PILOTS = 757
_NEW, _GONE, _PLANS, _STILL, _SQUAWKS, _PRESSURES = 4, 1, 4, 176, 1, 24


class SteadySource:
    """A source that hands over nothing by itself: documents are put into the pipeline one by one."""

    name = "steady"
    is_live = True
    is_simulated = True

    def __init__(self) -> None:
        self.time_us = 0

    def now_us(self) -> int:
        return self.time_us

    def __iter__(self) -> Iterator[RawFeed]:
        return iter(())

    def close(self) -> None:
        pass


def data() -> Path:
    """The folder of real data."""
    value = os.environ.get("SECTORWATCH_REAL_DATA", "")
    if not value or not Path(value, "feed").is_dir():
        sys.exit("SECTORWATCH_REAL_DATA has to name the folder of real data with feed/ in it")
    return Path(value)


def steady_documents(count: int, seed: int = 1) -> list[bytes]:
    """`count` documents as the network would send them, 15 s apart."""
    path = data() / "feed" / "vatsim-v3_20230312T172418Z.json.gz"
    feed: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    chance = random.Random(seed)
    documents = []
    for number in range(count):
        if number:
            _move_on(feed, number, chance)
        documents.append(json.dumps(feed, separators=(",", ":"), ensure_ascii=False).encode())
    return documents


def _move_on(feed: dict[str, Any], number: int, chance: random.Random) -> None:
    feed["general"]["update_timestamp"] = _later(feed["general"]["update_timestamp"])
    pilots = feed["pilots"]
    share = len(pilots) / _PILOTS
    for pilot in pilots:
        pilot["last_updated"] = _later(pilot["last_updated"])
        if pilot["groundspeed"]:
            _fly(pilot)
    planned = [pilot for pilot in pilots if pilot["flight_plan"]]
    for pilot in chance.sample(planned, round(_PLANS * share)):
        pilot["flight_plan"] = pilot["flight_plan"] | {
            "revision_id": pilot["flight_plan"]["revision_id"] + 1
        }
    for pilot in chance.sample(pilots, round(_SQUAWKS * share)):
        pilot["transponder"] = f"{chance.randrange(8**4):04o}"
    for pilot in chance.sample(pilots, round(_PRESSURES * share)):
        pilot["qnh_mb"] = chance.randrange(980, 1040)
    for pilot in chance.sample(pilots, round(_GONE * share)):
        pilots.remove(pilot)
    for newcomer in range(round(_NEW * share)):
        pilot = copy.deepcopy(chance.choice(pilots))
        pilot["cid"] = 99_000_000 + 100 * number + newcomer
        pilot["callsign"] = f"NEW{number}X{newcomer}"
        pilot["logon_time"] = feed["general"]["update_timestamp"]
        pilots.append(pilot)


def _fly(pilot: dict[str, Any]) -> None:
    way_deg = pilot["groundspeed"] * STEP_S / 3600 / 60
    course = math.radians(pilot["heading"])
    latitude = pilot["latitude"] + way_deg * math.cos(course)
    pilot["latitude"] = round(max(-89.0, min(89.0, latitude)), 5)
    east = way_deg * math.sin(course) / math.cos(math.radians(pilot["latitude"]))
    pilot["longitude"] = round((pilot["longitude"] + east + 180) % 360 - 180, 5)


def _later(text: str) -> str:
    """A time of the feed, 15 s later; its fraction stays as it is written."""
    from datetime import datetime, timedelta  # noqa: PLC0415 - used by this alone

    whole = datetime.fromisoformat(text[:19]) + timedelta(seconds=STEP_S)
    return whole.isoformat() + text[19:]
