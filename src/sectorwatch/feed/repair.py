"""What is repaired, dropped and noted in records: the reasons, and the small repairs themselves."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, TypeGuard

from sectorwatch.clock import parse_us

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "DROPPED",
    "EARLIEST_S",
    "MAX_CALLSIGN",
    "NOTED",
    "REPAIRED",
    "Counts",
    "Seconds",
    "all_match",
    "are_members",
    "callsign_or_drop",
    "callsigns_or_drop",
    "clean_all_lines",
    "clean_codes",
    "clean_lines",
    "clean_text",
    "clean_texts",
    "latest_of_each",
    "normalise_callsign",
]

REPAIRED = {
    "altitude_range": "an altitude beyond -2,000 or 100,000 ft, set to that bound",
    "bad_text": "what is no UTF-8, or half of a surrogate pair, replaced by U+FFFD",
    "callsign_cleaned": "a callsign in lower case, padded, or with characters that are no text",
    "code_range": "a rating or facility that is no such number, set to 0",
    "counts_missing": "a feed without its count of clients or users: counted from its records",
    "frequency_form": "a frequency written otherwise than 118.100, written so, or emptied",
    "groundspeed_range": "a groundspeed below 0 or beyond 5,000 kt, set to that bound",
    "heading_360": "heading 360, which is 0",
    "heading_range": "a heading outside 0 to 360, or none: turned into the circle, or set to 0",
    "longitude_wrapped": "a longitude of 180 or beyond, brought into -180 to 180",
    "plan_altitude": "a filed altitude that says no altitude, such as 380000",
    "plan_deptime": "a departure time that is none, such as 7000 or 5772193",
    "plan_enroute": "a time en route that is none, or has over 59 minutes, such as 0060",
    "plan_form": "a plan with values of other types than text",
    "plan_tas": "a cruising speed that no aircraft has, such as 50000",
    "plan_text": "a plan's text with control characters, or cut to its limit",
    "qnh_range": "a QNH outside 25 to 32.5 inHg or 850 to 1,100 hPa, set to none",
    "radio_height": "a radio's height that is no number, set to 0",
    "text_cleaned": "a text with control characters or padding, or longer than its limit",
    "time_late": "a record later than its snapshot, set to the snapshot's time",
    "time_unreadable": "a record without a time that can be read, set to the snapshot's",
    "wrong_type": "a value of another type than it should be: turned into it, or left out",
}
"""Why a record counts as repaired, and what was done."""

DROPPED = {
    "bad_callsign": "a callsign of over 20 characters",
    "duplicate": "one member under one callsign twice: the later one is kept, else the first",
    "no_altitude": "no altitude",
    "no_callsign": "no callsign",
    "no_groundspeed": "no groundspeed",
    "no_member": "no member's number",
    "no_plan": "a prefile without a plan",
    "no_position": "no latitude or longitude",
    "no_radio": "a radio without a frequency or a place",
    "not_a_record": "something that is no record",
    "position_range": "a latitude beyond 90 or a longitude beyond 360 degrees",
    "table_entry": "an entry without a number in one of the feed's own tables",
    "unmaskable": "a record whose member's number cannot be read, so that it is not written",
    "unreadable": "a record that is no JSON by itself",
}
"""Why a record is dropped, alone."""

NOTED = {
    "callsign_twice": "a callsign that two members have at once",
    "count_mismatch": "a count of clients or users that is not what the feed holds",
    "long_session": "a controller's session of over 24 hours",
    "member_twice": "a pilot's record more than one of the same member's",
    "no_flight_plan": "a pilot without a plan",
    "no_radios": "a station without a radio",
    "not_atc": "a record among the controllers with facility 0: a pilot or an observer",
    "not_tuned": "a frequency of 199.998: none is tuned",
    "plan_unfiled": "a plan whose time en route is 0000: none was filed",
    "position_old": "a position over 60 s older than its snapshot",
    "position_zero": "a pilot at 0 degrees north, 0 east",
    "radio_below_sea": "a radio at a negative height",
    "radio_off_channel": "a radio's frequency some Hz beside its channel",
    "radio_untuned": "a radio tuned to no channel, such as 0 or 199.998",
    "squawk_odd": "a squawk that is not four digits of 0 to 7",
}
"""What is odd and kept as it is."""

MAX_CALLSIGN = 20
_TOO_BIG = 1 << 63
_MAX_CODE = 1_000
_MOST_LINES = 200
_LONGEST_LINE = 2_000
EARLIEST_S = 946_684_800  # 2000-01-01: what is earlier is a time that was never set
_TO_THE_SECOND = itemgetter(slice(19))
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+")
_PLAIN_CALLSIGN = re.compile(r"[A-Z0-9_-]{1,20}", re.ASCII)
_PLAIN_CALLSIGNS = re.compile(r"(?:[A-Z0-9_-]{1,20}+\n)*+", re.ASCII)


@dataclass(slots=True)
class Counts:
    """Records by reason."""

    repaired: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)

    def repair(self, reason: str, count: int = 1) -> None:
        """Counts records repaired for one of `REPAIRED`."""
        if count:
            self.repaired[reason] += count

    def drop(self, reason: str, count: int = 1) -> None:
        """Counts records dropped for one of `DROPPED`."""
        if count:
            self.dropped[reason] += count

    def note(self, reason: str, count: int = 1) -> None:
        """Counts what is kept though it is one of `NOTED`."""
        if count:
            self.noted[reason] += count


class Seconds(dict[str, int]):
    """Times to the second, as text such as 2023-03-12T17:24:18, in whole seconds since 1970.

    -1 for what is no time of this century. One serves for many records: they share seconds.
    """

    def __missing__(self, text: str) -> int:
        self[text] = time_s = _parsed(text)
        return time_s

    def of(self, times: Sequence[str | None]) -> list[int]:
        """Each of `times`, with a fraction and a zone as in the feed; -1 where there is none."""
        with suppress(TypeError):  # one is None
            # Where all are written alike, but for their digits, one look at all is enough.
            whole = "\n".join([*times, ""]).encode("utf-8", "surrogatepass")  # type: ignore[list-item] # as above
            alike = b"--T::Z\n" * len(times)
            if whole.translate(None, b"0123456789.") == alike:
                found = list(map(self.__getitem__, map(_TO_THE_SECOND, times)))  # type: ignore[arg-type] # as above
                if -1 not in found:
                    return found
            rest = "".join([text[19:] for text in times])  # type: ignore[index] # as above
            digits = rest.replace("Z", "").replace(".", "")
            # All are in UTC with any fraction: the same second stands for many of them.
            if rest.count("Z") == len(times) and (not digits or digits.isdecimal()):
                return [self[text[:19]] for text in times]  # type: ignore[index] # as above
        return [_parsed(text or "") for text in times]


@lru_cache(maxsize=1 << 14)
def _parsed(text: str) -> int:
    # Logon times come again with every feed.
    try:
        time_s = parse_us(text) // 1_000_000
    except (ValueError, OverflowError):
        return -1
    return time_s if time_s >= EARLIEST_S else -1


def normalise_callsign(text: str | None) -> str:
    r"""A callsign in upper case, without what surrounds it and what is no text; "" for none.

    >>> normalise_callsign(" ltc__ctr\x00 ")
    'LTC__CTR'
    """
    if not text:
        return ""
    if _PLAIN_CALLSIGN.fullmatch(text):
        return text
    return "".join(_NO_TEXT.sub("", text).split()).upper()


def callsign_or_drop(text: str | None, counts: Counts) -> str:
    """The callsign, normalised, or "" where the record has to be dropped, which is counted."""
    callsign = normalise_callsign(text)
    if not callsign:
        counts.drop("no_callsign")
    elif len(callsign) > MAX_CALLSIGN:
        counts.drop("bad_callsign")
        return ""
    elif callsign != text:
        counts.repair("callsign_cleaned")
    return callsign


def all_match(texts: Sequence[str | None], lines: re.Pattern[str]) -> TypeGuard[Sequence[str]]:
    """Whether all of `texts`, each on a line of its own, are what `lines` says; None is not."""
    # Most feeds have nothing odd: one look at all of them is enough.
    with suppress(TypeError):  # one is None
        joined = "\n".join([*texts, ""])  # type: ignore[list-item] # as above
        return joined.count("\n") == len(texts) and lines.fullmatch(joined) is not None
    return False


def callsigns_or_drop(texts: Sequence[str | None], counts: Counts) -> Sequence[str]:
    """Each of `texts` as `callsign_or_drop` has it."""
    if all_match(texts, _PLAIN_CALLSIGNS):
        return texts
    return [callsign_or_drop(text, counts) for text in texts]


def clean_text(text: str | None, limit: int) -> str:
    """`text` without control characters and padding, cut to `limit` characters; "" for None."""
    if not text:
        return ""
    if len(text) <= limit and text.isprintable() and text[0] != " " and text[-1] != " ":
        return text
    return _NO_TEXT.sub(" ", text).strip()[:limit]


def clean_texts(texts: Sequence[str | None], limit: int, counts: Counts) -> list[str]:
    """Each of `texts`, which are single words, cleaned; what had to be is counted."""
    # Most feeds have nothing to clean: one look at all of them is enough. None raises.
    with suppress(TypeError):
        joined = "".join(texts)  # type: ignore[arg-type] # as above
        if joined.isprintable() and " " not in joined and max(map(len, texts), default=0) <= limit:  # type: ignore[arg-type] # as above
            return list(texts)  # type: ignore[arg-type] # as above
    given = [text or "" for text in texts]
    cleaned = [clean_text(text, limit) for text in given]
    counts.repair("text_cleaned", sum(map(str.__ne__, cleaned, given)))
    return cleaned


def clean_lines(lines: Sequence[str] | None, counts: Counts) -> tuple[str, ...]:
    """The lines of an ATIS without control characters, at most so many and so long."""
    if not lines:
        return ()
    joined = "".join(lines)
    if joined.isprintable() and len(lines) <= _MOST_LINES and len(joined) <= _LONGEST_LINE:
        return tuple(lines)
    cleaned = [clean_text(line, _LONGEST_LINE) for line in lines[:_MOST_LINES]]
    counts.repair("text_cleaned", int(cleaned != list(lines)))
    return tuple(cleaned)


def clean_all_lines(texts: Sequence[Sequence[str] | None], counts: Counts) -> list[tuple[str, ...]]:
    """Each of `texts` as `clean_lines` has it."""
    given = [lines or () for lines in texts]
    joined = list(map("".join, given))
    if (
        "".join(joined).isprintable()
        and max(map(len, given), default=0) <= _MOST_LINES
        and max(map(len, joined), default=0) <= _LONGEST_LINE
    ):
        return list(map(tuple, given))
    return [clean_lines(lines, counts) for lines in given]


def clean_codes(codes: Sequence[int | None], counts: Counts) -> list[int]:
    """Ratings and facilities: small numbers, 0 where there is none or it cannot be one."""
    as_code = {code: code if code and -1 <= code <= _MAX_CODE else 0 for code in set(codes)}
    if all(code == good for code, good in as_code.items()):
        return list(codes)  # type: ignore[arg-type] # None is equal to no code
    wrong = [code for code, good in as_code.items() if code and not good]
    counts.repair("code_range", sum(map(codes.count, wrong)))
    return [as_code[code] for code in codes]


def are_members(cids: Sequence[int | None]) -> list[bool]:
    """Which of these are members' numbers."""
    with suppress(TypeError, ValueError):  # one is None, or there is none
        if min(cids) > 0 and max(cids) < _TOO_BIG:  # type: ignore[type-var,operator] # as above
            return [True] * len(cids)
    return [cid is not None and 0 < cid < _TOO_BIG for cid in cids]


def latest_of_each(keys: Iterable[object], times_s: Sequence[int]) -> list[int]:
    """The indices at which each of `keys` stands with its latest time, the first of equals."""
    best: dict[object, int] = {}
    for index, key in enumerate(keys):
        other = best.get(key)
        if other is None or times_s[index] > times_s[other]:
            best[key] = index
    return sorted(best.values())
