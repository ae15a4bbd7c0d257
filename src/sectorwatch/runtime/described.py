"""What each metric of the house says, but for those that observation records by itself.

In name order, one for each: the help in `/metrics`, and by `tools/monitoring_page.py` the table in
`docs/monitoring.md`. A metric that is recorded and not described fails a test, and the reverse.
"""

from __future__ import annotations

from sectorwatch.observe.described import described

__all__ = ["METRICS"]

METRICS = described(
    """
anomalies_active gauge (forecast)
    Sectors, by type, in which something unusual goes on.
api_request_duration_seconds{method,route,status} timing seconds (api)
    How long a request to the API took, until its answer was sent; event streams are not in
    it.
api_requests_open gauge (api)
    Requests that are being answered, event streams among them.
api_requests_refused_total{reason} counter (api)
    Requests that were not let in: no_key, unknown_key or missing_scope.
api_response_bytes_total{route} counter bytes (api)
    Bytes of the API's answers, without their headers; event streams are not in it.
build_info{version,python} gauge (the program)
    Always 1; its labels say which version runs, on which Python.
capacity_warnings gauge (forecast)
    Capacity warnings that stand: sectors expected above capacity for half an hour or more.
capacity_warnings_raised_total counter (forecast)
    Capacity warnings raised.
circuit_breaker_open{breaker} gauge (collector)
    Whether a circuit breaker is open: 0 closed, 1 open, 0.5 while it tries again.
circuit_breaker_openings_total{breaker} counter (collector)
    How often a circuit breaker opened.
database_bytes{part} gauge bytes (store)
    How large the database is: SQLite's file and its log, or PostgreSQL's database.
database_commit_seconds timing seconds (store)
    How long SQLite took to sync a transaction.
database_connections gauge (store)
    Connections to the database that are in use.
database_errors_total{kind} counter (store)
    Transactions that failed: the database was away, the disk full, a question too_long, or
    what was asked was refused.
database_failing_seconds gauge seconds (store)
    How long the database has not answered, 0 while it does.
database_lock_wait_seconds timing seconds (store)
    How long writes that had to wait for another's lock waited for it.
database_locked_total counter (store)
    Transactions given up because another program held the lock for too long.
database_transaction_seconds{kind} timing seconds (store)
    How long a transaction took in all, read or write.
disk_budget_used gauge ratio (maintenance)
    What the data directory holds, as a share of disk_budget_gb.
disk_over_budget gauge bytes (maintenance)
    What the data directory holds over disk_budget_gb although nothing more may go.
disk_used{part} gauge bytes (maintenance)
    What a part of the data directory takes: journal, segments, database, observations, logs,
    refused or other.
event_handler_duration_seconds{handler} timing seconds (bus)
    How long a handler took over an event of the bus, however that ended.
event_handler_errors{handler,reason} counter (bus)
    Events of the bus that a handler did not deal with: it failed, or took too long.
events_conflated_total counter (bus)
    Events replaced by a newer one of the same kind before anybody was told.
events_published_total{topic} counter (bus)
    Events published on the bus.
events_skipped_total{handler} counter (bus)
    Events that a slow handler was not told of, because a newer one says what is so now.
feed_age_seconds gauge seconds (collector)
    The newest snapshot's age, by the time of where feeds come from.
feed_decoded_bytes_total{what} counter bytes (collector)
    Bytes of what came over the network, decompressed.
feed_failing_seconds{cause} gauge seconds (collector)
    How long the data feed has failed to come, 0 where it comes: vatsim_down, vatsim_slow or
    our_network_down.
feed_fetch_failures_total{what,reason,blame} counter (collector)
    Fetches that failed, by what was fetched, why, and whose trouble it is: network, server
    or us.
feed_fetches_total{what,result} counter (collector)
    Fetches by what was fetched and what came of it: new, unchanged, or why it failed.
feed_overdue_seconds gauge seconds (collector)
    The newest snapshot's age, less what the steps of a recording that is read ahead come to.
feed_queue_depth gauge (collector)
    Feeds that were fetched and wait to be taken in.
feed_queue_dropped_total counter (collector)
    Feeds let go because newer ones came before they could be taken in.
feed_received_bytes_total{what} counter bytes (collector)
    Bytes that came over the network, compressed as they came.
feed_responses_total{what,status} counter (collector)
    Answers of feeds' servers by HTTP status.
feeds_accepted_total counter (collector)
    Data feeds accepted, whether or not they were held already.
feeds_refused_total{reason} counter (collector)
    Feeds refused whole, by reason.
feeds_unwritten_total counter (collector)
    Feeds lost because the disk would not take them.
flights_in_contact gauge (tracker)
    Flights in radio contact with a controller, while radios are heard.
forecast_age_seconds gauge seconds (forecast)
    How old the newest forecast is, by the time of where feeds come from.
forecast_error_ratio{horizon} gauge ratio (forecast)
    The error of the last hours' forecasts over what it uses to be at these hours, or over what
    the naive forecast's error lets expect, whichever is less: 1 is as always.
forecast_failures_total{part} counter (forecast)
    Forecasts that could not be made, issue, and what is done beside them that failed, beside.
forecast_model_age_seconds gauge seconds (forecast)
    How long ago the past ended that the model was trained on, by the feed's time.
forecast_rows_damaged_total counter (forecast)
    Rows of forecasts, and of how they fared, that were left out since they cannot be read.
forecast_training_memory gauge bytes (forecast)
    The most memory that the training that runs, or ran last, has taken, in a process of its own.
forecast_training_seconds gauge seconds (forecast)
    How long the training that runs has run, or the last one did.
forecast_trainings_total{result} counter (forecast)
    Trainings that ended: the new model was taken, the one before it kept, or training was
    skipped (no memory or too little history), failed or stopped.
forecasts_issued_total counter (forecast)
    Forecasts issued, each for all sectors.
forecasts_scored_total counter (forecast)
    Forecasts, each of one sector at one lead, that were scored against what happened.
forecasts_skipped_total counter (forecast)
    Forecasts left out because ticks came faster than a tenth of the time has room for.
forecasts_unscored_total counter (forecast)
    Forecasts that will never be scored, since nobody knows what happened then.
journal_disk_bytes_total counter bytes (journal)
    Bytes written to the journal's files, compressed.
journal_errors_total{reason} counter (journal)
    Records that could not be written to the journal, by reason.
journal_files gauge (maintenance)
    Files of the journal.
journal_payload_bytes_total counter bytes (journal)
    Bytes put into the journal, before they were compressed.
journal_pruned_bytes_total counter bytes (journal)
    Bytes of the journal let go.
journal_pruned_files_total counter (journal)
    Files of the journal let go.
journal_records_total counter (journal)
    Records put into the journal.
network_airborne gauge (tracker)
    Pilots in the air, of the whole network.
network_controllers{facility} gauge (tracker)
    Controllers online by facility: FSS, DEL, GND, TWR, APP or CTR.
network_observers gauge (tracker)
    Observers online.
network_pilots gauge (tracker)
    Pilots online, of the whole network.
network_prefiles gauge (tracker)
    Plans filed by pilots who are not online yet.
pending_snapshots gauge (tracker)
    Snapshots that are in the journal and not in the database, as far as known.
positions_total counter (tracker)
    Positions of flights that were new; its rate is what comes in a second.
records_dropped_total{reason} counter (collector)
    Records left out of a feed, by reason.
records_repaired_total{reason} counter (collector)
    Records that broke a rule and whose meaning was clear, by reason.
retention_rows_total{table} counter (store)
    Rows of the database let go because they were too old or too much.
retention_segments_total{kind} counter (store)
    Sealed files let go because they were too old or too much.
sector_capacity{sector,partition} gauge (tracker)
    How many aircraft at once a sector takes, where that is known.
sector_load{sector,partition} gauge (tracker)
    Aircraft in a sector now.
sector_staffed{sector,partition} gauge (tracker)
    Whether somebody who owns a sector is online: 1 or 0.
sectors_capacity_known gauge (forecast)
    Sectors whose capacity is configured or learned.
segment_bytes{kind} gauge bytes (maintenance)
    Bytes of the sealed files in use.
segment_files{kind} gauge (maintenance)
    Sealed files in use.
service_crashes{service} counter (the supervisor)
    How often a service ended although nobody told it to.
service_restarts{service} counter (the supervisor)
    How often a service was restarted, by itself or on request.
service_up{service} gauge (the supervisor)
    Whether a service runs: 1 or 0.
snapshots_left_out_total counter (tracker)
    Snapshots in the journal that could not be decoded or tracked and were left out.
start_time gauge seconds (the program)
    When the program started, in seconds since 1970.
store_position_bytes_total counter bytes (store)
    Bytes of positions written to the database, packed, before their hour is sealed.
store_rows_written_total{table} counter (store)
    Rows written to the database by ticks.
store_sealed_bytes_total{kind} counter bytes (store)
    Bytes of the files that were sealed.
store_sealed_files_total{kind} counter (store)
    Files that were sealed.
store_sealed_rows_total{kind} counter (store)
    Rows of the files that were sealed.
stream_events_sent_total counter (api)
    Events handed to event streams, counted for each stream that got them.
stream_events_skipped_total counter (api)
    Events that a slow stream was not given, because a newer one says what is so now.
stream_events_total{topic} counter (api)
    Events that were there for event streams.
streams_cut_off_total counter (api)
    Event streams ended because nobody read them.
streams_open gauge (api)
    Event streams that are open.
tick_delay_seconds timing seconds (collector)
    How long after a live feed came in its tick was committed.
tick_seq gauge (tracker)
    The number of the newest tick that is committed.
ticks_committed_total counter (tracker)
    Ticks committed.
ticks_late_total counter (collector)
    Live ticks committed only when the next feed was due already.
tracker_state_bytes gauge bytes (tracker)
    What the tracker has to remember, when it was last kept.
uptime gauge seconds (the program)
    How long the program has run.
visits_open gauge (tracker)
    Stays of flights in sectors that have begun and not ended.
"""
)
