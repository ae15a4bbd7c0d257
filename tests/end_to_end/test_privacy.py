"""Nobody's name or number is in anything that is kept."""

from __future__ import annotations

import gzip
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow.parquet as pq
import zstandard
from made_network import made_network

from sectorwatch.feed.journal_reader import read_journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("Zoë Quillfeather YSSY", "Bartholomew Nightingale-Xu", "9812345", "Åse Ødegård")
WORD = re.compile(r"[^\W_]+")
INTEGER = re.compile(r"(?<![\w.])-?\d{6,}(?![\w.])")


def replay(folder: Path, data: Path, *more: str) -> str:
    """Put feeds through as a person would; what it wrote to the terminal."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sectorwatch",
            "replay",
            str(folder),
            "--data-dir",
            str(data),
            *more,
        ],
        env={**os.environ, "SECTORWATCH_LOG_LEVEL": "DEBUG", "SECTORWATCH_LOG_FORMAT": "json"},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout + done.stderr


def kept(data: Path) -> Iterator[tuple[str, Any]]:
    """Every value in every store of a data directory, each read through its own format."""
    if (data / "journal").is_dir():
        for raw in read_journal(data / "journal"):
            yield "journal", msgspec.json.decode(raw.payload)
    for path in data.rglob("*.parquet"):
        for name, column in pq.read_table(path).to_pydict().items():
            yield f"{path.name}:{name}", column
    for path in data.glob("*.db"):
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        tables = [
            row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        for table in tables:
            for row in database.execute(f"SELECT * FROM {table}"):  # noqa: S608 - its own names
                yield f"{path.name}:{table}", [opened(value) for value in row]
        database.close()
    known = {".parquet", ".db", ".journal"}
    for path in data.rglob("*"):
        if path.is_file() and path.suffix not in known and path.name != "masking.key":
            yield path.name, path.read_bytes().decode("utf-8", "replace")


def opened(value: Any) -> Any:
    """A value of a table; what is compressed or packed is opened as far as it goes."""
    if not isinstance(value, bytes):
        return value
    with suppress(zstandard.ZstdError):
        value = zstandard.ZstdDecompressor().decompress(value, max_output_size=1 << 28)
    for decode in (msgspec.msgpack.decode, msgspec.json.decode):
        try:
            return decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return value.decode("utf-8", "replace")


def flat(value: Any) -> Iterator[Any]:
    """All plain values inside a value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(key)
            yield from flat(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from flat(inner)
    else:
        yield value


def found_in(data: Path, said: str, numbers: set[int], names: set[str]) -> set[tuple[str, str]]:
    """Where a number stands as an integer or a token, or a name as whole words."""
    by_first: dict[str, list[tuple[str, list[str]]]] = {}
    for name in names:
        wanted = WORD.findall(name.casefold())
        by_first.setdefault(wanted[0], []).append((name, wanted))
    found: set[tuple[str, str]] = set()
    seen: set[str] = set()
    for where, value in [*kept(data), ("terminal", said)]:
        for inner in flat(value):
            if isinstance(inner, int) and inner in numbers:
                found.add((where, str(inner)))
            # The same route or server stands in a thousand records; once is enough.
            if not isinstance(inner, str) or inner in seen:
                continue
            seen.add(inner)
            found.update((where, text) for text in INTEGER.findall(inner) if int(text) in numbers)
            words = WORD.findall(inner.casefold())
            for word in by_first.keys() & set(words):
                for name, wanted in by_first[word]:
                    if runs(words, wanted):
                        found.add((where, name))
    return found


def runs(words: list[str], wanted: list[str]) -> bool:
    """Whether `wanted` stands in `words`, one after another."""
    size = len(wanted)
    return any(words[start : start + size] == wanted for start in range(len(words)))


def test_no_name_or_number_is_in_any_store(tmp_path: Path) -> None:
    """Feeds full of names, in odd places and forms, leave none in journal, tables, files or log."""
    feeds, data = tmp_path / "feeds", tmp_path / "data"
    feeds.mkdir()
    numbers: set[int] = set()
    for step, made in enumerate(made_network(duration_s=300)):
        feed = json.loads(made.data)
        for index, pilot in enumerate(feed["pilots"]):
            pilot["name"] = NAMES[index % len(NAMES)]
            pilot["flight_plan"]["remarks"] += f" RMK/{pilot['name'].upper()} CID {pilot['cid']}"
            numbers.add(pilot["cid"])
        for controller in feed["controllers"]:
            controller["name"] = "Dorothea Vandersloot"
            controller["text_atis"] = [f"Dorothea Vandersloot, {controller['cid']} speaking"]
            numbers.add(controller["cid"])
        for prefile in feed["prefiles"]:
            prefile["name"] = NAMES[0]
            numbers.add(prefile["cid"])
        for atis in feed["atis"]:
            numbers.add(atis["cid"])
        text = json.dumps(feed, ensure_ascii=step % 2 == 0)
        if step == 5:
            # A key that is written with an escape is the same key.
            text = text.replace('"cid"', '"\\u0063id"', 1).replace('"name"', '"n\\u0061me"', 2)
        if step == 9:
            # A feed that is cut off is refused whole, and kept aside for a look.
            text = text[: len(text) // 2]
        (feeds / f"feed-{step:03}.json").write_text(text, encoding="utf-8")
    said = replay(feeds, data)
    names = {*NAMES, "Dorothea Vandersloot"}
    assert numbers
    assert found_in(data, said, numbers, names) == set()
    wrong = {"journal", "terminal"} - {
        where.split(":")[0] for where, _ in [*kept(data), ("terminal", "")]
    }
    assert wrong == set(), "nothing was read back"


def test_what_is_searched_for_is_found_where_it_is(tmp_path: Path) -> None:
    """The search itself finds names and numbers in every kind of store, else it proves nothing."""
    database = sqlite3.connect(tmp_path / "some.db")
    packed = zstandard.compress(msgspec.msgpack.encode({"remarks": "by ase ødegård 9900001"}))
    database.execute("CREATE TABLE kept (value, number)")
    database.execute("INSERT INTO kept VALUES (?, ?)", (packed, 9_900_002))
    database.commit()
    database.close()
    (tmp_path / "refused.txt").write_text("Åse  Ødegård", encoding="utf-8")
    found = found_in(
        tmp_path, "9900003", {9_900_001, 9_900_002, 9_900_003}, {"Ase Ødegård", "Åse Ødegård"}
    )
    assert found == {
        ("some.db:kept", "9900001"),
        ("some.db:kept", "9900002"),
        ("some.db:kept", "Ase Ødegård"),
        ("refused.txt", "Åse Ødegård"),
        ("terminal", "9900003"),
    }


def test_no_name_or_number_of_the_real_feeds_is_in_any_store(
    real_data: Path, tmp_path: Path
) -> None:
    """As above, for some thousand real records with all their oddities."""
    feeds, data = tmp_path / "feeds", tmp_path / "data"
    feeds.mkdir()
    numbers, names = set(), set()
    for path in sorted((real_data / "feed").glob("*20230807*.json.gz")):
        content = gzip.decompress(path.read_bytes())
        (feeds / path.name).write_bytes(path.read_bytes())
        feed = json.loads(content)
        for kind in ("pilots", "controllers", "atis", "prefiles"):
            for record in feed[kind]:
                numbers.add(int(record["cid"]))
                # A stand-in begins with "Member" and its number; that number is what to look for.
                names.add(record["name"])
    said = replay(feeds, data)
    assert len(numbers) > 500
    assert found_in(data, said, numbers, {name for name in names if len(name) > 3}) == set()
