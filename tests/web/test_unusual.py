"""`/api/ml/anomalies` and `/api/ml/patterns`, asked of a running instance by HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from sectorwatch.forecast.anomalies import Anomaly, AnomalyType, Evidence, Most
from sectorwatch.forecast.patterns import Pattern, PatternEvidence, PatternsFound, PatternType
from specified import held
from web.streaming import streaming

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web.system import Client, System

ANOMALIES, PATTERNS = "/api/ml/anomalies", "/api/ml/patterns"
_KINDS: tuple[PatternType, ...] = ("peak_traffic", "quiet_period", "weekly_cycle")


def anomaly(system: System, number: int, kind: AnomalyType, ended_s: int | None = None) -> Anomaly:
    """One in the sector with this index, noticed ten minutes ago."""
    application = system.application
    sector, now_s = application.airspace.sectors[number], application.pipeline_now_s()
    return Anomaly(
        anomaly_id=f"{number:016x}",
        anomaly_type=kind,
        sector_id=sector.sector_id,
        sector_name=sector.name,
        score=0.99 - number / 100,
        began_s=now_s - 1_500,
        noticed_s=now_s - 600,
        seen_s=now_s,
        description=f"{sector.name} has 14 aircraft; at this hour on Thursdays 3 to 7 are usual.",
        evidence=Evidence(
            observed=14.2,
            expected=5.1,
            low=3.0,
            high=7.0,
            p_value=1e-6,
            q_value=0.01,
            forecast=6.0,
            weeks=5,
            of_flights=14,
            callsigns=("QFA12",),
            most=(Most("are inbound to YSSY", 9),),
        ),
        ended_s=ended_s,
    )


@pytest.fixture
def unusual(system: System) -> Iterator[list[Anomaly]]:
    """An instance in which two things are unusual, and one was until a while ago."""
    detector = system.application.foresight.anomalies
    assert detector is not None
    before = detector.to_arrays()
    now_s = system.application.pipeline_now_s()
    made = [
        anomaly(system, 0, "traffic_spike"),
        anomaly(system, 1, "unusual_mix"),
        anomaly(system, 2, "traffic_lull", now_s - 3_000),
    ]
    episodes = np.frombuffer(msgspec.json.encode(made), np.uint8)
    detector.take_up({**before, "episodes": episodes})
    yield made
    detector.take_up(before)


@pytest.fixture
def recurring(system: System) -> Iterator[list[Pattern]]:
    """An instance in which something recurs."""
    patterns = system.application.foresight.patterns
    assert patterns is not None
    before = patterns.newest
    sectors = system.application.airspace.sectors
    made = [
        Pattern(
            kind,
            sectors[number].sector_id,
            sectors[number].name,
            0.92,
            0.85,
            f"{sectors[number].name}: busiest from 18:00 to 21:00 local time.",
            PatternEvidence(
                occasions=20, held=17, value=9.0, usual=4.0, p_value=1e-3, from_hour=18
            ),
            days=35,
        )
        for number, kind in enumerate(_KINDS)
    ]
    patterns.newest = PatternsFound(system.application.pipeline_now_s(), 35, tuple(made))
    yield made
    patterns.newest = before


def names(found: list[dict[str, Any]], field: str) -> list[str]:
    """One field of each."""
    return [each[field] for each in found]


def test_where_nothing_is_unusual_the_list_is_empty(client: Client) -> None:
    """A bare array of two hours of traffic, of which nobody knows what is usual."""
    assert client.get(ANOMALIES).json() == []
    assert client.get(PATTERNS).json() == []


def test_an_anomaly_has_the_fields_of_the_specification_first(
    client: Client, unusual: list[Anomaly]
) -> None:
    """Those names in that order; is_anomaly is true in each; the most striking first."""
    found = client.get(ANOMALIES).json()
    held(ANOMALIES, found)
    fields = ["sector_name", "anomaly_score", "is_anomaly", "anomaly_type", "description"]
    assert [list(each)[:5] for each in found] == [fields, fields]
    assert names(found, "anomaly_id") == [each.anomaly_id for each in unusual[:2]]
    assert all(each["is_anomaly"] is True for each in found)
    assert found[0]["anomaly_type"] == "traffic_spike"
    assert found[0]["anomaly_score"] == 0.99
    assert found[0]["evidence"]["most"][0]["what"] == "are inbound to YSSY"
    assert found[0]["ended_at"] is None


def test_those_that_ended_are_shown_where_they_are_asked_for(
    client: Client, unusual: list[Anomaly]
) -> None:
    """Behind those that go on, with when they ended."""
    found = client.get(f"{ANOMALIES}?hours=1").json()
    assert names(found, "anomaly_id") == [each.anomaly_id for each in unusual]
    assert found[2]["ended_at"] is not None
    assert client.get(f"{ANOMALIES}?hours=25").status == 422


def test_anomalies_come_by_sector_by_type_and_in_pages(
    client: Client, unusual: list[Anomaly]
) -> None:
    """With the next page in a Link header, filters kept."""
    name = unusual[1].sector_name
    found = client.get(f"{ANOMALIES}?sector_name={name.lower()}").json()
    assert names(found, "sector_name") == [name]
    assert len(client.get(f"{ANOMALIES}?type=unusual_mix").json()) == 1
    first = client.get(f"{ANOMALIES}?hours=2&limit=2")
    assert len(first.json()) == 2
    assert first.headers["link"] == f'<{ANOMALIES}?hours=2&limit=2&offset=2>; rel="next"'
    last = client.get(f"{ANOMALIES}?hours=2&limit=2&offset=2")
    assert len(last.json()) == 1
    assert "link" not in last.headers
    assert client.get(f"{ANOMALIES}?type=boredom").status == 422


def test_a_pattern_has_the_fields_of_the_specification_first(
    client: Client, recurring: list[Pattern]
) -> None:
    """Those names in that order, then what it rests on and by which clock."""
    found = client.get(PATTERNS).json()
    held(PATTERNS, found)
    fields = ["pattern_type", "sector_name", "confidence", "description", "historical_frequency"]
    assert [list(each)[:5] for each in found] == [fields] * len(recurring)
    assert (found[0]["confidence"], found[0]["historical_frequency"]) == (0.92, 0.85)
    assert found[0]["days"] == 35
    assert found[0]["time_zone"]


def test_patterns_come_by_sector_by_type_and_in_pages(
    client: Client, recurring: list[Pattern]
) -> None:
    """As anomalies do."""
    name = recurring[1].sector_name
    assert names(client.get(f"{PATTERNS}?sector_name={name}").json(), "sector_name") == [name]
    assert len(client.get(f"{PATTERNS}?type=weekly_cycle").json()) == 1
    first = client.get(f"{PATTERNS}?limit=2")
    assert first.headers["link"] == f'<{PATTERNS}?limit=2&offset=2>; rel="next"'


@pytest.mark.parametrize("path", [ANOMALIES, PATTERNS])
def test_a_sector_nobody_has_is_told_with_the_nearest(client: Client, path: str) -> None:
    """404, as for every name."""
    found = client.get(f"{path}?sector_name=YSSY_CTX")
    assert found.status == 404
    assert "YSSY_CTR" in found.json()["nearest"]


def test_streams_hear_of_what_begins(system: System, unusual: list[Anomaly]) -> None:
    """On the public topic, as the list has it."""
    with streaming(system.client, "?topics=anomaly") as stream:
        system.application.bus.publish("anomaly", name=f"unusual/{unusual[0].anomaly_id}")
        name, data = stream.event()
    assert (name, data["kind"], data["state"]) == ("anomaly", "anomaly", "began")
    assert data["anomaly"] == system.client.get(ANOMALIES).json()[0]


def test_how_unusual_a_sector_is_stands_in_its_prediction(client: Client) -> None:
    """Nothing is known of what is usual here: 0."""
    found = client.get("/api/ml/predictions?sector_name=YSSY_CTR").json()
    assert found["anomaly_score"] == 0.0
