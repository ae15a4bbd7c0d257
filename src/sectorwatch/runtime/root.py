"""The composition root: everything is made here, once, and handed to whoever needs it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sectorwatch.airspace import Airports, load_airspace
from sectorwatch.airspace.airports import read_vatspy_airports
from sectorwatch.airspace.spec import parse_spec
from sectorwatch.clock import Clock, SystemClock
from sectorwatch.feed.breaker import CircuitBreaker
from sectorwatch.feed.client import Paces, VatsimClient
from sectorwatch.feed.fetch import FetchLimits
from sectorwatch.feed.journal import Journal
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.mask_key import load_or_create_key
from sectorwatch.feed.quarantine import Quarantine
from sectorwatch.observe import LogCategory, LogLevel
from sectorwatch.recordings import MASKING_KEY
from sectorwatch.runtime.application import Application, History
from sectorwatch.runtime.bus import EventBus
from sectorwatch.runtime.follow import Follow, TrackerMaker
from sectorwatch.runtime.foresight import make_foresight
from sectorwatch.runtime.issuing import Issuing
from sectorwatch.runtime.keyring import KeyRing
from sectorwatch.runtime.measures import measure_breakers, measure_program
from sectorwatch.runtime.measures_airspace import AirspaceMeasures
from sectorwatch.runtime.measures_disk import DiskMeasures
from sectorwatch.runtime.observation import alertmanager_push, heartbeat, open_telemetry
from sectorwatch.runtime.pipeline import Pipeline, decode
from sectorwatch.runtime.reports import add_reports
from sectorwatch.runtime.services_api import ApiService
from sectorwatch.runtime.services_collector import CollectorService, LiveIntake, RecordedIntake
from sectorwatch.runtime.services_core import JournalService, StoreService, TrackerService
from sectorwatch.runtime.services_forecast import ForecastService
from sectorwatch.runtime.services_maintenance import Maintenance, MaintenanceService
from sectorwatch.runtime.services_notifier import NotifierService
from sectorwatch.runtime.services_observe import (
    LoggingService,
    MonitoringService,
    PerformanceService,
)
from sectorwatch.runtime.slots import JournalSlot, StoreSlot
from sectorwatch.runtime.staleness import why_it_is_old
from sectorwatch.runtime.statement_study import study_statements
from sectorwatch.runtime.supervisor import Supervisor
from sectorwatch.runtime.watching import watch
from sectorwatch.store import DatabaseWatch, DataDirectory, Identity, Store
from sectorwatch.traffic import Rules, Tracker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import ASGIApp

    from sectorwatch.airspace import Airspace
    from sectorwatch.config import Settings
    from sectorwatch.feed.sources import Source
    from sectorwatch.feed.trouble import FeedTrouble
    from sectorwatch.observe import LogSink, Telemetry
    from sectorwatch.runtime.foresight import Foresight
    from sectorwatch.runtime.service import Service
    from sectorwatch.runtime.services_collector import Intake
    from sectorwatch.store import Database

__all__ = ["Parts", "Tracking", "build", "put_together", "tracking"]

_STOP_MARGIN_S = 0.8
# What comes of how data sets and settings were put together; `airspace check` says all the rest.
_OF_SET_UP = frozenset(
    {"repeated_dataset", "repeated_sector", "unknown_capacity", "unknown_positions"}
)
_MOST_TOLD = 20
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 15.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a feed goes through, put together and not yet opened."""

    airspace: Airspace
    airports: Airports
    stores: StoreSlot
    journals: JournalSlot
    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Tracking:
    """What traffic is tracked with: by these alone the same feeds give the same rows."""

    airspace: Airspace
    airports: Airports
    rules: Rules
    masker: Masker

    @property
    def identity(self) -> Identity:
        """The fingerprints of them."""
        return Identity(self.airspace.fingerprint, self.rules.fingerprint, self.masker.fingerprint)


def tracking(
    settings: Settings,
    directory: DataDirectory,
    telemetry: Telemetry,
    *,
    is_simulated: bool = False,
) -> Tracking:
    """What traffic is tracked with by `settings`. Raises AirspaceError, DataDirectoryError."""
    airspace = load_airspace(settings.airspace, settings.capacities, settings.positions)
    _tell_of_airspace(airspace, settings.home_sector, telemetry)
    airports = _airports(settings)
    # Nobody in a simulated network is real; with one key for all, any two runs give equal rows.
    public = MASKING_KEY if is_simulated else None
    key = (
        None if settings.store_member_numbers else load_or_create_key(directory.masking_key, public)
    )
    return Tracking(airspace, airports, Rules(), Masker(key))


def put_together(
    settings: Settings,
    directory: DataDirectory,
    *,
    telemetry: Telemetry,
    clock: Clock,
    announce: Callable[[int], None],
    is_patient: bool = True,
    is_simulated: bool = False,
) -> Parts:
    """The pipeline of one data directory, with store and journal to be opened by their slots.

    Raises AirspaceError, DataDirectoryError.
    """
    made_with = tracking(settings, directory, telemetry, is_simulated=is_simulated)
    airspace, airports, rules = made_with.airspace, made_with.airports, made_with.rules
    masker = made_with.masker
    breaker = CircuitBreaker(
        "database",
        clock,
        failures_to_open=1,
        open_s=_FIRST_PAUSE_S,
        max_open_s=_LONGEST_PAUSE_S,
    )
    url = settings.database_url

    def open_store() -> Store:
        store = Store.open(
            directory,
            None if url is None else url.get_secret_value(),
            clock=clock,
            telemetry=telemetry.for_service("store"),
        )
        # Rows speak of sectors by number; whoever reads them elsewhere finds the names beside.
        store.keep_sectors(airspace.sectors)
        return store

    stores = StoreSlot(open_store, breaker)
    journals = JournalSlot(
        lambda: Journal(
            directory.journal,
            key_fingerprint=masker.fingerprint,
            clock=clock,
            telemetry=telemetry.for_service("journal"),
            simulated=is_simulated,
        )
    )
    follow = Follow(
        stores=stores,
        journals=journals,
        trackers=TrackerMaker(
            new=lambda: Tracker(airspace, airports, rules),
            load=lambda state: Tracker.load(state, airspace, airports, rules),
            identity=made_with.identity,
        ),
        decode=decode,
        announce=announce,
        checkpoint_every_ticks=settings.checkpoint_every_ticks,
        telemetry=telemetry,
    )
    pipeline = Pipeline(
        follow=follow,
        journals=journals,
        stores=stores,
        masker=masker,
        quarantine=_quarantine(settings, directory),
        telemetry=telemetry,
        disk_reserve_mb=settings.disk_reserve_mb,
        is_patient=is_patient,
        refuse_older_than_s=settings.refuse_older_than_s,
    )
    return Parts(airspace, airports, stores, journals, pipeline)


def build(
    settings: Settings,
    source: Source | None = None,
    *,
    web: Callable[[Application], ASGIApp] | None = None,
    origins: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    sinks: Sequence[LogSink] | None = None,
    history: History | None = None,
) -> Application:
    """An instance by `settings`, not yet started: over `source`, or the network where None.

    `web` makes the API of it, which is then served; without, none is. `sinks` take the log besides
    its file; None leaves that to the settings. `history` is what `source` brings at once. Takes the
    data directory's lock. Raises a SectorwatchError that says what to do: a directory in use, an
    airspace that cannot be read, a setting that cannot be used.
    """
    clock = clock or SystemClock()
    if source is None:
        is_simulated = settings.simulated
        source_name = "a simulated network" if is_simulated else "VATSIM"
    else:
        is_simulated, source_name = source.is_simulated, source.name
    with ExitStack() as undo:
        directory = undo.enter_context(DataDirectory.open(settings.data_dir))
        telemetry = open_telemetry(settings, directory, clock, sinks)
        undo.callback(telemetry.close)
        bus = EventBus(
            telemetry=telemetry, clock=clock, handler_timeout_s=settings.handler_timeout_s
        )
        telemetry.alerts.listeners.append(lambda alert: bus.publish("alert", name=alert.id))
        parts = put_together(
            settings,
            directory,
            telemetry=telemetry,
            clock=clock,
            announce=bus.announce,
            is_simulated=is_simulated,
        )
        intake: Intake
        trouble: FeedTrouble | None = None
        client: VatsimClient | None = None
        breakers: list[CircuitBreaker] = []
        if source is None:
            client = _client(
                settings, directory, clock=clock, telemetry=telemetry, source=source_name
            )
            breakers += client.breakers
            trouble = client.trouble
            telemetry.alerts.explain("feed_failing", trouble.explain)
            intake = LiveIntake(
                client,
                clock=clock,
                telemetry=telemetry,
                name=source_name,
                is_simulated=is_simulated,
            )
        else:
            intake = RecordedIntake(source)
        keys = KeyRing(parts.stores, settings.operator_key, telemetry)
        maintenance = Maintenance(
            settings,
            stores=parts.stores,
            journals=parts.journals,
            pipeline=parts.pipeline,
            telemetry=telemetry,
        )
        pipeline = parts.pipeline
        telemetry.alerts.explain("feed_stale", partial(why_it_is_old, pipeline, client))
        add_reports(
            telemetry,
            pipeline=pipeline,
            stores=parts.stores,
            keys=keys,
            bus=bus,
            every_s=settings.log_report_s,
        )
        services: list[Service] = [
            LoggingService(
                telemetry,
                directory.path / "logs",
                keep_mb=settings.log_keep_mb * settings.observation,
                report_every_s=settings.log_report_s * settings.observation,
            ),
            MonitoringService(
                telemetry, announce=lambda topic, name: bus.publish(topic, name=name)
            ),
            PerformanceService(telemetry),
            NotifierService(
                telemetry,
                bus,
                heartbeat=heartbeat(settings, clock, telemetry),
                push=alertmanager_push(settings, clock, telemetry),
            ),
            StoreService(
                parts.stores,
                keys,
                directory,
                pipeline=pipeline,
                telemetry=telemetry,
                watch=_database_watch(settings, directory, parts.stores, telemetry),
                study=study_statements(
                    settings, directory, pipeline=pipeline, telemetry=telemetry, clock=clock
                ),
            ),
            JournalService(
                parts.journals,
                pipeline=pipeline,
                reserve_mb=settings.disk_reserve_mb,
                telemetry=telemetry,
            ),
            TrackerService(pipeline, telemetry=telemetry),
            MaintenanceService(
                maintenance,
                DiskMeasures(
                    directory,
                    journals=parts.journals,
                    stores=parts.stores,
                    metrics=telemetry.metrics,
                    budget_bytes=settings.disk_budget_gb * 1e9,
                ),
            ),
            CollectorService(
                pipeline,
                intake,
                stale_after_s=settings.stale_after_s,
                breakers=tuple(breakers),
                trouble=trouble,
            ),
        ]
        foresight = make_foresight(
            settings,
            parts.airspace,
            parts.airports,
            parts.stores,
            data_dir=directory.path,
            telemetry=telemetry,
            is_busy=lambda: application.is_expected_busy(),  # noqa: PLW0108 - made further down
            publish=lambda topic, name: bus.publish(topic, name=name),
        )
        if (forecast := _forecast(settings, foresight, pipeline, bus, telemetry)) is not None:
            # Before the collector: what it hears first is the first tick.
            services.insert(-1, forecast)
        api = None
        if web is not None:
            api = ApiService(settings, keys, lambda: web(application), telemetry=telemetry)
            # Before the collector: where nobody can be served, the network is not asked either.
            services.insert(-1, api)
        application = Application(
            settings=settings,
            origins=dict(origins or {}),
            telemetry=telemetry,
            clock=clock,
            directory=directory,
            airspace=parts.airspace,
            airports=parts.airports,
            store=parts.stores,
            keys=keys,
            bus=bus,
            pipeline=pipeline,
            supervisor=Supervisor(
                services,
                telemetry=telemetry,
                clock=clock,
                start_timeout_s=settings.start_timeout_s,
                stop_timeout_s=max(settings.stop_timeout_s - _STOP_MARGIN_S, 0.5),
                announce=lambda name: bus.publish("health", name=name),
            ),
            breakers=(*breakers, parts.stores.breaker),
            intake=intake,
            foresight=foresight,
            source_name=source_name,
            is_simulated=is_simulated,
            history=history,
            api=api,
            started_at_us=clock.now_us(),
        )
        application.supervisor.register_health(telemetry.health)
        measure_program(telemetry.metrics, clock)
        measure_breakers(telemetry.metrics, application.breakers)
        airspace_measures = AirspaceMeasures(
            parts.airspace,
            lambda: pipeline.latest,
            telemetry.metrics,
            named=settings.metrics_sectors,
            home=settings.home_sector,
        )
        telemetry.metrics.before_gather.append(airspace_measures.take)
        watch(application)
        # From here on it is the application that lets go of them.
        undo.pop_all()
        return application


def _forecast(
    settings: Settings,
    foresight: Foresight,
    pipeline: Pipeline,
    bus: EventBus,
    telemetry: Telemetry,
) -> ForecastService | None:
    """The service that forecasts; None where nothing is."""
    forecaster = foresight.forecaster
    if forecaster is None:
        return None
    issuing = Issuing(
        foresight,
        forecaster,
        pipeline=pipeline,
        telemetry=telemetry,
        every_s=settings.forecast_every_s,
    )
    return ForecastService(bus, foresight, issuing)


def _database_watch(
    settings: Settings, directory: DataDirectory, stores: StoreSlot, telemetry: Telemetry
) -> DatabaseWatch:
    def current() -> Database | None:
        store = stores.current
        return None if store is None else store.database

    url = settings.database_url
    watch = DatabaseWatch(
        directory,
        None if url is None else url.get_secret_value(),
        telemetry=telemetry,
        current=current,
    )
    telemetry.alerts.explain("database_down", watch.explain)
    return watch


def _client(
    settings: Settings,
    directory: DataDirectory,
    *,
    clock: Clock,
    telemetry: Telemetry,
    source: str,
) -> VatsimClient:
    return VatsimClient(
        is_traced=settings.trace_feeds,
        url=settings.feed_url or settings.status_url,
        transceivers_url=settings.transceivers_url,
        clock=clock,
        paces=Paces.standard(
            clock,
            feed_s=settings.fetch_interval_s,
            transceivers_s=settings.transceivers_interval_s,
        ),
        limits=FetchLimits.within(settings.fetch_timeout_s),
        quarantine=_quarantine(settings, directory),
        telemetry=telemetry,
        reachability_hosts=settings.reachability_hosts,
        source=source,
    )


def _quarantine(settings: Settings, directory: DataDirectory) -> Quarantine:
    return Quarantine(directory.refused, keep=settings.refused_keep)


def _tell_of_airspace(airspace: Airspace, home: str | None, telemetry: Telemetry) -> None:
    """Log what was loaded, and one by one what is wrong with how it was set up."""
    log = telemetry.for_service("tracker").log
    of_set_up = [each.message for each in airspace.problems if each.kind in _OF_SET_UP]
    if home is not None and not airspace.find(home):
        near = ", ".join(airspace.nearest_names(home))
        hint = f"; near it are {near}" if near else ""
        of_set_up.insert(0, f"home_sector is {home!r}, but there is no such sector{hint}")
    for what in of_set_up[:_MOST_TOLD]:
        log.log_operation("load_airspace", LogLevel.WARNING, LogCategory.SERVICE, what=what)
    log.log_operation(
        "load_airspace",
        sectors=len(airspace.sectors),
        partitions=[partition.name for partition in airspace.partitions],
        problems=len(airspace.problems),
    )


def _airports(settings: Settings) -> Airports:
    """The world's airports, with those of a VATSpy data set laid over where one is used."""
    overlay: list[tuple[str, str, float, float]] = []
    for text in settings.airspace:
        spec = parse_spec(text)
        if spec.format == "vatspy":
            overlay += read_vatspy_airports(spec.path)
    return Airports.load(overlay)
