"""The network as bytes: the v3 data feed and the transceivers feed, as faithful as we know them.

What does not change from one feed to the next (who somebody is, what is filed) is encoded once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec import UNSET, Raw

from sectorwatch.simulator.chance import lot
from sectorwatch.simulator.members import NEVER, Sort
from sectorwatch.simulator.names import SERVERS, member_name
from sectorwatch.simulator.plans import PlanWriter
from sectorwatch.simulator.records import (
    TICKS_A_SECOND,
    AtisRecord,
    ControllerRecord,
    Feed,
    General,
    PilotRecord,
    PrefileRecord,
    Transceivers,
    compact,
    timestamp,
    timestamps,
)
from sectorwatch.simulator.reference import REFERENCE, SERVER_LIST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.simulator.behaviour import Behaviour
    from sectorwatch.simulator.draws import Draws
    from sectorwatch.simulator.motion import Movements, PilotStates
    from sectorwatch.simulator.schedule import ScheduleAirports

__all__ = ["Encoder"]

_NULL = Raw(b"null")
_FRACTIONS = 9_999_999


class Encoder:
    """Makes the bytes of feeds; keeps each pilot's record from one to the next."""

    def __init__(self, airports: ScheduleAirports, draws: Draws, behaviour: Behaviour) -> None:
        self._airports = airports
        self._draws = draws
        self._behaviour = behaviour
        self._json = msgspec.json.Encoder()
        self._movements: Movements | None = None
        self._records: list[PilotRecord | None] = []
        self._version: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._prefiles: dict[int, Raw] = {}

    def look_at(self, movements: Movements) -> None:
        """Take other tables, keeping the records of those who are in both."""
        if movements is self._movements:
            return
        before = self._movements
        members = movements.members
        kept: list[PilotRecord | None] = [None] * len(members)
        version = np.full(len(members), -1, dtype=np.int64)
        if before is not None:
            _, new, old = np.intersect1d(
                members.member, before.members.member, assume_unique=True, return_indices=True
            )
            version[new] = self._version[old]
            for row, row_before in zip(new.tolist(), old.tolist(), strict=True):
                kept[row] = self._records[row_before]
        self._movements, self._records, self._version = movements, kept, version
        ids, draws, behaviour = members.member, self._draws, self._behaviour
        self._plans = PlanWriter(members, movements.flights, self._airports, draws, behaviour)
        self._chance = draws.bits(members.cid, "person")
        self._odd = {
            "name": draws.happens(members.cid, "odd name", behaviour.name_odd_share),
            "number": draws.happens(members.cid, "number name", behaviour.name_number_share),
            "squawk": draws.happens(ids, "odd squawk", behaviour.squawk_odd_share),
            "qnh": draws.happens(ids, "odd qnh", behaviour.qnh_odd_share),
            "whole second": draws.happens(ids, "whole second", behaviour.whole_second_share),
            "military": draws.happens(ids, "no military", behaviour.absent_keys_share),
        }
        self._qnh_mb = np.round(1_015 + 8 * draws.normal(ids, "qnh")).astype(np.int64)
        still = set(ids.tolist())
        self._prefiles = {key: raw for key, raw in self._prefiles.items() if key in still}

    def fraction(self, time_s: int) -> int:
        """How many ten-millionths of a second after `time_s` the feed of that second is made."""
        return int(lot(self._draws.seed, "general", time_s) * _FRACTIONS)

    def feed(
        self,
        time_s: int,
        states: PilotStates,
        logon_s: NDArray[np.int64],
        *,
        controllers: Sequence[ControllerRecord] = (),
        atis: Sequence[AtisRecord] = (),
    ) -> bytes:
        """The data feed of a moment; `logon_s` is when each of `states` last logged on, (n,)."""
        movements = self._movements
        assert movements is not None  # noqa: S101 - the network looks before it encodes
        pilots = self._pilots(time_s, states, logon_s)
        observers = self._observers(time_s)
        others = [*controllers, *observers]
        members = {each.cid for each in others} | {each.cid for each in atis}
        members.update(movements.members.cid[states.row].tolist())
        now = timestamp(time_s * TICKS_A_SECOND + self.fraction(time_s))
        return self._json.encode(
            Feed(
                general=General(
                    version=3,
                    reload=1,
                    update=compact(time_s),
                    update_timestamp=now,
                    connected_clients=len(pilots) + len(others) + len(atis),
                    unique_users=len(members),
                ),
                pilots=pilots,
                controllers=others,
                atis=list(atis),
                servers=SERVER_LIST,
                prefiles=self.prefiled(time_s),
                **REFERENCE,
            )
        )

    def transceivers(self, stations: Iterable[Transceivers]) -> bytes:
        """The transceivers feed."""
        return self._json.encode(list(stations))

    def standing(
        self, time_s: int, states: PilotStates, logon_s: NDArray[np.int64]
    ) -> list[PilotRecord]:
        """A record a pilot, another one after a logon or a filing; what moves is not in it."""
        movements, rows, records = self._movements, states.row, self._records
        assert movements is not None  # noqa: S101 - as above
        members = movements.members
        has_plan = (members.filed_s[rows] <= time_s).astype(np.int64)
        amended = (members.amended_s[rows] <= time_s).astype(np.int64)
        version = logon_s * 4 + has_plan + (has_plan & amended) * 2
        for place in np.flatnonzero(version != self._version[rows]).tolist():
            row = int(rows[place])
            records[row] = self._record(row, int(logon_s[place]), int(version[place]) & 3)
            self._version[row] = version[place]
        pilots: list[Any] = [records[row] for row in rows.tolist()]
        return pilots

    def _pilots(
        self, time_s: int, states: PilotStates, logon_s: NDArray[np.int64]
    ) -> list[PilotRecord]:
        pilots = self.standing(time_s, states, logon_s)
        numbers = zip(
            pilots,
            states.latitude.tolist(),
            states.longitude.tolist(),
            states.altitude_ft.tolist(),
            states.groundspeed_kt.tolist(),
            states.heading_deg.tolist(),
            timestamps(states.updated_us, states.member),
            strict=True,
        )
        for record, lat, lon, altitude, speed, heading, updated in numbers:
            record.latitude = lat
            record.longitude = lon
            record.altitude = altitude
            record.groundspeed = speed
            record.heading = heading
            record.last_updated = updated
        return pilots

    def _record(self, row: int, logon_s: int, plan: int) -> PilotRecord:
        movements = self._movements
        assert movements is not None  # noqa: S101 - as above
        members = movements.members
        chance = int(self._chance[row])
        callsign = str(movements.callsigns[row])
        odd_qnh = self._odd["qnh"][row]
        qnh_mb = int(self._qnh_mb[row])
        squawk = (
            "2000"
            if chance & 3 == 0
            else f"{chance >> 3 & 7}{chance >> 6 & 7}{chance >> 9 & 7}{chance >> 12 & 7}"
        )
        return PilotRecord(
            cid=int(members.cid[row]),
            name=self._name(row),
            callsign=callsign,
            server=SERVERS[chance >> 20 & 3],
            pilot_rating=(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 7, 15)[chance >> 24 & 15],
            military_rating=UNSET if self._odd["military"][row] else 0,
            latitude=0.0,
            longitude=0.0,
            altitude=0,
            groundspeed=0,
            transponder="9999" if self._odd["squawk"][row] else squawk,
            heading=0,
            qnh_i_hg=-385.68 if odd_qnh else round(qnh_mb * 0.02953, 2),
            qnh_mb=-13_060 if odd_qnh else qnh_mb,
            flight_plan=Raw(self._plans.write(row, is_amended=plan > 1, callsign=callsign))
            if plan
            else _NULL,
            logon_time=timestamp(
                logon_s * TICKS_A_SECOND
                + (0 if self._odd["whole second"][row] else chance % _FRACTIONS)
            ),
            last_updated="",
        )

    def _name(self, row: int) -> str:
        movements = self._movements
        assert movements is not None  # noqa: S101 - as above
        members = movements.members
        return member_name(
            int(members.cid[row]),
            self._airports.icao[int(members.origin[row])],
            int(self._chance[row]),
            is_number=bool(self._odd["number"][row]),
            is_odd=bool(self._odd["name"][row]),
        )

    def _observers(self, time_s: int) -> list[ControllerRecord]:
        """Those who only watch: records of facility 0, mostly under a pilot's callsign."""
        movements = self._movements
        assert movements is not None  # noqa: S101 - as above
        members = movements.members
        watching = (members.sort == Sort.OBSERVER) & (members.logon_s <= time_s)
        found = []
        for row in np.flatnonzero(watching & (members.logoff_s > time_s)).tolist():
            chance = int(self._chance[row])
            callsign = str(movements.callsigns[row])
            logon = int(members.logon_s[row]) * TICKS_A_SECOND + chance % _FRACTIONS
            sent = (time_s - chance % 12) * TICKS_A_SECOND + chance % 9_999
            found.append(
                ControllerRecord(
                    cid=int(members.cid[row]),
                    name=self._name(row),
                    callsign=f"{callsign[:6]}_OBS" if chance >> 9 & 3 == 0 else callsign,
                    frequency="199.998",
                    facility=0,
                    rating=1 + (chance >> 12) % 5,
                    server=SERVERS[chance >> 20 & 3],
                    visual_range=(40, 100, 300)[chance % 3],
                    text_atis=None,
                    last_updated=timestamp(max(sent, logon)),
                    logon_time=timestamp(logon),
                )
            )
        return found

    def prefiled(self, time_s: int) -> list[Raw]:
        """The records of who has filed and is not online; the same value while nothing changes."""
        movements = self._movements
        assert movements is not None  # noqa: S101 - as above
        members = movements.members
        there = (members.prefile_from_s <= time_s) & (members.prefile_to_s > time_s)
        there &= members.prefile_to_s != NEVER
        found = []
        for row in np.flatnonzero(there).tolist():
            key = int(members.member[row])
            raw = self._prefiles.get(key)
            if raw is None:
                callsign = str(movements.callsigns[row])
                filed = int(members.prefile_from_s[row]) * TICKS_A_SECOND
                record = PrefileRecord(
                    cid=int(members.cid[row]),
                    name=self._name(row),
                    callsign=callsign,
                    flight_plan=Raw(self._plans.write(row, is_amended=False, callsign=callsign)),
                    last_updated=timestamp(filed + int(self._chance[row]) % _FRACTIONS),
                )
                raw = self._prefiles[key] = Raw(self._json.encode(record))
            found.append(raw)
        return found
