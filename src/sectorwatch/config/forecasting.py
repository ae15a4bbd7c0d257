"""Settings of forecasts: whether there are any, how often, and what training may take."""

from __future__ import annotations

from sectorwatch.config.fields import OptionalText, setting
from sectorwatch.config.observation import ObservationSettings

__all__ = ["ForecastSettings"]


class ForecastSettings(ObservationSettings):
    """The part of `Settings` that is about forecasts."""

    forecasting: bool = setting(
        True,
        "",
        "Whether it forecasts how busy sectors will be. Off, nothing is forecast, scored or "
        "trained; all else goes on the same.",
    )
    forecast_every_s: int = setting(
        300,
        "s",
        "How often a forecast is issued, by the feed's time; never more than a tenth of the time "
        "goes into it.",
        ge=60,
        le=3_600,
    )
    navigation_data: OptionalText = setting(
        None,
        "path",
        "A CSV file of the names that routes are filed with and where they are (columns name, lat, "
        "lon), so that flights are expected along their routes; else by the coordinates and "
        "airports in them.",
    )
    retrain_every_h: float = setting(
        24.0,
        "h",
        "How often the model is trained anew, at the quietest hour; 0 never trains one.",
        ge=0,
        le=8_760,
    )
    training_days: int = setting(
        56, "days", "How many days before now the model is trained on.", ge=7, le=366
    )
    training_memory_mb: int = setting(
        800,
        "MB",
        "What the process that trains may take; where the machine has not that much to spare, "
        "training is put off, and that is said.",
        ge=200,
        le=100_000,
    )
    capacity_days: int = setting(
        56,
        "days",
        "Of how many past days a sector's capacity is learned, where `capacities` has none.",
        ge=7,
        le=366,
    )
    capacity_quantile: float = setting(
        0.95,
        "share",
        "Which load counts as a sector's capacity: that which is not exceeded in this share of the "
        "time in which it has an owner.",
        ge=0.5,
        le=0.999,
    )
    capacity_staffed_h: float = setting(
        45.0,
        "h",
        "How long a sector must have had an owner before its capacity is learned.",
        ge=1,
        le=8_760,
    )
    warning_raise_p: float = setting(
        0.6,
        "probability",
        "From which probability of half an hour above capacity within 4 h on a warning is raised.",
        ge=0.05,
        le=0.99,
    )
    warning_clear_p: float = setting(
        0.3,
        "probability",
        "At which probability or less a warning ends; one above `warning_raise_p` counts as that.",
        ge=0.01,
        le=0.99,
    )
    warning_issues: int = setting(
        2, "forecasts", "In how many forecasts on end it must be so.", ge=1, le=12
    )
    warning_least_s: int = setting(
        1_800, "s", "How long a warning stands at the least.", ge=0, le=14_400
    )
    outlook_least_aircraft: float = setting(
        2.0,
        "aircraft",
        "From how many aircraft at once on, on the mean of 2 h, a position is said to be worth "
        "opening.",
        ge=0.1,
        le=100,
    )
