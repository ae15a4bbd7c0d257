"""Handovers as they are staged: who is in contact with whom, from when until when.

Each pilot belongs to whoever works the place where he is. When that changes he is told to change
over, does so after a while, checks in, or forgets to, or never answers. What is staged here is the
truth that radio contact is scored against; where masts stand and how far radios reach plays no
part in it. All delays are drawn by (seed, member, session), so a network begun later agrees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sectorwatch.simulator.chance import draw
from sectorwatch.simulator.channels import UNICOM_KHZ
from sectorwatch.simulator.views import TAXI_KT, Desks, View, desks_of, within_nm

if TYPE_CHECKING:
    from sectorwatch.simulator.control import ControlRoom, Staffing
    from sectorwatch.simulator.motion import PilotStates

__all__ = ["Contact", "Handovers"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

_NEVER_S = int(np.iinfo(np.int64).max)
_HOUR_S = 3_600
_AT_FIELD_NM = 5.0
_HOLD_S = 420
"""How long pilots wait on a channel for the relief of who has left: longer than the longest gap."""
_NEW_STATION_S = 600


class Contact(NamedTuple):
    """A pilot worked by a station, as it was staged: `start_s` <= t < `end_s`."""

    pilot: str
    station: str
    start_s: int
    end_s: int


class _Book:
    """What is known of each pilot online, arrays of shape (n,), sorted by member.

    `session` works him since `since_s` and is there until `until_s`; 0 is nobody. A change that is
    under way goes to `next` (0: to UNICOM): he leaves at `leave_s`, is on its channel at
    `retune_s` and checks in at `join_s`, never where he does not.
    """

    _COLUMNS: ClassVar[dict[str, int]] = {
        "session": 0,
        "since_s": 0,
        "until_s": _NEVER_S,
        "position": -1,
        "tuned_khz": UNICOM_KHZ,
        "left_khz": UNICOM_KHZ,
        "is_changing": 0,
        "next": 0,
        "next_position": -1,
        "next_khz": UNICOM_KHZ,
        "next_until_s": _NEVER_S,
        "leave_s": _NEVER_S,
        "retune_s": _NEVER_S,
        "join_s": _NEVER_S,
        "hold_position": -1,
        "hold_s": 0,
        "first_seen_s": 0,
        "flown": 0,
        "stopped_s": _NEVER_S,
    }

    def __init__(self) -> None:
        self.member: Ints = np.empty(0, dtype=np.int64)
        self.columns: dict[str, Ints] = {
            name: np.empty(0, dtype=np.int64) for name in self._COLUMNS
        }

    def __getitem__(self, name: str) -> Ints:
        return self.columns[name]

    def rearrange(self, member: Ints) -> tuple[Bools, Bools]:
        """Follow who is online now: who of `member` is new, and who of those before is gone."""
        order = np.argsort(self.member, kind="stable")
        place = np.searchsorted(self.member, member, sorter=order)
        place = order[np.minimum(place, len(order) - 1)] if len(order) else np.zeros_like(member)
        known = (
            self.member[place] == member if len(order) else np.zeros(len(member), dtype=np.bool_)
        )
        gone = np.ones(len(self.member), dtype=np.bool_)
        gone[place[known]] = False
        for name, column in self.columns.items():
            filled = np.full(len(member), self._COLUMNS[name], dtype=np.int64)
            filled[known] = column[place[known]]
            self.columns[name] = filled
        self.member = member
        return ~known, gone


class Handovers:
    """Stages handovers, step by step: `tuned(time_s, states, staffing)` in the order of time.

    `truth` holds the contacts that are over, and `open_at` those that are not. With
    `keep_truth=False` those that are over are forgotten.
    """

    def __init__(self, room: ControlRoom, *, keep_truth: bool = True) -> None:
        self._room = room
        self._numbers = room.numbers
        self._seed = room.seed
        self._keep_truth = keep_truth
        self._book = _Book()
        self._truth: list[Contact] = []
        self._callsigns: list[str] = []
        self._stations: dict[int, str] = {0: ""}
        self._relieved: set[int] = set()
        self._staffing: Staffing | None = None
        self._desks: Desks | None = None
        self._time_s: int | None = None

    @property
    def truth(self) -> list[Contact]:
        """The contacts that are over, in the order in which they ended."""
        return self._truth

    def open_at(self, time_s: int) -> list[Contact]:
        """The contacts that go on, as if they ended at `time_s`."""
        book = self._book
        return [
            Contact(
                self._callsigns[row],
                self._stations[int(book["session"][row])],
                int(book["since_s"][row]),
                min(time_s, int(book["until_s"][row])),
            )
            for row in np.flatnonzero(book["session"] != 0).tolist()
            if book["since_s"][row] < time_s
        ]

    def tuned(self, time_s: int, states: PilotStates, staffing: Staffing) -> tuple[Ints, Ints]:
        """The channel in kHz that each pilot is on at `time_s`, and the one he left last, (n,)."""
        if self._time_s is not None and time_s < self._time_s:
            raise ValueError(f"{time_s} is before {self._time_s}: ask in the order of time")
        desks = self._desks_of(staffing)
        before, is_first = self._time_s, self._time_s is None
        new = self._online(states, time_s, before)
        self._happen(time_s)
        book = self._book
        self._note_motion(states, time_s, new, is_first=is_first)
        target, listens_khz = self._targets(states, desks, time_s)
        intended = np.where(book["is_changing"] != 0, book["next"], book["session"])
        session = desks.session[target]
        waiting = (book["hold_s"] > time_s) & (target != book["hold_position"])
        change = (session != intended) & ~waiting
        # Those seen for the first time in the first feed have long been in contact.
        if is_first:
            rows = np.flatnonzero(change & (session != 0))
            self._settle(rows, desks, target, time_s)
            change[rows] = False
        self._plan(np.flatnonzero(change), desks, target, time_s)
        # Nobody works them any more, and they are still on a channel that nobody answers.
        idle = (session == 0) & (book["session"] == 0) & (book["is_changing"] == 0) & ~waiting
        self._give_up(np.flatnonzero(idle & (book["tuned_khz"] != UNICOM_KHZ)), time_s)
        self._happen(time_s)
        self._time_s = time_s
        is_idle = (book["tuned_khz"] == UNICOM_KHZ) & (listens_khz != 0)
        return np.where(is_idle, listens_khz, book["tuned_khz"]), book["left_khz"].copy()

    def _desks_of(self, staffing: Staffing) -> Desks:
        if staffing is not self._staffing or self._desks is None:
            self._staffing, self._desks = staffing, desks_of(staffing)
            # Of those who left only those are remembered whom somebody still talks to, or meant to.
            book = self._book
            held = set(np.union1d(book["session"], book["next"]).tolist())
            self._stations = {
                session: name for session, name in self._stations.items() if session in held
            }
            self._relieved &= held
            for station in staffing.controllers:
                self._stations[station.session] = station.callsign
                if station.is_relieved:
                    self._relieved.add(station.session)
        return self._desks

    def _online(self, states: PilotStates, time_s: int, before_s: int | None) -> Bools:
        """Follow who came and went; contacts of who is gone ended when they were seen last."""
        book, callsigns = self._book, self._callsigns
        sessions, since, until = book["session"], book["since_s"], book["until_s"]
        new, gone = book.rearrange(states.member)
        for row in np.flatnonzero(gone & (sessions != 0)).tolist():
            end_s = min(before_s or time_s, int(until[row]))
            self._close(callsigns[row], int(sessions[row]), int(since[row]), end_s)
        self._callsigns = list(states.callsign)
        return new

    def _happen(self, time_s: int) -> None:
        """What was planned and is due by `time_s`, in the order: leave, retune, check in."""
        book = self._book
        ended = np.minimum(book["until_s"], book["leave_s"])
        for row in np.flatnonzero((book["session"] != 0) & (ended <= time_s)).tolist():
            self._end(row, int(ended[row]))
        retuned = book["retune_s"] <= time_s
        book["left_khz"][retuned] = book["tuned_khz"][retuned]
        book["tuned_khz"][retuned] = book["next_khz"][retuned]
        book["retune_s"][retuned] = _NEVER_S
        joined = (book["join_s"] <= time_s) & (book["is_changing"] != 0)
        in_time = joined & (book["next"] != 0) & (book["join_s"] < book["next_until_s"])
        for name, source in (
            ("session", "next"),
            ("position", "next_position"),
            ("since_s", "join_s"),
            ("until_s", "next_until_s"),
        ):
            book[name][in_time] = book[source][in_time]
        self._settled(np.flatnonzero(joined))
        for row in np.flatnonzero(in_time & (book["until_s"] <= time_s)).tolist():
            self._end(row, int(book["until_s"][row]))

    def _settled(self, rows: NDArray[np.intp]) -> None:
        """Nothing is under way for these any more."""
        book = self._book
        book["is_changing"][rows] = 0
        for name in ("leave_s", "retune_s", "join_s"):
            book[name][rows] = _NEVER_S

    def _end(self, row: int, end_s: int) -> None:
        book = self._book
        session = int(book["session"][row])
        self._close(self._callsigns[row], session, int(book["since_s"][row]), end_s)
        if end_s == book["until_s"][row] and book["is_changing"][row] == 0:
            # Whoever takes the position over is waited for, on the same channel.
            book["hold_position"][row] = book["position"][row]
            book["hold_s"][row] = end_s + _HOLD_S if session in self._relieved else 0
        book["session"][row] = 0
        book["position"][row] = -1
        book["until_s"][row] = _NEVER_S

    def _close(self, pilot: str, session: int, start_s: int, end_s: int) -> None:
        if self._keep_truth and end_s > start_s:
            self._truth.append(Contact(pilot, self._stations[session], start_s, end_s))

    def _note_motion(self, states: PilotStates, time_s: int, new: Bools, *, is_first: bool) -> None:
        """Who has flown, who stands, and since when somebody is online."""
        book, numbers = self._book, self._numbers
        longest_s = numbers.clearance_s[1]
        waited = draw(self._seed, "online for", states.member) * longest_s if is_first else 0
        book["first_seen_s"][new] = (time_s - np.broadcast_to(waited, new.shape))[new]
        at_arrival = within_nm(self._room, states, states.arrival, _AT_FIELD_NM)
        at_departure = within_nm(self._room, states, states.departure, _AT_FIELD_NM)
        book["flown"][new & ~states.airborne & at_arrival & ~at_departure] = 1
        book["flown"][states.airborne] = 1
        stands = ~states.airborne & (states.groundspeed_kt < TAXI_KT)
        book["stopped_s"][~stands] = _NEVER_S
        book["stopped_s"][stands & (book["stopped_s"] == _NEVER_S)] = time_s

    def _targets(
        self, states: PilotStates, desks: Desks, time_s: int
    ) -> tuple[NDArray[np.int32], Ints]:
        """The position that each pilot should be in contact with now, -1 for none.

        Beside it the channel in kHz to which he listens before he calls, 0 for none.
        """
        book, numbers, seed, member = self._book, self._numbers, self._seed, states.member
        flown = book["flown"] != 0
        hour = time_s // _HOUR_S
        early = draw(seed, "early", member, hour) < numbers.early_share
        ahead = np.where(early, draw(seed, "ahead", member, hour) * numbers.look_ahead_s, 0.0)
        view = View(self._room, states, flown, ahead)
        target = view.positions(desks.working)
        # Who goes with a word sends pilots on beforehand, some sooner and some later.
        left_s = desks.until_s - time_s
        going = desks.is_announced & ~desks.is_relieved & (left_s < numbers.announce_s)
        if going.any():
            staying = view.positions(desks.working & ~going)
            told_s = draw(seed, "told", member, desks.session[target]) * numbers.announce_s
            target = np.where(going[target] & (left_s[target] <= told_s), staying, target)
        stands = ~states.airborne & (states.groundspeed_kt < TAXI_KT)
        at_gate = stands & ~flown
        low, high = numbers.clearance_s
        calls_s = low + (high - low) * draw(seed, "clearance", member)
        low, high = numbers.shut_down_s
        stays_s = low + (high - low) * draw(seed, "shut down", member)
        silent = draw(seed, "deaf", member) < numbers.deaf_share
        before_call = at_gate & ~silent & (time_s - book["first_seen_s"] < calls_s)
        monitors = before_call & (draw(seed, "monitors", member) < numbers.monitor_share)
        listens_khz = np.where(monitors, desks.channel_khz[target], 0)
        silent |= before_call
        silent |= stands & flown & (time_s - book["stopped_s"] > stays_s)
        session = desks.session[target]
        silent |= draw(seed, "unanswered", member, session) < numbers.unanswered_share
        return np.where(silent, -1, target).astype(np.int32), listens_khz

    def _channel(self, desks: Desks, target: NDArray[np.int32], member: Ints) -> Ints:
        """The channel in kHz: HF for some of those who talk to a radio far out, else VHF."""
        on_hf = draw(self._seed, "hf", member) < self._numbers.hf_share
        khz: Ints = np.where(
            (desks.hf_khz[target] != 0) & on_hf, desks.hf_khz[target], desks.channel_khz[target]
        )
        return khz

    def _settle(
        self, rows: NDArray[np.intp], desks: Desks, target: NDArray[np.int32], time_s: int
    ) -> None:
        book, there = self._book, target[rows]
        book["session"][rows] = desks.session[there]
        book["position"][rows] = there
        book["until_s"][rows] = desks.until_s[there]
        book["since_s"][rows] = time_s
        book["tuned_khz"][rows] = self._channel(desks, there, book.member[rows])

    def _plan(
        self, rows: NDArray[np.intp], desks: Desks, target: NDArray[np.int32], time_s: int
    ) -> None:
        """Begin a change for these pilots: to whoever works `target`, or to UNICOM."""
        if not len(rows):
            return
        book, numbers, seed = self._book, self._numbers, self._seed
        member, there = book.member[rows], target[rows]
        session, current = desks.session[there], book["session"][rows]
        key = np.where(session != 0, session, current)

        def span(what: str, limits: tuple[float, float]) -> Ints:
            u = draw(seed, what, member, key)
            return np.rint(limits[0] + (limits[1] - limits[0]) * u).astype(np.int64)

        def some(what: str, share: float) -> Bools:
            return draw(seed, what, member, key) < share

        is_worked, is_wanted = current != 0, session != 0
        khz = np.where(is_wanted, self._channel(desks, there, member), UNICOM_KHZ)
        same = khz == book["tuned_khz"][rows]
        leave = time_s + span("instruct", numbers.instruct_s)
        # Nobody to tell him: he calls when he comes, or when he sees that there is somebody.
        is_new = time_s - desks.active_s[there] < _NEW_STATION_S
        call = np.where(
            is_new, span("new station", numbers.new_station_s), span("first", numbers.first_call_s)
        )
        begin = np.where(is_worked, leave, np.where(is_wanted & ~same, time_s + call, time_s))
        # The relief whom he waited for says so at once, between two looks of ours.
        begin = np.where(
            (book["hold_s"][rows] > time_s) & same & is_wanted,
            np.maximum(desks.active_s[there], self._time_s or time_s),
            begin,
        )
        forgets = some("forget", numbers.forget_share)
        retune = begin + span("retune", numbers.retune_s)
        retune = np.where(forgets, begin + span("forgotten", numbers.forget_s), retune)
        late = np.where(some("late", numbers.late_share), span("late by", numbers.late_s), 0)
        join = np.where(same, begin + 1, retune + span("check in", numbers.check_in_s) + late)
        book["is_changing"][rows] = 1
        book["next"][rows] = session
        book["next_position"][rows] = np.where(is_wanted, there, -1)
        book["next_khz"][rows] = khz
        book["next_until_s"][rows] = desks.until_s[there]
        book["leave_s"][rows] = np.where(is_worked, np.where(same, join, leave), _NEVER_S)
        book["retune_s"][rows] = np.where(same, _NEVER_S, retune)
        book["join_s"][rows] = np.where(is_wanted, join, np.where(same, begin, retune))
        book["hold_s"][rows] = 0

    def _give_up(self, rows: NDArray[np.intp], time_s: int) -> None:
        """Go to UNICOM some time after the controller has gone without a word."""
        if not len(rows):
            return
        book, (low, high) = self._book, self._numbers.linger_s
        u = draw(self._seed, "linger", book.member[rows], book["tuned_khz"][rows])
        book["is_changing"][rows] = 1
        book["next"][rows] = 0
        book["next_khz"][rows] = UNICOM_KHZ
        book["leave_s"][rows] = _NEVER_S
        book["retune_s"][rows] = time_s + (low + (high - low) * u).astype(np.int64)
        book["join_s"][rows] = book["retune_s"][rows]
