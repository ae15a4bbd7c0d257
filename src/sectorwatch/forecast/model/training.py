"""From a history to a model. scikit-learn is imported here and in `pinball`, when asked for."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.errors import TrainingError
from sectorwatch.forecast.features import FEATURES, STEP_S, Memory
from sectorwatch.forecast.history import History
from sectorwatch.forecast.horizon import BIN_S, LONGEST_S
from sectorwatch.forecast.model.baseline import Baseline, design, spread
from sectorwatch.forecast.model.conformal import Conformal
from sectorwatch.forecast.model.files import Header
from sectorwatch.forecast.model.halfway import Halfway, Prepared
from sectorwatch.forecast.model.model import FORESTS, Model, without
from sectorwatch.forecast.model.pinball import pinball_loss
from sectorwatch.forecast.model.table import Sampler, Walk
from sectorwatch.forecast.model.trees import forest_of
from sectorwatch.forecast.model.zero import ZeroCurve
from sectorwatch.forecast.past import Past
from sectorwatch.forecast.plans import LearnedPlans, PlanCounter, learn_plans
from sectorwatch.forecast.plans.learning import moments_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports, Airspace
    from sectorwatch.forecast.local_time import LocalTime
    from sectorwatch.forecast.model.table import Table
    from sectorwatch.forecast.model.trees import Forest
    from sectorwatch.forecast.plans import Navigation

    Progress = Callable[[float, str], None]
    Load = Callable[[int, int], History]

__all__ = [
    "OF_HISTORY_ALONE",
    "Fitted",
    "Prepared",
    "Recipe",
    "assembled",
    "drawn",
    "finished",
    "fit",
    "halfway_of",
    "kinds_of",
    "prepare",
    "train",
]

WALKED = 0.65
"""Of a training: so much of it has been done when the walk is over."""
_DAY_S = 86_400
SHORTEST_S = 3 * _DAY_S
"""Less of the past than this teaches nothing that the plans do not know."""
OF_HISTORY_ALONE = (
    *(name for name in FEATURES if name.startswith(("plan_", "unseen", "residual_", "regulars_"))),
    *("network_plan", "overdue_min", "off_delay_min", "delay_here_min"),
)
"""What is kept from a model that is to know nothing of plans: a baseline to be beaten."""
_HOUR_S = 3_600
_PIECE_S = 7 * _DAY_S
_MOMENTS = 90
_MOST_EDGES, _MISSING = 254, 255
_EDGES_OF = 100_000
_KNOWN = 1e-3
_DROPPED = 0.04
"""In so many rows it is not known how the last forecasts came out: as after every start."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained. Rows and rounds of boosting, by what is said of each forest."""

    rows: int = 500_000
    held_rows: int = 200_000
    quantile_rows: int = 300_000
    mean_rounds: int = 160
    quantile_rounds: int = 120
    learning_rate: float = 0.08
    leaves: int = 31
    least_in_leaf: int = 150
    l2: float = 5.0
    held_share: float = 0.2
    held_most_s: int = 4 * _DAY_S
    step_s: int = STEP_S
    seed: int = 1

    def with_rounds(self, mean_rounds: int) -> Recipe:
        """The same with so many rounds for the mean, and as many less for each quantile."""
        share = self.quantile_rounds / self.mean_rounds
        rounds = max(1, round(mean_rounds * share))
        return replace(self, mean_rounds=mean_rounds, quantile_rounds=rounds)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was fitted to a table, without what only a walk can know."""

    baseline: Baseline
    forests: tuple[Forest, ...]


def prepare(
    history: History | Load,
    airspace: Airspace,
    airports: Airports,
    from_s: int,
    to_s: int,
    *,
    local: LocalTime,
    learned: LearnedPlans | None = None,
    navigation: Navigation | None = None,
    recipe: Recipe = Recipe(),
    progress: Progress = lambda _share, _words: None,
) -> Prepared:
    """Walks through the past from `from_s` until `to_s`, moment by moment as it was known.

    `history` is that past, or what loads a part of it: then it is gone through by the week, and
    takes no more memory however long it is. `learned` is how plans are carried out, learned from
    its last weeks before the days held back where it is not given. Raises TrainingError where there
    is too little of the past.
    """
    length_s = to_s - from_s
    if length_s < SHORTEST_S:
        raise TrainingError(
            f"{length_s / _DAY_S:.1f} days of history are too few to train a model of: it takes "
            f"{SHORTEST_S // _DAY_S}; forecasts rest on plans until then"
        )
    held_from_s = int(to_s - min(recipe.held_most_s, recipe.held_share * length_s))
    # Rows of the first week say of what is usual only that nobody knows it.
    first_s = from_s + min(8 * _DAY_S, length_s // 3)
    if learned is None:
        learned = _learned(
            history, airspace, airports, from_s, held_from_s, navigation, local, progress
        )
    known = learned
    counter = PlanCounter(airspace, airports, navigation)
    memory = Memory(kinds_of(airspace), local)
    until_s = to_s - LONGEST_S - BIN_S
    fitting = Sampler(recipe.rows, (held_from_s - first_s) // recipe.step_s, recipe.seed)
    held = Sampler(recipe.held_rows, (until_s - held_from_s) // recipe.step_s, recipe.seed)
    past = Past(_ids(airspace), from_s)
    departed_s = 0
    for first_moment_s, begin_s, end_s in _pieces(history, from_s, to_s, recipe.step_s):
        piece = history if isinstance(history, History) else _load(history, begin_s, end_s, to_s)
        walk = Walk(
            piece,
            lambda each, usual: counter.count(each, known, usual=usual),
            memory,
            past=past,
            departed_s=departed_s,
        )
        for moment in walk.moments(first_moment_s, end_s, recipe.step_s):
            share = (moment.as_of_s - from_s) / length_s
            progress(0.2 + 0.8 * share, f"as of {format_s(moment.as_of_s)}")
            if first_s <= moment.as_of_s < held_from_s - LONGEST_S - BIN_S:
                fitting.add(moment)
            elif moment.as_of_s >= held_from_s:
                held.add(moment)
        walk.close(end_s)
        departed_s = walk.departed_s
        # Before the next one is loaded, so that there are never two.
        del walk, piece
    return Prepared(fitting.table(), held.table(), memory.to_arrays(), known)


def _pieces(
    history: History | Load, from_s: int, to_s: int, step_s: int
) -> Iterator[tuple[int, int, int]]:
    """Of each piece of the past its first moment, where it begins and where it ends."""
    if isinstance(history, History):
        yield from_s, from_s, to_s
        return
    first_moment_s = begin_s = from_s
    while begin_s < to_s:
        end_s = begin_s + _PIECE_S
        # No short one at the end: it would learn little of how flights go.
        end_s = to_s if end_s + _PIECE_S // 2 > to_s else end_s
        yield first_moment_s, begin_s, end_s
        first_moment_s += -(-(end_s - first_moment_s) // step_s) * step_s
        begin_s = end_s


def _load(load: Load, begin_s: int, end_s: int, to_s: int) -> History:
    """A piece, with what came true of what is forecast in it.

    And with minutes that were not final when the one before it ended, and flights that had taken
    off then and were not taken account of.
    """
    return load(begin_s - LONGEST_S - _HOUR_S, min(end_s + LONGEST_S + BIN_S, to_s))


def _learned(
    history: History | Load,
    airspace: Airspace,
    airports: Airports,
    from_s: int,
    until_s: int,
    navigation: Navigation | None,
    local: LocalTime,
    progress: Progress,
) -> LearnedPlans:
    moments = None
    if not isinstance(history, History):
        from_s = max(from_s, until_s - _PIECE_S)
        moments = moments_between(from_s, until_s, _MOMENTS)
        history = history(from_s, until_s)
    return learn_plans(
        history,
        airspace,
        airports,
        until_s,
        navigation=navigation,
        local=local,
        moments=moments,
        progress=lambda share, words: progress(0.2 * share, words),
    )


def _ids(airspace: Airspace) -> NDArray[np.int64]:
    return np.array([each.sector_id for each in airspace.sectors], dtype=np.int64)


def train(
    history: History | Load,
    airspace: Airspace,
    airports: Airports,
    from_s: int,
    to_s: int,
    *,
    local: LocalTime,
    learned: LearnedPlans | None = None,
    navigation: Navigation | None = None,
    blank: Sequence[str] = (),
    recipe: Recipe = Recipe(),
    progress: Progress = lambda _share, _words: None,
) -> tuple[Model, Table]:
    """A model of the past from `from_s` until `to_s`, and the rows of its last days.

    Those rows it was not fitted to: its intervals come from them, and it can be compared with
    another by them. What the features named in `blank` say is kept from it. Raises TrainingError
    where there is too little of the past.
    """
    prepared = prepare(
        history,
        airspace,
        airports,
        from_s,
        to_s,
        local=local,
        learned=learned,
        navigation=navigation,
        recipe=recipe,
        progress=lambda share, words: progress(WALKED * share, words),
    )
    halfway = halfway_of(prepared, airspace, local, from_s, to_s, blank)
    return finished(halfway, recipe, lambda s, words: progress(WALKED + (1 - WALKED) * s, words))


def halfway_of(
    prepared: Prepared,
    airspace: Airspace,
    local: LocalTime,
    from_s: int,
    to_s: int,
    blank: Sequence[str] = (),
) -> Halfway:
    """What was walked through from `from_s` until `to_s`, with all that a model says of itself."""
    header = Header(
        version=f"{format_s(to_s)[:16].replace(':', '').replace('-', '')}Z",
        trained_from_s=from_s,
        trained_to_s=to_s,
        fingerprint=airspace.fingerprint,
        zone=local.name,
        features=tuple(FEATURES),
        forests=FORESTS,
        without=tuple(blank),
        rows=len(prepared.fitting),
    )
    return Halfway(prepared, header, _ids(airspace), drawn(airspace))


def finished(
    halfway: Halfway,
    recipe: Recipe = Recipe(),
    progress: Progress = lambda _share, _words: None,
) -> tuple[Model, Table]:
    """The model, and the rows held back; the rows to fit are let go of on the way."""
    prepared, header = halfway.prepared, halfway.header
    fitting, prepared.fitting = prepared.fitting, prepared.held
    fitted = fit(fitting, recipe, header.without, progress)
    del fitting
    model = assembled(fitted, prepared, header, halfway.sector_id, halfway.drawn, recipe.seed)
    return model, prepared.held


def assembled(
    fitted: Fitted,
    prepared: Prepared,
    header: Header,
    sector_id: NDArray[np.int64],
    drawn_as: NDArray[np.uint64],
    seed: int = 1,
) -> Model:
    """A model of what was fitted and what the walk has learned, its intervals by the rows held."""
    return Model(
        header=header,
        sector_id=sector_id,
        drawn=drawn_as,
        baseline=fitted.baseline,
        forests=fitted.forests,
        zero=ZeroCurve.expected(),
        conformal=Conformal.untaught(),
        learned=prepared.learned,
        memory=prepared.memory,
    ).calibrated(prepared.held, seed)


def fit(
    table: Table,
    recipe: Recipe,
    blank: Sequence[str] = (),
    progress: Progress = lambda _share, _words: None,
) -> Fitted:
    """The linear forecast and the forests on it, of a table whose rows it may change."""
    if len(table) < 1_000:  # noqa: PLR2004 - trees with leaves of a hundred
        raise TrainingError(
            f"{len(table)} moments of sectors are too few to train a model of; forecasts rest on "
            "plans until there are more"
        )
    chance = np.random.default_rng(recipe.seed)
    unknown = np.flatnonzero(chance.random(len(table)) < _DROPPED)
    for column, name in enumerate(FEATURES):
        if name.startswith("residual_"):
            table.rows[unknown, column] = np.nan
    table.rows = without(table.rows, blank)
    baseline = Baseline.fit(table.rows, table.lead, table.truth)
    stands = baseline.of(table.rows, table.lead)
    asked, edges = _coded(design(table.rows, stands))
    # Trees are grown in five times as much memory as the codes take: the rows have been used.
    table.rows = table.rows[:0].copy()
    truth = table.truth.astype(np.float64)
    # As a Poisson count with the baseline as its exposure: the same deviance, to a constant.
    forests = [_boosted("poisson", recipe.mean_rounds, asked, truth / stands, stands, recipe)]
    unit = spread(stands)
    few = chance.permutation(len(table))[: recipe.quantile_rows]
    asked, unit, deviation = asked[few], unit[few], ((truth - stands) / unit)[few]
    for number, level in enumerate((0.1, 0.5, 0.9)):
        progress((number + 1) / 4, f"boosting the {level:.0%} quantile")
        # An aircraft too many is one, in a sector of any size.
        loss, rounds = pinball_loss(level), recipe.quantile_rounds
        forests.append(_boosted(loss, rounds, asked, deviation, unit, recipe))
    return Fitted(baseline, tuple(_decoded(forest, edges) for forest in forests))


def _coded(
    asked: NDArray[np.float32],
) -> tuple[NDArray[np.uint8], list[NDArray[np.float64]]]:
    """For each value how many edges are below it, `_MISSING` for none; and the edges by column.

    What scikit-learn does by itself, once for all forests: with weights it takes a quarter of a
    minute each time. It wants some numbers in each column, also among the rows that it looks at
    first: one of which next to nothing is known is all zeros, and tells nothing apart.
    """
    codes = np.zeros(asked.shape, dtype=np.uint8)
    found = []
    some = asked[:: max(1, len(asked) // _EDGES_OF)]
    for column in range(asked.shape[1]):
        values = some[:, column]
        values = values[np.isfinite(values)]
        missing = np.isnan(asked[:, column])
        if not values.size or (~missing).mean() < _KNOWN:
            found.append(np.empty(0))
            continue
        levels = np.linspace(0, 1, _MOST_EDGES + 2)[1:-1]
        edges = np.unique(np.quantile(values, levels, method="lower"))
        codes[:, column] = np.searchsorted(edges, asked[:, column])
        codes[missing, column] = _MISSING
        found.append(edges.astype(np.float64))
    return codes, found


def _decoded(forest: Forest, edges: list[NDArray[np.float64]]) -> Forest:
    """The same trees, asked with values instead of with how many edges are below them."""
    threshold = forest.threshold.copy()
    for column, known in enumerate(edges):
        nodes = np.flatnonzero((forest.feature == column) & np.isfinite(threshold))
        threshold[nodes] = known[np.floor(threshold[nodes]).astype(np.intp)]
    return replace(forest, threshold=threshold)


def _boosted(
    loss: Any,
    rounds: int,
    asked: NDArray[np.uint8],
    wanted: NDArray[np.float64],
    weight: NDArray[np.float64],
    recipe: Recipe,
) -> Forest:
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415 - see the module
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as above

    regressor = HistGradientBoostingRegressor(
        loss=loss,
        learning_rate=recipe.learning_rate,
        max_iter=rounds,
        max_leaf_nodes=recipe.leaves,
        min_samples_leaf=recipe.least_in_leaf,
        l2_regularization=recipe.l2,
        early_stopping=False,
        random_state=recipe.seed,
    )
    # Of the kind that it wants: it makes no copy of them.
    values = asked.astype(np.float64)
    values[asked == _MISSING] = np.nan
    with threadpool_limits(_threads(), user_api="openmp"):
        regressor.fit(values, wanted, sample_weight=weight / weight.mean())
    return forest_of(regressor)


def _threads() -> int:
    """Half of the processors, so that feeds are taken in beside a training.

    Threads wait for each other at every step of every tree, turning: with as many as there are
    processors, and one of these at work for somebody else, a fit takes ten times as long.
    """
    return max(1, (os.cpu_count() or 1) // 2)


def kinds_of(airspace: Airspace) -> NDArray[np.int8]:
    """Which partition each sector belongs to, (s,)."""
    kinds = np.zeros(len(airspace.sectors), dtype=np.int8)
    for number, partition in enumerate(airspace.partitions):
        kinds[partition.first : partition.first + partition.count] = min(number, 127)
    return kinds


def drawn(airspace: Airspace) -> NDArray[np.uint64]:
    """A number a sector (s,) that is another one when it is drawn in another way."""
    import shapely  # noqa: PLC0415 - the floor below brings it along

    found = np.zeros(len(airspace.sectors), dtype=np.uint64)
    for number, sector in enumerate(airspace.sectors):
        digest = hashlib.blake2b(digest_size=8)
        for volume in sector.volumes:
            points = np.rint(shapely.get_coordinates(volume.polygon) * 1e7)
            digest.update(repr((volume.floor_ft, volume.ceiling_ft)).encode())
            digest.update(np.ascontiguousarray(points, dtype="<i8").tobytes())
        found[number] = int.from_bytes(digest.digest(), "little")
    return found
