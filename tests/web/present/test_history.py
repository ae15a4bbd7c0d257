"""What is kept of a flight, as answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from made_ticks import START_S, flight
from sectorwatch.store.blobs import StoredPositions
from sectorwatch.store.lost import Lost
from sectorwatch.store.queries_tracks import Track
from sectorwatch.traffic.tick import Visit
from sectorwatch.web.present.history import (
    flight_stats,
    lost_words,
    track_answer,
    track_features,
    visit_answer,
)


def track(*points: tuple[float, float], airborne: bool = True) -> Track:
    """A track through these (longitude, latitude), 15 s apart, each 1,000 ft higher."""
    count = len(points)
    zeros = np.zeros(count, dtype=np.int32)
    lon, lat = np.array(points, dtype=np.float64).reshape(count, 2).T
    kept = StoredPositions(
        flight_id=np.full(count, 1_000, dtype=np.int64),
        time_s=START_S + 15 * np.arange(count, dtype=np.int64),
        latitude_e5=(lat * 1e5).round().astype(np.int32),
        longitude_e5=(lon * 1e5).round().astype(np.int32),
        altitude_ft=1_000 * np.arange(count, dtype=np.int32),
        groundspeed_kt=zeros + 250,
        heading_deg=zeros + 90,
        transponder=zeros - 1,
        qnh_mb=zeros - 1,
        airborne=np.full(count, airborne),
    )
    return Track(flight(1_000, "QFA12"), kept)


def geometry(*points: tuple[float, float]) -> Any:
    """The shape of a track through these."""
    (feature,) = track_features(track(*points)).features
    return feature.geometry


def test_a_line_has_a_point_a_position_and_metres_up() -> None:
    """Longitude first, altitude in metres, as GeoJSON wants it."""
    line = geometry((150.0, -30.0), (151.0, -31.0))
    assert line.type == "LineString"
    assert line.coordinates == [[150.0, -30.0, 0.0], [151.0, -31.0, 304.8]]


def test_one_position_is_a_point_and_none_no_shape() -> None:
    """A line needs two."""
    assert geometry((150.0, -30.0)).type == "Point"
    assert geometry() is None


def test_a_track_across_the_antimeridian_is_cut_there() -> None:
    """No line goes round the world: it ends at 180 degrees and begins again on the other side."""
    there = geometry((178.0, 0.0), (179.0, 1.0), (-179.0, 3.0), (-178.0, 4.0))
    assert there.type == "MultiLineString"
    west, east = there.coordinates
    assert west[-1][:2] == [180.0, 2.0]
    assert east[0][:2] == [-180.0, 2.0]
    assert (len(west), len(east)) == (3, 3)
    and_back = geometry((179.0, 0.0), (-179.0, 0.0), (179.0, 2.0)).coordinates
    assert [[point[0] for point in line] for line in and_back] == [
        [179.0, 180.0],
        [-180.0, -179.0, -180.0],
        [180.0, 179.0],
    ]


def test_every_piece_of_a_cut_line_stays_on_its_side() -> None:
    """Whatever crosses, wherever: no step in any piece is longer than half the world."""
    rng = np.random.default_rng(7)
    for _ in range(200):
        points = [(float(lon), 0.0) for lon in rng.uniform(-180, 179.9, 6)]
        shape = geometry(*points)
        lines = shape.coordinates if shape.type == "MultiLineString" else [shape.coordinates]
        for line in lines:
            assert len(line) >= 2
            assert np.abs(np.diff([point[0] for point in line])).max() <= 180
        seen = [tuple(p[:1]) for line in lines for p in line if abs(p[0]) != 180]
        assert seen == [(round(lon, 5),) for lon, _ in points if abs(lon) != 180]


def test_a_track_lists_its_positions() -> None:
    """Oldest first, each with its time."""
    answer = track_answer(track((150.0, -30.0), (151.0, -31.0)))
    assert answer.count == 2
    assert answer.points[1].altitude_ft == 1_000
    assert answer.points[0].time < answer.points[1].time


def test_figures_of_a_flight_that_never_moved() -> None:
    """Nothing is divided by nothing."""
    stats = flight_stats(track(), 0, 0, None)
    assert (stats.positions, stats.online_s, stats.airborne_s) == (0, 0, 0)
    assert stats.mean_groundspeed_kt is None
    assert stats.max_altitude_ft is None
    assert stats.direct_distance_nm is None
    parked = flight_stats(track((150.0, -30.0), (150.0, -30.0), airborne=False), 0, 0, 12.3456)
    assert (parked.airborne_s, parked.mean_groundspeed_kt) == (0, None)
    assert parked.direct_distance_nm == pytest.approx(12.35)


def test_a_visit_of_a_sector_that_is_no_more_keeps_its_number() -> None:
    """The airspace of today may not have what was flown through then."""
    visit = Visit(1, 77, START_S, 1.0, 2.0, 3)
    shown = visit_answer(visit, {})
    assert (shown.sector, shown.partition, shown.duration_s) == ("77", "unknown", None)


def test_what_is_lost_is_said_by_kind() -> None:
    """With why; nothing is said where nothing is lost."""
    cut = Lost(0, 86_400, "the sealed file demand-0.parquet is missing or damaged")
    words = lost_words({"visits": [], "demand": [cut, cut]})
    assert words.startswith(" Of demand between 1970-01-01T00:00:00Z and 1970-01-02T00:00:00Z")
    assert "(and 1 more)" in words
    assert "visits" not in words
    assert lost_words({"visits": []}) == ""
