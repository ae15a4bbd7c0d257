"""The responses of the specification, read from its page, to hold answers to."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SHAPES", "differences", "held"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "specification.md"
SHAPES: dict[str, Any] = {
    path: json.loads(body)
    for path, body in re.findall(
        r"GET (/api/\S+)\s+Response: (.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# Keys that are names themselves, and not fields: any of them may be there.
NAMED_BY_LIFE = {"entries_by_level", "entries_by_category", "metadata", "details"}

_KINDS: dict[type, tuple[type, ...]] = {
    str: (str,),
    bool: (bool,),
    int: (int,),
    float: (int, float),
}


def differences(expected: Any, found: Any, where: str) -> Iterator[str]:
    """What of `found` is not of the shape that the specification shows; more fields may follow."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key, value in expected.items():
            if key in found:
                yield from differences(value, found[key], f"{where}.{key}")
            elif where.rpartition(".")[2] not in NAMED_BY_LIFE:
                yield f"{where}.{key} is missing"
    elif isinstance(expected, list) and isinstance(found, list):
        for n, each in enumerate(found):
            yield from differences(expected[0], each, f"{where}[{n}]")
    elif found is None and where.endswith(".expected_improvement"):
        # One that could not be measured: the reason stands beside it.
        return
    elif type(found) not in _KINDS.get(type(expected), ()):
        yield f"{where} is {found!r:.80}, not {type(expected).__name__} as {expected!r:.80}"
    elif isinstance(expected, str) and TIME.fullmatch(expected) and not TIME.fullmatch(found):
        yield f"{where} is {found!r}, not a time such as {expected}"


def held(path: str, answer: Any) -> None:
    """Hold an answer to the shape of its path."""
    assert list(differences(SHAPES[path], answer, path)) == []
