"""Write deploy/alerts.rules.yml: our own default rules as Prometheus evaluates them.

`--check` only says whether it is true. What Prometheus sees of a metric is not all that we see: of
error rates and quantiles it has those of the last ten minutes, whatever window a rule asks for.
"""

from __future__ import annotations

import string
import sys
from pathlib import Path
from typing import Any

import yaml
from monitoring_page import described

from sectorwatch.observe.alerting import default_rules
from sectorwatch.observe.alerting.expressions import Aggregate, Call, Combine, Compare
from sectorwatch.observe.alerting.parsing import parse_expression
from sectorwatch.observe.exposition import exposed_name
from sectorwatch.runtime.observation import NAMESPACE

FILE = Path(__file__).resolve().parent.parent / "deploy" / "alerts.rules.yml"
HEAD = """\
# The rules that are on by default in sectorwatch, for a Prometheus that has its own Alertmanager.
# Written by tools/prometheus_rules.py; docs/monitoring.md has them with their reasons.
# Check them with: promtool check rules deploy/alerts.rules.yml
"""
GONE = {
    "alert": "sectorwatch_gone",
    "expr": 'up{job="sectorwatch"} == 0',
    "for": "1m",
    "labels": {"severity": "critical", "type": "service_down", "service": "sectorwatch"},
    "annotations": {
        "summary": "sectorwatch at {{ $labels.instance }} cannot be scraped.",
        "description": "It has died, or Prometheus may not read it: see whether it runs, and its key.",
    },
}
# What a value recorded in this unit is multiplied with to be what it was before it was exposed.
_SCALE = {"percent": " * 100", "megabytes": " / 1e6", "milliseconds": " * 1e3"}
_OVER_TIME = {"avg": "avg_over_time", "min": "min_over_time", "max": "max_over_time"}
_FORMATS = {"": "$value", "%": "$value | humanizePercentage", "time": "$value | humanizeDuration"}
_BYTES = {"MB": ("1e6", "MB"), "GB": ("1e9", "GB")}


class CannotBeSaidError(ValueError):
    """Prometheus has no word for it."""


def duration(seconds: float) -> str:
    """Seconds as Prometheus writes them."""
    return f"{seconds:g}s" if seconds % 60 else f"{seconds / 60:g}m"


def query(part: Any) -> tuple[str, frozenset[str]]:
    """A part of an expression in PromQL, and the labels that it has besides job and instance."""
    if isinstance(part, Call):
        return _call(part)
    if isinstance(part, Aggregate):
        inner, _ = query(part.inner)
        kept = ", ".join(("job", "instance", *part.labels))
        return f"{part.function} by ({kept}) ({inner})", frozenset(part.labels)
    if isinstance(part, Compare):
        inner, labels = query(part.inner)
        return f"{inner} {part.op} {part.threshold:g}", labels
    assert isinstance(part, Combine)
    (left, ours), (right, theirs) = query(part.left), query(part.right)
    on = ", ".join(("job", "instance", *sorted(ours & theirs)))
    return f"({left}) {part.op} on ({on}) ({right})", ours


def _call(call: Call) -> tuple[str, frozenset[str]]:
    about = described().get(call.metric)
    if about is None:
        raise CannotBeSaidError(f"{call.metric} is no metric that is described")
    name = exposed_name(about.name, about.kind, about.unit, NAMESPACE)
    matchers = ", ".join(f'{m.name}{m.op}"{m.value}"' for m in call.matchers)
    chosen = f"{{{matchers}}}" if matchers else ""
    window = f"[{duration(call.window_s)}]"
    labels = frozenset(about.labels)
    scale = _SCALE.get(about.unit, "")
    function = call.function
    if about.kind == "timing" and function in {"p50", "p95", "p99"}:
        share = f'quantile="0.{function[1:].rstrip("0")}"'
        found = f"{name}{{{', '.join(filter(None, (share, matchers)))}}}"
    elif about.kind == "timing" and function == "count":
        found = f"increase({name}_count{chosen}{window})"
    elif call.metric == "operation_error_rate" and function == "sum":
        runs = exposed_name("operation_response_time", "timing", "seconds", NAMESPACE)
        found = (
            f"{name}{chosen} * on (job, instance, operation, service) "
            f"increase({runs}_count{chosen}{window})"
        )
    elif function in {"rate", "increase"} and about.kind == "counter":
        found = f"{function}({name}{chosen}{window})"
    elif function in _OVER_TIME and about.kind != "counter":
        found = f"{_OVER_TIME[function]}({name}{chosen}{window})"
    elif function == "latest" and about.kind != "counter":
        found = f"{name}{chosen}"
    else:
        raise CannotBeSaidError(f"{function} of the {about.kind} {call.metric}")
    return found + scale, labels


def words(template: str, threshold: float | None) -> str:
    """A rule's words as Prometheus fills them in."""
    parts = []
    for text, name, form, _ in string.Formatter().parse(template):
        parts.append(text)
        if name is None:
            continue
        if name == "threshold":
            parts.append(_number(threshold, form or ""))
        elif name == "value" and form in _BYTES:
            parts.append("{{ $value | humanize }}B")
        elif name == "value":
            parts.append(f"{{{{ {_FORMATS[form or '']} }}}}")
        else:
            parts.append(f"{{{{ $labels.{name} }}}}")
    return "".join(parts)


def _number(value: float | None, form: str) -> str:
    if value is None:
        return "its limit"
    if form in _BYTES:
        return f"{value / float(_BYTES[form][0]):g} {form}"
    return f"{value * 100:g} %" if form == "%" else f"{value:g}{' s' if form == 'time' else ''}"


def _threshold(condition: Any) -> float | None:
    while isinstance(condition, Combine):
        condition = condition.left
    return condition.threshold if isinstance(condition, Compare) else None


def rules() -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The rules, and why others of ours cannot be said here."""
    found: list[dict[str, Any]] = [GONE]
    left_out = {}
    for rule in default_rules():
        condition = parse_expression(rule.expression).condition
        try:
            expression, labels = query(condition)
        except CannotBeSaidError as why:
            left_out[rule.name] = str(why)
            continue
        threshold = _threshold(condition)
        one: dict[str, Any] = {"alert": rule.name, "expr": expression}
        if rule.for_s:
            one["for"] = duration(rule.for_s)
        if rule.keep_firing_for_s:
            one["keep_firing_for"] = duration(rule.keep_firing_for_s)
        one["labels"] = {"severity": rule.severity.value, "type": rule.type.value, **rule.labels}
        if rule.service or "service" not in labels:
            one["labels"]["service"] = rule.service or "sectorwatch"
        one["annotations"] = {
            "summary": words(rule.summary, threshold),
            "description": words(f"{rule.impact} {rule.advice}".strip(), threshold),
        }
        found.append(one)
    return found, left_out


def text() -> str:
    """The file as it should be."""
    found, left_out = rules()
    missing = "".join(f"# Not here: {name} ({why}).\n" for name, why in left_out.items())
    groups = {"groups": [{"name": "sectorwatch", "rules": found}]}
    dumped: str = yaml.safe_dump(groups, sort_keys=False, width=110, allow_unicode=True)
    return HEAD + missing + dumped


def main() -> int:
    """Write the file, or with `--check` compare it; gives the exit code."""
    wanted = text()
    if "--check" in sys.argv[1:]:
        if FILE.read_text(encoding="utf-8") == wanted:
            return 0
        print(f"{FILE} is not what the default rules say: run tools/prometheus_rules.py")
        return 1
    FILE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
