"""The command line, called in this process: quicker than one of its own, and as true."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import pytest

from sectorwatch.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output, read as JSON."""
        return orjson.loads(self.out)


class Command(Protocol):
    """Calls `sectorwatch` with these words."""

    def __call__(self, *words: object) -> Result: ...


@pytest.fixture
def sectorwatch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """The command line in an empty folder, with nothing set in the environment."""
    for name in os.environ:
        if name.startswith("SECTORWATCH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> Result:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Result(ended.value.code, out, err)

    return call
