"""Who is to blame: where a service is down, what depends on it is not what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["blamed", "dependants"]


def blamed(service: str, graph: Mapping[str, Collection[str]], down: Collection[str]) -> str:
    """The service that is down and that `service` depends on, near or far; "" where there is none.

    Of several, one that does not itself depend on another that is down: the deepest cause. Where
    they depend on each other in a ring, each has its own alert.

    >>> blamed("api", {"api": ["store"], "store": ["disk"]}, {"store", "disk"})
    'disk'
    """
    below = {name for name in _reached(service, graph) if name in down and name != service}
    # Whoever depends on `service` in turn cannot be blamed by it.
    below = {name for name in below if service not in _reached(name, graph)}
    roots = [name for name in below if not (_reached(name, graph) - {name}) & below]
    return min(roots or below, default="")


def dependants(service: str, graph: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """The services that depend on `service`, near or far, sorted.

    >>> dependants("disk", {"api": ["store"], "store": ["disk"]})
    ('api', 'store')
    """
    return tuple(
        sorted(name for name in graph if name != service and service in _reached(name, graph))
    )


def _reached(service: str, graph: Mapping[str, Collection[str]]) -> set[str]:
    """All that `service` depends on, near or far."""
    seen: set[str] = set()
    to_look_at = [service]
    while to_look_at:
        for name in graph.get(to_look_at.pop(), ()):
            if name not in seen:
                seen.add(name)
                to_look_at.append(name)
    return seen
