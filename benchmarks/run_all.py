"""Run every benchmark and rewrite RESULTS.md: `make bench`.

Each benchmark is a module here with `run() -> dict`: `target` (its row in the table of targets),
`what`, `against`, `reach`, `figures` (name to text, the medians), `ratio` (or None) and `met`. One
that takes over ten minutes says `LONG = True` and runs only with the environment's LONG=1. Each runs
in a process of its own, so that none warms another's caches. Name some to run only those; the
others keep the rows they have.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "RESULTS.md"
KEPT = HERE / "results.json"
LIBRARIES = (
    "msgspec",
    "numpy",
    "shapely",
    "sqlalchemy",
    "pyarrow",
    "duckdb",
    "zstandard",
    "fastapi",
)


def main() -> int:
    """Run what is asked for, or all; 1 where one failed."""
    if len(sys.argv) == 3 and sys.argv[1] == "--one":
        print(json.dumps(_run(sys.argv[2])))
        return 0
    wanted = sys.argv[1:]
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    failed = False
    for path in sorted(HERE.glob("*.py")):
        name = path.stem
        if name == "run_all" or name.startswith("_") or (wanted and name not in wanted):
            continue
        text = path.read_text()
        if "LONG = True" in text and os.environ.get("LONG") != "1" and not wanted:
            print(f"{name}: over ten minutes; LONG=1 runs it")
            continue
        print(f"{name} ...", flush=True)
        done = subprocess.run(
            [sys.executable, __file__, "--one", name],
            stdout=subprocess.PIPE,
            check=False,
            text=True,
        )
        if done.returncode != 0:
            print(f"{name}: failed with exit code {done.returncode}")
            failed = True
            continue
        kept[name] = json.loads(done.stdout.strip().splitlines()[-1])
        print(f"{name}: {kept[name].get('ratio')} ({'met' if kept[name]['met'] else 'not met'})")
    KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    RESULTS.write_text(_page(kept))
    return 1 if failed else 0


def _run(name: str) -> dict[str, Any]:
    sys.path.insert(0, str(HERE))
    result: dict[str, Any] = importlib.import_module(name).run()
    result["date"] = dt.datetime.now(tz=dt.UTC).date().isoformat()
    return result


def _page(kept: dict[str, Any]) -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    machine = f"Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}; {libraries}."
    lines = [
        "# Results",
        "",
        "Written by `make bench`; each row is a script in this folder that runs both sides in one go on",
        "the same input. Figures are medians of five or more. The machine is shared and noisy: trust the",
        "ratios. What is not met is said, with what stands in the way.",
        "",
        machine,
        "",
        "| target | what | against | to reach | reached | figures | date | script |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in sorted(kept.items(), key=lambda item: (_order(item[1]["target"]), item[0])):
        figures = "; ".join(f"{key} {value}" for key, value in row["figures"].items())
        ratio = row.get("ratio")
        reached = f"**{ratio}** " if ratio is not None else ""
        reached += "met" if row["met"] else "**not met**"
        lines.append(
            f"| {row['target']} | {row['what']} | {row['against']} | {row['reach']} | {reached} "
            f"| {figures} | {row['date']} | `{name}.py` |"
        )
    notes = [(name, row["note"]) for name, row in sorted(kept.items()) if row.get("note")]
    if notes:
        lines += ["", "## Notes", ""]
        lines += [f"- `{name}`: {note}" for name, note in notes]
    return "\n".join(lines) + "\n"


def _order(target: object) -> float:
    text = str(target).split()[0].rstrip(",")
    return float(text) if text.replace(".", "").isdigit() else 99.0


if __name__ == "__main__":
    sys.exit(main())
