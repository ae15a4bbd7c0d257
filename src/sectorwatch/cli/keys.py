"""`sectorwatch keys`: who may read what from elsewhere than this machine."""

# No `from __future__ import annotations` here: typer reads them when it runs.
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sectorwatch.cli.console import print_json, print_table, say
from sectorwatch.cli.options import Config, DataDir, Json, read_settings
from sectorwatch.clock import format_s
from sectorwatch.errors import DatabaseAwayError, SectorwatchError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorwatch.config import Settings
    from sectorwatch.store import Key, Keys

__all__ = ["Scope", "app"]


class Scope(StrEnum):
    """What a key opens."""

    PUBLIC = "public"
    STAFF = "staff"
    ALERTS = "alerts"
    OPERATOR = "operator"


app = typer.Typer(
    help="API keys; only their hashes are kept. Works beside a running instance.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is, for the list.")],
    scope: Annotated[
        list[Scope],
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="public, staff (opens public too), alerts (likewise) or operator (opens all); "
            "may be given several times.",
            show_default=False,
        ),
    ],
    data_dir: DataDir = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Make a key and print it, once: only its hash is kept."""
    settings = read_settings(config, data_dir=data_dir).settings
    with _keys(settings, may_create=True) as keys:
        key, text = keys.add(name, [each.value for each in scope])
    if json:
        print_json({**_shown(key), "key": text})
        return
    print(text)
    say(
        f"Key {key.key_id} for {key.name!r} with {', '.join(sorted(key.scopes))}. "
        "Keep it now: it is not shown again. It is sent as 'Authorization: Bearer KEY'."
    )


@app.command("list")
def list_(data_dir: DataDir = None, json: Json = False, config: Config = None) -> None:
    """List every key ever made, those revoked included; the keys themselves nobody knows."""
    settings = read_settings(config, data_dir=data_dir).settings
    with _keys(settings) as keys:
        rows = [_shown(key) for key in keys.list()]
    if json:
        print_json(rows)
        return
    if not rows:
        say("There are no keys: make one with `sectorwatch keys add NAME --scope SCOPE`.")
        return
    print_table(
        "",
        ("id", "name", "scopes", "made", "origin", "revoked"),
        [
            (
                row["id"],
                row["name"],
                " ".join(row["scopes"]),
                row["created_at"],
                row["origin"],
                row["revoked_at"] or "",
            )
            for row in rows
        ],
    )


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `list` shows it.")],
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """End a key at once."""
    settings = read_settings(config, data_dir=data_dir).settings
    with _keys(settings) as keys:
        # Whoever has the key itself before them means its id.
        wanted = key_id.split("_")[1] if key_id.startswith("sw_") else key_id
        if not keys.revoke(wanted):
            known = {key.key_id: key for key in keys.list()}
            if wanted in known:
                raise SectorwatchError(
                    f"key {wanted} was revoked at {_second(known[wanted].revoked_at_us)} "
                    "already: there is nothing to do"
                )
            raise SectorwatchError(
                f"there is no key {wanted[:40]!r}: `sectorwatch keys list` shows them all"
            )
    say(f"Key {wanted} is revoked.")


@contextmanager
def _keys(settings: "Settings", *, may_create: bool = False) -> "Iterator[Keys]":
    """The keys of the data directory, beside whoever runs on it.

    Where nobody does, the directory or its tables may have to be made first (`may_create`) or
    brought up to date, for which the lock is taken.
    """
    from sectorwatch.store import DataDirectory, Store  # noqa: PLC0415 - for a quick --help

    url = settings.database_url
    address = None if url is None else url.get_secret_value()
    with ExitStack() as undo:
        try:
            directory = undo.enter_context(DataDirectory.open(settings.data_dir, lock=False))
            store = undo.enter_context(Store.open(directory, address))
        except DatabaseAwayError:
            raise
        except StoreError:
            if not may_create and not (settings.data_dir / "format").is_file():
                raise
            undo.close()
            directory = undo.enter_context(DataDirectory.open(settings.data_dir))
            store = undo.enter_context(Store.open(directory, address))
        yield store.keys


def _shown(key: "Key") -> dict[str, Any]:
    return {
        "id": key.key_id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "origin": key.origin,
        "created_at": _second(key.created_at_us),
        "revoked_at": _second(key.revoked_at_us),
    }


def _second(time_us: int | None) -> str | None:
    return None if time_us is None else format_s(time_us // 1_000_000)
