"""What a container may use, where it may use less than the machine has (cgroup v2)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ControlGroup", "GroupMemory"]

_ROOT = Path("/sys/fs/cgroup")
_MOUNTED_AT = "0::"


@dataclass(frozen=True, slots=True)
class GroupMemory:
    """Bytes that the group may use, and uses without what the kernel could drop at once."""

    limit: int
    used: int

    @property
    def available_ratio(self) -> float:
        """How much of the limit is left, 0 to 1."""
        return min(1.0, max(0.0, 1.0 - self.used / self.limit))


class ControlGroup:
    """The control group of this process; of a machine without one, or with no limit, all is None.

    `root` is where the groups are mounted, `membership` the file that says which is ours.
    """

    def __init__(self, root: Path = _ROOT, membership: Path = Path("/proc/self/cgroup")) -> None:
        self._folders = _folders(root, membership)

    def memory(self) -> GroupMemory | None:
        """The tightest limit of memory among the group and those around it."""
        found = [each for each in map(_memory_of, self._folders) if each is not None]
        return min(found, key=lambda each: each.limit - each.used, default=None)

    def processors(self) -> float | None:
        """How many processors' worth of time the group may use, 0.5 for half of one."""
        return min((each for each in map(_quota_of, self._folders) if each), default=None)

    def throttled_s(self) -> float | None:
        """Seconds for which the group was held back since it was made; None for no limit."""
        if self.processors() is None:
            return None
        for line in _text(self._folders[0] / "cpu.stat").splitlines():
            name, _, value = line.partition(" ")
            if name == "throttled_usec" and value.isdigit():
                return int(value) / 1e6
        return None


def _folders(root: Path, membership: Path) -> list[Path]:
    """Our group's folder and those around it; [] where groups of this kind are not used."""
    if not (root / "cgroup.controllers").is_file():
        return []
    inside = next(
        (
            line.removeprefix(_MOUNTED_AT).strip()
            for line in _text(membership).splitlines()
            if line.startswith(_MOUNTED_AT)
        ),
        "/",
    )
    folder = root / inside.lstrip("/")
    # In a container the group is mounted as the root, and the path in the file is from outside.
    folder = folder if folder.is_dir() and ".." not in folder.parts else root
    parents = [each for each in folder.parents if each == root or root in each.parents]
    return [folder, *parents]


def _memory_of(folder: Path) -> GroupMemory | None:
    limit, used = _text(folder / "memory.max").strip(), _text(folder / "memory.current").strip()
    if not limit.isdigit() or not used.isdigit() or int(limit) <= 0:
        return None
    return GroupMemory(int(limit), max(0, int(used) - _droppable(folder)))


def _droppable(folder: Path) -> int:
    for line in _text(folder / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name == "inactive_file" and value.isdigit():
            return int(value)
    return 0


def _quota_of(folder: Path) -> float | None:
    quota, _, period = _text(folder / "cpu.max").strip().partition(" ")
    if not quota.isdigit() or not period.isdigit() or int(period) <= 0:
        return None
    return int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
