"""The network at full size that targets speak of: us2001, the whole of the United States in March 2001.

About 16,500 flights a day, up to 2,000 airborne at once; over the 20 contiguous ARTCCs and the 331
high sectors inside them, with controllers and radios. Flown by our own simulator with its frozen
behaviour and one seed, so that everybody who runs it has the same bytes.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _steady import data

from sectorwatch.airspace import Airspace, load_airspace
from sectorwatch.clock import parse_us
from sectorwatch.feed.accept import accept
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.journal import Journal
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind, RawFeed
from sectorwatch.feed.regulars import Regulars
from sectorwatch.recordings import MASKING_KEY
from sectorwatch.simulator import Network, SimulatedSource, read_schedule
from sectorwatch.store.blobs import StoredPositions, to_e5
from sectorwatch.traffic.ids import flight_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

sys.path.append(str(Path(__file__).resolve().parent.parent / "tools"))

SEED = 1
DAY = "2001-03-13T00:00:00Z"
DAY_S = 86_400
_AIRBORNE_KT = 50


def at_s(text: str) -> int:
    """A moment such as `DAY` in whole seconds since 1970."""
    return parse_us(text) // 1_000_000


def specs(folder: Path) -> list[str]:
    """Cut the sectors out of the real data into `folder`; SPECs that name them."""
    perti = data() / "airspace" / "perti-us"
    artcc = json.loads((perti / "artcc.json").read_text())
    centres = [each for each in artcc["features"] if _is_contiguous(each["properties"])]
    names = {each["properties"]["ICAOCODE"][1:] for each in centres}
    high = json.loads((perti / "high.json").read_text())
    sectors = [each for each in high["features"] if each["properties"]["artcc"] in names]
    assert (len(centres), len(sectors)) == (20, 331), (len(centres), len(sectors))
    for name, features in (("artcc", centres), ("high", sectors)):
        collection = {"type": "FeatureCollection", "features": features}
        (folder / f"{name}.json").write_text(json.dumps(collection))
    return [
        f"geojson:{folder}/artcc.json?name=ICAOCODE&kind=fir",
        f"geojson:{folder}/high.json?name=label&floor=FL240",
    ]


def _is_contiguous(properties: dict[str, Any]) -> bool:
    return str(properties["ICAOCODE"]).startswith("KZ") and not properties["oceanic"]


def us2001(airspace: Airspace, start_s: int, end_s: int) -> Network:
    """The network from one moment to another."""
    paths = sorted((data() / "schedules").glob("us2001-2001-*.parquet"))
    return Network(read_schedule(paths), airspace, seed=SEED, start_s=start_s, end_s=end_s)


def artccs() -> dict[str, Any]:
    """The polygons of the contiguous ARTCCs by name, as the independent count has them."""
    from count_schedule import load_polygons  # noqa: PLC0415 - found by the path above

    path = data() / "airspace" / "perti-us" / "artcc.json"
    return load_polygons(path, "ICAOCODE", "^KZ", {"oceanic": "1"})


def counted(polygons: Mapping[str, Any], start_s: int, end_s: int) -> dict[str, Any]:
    """Occupancy of each polygon minute by minute, counted straight from the schedule of March."""
    from count_schedule import count  # noqa: PLC0415 - as above

    start, end = (
        dt.datetime.fromtimestamp(at, dt.UTC).replace(tzinfo=None) for at in (start_s, end_s)
    )
    return count(data() / "schedules" / "us2001-2001-03.parquet", polygons, start, end)


def load(folder: Path) -> tuple[list[str], Airspace]:
    """The SPECs of the sectors, and the airspace they name."""
    wanted = specs(folder)
    return wanted, load_airspace(wanted)


def write_journal(folder: Path, feeds: Iterable[RawFeed]) -> tuple[int, int]:
    """Put feeds into a journal as `simulate` does; how many feeds, and how many bytes they had."""
    masker, regulars = Masker(MASKING_KEY), Regulars()
    count = size = time_us = 0
    with Journal(folder, key_fingerprint=masker.fingerprint, simulated=True) as journal:
        for raw in feeds:
            document = raw.payload
            if raw.kind is Kind.FEED:
                accepted = accept(document, raw.kind, masker, regulars=regulars)
                document, time_us = accepted.document, accepted.time_us
                count += 1
            size += len(document)
            journal.append(raw.kind, raw.received_at_us, time_us, document)
    return count, size


def feeds(network: Network, *, cadence_s: int = 15) -> SimulatedSource:
    """What the network sends: feeds at a cadence, transceivers once a minute."""
    return SimulatedSource(network, cadence_s=cadence_s)


def hour_of_positions(start_s: int) -> StoredPositions:
    """Every new position of an hour, as the feeds every 15 s have them."""
    wanted = data() / "airspace" / "perti-us" / "artcc.json"
    airspace = load_airspace([f"geojson:{wanted}?name=ICAOCODE&kind=fir"])
    masker, regulars = Masker(MASKING_KEY), Regulars()
    last_s: dict[int, int] = {}
    parts = []
    for raw in SimulatedSource(us2001(airspace, start_s, start_s + 3_600), transceivers_every_s=0):
        taken = accept(raw.payload, raw.kind, masker, regulars=regulars)
        snapshot = decode_feed(
            taken.document,
            taken.time_us,
            raw.received_at_us,
            wire=taken.wire,
            attended=taken.attended,
        )
        pilots, columns = snapshot.pilots, snapshot.columns
        ids = [flight_id(each.cid, each.callsign, 0) for each in pilots]
        times = columns.time_s.tolist()
        new = [row for row, each in enumerate(ids) if times[row] > last_s.get(each, 0)]
        last_s.update((ids[row], times[row]) for row in new)
        parts.append(
            StoredPositions(
                flight_id=np.array(ids, np.int64)[new],
                time_s=columns.time_s[new],
                latitude_e5=to_e5(columns.latitude[new]),
                longitude_e5=to_e5(columns.longitude[new]),
                altitude_ft=columns.altitude_ft[new],
                groundspeed_kt=columns.groundspeed_kt[new],
                heading_deg=columns.heading_deg[new],
                transponder=np.array([_number(pilots[row].transponder) for row in new], np.int32),
                qnh_mb=np.array([pilots[row].qnh_mb or -1 for row in new], np.int32),
                airborne=columns.groundspeed_kt[new] >= _AIRBORNE_KT,
            )
        )
    whole = StoredPositions.join(parts)
    return whole.take(np.flatnonzero(whole.time_s // 3_600 == start_s // 3_600))


def _number(code: str) -> int:
    return int(code) if code.isdecimal() else -1
