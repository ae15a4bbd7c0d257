"""The table of settings: name, default, unit, limits, meaning; nothing here reads anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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

from sectorwatch.config.fields import (
    SHORTEST_KEY,
    Capacity,
    OptionalSecret,
    OptionalText,
    OptionalUrl,
    Url,
    Words,
    empty_is_none,
    iana_zone,
    lists,
    long_enough,
    not_blank,
    proxy,
    setting,
    split,
    table,
    without_password,
)
from sectorwatch.config.forecasting import ForecastSettings
from sectorwatch.config.loopback import NETWORK_INTERVAL_S, is_loopback

__all__ = ["PREFIX", "Settings"]

PREFIX = "SECTORWATCH_"


class Settings(ForecastSettings):
    """Every setting with its default; built by `load_settings`, reads nothing by itself."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    data_dir: Path = setting(
        Path("./data"), "path", "Where everything is kept; one running instance a directory."
    )
    host: Annotated[str, AfterValidator(not_blank)] = setting(
        "127.0.0.1", "address", "The address that the API listens on."
    )
    port: int = setting(
        8001, "", "The port that the API listens on; 0 takes a free one.", ge=0, le=65_535
    )
    base_url: OptionalUrl = setting(
        None,
        "URL",
        "Where others reach this instance, behind a proxy or under a path; "
        "with it nobody counts as local.",
    )
    trusted_proxies: Annotated[
        tuple[Annotated[str, AfterValidator(proxy)], ...], NoDecode, BeforeValidator(split)
    ] = setting((), "addresses", "Proxies whose forwarding headers are believed.")
    public_read: bool = setting(
        False, "", "Opens the public tier (traffic, outlook, statistics, status) to everybody."
    )
    operator_key: Annotated[
        Annotated[SecretStr, AfterValidator(long_enough)] | None, BeforeValidator(empty_is_none)
    ] = setting(
        None,
        "secret",
        "An operator's API key besides those added by `keys add`; at "
        f"least {SHORTEST_KEY} characters.",
    )
    store_member_numbers: bool = setting(
        False,
        "",
        "Keeps members' numbers as they are instead of a keyed hash; chosen once, "
        "before the first start.",
    )
    airspace: Annotated[Words, BeforeValidator(split)] = setting(
        ("made:australia",),
        "FORMAT:PATH",
        "The airspace data sets, such as vatspy:DIR; several are loaded side by side.",
        min_length=1,
    )
    capacities: Annotated[dict[str, Capacity], NoDecode, BeforeValidator(table)] = setting(
        {}, "aircraft", "Sectors' capacities by name: aircraft at once that one controller works."
    )
    positions: Annotated[
        dict[str, Annotated[tuple[str, ...], Field(min_length=1, max_length=100)]],
        NoDecode,
        BeforeValidator(lists),
    ] = setting(
        {},
        "callsigns",
        "Who works a sector, in order, instead of what its data set says: callsigns, each with "
        "@FREQUENCY behind it where it has one.",
    )
    home_sector: OptionalText = setting(
        None,
        "sector",
        "The sector that an answer is about when none is asked for; else the busiest.",
    )
    timezone: Annotated[str, AfterValidator(iana_zone)] = setting(
        "UTC",
        "IANA name",
        "The division's local time, such as Australia/Sydney: what statistics call an hour of the "
        "day and a day of the week. Forecasts take it where it is set, else that of the airports "
        "nearest the airspace.",
    )
    status_url: Url = setting(
        "https://status.vatsim.net/status.json",
        "URL",
        "Where the network says what its feeds' addresses are.",
    )
    feed_url: OptionalUrl = setting(
        None, "URL", "The data feed's address; without it `status_url` says."
    )
    transceivers_url: OptionalUrl = setting(
        None,
        "URL",
        "The transceivers feed's address; without it `status_url` says, and with "
        "`feed_url` alone no transceivers are read.",
    )
    simulated: bool = setting(
        False,
        "",
        "The feeds are a simulated network's: its time counts, not the clock's, and all that is "
        "kept and shown says so. Without it such a feed is refused, with it any other.",
    )
    fetch_interval_s: float = setting(
        15.0,
        "s",
        "Time between two fetches of the data feed; the network allows no less than 15. Only a "
        "simulated network on this machine (127.0.0.1, localhost) may be asked more often.",
        ge=0,
        le=3_600,
    )
    transceivers_interval_s: float = setting(
        60.0,
        "s",
        "Time between two fetches of the transceivers feed; no less than 15, as above. Over 300 "
        "radio contact is unknown in between.",
        ge=0,
        le=3_600,
    )
    fetch_timeout_s: float = setting(10.0, "s", "How long one fetch may take.", ge=1, le=120)
    stale_after_s: float = setting(
        90.0,
        "s",
        "Age of the last snapshot from which the collector is degraded; five times it, unhealthy.",
        ge=15,
        le=86_400,
    )
    refuse_older_than_s: Annotated[
        Annotated[float, Field(ge=60, le=86_400)] | None, BeforeValidator(empty_is_none)
    ] = setting(
        None,
        "s",
        "Age from which a live feed is refused as stale even where it is newer than the last one; "
        "without it such a feed is taken, and its age shown.",
    )
    database_url: OptionalSecret = setting(
        None,
        "URL",
        "The relational store, such as postgresql+psycopg://USER@HOST/NAME; without "
        "it SQLite in the data directory.",
    )
    checkpoint_every_ticks: int = setting(
        20,
        "ticks",
        "How often the tracker's state is kept; a restart follows at most so many ticks again.",
        ge=1,
        le=1_000,
    )
    disk_budget_gb: float = setting(
        20.0,
        "GB",
        "What everything in the data directory may take together; oldest and least "
        "needed goes first.",
        ge=0.05,
        le=100_000,
    )
    disk_reserve_mb: float = setting(
        200.0,
        "MB",
        "Free disk space below which nothing more is written until there is more.",
        ge=0,
        le=1_000_000,
    )
    journal_keep_days: float = setting(
        7.0, "days", "How long the journal is kept, which a rebuild needs.", ge=0.1, le=36_500
    )
    journal_keep_gb: float = setting(
        8.0, "GB", "How much journal is kept; the oldest hours go first.", ge=0.01, le=100_000
    )
    segments_keep_days: int = setting(
        365,
        "days",
        "How long sealed positions, visits, demand, network counts and forecasts are kept.",
        ge=2,
        le=36_500,
    )
    history_keep_days: int = setting(
        365,
        "days",
        "How long flights, plans, movements, controllers' sessions and owners are kept.",
        ge=2,
        le=36_500,
    )
    refused_keep: int = setting(
        5, "feeds", "How many refused feeds are kept aside for a look.", ge=0, le=100
    )
    start_timeout_s: float = setting(
        60.0, "s", "How long one service may take to start.", ge=1, le=3_600
    )
    stop_timeout_s: float = setting(
        5.0, "s", "How long all services together may take to stop.", ge=1, le=60
    )
    handler_timeout_s: float = setting(
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
