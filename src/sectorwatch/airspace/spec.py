"""SPEC strings: which airspace to load, and how to read it.

A SPEC is `FORMAT:PATH`, for some formats with options after a `?`:

    vatspy:DIR                      Boundaries.geojson and VATSpy.dat
    vatsys:DIR                      Sectors.xml, Volumes.xml and Positions.xml
    geojson:FILE?name=PROPERTY&floor=PROPERTY&ceiling=PROPERTY
    made:REGION                     made by us, such as made:australia

Every format takes `as=NAME`, the name its data set goes by: two of a format can then stand side by
side.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OPTIONS", "Spec", "parse_spec"]

OPTIONS: dict[str, frozenset[str]] = {
    "geojson": frozenset({"as", "name", "label", "floor", "ceiling", "unit", "kind"}),
    "made": frozenset({"as"}),
    "vatspy": frozenset({"as"}),
    "vatsys": frozenset({"as"}),
}
"""The options that each format knows."""

# Known to the contract, to be read one day: worth another message than a misspelt format.
_NOT_YET = frozenset({"simaware", "vatglasses"})
_LONGEST = 4_096
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True)
class Spec:
    """A SPEC taken apart: `target` is what stands after the colon, a path or a region."""

    format: str
    target: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The target as a path, `~` being the home directory."""
        return Path(self.target).expanduser()

    def dataset_name(self, default: str) -> str:
        """The name the data set goes by: the option `as`, else `default`."""
        return self.options.get("as", default)

    def __str__(self) -> str:
        """The SPEC as it would be written."""
        query = "&".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.format}:{self.target}" + (f"?{query}" if query else "")


def parse_spec(text: str) -> Spec:
    """The SPEC that `text` is; raises AirspaceError that says what is wrong with it.

    >>> parse_spec("geojson:high.json?name=label&floor=FL240").options
    {'name': 'label', 'floor': 'FL240'}
    >>> parse_spec("made:australia")
    Spec(format='made', target='australia', options={})
    """
    text = text.strip()
    if len(text) > _LONGEST or not text.isprintable():
        raise AirspaceError(
            f"{text[:60]!r}... is no airspace SPEC: it is over {_LONGEST} characters or holds"
            " unprintable ones. Write FORMAT:PATH, such as vatspy:./airspace/vatspy"
        )
    name, colon, rest = text.partition(":")
    if not colon:
        raise AirspaceError(
            f"{text!r} is no airspace SPEC: there is no colon in it. Write FORMAT:PATH, such as"
            " vatspy:./airspace/vatspy or made:australia"
        )
    _check_format(name, text)
    target, _, query = rest.partition("?")
    if not target:
        raise AirspaceError(f"{text!r} names nothing after the colon; write FORMAT:PATH")
    return Spec(name, target, _options(name, query, text))


def _check_format(name: str, text: str) -> None:
    if name in OPTIONS:
        return
    known = ", ".join(sorted(OPTIONS))
    if name in _NOT_YET:
        raise AirspaceError(f"{name!r} in {text!r} cannot be read yet; known are {known}")
    near = difflib.get_close_matches(name.lower(), OPTIONS, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise AirspaceError(f"{name!r} in {text!r} is no airspace format: {hint}Known are {known}")


def _options(name: str, query: str, text: str) -> dict[str, str]:
    if not query:
        return {}
    known = ", ".join(sorted(OPTIONS[name]))
    try:
        pairs = parse_qsl(query, strict_parsing=True, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise AirspaceError(
            f"{query!r} in {text!r} is no list of options; write ?OPTION=VALUE&OPTION=VALUE,"
            f" OPTION being one of {known}"
        ) from None
    options: dict[str, str] = {}
    for option, value in pairs:
        if option not in OPTIONS[name]:
            raise AirspaceError(f"{option!r} in {text!r} is no option of {name}; known are {known}")
        if option in options:
            raise AirspaceError(f"{option!r} stands twice in {text!r}; leave one")
        if not value.strip():
            raise AirspaceError(f"{option!r} in {text!r} is empty; give it a value or leave it out")
        options[option] = value.strip()
    if "as" in options and _NAME.fullmatch(options["as"]) is None:
        raise AirspaceError(
            f"{options['as']!r} in {text!r} cannot be a data set's name: use up to 40 letters,"
            " digits, dots, dashes and underscores, a letter or digit first"
        )
    return options
