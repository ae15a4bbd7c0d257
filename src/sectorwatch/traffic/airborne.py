"""Who is in the air, with hysteresis, and the take-offs and landings that follow from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.traffic.contract import Fields
    from sectorwatch.traffic.rules import Rules

__all__ = ["airborne_now", "heights_ft"]


def airborne_now(
    airborne: NDArray[np.bool_],
    helicopter: NDArray[np.bool_],
    groundspeed_kt: NDArray[np.int32],
    height_ft: NDArray[np.float64],
    rules: Rules,
) -> NDArray[np.bool_]:
    """Who is in the air after a new position, arrays of shape (n,).

    `airborne` was so before it; `height_ft` is above the field, NaN where the field is unknown. By
    the usual rules on at 50 kt and 200 ft (at 80 kt where the field is unknown), off below 40 kt.
    Helicopters by height alone: on at 200 ft, off below 100 ft; where the field is unknown, on as
    others, and never off.
    """
    unknown = np.isnan(height_ft)
    high = ~unknown & (height_ft >= rules.on_height_ft)
    fast = unknown & (groundspeed_kt >= rules.on_speed_no_field_kt)
    on = fast | (high & (helicopter | (groundspeed_kt >= rules.on_speed_kt)))
    low = ~unknown & (height_ft < rules.helicopter_off_height_ft)
    off = np.where(helicopter, low, groundspeed_kt < rules.off_speed_kt)
    return np.where(airborne, ~off, on)


def heights_ft(
    fields: Fields,
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    altitude_ft: NDArray[np.int32],
    rules: Rules,
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """(height above the nearest airport within reach of the rules, its index); NaN and -1 if none.

    NaN, too, where nobody knows how high that airport is.
    """
    field = fields.nearest(latitude, longitude, rules.field_within_nm)
    height_ft = np.full(field.shape, np.nan)
    known = field >= 0
    height_ft[known] = altitude_ft[known] - fields.elevation_ft[field[known]]
    return height_ft, field
