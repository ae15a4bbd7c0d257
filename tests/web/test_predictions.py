"""`/api/ml/predictions`, asked of a running instance by HTTP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from sectorwatch.clock import parse_us

if TYPE_CHECKING:
    from web.system import Client, System

PATH = "/api/ml/predictions"
FIELDS = [
    "sector_name",
    "current_demand",
    "predicted_demand_1h",
    "predicted_demand_2h",
    "predicted_demand_4h",
    "confidence_score",
    "trend_direction",
    "anomaly_score",
]


def predicted(client: Client, query: str = "") -> dict[str, Any]:
    """An answer once there is a forecast, which comes a moment after the first tick."""
    deadline = time.monotonic() + 60
    while True:
        found = client.get(f"{PATH}{query}").json()
        if found["basis"] != "none" or time.monotonic() > deadline:
            assert isinstance(found, dict)
            return found
        time.sleep(0.05)


def test_the_fields_of_the_specification_come_first(client: Client) -> None:
    """Those names in that order, with those types; what more there is follows."""
    found = predicted(client)
    assert list(found)[: len(FIELDS)] == FIELDS
    kinds: tuple[type, ...] = (str, int, int, int, int, float, str, float)
    for name, kind in zip(FIELDS, kinds, strict=True):
        assert isinstance(found[name], (kind, int) if kind is float else kind), name
    assert found["trend_direction"] in {"increasing", "decreasing", "stable"}
    assert 0 <= found["confidence_score"] <= 1
    assert 0 <= found["anomaly_score"] <= 1


def test_without_a_name_it_is_about_the_busiest(client: Client, system: System) -> None:
    """No home sector is set in this instance."""
    tick = system.application.latest
    assert tick is not None
    found = predicted(client)
    assert found["current_demand"] == tick.live.occupancy.max()
    assert found["current_demand"] > 0


def test_with_a_partition_it_is_about_the_busiest_in_there(client: Client) -> None:
    """One that nobody has is told, and not passed over."""
    assert predicted(client, "?partition=made:approach")["partition"] == "made:approach"
    answer = client.get(f"{PATH}?partition=made:nowhere")
    assert answer.status == 404
    assert "made:fir" in answer.json()["nearest"]


def test_what_is_not_filed_yet_is_said_to_be_in_it(client: Client) -> None:
    """The words are of what was computed: at 4 h there is more than plans alone come to."""
    assert "nobody has filed yet" in predicted(client)["statement"]


def test_too_little_history_is_named_and_the_plans_are_counted(client: Client) -> None:
    """No constant: flights under way are there for a while, with an interval around them."""
    found = predicted(client)
    assert found["basis"] == "insufficient_history"
    assert found["model"] is None
    assert "too little history" in found["statement"]
    assert found["confidence_score"] == 0.0
    by_lead = {each["lead_min"]: each for each in found["horizons"]}
    assert list(by_lead) == list(range(0, 241, 15))
    assert by_lead[0]["mean"] > 0
    assert len({each["mean"] for each in found["horizons"]}) > 3
    for each in found["horizons"]:
        assert 0 <= each["low"] <= each["high"]
        assert each["skill"] is None
        begins_s = (parse_us(each["start"]) - parse_us(found["as_of"])) // 1_000_000
        assert begins_s == each["lead_min"] * 60
    for hours in (1, 2, 4):
        exact = by_lead[60 * hours]["mean"]
        assert abs(found[f"predicted_demand_{hours}h"] - exact) <= 0.51


@pytest.mark.parametrize("hours", [1, 2, 3, 4])
def test_hours_ahead_shows_less_and_removes_no_field(client: Client, hours: int) -> None:
    """Every quarter of an hour as far as that; 1, 2 and 4 h in any case."""
    found = predicted(client, f"?sector_name=YSSY_CTR&hours_ahead={hours}")
    assert found["sector_name"] == "YSSY_CTR"
    assert found.keys() == predicted(client).keys()
    leads = [each["lead_min"] for each in found["horizons"]]
    steps = set(range(0, 60 * hours + 1, 15))
    assert leads == sorted(steps | {60, 120, 240})


@pytest.mark.parametrize("hours", ["0", "5", "-1", "1.5", "soon"])
def test_other_hours_are_refused(client: Client, hours: str) -> None:
    """422 that names the parameter and what was sent."""
    answer = client.get(f"{PATH}?hours_ahead={hours}")
    assert answer.status == 422
    [error] = answer.json()["errors"]
    assert error["parameter"] == "hours_ahead"
    assert error["value"] == hours


def test_a_sector_nobody_has_is_told_with_the_nearest(client: Client) -> None:
    """404, as for every name."""
    answer = client.get(f"{PATH}?sector_name=YSSY_CTX")
    assert answer.status == 404
    assert "YSSY_CTR" in answer.json()["nearest"]
    assert client.get(f"{PATH}?sector_name=").status == 404
    assert client.get(f"{PATH}?sector=YSSY_CTR").status == 422


def test_an_answer_that_is_held_is_not_sent_again(client: Client) -> None:
    """It has an ETag, as all that changes once a tick."""
    predicted(client)
    answer = client.get(PATH)
    again = client.ask("GET", PATH, {"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
