from __future__ import annotations

import gzip
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.compression import decompress, encoding_of, first_bytes

TEXT = b'{"general":{"version":3}}' * 400


def packed(data: bytes) -> bytes:
    """As gzip does, but for the time, so that a test has the same name in every process."""
    return gzip.compress(data, mtime=0)


def bare_deflate(data: bytes) -> bytes:
    """The stream without zlib's frame, as some servers send it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def unsized_zstd(data: bytes) -> bytes:
    """As a server streams it: the size is not told beforehand."""
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


PACKED = {
    "gzip": packed(TEXT),
    "x-gzip": packed(TEXT),
    "deflate": zlib.compress(TEXT),
    "Deflate": bare_deflate(TEXT),
    "zstd": zstandard.compress(TEXT),
    " ZSTD ": unsized_zstd(TEXT),
    "": TEXT,
    "identity": TEXT,
    "gzip, zstd": zstandard.compress(packed(TEXT)),
    "identity, gzip": packed(TEXT),
}


@pytest.mark.parametrize("encoding", PACKED)
def test_what_was_compressed_comes_back(encoding: str) -> None:
    """Each encoding a server may choose, in its variants."""
    assert decompress(PACKED[encoding], encoding) == TEXT


@pytest.mark.parametrize("encoding", [e for e in PACKED if e.strip() not in {"", "identity"}])
def test_a_missing_end_is_truncated(encoding: str) -> None:
    """Half of it is not taken for the whole."""
    with pytest.raises(FeedRefusedError) as caught:
        decompress(PACKED[encoding][:-6], encoding)
    assert caught.value.reason == "truncated"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_nothing_at_all_is_truncated(encoding: str) -> None:
    """An empty body is no compressed empty document."""
    with pytest.raises(FeedRefusedError) as caught:
        decompress(b"", encoding)
    assert caught.value.reason == "truncated"


@pytest.mark.parametrize(
    "encoding", ["gzip", "zstd", "br", "compress", "gzip, gzip, gzip", "\N{SNOWMAN}"]
)
def test_another_encoding_than_said_is_refused(encoding: str) -> None:
    """Plain text called gzip, an encoding we did not ask for, three layers."""
    with pytest.raises(FeedRefusedError) as caught:
        decompress(TEXT, encoding)
    assert caught.value.reason == "bad_compression"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "Deflate", "zstd"])
def test_garbage_behind_the_end_is_refused(encoding: str) -> None:
    """What follows the end of the stream belongs to no feed."""
    with pytest.raises(FeedRefusedError) as caught:
        decompress(PACKED[encoding] + b"garbage", encoding)
    assert caught.value.reason == "bad_compression"


@pytest.mark.parametrize("pack", [packed, zstandard.compress])
def test_parts_that_follow_one_another_are_one(pack: object) -> None:
    """Both formats may be written in several parts."""
    assert callable(pack)
    data = pack(TEXT[:500]) + pack(TEXT[500:])
    assert decompress(data, encoding_of(data)) == TEXT


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("gzip", packed(bytes(3_000_000))),
        ("deflate", zlib.compress(bytes(3_000_000))),
        ("zstd", zstandard.compress(bytes(3_000_000))),
        ("zstd", unsized_zstd(bytes(3_000_000))),
        ("gzip, gzip", packed(packed(bytes(3_000_000)))),
        ("zstd", b"\x28\xb5\x2f\xfd\x00\x38" + b"\x02\x00\x10x" * 100_000),
    ],
)
def test_a_bomb_is_refused_before_it_bursts(encoding: str, bomb: bytes) -> None:
    """However little it is, no more comes out of it than the limit."""
    with pytest.raises(FeedRefusedError) as caught:
        decompress(bomb, encoding, limit=1_000_000)
    assert caught.value.reason == "bomb"
    assert "1000000" in str(caught.value)


def test_a_window_larger_than_any_feed_is_refused() -> None:
    """A frame may claim a window of gigabytes, which would be taken from memory at once."""
    with pytest.raises(FeedRefusedError) as caught:
        decompress(b"\x28\xb5\x2f\xfd\x00\xb0" + b"\x03\x00\x00", "zstd")
    assert caught.value.reason == "bad_compression"


def test_the_limit_itself_is_allowed() -> None:
    """Exactly as much as may be, and one byte more, compressed or not."""
    data = bytes(1_000)
    assert decompress(data, limit=1_000) == data
    assert decompress(packed(data), "gzip", limit=1_000) == data
    assert decompress(zstandard.compress(data), "zstd", limit=1_000) == data
    with pytest.raises(FeedRefusedError) as caught:
        decompress(data, limit=999)
    assert caught.value.reason == "too_large"
    with pytest.raises(FeedRefusedError):
        decompress(packed(data), "gzip", limit=999)


@given(data=st.binary(max_size=300), encoding=st.sampled_from(["gzip", "deflate", "zstd"]))
def test_any_bytes_are_refused_or_decompressed(data: bytes, encoding: str) -> None:
    """No other exception than a refusal comes out, whatever goes in."""
    try:
        assert isinstance(decompress(data, encoding, limit=1_000), bytes)
    except FeedRefusedError as error:
        assert error.reason in {"truncated", "bad_compression", "bomb"}  # noqa: PT017 - either is right


@pytest.mark.parametrize("data", [TEXT, packed(TEXT), zstandard.compress(TEXT), unsized_zstd(TEXT)])
def test_the_beginning_is_had_from_a_beginning(data: bytes) -> None:
    """A part of a file gives the first bytes of what is in it."""
    assert first_bytes(data, 100) == TEXT[:100]
    assert first_bytes(data, 10**6)[:100] == TEXT[:100]


def test_the_beginning_of_garbage_is_nothing() -> None:
    """What only begins like a compressed file gives no bytes, and no error."""
    assert first_bytes(b"\x1f\x8bgarbage", 10) == b""
    assert first_bytes(b"\x28\xb5\x2f\xfd" + b"\xff" * 20, 10) == b""
    assert first_bytes(b"", 10) == b""
