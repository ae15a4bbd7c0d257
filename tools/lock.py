"""Write the two lock files anew: `make lock`.

`requirements.lock` is what running needs, `requirements-dev.lock` that and the checks. Hashes
stand in both, addresses in neither. `uv` is used for its universal resolution (one lock for every
platform and Python); installing needs nothing but pip.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _compile(requirements: list[str], output: str, *more: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".in") as source:
        source.write("\n".join(requirements))
        source.flush()
        (ROOT / output).unlink(missing_ok=True)
        subprocess.run(
            [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal",
             "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url",
             "--no-emit-find-links", "--python-version", "3.11", source.name,
             "-o", output, *more],
            cwd=ROOT,
            check=True,
        )  # fmt: skip


def main() -> None:
    """Lock the development set first, then what running needs at the same versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    running = project["project"]["dependencies"] + groups["build"]
    _compile(running + groups["dev"], "requirements-dev.lock")
    _compile(running, "requirements.lock", "-c", "requirements-dev.lock")


if __name__ == "__main__":
    main()
