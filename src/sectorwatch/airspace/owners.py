"""Who works a sector: its list of positions, and the first of them that is online.

A position is matched by callsign, else by one of the callsign's variants (`LEPA__APP` is
`LEPA_APP`; `BN-ARL_1_CTR` is a relief or a split of `BN-ARL_CTR`), else by frequency. A callsign
that the data set knows stands for that position alone: with `EDGG_C_CTR` in the list, whoever logs
on as `EDGG_C_CTR` is no variant of `EDGG_CTR`. A frequency counts only where the callsign is none
that the data set knows, starts as one of its callsigns does, and the frequency leaves no doubt.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

from sectorwatch.airspace.model import PositionRule
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sectorwatch.airspace.model import DataSet, Sector

__all__ = [
    "ControllerLike",
    "OwnerFinder",
    "OwnerMatch",
    "callsign_lead",
    "frequency_khz",
    "own_name_positions",
    "position_rule",
    "with_positions",
]

_EXACT, _VARIANT, _BY_FREQUENCY = range(3)
_HOW: tuple[Literal["callsign", "variant", "frequency"], ...] = (
    "callsign",
    "variant",
    "frequency",
)
_CALLSIGN = re.compile(r"[A-Z0-9][A-Z0-9-]*(?:_[A-Z0-9-]+)*", re.ASCII)
_SUFFIXES = ("CTR", "FSS", "APP", "DEP", "TWR", "GND", "DEL", "FMP")
_AREA_SUFFIXES = ("CTR", "FSS")
_TERMINAL_SUFFIXES = ("APP", "DEP")


class ControllerLike(Protocol):
    """What a controller has to have to be matched: `feed.records.Controller` has it."""

    @property
    def callsign(self) -> str:
        """Such as `BN-ARL_CTR`."""

    @property
    def frequency(self) -> str:
        """In MHz, such as `130.900`."""

    @property
    def is_atc(self) -> bool:
        """Whether this is somebody who controls, and no pilot or observer."""


@dataclass(frozen=True, slots=True)
class OwnerMatch:
    """Who owns a sector and why.

    `controller` is an index into the controllers that were asked about, `position` one into the
    sector's list of positions. `how` the callsign was matched, and `why` all of it in words.
    """

    controller: int
    position: int
    how: Literal["callsign", "variant", "frequency"]
    why: str


@dataclass(frozen=True, slots=True)
class _Position:
    """A callsign that a data set knows, and the places it has in sectors' lists."""

    callsign: str
    places: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Known:
    """What one data set knows, ready to be looked up."""

    prefixes: frozenset[str]
    by_callsign: dict[str, _Position]
    by_khz: dict[int, list[_Position]]


class OwnerFinder:
    """Finds each sector's owner; compiled once, asked whenever the controllers online change.

    `sectors` are those that answers are about, in that order; `datasets` are where they came from.
    """

    def __init__(self, sectors: Sequence[Sector], datasets: Iterable[DataSet]) -> None:
        self._count = len(sectors)
        self._rules = [sector.positions for sector in sectors]
        self._known = [_compile(dataset, sectors) for dataset in datasets]

    def owners(self, controllers: Sequence[ControllerLike]) -> list[OwnerMatch | None]:
        """For each sector the first position of its list that is online; None where none is.

        Of several controllers on one position the one with its exact callsign comes first, then
        variants, then matches by frequency, by callsign in each.
        """
        best: dict[int, tuple[int, int, str, int, str]] = {}
        for index, controller in enumerate(controllers):
            if not controller.is_atc:
                continue
            callsign = controller.callsign.strip().upper()
            for position, how in self._positions(callsign, controller.frequency):
                for sector, place in position.places:
                    claim = (place, how, callsign, index, position.callsign)
                    if sector not in best or claim < best[sector]:
                        best[sector] = claim
        answer: list[OwnerMatch | None] = [None] * self._count
        for sector, (place, how, callsign, index, position_callsign) in best.items():
            why = self._rules[sector][place].why
            if how == _VARIANT:
                why = f"{callsign} is a variant of {position_callsign}: {why}"
            elif how == _BY_FREQUENCY:
                why = f"{callsign} is on the frequency of {position_callsign}: {why}"
            answer[sector] = OwnerMatch(index, place, _HOW[how], why)
        return answer

    def _positions(self, callsign: str, frequency: str) -> Iterator[tuple[_Position, int]]:
        """What somebody stands for, in each data set that knows, and how that was found."""
        parts = [part for part in callsign.split("_") if part]
        for known in self._known:
            found = _by_callsign(known, callsign, parts) or _by_frequency(known, parts, frequency)
            if found is not None:
                yield found


def _compile(dataset: DataSet, sectors: Sequence[Sector]) -> _Known:
    by_callsign: dict[str, _Position] = {}
    by_khz: defaultdict[int, dict[str, _Position]] = defaultdict(dict)
    for number, sector in enumerate(sectors):
        if sector.dataset != dataset.name:
            continue
        for place, rule in enumerate(sector.positions):
            for callsign in _callsigns(rule):
                position = by_callsign.setdefault(callsign, _Position(callsign))
                position.places.append((number, place))
                _note_frequency(by_khz, rule, position)
    for rule in dataset.position_only:
        for callsign in _callsigns(rule):
            # These own nothing, but make it doubtful whose a frequency is.
            _note_frequency(by_khz, rule, by_callsign.get(callsign, _Position(callsign)))
    prefixes = frozenset(prefix.upper() for prefix in dataset.prefixes)
    frequencies = {khz: list(positions.values()) for khz, positions in by_khz.items()}
    return _Known(prefixes, by_callsign, frequencies)


def _note_frequency(
    by_khz: defaultdict[int, dict[str, _Position]], rule: PositionRule, position: _Position
) -> None:
    khz = frequency_khz(rule.frequency_mhz or "")
    if khz is not None:
        by_khz[khz].setdefault(position.callsign, position)


def _callsigns(rule: PositionRule) -> list[str]:
    prefix = rule.prefix.upper().strip("_")
    return [f"{prefix}_{suffix.upper().lstrip('_')}" for suffix in rule.suffixes]


def _by_callsign(known: _Known, callsign: str, parts: list[str]) -> tuple[_Position, int] | None:
    """The position with this callsign, else the one whose callsign it is the nearest variant of."""
    if len(parts) < 2:  # noqa: PLR2004 - a prefix and a suffix
        return None
    suffix = parts[-1]
    for length in range(len(parts) - 1, 0, -1):
        position = known.by_callsign.get("_".join((*parts[:length], suffix)))
        if position is not None:
            return position, _EXACT if position.callsign == callsign else _VARIANT
    return None


def _by_frequency(known: _Known, parts: list[str], frequency: str) -> tuple[_Position, int] | None:
    """The one position on this frequency that the callsign can stand for; None if in doubt."""
    if len(parts) < 2 or not known.by_khz:  # noqa: PLR2004 - as above
        return None
    lead = callsign_lead(parts[0])
    if lead not in known.prefixes:
        return None
    khz = frequency_khz(frequency)
    on_it = known.by_khz.get(khz, []) if khz is not None else []
    own = [position for position in on_it if callsign_lead(position.callsign) == lead]
    candidates = own or on_it
    if len(candidates) != 1:
        return None
    position = candidates[0]
    # Somebody in a tower is not the centre that happens to be on the same channel.
    same_work = _work(parts[-1]) == _work(position.callsign.rsplit("_", 1)[-1])
    return (position, _BY_FREQUENCY) if same_work and position.places else None


def _work(suffix: str) -> str:
    if suffix in _AREA_SUFFIXES:
        return "area"
    return "terminal" if suffix in _TERMINAL_SUFFIXES else suffix


def callsign_lead(callsign: str) -> str:
    """What a callsign starts with, up to its first dash or underscore.

    >>> [callsign_lead(callsign) for callsign in ("BN-ARL_CTR", "LON_S_CTR", "EDGG")]
    ['BN', 'LON', 'EDGG']
    """
    return re.split("[-_]", callsign.strip().upper(), maxsplit=1)[0]


def frequency_khz(frequency_mhz: str) -> int | None:
    """A frequency as whole kHz; None where it is none, or the one that means "not tuned".

    >>> [frequency_khz(text) for text in ("130.900", "130.45", "118", "199.998", "")]
    [130900, 130450, 118000, None, None]
    """
    match = re.fullmatch(r"\s*(\d{3})(?:\.(\d{1,3}))?\s*", frequency_mhz, re.ASCII)
    if match is None:
        return None
    khz = int(match[1]) * 1_000 + int((match[2] or "").ljust(3, "0"))
    return khz if khz != 199_998 else None  # noqa: PLR2004 - the network's own word for "none"


def position_rule(callsign: str, frequency_mhz: str | None, why: str) -> PositionRule | None:
    """The rule for one callsign such as `BN-ARL_CTR`; None where it is no controller's callsign.

    >>> position_rule("BN-ARL_CTR", "130.900", "its own").suffixes
    ('CTR',)
    """
    callsign = callsign.strip().upper()
    prefix, _, suffix = callsign.rpartition("_")
    if not prefix or _CALLSIGN.fullmatch(callsign) is None:
        return None
    return PositionRule(prefix, (suffix,), frequency_mhz, why)


def own_name_positions(name: str, kind: str) -> tuple[PositionRule, ...]:
    """Who works a sector of which nothing is known but its name: a callsign, or what starts one.

    >>> [rule.suffixes for rule in own_name_positions("YSSY_APP", "approach")]
    [('APP',)]
    >>> [rule.suffixes for rule in own_name_positions("EDGG", "fir")]
    [('CTR', 'FSS')]
    """
    text = name.strip().upper()
    if _CALLSIGN.fullmatch(text) is None:
        return ()
    why = f"{name} is the sector's own name"
    prefix, _, suffix = text.rpartition("_")
    if prefix and suffix in _SUFFIXES:
        return (PositionRule(prefix, (suffix,), None, why),)
    suffixes = _TERMINAL_SUFFIXES if kind == "approach" else _AREA_SUFFIXES
    return (PositionRule(text, suffixes, None, why),)


def with_positions(dataset: DataSet, lists: Mapping[str, Sequence[str]]) -> DataSet:
    """The data set with the lists of some sectors replaced by those configured.

    Sectors are named by name or `partition/name`, in any case. A position is a callsign, with `@`
    and a frequency behind it if it has one (`BN-ARL_CTR@130.900`). Raises AirspaceError for what is
    none. A name that the data set does not have changes nothing.
    """
    if not lists:
        return dataset
    configured = {
        name.strip().casefold(): tuple(_configured(name, text) for text in positions)
        for name, positions in lists.items()
    }
    sectors, leads = [], set(dataset.prefixes)
    for sector in dataset.sectors:
        keys = (f"{sector.partition}/{sector.name}".casefold(), sector.name.casefold())
        rules = next((configured[key] for key in keys if key in configured), None)
        if rules is None:
            sectors.append(sector)
        else:
            sectors.append(replace(sector, positions=rules))
            leads.update(callsign_lead(rule.prefix) for rule in rules)
    return replace(dataset, sectors=tuple(sectors), prefixes=frozenset(leads))


def _configured(name: str, text: str) -> PositionRule:
    callsign, at, frequency = text.partition("@")
    rule = position_rule(callsign, frequency.strip() or None, f"configured for {name}")
    if rule is None or (at and frequency_khz(frequency) is None):
        raise AirspaceError(
            f"{text!r}, configured as a position of {name}, is no callsign such as BN-ARL_CTR or"
            " BN-ARL_CTR@130.900"
        )
    return rule
