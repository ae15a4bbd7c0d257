"""The made network as snapshots at once, with no feed written and read in between.

For months flown at a coarse cadence: writing a feed and reading it again takes most of the time
there. Pilots and prefiles are those that the feed of the moment would give, number by number, which
a test holds; whoever controls or watches is left out, and members' numbers are as they are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from sectorwatch.feed.fields import PilotFields
from sectorwatch.feed.people import check_prefiles
from sectorwatch.feed.pilots import check_fields
from sectorwatch.feed.records import PilotColumns, Reference, Snapshot
from sectorwatch.feed.repair import Counts, Seconds
from sectorwatch.feed.wire import WirePilot, WirePrefile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msgspec import Raw

    from sectorwatch.feed.records import Pilot, Prefile
    from sectorwatch.simulator.network import Network
    from sectorwatch.simulator.records import PilotRecord

__all__ = ["DirectSnapshots"]

_RECEIVED_AFTER_US = 2_000_000
_TICKS_A_MICROSECOND = 10
_WHOLE_CIRCLE = 360
_MOST_SECONDS = 20_000
_ENCODER = msgspec.json.Encoder()
_PILOTS = msgspec.json.Decoder(list[WirePilot])
_PREFILES = msgspec.json.Decoder(list[WirePrefile])
_NO_REFERENCE = Reference()


class DirectSnapshots:
    """Snapshots of a network without controllers, asked in ascending order of time."""

    def __init__(self, network: Network) -> None:
        self._network = network
        # By the record's identity; the record is kept with it, so that no other takes its place.
        self._made: dict[int, tuple[PilotRecord, Pilot]] = {}
        self._seconds = Seconds()

    def at(self, time_s: int) -> Snapshot:
        """What the feed of that moment would be decoded to, received two seconds later."""
        if len(self._seconds) > _MOST_SECONDS:
            self._seconds.clear()
        present = self._network.present(time_s)
        states = present.states
        pilots = self._pilots(present.pilots, time_s)
        return Snapshot(
            time_us=present.ticks // _TICKS_A_MICROSECOND,
            received_at_us=time_s * 1_000_000 + _RECEIVED_AFTER_US,
            pilots=pilots,
            columns=PilotColumns(
                latitude=np.asarray(states.latitude, np.float64),
                longitude=np.asarray(states.longitude, np.float64),
                altitude_ft=np.asarray(states.altitude_ft, np.int32),
                groundspeed_kt=np.asarray(states.groundspeed_kt, np.int32),
                heading_deg=np.asarray(states.heading_deg, np.int32) % _WHOLE_CIRCLE,
                time_s=np.minimum(states.updated_us // 1_000_000, time_s),
            ),
            controllers=(),
            atis=(),
            prefiles=self._prefiles(present.prefiles, time_s),
            connected_clients=len(pilots),
            unique_users=len({pilot.cid for pilot in pilots}),
            reference=_NO_REFERENCE,
        )

    def _pilots(self, records: Sequence[PilotRecord], time_s: int) -> list[Pilot]:
        made = self._made
        new = [record for record in records if id(record) not in made]
        if new:
            wire = _PILOTS.decode(_ENCODER.encode(new))
            pilots, _ = check_fields(PilotFields.of(wire), time_s, self._seconds, Counts())
            if len(pilots) != len(new):
                raise RuntimeError(
                    f"{len(new) - len(pilots)} records of the network at {time_s} would be dropped"
                )
            made.update(
                (id(record), (record, pilot)) for record, pilot in zip(new, pilots, strict=True)
            )
        if len(made) > 2 * len(records):
            here = set(map(id, records))
            self._made = made = {key: value for key, value in made.items() if key in here}
        return [made[id(record)][1] for record in records]

    def _prefiles(self, raw: Sequence[Raw], time_s: int) -> list[Prefile]:
        wire = _PREFILES.decode(b"[" + b",".join(map(bytes, raw)) + b"]")
        return check_prefiles(wire, time_s, self._seconds, Counts())
