from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sectorwatch import __version__
from sectorwatch.cli import app as app_module
from sectorwatch.errors import SectorwatchError

if TYPE_CHECKING:
    from cli.calling import Command


def process(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the program as a shell would."""
    program = str(Path(sys.executable).parent / "sectorwatch")
    return subprocess.run([program, *words], text=True, timeout=60, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_the_installed_program_says_its_version() -> None:
    """What pip installs is this, and `python -m sectorwatch` is the same."""
    said = process("--version", capture_output=True)
    assert (said.returncode, said.stdout, said.stderr) == (0, f"sectorwatch {__version__}\n", "")
    module = [sys.executable, "-m", "sectorwatch", "--version"]
    assert subprocess.run(module, capture_output=True, text=True, check=True).stdout == said.stdout


def test_every_command_has_help(sectorwatch: Command) -> None:
    """Each page says in a sentence what the command does, and each option what it is for."""
    assert "Commands:" in sectorwatch("--help").out
    for words in ("run", "demo", "replay", "airspace check", "airspace fetch", "keys add",
                  "keys list", "keys revoke", "config check", "config show"):  # fmt: skip
        page = sectorwatch(*words.split(), "--help")
        assert page.code == 0
        assert f"Usage: sectorwatch {words}" in page.out


@pytest.mark.parametrize(
    ("words", "nearest"),
    [(("rnu",), "'run'"), (("airspace", "chek"), "'check'"), (("keys", "ad"), "'add'")],
)
def test_an_unknown_command_is_bad_usage_and_names_the_nearest(
    sectorwatch: Command, words: tuple[str, ...], nearest: str
) -> None:
    """Exit code 2, and what was probably meant."""
    result = sectorwatch(*words)
    assert result.code == 2
    assert repr(words[-1]) in result.err
    assert nearest in result.err


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--port", "70000"),
        ("run", "--colour", "red"),
        ("demo", "--speed", "0"),
        ("demo", "--speed", "nan"),
        ("replay",),
        ("keys", "add", "me"),
        ("keys", "add", "me", "--scope", "everything"),
        ("airspace", "fetch", "vatspy", "--address", "VATSpy.dat"),
    ],
)
def test_bad_usage_is_code_2_without_a_traceback(
    sectorwatch: Command, words: tuple[str, ...]
) -> None:
    """What cannot be meant is said before anything is done."""
    result = sectorwatch(*words)
    assert result.code == 2
    assert "Error:" in result.err
    assert "Traceback" not in result.err


def test_expected_errors_are_words_and_code_1(
    sectorwatch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own errors and the system's come without a traceback; control characters stay out."""
    for error, words in (
        (SectorwatchError("a thing \x1b[31mis wrong: mend it"), "a thing \ufffd[31mis wrong: mend it"),
        (OSError(28, "No space left on device", "/somewhere"), "/somewhere: No space left on device"),
    ):  # fmt: skip

        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(app_module, "app", fail)
        result = sectorwatch("anything")
        assert (result.code, result.out, result.err) == (1, "", f"sectorwatch: {words}\n")


def test_unexpected_errors_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours is not dressed up as the user's."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app_module, "app", fail)
    with pytest.raises(ZeroDivisionError):
        app_module.main(["anything"])


def test_an_interrupt_is_quiet(sectorwatch: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is code 130 and not a word."""

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app_module, "app", fail)
    result = sectorwatch("anything")
    assert (result.code, result.err) == (130, "")


def test_a_reader_that_goes_away_is_no_error_to_speak_of() -> None:
    """`sectorwatch ... | head -1` says nothing on standard error."""
    read, write = os.pipe()
    os.close(read)
    said = process("config", "show", stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (said.returncode, said.stderr) == (1, "")
