from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.clock import parse_us
from sectorwatch.feed.repair import (
    DROPPED,
    NOTED,
    REPAIRED,
    Counts,
    Seconds,
    are_members,
    callsign_or_drop,
    callsigns_or_drop,
    clean_all_lines,
    clean_codes,
    clean_lines,
    clean_text,
    clean_texts,
    latest_of_each,
    normalise_callsign,
)


@pytest.mark.parametrize("callsign", ["LTC__CTR", "G-RKNM", "LTAI_A_ATIS", "QFA1"])
def test_callsigns_as_they_are_flown_stay(callsign: str) -> None:
    """Double underscores, hyphens and letters between them are part of a callsign."""
    assert normalise_callsign(callsign) == callsign


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        (" qfa1\t", "QFA1"),
        ("QF\x00A\x961", "QFA1"),
        ("\ufeffQFA 1", "QFA1"),
        ("", ""),
        (None, ""),
        ("\x85", ""),
    ],
)
def test_a_callsign_is_cleaned(given_text: str | None, expected: str) -> None:
    """Padding, control characters and lower case go."""
    assert normalise_callsign(given_text) == expected


@given(st.text())
def test_a_normal_callsign_is_stable_and_has_no_spaces(text: str) -> None:
    """Normalising twice changes nothing more."""
    once = normalise_callsign(text)
    assert normalise_callsign(once) == once
    assert not any(letter.isspace() for letter in once)


def test_callsigns_are_repaired_or_dropped_and_counted() -> None:
    """One that had to be cleaned counts as repaired, none and one too long as dropped."""
    counts = Counts()
    names = [callsign_or_drop(text, counts) for text in ("QFA1", "qfa1", None, " ", "Q" * 21)]
    assert names == ["QFA1", "QFA1", "", "", ""]
    assert counts.repaired == {"callsign_cleaned": 1}
    assert counts.dropped == {"no_callsign": 2, "bad_callsign": 1}


@given(st.lists(st.none() | st.text("AZ09_-az \n\u00e9", max_size=22), max_size=6))
def test_callsigns_at_once_and_one_by_one_agree(texts: list[str | None]) -> None:
    """The quick look at all finds what the careful one finds, line breaks inside included."""
    at_once, one_by_one = Counts(), Counts()
    names = [callsign_or_drop(text, one_by_one) for text in texts]
    assert list(callsigns_or_drop(texts, at_once)) == names
    assert at_once == one_by_one


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("  padded ", "padded"),
        ("two words", "two words"),
        ("a\x00\x96b\u2028c", "a b c"),
        ("\x85", ""),
        ("abcdefghijk", "abcdefghij"),
        (None, ""),
    ],
)
def test_text_is_cleaned(text: str | None, expected: str) -> None:
    """Control characters become spaces, padding goes, and what is too long is cut."""
    assert clean_text(text, 10) == expected


def test_texts_and_lines_are_cleaned_and_counted_once_each() -> None:
    """What had to be cleaned is counted; absent is empty and counts for nothing."""
    counts = Counts()
    assert clean_texts(["AFV", None, " X ", "a\x01b"], 10, counts) == ["AFV", "", "X", "a b"]
    assert clean_texts(["AFV", "TOO LONG BY FAR"], 10, counts) == ["AFV", "TOO LONG B"]
    assert counts.repaired == {"text_cleaned": 3}
    assert clean_lines(None, counts) == clean_lines([], counts) == ()
    assert clean_lines([" kept ", ""], counts) == (" kept ", "")
    assert counts.repaired == {"text_cleaned": 3}
    assert clean_lines(["a\nb", "c"], counts) == ("a b", "c")
    assert len(clean_lines(["x"] * 300, counts)) == 200
    assert counts.repaired == {"text_cleaned": 5}


@given(st.lists(st.none() | st.lists(st.text("ab \n", max_size=8), max_size=3), max_size=4))
def test_lines_at_once_and_one_by_one_agree(texts: list[list[str] | None]) -> None:
    """The quick look at all lines finds what the careful one finds."""
    at_once, one_by_one = Counts(), Counts()
    assert clean_all_lines(texts, at_once) == [clean_lines(lines, one_by_one) for lines in texts]
    assert at_once == one_by_one


@pytest.mark.parametrize("lines", [["x"] * 201, ["x" * 2001], ["x" * 1500] * 2])
def test_long_lines_are_cut_beside_short_ones(lines: list[str]) -> None:
    """What is too long is cut as it would be by itself; its neighbour stays."""
    cut = clean_lines(lines, Counts())
    assert clean_all_lines([["short"], lines], Counts()) == [("short",), cut]


def test_codes_are_small_numbers() -> None:
    """An absent code is 0; one that is none of the network's is 0 and counted."""
    counts = Counts()
    assert clean_codes([None, 5, -1, 63, 10**30, -7, 10**30], counts) == [0, 5, -1, 63, 0, 0, 0]
    assert counts.repaired == {"code_range": 3}


def test_member_s_numbers_are_positive_and_fit_64_bits() -> None:
    """Nothing else can be a member."""
    assert are_members([1, 0, -1, None, 2**63, 2**63 - 1]) == [
        True,
        False,
        False,
        False,
        False,
        True,
    ]


MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 - UTC is put on below


@given(st.lists(st.tuples(MOMENTS, st.integers(0, 7)), min_size=1))
def test_times_are_read_to_the_second_with_any_digits(moments: list[tuple[datetime, int]]) -> None:
    """The quick way over many times reads what the careful one reads."""
    texts = [
        moment.strftime("%Y-%m-%dT%H:%M:%S") + ("." + "9876543"[:digits] if digits else "") + "Z"
        for moment, digits in moments
    ]
    wanted = [
        int(
            (moment.replace(microsecond=0, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC))
            / timedelta(seconds=1)
        )
        for moment, _ in moments
    ]
    assert Seconds().of(texts) == wanted
    assert [parse_us(text) // 10**6 for text in texts] == wanted


@pytest.mark.parametrize(
    ("text", "time_s"),
    [
        ("2025-08-06T21:00:00+02:00", parse_us("2025-08-06T19:00:00Z") // 10**6),
        ("2025-08-06 21:00:00Z", parse_us("2025-08-06T21:00:00Z") // 10**6),
        ("2025-08-06T24:00:00Z", -1),
        ("2025-08-06T21:60:00Z", -1),
        ("2025-08-06T21:00:60Z", -1),
        ("2025-02-30T21:00:00Z", -1),
        ("2025-08-06Z", -1),
        ("0001-01-01T00:00:00Z", -1),
        ("0001-01-01T00:00:00+05:00", -1),
        ("1999-12-31T23:59:59Z", -1),
        ("", -1),
        (None, -1),
    ],
)
def test_odd_times_are_read_or_said_to_be_none(text: str | None, time_s: int) -> None:
    """A zone is taken into account; what is no time, or was never set, is -1."""
    assert Seconds().of([text]) == [time_s]
    assert Seconds().of(["2025-08-06T21:00:00.5Z", text])[1] == time_s


@given(
    st.lists(
        st.sampled_from(
            [
                "2025-08-06T21:00:00Z",
                "2025-08-06T21:00:00.1234567Z",
                "2025-08-06T21:00:0Z",
                "2025-08-06T21:00:00.5Z\n2025-08-06T21:00:00Z",
                "",
                "7",
                "--T::Z",
                "2025-8-06T21:00:00.5Z",
                "2025-08-06T25:00:00.5Z",
                "2025-08-06T21:00:00+01:00",
                None,
            ]
        ),
        max_size=4,
    )
)
def test_times_at_once_and_one_by_one_agree(texts: list[str | None]) -> None:
    """A time means the same whatever stands beside it."""
    assert Seconds().of(texts) == [Seconds().of([text, None])[0] for text in texts]


def test_the_latest_of_each_is_kept_in_order() -> None:
    """Of equals the first, of others the latest; the order of the list stays."""
    assert latest_of_each(["a", "b", "a", "c", "b"], [1, 5, 2, 0, 5]) == [1, 2, 3]


def test_reasons_are_words_fit_for_a_tag_and_in_one_list_only() -> None:
    """A reason means one thing, and each has a sentence."""
    names = [*REPAIRED, *DROPPED, *NOTED]
    assert len(names) == len(set(names))
    assert all(name.replace("_", "").isalnum() and name == name.lower() for name in names)
    assert all(text for text in (*REPAIRED.values(), *DROPPED.values(), *NOTED.values()))
