"""GeoJSON: any FeatureCollection of polygons, its properties named in the SPEC.

    geojson:FILE?name=PROPERTY&floor=PROPERTY&ceiling=PROPERTY

`floor` and `ceiling` may also be a level for all (`floor=FL240`). More options: `label=PROPERTY`,
`kind=fir|enroute|approach` (else `enroute`), `unit=ft|fl` of bare numbers (else feet, but flight
levels where the property's name ends in `fl`). The data set goes by the file's name without its
ending.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sectorwatch.airspace.formats.features import (
    Piece,
    join_pieces,
    label_point,
    raw_features,
    shape_of,
)
from sectorwatch.airspace.formats.reading import Findings, clean_name
from sectorwatch.airspace.geometry import BadShapeError
from sectorwatch.airspace.levels import level_ft, limits_ft
from sectorwatch.airspace.model import DataSet, Sector, Volume
from sectorwatch.airspace.owners import callsign_lead, own_name_positions
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sectorwatch.airspace.levels import Unit
    from sectorwatch.airspace.model import SectorKind
    from sectorwatch.airspace.spec import Spec

__all__ = ["read"]

_KINDS = ("fir", "enroute", "approach")
_UNITS = ("ft", "fl")
# What people call a sector's name, the likeliest first; compared without case.
_LIKELY_NAMES = ("name", "id", "label", "sector", "icao", "icaocode", "ident", "callsign")
_FLIGHT_LEVELS = re.compile(r"(?:^|[^a-z])fl$", re.IGNORECASE)
_WORD = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class _Limit:
    """Where a floor or ceiling comes from: a property with its unit, or one level for all."""

    for_all_ft: float | None = None
    property: str | None = None
    unit: Unit = "ft"

    def feet(self, properties: dict[str, Any]) -> float | None:
        """The level of a feature with these properties; raises ValueError where it is none."""
        if self.property is None:
            return self.for_all_ft
        return level_ft(properties.get(self.property), unit=self.unit)


def read(spec: Spec) -> DataSet:
    """The sectors of a GeoJSON file; raises AirspaceError where it holds none."""
    findings = Findings()
    path = spec.path
    features = list(raw_features(path, "a GeoJSON file of airspace", findings))
    known = list(dict.fromkeys(key for _, feature in features for key in feature["properties"]))
    name_key = _name_property(spec, known, path)
    label_key = _property(spec, "label", known, path)
    kind = cast("SectorKind", _choice(spec, "kind", _KINDS, "enroute"))
    floor, ceiling = (_limit(spec, option, known, path) for option in ("floor", "ceiling"))

    pieces = []
    for number, feature in features:
        properties = feature["properties"]
        name = clean_name(properties.get(name_key))
        if not name:
            findings.add("no_name", f"feature {number}", f"its {name_key!r} is empty: left out")
            continue
        label = clean_name(properties.get(label_key)) if label_key else ""
        try:
            volume = _volume(feature, name, floor, ceiling, findings)
        except BadShapeError as error:
            findings.add("no_shape", name, f"{error}: left out")
        except ValueError as error:
            findings.add("bad_level", name, f"{error}: left out")
        else:
            pieces.append(Piece(name, label or name, volume, label_point(properties)))
    if not pieces:
        raise AirspaceError(
            f"{path} holds {len(features):,} features, and not one that is a sector"
            f" ({_summary(findings)}); name the property with ?name="
        )
    return _dataset(spec, kind, pieces, len(features), findings)


def _volume(
    feature: dict[str, Any], name: str, floor: _Limit, ceiling: _Limit, findings: Findings
) -> Volume:
    properties = feature["properties"]
    floor_ft, ceiling_ft, swapped = limits_ft(floor.feet(properties), ceiling.feet(properties))
    shape, repairs = shape_of(feature.get("geometry"))
    if swapped:
        findings.add(
            "swapped_levels", name, f"its floor {ceiling_ft:g} was above its ceiling: swapped"
        )
    findings.add_repairs(name, repairs)
    return Volume(shape, floor_ft, ceiling_ft)


def _dataset(
    spec: Spec, kind: SectorKind, pieces: Sequence[Piece], features: int, findings: Findings
) -> DataSet:
    name = spec.dataset_name(_WORD.sub("-", spec.path.stem).strip("-._")[:40] or "geojson")
    joined = join_pieces(pieces, findings)
    sectors = tuple(
        Sector(
            dataset=name,
            kind=kind,
            name=sector_name,
            label=group[0].label,
            volumes=tuple(piece.volume for piece in group),
            positions=own_name_positions(sector_name, kind),
        )
        for sector_name, group in joined.items()
    )
    return DataSet(
        name=name,
        spec=str(spec),
        sectors=sectors,
        prefixes=frozenset(
            callsign_lead(rule.prefix) for sector in sectors for rule in sector.positions
        ),
        problems=findings.problems,
        facts={"features": features, **findings.counts},
    )


def _name_property(spec: Spec, known: Sequence[str], path: Path) -> str:
    given = _property(spec, "name", known, path)
    if given is not None:
        return given
    lower = {key.lower(): key for key in reversed(known)}
    for likely in _LIKELY_NAMES:
        if likely in lower:
            return lower[likely]
    raise AirspaceError(
        f"{path}: none of its properties looks like a sector's name ({_listed(known)});"
        " say which with ?name=PROPERTY"
    )


def _property(spec: Spec, option: str, known: Sequence[str], path: Path) -> str | None:
    value = spec.options.get(option)
    if value is None or value in known:
        return value
    raise AirspaceError(
        f"{path}: {option}={value}, but no feature has a property {value!r};"
        f" there are {_listed(known)}"
    )


def _limit(spec: Spec, option: str, known: Sequence[str], path: Path) -> _Limit:
    written = spec.options.get(option)
    unit = cast("Unit", _choice(spec, "unit", _UNITS, "ft"))
    if written is None:
        return _Limit()
    if written in known:
        by_name = "unit" not in spec.options and _FLIGHT_LEVELS.search(written)
        return _Limit(property=written, unit="fl" if by_name else unit)
    try:
        return _Limit(for_all_ft=level_ft(written, unit=unit))
    except ValueError:
        raise AirspaceError(
            f"{path}: {option}={written} is neither a level such as FL240 nor a property that a"
            f" feature has; it has {_listed(known)}"
        ) from None


def _choice(spec: Spec, option: str, choices: Sequence[str], default: str) -> str:
    value = spec.options.get(option, default)
    if value not in choices:
        raise AirspaceError(f"{option}={value} in {spec}: it is one of {', '.join(choices)}")
    return value


def _listed(known: Sequence[str]) -> str:
    shown = ", ".join(key[:40] for key in known[:15])
    return f"{shown}, ..." if len(known) > 15 else shown or "none at all"  # noqa: PLR2004 - as above


def _summary(findings: Findings) -> str:
    return ", ".join(f"{kind}: {count}" for kind, count in findings.counts.items()) or "none"
