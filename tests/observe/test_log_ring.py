from __future__ import annotations

from sectorwatch.observe.log_ring import LogRing


def _line(number: int) -> bytes:
    return (
        b'{"level":"INFO","category":"service","service":"s","correlation_id":"c","number":%d}\n'
        % number
    )


def test_the_ring_keeps_so_many_of_the_latest() -> None:
    """Past its number of entries the oldest go."""
    ring = LogRing(entries=3)
    for number in range(10):
        ring.append(_line(number))
    assert len(ring) == 3
    assert [entry["number"] for entry in ring.search()] == [9, 8, 7]


def test_the_ring_keeps_so_many_bytes() -> None:
    """Long lines push out more than one; one that is too long for it leaves nothing."""
    ring = LogRing(max_bytes=3 * len(_line(0)))
    for number in range(5):
        ring.append(_line(number))
    assert len(ring) == 3
    ring.append(b"x" * 1_000)
    assert len(ring) == 0
    ring.append(_line(7))
    assert [entry["number"] for entry in ring.search()] == [7]
