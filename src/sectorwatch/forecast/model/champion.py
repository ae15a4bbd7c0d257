"""Whether a new model is better than the one that serves: on the same rows of recent days."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.measures import pinball, randomised_pit, within_80

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.model.model import Model, Prediction
    from sectorwatch.forecast.model.table import Table

__all__ = ["Verdict", "compare", "crossed"]

_BLOCK_S = 6 * 3_600
"""What is wrong in one sector is wrong in others and for hours; so long are pieces that are not."""
_FEWEST_BLOCKS = 4
_SURE = 1.0
"""Standard errors that the difference must be beyond: five times in six it is no chance."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`won`: the challenger serves from now on; `words` says why, `figures` what was found.

    Losses are mean pinball losses of the five quantiles, aircraft; `mae` that of the median.
    """

    won: bool
    words: str
    figures: dict[str, float] = field(default_factory=dict)


def compare(champion: Model | None, challenger: Model, held: Table, seed: int = 1) -> Verdict:
    """The verdict by rows that neither was fitted to, each half with intervals of the other one.

    That goes for both: the champion, where it goes on, is given new ones of these days as well.
    """
    new = crossed(challenger, held, seed)
    figures = _figures("challenger", new, held, seed)
    if champion is None:
        return Verdict(won=True, words="there was no model before it", figures=figures)
    old = crossed(champion, held, seed)
    figures |= _figures("champion", old, held, seed)
    loss = [pinball(held.truth, said.quantiles).mean(axis=-1) for said in (new, old)]
    gain, error, blocks = _paired(loss[1] - loss[0], held.as_of_s)
    figures |= {
        "gain": gain,
        "gain_error": error,
        "blocks": float(blocks),
        "rows": float(len(held)),
    }
    if blocks < _FEWEST_BLOCKS:
        return Verdict(
            won=False,
            words=f"{blocks} pieces of 6 h are too few to tell; the model before it goes on",
            figures=figures,
        )
    share = gain / max(float(loss[1].mean()), 1e-9)
    words = (
        f"its loss is {abs(share):.1%} {'less' if gain > 0 else 'more'} than that of the model "
        f"before it ({gain:+.4f} aircraft a forecast, standard error {error:.4f}, {blocks} pieces "
        f"of 6 h)"
    )
    won = gain > _SURE * error
    return Verdict(won=won, words=words if won else f"{words}: it goes on", figures=figures)


def crossed(model: Model, held: Table, seed: int = 1) -> Prediction:
    """What it says of `held`, with intervals for each half that come from the other one."""
    from sectorwatch.forecast.model.model import Prediction  # noqa: PLC0415 - they know each other

    second = (held.as_of_s // _BLOCK_S) % 2 == 1
    mean = np.empty(len(held), dtype=np.float32)
    quantiles = np.empty((len(held), 5), dtype=np.float32)
    p_zero = np.empty(len(held), dtype=np.float32)
    for half in (second, ~second):
        if not half.any():
            continue
        taught = model.calibrated(held.take(~half), seed) if (~half).any() else model
        said = taught.predict_rows(held.rows[half], held.lead[half])
        mean[half], quantiles[half], p_zero[half] = said.mean, said.quantiles, said.p_zero
    return Prediction(mean, quantiles, p_zero)


def _paired(
    difference: NDArray[np.float64], as_of_s: NDArray[np.int64]
) -> tuple[float, float, int]:
    """The mean difference, its standard error, and of how many pieces of time it comes."""
    _, block = np.unique(as_of_s // _BLOCK_S, return_inverse=True)
    count = np.bincount(block)
    total = np.bincount(block, difference)
    mean = float(difference.mean()) if difference.size else 0.0
    if count.size < 2:  # noqa: PLR2004 - one says nothing of how they differ
        return mean, float("inf"), count.size
    off = total - mean * count
    error = np.sqrt(count.size / (count.size - 1) * (off**2).sum()) / count.sum()
    return mean, float(error), count.size


def _figures(who: str, said: Prediction, held: Table, seed: int) -> dict[str, float]:
    chance = np.random.default_rng(seed).random(len(held))
    lies_at = randomised_pit(held.truth, said.quantiles, said.p_zero, chance)
    return {
        f"{who}.mae": float(np.abs(held.truth - said.quantiles[:, 2]).mean()),
        f"{who}.loss": float(pinball(held.truth, said.quantiles).mean()),
        f"{who}.coverage": float(within_80(lies_at).mean()),
    }
