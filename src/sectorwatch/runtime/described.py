"""What each metric of the house says, but for those that observation records by itself.

In name order, one for each: the help in `/metrics`, and by `tools/monitoring_page.py` the table in
`docs/monitoring.md`. A metric that is recorded and not described fails a test, and the reverse.
"""

from __future__ import annotations

from sectorwatch.observe.described import described

__all__ = ["METRICS"]

METRICS = described(
    """
api_request_duration_seconds{method,route,status} timing seconds (api)
    How long a request to the API took, until its answer was sent; event streams are not in
    it.
api_requests_open gauge (api)
    Requests that are being answered, event streams among them.
api_response_bytes_total{route} counter bytes (api)
    Bytes of the API's answers, without their headers; event streams are not in it.
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
disk_over_budget gauge bytes (maintenance)
    What the data directory holds over disk_budget_gb although nothing more may go.
event_handler_errors{handler,reason} counter (bus)
    Events of the bus that a handler did not deal with: it failed, or took too long.
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
feed_queue_depth gauge (collector)
    Feeds that were fetched and wait to be taken in.
feed_queue_dropped_total counter (collector)
    Feeds let go because newer ones came before they could be taken in.
feed_received_bytes_total{what} counter bytes (collector)
    Bytes that came over the network, compressed as they came.
feeds_accepted_total counter (collector)
    Data feeds accepted, whether or not they were held already.
feeds_refused_total{reason} counter (collector)
    Feeds refused whole, by reason.
feeds_unwritten_total counter (collector)
    Feeds lost because the disk would not take them.
journal_disk_bytes_total counter bytes (journal)
    Bytes written to the journal's files, compressed.
journal_errors_total{reason} counter (journal)
    Records that could not be written to the journal, by reason.
journal_payload_bytes_total counter bytes (journal)
    Bytes put into the journal, before they were compressed.
journal_records_total counter (journal)
    Records put into the journal.
pending_snapshots gauge (tracker)
    Snapshots that are in the journal and not in the database, as far as known.
records_dropped_total{reason} counter (collector)
    Records left out of a feed, by reason.
records_repaired_total{reason} counter (collector)
    Records that broke a rule and whose meaning was clear, by reason.
service_crashes{service} counter (the supervisor)
    How often a service ended although nobody told it to.
service_restarts{service} counter (the supervisor)
    How often a service was restarted, by itself or on request.
service_up{service} gauge (the supervisor)
    Whether a service runs: 1 or 0.
snapshots_left_out_total counter (tracker)
    Snapshots in the journal that could not be decoded or tracked and were left out.
tick_seq gauge (tracker)
    The number of the newest tick that is committed.
ticks_committed_total counter (tracker)
    Ticks committed.
"""
)
