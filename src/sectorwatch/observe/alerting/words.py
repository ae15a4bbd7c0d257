"""What alerts say: templates of rules filled in, with numbers that people read."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from sectorwatch.observe.alerting.silences import RuleError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Quantity", "check_template", "filled_in"]

_LONGEST = 1_000
_FORMATS = ("", "%", "MB", "GB", "time")
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_formatter = string.Formatter()


class Quantity(float):
    """A number that is written as its place asks for: {x}, {x:%}, {x:MB}, {x:GB}, {x:time}.

    >>> f"{Quantity(0.25):%} {Quantity(7.5e6):MB} {Quantity(90):time}"
    '25 % 7.5 MB 1.5 min'
    """

    def __format__(self, spec: str) -> str:
        """One of the forms; any other is the plain number."""
        if spec == "%":
            return f"{100 * self:.3g} %"
        if spec in {"MB", "GB"}:
            return f"{self / (1e6 if spec == 'MB' else 1e9):,.3g} {spec}"
        if spec == "time":
            return _time(float(self))
        return f"{float(self):.4g}"


def check_template(template: str) -> None:
    """Raises RuleError for a template that cannot be filled in."""
    if len(template) > _LONGEST:
        raise RuleError(f"a text has {len(template)} characters: at most {_LONGEST}")
    try:
        places = list(_formatter.parse(template))
    except ValueError as error:
        raise RuleError(f"{template[:80]!r} is no text with names in braces: {error}") from None
    for _, name, spec, conversion in places:
        if name is not None and (not name.isidentifier() or conversion):
            raise RuleError(f"{{{name}}} is no name in {template[:80]!r}: such as {{value}}")
        if name is not None and spec not in _FORMATS:
            raise RuleError(f"{{{name}:{spec}}}: after the colon one of % MB GB time")


def filled_in(template: str, names: Mapping[str, str | float | None]) -> str:
    """A template with its names replaced; one that is not known stays as it is. Never raises."""
    parts = []
    try:
        for text, name, spec, _ in _formatter.parse(template):
            parts.append(text)
            if name is None:
                continue
            value = names.get(name)
            if value is None:
                parts.append(f"{{{name}}}")
            elif isinstance(value, str):
                parts.append(value)
            else:
                parts.append(format(Quantity(value), spec or ""))
    except ValueError:
        return template[:_LONGEST]
    return "".join(parts)[:_LONGEST]


def _time(seconds: float) -> str:
    if seconds < _MINUTE_S:
        return f"{seconds:.3g} s"
    if seconds < _HOUR_S:
        return f"{seconds / _MINUTE_S:.3g} min"
    if seconds < 2 * _DAY_S:
        return f"{seconds / _HOUR_S:.3g} h"
    return f"{seconds / _DAY_S:.3g} days"
