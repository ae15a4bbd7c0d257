"""The order of start: everything after what it needs, otherwise as declared."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from sectorwatch.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["dependants_of", "start_order"]


def start_order(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Names so that each comes after all it needs; those that are free keep their given order.

    Raises ServiceError where a name is unknown or needs itself by way of others.

    >>> start_order({"api": ["store"], "store": [], "journal": []})
    ['store', 'api', 'journal']
    """
    for name, needed in needs.items():
        for other in needed:
            if other not in needs:
                raise ServiceError(f"service {name!r} needs {other!r}, which does not exist")
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        raise ServiceError(
            f"services need each other in a circle: {cycle}; one of them must do without"
        ) from error
    order: list[str] = []

    def place(name: str) -> None:
        if name in order:
            return
        for other in needs[name]:
            place(other)
        order.append(name)

    for name in needs:
        place(name)
    return order


def dependants_of(name: str, needs: Mapping[str, Sequence[str]]) -> set[str]:
    """Everything that needs `name`, directly or by way of others; without `name` itself.

    >>> sorted(dependants_of("a", {"a": [], "b": ["a"], "c": ["b"], "d": []}))
    ['b', 'c']
    """
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        for other, needed in needs.items():
            if current in needed and other not in found:
                found.add(other)
                waiting.append(other)
    return found
