"""Names in paths: a callsign or a sector may have a slash in it, escaped or not.

Of the routes that take such a name, those with something after it come first.
"""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor

__all__ = ["NameConvertor", "named"]


class NameConvertor(Convertor[str]):
    """At least one character, of any kind."""

    regex = ".+"

    def convert(self, value: str) -> str:
        """Give the name as it stands in the path, already decoded."""
        return value

    def to_string(self, value: str) -> str:
        """Give the name as it goes into a path."""
        return value


register_url_convertor("name", NameConvertor())


def named(parameter: str) -> str:
    """Give the piece of a route's path that takes such a name.

    >>> named("callsign")
    '{callsign:name}'
    """
    return f"{{{parameter}:name}}"
