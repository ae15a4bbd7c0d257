"""The page that describes the format is held to by reading a journal with the program in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sectorwatch.feed.journal import Journal
from sectorwatch.feed.journal_format import FRAME_END, FRAME_HEADER, MAGIC
from sectorwatch.feed.records import Kind

PAGE = Path(__file__).parents[2] / "docs" / "journal.md"
TIME_US = 1_678_641_858_000_000


@pytest.mark.parametrize("closed", [True, False])
def test_the_page_s_own_reader_reads_a_journal(tmp_path: Path, closed: bool) -> None:
    """Another program that follows the page finds every record, in a file still open, too."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    read: dict[str, Any] = {}
    exec(compile(program, str(PAGE), "exec"), read)  # noqa: S102 - it is our own page
    journal = Journal(tmp_path, key_fingerprint="abc")
    sent = [b'{"number":%d}' % number * 9_000 for number in range(5)]
    for number, payload in enumerate(sent):
        journal.append(Kind.FEED, TIME_US + number, TIME_US - number, payload)
    if closed:
        journal.close()
    (path,) = tmp_path.iterdir()
    got = list(read["records"](path))
    assert got == [(1, TIME_US + n, TIME_US - n, payload) for n, payload in enumerate(sent)]
    path.write_bytes(b"x" * 100)
    with pytest.raises(ValueError, match="no journal"):
        next(read["records"](path))
    journal.close()


@pytest.mark.parametrize("data", [MAGIC, FRAME_HEADER, FRAME_END])
def test_the_page_s_constants_are_the_program_s(data: bytes) -> None:
    """Byte for byte."""
    assert f"`{data.hex(' ')}`" in PAGE.read_text(encoding="utf-8")
