from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.calling import Command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--airspace", "vatspy:nowhere"), "nowhere/VATSpy.dat is not there"),
        (("--airspace", "geojson:broken.json"), "broken.json is not JSON"),
        (("--airspace", "vatspi:here"), "did you mean vatspy?"),
        (("--data-dir", "/dev/null/data"), "/dev/null/data cannot be used"),
        (("--data-dir", "/proc/data"), "/proc/data cannot be used"),
        (("--data-dir", "broken.json"), "broken.json is a file: choose a folder"),
        (("--feed", "data.vatsim.net"), "must begin with http:// or https://"),
        (("--host", "256.1.1.1"), "256.1.1.1"),
        (("--host", "192.0.2.7"), "192.0.2.7"),
        (("--config", "broken.json"), "broken.json is no TOML"),
    ],
)
def test_what_keeps_it_from_starting_is_said_in_words(
    sectorwatch: Command, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    """Code 1; the last line names the value and what to do; nothing goes to standard output."""
    (tmp_path / "broken.json").write_text('{"type": "FeatureColl')
    result = sectorwatch("run", "--port", 0, *words)
    assert (result.code, result.out) == (1, "")
    last = result.err.splitlines()[-1]
    assert last.startswith("sectorwatch: ")
    assert said in last


def test_options_have_the_last_word_and_say_so(sectorwatch: Command, tmp_path: Path) -> None:
    """A file's value gives way to an option's; an error says which it was."""
    (tmp_path / "sectorwatch.toml").write_text('airspace = ["vatspy:from-file"]\n')
    assert "from-file/VATSpy.dat" in sectorwatch("run").err
    assert "from-option/VATSpy.dat" in sectorwatch("run", "--airspace", "vatspy:from-option").err
    assert "(from --feed-url)" in sectorwatch("run", "--feed", "nonsense").err
