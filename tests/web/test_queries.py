from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from web.system import Client


def test_statements_are_shown_with_who_ran_them(client: Client) -> None:
    """The tick's inserts by `commit`, a route's questions by the route, the costliest first."""
    assert client.get("/api/flights?at=2025-01-01T00:00:00Z").status in {200, 404, 422}
    shown = client.get("/api/performance/queries").json()
    assert shown["not_kept"] == {}
    queries = shown["queries"]
    totals = [each["total_s"] for each in queries]
    assert totals == sorted(totals, reverse=True)
    visits = next(each for each in queries if each["statement"].startswith("INSERT INTO visit"))
    assert "commit" in {use["operation"] for use in visits["uses"]}
    assert visits["rows"] > 0
    operations = {use["operation"] for each in queries for use in each["uses"]}
    assert any(name.startswith("/api/") for name in operations), operations


def test_statements_of_one_operation_by_number(client: Client) -> None:
    """Filtered and sorted as asked."""
    shown = client.get("/api/performance/queries?operation=commit&sort=count&limit=3").json()
    counts = [each["count"] for each in shown["queries"]]
    assert counts == sorted(counts, reverse=True)
    assert len(counts) == 3
    assert all("commit" in {use["operation"] for use in q["uses"]} for q in shown["queries"])
