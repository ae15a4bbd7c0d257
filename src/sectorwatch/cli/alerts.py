"""`sectorwatch alerts`: whether those who are to be told of alerts are told."""

# No `from __future__ import annotations` here: typer reads them when it runs.
import threading
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sectorwatch.cli.console import print_json, print_table
from sectorwatch.cli.options import Config, Json, read_settings
from sectorwatch.errors import ConfigError

if TYPE_CHECKING:
    from sectorwatch.observe.notifying import Channel

__all__ = ["app"]

app = typer.Typer(
    help="Alerts, and who is told of them.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def _root() -> None:
    """Stand for the group: with one command alone typer would leave its name out."""


@app.command("test")
def send_test(
    channel: Annotated[
        str | None,
        typer.Option(
            "--channel",
            metavar="NAME",
            help="Only this one, by its name or its number in the list; all without it.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Send a test notification by each channel, now, and say what became of it."""
    from sectorwatch.runtime.observation import all_channels  # noqa: PLC0415 - for a quick --help

    channels = all_channels(read_settings(config).settings)
    if not channels:
        raise ConfigError(
            "no channel is configured: set notify_urls, such as "
            "SECTORWATCH_NOTIFY_URLS=https://discord.com/api/webhooks/NUMBER/TOKEN"
        )
    rows = _told(_chosen(channels, channel))
    if json:
        print_json(rows)
    else:
        print_table(
            "",
            ("channel", "address", "what became of it"),
            [(row["channel"], row["address"], row["result"]) for row in rows],
        )
    if not all(row["sent"] for row in rows):
        raise typer.Exit(1)


def _chosen(channels: "list[Channel]", wanted: str | None) -> "list[Channel]":
    if wanted is None:
        return channels
    numbers = {str(number): each for number, each in enumerate(channels, start=1)}
    found = numbers.get(wanted) or next((each for each in channels if each.name == wanted), None)
    if found is None:
        names = ", ".join(each.name for each in channels)
        raise typer.BadParameter(f"{wanted!r} is no channel: there are {names}")
    return [found]


def _told(channels: "list[Channel]") -> list[dict[str, Any]]:
    """What became of a test by each of them, all at once."""
    rows: list[dict[str, Any]] = [{} for _ in channels]

    def tell(number: int) -> None:
        rows[number] = _row(channels[number])

    threads = [
        threading.Thread(target=tell, args=(number,), daemon=True)
        for number in range(len(channels))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rows


def _row(channel: "Channel") -> dict[str, Any]:
    from sectorwatch.observe.notifying import Attempts, trial  # noqa: PLC0415 - as above

    began_s = time.perf_counter()
    for told in trial(time.time(), with_end=channel.kind == "webhook"):
        outcome = Attempts(channel).send(told, time.time())
        if not outcome.is_sent:
            break
    took_s = time.perf_counter() - began_s
    words = outcome.words
    said = f"sent in {took_s:.1f} s ({words})" if outcome.is_sent else f"not sent: {words}"
    return {
        "channel": channel.name,
        "address": channel.address,
        "sent": outcome.is_sent,
        "result": said,
        "status": outcome.status,
        "seconds": round(took_s, 3),
    }
