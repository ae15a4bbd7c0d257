from __future__ import annotations

import json
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sectorwatch.feed.known import Known, apply_edits, edited, unescape


def known(*names: str, numbers: tuple[int, ...] = ()) -> Known:
    """What is known after a feed with these members; a number gets 99 put behind it."""
    book = Known(lambda number: f"{number}99")
    for name in names:
        book.learn_name(name)
    for number in numbers:
        book.learn_number(number)
    return book


def masked(book: Known, text: str) -> str:
    """A text with what is known replaced."""
    return edited(text, book.edits(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PIC/STEVE KENNEDY /V/", "PIC/ /V/"),
        ("pic steve_kennedy.", "pic ."),
        ("Steve, Kennedy", ""),
        ("Steve Kennedy KJFK", ""),
        ("Stevenson Kennedy", "Stevenson Kennedy"),
        ("Steve Kennedys", "Steve Kennedys"),
        ("Kennedy Steve", "Kennedy Steve"),
        ("KJFK KSFO", "KJFK KSFO"),
        ("\u201cSteve Kennedy\u201d", "\u201c\u201d"),
    ],
)
def test_a_name_is_replaced_as_a_whole_in_any_case(text: str, expected: str) -> None:
    """The words of a name are found together, with or without the home airport, never apart."""
    assert masked(known("Steve Kennedy KJFK"), text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vatsim.fr/fb/1234567", "vatsim.fr/fb/123456799"),
        ("CCA927(1234567),", "CCA927(123456799),"),
        ("12345678 and 0.1234567", "12345678 and 0.123456799"),
        ("CID1234567", "CID1234567"),
        ("_1234567_", "_123456799_"),
    ],
)
def test_a_number_is_replaced_where_it_is_a_word(text: str, expected: str) -> None:
    """A member's number becomes what stands for it, but never inside a longer word."""
    assert masked(known(numbers=(1234567,)), text) == expected


def test_a_name_that_is_the_number_becomes_the_hash() -> None:
    """Where a member's name is just the number, what stands for the number is put there."""
    book = known("1234567", numbers=(1234567,))
    assert masked(book, "SID/1234567") == "SID/123456799"


def test_removing_one_name_leaves_no_other() -> None:
    """What a removal brings together is looked at again."""
    assert masked(known("a", "b b"), "x b a b y") == "x  y"
    assert masked(known("a", "b b", numbers=(7,)), "b 7 b") == "b 799 b"


def test_the_longest_of_overlapping_names_goes() -> None:
    """A name that begins another leaves nothing of the longer one."""
    assert masked(known("Ann", "Ann Marie Smith"), "ann marie smith, ann") == ", "


def test_a_name_of_signs_is_replaced_between_spaces() -> None:
    """A name without a letter is found where it stands alone."""
    book = known("*-*")
    assert masked(book, "A *-* B*-*") == "A  B*-*"
    assert book.suspects([b"nothing", b"A *-* B"]) == [0, 1]


def test_names_that_are_nothing_are_not_learned() -> None:
    """An empty name, or one of spaces, is in no text."""
    assert masked(known("", "   "), "a  b") == "a  b"


def test_a_generation_is_remembered_and_the_one_before_it_no_longer() -> None:
    """Members are known for one generation of feeds beyond the one they were last seen in."""
    book = Known(str, documents=2)
    assert book.turn() is False
    book.learn_name("Kennedy")
    assert [book.turn() for _ in range(3)] == [False, True, False]
    assert masked(book, "Kennedy") == ""
    assert book.turn() is True
    assert masked(book, "Kennedy") == "Kennedy"


def test_a_generation_ends_when_it_holds_much() -> None:
    """However many members pass, what is remembered is bounded."""
    book = Known(str, entries=3)
    for number in range(3):
        assert not book.turn()
        book.learn_number(number)
    assert book.turn()


WORDS = st.text("abAB7\u00eb\u00cb\u0416\u0436 _-./\u201c", min_size=1, max_size=8)


@given(st.lists(WORDS, max_size=5), st.lists(WORDS, max_size=8))
def test_no_text_that_holds_something_known_is_overlooked(
    names: list[str], texts: list[str]
) -> None:
    """The quick look at all texts finds each that the careful one would change."""
    book = known(*names, numbers=(7, 77))
    suspects = book.suspects([text.encode() for text in texts])
    changed = [index for index, text in enumerate(texts) if masked(book, text) != text]
    assert set(changed) <= set(suspects)


@given(st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=6))
def test_no_name_is_left_as_a_whole_word(names: list[str], pieces: list[str]) -> None:
    """After masking, no text has a known name as a whole token."""
    text = masked(known(*names), " ".join([*pieces, *names, *pieces]))
    for name in names:
        assume(re.search(r"[^\W_]", name))
        assert not re.search(rf"(?<!\w){re.escape(name.strip())}(?!\w)", text)


@given(st.text(), st.text(), st.sampled_from([True, False]))
def test_edits_change_nothing_beside_them(before: str, after: str, ascii_only: bool) -> None:
    """In a JSON string with escapes only the bytes of what is replaced change."""
    book = known("Zebra Crossing")
    assume("zebra" not in (before + after).casefold())
    start = json.dumps(before + " ", ensure_ascii=ascii_only)[1:-1].encode("utf-8", "replace")
    end = json.dumps(" " + after, ensure_ascii=ascii_only)[1:-1].encode("utf-8", "replace")
    assert apply_edits(start + b"ZEBRA\\tCrossing" + end, book.edits) == start + end


def test_text_that_is_no_utf8_or_half_a_pair_keeps_its_bytes() -> None:
    """What cannot be decoded is kept byte for byte around what is replaced."""
    raw = b"\xff\\ud83d\\/Zebra\\u0020Crossing\\n\xfe"
    assert apply_edits(raw, known("Zebra Crossing").edits) == b"\xff\\ud83d\\/\\n\xfe"
    assert apply_edits(raw, known().edits) == raw


def test_escapes_are_undone() -> None:
    """A JSON string's inside becomes the text that it means, broken pairs and bytes included."""
    assert (
        unescape(rb"a\"b\\c\/d\b\f\n\r\t\u00eb\ud83d\ude00") == 'a"b\\c/d\b\f\n\r\t\u00eb\U0001f600'
    )
    assert unescape(b"\\ud83d\\t\\x\xff") == "\ud83d\tx\udcff"
