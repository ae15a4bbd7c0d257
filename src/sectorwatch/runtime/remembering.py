"""That a restart does not lose what the model that serves has noted since its training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.departed import KEPT_S, kept_take_offs
from sectorwatch.forecast.horizon import LONGEST_S
from sectorwatch.forecast.model.noted import read_noted, write_noted
from sectorwatch.forecast.model.training import drawn
from sectorwatch.observe import LogLevel
from sectorwatch.store.files import make_folders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sectorwatch.airspace import Airports
    from sectorwatch.forecast.forecaster import Forecaster
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.observe import Telemetry
    from sectorwatch.runtime.slots import StoreSlot
    from sectorwatch.traffic.tick import Tick

__all__ = ["Remembering"]

_KEEP_EVERY_S = 3_600
_OFTEN_S = 1_200
"""Hardly a flight takes off and lands between two moments that are not farther apart."""
_DAY_S = 86_400
_FILE = "noted.memory"


class Remembering:
    """Writes down hourly and at the end what is noted, and has a start go on from there.

    Take-offs are in the database as well: all that the model has not seen are taken from there,
    those too that were noted after the file was written. Belongs to the forecast's thread.
    """

    def __init__(
        self,
        forecaster: Forecaster,
        airports: Airports,
        *,
        data_dir: Path,
        stores: StoreSlot,
        telemetry: Telemetry,
    ) -> None:
        self._forecaster = forecaster
        self._airports = airports
        self._data_dir = data_dir
        self._stores = stores
        self._log = telemetry.log
        self._drawn = drawn(forecaster.airspace)
        self._kept: tuple[str, int] | None = None
        """Of which model what was noted is kept, and until when."""
        self._filled: tuple[str, int | None] = "", 0
        """Which model has the take-offs that are kept until when; None where it has them all."""
        self._looked_s = 0
        """The last minute that was final when take-offs were last taken up."""
        self._noted_s = 0

    @property
    def _path(self) -> Path:
        return self._data_dir / "models" / _FILE

    def take_up_noted(self) -> None:
        """Go on from what was written down of the model that serves, where that can be used."""
        model, memory = self._forecaster.model, self._forecaster.memory
        # Where it has noted something already, all that was kept is behind it.
        if model is None or memory is None or self._noted_s or not self._path.exists():
            return
        try:
            until_s = read_noted(self._path, model, memory, self._forecaster.sector_id, self._drawn)
        except ModelFileError as error:
            self._log.log_operation("take_up_noted", LogLevel.WARNING, what=str(error))
            return
        self._kept = model.version, until_s

    def take_up_take_offs(self, tick: Tick, is_stopped: Callable[[], bool]) -> None:
        """Have a model know of all flights that took off since it last saw any.

        Once for each model, and again where it did not look for a while: it notes those alone that
        are in the air when it does.

        What it has it keeps where it was stopped, or the database was away (DatabaseAwayError), and
        the next call goes on from there.
        """
        model, memory = self._forecaster.model, self._forecaster.memory
        if model is None or memory is None or tick.final_minute_s is None:
            return
        until_s, since_s = tick.final_minute_s, model.trained_to_s
        version, filled_s = self._filled
        kept_version, kept_s = self._kept or ("", 0)
        if version != model.version:
            filled_s = 0
        if filled_s is None:
            if until_s - self._looked_s <= _OFTEN_S:
                self._looked_s = until_s
                return
            since_s, filled_s = self._looked_s, 0
        # What was written by a clock that was far ahead does not say until when it has them.
        elif kept_version == model.version and kept_s <= until_s + _DAY_S:
            since_s = max(since_s, kept_s)
        # Its last hours it saw too seldom to see all that came down again.
        after_s = max(since_s - LONGEST_S, until_s - KEPT_S, filled_s)
        self._filled = model.version, after_s
        while after_s < until_s:
            if is_stopped():
                return
            end_s = min(until_s, after_s + _DAY_S)
            found = kept_take_offs(self._stores.ask(), self._airports, after_s + 1, end_s + 1)
            memory.fill(after_s, end_s, *found)
            after_s = end_s
            self._filled = model.version, end_s
        self._filled = model.version, None
        self._looked_s = until_s

    def keep_noted(self, _tick: Tick, issued: Issued, _situation: Situation) -> None:
        """Write down what is noted, once an hour and after a model took over."""
        model = self._forecaster.model
        # A forecast by plans alone, as while the past is not there yet, has the model note nothing.
        if model is None or issued.model != model.version:
            return
        self._noted_s = issued.as_of_s
        version, kept_s = self._kept or ("", 0)
        if version != model.version or abs(issued.as_of_s - kept_s) >= _KEEP_EVERY_S:
            self.keep()

    def keep(self) -> None:
        """Write down what is noted, where there is more than is kept."""
        model, memory, noted_s = self._forecaster.model, self._forecaster.memory, self._noted_s
        if model is None or memory is None or not noted_s:
            return
        # Nor what lacks take-offs yet: the next start would not look for them.
        if (model.version, noted_s) == self._kept or (model.version, None) != self._filled:
            return
        make_folders(self._path.parent, self._data_dir)
        write_noted(self._path, model, memory, self._forecaster.sector_id, self._drawn, noted_s)
        self._kept = model.version, noted_s
