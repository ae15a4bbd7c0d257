"""Anomalies in the words of somebody who works the sector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.clock import format_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.forecast.anomalies.anomaly import Evidence, Most

__all__ = ["DAYS", "load_words", "mix_words", "vanished_words"]

DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_HALF = 0.5


def number(value: float) -> str:
    """A mean number of aircraft as somebody would say it: whole from 10 on.

    >>> number(13.7), number(3.46), number(0.0)
    ('14', '3.5', '0')
    """
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")  # noqa: PLR2004


def _aircraft(value: float) -> str:
    return f"{number(value)} aircraft"


def load_words(name: str, evidence: Evidence, hour_of_week: int) -> str:
    """What is said of a spike or a lull."""
    day = DAYS[hour_of_week // 24]
    usual = (
        f"at this hour on {day} {_range(evidence.low, evidence.high)} usual"
        if evidence.weeks
        else f"at this time of day {_range(evidence.low, evidence.high)} usual so far"
    )
    text = f"{name} has {_aircraft(evidence.observed)}; {usual}"
    if evidence.forecast is not None:
        text += f", and {number(evidence.forecast)} were expected an hour ago"
    return f"{text}.{_most(evidence.most, evidence.of_flights)}"


def mix_words(name: str, evidence: Evidence) -> str:
    """What is said of a mix of traffic."""
    first = evidence.most[0]
    usual = (
        "hardly any do"
        if evidence.expected < _HALF
        else f"about {number(evidence.expected)} of as many do"
    )
    return (
        f"{first.flights} of the {evidence.of_flights} flights in {name} over the last hour "
        f"{first.what}; usually {usual}.{_most(evidence.most[1:], evidence.of_flights)}"
    )


def vanished_words(name: str, evidence: Evidence, time_s: int, back: int) -> str:
    """What is said of flights that left the network at once."""
    at = format_s(time_s)[11:16] + "Z"
    gone = f"{evidence.observed:.0f} of {evidence.of_flights} flights"
    chance = f"where {number(evidence.expected)} is usual"
    if evidence.scope == "network":
        text = (
            f"The whole network lost {gone} in the air around {at}, {chance}: VATSIM or a server "
            f"of it, not {name} alone, which lost most."
        )
    else:
        text = f"{gone} in {name} left the network in the air around {at}, {chance}."
    if back:
        text += f" {back} of them are back."
    return text + _most(evidence.most, round(evidence.observed))


def _range(low: float, high: float) -> str:
    least, most = round(low), round(high)
    return f"{least} is" if least == most else f"{least} to {most} are"


def _most(most: Sequence[Most], of_flights: int | None) -> str:
    if not most or not of_flights:
        return ""
    shown = [f"{_who(each.flights, of_flights)} {each.what}" for each in most[:2]]
    text = ", ".join(shown)
    return f" {text[0].upper()}{text[1:]}."


def _who(part: int, whole: int) -> str:
    if part == whole:
        return f"all {whole}"
    return f"most ({part} of {whole})" if part > whole / 2 else f"{part} of {whole}"
