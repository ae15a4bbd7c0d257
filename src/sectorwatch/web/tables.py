"""Rows as CSV by RFC 4180, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CSV", "csv_bytes"]

CSV = "text/csv; charset=utf-8"
# What a spreadsheet would take for a formula, or would look past to find one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_bytes(row: type[msgspec.Struct], rows: Sequence[msgspec.Struct]) -> bytes:
    """Encode rows, with the names of their fields above; numbers as in JSON, null is empty.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(row.__struct_fields__)
    writer.writerows([_cell(value) for value in msgspec.structs.astuple(each)] for each in rows)
    # Half of a surrogate pair has no place in UTF-8, here as little as in JSON.
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
