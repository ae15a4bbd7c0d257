from __future__ import annotations

from dataclasses import fields

import numpy as np

from sectorwatch.feed.accept import accept
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind, PilotColumns
from sectorwatch.simulator.direct import DirectSnapshots
from simulator.flown import START_S, network


def test_a_snapshot_made_at_once_is_what_the_feed_would_be_decoded_to() -> None:
    """Pilots, where they are, and prefiles, over hours in which people come, file and go."""
    masker = Masker(None)
    ours, written = DirectSnapshots(network()), network()
    for minute in range(0, 600, 3):
        time_s = START_S + minute * 60
        accepted = accept(written.feed(time_s), Kind.FEED, masker)
        read = decode_feed(accepted.document, accepted.time_us, time_s * 1_000_000 + 2_000_000)
        made = ours.at(time_s)
        assert made.time_us == read.time_us
        assert made.received_at_us == read.received_at_us
        assert made.pilots == read.pilots
        assert made.prefiles == read.prefiles
        for column in fields(PilotColumns):
            np.testing.assert_array_equal(
                getattr(made.columns, column.name), getattr(read.columns, column.name)
            )
