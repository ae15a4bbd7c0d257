"""`/api/ml/accuracy`, asked of a running instance by HTTP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from web.system import Client

PATH = "/api/ml/accuracy"


def test_it_says_what_there_is(client: Client) -> None:
    """Of the forecasts that were issued while the two hours of the network came in, or none yet."""
    deadline = time.monotonic() + 60
    while not (found := client.get(PATH).json())["scored"] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found["sector_name"] is None
    assert found["scored"] > 0
    assert found["horizons"][0]["scored"] > 0
    assert found["horizons"][0]["mean_absolute_error"] >= 0
    assert found["time_zone"].startswith("Australia/")
    assert "forecasts scored of the last day" in found["statement"]


def test_one_sector_and_one_horizon(client: Client) -> None:
    """Those alone."""
    found = client.get(f"{PATH}?sector_name=YSSY_CTR&horizon=1&days=7").json()
    assert (found["sector_name"], found["days"]) == ("YSSY_CTR", 7)
    assert {each["lead_min"] for each in found["horizons"]} <= {60}
    assert {each["sector_name"] for each in found["by_sector"]} <= {"YSSY_CTR"}


def test_a_sector_nobody_has_is_told_with_the_nearest(client: Client) -> None:
    """404, as for every name."""
    answer = client.get(f"{PATH}?sector_name=YSSY_CTX")
    assert answer.status == 404
    assert "YSSY_CTR" in answer.json()["nearest"]


@pytest.mark.parametrize(
    "query", ["horizon=3", "horizon=soon", "days=0", "days=29", "sector=X", "partition=made:fir"]
)
def test_other_words_are_refused(client: Client, query: str) -> None:
    """422 that names the parameter."""
    assert client.get(f"{PATH}?{query}").status == 422


def test_an_answer_that_is_held_is_not_sent_again(client: Client) -> None:
    """It has an ETag."""
    deadline = time.monotonic() + 60
    status = 0
    # Scores may come in between two questions, but not for ever: the network stands still.
    while status != 304 and time.monotonic() < deadline:
        held = client.get(PATH).headers["etag"]
        status = client.ask("GET", PATH, {"If-None-Match": held}).status
    assert status == 304
