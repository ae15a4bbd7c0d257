"""Write the numbers into docs/simulator.md from the simulator itself; `--check` only compares."""

from __future__ import annotations

import ast
import sys
from dataclasses import fields
from pathlib import Path

from sectorwatch.simulator import behaviour, controlling, performance, schedule

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "simulator.md"


def page(text: str) -> str:
    """The page with each of its tables as it should be, between the marks around it."""
    for name, rows in (
        ("reasons", _reasons()),
        ("behaviour", _numbers(behaviour.Behaviour(), behaviour.__file__)),
        ("controlling", _numbers(controlling.Controlling(), controlling.__file__)),
        ("classes", _classes()),
    ):
        begin, end = f"<!-- {name}: tools/simulator_page.py -->\n", f"<!-- {name} end -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{rows}{end}{after}"
    return text


def _reasons() -> str:
    rows = [f"| `{name}` | {meaning} |\n" for name, meaning in schedule.LEFT_OUT.items()]
    return "| reason | |\n|---|---|\n" + "".join(rows)


def _numbers(usual: behaviour.Behaviour | controlling.Controlling, home: str) -> str:
    source = Path(home).read_text(encoding="utf-8")
    meanings = _docstrings(source, type(usual).__name__)
    rows = [
        f"| `{each.name}` | {_value(getattr(usual, each.name))} | {meanings[each.name]} |\n"
        for each in fields(usual)
    ]
    return "| number | value | what it is, and where it comes from |\n|---|---|---|\n" + "".join(
        rows
    )


def _docstrings(source: str, name: str) -> dict[str, str]:
    """The text beneath each field of a class."""
    [found] = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == name
    ]
    texts = {}
    for field, text in zip(found.body, found.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            texts[field.target.id] = " ".join(str(text.value.value).split())
    return texts


def _value(value: object) -> str:
    if isinstance(value, tuple):
        if not value:
            return "none"
        if isinstance(value[0], tuple):
            inner = list(dict.fromkeys(_value(each) for each in value))
            return "<br>".join(inner)
        return " · ".join(_value(each) for each in value)
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1_000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _classes() -> str:
    header = (
        "| class | ceiling ft | cruise kt | take-off kt | landing kt | climb min | descent min | to "
        f"|\n|---|{'---:|' * 7}\n"
    )
    rows = [
        f"| {each.name} | {each.ceiling_ft:,} | {each.cruise_kt:,} | {each.off_kt} | {each.on_kt} "
        f"| {each.climb_min} | {each.descent_min} | {each.reference_ft:,} ft |\n"
        for each in performance.CLASSES
    ]
    return header + "".join(rows)


def main() -> int:
    """Write the page, or with `--check` compare it; gives the exit code."""
    text = PAGE.read_text(encoding="utf-8")
    wanted = page(text)
    if "--check" in sys.argv[1:]:
        if text == wanted:
            return 0
        print(f"{PAGE} is not what the simulator says: run tools/simulator_page.py")
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
