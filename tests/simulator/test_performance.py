from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.simulator import performance
from sectorwatch.simulator.draws import Draws
from sectorwatch.simulator.performance import CLASSES, SLOWEST, TYPES

KINDS = st.integers(0, len(CLASSES) - 1)


def _profile(
    kind: int, path_nm: float, minutes: float, cruise_ft: float, fields_ft: tuple[float, float]
) -> performance.Profile:
    return performance.profile_of(
        np.array([kind]),
        np.array([path_nm]),
        np.array([minutes * 60]),
        np.array([cruise_ft]),
        (np.array([fields_ft[0]]), np.array([fields_ft[1]])),
    )


@given(
    KINDS,
    st.floats(5.0, 8_000.0),
    st.floats(30.0, 650.0),
    st.floats(2_000.0, 45_000.0),
    st.tuples(st.floats(-100.0, 8_000.0), st.floats(-100.0, 8_000.0)),
)
def test_a_flight_covers_its_path_in_its_time(
    kind: int,
    path_nm: float,
    mean_kt: float,
    cruise_ft: float,
    fields_ft: tuple[float, float],
) -> None:
    """Exactly, holding included; speed is the rate of it, and never below what can be flown."""
    minutes = max(path_nm / mean_kt * 60, 4.0)
    profile = _profile(kind, path_nm, minutes, cruise_ft, fields_ft)
    times = np.linspace(0.0, minutes * 60, 200)
    rows = np.zeros(200, dtype=np.intp)
    flown = performance.flown_nm(profile, rows, times)
    assert abs(flown[0]) < 1e-6
    assert abs(flown[-1] - path_nm - profile.hold_nm[0]) < 1e-3 * path_nm + 0.01
    assert (np.diff(flown) >= -1e-9).all()
    speed = performance.speed_kt(profile, rows, times)
    rate = np.diff(flown) / np.diff(times) * 3_600
    assert (rate <= np.maximum(speed[:-1], speed[1:]) + 1).all()
    altitude = performance.altitude_ft(profile, rows, times)
    assert abs(altitude[0] - fields_ft[0]) < 1
    assert abs(altitude[-1] - fields_ft[1]) < 1
    assert altitude.max() <= max(cruise_ft, *fields_ft) + 500 + 1
    assert altitude.min() >= min(fields_ft) - 1


@given(st.integers(0, 2**30), st.floats(30.0, 4_000.0), st.floats(0.9, 1.1))
def test_who_is_chosen_for_a_usual_flight_flies_at_about_his_usual_speed(
    member: int, path_nm: float, wind: float
) -> None:
    """And holds nothing."""
    cruise = np.array([min(35_000.0, 4_000 + path_nm * 80)])
    kind = performance.draw_class(np.array([path_nm]), Draws(1).uniform(np.array([member]), "x"))
    path = np.array([path_nm])
    duration = performance.flight_time_s(kind, path, cruise, np.array([wind]))
    chosen = performance.choose_class(Draws(2), np.array([member]), path, duration, cruise)
    profile = performance.profile_of(chosen, path, duration, cruise, (np.zeros(1), np.zeros(1)))
    assert profile.hold_nm[0] == 0
    usual = profile.cruise_kt[0] / CLASSES[int(chosen[0])].cruise_kt
    assert SLOWEST * 0.6 < usual < 1.35


def test_each_class_has_types_and_each_type_a_class() -> None:
    """And what is filed of them can be read."""
    assert {each.kind for each in TYPES} == set(range(len(CLASSES)))
    for each in TYPES:
        assert 2 <= len(each.icao) <= 4
        assert each.wake in "LMHJ"
        assert each.share > 0
