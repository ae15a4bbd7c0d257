"""The order of start."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.errors import ServiceError
from sectorwatch.runtime.order import dependants_of, start_order


@given(st.data())
def test_everything_comes_after_what_it_needs(data: st.DataObject) -> None:
    """In any graph without circles each name stands once and behind all it needs."""
    count = data.draw(st.integers(1, 12))
    needs = {
        str(number): [
            str(other)
            for other in data.draw(st.sets(st.integers(0, number - 1)) if number else st.just([]))
        ]
        for number in range(count)
    }
    names = data.draw(st.permutations(list(needs)))
    order = start_order({name: needs[name] for name in names})
    assert sorted(order) == sorted(needs)
    for name, needed in needs.items():
        assert all(order.index(other) < order.index(name) for other in needed)


def test_what_is_free_keeps_its_declared_order() -> None:
    """Names that need nothing start in the order they were declared."""
    assert start_order({"c": [], "a": [], "b": []}) == ["c", "a", "b"]


def test_circle_is_refused_and_shown() -> None:
    """Services that need each other in a circle are refused, with the circle in words."""
    with pytest.raises(ServiceError, match=r"circle: .*a.*b.*c"):
        start_order({"a": ["b"], "b": ["c"], "c": ["a"]})


def test_unknown_need_is_refused() -> None:
    """A service that needs one that is not there is refused."""
    with pytest.raises(ServiceError, match="'a' needs 'x', which does not exist"):
        start_order({"a": ["x"]})


def test_dependants_are_found_by_way_of_others() -> None:
    """Whoever needs a dependant needs the service too; a circle ends."""
    needs = {"store": [], "tracker": ["store"], "collector": ["tracker"], "api": []}
    assert dependants_of("store", needs) == {"tracker", "collector"}
    assert dependants_of("api", needs) == set()
