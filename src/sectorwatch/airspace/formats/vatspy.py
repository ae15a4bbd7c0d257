"""VATSpy: the world's FIRs and their sub-sectors, `Boundaries.geojson` and `VATSpy.dat`.

Every boundary is a sector of the partition `enroute`; those whose id has no dash are sectors of
`fir` too. Who works a boundary: the rows of [FIRs] that name it, in the file's order, then those of
the id before its dash, that id itself, and the upper regions ([UIRs]) that hold either. The data
know no levels.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sectorwatch.airspace.formats.features import (
    Piece,
    join_pieces,
    label_point,
    raw_features,
    shape_of,
)
from sectorwatch.airspace.formats.reading import Findings, clean_name, read_text
from sectorwatch.airspace.geometry import BadShapeError
from sectorwatch.airspace.model import DataSet, PositionRule, Sector, Volume
from sectorwatch.airspace.owners import callsign_lead
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from sectorwatch.airspace.model import SectorKind
    from sectorwatch.airspace.spec import Spec

__all__ = ["BOUNDARIES", "DAT", "read"]

BOUNDARIES = "Boundaries.geojson"
DAT = "VATSpy.dat"

_SUFFIXES = ("CTR", "FSS")
_FIR_COLUMNS = 4
_UIR_COLUMNS = 3
_MOST_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of [FIRs]: somebody who works a boundary. An empty prefix is the id itself."""

    id: str
    label: str
    prefix: str
    boundary: str


@dataclass(frozen=True, slots=True)
class _Region:
    """A row of [UIRs]: a callsign that covers several FIRs."""

    id: str
    label: str
    members: frozenset[str]


@dataclass(slots=True)
class _Dat:
    """What `VATSpy.dat` says of boundaries, and how many rows its other sections have."""

    rows: dict[str, list[_Row]] = field(default_factory=lambda: defaultdict(list))
    regions: list[_Region] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def read(spec: Spec) -> DataSet:
    """The sectors of a VATSpy folder; raises AirspaceError where a file of it cannot be read."""
    findings = Findings()
    folder = spec.path
    dat = _read_dat(folder / DAT, findings)
    pieces, features = _pieces(folder / BOUNDARIES, findings)
    joined = join_pieces(pieces, findings)
    _note_dangling(dat, joined.keys(), findings)
    name = spec.dataset_name("vatspy")
    sectors = []
    kinds: tuple[SectorKind, ...] = ("fir", "enroute")
    for kind in kinds:
        for boundary, group in joined.items():
            if kind == "fir" and "-" in boundary:
                continue
            sectors.append(
                Sector(
                    dataset=name,
                    kind=kind,
                    name=boundary,
                    label=_label(boundary, dat) or boundary,
                    volumes=tuple(piece.volume for piece in group),
                    positions=tuple(_positions(boundary, dat)),
                )
            )
    prefixes = {rule.prefix for sector in sectors for rule in sector.positions}
    return DataSet(
        name=name,
        spec=str(spec),
        sectors=tuple(sectors),
        prefixes=frozenset(callsign_lead(prefix) for prefix in prefixes),
        problems=findings.problems,
        facts={
            "boundaries": features,
            "distinct_ids": len(joined),
            **{f"{section.lower()}_rows": count for section, count in dat.counts.items()},
            **findings.counts,
        },
    )


def _pieces(path: Path, findings: Findings) -> tuple[list[Piece], int]:
    pieces, count = [], 0
    for number, feature in raw_features(path, "VATSpy's boundaries", findings):
        count += 1
        properties = feature["properties"]
        name = clean_name(properties.get("id")).upper()
        if not name:
            findings.add("no_name", f"feature {number}", "it has no id: left out")
            continue
        try:
            shape, repairs = shape_of(feature.get("geometry"))
        except BadShapeError as error:
            findings.add("no_shape", name, f"{error}: left out")
            continue
        findings.add_repairs(name, repairs)
        pieces.append(Piece(name, name, Volume(shape), label_point(properties)))
    if not pieces:
        raise AirspaceError(
            f"{path} holds {count:,} boundaries, and not one with an id and a shape;"
            " is it VATSpy's? Get it with 'sectorwatch airspace fetch vatspy'"
        )
    return pieces, count


def _read_dat(path: Path, findings: Findings) -> _Dat:
    dat = _Dat()
    for number, section, row in _dat_rows(path, findings):
        dat.counts[section] += 1
        columns = [clean_name(column) for column in row]
        if section == "FIRs":
            if len(columns) < _FIR_COLUMNS or not columns[0] or not columns[3]:
                findings.add("bad_row", columns[0], f"line {number} is no row of [FIRs]: left out")
                continue
            ident, label, prefix, boundary = columns[:4]
            fir = _Row(ident.upper(), label, (prefix or ident).upper(), boundary.upper())
            dat.rows[fir.boundary].append(fir)
        elif section == "UIRs":
            if len(columns) < _UIR_COLUMNS or not columns[0]:
                findings.add("bad_row", columns[0], f"line {number} is no row of [UIRs]: left out")
                continue
            members = (member.strip().upper() for member in columns[2].split(","))
            dat.regions.append(
                _Region(columns[0].upper(), columns[1], frozenset(filter(None, members)))
            )
    if not dat.rows:
        raise AirspaceError(
            f"{path} has no rows under [FIRs]; is it VATSpy's? Get it with"
            " 'sectorwatch airspace fetch vatspy'"
        )
    return dat


def _dat_rows(path: Path, findings: Findings) -> Iterator[tuple[int, str, list[str]]]:
    """(line number, section, columns) of every row; what follows a semicolon is a comment."""
    section = ""
    lines = read_text(path, "VATSpy's positions", findings).splitlines()
    if len(lines) > _MOST_ROWS:
        raise AirspaceError(f"{path} has {len(lines):,} lines, more than {_MOST_ROWS:,}")
    for number, line in enumerate(lines, 1):
        text = line.partition(";")[0].strip()
        if text.startswith("[") and text.endswith("]"):
            section = text[1:-1].strip()
        elif text and section:
            yield number, section, text.split("|")
        elif text:
            findings.add("bad_row", text[:20], f"line {number} stands before any [section]")


def _positions(boundary: str, dat: _Dat) -> list[PositionRule]:
    """Who works a boundary, each once: its rows, its parent's, the upper regions of both."""
    # The id before the dash; of a FIR its own, for `CZQM_CTR` is seen online beside `MCN_CTR`.
    parent, dash, _ = boundary.partition("-")
    listed = [
        (row.prefix, f"{row.prefix} works {boundary} ({row.label})")
        for row in dat.rows.get(boundary, ())
    ]
    if dash:
        listed += [
            (row.prefix, f"{row.prefix} works {parent}, of which {boundary} is a part")
            for row in dat.rows.get(parent, ())
        ]
    listed.append((parent, f"{parent} is the id of {'the FIR around ' if dash else ''}{boundary}"))
    listed += [
        (region.id, f"{region.id} ({region.label}) covers {boundary if own else parent}")
        for region in dat.regions
        if (own := boundary in region.members) or parent in region.members
    ]
    first: dict[str, str] = {}
    for prefix, why in listed:
        first.setdefault(prefix, why)
    return [PositionRule(prefix, _SUFFIXES, None, why) for prefix, why in first.items()]


def _label(boundary: str, dat: _Dat) -> str:
    rows = dat.rows.get(boundary, [])
    own = [row for row in rows if row.id == boundary]
    return (own or rows)[0].label if rows else ""


def _note_dangling(dat: _Dat, boundaries: AbstractSet[str], findings: Findings) -> None:
    """Notes rows about boundaries that are not there, and boundaries that nobody works."""
    for boundary in sorted(dat.rows.keys() - boundaries):
        findings.add("unknown_boundary", boundary, "a row of [FIRs] names it; there is no shape")
    for boundary in sorted(boundaries - dat.rows.keys()):
        findings.add("no_position", boundary, "no row of [FIRs] names it: nobody can work it")
    for region in dat.regions:
        for member in sorted(region.members - boundaries):
            findings.add("unknown_boundary", member, f"{region.id} covers it; there is no shape")
