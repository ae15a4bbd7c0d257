"""`sectorwatch config`: what the settings are, where each came from, and what is wrong in them."""

# No `from __future__ import annotations` here: typer reads them when it runs.
from typing import TYPE_CHECKING, Annotated

import typer

from sectorwatch.cli.console import print_json, print_table
from sectorwatch.cli.options import Config, Json, read_settings
from sectorwatch.errors import AirspaceError, ConfigError

if TYPE_CHECKING:
    from sectorwatch.config import Settings

__all__ = ["app"]

app = typer.Typer(
    help="The settings, and where each came from.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("check")
def check(config: Config = None) -> None:
    """Say what is wrong in the settings; nothing is started."""
    from sectorwatch.airspace.spec import parse_spec  # noqa: PLC0415 - for a quick --help
    from sectorwatch.runtime.alert_rules import rule_problems  # noqa: PLC0415 - as above

    loaded = read_settings(config)
    if problems := rule_problems(loaded.settings):
        origin = loaded.origins["alert_rules"]
        raise ConfigError(f"alert_rules (from {origin}): {'; '.join(problems)}")
    try:
        for text in loaded.settings.airspace:
            parse_spec(text)
    except AirspaceError as error:
        raise ConfigError(f"airspace (from {loaded.origins['airspace']}): {error}") from error
    _check_addresses(loaded.settings)
    given = sum(origin != "default" for origin in loaded.origins.values())
    print(f"The settings are good: {given} given, {len(loaded.origins) - given} by default.")


def _check_addresses(settings: "Settings") -> None:
    """Raise ConfigError for the first address of who is to be told that cannot be used."""
    from sectorwatch.runtime.observation import all_channels  # noqa: PLC0415 - for a quick --help

    if not (settings.notify_urls or settings.alert_webhook_urls or settings.alertmanager_url):
        return
    wrong = [(each, each.check()) for each in all_channels(settings)]
    said = [f"{each.name} ({each.address}): {problem}" for each, problem in wrong if problem]
    if said:
        raise ConfigError(f"addresses of who is told of alerts: {'; '.join(said)}")


@app.command("show")
def show(
    json: Json = False,
    config: Config = None,
    given: Annotated[
        bool, typer.Option("--given", help="Leave out those that are as by default.")
    ] = False,
) -> None:
    """Show every setting with its value and where it came from; secrets are masked."""
    settings = [
        each for each in read_settings(config).shown() if not given or each.origin != "default"
    ]
    if json:
        print_json(
            [
                {
                    "name": each.name,
                    "value": each.value,
                    "unit": each.unit,
                    "origin": each.origin,
                    "default": each.default,
                    "variable": each.variable,
                    "description": each.description,
                }
                for each in settings
            ]
        )
        return
    print_table(
        "",
        ("setting", "value", "unit", "from"),
        [(each.name, each.value, each.unit, each.origin) for each in settings],
    )
