"""What can go wrong, as a tree; every message says what was wrong and what to do.

SectorwatchError
├── ConfigError              a setting that cannot be used
├── AirspaceError            an airspace data set that cannot be read
├── ScheduleError            a schedule of flights that the simulator cannot fly
├── SimulatorError           a simulated network that cannot be served
├── FeedError
│   ├── FeedRefusedError     a feed refused whole; `reason` is one of few words, for counting
│   └── FetchError           the network's servers could not be asked; `reason` likewise
├── JournalError
│   ├── JournalVersionError  a journal written by a newer version
│   └── JournalWriteError    a record that is not on the disk; `reason` says why in a word
├── StoreError
│   ├── DataDirectoryError   the data directory is in use, not writable, or newer than we are
│   ├── DatabaseAwayError    the database does not answer; try again later
│   │   └── DiskFullError    no space is left to write to; try again once there is
│   └── QueryTooLongError    a question that took longer than it may; ask for less
├── BacktestError            a back-test that cannot be made of what there is
├── ForecastError            what a forecast is made of cannot be used
│   ├── ModelFileError       a model file that is cut, foreign, damaged or of another version
│   └── TrainingError        no model can be trained, for want of a past or of memory
├── TrackerStateError        a saved tracker state that this tracker cannot go on from
└── ServiceError             a service that did not start, stop or answer in time
"""

from __future__ import annotations

__all__ = [
    "AirspaceError",
    "BacktestError",
    "ConfigError",
    "DataDirectoryError",
    "DatabaseAwayError",
    "DiskFullError",
    "FeedError",
    "FeedRefusedError",
    "FetchError",
    "ForecastError",
    "JournalError",
    "JournalVersionError",
    "JournalWriteError",
    "ModelFileError",
    "QueryTooLongError",
    "ScheduleError",
    "SectorwatchError",
    "ServiceError",
    "SimulatorError",
    "StoreError",
    "TrackerStateError",
    "TrainingError",
]


class SectorwatchError(Exception):
    """The root: whatever sectorwatch raises on purpose is one of these."""


class ConfigError(SectorwatchError):
    """A setting that cannot be used."""


class AirspaceError(SectorwatchError):
    """An airspace data set that cannot be read."""


class ScheduleError(SectorwatchError):
    """A schedule of flights that the simulator cannot fly."""


class SimulatorError(SectorwatchError):
    """A simulated network that cannot be served."""


class FeedError(SectorwatchError):
    """Something is wrong with what came from the network."""


class FeedRefusedError(FeedError):
    """A feed that is refused whole; nothing of it is kept but a copy for a look.

    `reason` is one of the few words in `sectorwatch.feed.accept.REFUSALS`, fit for a metric's tag.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class FetchError(FeedError):
    """A fetch that failed; `reason` is one of few words, fit for a metric's tag.

    `retry_after_s` is how long the server asked us to wait, None where it did not.
    """

    def __init__(self, reason: str, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after_s = retry_after_s


class JournalError(SectorwatchError):
    """A journal that cannot be read or written."""


class JournalVersionError(JournalError):
    """A journal written by a newer version of sectorwatch."""


class JournalWriteError(JournalError):
    """A record that could not be put on the disk, and is not counted as kept.

    `reason` is one of `disk_full`, `not_writable`, `io`, fit for a metric's tag.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StoreError(SectorwatchError):
    """Something is wrong with what is kept."""


class DataDirectoryError(StoreError):
    """The data directory is in use, not writable, or written by a newer version."""


class DatabaseAwayError(StoreError):
    """The database does not answer; whoever hears this waits and tries again."""


class DiskFullError(DatabaseAwayError):
    """No space is left; what was written stands, and nothing of what was not."""


class QueryTooLongError(StoreError):
    """A question that took longer than it may; whoever asked should ask for less."""


class BacktestError(SectorwatchError):
    """A back-test that cannot be made of what there is."""


class ForecastError(SectorwatchError):
    """What a forecast is made of cannot be used."""


class ModelFileError(ForecastError):
    """A model file that cannot be used; forecasts go on with the model before it."""


class TrainingError(ForecastError):
    """No model can be trained, for want of a past, of memory or of time; it says which."""


class TrackerStateError(SectorwatchError):
    """A saved tracker state that this tracker cannot go on from; the journal can make it again."""


class ServiceError(SectorwatchError):
    """A service that did not start, stop or answer in time."""
