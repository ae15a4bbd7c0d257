"""Settings of forecasts: whether there are any, how often, and what training may take."""

from __future__ import annotations

from sectorwatch.config.fields import setting
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
