"""Model files: what was put in comes out, and nothing else is believed."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.model import files
from sectorwatch.forecast.model.files import Header, pack, read_file, unpack, write_file

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = Header(
    version="20260101T0000Z",
    trained_from_s=0,
    trained_to_s=86_400,
    fingerprint="0" * 32,
    zone="UTC",
    features=("a", "b"),
    forests=("mean",),
    figures={"gain": 0.1},
)
ARRAYS = {
    "levels": np.linspace(0, 1, 24).reshape(2, 3, 4),
    "flags": np.array([True, False, True]),
    "ids": np.array([2**53 - 1, 0], dtype=np.int64),
    "big": np.arange(6, dtype=">i4"),
    "none": np.empty((0, 3), dtype=np.float32),
    "one": np.asarray(7),
}


@cache
def content() -> bytes:
    """A good file."""
    return pack(HEADER, ARRAYS)


def test_what_was_put_in_comes_out(tmp_path: Path) -> None:
    """Header and arrays, to the last bit and shape; readable by its owner alone."""
    path = tmp_path / "a.model"
    assert write_file(path, HEADER, ARRAYS) == path.stat().st_size
    header, arrays = read_file(path)
    assert header == HEADER
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].shape == array.shape
        assert arrays[name].dtype == array.dtype.newbyteorder("<")
        assert (arrays[name] == array).all()
    assert path.stat().st_mode & 0o777 == 0o600


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_file_that_is_cut_or_changed_is_refused(data: st.DataObject) -> None:
    """Anywhere, by as little as a bit; and always in words."""
    whole = bytearray(content())
    if data.draw(st.booleans()):
        changed = bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    else:
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] ^= 1 << data.draw(st.integers(0, 7))
        changed = bytes(whole)
        if at in {10, 11}:
            # These two bytes mean nothing yet.
            return
    with pytest.raises(ModelFileError, match=r"\w+ \w+"):
        unpack(changed)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_a_foreign_file_is_refused(foreign: bytes) -> None:
    """Also one that begins like ours, and one whose checksum fits what is no model."""
    for changed in (foreign, files._MAGIC + foreign, sealed(foreign)):
        with pytest.raises(ModelFileError):
            unpack(changed)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_file_made_with_care_is_refused_or_within_itself(data: st.DataObject) -> None:
    """Who can reckon a checksum can put anything into the frame: it is still only read."""
    whole = bytearray(zstandard.ZstdDecompressor().decompress(content()[files._HEAD.size :]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(whole) - 1, 700)))
        whole[at] = data.draw(st.integers(0, 255))
    try:
        header, arrays = unpack(sealed(bytes(whole)))
    except ModelFileError:
        return
    assert isinstance(header, Header)
    assert sum(each.nbytes for each in arrays.values()) <= len(whole) * len(arrays)


def sealed(whole: bytes, said: int | None = None) -> bytes:
    """A file with a checksum that fits, whatever is in it."""
    rest = zstandard.ZstdCompressor().compress(whole)
    head = (files._MAGIC, files.LAYOUT, 0, len(rest) if said is None else said, files._digest(rest))
    return files._HEAD.pack(*head) + rest


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    """A few kilobytes that would become a gigabyte."""
    rest = zstandard.ZstdCompressor(level=1).compress(bytes(files.MOST_BYTES + 1))
    head = files._HEAD.pack(files._MAGIC, files.LAYOUT, 0, len(rest), files._digest(rest))
    with pytest.raises(ModelFileError, match="unpacked it would have"):
        unpack(head + rest)


@pytest.mark.parametrize("limit", ["MOST_PACKED_BYTES", "MOST_BYTES"])
def test_what_could_not_be_read_again_is_not_written(
    limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of too many sectors: it would be refused at each start. What was there stays."""
    path = tmp_path / "a.model"
    write_file(path, HEADER, ARRAYS)
    monkeypatch.setattr(files, limit, 1_000)
    noise = np.random.default_rng(1).integers(0, 256, 2_000).astype(np.uint8)
    with pytest.raises(ModelFileError, match="over the limit of 1000: it is of too many sectors"):
        write_file(path, HEADER, {"noise": noise})
    assert path.read_bytes() == content()


def test_noise_within_the_limit_can_be_read_again(tmp_path: Path) -> None:
    """Running means of two thousand sectors are packed to half of what they are."""
    noise = np.random.default_rng(1).integers(0, 256, 100_000_000, dtype=np.uint8)
    write_file(tmp_path / "a.model", HEADER, {"noise": noise})
    assert np.array_equal(read_file(tmp_path / "a.model")[1]["noise"], noise)


def test_a_frame_that_does_not_say_its_size_is_refused() -> None:
    """It could become anything."""
    rest = zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 1_000)
    head = files._HEAD.pack(files._MAGIC, files.LAYOUT, 0, len(rest), files._digest(rest))
    with pytest.raises(ModelFileError):
        unpack(head + rest)


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    """A sparse file of a terabyte is refused as soon as an empty one."""
    path = tmp_path / "huge.model"
    with path.open("wb") as file:
        file.write(content()[:16])
        file.truncate(1 << 40)
    with pytest.raises(ModelFileError, match=r"huge.model cannot be used"):
        read_file(path)


def test_a_pickle_runs_nothing(tmp_path: Path) -> None:
    """What other programs call a model file is a program here, and is not started."""
    path = tmp_path / "evil.model"
    path.write_bytes(pickle.dumps((Path.touch, (tmp_path / "ran",))))
    with pytest.raises(ModelFileError, match="no model of sectorwatch"):
        read_file(path)
    assert not (tmp_path / "ran").exists()


def test_a_newer_layout_is_said() -> None:
    """Who went back to an older version is told why his model is not used."""
    newer = bytearray(content())
    newer[8] = 9
    with pytest.raises(ModelFileError, match="layout 9; this sectorwatch reads 1"):
        unpack(bytes(newer))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """With its name, and what happens now."""
    with pytest.raises(ModelFileError, match=r"gone.model cannot be read \(No such file"):
        read_file(tmp_path / "gone.model")


def changed(**parts: object) -> Callable[[], bytes]:
    """A file of one array, about which something else is said."""

    def made() -> bytes:
        listed = files._Array("a", "<f8", (1,), 0)
        values = {"header": HEADER, "arrays": (msgspec.structs.replace(listed, **parts),)}
        said = msgspec.msgpack.encode(values)
        filling = files._begin(len(said)) - len(said) - files._LENGTH.size
        return sealed(files._LENGTH.pack(len(said)) + said + bytes(filling + 8))

    return made


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (changed(type="|O"), "array of '|O'"),
        (changed(shape=(2,)), "ends behind the end"),
        (changed(at=8), "ends behind the end"),
        (changed(shape=(1 << 20, 1 << 20)), "ends behind the end"),
        (changed(shape=(-1,)), "its header is none"),
        (changed(name="x" * 200), "its header is none"),
        (changed(shape=(0,), type="M8[s]"), "array of 'M8"),
    ],
)
def test_an_array_that_cannot_be_is_refused(made: Callable[[], bytes], words: str) -> None:
    """Objects, what is longer than the file, what lies behind it."""
    with pytest.raises(ModelFileError, match=words.replace("|", r"\|")):
        unpack(made())


def test_an_array_of_objects_is_not_kept() -> None:
    """Nobody can put into a model what could not be read again."""
    with pytest.raises(ValueError, match="kept in no model"):
        pack(HEADER, {"names": np.array(["a", None], dtype=object)})
