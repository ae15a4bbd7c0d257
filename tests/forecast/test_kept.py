from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pytest

from made_forecasts import issued
from made_ticks import START_S
from sectorwatch.errors import StoreError
from sectorwatch.forecast.issued import Issued
from sectorwatch.forecast.kept import (
    Readable,
    decode_issued,
    encode_issued,
    keep_issued,
    kept_issues,
)
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.columns import pack_columns, unpack_columns

if TYPE_CHECKING:
    from pathlib import Path

WITH_UNKNOWN = {
    "naive": np.where(np.arange(17) % 3 == 1, np.nan, 2.5) * np.ones((3, 1)),
    "capacity": np.array([np.nan, 12.0, 7.5], np.float32),
    "p_over_capacity": np.array([[np.nan], [0.25], [1.0]]) * np.ones(17),
}


def test_an_issue_comes_back_as_it_was_issued() -> None:
    """Every field, to three digits; what is unknown stays unknown."""
    made = issued(START_S, np.geomspace(0.01, 90, 51).reshape(3, 17), **WITH_UNKNOWN)
    back = decode_issued(encode_issued(made), START_S, 1, "m1")
    for each in fields(Issued):
        was, found = getattr(made, each.name), getattr(back, each.name)
        if isinstance(was, np.ndarray):
            assert np.allclose(found, was, rtol=0.005, atol=0.002, equal_nan=True), each.name
        else:
            assert found == was


def test_what_is_kept_is_what_was_said_first(tmp_path: Path) -> None:
    """Issues come back in order from a store opened anew; a second one of a moment is not taken."""
    with DataDirectory.open(tmp_path / "data") as directory:
        with Store.open(directory) as store:
            assert keep_issued(store.forecasts, issued(START_S, 2.0))
            assert keep_issued(store.forecasts, issued(START_S + 300, 3.0))
            assert not keep_issued(store.forecasts, issued(START_S, 9.0))
        with Store.open(directory) as store:
            back = kept_issues(store.forecasts, START_S, START_S + 600, readable=Readable())
    assert [(each.as_of_s, round(float(each.mean[0, 0]))) for each in back] == [
        (START_S, 2),
        (START_S + 300, 3),
    ]


@pytest.mark.parametrize(
    ("name", "new"), [("levels", None), ("naive", np.zeros(4)), ("levels", np.zeros((4, 3, 17)))]
)
def test_what_does_not_fit_together_is_told(name: str, new: np.ndarray | None) -> None:
    """A column that is missing or of another shape is damage, not a forecast."""
    columns = unpack_columns(encode_issued(issued(START_S)))
    if new is None:
        del columns[name]
    else:
        columns[name] = new
    with pytest.raises(StoreError, match=f"forecast of {START_S}"):
        decode_issued(pack_columns(columns), START_S, 1, "m1")
