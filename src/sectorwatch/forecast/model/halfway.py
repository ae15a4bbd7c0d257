"""A training half way: what the walk through the past has given, before trees are fitted to it.

It can be put on disk in between, as plain arrays: what the walk took of memory is not given back to
the last byte, and the trees want most of what a training may have.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import msgspec
import numpy as np

from sectorwatch.errors import TrainingError
from sectorwatch.forecast.model.files import Header
from sectorwatch.forecast.model.table import Table
from sectorwatch.forecast.plans import LearnedPlans

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Halfway", "Prepared"]


@dataclass(slots=True)
class Prepared:
    """What a walk through the past has given: rows to fit and rows held back, and what it learned.

    `held` are of the last days; nothing that came true in them is in `fitting`. `memory` is what
    `Memory.to_arrays` gave.
    """

    fitting: Table
    held: Table
    memory: dict[str, NDArray[Any]]
    learned: LearnedPlans


@dataclass(slots=True)
class Halfway:
    """That, with what a model says of itself; for the sectors of `sector_id`, as `drawn` (s,)."""

    prepared: Prepared
    header: Header
    sector_id: NDArray[np.int64]
    drawn: NDArray[np.uint64]

    def save(self, path: Path) -> None:
        """Puts it on disk, for `load` in another process."""
        prepared = self.prepared
        arrays: dict[str, NDArray[Any]] = {
            "header": np.frombuffer(msgspec.json.encode(self.header), np.uint8),
            "sector_id": self.sector_id,
            "drawn": self.drawn,
        }
        for name, part in (
            ("fitting", _arrays_of(prepared.fitting)),
            ("held", _arrays_of(prepared.held)),
            ("memory", prepared.memory),
            ("learned", prepared.learned.to_arrays()),
        ):
            arrays |= {f"{name}/{key}": value for key, value in part.items()}
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Halfway:
        """What `save` put there. Raises TrainingError where it is not all there."""
        try:
            # Opened here: of a file that is cut numpy leaves its own open.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                names = list(kept.files)

                def part(name: str) -> dict[str, NDArray[Any]]:
                    start = name + "/"
                    return {n[len(start) :]: kept[n] for n in names if n.startswith(start)}

                prepared = Prepared(
                    Table(**part("fitting")),
                    Table(**part("held")),
                    part("memory"),
                    LearnedPlans.from_arrays(part("learned")),
                )
                header = msgspec.json.decode(kept["header"].tobytes(), type=Header)
                return cls(prepared, header, kept["sector_id"], kept["drawn"])
        except (OSError, ValueError, KeyError, TypeError, BadZipFile, msgspec.DecodeError) as error:
            raise TrainingError(
                f"what a training had come to is gone from {path} or damaged ({error}): train again"
            ) from error


def _arrays_of(table: Table) -> Mapping[str, NDArray[Any]]:
    return {each.name: getattr(table, each.name) for each in fields(table)}
