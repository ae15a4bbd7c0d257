"""Everything unusual at once, from ticks: told once, in words, with its evidence."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from made_scene import THURSDAY_S, Utc, Week, airspace, flights_in, tick_of
from sectorwatch.airspace import Airports
from sectorwatch.forecast.anomalies import Anomaly, Detector
from sectorwatch.forecast.anomalies.traits import Traits
from sectorwatch.forecast.issued import Issued
from sectorwatch.store.columns import pack_columns, unpack_columns

if TYPE_CHECKING:
    from sectorwatch.traffic.tick import Flight

NAMES = ("YSSY_CTR", "YMML_CTR", "YBBN_CTR")
SPACE = airspace(*NAMES)
EVENING_S = THURSDAY_S + 19 * 3_600
USUAL = np.array([5.0, 8.0, 0.0])


def wobbling(start_s: np.ndarray) -> np.ndarray:
    """About as usual, a little more or less each quarter of an hour."""
    chance = np.sin(start_s / 900 * np.array([[1.0], [1.7], [2.3]])) * np.sqrt(USUAL)[:, None]
    return np.asarray(np.maximum(USUAL[:, None] + 0.6 * chance, 0.0))


@pytest.fixture(scope="module")
def airports() -> Airports:
    """Those of the world."""
    return Airports.load()


@pytest.fixture
def detector(airports: Airports) -> Detector:
    """One that knows five weeks of about the same."""
    return Detector(SPACE, airports, Utc(), Week(wobbling))


def watch(
    detector: Detector,
    flights: list[tuple[int, Flight]],
    minutes: range,
    *,
    age_s: int = 5,
    step: int = 1,
) -> list[Anomaly]:
    """The same flights minute after minute: what began."""
    began: list[Anomaly] = []
    for minute in minutes[::step]:
        now_s = EVENING_S + 60 * minute
        began += detector.look(tick_of(now_s, flights, len(NAMES), age_s=age_s)).began
    return began


def test_a_spike_is_told_once_in_a_controllers_words(detector: Detector) -> None:
    """With who, how many, how many else, and where most are going; and it ends."""
    watch(detector, flights_in([5, 8, 0]), range(60))
    busy = flights_in([17, 8, 0])
    began = watch(detector, busy, range(60, 120))
    assert [each.anomaly_type for each in began] == ["traffic_spike"]
    (spike,) = detector.active
    assert spike.sector_name == "YSSY_CTR"
    assert spike.score >= 0.9
    assert spike.description == (
        "YSSY_CTR has 17 aircraft; at this hour on Thursdays 3 to 5 are usual. All 17 are inbound "
        "to YMML, all 17 come from YSSY."
    )
    assert spike.evidence.callsigns[0] == "QFA1"
    assert 0 <= spike.noticed_s - (EVENING_S + 3_600) <= 1_500
    assert spike.began_s < spike.noticed_s
    assert detector.score(0) >= 0.9
    assert detector.score(1) < 0.5
    # They have flown on; who is not there at all has left the network, which is another thing.
    onward = [
        (-1 if number >= 5 and each[0] == 0 else each[0], each[1])
        for number, each in enumerate(busy)
    ]
    assert watch(detector, onward, range(120, 200)) == []
    assert detector.active == ()
    assert [each.anomaly_id for each in detector.recent] == [spike.anomaly_id]
    assert detector.recent[0].ended_s is not None
    assert detector.get(spike.anomaly_id) == detector.recent[0]


def test_of_a_sector_drawn_last_week_too_little_is_known_to_tell(airports: Airports) -> None:
    """Unknown is not zero: twelve aircraft where nobody was counted before are no spike."""

    def drawn_later(start_s: np.ndarray) -> np.ndarray:
        means = wobbling(start_s)
        means[0, start_s < EVENING_S - 3 * 86_400] = np.nan
        return means

    detector = Detector(SPACE, airports, Utc(), Week(drawn_later))
    watch(detector, flights_in([5, 8, 0]), range(60))
    began = watch(detector, flights_in([17, 22, 0]), range(60, 120))
    assert [each.sector_name for each in began if each.anomaly_type == "traffic_spike"] == [
        "YMML_CTR"
    ]
    number = {each.name: each.sector_id for each in SPACE.sectors}
    assert detector.score_of(number["YSSY_CTR"]) == 0.0
    assert detector.is_too_few_of(number["YSSY_CTR"])
    assert not detector.is_too_few_of(number["YMML_CTR"])
    assert not detector.is_too_few_of(-1)


def test_a_lull_is_one_but_a_stalled_feed_is_none(detector: Detector) -> None:
    """Nobody in a sector that has eight; but not where positions are old everywhere."""
    watch(detector, flights_in([5, 8, 0]), range(60))
    assert watch(detector, flights_in([5, 0, 0]), range(60, 90), age_s=170) == []
    watch(detector, flights_in([5, 8, 0]), range(90, 150))
    began = watch(detector, flights_in([5, 0, 0]), range(150, 240))
    assert ("traffic_lull", "YMML_CTR") in [(e.anomaly_type, e.sector_name) for e in began]


def test_where_no_feed_comes_nothing_is_told(detector: Detector) -> None:
    """A gap of two hours, and the first quarter of an hour behind it."""
    watch(detector, flights_in([5, 8, 0]), range(60))
    assert watch(detector, flights_in([5, 0, 0]), range(180, 188)) == []


def test_what_the_forecast_said_is_not_unusual(detector: Detector) -> None:
    """17 were said an hour before."""
    said = replace(_issued(EVENING_S), mean=_issued(EVENING_S).mean + 12)
    for minute in range(-60, 120, 5):
        detector.hear(replace(said, as_of_s=EVENING_S + 60 * minute))
    watch(detector, flights_in([5, 8, 0]), range(60))
    assert watch(detector, flights_in([17, 20, 12]), range(60, 120)) == []


def _issued(as_of_s: int) -> Issued:
    shape = (len(NAMES), 17)
    nothing = np.full(len(NAMES), np.nan, np.float32)
    return Issued(
        as_of_s=as_of_s,
        seq=1,
        model="",
        sector_id=np.array([each.sector_id for each in SPACE.sectors]),
        leads_s=np.arange(17) * 900,
        basis=np.zeros(len(NAMES), np.int8),
        current=np.zeros(len(NAMES), np.int32),
        capacity=nothing,
        mean=np.broadcast_to(USUAL[:, None], shape).astype(np.float32),
        quantiles=np.zeros((*shape, 5), np.float32),
        p_zero=np.zeros(shape, np.float32),
        p_over_capacity=np.full(shape, np.nan, np.float32),
        plan_mean=np.zeros(shape, np.float32),
        naive=np.zeros(shape, np.float32),
    )


def test_flights_that_leave_at_once_are_a_disconnection(detector: Detector) -> None:
    """Of one sector, with the callsigns; those back are counted."""
    here = flights_in([12, 60, 0])
    watch(detector, here, range(10))
    left = [each for each in here if each[0] != 0]
    began = watch(detector, left, range(10, 13))
    (told,) = [each for each in began if each.anomaly_type == "mass_disconnect"]
    assert (told.sector_name, told.evidence.scope) == ("YSSY_CTR", "sector")
    assert "12 of 12 flights in YSSY_CTR left the network in the air around 19:10Z" in (
        told.description
    )
    watch(detector, here[:4] + left, range(13, 15))
    now = detector.get(told.anomaly_id)
    assert now is not None
    assert "4 of them are back" in now.description


def test_one_short_feed_is_no_disconnection(detector: Detector) -> None:
    """Everybody is there again a minute later."""
    here = flights_in([12, 20, 0])
    watch(detector, here, range(10))
    began = watch(detector, here[:5], range(10, 11))
    began += watch(detector, here, range(11, 14))
    assert [each for each in began if each.anomaly_type == "mass_disconnect"] == []


def test_a_network_that_goes_is_told_once_and_is_no_lull(detector: Detector) -> None:
    """All sectors lose alike: the network, not the sectors; and quiet is not unusual then."""
    here = flights_in([10, 30, 0])
    watch(detector, here, range(30))
    left = [each for number, each in enumerate(here) if number % 5 == 0]
    began = watch(detector, left, range(30, 75))
    told = [each for each in began if each.anomaly_type == "mass_disconnect"]
    assert [each.evidence.scope for each in told] == ["network"]
    assert told[0].description.startswith("The whole network lost 32 of 40 flights")
    assert [each for each in began if each.anomaly_type == "traffic_lull"] == []


def test_those_who_land_and_log_off_did_not_leave_at_once(detector: Detector) -> None:
    """A dozen on final approach at Sydney, gone a minute later."""
    sydney = flights_in([12])
    for minute in range(3):
        tick = tick_of(EVENING_S + 60 * minute, sydney, 3, altitude_ft=1_200, latitude=-33.97)
        at = np.full(12, 151.17)
        detector.look(replace(tick, live=replace(tick.live, longitude=at)))
    began = watch(detector, flights_in([0, 20]), range(3, 8))
    assert [each for each in began if each.anomaly_type == "mass_disconnect"] == []


def test_a_mix_that_is_not_the_usual_one_is_told(detector: Detector) -> None:
    """As many as ever, but all for Hobart."""
    for hour in range(52):
        places = ("YMML", "YBBN", "YPAD", "YPPH")
        usual = [
            (sector, replace_plan(each, places[number % 4], hour * 60 + number))
            for number, (sector, each) in enumerate(flights_in([9, 9, 0]))
        ]
        watch(detector, usual, range(60 * hour, 60 * hour + 60), step=10)
    odd = [(s, replace_plan(f, "YMHB", 90_000 + n)) for n, (s, f) in enumerate(flights_in([12]))]
    others = [each for each in usual if each[0] != 0]
    began = watch(detector, odd + others, range(52 * 60, 52 * 60 + 60), step=5)
    mixes = [each for each in began if each.anomaly_type == "unusual_mix"]
    assert [each.sector_name for each in mixes] == ["YSSY_CTR"]
    assert "are inbound to YMHB; usually hardly any do" in mixes[0].description.replace(
        "fly from YSSY to YMHB", "are inbound to YMHB"
    )


def replace_plan(flight: Flight, arrival: str, number: int) -> Flight:
    """The flight of another hour, to another place."""
    import msgspec  # noqa: PLC0415

    from made_ticks import plan  # noqa: PLC0415

    return msgspec.structs.replace(
        flight, flight_id=10_000 + number, plan=plan("YSSY", arrival, cruise_tas_kt=450)
    )


def test_a_restart_forgets_neither_episodes_nor_what_was_learned(
    detector: Detector, airports: Airports
) -> None:
    """The same anomaly under the same id; in another airspace it is not there."""
    watch(detector, flights_in([5, 8, 0]), range(60))
    watch(detector, flights_in([17, 8, 0]), range(60, 120))
    kept = detector.to_arrays()
    again = Detector(SPACE, airports, Utc(), Week(wobbling))
    again.take_up(kept)
    assert again.active == detector.active
    assert watch(again, flights_in([17, 8, 0]), range(121, 160)) == []
    assert [each.anomaly_id for each in again.active] == [
        each.anomaly_id for each in detector.active
    ]
    other = Detector(airspace("A", "B"), airports, Utc(), Week(wobbling))
    other.take_up(kept)
    assert other.active == ()


def test_those_back_from_an_outage_leave_no_lull_behind(detector: Detector) -> None:
    """Half an hour without the network is in the means for a while after it is back."""
    here = flights_in([10, 30, 0])
    watch(detector, here, range(30))
    watch(detector, here[::5], range(30, 60))
    began = watch(detector, here, range(60, 150))
    assert [each for each in began if each.anomaly_type == "traffic_lull"] == []


def test_an_outage_goes_on_over_a_restart(detector: Detector, airports: Airports) -> None:
    """Who was missing before it is no lull behind it."""
    here = flights_in([10, 30, 0])
    watch(detector, here, range(30))
    watch(detector, here[::5], range(30, 40))
    again = Detector(SPACE, airports, Utc(), Week(wobbling))
    again.take_up(unpack_columns(pack_columns(detector.to_arrays())))
    assert watch(again, here[::5], range(41, 80)) == []


def test_many_fewer_behind_a_gap_are_no_lull(detector: Detector) -> None:
    """The feed was away with the network, and is back before its pilots are."""
    here = flights_in([10, 30, 0])
    watch(detector, here, range(30))
    assert watch(detector, here[::5], range(45, 90)) == []


def test_what_goes_on_is_not_over_because_nothing_is_known(detector: Detector) -> None:
    """A spike before positions stand still for 40 min is the same one behind that."""
    watch(detector, flights_in([5, 8, 0]), range(60))
    busy = flights_in([17, 8, 0])
    (spike,) = watch(detector, busy, range(60, 120))
    assert watch(detector, busy, range(120, 160), age_s=170) == []
    assert watch(detector, busy, range(160, 220)) == []
    assert [each.anomaly_id for each in detector.active] == [spike.anomaly_id]


def test_airports_that_share_a_trait_are_told_apart() -> None:
    """They are counted by their own names, the most frequent one is told."""
    traits = Traits()
    by_place: dict[int, str] = {}
    for number in range(5_000):
        name, place = f"K{number:04d}", zlib.crc32(f"K{number:04d}".encode()) % 2_048
        if place in by_place:
            pair = by_place[place], name
            break
        by_place[place] = name
    flights = [
        replace_plan(flight, pair[number >= 3], number)
        for number, (_, flight) in enumerate(flights_in([8]))
    ]
    live = tick_of(EVENING_S, [(0, each) for each in flights], 3).live
    found = traits.of(live, np.arange(8))
    assert len(set(found[:, 0].tolist())) == 1
    ids = [each.flight_id for each in flights]
    assert traits.most(int(found[0, 0]), ids) == (f"are inbound to {pair[1]}", 5)
    assert traits.most(int(found[0, 3]), ids)[1] == 8
