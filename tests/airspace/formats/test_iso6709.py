from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.airspace.formats.iso6709 import points_of


@pytest.mark.parametrize(
    ("text", "longitude", "latitude"),
    [
        ("-335646.000+1511037.000", 151 + 10 / 60 + 37 / 3600, -(33 + 56 / 60 + 46 / 3600)),
        ("-3356.5+15110.25", 151 + 10.25 / 60, -(33 + 56.5 / 60)),
        ("-33.9461+151.1772", 151.1772, -33.9461),
        ("+12.345-098.765", -98.765, 12.345),
        ("-00.5+000.25", 0.25, -0.5),
        ("-335646+1511037", 151 + 10 / 60 + 37 / 3600, -(33 + 56 / 60 + 46 / 3600)),
        ("-335646.0+1511037.0+15.9", 151 + 10 / 60 + 37 / 3600, -(33 + 56 / 60 + 46 / 3600)),
        ("-001060.000+1405460.000", 140 + 55 / 60, -(11 / 60)),
    ],
)
def test_points_are_read_in_all_three_ways(text: str, longitude: float, latitude: float) -> None:
    """Degrees, degrees and minutes, degrees, minutes and seconds; 60 seconds are the next minute."""
    (point,) = points_of(text)
    assert point == pytest.approx((longitude, latitude))


def test_points_in_a_row_are_parted_by_slashes() -> None:
    """Line breaks and blanks between them are no matter."""
    assert points_of(" -10+130/\n\t-10+140/ -20+140\n") == [(130, -10), (140, -10), (140, -20)]
    assert points_of("-10+130/-10+140") == [(130, -10), (140, -10)]
    assert points_of("") == []


@pytest.mark.parametrize(
    "text",
    ["ELBIS", "-10+1", "10+130", "-10130", "-1+130", "-335661.000+1511037.000", "-336146+1511037",
     "-335+1511037", "-33.9+15117.7.7", "-33.9 +151.1", "-\u0661\u0661+130"],
)  # fmt: skip
def test_what_is_no_point_is_refused(text: str) -> None:
    """A fix by name, digits missing, more than 60 seconds: the message shows it."""
    with pytest.raises(ValueError, match=r"no point|seconds|neither"):
        points_of(text)


def test_too_many_points_are_refused() -> None:
    """A boundary of 200,001 points is none."""
    with pytest.raises(ValueError, match="200,001 points"):
        points_of("-10+130/" * 200_001)


@given(st.floats(-89.9, 89.9), st.floats(-179.9, 179.9))
def test_a_point_written_in_seconds_is_read_back(latitude: float, longitude: float) -> None:
    """Writing to a millisecond of arc and reading is good to a few centimetres."""

    def written(angle: float, digits: int) -> str:
        thousandths = round(abs(angle) * 3_600_000)
        minutes, rest = divmod(thousandths, 60_000)
        whole = f"{minutes // 60:0{digits}d}{minutes % 60:02d}"
        return f"{'-' if angle < 0 else '+'}{whole}{rest // 1000:02d}.{rest % 1000:03d}"

    (point,) = points_of(written(latitude, 2) + written(longitude, 3))
    assert point == pytest.approx((longitude, latitude), abs=2e-7)


@given(st.text(max_size=40))
def test_any_text_is_points_or_a_value_error(text: str) -> None:
    """Nothing else comes out, and no angle is beyond what its digits can say."""
    try:
        points = points_of(text)
    except ValueError:
        return
    assert all(abs(x) <= 1_000 and abs(y) <= 101 for x, y in points)
