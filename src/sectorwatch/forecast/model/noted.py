"""What a model that serves has noted since its training, kept in a file beside it.

A model file holds what was usual when its training ended. What came to light since then (counts,
how wrong they were, take-offs) is in memory alone; so that a restart does not lose it, it is
written down now and then, in the layout of a model file and checked as one. It goes with one
version of a model: beside another it is not believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.model.files import read_file, write_file
from sectorwatch.forecast.model.model import rows_of, sectors_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sectorwatch.forecast.features import Memory
    from sectorwatch.forecast.model.files import Header
    from sectorwatch.forecast.model.model import Model

__all__ = ["read_noted", "write_noted"]

_FORESTS = ("noted",)
_OTHERWISE = "what was noted since the model was trained is lost until the next training"


def write_noted(
    path: Path,
    model: Model,
    memory: Memory,
    sector_id: NDArray[np.int64],
    drawn: NDArray[np.uint64],
    as_of_s: int,
) -> int:
    """Puts what `memory` has noted at `path`, whole or not at all; gives its size in bytes.

    It is of the sectors `sector_id` (s,) as they are `drawn`. Raises DiskFullError or StoreError
    where the disk does not take it.
    """
    header = msgspec.structs.replace(
        model.header, forests=_FORESTS, trained_to_s=max(0, as_of_s), figures={}
    )
    arrays = {"sector_id": sector_id, "drawn": drawn, **memory.noted()}
    return write_file(path, header, arrays)


def read_noted(
    path: Path,
    model: Model,
    memory: Memory,
    sector_id: NDArray[np.int64],
    drawn: NDArray[np.uint64],
) -> int:
    """Has `memory` go on from what is at `path`; gives until when that was noted.

    Raises ModelFileError, which says what is wrong, where it is damaged or of another model; then
    `memory` is as before.
    """
    header, arrays = read_file(path, "memory", _OTHERWISE)
    try:
        _check(header, model)
        known_id, known_drawn = sectors_of(arrays)
        memory.take_up(arrays, rows_of(known_id, known_drawn, sector_id, drawn))
    except ModelFileError as error:
        raise ModelFileError(f"the memory {path} is not used: {error}. {_OTHERWISE}") from error
    return header.trained_to_s


def _check(header: Header, model: Model) -> None:
    """Raises ModelFileError where it is no memory, or none of this model."""
    if header.forests != _FORESTS or header.features != model.header.features:
        raise ModelFileError("it is of another sectorwatch, or no memory")
    if (header.version, header.zone) != (model.version, model.header.zone):
        raise ModelFileError(f"it is of the model {header.version}, and {model.version} serves")
