"""Numbers that name things."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.traffic.ids import flight_id, prefile_id, session_id


@given(st.integers(), st.text(st.characters()), st.integers())
def test_they_fit_a_signed_column_and_are_always_the_same(cid: int, text: str, time_s: int) -> None:
    """63 bits, whatever the callsign is made of."""
    for number in (
        flight_id(cid, text, time_s),
        session_id(cid, text, time_s, time_s),
        prefile_id(cid, text, time_s, b"{}"),
    ):
        assert 0 <= number < 2**63
    assert flight_id(cid, text, time_s) == flight_id(cid, text, time_s)
    assert flight_id(cid, text, time_s) != session_id(cid, text, time_s, time_s)


def test_a_number_once_given_stays() -> None:
    """Stored rows are found by these numbers: they may never become others."""
    assert flight_id(90011312, "ELY005", 1_627_901_970) == 6750387281144567355
