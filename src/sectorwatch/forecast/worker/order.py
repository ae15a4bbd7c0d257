"""What the worker is told and what it tells, in lines of JSON, by standard input and output."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["STATES", "Order", "Report", "State"]

State = Literal["running", "done", "skipped", "failed", "stopped"]
STATES: tuple[State, ...] = ("running", "done", "skipped", "failed", "stopped")
"""`skipped` is a training that was not begun for want of memory or of a past, `stopped` one that
was ended by us."""


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A training: of what, for which time, and within which bounds.

    The database's URL may hold a password: an order goes by standard input and never by arguments,
    which every user of a machine can read. `champion` is the file of the model that serves, "" for
    none; `zone` the local time, `navigation` the file of navigation data, "" for none.
    """

    data_dir: str
    database_url: str | None
    airspace: tuple[str, ...]
    positions: dict[str, tuple[str, ...]] = {}
    zone: str
    navigation: str = ""
    from_s: int
    to_s: int
    champion: str = ""
    memory_mb: Annotated[int, Meta(ge=200)] = 800
    limit_s: Annotated[float, Meta(gt=0)] = 1_800.0
    niceness: Annotated[int, Meta(ge=0, le=19)] = 10
    rows: Annotated[int, Meta(ge=1_000)] = 500_000
    rounds: Annotated[int, Meta(ge=1, le=1_000)] = 160
    keep: Annotated[int, Meta(ge=1)] = 5


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far it is: `share` 0..1, and in words; at the end the file and the verdict.

    `challenger` and `champion` are the names of the models that were compared ("" for none),
    `is_taken` whether the new one won. `path` is the file of whichever did: the old one goes on
    with what was newly learned of the usual.
    """

    state: State
    share: float = 0.0
    words: str = ""
    path: str = ""
    version: str = ""
    challenger: str = ""
    champion: str = ""
    is_taken: bool = False
    figures: dict[str, float] = {}
    seconds: float = 0.0
    peak_mb: float = 0.0
