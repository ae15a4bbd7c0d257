from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sectorwatch
from sectorwatch.clock import SystemClock
from sectorwatch.config import load_settings
from sectorwatch.observe.profiling.frames import OwnCode
from sectorwatch.runtime.application import Application, History
from sectorwatch.runtime.watching import resource_limits

if TYPE_CHECKING:
    import pytest

ROOT = Path(sectorwatch.__file__).parent


def test_the_settings_say_from_when_on_it_counts() -> None:
    """Each of them arrives where it belongs."""
    given = {
        "loop_blocked_s": 1.5,
        "cpu_spike_percent": 90.0,
        "cpu_spike_s": 60.0,
        "profile_every_s": 0.0,
        "leak_mb_an_hour": 20.0,
        "leak_mb": 100.0,
        "leak_trace_s": 5.0,
        "leak_looks_a_day": 1,
    }
    limits = resource_limits(load_settings(overrides=given, env={}).settings)
    names = {"profile_every_s": "periodic_every_s"}
    for name, value in given.items():
        assert getattr(limits, names.get(name, name)) == value, name


def test_who_owns_which_code_is_true() -> None:
    """Each beginning of a path is one of the package's, and files of every room have an owner."""
    owners = resource_limits(load_settings(env={}).settings).owners
    files = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py")]
    for start in owners:
        if start != "forecast/":
            assert any(file.startswith(start) for file in files), start
    own = OwnCode(owners=dict(owners))
    for file, service in (
        ("feed/client.py", "collector"),
        ("feed/journal.py", "journal"),
        ("traffic/tracker.py", "tracker"),
        ("store/store.py", "store"),
        ("web/app.py", "api"),
        ("observe/notifying/outbox.py", "notifier"),
    ):
        assert own.service(str(ROOT / file)) == service


class _Follow:
    is_in_step = True
    pending = 0


class _Pipeline:
    follow = _Follow()
    latest = None


def application(**more: object) -> Application:
    """As much of one as is asked whether it is busy."""
    made = Application.__new__(Application)
    made.__dict__.update(
        {"clock": SystemClock(), "pipeline": _Pipeline(), "history": None, "started_at_us": 0}
        | more
    )
    return made


def test_hard_work_is_expected_at_the_start_of_a_history_and_when_it_catches_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And at no other time."""
    assert not application().is_expected_busy()
    assert application(started_at_us=SystemClock().now_us()).is_expected_busy()
    later = SystemClock().now_us() + 3_600_000_000
    assert not application(started_at_us=later).is_expected_busy(), "the clock was set back"
    assert application(history=History(1, 2)).is_expected_busy()
    monkeypatch.setattr(_Follow, "is_in_step", False)
    assert not application().is_expected_busy()
    monkeypatch.setattr(_Follow, "pending", 100)
    assert application().is_expected_busy()
