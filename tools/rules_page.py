"""Write the table of alert rules in docs/monitoring.md; `--check` only says whether it is true."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sectorwatch.config import Settings
from sectorwatch.runtime.alert_rules import alert_rules

if TYPE_CHECKING:
    from sectorwatch.observe import AlertRule

PAGE = Path(__file__).resolve().parent.parent / "docs" / "monitoring.md"
HEAD = (
    "| rule | type | severity | service | expression | for | keeps firing | setting |\n"
    "|---|---|---|---|---|---|---|---|\n"
)
TABLE = re.compile(rf"{re.escape(HEAD)}(?:\|.*\n)*")


def setting_of(rule: AlertRule) -> str:
    """The setting whose number stands in a rule's expression: found by changing each in turn."""
    for name, field in Settings.model_fields.items():
        if name != "disk_reserve_mb" and not name.startswith("alert_"):
            continue
        if not isinstance(field.default, float):
            continue
        changed = Settings().model_copy(update={name: field.default + 0.123})
        if next(each for each in alert_rules(changed) if each.name == rule.name) != rule:
            return f"`{name}`"
    return ""


def row(rule: AlertRule) -> str:
    """A rule's row of the table."""
    # A bar would end the cell.
    expression = rule.expression.replace("|", "\\|")
    cells = (
        f"`{rule.name}`",
        rule.type.value,
        rule.severity.value,
        rule.service or "by its label",
        f"`{expression}`",
        f"{rule.for_s:g} s" if rule.for_s else "",
        f"{rule.keep_firing_for_s:g} s" if rule.keep_firing_for_s else "",
        setting_of(rule),
    )
    return f"| {' | '.join(cells)} |\n"


def page(text: str) -> str:
    """The page `text` with the table as it should be. Raises ValueError where it has none."""
    found = TABLE.search(text)
    if found is None:
        raise ValueError(f"{PAGE} has no table that begins with {HEAD}")
    rows = "".join(map(row, alert_rules(Settings())))
    return text[: found.start()] + HEAD + rows + text[found.end() :]


def main() -> int:
    """Write the page, or with `--check` compare it; gives the exit code."""
    text = PAGE.read_text(encoding="utf-8")
    if "--check" in sys.argv[1:]:
        if text == page(text):
            return 0
        print(f"{PAGE} is not what the rules are: run tools/rules_page.py")
        return 1
    PAGE.write_text(page(text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
