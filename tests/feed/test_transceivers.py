from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.made import encode
from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.records import Station, Transceiver
from sectorwatch.feed.transceivers import channel_khz, decode_transceivers, frequency_khz

if TYPE_CHECKING:
    from pathlib import Path


def radio(**changes: Any) -> dict[str, Any]:
    """A radio as the feed has it."""
    return {
        "id": 1,
        "frequency": 122800010,
        "latDeg": -33.9,
        "lonDeg": 151.2,
        "heightMslM": 1000.5,
        "heightAglM": 990.0,
        **changes,
    }


def station(callsign: Any = "QFA1", *radios: Any) -> dict[str, Any]:
    """A station with radios."""
    return {"callsign": callsign, "transceivers": list(radios)}


def test_stations_are_read_with_their_radios_as_they_came() -> None:
    """Frequencies stay in Hz, heights in metres; the times are those that were given."""
    snapshot = decode_transceivers(encode([station("QFA1", radio()), station("ML_CTR")]), 7, 9)
    assert (snapshot.time_us, snapshot.received_at_us) == (7, 9)
    assert snapshot.stations == [
        Station("QFA1", (Transceiver(1, 122800010, -33.9, 151.2, 1000.5, 990.0),)),
        Station("ML_CTR", ()),
    ]
    assert snapshot.noted == {"radio_off_channel": 1, "no_radios": 1}
    assert (snapshot.repaired, snapshot.dropped) == ({}, {})


def test_up_to_a_hundred_radios_of_a_station_are_kept() -> None:
    """43 have been seen on one station; what is beyond a hundred is dropped."""
    radios = [radio(id=number, frequency=118000000) for number in range(143)]
    (one,) = decode_transceivers(encode([station("BIG", *radios[:43])]), 0, 0).stations
    assert len(one.transceivers) == 43
    snapshot = decode_transceivers(encode([station("BIG", *radios)]), 0, 0)
    assert len(snapshot.stations[0].transceivers) == 100
    assert snapshot.dropped == {"no_radio": 43}


@pytest.mark.parametrize(
    ("changes", "counted"),
    [
        ({"latDeg": None}, {"no_radio": 1}),
        ({"lonDeg": None}, {"no_radio": 1}),
        ({"latDeg": 90.5}, {"no_radio": 1}),
        ({"lonDeg": 400}, {"no_radio": 1}),
        ({"frequency": None}, {"no_radio": 1}),
        ({"frequency": 0}, {"radio_untuned": 1}),
        ({"frequency": 199998000}, {"radio_untuned": 1}),
        ({"frequency": -1}, {"no_radio": 1}),
        ({"frequency": 10**20}, {"no_radio": 1}),
        ({"latDeg": "north"}, {"no_radio": 1, "wrong_type": 1}),
        ({"lonDeg": 180}, {"longitude_wrapped": 1}),
        ({"heightMslM": None}, {"radio_height": 1}),
        ({"heightMslM": -1.2}, {"radio_below_sea": 1}),
        ({"heightAglM": 1e9}, {"radio_height": 1}),
        ({"frequency": "118100000"}, {"wrong_type": 1}),
        ({"frequency": 118100000.0}, {}),
    ],
)
def test_a_bad_radio_is_repaired_or_dropped_alone(
    changes: dict[str, Any], counted: dict[str, int]
) -> None:
    """Its neighbours stay, and the reason is counted."""
    good = radio(id=2, frequency=118100000)
    bad = {**radio(frequency=118100000), **changes}
    snapshot = decode_transceivers(encode([station("QFA1", bad, good), station("B", good)]), 0, 0)
    assert {**snapshot.repaired, **snapshot.dropped, **snapshot.noted} == counted
    first, second = snapshot.stations
    assert first.transceivers[-1].id == 2
    assert len(first.transceivers) == 2 - counted.get("no_radio", 0)
    assert len(second.transceivers) == 1
    for each in first.transceivers:
        assert -180 <= each.longitude < 180


def test_a_radio_at_nan_is_dropped_and_its_station_stays() -> None:
    """What some write that is no JSON costs the radio, not the others on the station."""
    document = encode([station("QFA1", radio(), radio(id=2))]).replace(b"-33.9", b"NaN", 1)
    snapshot = decode_transceivers(document, 0, 0)
    assert [each.id for each in snapshot.stations[0].transceivers] == [2]
    assert snapshot.dropped == {"no_radio": 1}


def test_stations_without_a_name_or_twice_are_dropped() -> None:
    """The first of a callsign counts; callsigns are normalised as pilots' are."""
    stations = [station(" qfa1 ", radio()), station(None), station("QFA1"), 7, "x", station("B")]
    snapshot = decode_transceivers(encode(stations), 0, 0)
    assert [each.callsign for each in snapshot.stations] == ["QFA1", "B"]
    assert snapshot.dropped == {"no_callsign": 1, "duplicate": 1, "not_a_record": 2}
    assert snapshot.repaired == {"callsign_cleaned": 1}


def test_radios_that_are_no_list_are_none() -> None:
    """A station may have them null; anything else is counted."""
    stations = [
        {"callsign": "A", "transceivers": None},
        {"callsign": "B", "transceivers": "x"},
        {"callsign": "C"},
    ]
    snapshot = decode_transceivers(encode(stations), 0, 0)
    assert [each.transceivers for each in snapshot.stations] == [(), (), ()]
    assert snapshot.dropped == {"not_a_record": 1}


@pytest.mark.parametrize(
    ("document", "reason"), [(b"{}", "wrong_shape"), (b"<html>", "not_json"), (b"[{", "truncated")]
)
def test_what_is_no_list_is_refused(document: bytes, reason: str) -> None:
    """The whole is refused with the reason."""
    with pytest.raises(FeedRefusedError) as refusal:
        decode_transceivers(document, 0, 0)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("frequency_hz", "khz"),
    [
        (122800000, 122800),
        (122800010, 122800),
        (122800001, 122800),
        (118005000, 118005),
        (118008333, 118010),
        (118010000, 118010),
        (118016667, 118015),
        (118015000, 118015),
        (118020000, 118025),
        (118025000, 118025),
        (118030000, 118030),
        (118045000, 118050),
        (118070000, 118075),
        (118095000, 118100),
        (121500020, 121500),
        (6547000, 6547),
        (12280000, 12280),
        (199998000, None),
        (0, None),
        (-118000000, None),
        (10**20, None),
    ],
)
def test_frequencies_are_brought_to_the_channel_s_name(frequency_hz: int, khz: int | None) -> None:
    """Carriers beside the channel, names of 8.33 kHz channels, names of two decimals, HF."""
    assert channel_khz(frequency_hz) == khz


@given(st.integers(118_000, 136_990))
def test_the_name_of_a_channel_is_its_own_name(khz: int) -> None:
    """Normalising a name gives a name that ends as names do, and stays as it is."""
    name = channel_khz(khz * 1000)
    assert name is not None
    assert name % 25 in {0, 5, 10, 15}
    assert abs(name - khz) <= 7
    assert channel_khz(name * 1000) == name


@pytest.mark.parametrize(
    ("text", "khz"),
    [
        ("118.100", 118100),
        ("118.02", 118025),
        ("132.005", 132005),
        ("199.998", None),
        ("", None),
        ("x", None),
        ("inf", None),
    ],
)
def test_a_controller_s_frequency_has_a_channel(text: str, khz: int | None) -> None:
    """Text in MHz and a radio's Hz meet in one name."""
    assert frequency_khz(text) == khz


@pytest.mark.real_data
def test_the_real_feed_is_read_whole(real_data: Path) -> None:
    """892 callsigns, 1,261 radios, 43 of them on one station, some below the sea, many off channel."""
    (path,) = (real_data / "transceivers").glob("*.json")
    document = path.read_bytes()
    snapshot = decode_transceivers(document, 0, 0)
    assert len(snapshot.stations) == 892
    assert sum(len(each.transceivers) for each in snapshot.stations) == 1261
    assert max(len(each.transceivers) for each in snapshot.stations) == 43
    assert (snapshot.repaired, snapshot.dropped) == ({}, {})
    assert snapshot.noted["no_radios"] == 27
    assert snapshot.noted["radio_below_sea"] == 3
    assert snapshot.noted["radio_untuned"] >= 4
    assert snapshot.noted["radio_off_channel"] > 500
    value = json.loads(document)
    value[5]["transceivers"] = [{"latDeg": "NaN"}]
    one_bad = decode_transceivers(encode(value), 0, 0)
    others = [place for place in range(892) if place != 5]
    assert [one_bad.stations[n] for n in others] == [snapshot.stations[n] for n in others]
