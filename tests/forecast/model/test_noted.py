"""What was noted since a model's training: written down, gone on from, and believed of it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from forecast.flown_past import START_S, airspace
from forecast.made_model import made_model
from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.model.model import read_model, write_model
from sectorwatch.forecast.model.noted import read_noted, write_noted
from sectorwatch.forecast.model.training import drawn, kinds_of
from sectorwatch.forecast.weekly import wall_hours

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.forecast.features import Memory
    from sectorwatch.forecast.model.model import Model

LOCAL = LocalTime("Australia/Sydney")
HOUR_S = 3_600


def served() -> Model:
    """A model that was trained until the start."""
    return made_model(airspace(), LOCAL, to_s=START_S)


def of(model: Model) -> Memory:
    """What it remembers."""
    return model.memory_for(np.arange(model.sector_id.size), kinds_of(airspace()), LOCAL)


def noted(model: Model) -> Memory:
    """A memory that has seen plans, how wrong they were, and take-offs."""
    memory = of(model)
    plan = np.arange(memory.kind.size * LEADS.size, dtype=np.float32).reshape(-1, LEADS.size)
    memory.plan_usual.note(START_S, wall_hours(LOCAL, START_S + LEADS), plan)
    memory.unseen.note(START_S, plan, plan, plan + 2)
    memory.departures.add(START_S + np.arange(9), np.full(9, 7, dtype=np.uint64))
    return memory


def same(one: Memory, other: Memory) -> bool:
    """Whether both noted the same."""
    ours, theirs = one.noted(), other.noted()
    return all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def test_what_was_noted_is_gone_on_from(tmp_path: Path) -> None:
    """To the last bit, with when it was written down; how flights go stays the model's."""
    model, path = served(), tmp_path / "noted.memory"
    memory, again = noted(model), of(model)
    assert not same(memory, again)
    size = write_noted(path, model, memory, model.sector_id, drawn(airspace()), START_S + HOUR_S)
    assert size == path.stat().st_size
    assert read_noted(path, model, again, model.sector_id, drawn(airspace())) == START_S + HOUR_S
    assert same(memory, again)


def test_a_sector_that_was_drawn_anew_has_noted_nothing(tmp_path: Path) -> None:
    """The others have theirs, in another order too."""
    model, path = served(), tmp_path / "noted.memory"
    memory, again = noted(model), of(model)
    write_noted(path, model, memory, model.sector_id, drawn(airspace()), START_S)
    changed = drawn(airspace())[::-1].copy()
    changed[3] += 1
    read_noted(path, model, again, model.sector_id[::-1], changed)
    hour = wall_hours(LOCAL, START_S + LEADS)
    expected = memory.plan_usual.mean(hour)[::-1].copy()
    expected[3] = np.nan
    np.testing.assert_array_equal(again.plan_usual.mean(hour), expected)


@pytest.mark.parametrize("change", ["cut", "model", "zone", "missing", "other"])
def test_what_is_of_another_model_or_damaged_is_refused_in_words(
    change: str, tmp_path: Path
) -> None:
    """And the memory is as it was: all that it costs is what was noted since the training."""
    model, path = served(), tmp_path / "noted.memory"
    kept, memory = model, noted(model)
    if change == "model":
        kept = model.saying(version="before")
    if change == "zone":
        kept = model.saying(zone="Europe/Paris")
    write_noted(path, kept, memory, model.sector_id, drawn(airspace()), START_S)
    if change == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    if change == "missing":
        path.unlink()
    if change == "other":
        write_model(path, model)
    again = of(model)
    with pytest.raises(ModelFileError, match="lost until the next training"):
        read_noted(path, model, again, model.sector_id, drawn(airspace()))
    assert same(again, of(model))


def test_a_memory_is_no_model(tmp_path: Path) -> None:
    """Whoever gives it another name does not have it serve."""
    model, path = served(), tmp_path / "noted.model"
    write_noted(path, model, noted(model), model.sector_id, drawn(airspace()), START_S)
    with pytest.raises(ModelFileError, match="other features"):
        read_model(path)
