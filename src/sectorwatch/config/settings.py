"""The table of settings: name, default, unit, limits, meaning; nothing here reads anything."""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from sectorwatch.clock import time_zone
from sectorwatch.config.loopback import NETWORK_INTERVAL_S, is_loopback

__all__ = ["PREFIX", "Environment", "Settings", "without_password"]

PREFIX = "SECTORWATCH_"
_SHORTEST_OPERATOR_KEY = 16

Environment = Literal["development", "testing", "production"]
_LEVELS: dict[Environment, str] = {
    "development": "DEBUG",
    "testing": "WARNING",
    "production": "INFO",
}


def _split(value: object) -> object:
    """Text from the environment or the command line as a list: JSON, or parts between commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return _from_json(value)
    return [part.strip() for part in value.split(",") if part.strip()]


def _table(value: object) -> object:
    """Text as a table: a JSON object, or `NAME=NUMBER` between commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return _from_json(value)
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    return {name.strip(): number.strip() for name, _, number in pairs}


def _lists(value: object) -> object:
    """Text as a table of lists: a JSON object, or `NAME=ONE+OTHER` between commas."""
    table = _table(value)
    if not isinstance(table, dict):
        return table
    return {
        name: [part.strip() for part in names.split("+") if part.strip()]
        if isinstance(names, str)
        else names
        for name, names in table.items()
    }


def _from_json(text: str) -> object:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"is no JSON: {error}") from error


def _empty_is_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _url(value: str) -> str:
    if not re.match(r"https?://[^/\s]+", value):
        raise ValueError("must begin with http:// or https:// and name a host")
    return value.rstrip("/")


def without_password(url: str) -> str:
    """An address as it may be shown."""
    return re.sub(r"(://[^:/@]*):[^/]*@", r"\1:***@", url)


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


def _proxy(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value.strip(), strict=False))
    except ValueError:
        raise ValueError(f"{value!r} is no address such as 10.0.0.1 or 10.0.0.0/8") from None


def _time_zone(value: str) -> str:
    zone = time_zone(value)
    return getattr(zone, "key", "UTC")


def _long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < _SHORTEST_OPERATOR_KEY:
        raise ValueError(f"must have at least {_SHORTEST_OPERATOR_KEY} characters")
    return value


_Words = Annotated[tuple[Annotated[str, AfterValidator(_not_blank)], ...], NoDecode]
_Url = Annotated[str, AfterValidator(_url)]
_OptionalUrl = Annotated[_Url | None, BeforeValidator(_empty_is_none)]
_OptionalText = Annotated[str | None, BeforeValidator(_empty_is_none)]
_OptionalSecret = Annotated[SecretStr | None, BeforeValidator(_empty_is_none)]
_Capacity = Annotated[int, Field(ge=1, le=10_000)]


def _setting(default: Any, unit: str, description: str, **limits: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"unit": unit}, **limits)


class Settings(BaseSettings):
    """Every setting with its default; built by `load_settings`, reads nothing by itself."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    data_dir: Path = _setting(
        Path("./data"), "path", "Where everything is kept; one running instance a directory."
    )
    environment: Environment = _setting(
        "production",
        "",
        "Sets the level of the log: development DEBUG, testing WARNING, production INFO.",
    )
    host: Annotated[str, AfterValidator(_not_blank)] = _setting(
        "127.0.0.1", "address", "The address that the API listens on."
    )
    port: int = _setting(
        8001, "", "The port that the API listens on; 0 takes a free one.", ge=0, le=65_535
    )
    base_url: _OptionalUrl = _setting(
        None,
        "URL",
        "Where others reach this instance, behind a proxy or under a path; "
        "with it nobody counts as local.",
    )
    trusted_proxies: Annotated[
        tuple[Annotated[str, AfterValidator(_proxy)], ...], NoDecode, BeforeValidator(_split)
    ] = _setting((), "addresses", "Proxies whose forwarding headers are believed.")
    public_read: bool = _setting(
        False, "", "Opens the public tier (traffic, outlook, statistics, status) to everybody."
    )
    operator_key: Annotated[
        Annotated[SecretStr, AfterValidator(_long_enough)] | None, BeforeValidator(_empty_is_none)
    ] = _setting(
        None,
        "secret",
        "An operator's API key besides those added by `keys add`; at "
        f"least {_SHORTEST_OPERATOR_KEY} characters.",
    )
    store_member_numbers: bool = _setting(
        False,
        "",
        "Keeps members' numbers as they are instead of a keyed hash; chosen once, "
        "before the first start.",
    )
    airspace: Annotated[_Words, BeforeValidator(_split)] = _setting(
        ("made:australia",),
        "FORMAT:PATH",
        "The airspace data sets, such as vatspy:DIR; several are loaded side by side.",
        min_length=1,
    )
    capacities: Annotated[dict[str, _Capacity], NoDecode, BeforeValidator(_table)] = _setting(
        {}, "aircraft", "Sectors' capacities by name: aircraft at once that one controller works."
    )
    positions: Annotated[
        dict[str, Annotated[tuple[str, ...], Field(min_length=1, max_length=100)]],
        NoDecode,
        BeforeValidator(_lists),
    ] = _setting(
        {},
        "callsigns",
        "Who works a sector, in order, instead of what its data set says: callsigns, each with "
        "@FREQUENCY behind it where it has one.",
    )
    home_sector: _OptionalText = _setting(
        None,
        "sector",
        "The sector that an answer is about when none is asked for; else the busiest.",
    )
    timezone: Annotated[str, AfterValidator(_time_zone)] = _setting(
        "UTC",
        "IANA name",
        "The division's local time, such as Australia/Sydney: what statistics call an hour of the "
        "day and a day of the week.",
    )
    status_url: _Url = _setting(
        "https://status.vatsim.net/status.json",
        "URL",
        "Where the network says what its feeds' addresses are.",
    )
    feed_url: _OptionalUrl = _setting(
        None, "URL", "The data feed's address; without it `status_url` says."
    )
    transceivers_url: _OptionalUrl = _setting(
        None,
        "URL",
        "The transceivers feed's address; without it `status_url` says, and with "
        "`feed_url` alone no transceivers are read.",
    )
    simulated: bool = _setting(
        False,
        "",
        "The feeds are a simulated network's: its time counts, not the clock's, and all that is "
        "kept and shown says so. Without it such a feed is refused, with it any other.",
    )
    fetch_interval_s: float = _setting(
        15.0,
        "s",
        "Time between two fetches of the data feed; the network allows no less than 15. Only a "
        "simulated network on this machine (127.0.0.1, localhost) may be asked more often.",
        ge=0,
        le=3_600,
    )
    transceivers_interval_s: float = _setting(
        60.0,
        "s",
        "Time between two fetches of the transceivers feed; no less than 15, as above. Over 300 "
        "radio contact is unknown in between.",
        ge=0,
        le=3_600,
    )
    fetch_timeout_s: float = _setting(10.0, "s", "How long one fetch may take.", ge=1, le=120)
    stale_after_s: float = _setting(
        90.0,
        "s",
        "Age of the last snapshot from which the collector is degraded; five times it, unhealthy.",
        ge=15,
        le=86_400,
    )
    refuse_older_than_s: Annotated[
        Annotated[float, Field(ge=60, le=86_400)] | None, BeforeValidator(_empty_is_none)
    ] = _setting(
        None,
        "s",
        "Age from which a live feed is refused as stale even where it is newer than the last one; "
        "without it such a feed is taken, and its age shown.",
    )
    database_url: _OptionalSecret = _setting(
        None,
        "URL",
        "The relational store, such as postgresql+psycopg://USER@HOST/NAME; without "
        "it SQLite in the data directory.",
    )
    checkpoint_every_ticks: int = _setting(
        20,
        "ticks",
        "How often the tracker's state is kept; a restart follows at most so many ticks again.",
        ge=1,
        le=1_000,
    )
    disk_budget_gb: float = _setting(
        20.0,
        "GB",
        "What everything in the data directory may take together; oldest and least "
        "needed goes first.",
        ge=0.05,
        le=100_000,
    )
    disk_reserve_mb: float = _setting(
        200.0,
        "MB",
        "Free disk space below which nothing more is written until there is more.",
        ge=0,
        le=1_000_000,
    )
    journal_keep_days: float = _setting(
        7.0, "days", "How long the journal is kept, which a rebuild needs.", ge=0.1, le=36_500
    )
    journal_keep_gb: float = _setting(
        8.0, "GB", "How much journal is kept; the oldest hours go first.", ge=0.01, le=100_000
    )
    segments_keep_days: int = _setting(
        365,
        "days",
        "How long sealed positions, visits, demand and network counts are kept.",
        ge=2,
        le=36_500,
    )
    history_keep_days: int = _setting(
        365,
        "days",
        "How long flights, plans, movements, controllers' sessions and owners are kept.",
        ge=2,
        le=36_500,
    )
    log_keep_mb: float = _setting(
        100.0,
        "MB",
        "How much log is kept in the data directory; 0 keeps none there.",
        ge=0,
        le=100_000,
    )
    refused_keep: int = _setting(
        5, "feeds", "How many refused feeds are kept aside for a look.", ge=0, le=100
    )
    log_format: Literal["auto", "json", "terminal"] = _setting(
        "auto",
        "",
        "JSON, a line an entry, or text for people; auto: text on a terminal, else JSON.",
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] | None,
        BeforeValidator(_empty_is_none),
    ] = _setting(None, "", "The lowest level that is written; without it `environment` says.")
    start_timeout_s: float = _setting(
        60.0, "s", "How long one service may take to start.", ge=1, le=3_600
    )
    stop_timeout_s: float = _setting(
        5.0, "s", "How long all services together may take to stop.", ge=1, le=60
    )
    handler_timeout_s: float = _setting(
        5.0, "s", "How long one handler may take over one event of the bus.", ge=0.1, le=300
    )

    @field_validator("fetch_interval_s", "transceivers_interval_s")
    @classmethod
    def _as_seldom_as_the_network_asks(cls, value: float, info: ValidationInfo) -> float:
        """Below 15 s only this machine is asked: the limit guards VATSIM's servers."""
        if value >= NETWORK_INTERVAL_S:
            return value
        given = info.data
        asked = [given.get("feed_url") or given.get("status_url"), given.get("transceivers_url")]
        elsewhere = [url for url in asked if url is not None and not is_loopback(url)]
        if elsewhere:
            raise ValueError(
                f"is below {NETWORK_INTERVAL_S:g}, and {without_password(elsewhere[0])} is not on "
                "this machine: VATSIM and other networks are asked no more often"
            )
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load_settings` merged and nothing else, so that it knows every origin."""
        return (init_settings,)

    @property
    def level(self) -> str:
        """The lowest level of log that is written: `log_level`, else by `environment`."""
        return self.log_level or _LEVELS[self.environment]
