"""docs/monitoring.md is true: every metric that the code records has its row, and no other."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import monitoring_page
import pytest

from sectorwatch.config.observation import ObservationSettings
from sectorwatch.observe.described import OWN_METRICS, described
from sectorwatch.runtime.described import METRICS

SOURCE = Path(__file__).resolve().parent.parent / "src" / "sectorwatch"
RECORDING = {"counter", "gauge", "timing", "gauge_callback", "counter_callback", "series_id"}
WHERE = "src/sectorwatch/observe/described.py (observation's own) or runtime/described.py"


def pattern(text: ast.JoinedStr) -> str:
    """What an f-string may come to."""
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+"
        for part in text.values
    )


@cache
def read_once() -> tuple[dict[str, str], frozenset[str], frozenset[str]]:
    """Of all code but the descriptions: names that calls record, all texts, all f-strings.

    The names, or patterns of names, stand with the file of the call.
    """
    found: dict[str, str] = {}
    texts: set[str] = set()
    patterns: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if path.name == "described.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                patterns.add(pattern(node))
            elif isinstance(node, ast.Call) and (name := recorded_by(node)) is not None:
                found[name] = str(path.relative_to(SOURCE))
    return found, frozenset(texts), frozenset(patterns)


def recorded_by(call: ast.Call) -> str | None:
    """The name, or the pattern of one, that a call records under; None where it does not say."""
    if not isinstance(call.func, ast.Attribute) or not call.args:
        return None
    # A recorder of performance takes an operation first, and no metric's name.
    is_metric = call.func.attr == "record_metric" and len(call.args) <= 4
    if not (call.func.attr in RECORDING or is_metric):
        return None
    first = call.args[0]
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return re.escape(first.value)
    return pattern(first) if isinstance(first, ast.JoinedStr) else None


def test_every_metric_that_is_recorded_is_described() -> None:
    """A name in a call that records stands in the descriptions."""
    known = monitoring_page.described()
    missing = {
        name: file
        for name, file in read_once()[0].items()
        if not any(re.fullmatch(name, each) for each in known)
    }
    assert missing == {}, f"describe them in {WHERE}, then run tools/monitoring_page.py"
    assert len(read_once()[0]) > 20


def test_nothing_is_described_that_nobody_records() -> None:
    """Each name stands in the code, or is what a name that the code puts together comes to."""
    _, texts, patterns = read_once()
    made = [each for each in patterns if re.match(r"[a-z]+_\\?", each) and each != r"\w+"]
    nobodys = [
        name
        for name in monitoring_page.described()
        if name not in texts and not any(re.fullmatch(each, name) for each in made)
    ]
    assert nobodys == []


def test_the_page_has_the_table_that_the_descriptions_give() -> None:
    """As `tools/monitoring_page.py` writes it; each name once, in order."""
    text = monitoring_page.PAGE.read_text(encoding="utf-8")
    assert text == monitoring_page.page(text), "run tools/monitoring_page.py"
    for each in (OWN_METRICS, METRICS):
        names = [one.name for one in each]
        assert names == sorted(set(names))
        assert all(one.says.endswith(".") for one in each)
        for one in each:
            said = one.says.split(". ")
            assert len({words.rstrip(".") for words in said}) == len(said), one.name
    assert not {one.name for one in OWN_METRICS} & {one.name for one in METRICS}


def test_every_setting_of_observation_is_on_the_page() -> None:
    """With its default and what it does, those of alerts among them."""
    text = monitoring_page.PAGE.read_text(encoding="utf-8")
    names = set(ObservationSettings.model_fields)
    assert {"observation", "notify_urls", "metrics_sectors", "alert_thresholds"} <= names
    assert [name for name in names if f"\n| `{name}` | " not in text] == []


def test_a_row_of_nobody_is_told() -> None:
    """Written into the page by hand it would be lost."""
    text = monitoring_page.PAGE.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="rows for ghost, which nobody describes"):
        monitoring_page.page(
            text.replace(monitoring_page.HEAD, monitoring_page.HEAD + "| `ghost` | |\n")
        )


@pytest.mark.parametrize(
    "text", ["one", "one gauge", "one thing (me)", "one gauge (me)\n    A.\none gauge (me)\n    B."]
)
def test_a_description_that_is_none_is_refused(text: str) -> None:
    """A line of another form, a kind that is none, a name twice."""
    with pytest.raises(ValueError, match="is not the first line of a new metric"):
        described(text)
