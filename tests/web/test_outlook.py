"""`/api/ml/outlook`, asked of a running instance by HTTP."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest

from sectorwatch.clock import parse_us

if TYPE_CHECKING:
    from web.system import Client, System

PATH = "/api/ml/outlook"


def looked(client: Client, query: str = "") -> dict[str, Any]:
    """An answer once there is a forecast, which comes a moment after the first tick."""
    deadline = time.monotonic() + 60
    while True:
        answer = client.get(f"{PATH}{query}")
        found = answer.json()
        if answer.status != 200 or found["as_of"] is not None or time.monotonic() > deadline:
            assert isinstance(found, dict)
            return found
        time.sleep(0.05)


def test_all_sectors_are_there_with_seventeen_steps(client: Client, system: System) -> None:
    """The busiest to come first, each list as long as there are steps."""
    found = looked(client)
    sectors = found["sectors"]
    assert found["sectors_total"] == len(sectors) == len(system.application.airspace.sectors)
    steps = [parse_us(each) // 1_000_000 for each in found["steps"]]
    assert [each - steps[0] for each in steps] == list(range(0, 4 * 3_600 + 1, 900))
    assert abs(steps[0] - parse_us(found["as_of"]) // 1_000_000) < 1
    assert found["step_min"] == 15
    for each in sectors:
        for name in ("expected", "low", "high", "uncovered_min"):
            assert len(each[name]) == 17
        assert all(low <= high for low, high in zip(each["low"], each["high"], strict=True))
    tops = [max(each["expected"]) for each in sectors]
    assert all(a >= b - 0.1 for a, b in itertools.pairwise(tops))
    assert tops[0] > 0


def test_who_is_there_is_who_the_sector_list_says(client: Client) -> None:
    """With since when; what has an owner has nothing uncovered."""
    owners = {
        (each["name"], each["partition"]): each["owner"]
        for each in client.get("/api/sectors").json()["sectors"]
    }
    sectors = looked(client)["sectors"]
    assert any(each["owner"] is not None for each in sectors)
    for each in sectors:
        owner = owners[each["sector_name"], each["partition"]]
        assert (each["owner"] is None) == (owner is None)
        if owner is None:
            expected = [15 * value for value in each["expected"]]
            assert each["uncovered_min"] == pytest.approx(expected, abs=0.8)
        else:
            assert each["owner"]["callsign"] == owner["callsign"]
            assert each["owner"]["since"] == owner["since"]
            assert not any(each["uncovered_min"])
            assert each["uncovered_total_min"] == 0


def test_partitions_are_totalled_apart(client: Client) -> None:
    """A flight is in a FIR and in a centre sector: they are not added."""
    found = looked(client)
    for total in found["partitions"]:
        own = [each for each in found["sectors"] if each["partition"] == total["partition"]]
        assert total["sectors"] == len(own)
        assert total["staffed"] == sum(each["owner"] is not None for each in own)
        summed = [sum(values) for values in zip(*(each["expected"] for each in own), strict=True)]
        assert total["expected"] == pytest.approx(summed, abs=0.05 * len(own) + 0.1)
        whole = sum(each["uncovered_total_min"] for each in own)
        assert total["uncovered_total_min"] == pytest.approx(whole, abs=0.05 * len(own) + 0.1)
    assert "nobody else to come" in found["assumes"]


def test_it_can_be_narrowed(client: Client) -> None:
    """To a partition, a kind, a sector; good times, warnings, totals and text with it."""
    whole = looked(client)
    some = looked(client, "?partition=made:approach")
    assert {each["partition"] for each in some["sectors"]} == {"made:approach"}
    assert [each["partition"] for each in some["partitions"]] == ["made:approach"]
    assert all(each["partition"] == "made:approach" for each in some["good_times"])
    assert some["text"].startswith("Outlook for made:approach, ")
    fir = looked(client, "?kind=fir")
    assert {each["kind"] for each in fir["sectors"]} == {"fir"}
    one = looked(client, "?sector_name=yssy_ctr")
    assert [each["sector_name"] for each in one["sectors"]] == ["YSSY_CTR"]
    assert one["sectors"] == [e for e in whole["sectors"] if e["sector_name"] == "YSSY_CTR"]
    nothing = looked(client, "?partition=made:approach&kind=fir")
    assert nothing["sectors"] == nothing["partitions"] == nothing["good_times"] == []
    assert nothing["text"] == ""
    assert "No sector" in nothing["statement"]


def test_a_page_has_the_busiest_and_names_the_next(client: Client) -> None:
    """The rest of the answer is that of all."""
    whole = looked(client)
    answer = client.get(f"{PATH}?kind=enroute&limit=2")
    page = answer.json()
    assert len(page["sectors"]) == 2
    assert page["sectors_total"] > 2
    assert page["partitions"] == [e for e in whole["partitions"] if "enroute" in e["partition"]]
    link = answer.headers["link"]
    assert "kind=enroute" in link
    assert "offset=2" in link
    then = client.get(link.partition("<")[2].partition(">")[0]).json()
    assert then["sectors"][0] not in page["sectors"]


def test_good_times_are_within_two_hours_and_say_why(client: Client) -> None:
    """Of positions whose first sector has no owner, those that cover most first."""
    found = looked(client)
    owned = {each["sector_name"] for each in found["sectors"] if each["owner"] is not None}
    as_of_s = parse_us(found["as_of"]) // 1_000_000
    covered = [each["covered_min"] for each in found["good_times"]]
    assert covered == sorted(covered, reverse=True)
    assert len(covered) <= 10
    for each in found["good_times"]:
        assert not owned & set(each["sectors"])
        start_s, end_s = (parse_us(each[name]) // 1_000_000 for name in ("start", "end"))
        assert as_of_s <= start_s <= as_of_s + 7_200
        assert end_s == start_s + 7_200
        assert each["low"] <= each["aircraft"] <= each["high"]
        assert each["aircraft"] >= 2
        assert f"A good time to open {each['position']} is" in each["why"]


def test_too_little_history_is_said(client: Client) -> None:
    """Two hours are known: no model, no capacity, nobody's habits."""
    found = looked(client)
    assert "too little history" in found["statement"]
    assert found["model"] is None
    assert found["warnings"] == []
    for each in found["sectors"]:
        assert each["capacity"] is None
        assert each["p_over_capacity"] is None
        assert each["p_sustained"] is None
        assert "unknown" in each["capacity_words"]


def test_names_nobody_has_are_told_with_the_nearest(client: Client) -> None:
    """404 for a sector and for a partition, 422 for a kind and a parameter."""
    answer = client.get(f"{PATH}?sector_name=YSSY_CTX")
    assert answer.status == 404
    assert "YSSY_CTR" in answer.json()["nearest"]
    assert client.get(f"{PATH}?partition=made:firs").status == 404
    assert client.get(f"{PATH}?sector_name=YSSY_CTR&partition=made:fir").status == 404
    assert client.get(f"{PATH}?kind=tower").status == 422
    assert client.get(f"{PATH}?limit=0").status == 422
    assert client.get(f"{PATH}?sector=YSSY_CTR").status == 422


def test_an_answer_that_is_held_is_not_sent_again(client: Client) -> None:
    """It has an ETag, as all that changes once a tick."""
    looked(client)
    answer = client.get(PATH)
    again = client.ask("GET", PATH, {"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
