"""Write docs/settings.md from the settings themselves; `--check` only says whether it is true."""

from __future__ import annotations

import sys
from pathlib import Path

from sectorwatch.config import describe

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

INTRODUCTION = """\
# Settings

Every setting has a default. `sectorwatch.toml` in the current folder (or the file that `--config`
or `SECTORWATCH_CONFIG` names) changes it, a variable in the environment changes it again, an
option on the command line has the last word. `sectorwatch config show` prints what is in force and
where each value came from, secrets masked; `sectorwatch config check` says what is wrong.

A name that is not in this table is an error that says the nearest one: a misspelt setting is never
ignored. `SECTORWATCH_REAL_DATA` belongs to the tests and is known.

Lists are written `["a", "b"]` in the file and `a,b` (or the same JSON) in the environment; tables
`YSSY_CTR = 20` under `[capacities]` in the file and `YSSY_CTR=20,YMML_CTR=15` (or a JSON object)
in the environment (`YMMM=ML-ASP_CTR+YMMM_CTR` for a table of lists). A secret may stand in a file of its own:
`SECTORWATCH_OPERATOR_KEY_FILE=/run/secrets/key` reads it from there.

```toml
# sectorwatch.toml
airspace = ["vatspy:/srv/airspace/vatspy"]
home_sector = "YMMM"
public_read = true

[capacities]
YSSY_CTR = 20

[positions]
"vatspy:fir/YMMM" = ["ML-ASP_CTR@128.850", "YMMM_CTR"]
```

| setting | in the environment | default | unit | what it does |
|---|---|---|---|---|
"""


def page() -> str:
    """The page as it should be."""
    rows = [
        f"| `{setting.name}` | `{setting.variable}` | "
        f"{f'`{setting.default}`' if setting.default else 'none'} | {setting.unit} | "
        f"{setting.description} |\n"
        for setting in describe()
    ]
    return INTRODUCTION + "".join(rows)


def main() -> int:
    """Write the page, or with `--check` compare it; gives the exit code."""
    if "--check" in sys.argv[1:]:
        if PAGE.read_text(encoding="utf-8") == page():
            return 0
        print(f"{PAGE} is not what the settings say: run tools/settings_page.py")
        return 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
