"""Every number of how controllers and radios behave: with its unit, and where it comes from.

"Feeds" are the 68 real data feeds of 2020 to 2025 that the project is tested against,
"transceivers" the real transceivers feed of 2021-04-21, "collector" 20 minutes of a division's
own tables of 2025. What no data set says is an estimate and called one. None of it was, or may be,
fitted to what `traffic` finds.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Controlling"]

# Stations online in Europe by local hour, feeds: 0 to 23 h, as counted at 35 moments, smoothed.
_WEEKDAY: tuple[float, ...] = (
    *(5.0, 2.0, 0.5, 0.3, 0.3, 0.3, 0.5, 1.0, 4.0, 8.0, 12.0, 13.0),
    *(12.0, 13.0, 15.0, 18.0, 30.0, 35.0, 46.0, 56.0, 60.0, 58.0, 35.0, 12.0),
)
_WEEKEND: tuple[float, ...] = (
    *(10.0, 4.0, 1.0, 0.5, 0.5, 0.5, 1.0, 3.0, 9.0, 17.0, 22.0, 26.0),
    *(28.0, 30.0, 34.0, 39.0, 44.0, 50.0, 72.0, 84.0, 82.0, 70.0, 42.0, 18.0),
)


@dataclass(frozen=True, slots=True)
class Controlling:
    """How controllers come and go, and what pilots do with their radios. Shares are 0 to 1."""

    weekday: tuple[float, ...] = _WEEKDAY
    """Stations online by hour of the local day, Monday to Friday; only ratios count. Feeds."""
    weekend: tuple[float, ...] = _WEEKEND
    """The same for Saturday and Sunday. Feeds."""

    stations_per_pilot: float = 0.075
    """Stations online for each pilot online, mean of 68 feeds (0.025 to 0.15)."""
    facility_share: tuple[float, ...] = (0.015, 0.033, 0.176, 0.308, 0.251, 0.217)
    """Of those stations: FSS, DEL, GND, TWR, APP, CTR. Feeds, 4,563 records."""
    observers_per_station: float = 0.13
    """`AB_OBS` and `AB_SUP` for each station. Feeds: 600 of 2,101 records of facility 0; the others
    have a flight's callsign, and belong to `Behaviour.observer_share`."""
    supervisor_share: float = 0.17
    """Of those: `AB_SUP`. Feeds: 106 records are rated as supervisors."""

    shift_median_min: float = 95.0
    """Length of a session, median of a log-normal distribution. Fitted as said beneath."""
    shift_sigma: float = 0.60
    """Its deviation, of the natural logarithm. Fitted to 2,268 ages of sessions in feeds at least
    2 h apart, an age being seen as often as sessions last longer (Kolmogorov-Smirnov 0.012)."""
    observing_median_min: float = 30.0
    """The same for observers, fitted to 1,066 ages (0.035)."""
    observing_sigma: float = 1.05
    """The same for observers."""
    shortest_min: float = 4.0
    """No session is shorter. Estimate: ages of 5 min and less are 5 % in feeds."""
    longest_min: float = 480.0
    """No session is longer. Feeds: 1 % of ages are above 460 min."""
    split_share: float = 0.7
    """Length of a split sector's session relative to others. Estimate."""
    split_alone: float = 0.15
    """Splits that open though nobody is on the position they split from. Estimate."""
    importance_sigma: float = 0.8
    """Log-normal spread of how willingly positions are staffed, besides their traffic. Estimate."""

    relief_share: float = 0.15
    """Sessions whose position is taken over by another member at their end. Estimate."""
    relief_overlap: float = 0.6
    """Of reliefs: both are online for a while; in the others the position is empty. Estimate."""
    overlap_s: tuple[float, float] = (40.0, 300.0)
    """For how long, evenly. Estimate."""
    gap_s: tuple[float, float] = (20.0, 150.0)
    """For how long it is empty, evenly. Estimate."""
    brief_s: tuple[float, float] = (30.0, 240.0)
    """From logon to the first call answered: frequency, ATIS, briefing. Estimate."""
    break_share: float = 0.06
    """Other sessions after which the same member comes back. Estimate."""
    break_s: tuple[float, float] = (240.0, 1_200.0)
    """After how long. Estimate."""
    callsigns: tuple[float, ...] = (0.88, 0.06, 0.03, 0.03)
    """Of sessions that relieve nobody: `XX_APP`, `XX_1_APP`, `XX__APP`, `XX_T_APP`. Feeds have
    3 % with two underscores; a third part is mostly a position of its own."""
    also_pilot_share: float = 0.002
    """Sessions of members who fly at the same time. Feeds: 1 of 4,563 records."""
    announced_share: float = 0.75
    """Sessions that end with a word to everybody, the others without. Estimate."""
    announce_s: float = 240.0
    """How long before its end pilots are sent elsewhere, evenly from 0. Estimate."""
    atis_count: tuple[float, ...] = (0.20, 0.45, 0.20, 0.15)
    """Tower and approach sessions with 0 to 3 ATIS stations. Feeds: 3,355 for 2,553 of them."""
    text_lines: tuple[float, ...] = (0.09, 0.07, 0.18, 0.62, 0.04)
    """Lines of `text_atis`, 0 (null) to 4. Feeds."""
    name_in_text: float = 0.011
    """Texts that name the member. Feeds: 48 of 4,563."""
    cross_coupled: float = 0.12
    """Stations that transmit on a second channel too. Transceivers: 9 of 62, less strictly."""

    early_share: float = 0.55
    """Pilots who are handed off before the boundary, drawn for each hour. Estimate."""
    look_ahead_s: float = 100.0
    """By how much flight at most, evenly from 0. Estimate."""
    instruct_s: tuple[float, float] = (3.0, 25.0)
    """From the moment for it to the end of the old contact: instruction, read-back. Estimate."""
    retune_s: tuple[float, float] = (1.0, 8.0)
    """From there to the new frequency. Estimate."""
    check_in_s: tuple[float, float] = (2.0, 25.0)
    """From there to the first call. Estimate."""
    late_share: float = 0.06
    """Handovers after which the pilot checks in late. Estimate."""
    late_s: tuple[float, float] = (45.0, 300.0)
    """By how much. Estimate."""
    forget_share: float = 0.03
    """Handovers after which the pilot stays on the old frequency. Estimate."""
    forget_s: tuple[float, float] = (60.0, 600.0)
    """For how long. Estimate."""
    unanswered_share: float = 0.03
    """Calls of a controller that a pilot never answers while that session lasts. Estimate."""
    first_call_s: tuple[float, float] = (10.0, 120.0)
    """From entering controlled airspace to the new frequency. Estimate."""
    new_station_s: tuple[float, float] = (20.0, 420.0)
    """The same where a controller came online overhead. Estimate."""
    linger_s: tuple[float, float] = (20.0, 900.0)
    """How long a channel stays tuned after its controller left without a word. Estimate."""
    clearance_s: tuple[float, float] = (90.0, 1_200.0)
    """From a pilot's logon at the gate to the call for clearance. Estimate."""
    monitor_share: float = 0.3
    """Pilots at the gate who listen to whom they will call, before they do. Estimate."""
    shut_down_s: tuple[float, float] = (20.0, 300.0)
    """From standing at the gate to leaving the frequency. Estimate."""
    tower_radius_nm: float = 8.0
    """How far out a tower works. Estimate."""
    tower_ceiling_ft: int = 2_500
    """How high above the field a tower works. Estimate."""
    deaf_share: float = 0.05
    """Pilots who never talk to anybody. Estimate."""
    without_radio: float = 0.045
    """Pilots who are not in the transceivers feed (text only). Collector: 1 of 22."""
    empty_radio: float = 0.03
    """Pilots in it without a transceiver. Transceivers: 26 of 817."""
    two_radios: float = 0.2
    """Pilots with two transceivers. Transceivers: 164 of 817."""
    second_kinds: tuple[float, ...] = (0.45, 0.22, 0.20, 0.13)
    """Of those: talks on the second with the first on UNICOM; guard; another channel; the same
    channel twice. Transceivers."""
    standby_share: float = 0.5
    """Of those on another channel: on the one they left last; the others on an ATIS. Estimate."""
    idle_elsewhere: float = 0.13
    """Pilots nobody works who are not on UNICOM. Transceivers, as far as they tell."""
    untuned: float = 0.006
    """Of all pilots: 0 Hz or 199.998 MHz. Transceivers: 4 of 963, and 0."""
    hf_share: float = 0.3
    """Pilots of a radio's (FSS) oceanic airspace who are on HF. Transceivers: 8 in two regions."""
    two_decimals: float = 0.05
    """Pilots whose radio shows 118.02 for 118.025. Estimate."""
    by_carrier: float = 0.2
    """Pilots whose client sends the carrier of an 8.33 kHz channel for its name. Estimate."""
