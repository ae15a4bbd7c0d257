from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sectorwatch.airspace.formats import reading
from sectorwatch.airspace.formats.reading import (
    Findings,
    clean_name,
    read_bytes,
    read_json,
    read_text,
    read_xml,
)
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    """Who reads the message knows which file, what it should hold, and where to get it."""
    with pytest.raises(AirspaceError, match=r"nope\.dat is not there: a list is missing.*fetch"):
        read_bytes(tmp_path / "nope.dat", "a list")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder where a file is meant is said to be one."""
    with pytest.raises(AirspaceError, match="is a folder"):
        read_bytes(tmp_path, "a list")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """A download that brought nothing is told from a broken one."""
    (tmp_path / "x").write_text(" \n")
    with pytest.raises(AirspaceError, match="is empty"):
        read_bytes(tmp_path / "x", "a list")


def test_an_oversized_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the limit is read of it."""
    monkeypatch.setattr(reading, "LARGEST_FILE", 1024 * 1024)
    (tmp_path / "x").write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(AirspaceError, match="over 1 MB"):
        read_bytes(tmp_path / "x", "a list")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    """Permissions are named as the reason."""
    (tmp_path / "x").write_text("x")
    (tmp_path / "x").chmod(0)
    with pytest.raises(AirspaceError, match="Permission denied"):
        read_bytes(tmp_path / "x", "a list")


def test_a_name_too_long_for_a_file_is_an_airspace_error(tmp_path: Path) -> None:
    """What the system refuses is no crash."""
    with pytest.raises(AirspaceError, match=r"cannot be read|is not there"):
        read_bytes(tmp_path / ("x" * 300), "a list")


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    """Windows programs write one; JSON and text are the same without."""
    (tmp_path / "x").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(tmp_path / "x", "a list") == {"a": 1}


@pytest.mark.parametrize("content", ["{", "[" * 2_000, "[NaN]", "[1e999]", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")])  # fmt: skip
def test_what_is_no_json_is_refused(tmp_path: Path, content: str) -> None:
    """Cut off, nested without end, not a number: the file is named."""
    (tmp_path / "x.json").write_text(content, encoding="latin-1")
    with pytest.raises(AirspaceError, match=r"x\.json is not JSON"):
        read_json(tmp_path / "x.json", "a list")


def test_text_that_is_not_utf8_is_read_and_noted(tmp_path: Path) -> None:
    """Old files are Windows-1252; that they are is a problem, not an error."""
    findings = Findings()
    (tmp_path / "x.dat").write_bytes("Bodø".encode("cp1252"))
    assert read_text(tmp_path / "x.dat", "a list", findings) == "Bodø"
    assert [(problem.kind, problem.name) for problem in findings.problems] == [
        ("encoding", "x.dat")
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<Sectors><Sector></Sectors>", "not well-formed"),
        ("<Sectors/><!-- -- -->", "not well-formed"),
        ("nothing of the kind", "not well-formed"),
        ("<Volumes/>", "holds <Volumes> where a list holds <Sectors>"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><Sectors>&a;</Sectors>', "declares"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><Sectors/>', "declares"),
        ('<?xml version="1.0" encoding="klingon"?><Sectors/>', "encoding"),
    ],
)
def test_what_is_no_such_xml_is_refused(tmp_path: Path, content: str, said: str) -> None:
    """Broken, another file's, or one that would have us read more: the message says which."""
    (tmp_path / "x.xml").write_text(content)
    with pytest.raises(AirspaceError, match=said):
        read_xml(tmp_path / "x.xml", "a list", "Sectors")


def test_findings_are_counted_beyond_what_is_kept() -> None:
    """A file of a hundred thousand bad features does not make as many problems."""
    findings = Findings()
    for number in range(1_000):
        findings.add("no_shape", f"S{number}", "bad")
    findings.add("no_name", "x", "bad")
    assert findings.counts == {"no_shape": 1_000, "no_name": 1}
    assert len(findings.problems) == 202
    assert findings.problems[-1].message == "800 more of this kind"


@pytest.mark.parametrize(
    ("value", "name"),
    [("YMMM", "YMMM"), ("a\tb\x00c", "a bc"), (7, "7"), (1.5, ""), (True, ""), ([], ""), ("x" * 200, "x" * 100)],
)  # fmt: skip
def test_names_are_short_and_printable(value: object, name: str) -> None:
    """What becomes a name can be written in a log, a URL and a table."""
    assert clean_name(value) == name
