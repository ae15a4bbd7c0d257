"""The transceivers feed decoded: every station's radios, and the channels they are tuned to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.reading import Loose, as_float, as_int, as_text
from sectorwatch.feed.records import Station, Transceiver, TransceiverSnapshot
from sectorwatch.feed.repair import Counts, callsign_or_drop
from sectorwatch.feed.structure import elements, is_readable, repair_text, shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["channel_khz", "channels_khz", "decode_transceivers", "frequency_khz"]

_NOT_TUNED_KHZ = 199_998
_LOWEST_KHZ, _HIGHEST_KHZ = 2_000, 199_997
_VHF_KHZ = 100_000
# kHz above a multiple of 25, to the name of the channel that is meant: 0 and 25 are the 25 kHz
# channels, 5, 10 and 15 those of 8.33 kHz, whose carriers lie at 0, 8.33 and 16.67; 20 is what a
# display of two decimals shows of 25.
_CHANNEL_IN_BLOCK = [0, 0, 0, 5, 5, 5, 5, 5, 10, 10, 10, 10, 10]
_CHANNEL_IN_BLOCK += [15, 15, 15, 15, 15, 25, 25, 25, 25, 25, 25, 25]
_IN_BLOCK = np.array(_CHANNEL_IN_BLOCK, dtype=np.int64)
_HIGHEST_HZ = 1_000_000_000
_MOST_RADIOS = 100
_HIGHEST_M = 100_000.0
_HALF_CIRCLE, _CIRCLE, _POLE = 180.0, 360.0, 90.0


class _WireRadio(msgspec.Struct, gc=False):
    id: int | None = None
    frequency: int | None = None
    latDeg: float | None = None  # noqa: N815 - the feed's own name
    lonDeg: float | None = None  # noqa: N815 - as above
    heightMslM: float | None = None  # noqa: N815 - as above
    heightAglM: float | None = None  # noqa: N815 - as above


class _WireStation(msgspec.Struct, gc=False):
    callsign: str | None = None
    transceivers: list[_WireRadio] | None = None


class _RawStation(msgspec.Struct, gc=False):
    callsign: str | None = None
    transceivers: msgspec.Raw = msgspec.Raw(b"null")


_WIRE = msgspec.json.Decoder(list[_WireStation])
_RADIO = Loose(
    _WireRadio,
    {
        "id": as_int,
        "frequency": as_int,
        "latDeg": as_float,
        "lonDeg": as_float,
        "heightMslM": as_float,
        "heightAglM": as_float,
    },
)


def _as_raw(value: Any) -> Any:
    return msgspec.Raw(msgspec.json.encode(value))


_STATION = Loose(_RawStation, {"callsign": as_text, "transceivers": _as_raw})


def decode_transceivers(document: bytes, time_us: int, received_at_us: int) -> TransceiverSnapshot:
    """The radios in `document`, a transceivers feed in JSON, which has no time of its own.

    `time_us` is that of the data feed before it. A bad radio or station is repaired or dropped
    alone. Raises FeedRefusedError where the document is no list.
    """
    counts = Counts()
    stations: dict[str, Station] = {}
    for record in _read(document, counts):
        callsign = callsign_or_drop(record.callsign, counts)
        if not callsign:
            continue
        if callsign in stations:
            counts.drop("duplicate")
            continue
        stations[callsign] = Station(callsign, _radios(record.transceivers or [], counts))
        counts.note("no_radios", not stations[callsign].transceivers)
    return TransceiverSnapshot(
        time_us=time_us,
        received_at_us=received_at_us,
        stations=list(stations.values()),
        repaired=dict(counts.repaired),
        dropped=dict(counts.dropped),
        noted=dict(counts.noted),
    )


def channel_khz(frequency_hz: int) -> int | None:
    """The channel that a radio is on, by its name in kHz; None where it is tuned to none.

    Clients send carriers some Hz beside the channel; an 8.33 kHz channel by its name or by its
    carrier, a third of 25 kHz off; and a 25 kHz channel by the two decimals that older radios show.
    Channel names are those of ICAO Annex 10 volume V, table 4-1.

    >>> [channel_khz(hz) for hz in (122_800_010, 118_020_000, 132_008_333, 6_547_000)]
    [122800, 118025, 132010, 6547]
    >>> channel_khz(199_998_000) is None
    True
    """
    khz = round(frequency_hz / 1_000)
    if not _LOWEST_KHZ <= khz <= _HIGHEST_KHZ:
        return None
    if khz < _VHF_KHZ:
        return khz
    block, offset = divmod(khz, 25)
    return block * 25 + _CHANNEL_IN_BLOCK[offset]


def channels_khz(frequency_hz: NDArray[np.int64]) -> NDArray[np.int64]:
    """`channel_khz` of many radios at once, shape (n,), -1 where one is tuned to none.

    >>> channels_khz(np.array([122_800_010, 118_020_000, 199_998_000])).tolist()
    [122800, 118025, -1]
    """
    khz = np.rint(frequency_hz / 1_000).astype(np.int64)
    block, offset = np.divmod(khz, 25)
    channel = np.where(khz < _VHF_KHZ, khz, block * 25 + _IN_BLOCK[offset])
    return np.where((khz >= _LOWEST_KHZ) & (khz <= _HIGHEST_KHZ), channel, -1)


def frequency_khz(text: str) -> int | None:
    """The channel in kHz of a controller's frequency such as 118.025; None where it is none.

    >>> frequency_khz("118.020"), frequency_khz("199.998"), frequency_khz("")
    (118025, None, None)
    """
    try:
        mhz = float(text)
    except ValueError:
        return None
    return channel_khz(round(mhz * 1_000_000)) if math.isfinite(mhz) else None


def _read(document: bytes, counts: Counts) -> list[_WireStation]:
    """The stations as they stand in the feed, in one go or, where that fails, one by one."""
    try:
        return _WIRE.decode(document)
    except (ValueError, RecursionError):
        pass
    stripped = document.strip(b" \t\r\n")
    if not stripped.startswith(b"["):
        raise FeedRefusedError(
            "wrong_shape" if is_readable(document) else "not_json",
            f"the transceivers feed begins with {shape(document[:20])}, not with a list: "
            "is this the address of the transceivers feed?",
        )
    stations: list[_WireStation] = []
    for start, end in elements(stripped, 0, len(stripped)):
        record = _STATION.read(stripped[start:end], counts)
        if record is not None:
            raw = repair_text(bytes(record.transceivers))
            radios = _RADIO.read_all(raw, 0, len(raw), counts)
            stations.append(_WireStation(record.callsign, radios))
    return stations


def _radios(wire: list[_WireRadio], counts: Counts) -> tuple[Transceiver, ...]:
    radios: list[Transceiver] = []
    for place, radio in enumerate(wire):
        latitude, longitude, frequency = radio.latDeg, radio.lonDeg, radio.frequency
        if (
            latitude is None
            or longitude is None
            or frequency is None
            or abs(latitude) > _POLE
            or abs(longitude) > _CIRCLE
            or not 0 <= frequency < _HIGHEST_HZ
            or place >= _MOST_RADIOS
        ):
            counts.drop("no_radio")
            continue
        if not -_HALF_CIRCLE <= longitude < _HALF_CIRCLE:
            longitude = (longitude + _HALF_CIRCLE) % _CIRCLE - _HALF_CIRCLE
            counts.repair("longitude_wrapped")
        height_msl_m = _height(radio.heightMslM, counts)
        counts.note("radio_below_sea", height_msl_m < 0)
        counts.note("radio_off_channel", frequency % 1_000 != 0)
        counts.note("radio_untuned", channel_khz(frequency) is None)
        radios.append(
            Transceiver(
                id=radio.id if radio.id is not None and abs(radio.id) < _HIGHEST_HZ else place,
                frequency_hz=frequency,
                latitude=latitude,
                longitude=longitude,
                height_msl_m=height_msl_m,
                height_agl_m=_height(radio.heightAglM, counts),
            )
        )
    return tuple(radios)


def _height(height_m: float | None, counts: Counts) -> float:
    if height_m is None or abs(height_m) > _HIGHEST_M:
        counts.repair("radio_height")
        return 0.0
    return height_m
