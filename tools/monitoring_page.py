"""Write the tables of metrics and settings in docs/monitoring.md; `--check` only compares."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sectorwatch.config import describe
from sectorwatch.config.observation import ObservationSettings
from sectorwatch.observe.described import OWN_METRICS, Described
from sectorwatch.observe.exposition import exposed_name
from sectorwatch.runtime.described import METRICS
from sectorwatch.runtime.observation import NAMESPACE

PAGE = Path(__file__).resolve().parent.parent / "docs" / "monitoring.md"
HEAD = (
    "| metric | in Prometheus | kind | unit | labels | what it says | recorded by |\n"
    "|---|---|---|---|---|---|---|\n"
)
TABLE = re.compile(rf"{re.escape(HEAD)}(?:\|.*\n)*")
SETTINGS_HEAD = "| setting | default | unit | what it does |\n|---|---|---|---|\n"
SETTINGS = re.compile(rf"{re.escape(SETTINGS_HEAD)}(?:\|.*\n)*")
NAME = re.compile(r"^\| `([^`]+)` \|")
_KINDS = {"sample": "gauge"}


def described() -> dict[str, Described]:
    """Every metric there is, by name."""
    return {each.name: each for each in sorted((*OWN_METRICS, *METRICS), key=lambda m: m.name)}


def row(one: Described) -> str:
    """A metric's row of the table."""
    exposed = exposed_name(one.name, one.kind, one.unit, NAMESPACE)
    labels = ", ".join(f"`{label}`" for label in one.labels)
    cells = (f"`{one.name}`", f"`{exposed}`", _KINDS.get(one.kind, one.kind), one.unit, labels)
    return f"| {' | '.join((*cells, one.says, one.by))} |\n"


def settings() -> str:
    """The rows of all settings of observation."""
    return "".join(
        f"| `{one.name}` | {f'`{one.default}`' if one.default else 'none'} | {one.unit} | "
        f"{one.description} |\n"
        for one in describe()
        if one.name in ObservationSettings.model_fields
    )


def page(text: str) -> str:
    """The page `text` with its tables as they should be. Raises ValueError for a row of nobody's."""
    found = TABLE.search(text)
    if found is None or SETTINGS.search(text) is None:
        raise ValueError(f"{PAGE} lacks a table that begins with {HEAD} or {SETTINGS_HEAD}")
    known = described()
    there = {name for line in found[0].splitlines() for name in NAME.findall(line)}
    if strangers := sorted(there - set(known)):
        raise ValueError(
            f"{PAGE} has rows for {', '.join(strangers)}, which nobody describes: add them to "
            "observe/described.py or runtime/described.py"
        )
    text = text[: found.start()] + HEAD + "".join(map(row, known.values())) + text[found.end() :]
    return SETTINGS.sub(lambda _: SETTINGS_HEAD + settings(), text)


def main() -> int:
    """Write the page, or with `--check` compare it; gives the exit code."""
    text = PAGE.read_text(encoding="utf-8")
    try:
        wanted = page(text)
    except ValueError as error:
        print(error)
        return 1
    if "--check" in sys.argv[1:]:
        if text == wanted:
            return 0
        print(f"{PAGE} is not what the metrics say: run tools/monitoring_page.py")
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
