"""Files as data sets bring them: read with limits, and with words for what is wrong."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import orjson
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sectorwatch.airspace.model import Problem
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from sectorwatch.airspace.geometry import Repair

__all__ = [
    "LARGEST_FILE",
    "Findings",
    "clean_name",
    "read_bytes",
    "read_json",
    "read_text",
    "read_xml",
]

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes; the largest real data set has 2.3 MB."""

_LONGEST_NAME = 100
_MOST_KEPT = 200
_BOM = b"\xef\xbb\xbf"


class Findings:
    """Collects what is wrong in a data set; counts all of it, keeps the first 200 of a kind."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._kept: list[Problem] = []

    def add(self, kind: str, name: str, message: str) -> None:
        """Notes one problem; `kind` is one of few words."""
        self.counts[kind] += 1
        if self.counts[kind] <= _MOST_KEPT:
            self._kept.append(Problem(kind, name, message))

    def add_repairs(self, name: str, repairs: tuple[Repair, ...]) -> None:
        """Notes what had to be repaired in the shape called `name`."""
        for repair in repairs:
            self.add(repair.kind, name, repair.message)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that was kept; where some of a kind were not, one more says how many."""
        left_out = [
            Problem(kind, "", f"{count - _MOST_KEPT:,} more of this kind")
            for kind, count in self.counts.items()
            if count > _MOST_KEPT
        ]
        return tuple(self._kept + left_out)


def read_bytes(path: Path, what: str) -> bytes:
    """The file's bytes, without a byte order mark; `what` says in words what it should hold.

    Raises AirspaceError where there is no such file, it cannot be read, or it is over 64 MB.
    """
    try:
        if path.is_dir():
            raise AirspaceError(f"{path} is a folder; {what} is a file: name the file itself")
        if not path.is_file():
            raise AirspaceError(
                f"{path} is not there: {what} is missing. Check the path, or get the data set with"
                " 'sectorwatch airspace fetch'"
            )
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise AirspaceError(
            f"{path} cannot be read: {error.strerror or error}. Check its permissions"
        ) from error
    if len(data) > LARGEST_FILE:
        raise AirspaceError(
            f"{path} is over {LARGEST_FILE // 1024 // 1024} MB, more than {what} can have;"
            " is it the right file?"
        )
    if not data.strip():
        raise AirspaceError(f"{path} is empty; {what} is needed: download it again")
    return data.removeprefix(_BOM)


def read_text(path: Path, what: str, findings: Findings) -> str:
    """The file's text; where it is not UTF-8 it is taken for Windows-1252, which is a problem."""
    data = read_bytes(path, what)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        findings.add(
            "encoding",
            path.name,
            f"byte {error.start} is not UTF-8; the file was read as Windows-1252",
        )
        return data.decode("cp1252", errors="replace")


def read_json(path: Path, what: str) -> Any:
    """The file's JSON value; raises AirspaceError where it is none."""
    data = read_bytes(path, what)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise AirspaceError(
            f"{path} is not JSON: {error}. {what.capitalize()} is needed: download it again"
        ) from error


def read_xml(path: Path, what: str, root: str) -> Element:
    """The file's outermost element, which must be called `root`.

    Raises AirspaceError where it is no XML or brings entities or a document type of its own.
    """
    data = read_bytes(path, what)
    try:
        element: Element = fromstring(data, forbid_dtd=True)
    except ParseError as error:
        raise AirspaceError(
            f"{path} is not well-formed XML: {error}. {what.capitalize()} is needed: correct the"
            " file there or download it again"
        ) from error
    except DefusedXmlException as error:
        raise AirspaceError(
            f"{path} declares a document type or entities ({error}), which no vatSys profile does;"
            " download it again from where you trust it"
        ) from error
    except (ValueError, LookupError) as error:
        raise AirspaceError(
            f"{path} has an encoding that cannot be read: {error}. Save it as UTF-8"
        ) from error
    if element.tag != root:
        raise AirspaceError(
            f"{path} holds <{element.tag[:40]}> where {what} holds <{root}>; is it the right file?"
        )
    return element


def clean_name(value: Any) -> str:
    r"""A name as text: blanks single, nothing unprintable, at most 100 characters; "" for none.

    >>> clean_name("  Mount\n  Isa "), clean_name(17), clean_name(None)
    ('Mount Isa', '17', '')
    """
    if value is None or isinstance(value, bool | float | list | dict):
        return ""
    text = " ".join(str(value).split())
    if text.isprintable():
        # As nearly all of a hundred thousand names are.
        return text[:_LONGEST_NAME]
    return "".join(char for char in text if char.isprintable())[:_LONGEST_NAME]
