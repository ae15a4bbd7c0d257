"""From a journal file's bytes to its records, past what is damaged.

Bytes are cut into zstd blocks, blocks are decoded, what comes out is cut into records. A record is
handed out only if its checksum holds.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import zstandard

from sectorwatch.feed.journal_format import (
    FRAME_HEADER,
    HEADER_SIZE,
    HOUR_S,
    MAX_PAYLOAD,
    RECORD_HEADER_SIZE,
    WINDOW_LOG,
    RecordHeader,
    record_crc,
)
from sectorwatch.feed.records import Kind

__all__ = ["RecordStream", "StreamRecord"]

_BLOCK_HEADER = 3
_MAX_BLOCK = 1 << 17
_RLE = 1
_RESERVED = 3
_KINDS = frozenset(Kind)
# Where a file's header is damaged its hour is not known: any time of this century then.
_CENTURY_US = (946_684_800_000_000, 4_102_444_800_000_000)


class _Block(NamedTuple):
    """A zstd block with its header; `end` is its end in the file."""

    end: int
    data: bytes
    last: bool


class _Blocks:
    """Cuts a file's bytes into zstd blocks, so that it is known where each begins and ends."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        """Where the first block not yet handed out begins, counted from the file's start."""
        self.broken = False
        self._pending = bytearray()

    def push(self, data: bytes) -> None:
        """More of the file's bytes."""
        self._pending += data

    def next(self) -> _Block | None:
        """The next block if it is whole already."""
        if self.broken or len(self._pending) < _BLOCK_HEADER:
            return None
        head = int.from_bytes(self._pending[:_BLOCK_HEADER], "little")
        kind, size = head >> 1 & 3, head >> 3
        if kind == _RESERVED or size > _MAX_BLOCK:
            self.broken = True
            return None
        end = _BLOCK_HEADER + (1 if kind == _RLE else size)
        if len(self._pending) < end:
            return None
        block = self._pending[:end]
        # Never told that a block is the last, the decoder also goes on past a flipped bit.
        block[0] &= 0xFE
        del self._pending[:end]
        self.offset += end
        return _Block(self.offset, bytes(block), last=bool(head & 1))


class StreamRecord(NamedTuple):
    """One record, its checksum found to hold."""

    header: RecordHeader
    payload: bytes


class RecordStream:
    """Turns the bytes behind a file's header into records, as they come in.

    Every record begins at a block's beginning, which is where reading goes on behind a damaged
    one.
    """

    def __init__(self, hour_s: int | None) -> None:
        self.sound_end = HEADER_SIZE
        """Where in the file whole and sound records end."""
        self.ended = False
        """Whether the stream was closed in order."""
        self.broken = False
        """Whether zstd itself could not go on."""
        self.corrupt = 0
        self.lost_bytes = 0
        self.notes: list[tuple[int, str]] = []
        first, last = _CENTURY_US
        if hour_s is not None:
            first, last = hour_s * 1_000_000, (hour_s + HOUR_S) * 1_000_000
        self._first_us, self._last_us = first, last
        self._frame_header = b""
        self._blocks = _Blocks(HEADER_SIZE + len(FRAME_HEADER))
        self._decoder = zstandard.ZstdDecompressor(max_window_size=1 << WINDOW_LOG).decompressobj()
        self._decoder.decompress(FRAME_HEADER)
        # Positions count decompressed bytes from the stream's start; the buffer begins at `_base`,
        # the record looked at begins at `_at`.
        self._buffer = bytearray()
        self._base = 0
        self._at = 0
        self._starts: deque[tuple[int, int]] = deque()
        """Where blocks start: the position, and the offset in the file."""
        self._lost = False

    @property
    def damaged(self) -> bool:
        """Whether what comes after `sound_end` is damaged, not only cut off."""
        return self._lost or self.broken

    def push(self, data: bytes) -> None:
        """More of the file's bytes."""
        self._blocks.push(self._behind_frame_header(data))

    def next(self) -> StreamRecord | None:
        """The next record that is whole and sound; None until more bytes come."""
        while True:
            record = self._next_whole()
            if record is not None:
                return record
            self._reach_end()
            if self.broken or not self._take_block():
                return None

    def next_behind(self) -> StreamRecord | None:
        """The next record behind one whose length was damaged; for when no more bytes come."""
        record = self.next()
        if record is None and (found := self._next_sound()) is not None:
            self._corrupt("the length of a record is damaged")
            self._at = found
            record = self.next()
        return record

    def _take_block(self) -> bool:
        """Decode one block into the buffer; False where there is none, or none that can be."""
        block = self._blocks.next()
        if block is None:
            if self._blocks.broken:
                self._break(self._blocks.offset, "what should be a block's head is not")
            return False
        if self.ended:
            self._note(self.sound_end, "a block that claims to be the last is not")
        self.ended = block.last
        start = block.end - len(block.data)
        try:
            out = self._decoder.decompress(block.data)
        except zstandard.ZstdError:
            self._break(start, "zstd cannot decode a block")
            return False
        if out:
            self._starts.append((self._base + len(self._buffer), start))
            self._buffer += out
        return True

    def _behind_frame_header(self, data: bytes) -> bytes:
        missing = len(FRAME_HEADER) - len(self._frame_header)
        if not missing:
            return data
        self._frame_header += data[:missing]
        if len(self._frame_header) == len(FRAME_HEADER):
            self.sound_end = HEADER_SIZE + len(FRAME_HEADER)
            if self._frame_header != FRAME_HEADER:
                self._note(HEADER_SIZE, "the head of the compressed stream is damaged")
        return data[missing:]

    def _next_whole(self) -> StreamRecord | None:
        while (at := self._at - self._base) + RECORD_HEADER_SIZE <= len(self._buffer):
            if not self._plausible(at):
                if not self._lost:
                    self._corrupt("what should be a record is none")
                self._skip()
                continue
            header = RecordHeader.unpack(self._buffer, at)
            end = at + RECORD_HEADER_SIZE + header.length
            if end > len(self._buffer):
                return None
            if not self._sound(at, header):
                self._corrupt("a record's checksum does not hold")
                self._skip()
                continue
            with memoryview(self._buffer) as view, view[at + RECORD_HEADER_SIZE : end] as body:
                payload = bytes(body)
            self._regain()
            self._at = self._base + end
            self._drop()
            # In a file of ours a record ends where a block does.
            if not self._buffer:
                self.sound_end = self._blocks.offset
            elif self._starts and self._starts[0][0] == self._at:
                self.sound_end = self._starts[0][1]
            return StreamRecord(header, payload)
        return None

    def _plausible(self, at: int) -> bool:
        header = RecordHeader.unpack(self._buffer, at)
        return (
            header.kind in _KINDS
            and header.length <= MAX_PAYLOAD
            and not any(self._buffer[at + 9 : at + 12])
            and self._first_us <= header.snapshot_time_us < self._last_us
        )

    def _sound(self, at: int, header: RecordHeader) -> bool:
        body = at + RECORD_HEADER_SIZE
        # Let go of by name: whoever looks at our stack from another thread, a profiler say, keeps
        # what a call was given beyond its end, and a buffer that is looked at cannot be cut.
        with (
            memoryview(self._buffer) as whole,
            whole[at:body] as head,
            whole[body : body + header.length] as payload,
        ):
            return header.crc == record_crc(head, payload)

    def _next_sound(self) -> int | None:
        """The first block start behind this one at which a whole, sound record stands."""
        for start, _ in self._starts:
            at = start - self._base
            if start <= self._at or at + RECORD_HEADER_SIZE > len(self._buffer):
                continue
            if not self._plausible(at):
                continue
            header = RecordHeader.unpack(self._buffer, at)
            whole = at + RECORD_HEADER_SIZE + header.length <= len(self._buffer)
            if whole and self._sound(at, header):
                return start
        return None

    def _skip(self) -> None:
        """On to the next block's start, or to the end of what there is."""
        end = self._base + len(self._buffer)
        self._at = next((start for start, _ in self._starts if start > self._at), end)
        self._drop()

    def _drop(self) -> None:
        """Let go of what lies before the record now looked at."""
        del self._buffer[: self._at - self._base]
        self._base = self._at
        while self._starts and self._starts[0][0] < self._at:
            self._starts.popleft()

    def _regain(self) -> None:
        """A sound record stands here: what was lost before it ends here."""
        if self._lost:
            offset = next((offset for start, offset in self._starts if start == self._at), None)
            if offset is not None:
                self.lost_bytes += offset - self.sound_end
                self.sound_end = offset
        self._lost = False

    def _reach_end(self) -> None:
        """The mark that the stream ended is sound where nothing is left before it."""
        if self.ended and not self._lost and not self._buffer:
            self.sound_end = self._blocks.offset

    def _corrupt(self, what: str) -> None:
        self.corrupt += 1
        self._lost = True
        self._note(self.sound_end, what)

    def _break(self, offset: int, what: str) -> None:
        self.broken = True
        if not self._lost:
            self.corrupt += 1
        self._note(offset, what + "; the rest of this file is lost")

    def _note(self, offset: int, what: str) -> None:
        self.notes.append((offset, what))
