from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.observe import Matcher, RuleError
from sectorwatch.observe.alerting.patterns import Pattern, PatternError

_PARTS = st.sampled_from(["a", "b", "ab", ".", ".*", ".+", "|", r"\.", r"\|", "-"])


@given(st.lists(_PARTS, max_size=8).map("".join), st.text("ab.|-", max_size=12))
def test_a_pattern_matches_what_the_regular_expression_does(pattern: str, text: str) -> None:
    """What is known of regular expressions means the same there."""
    assert Pattern(pattern).matches(text) == bool(re.fullmatch(f"(?:{pattern})", text, re.DOTALL))


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_a_pattern_or_refused(pattern: str, text: str) -> None:
    """With the place at fault."""
    position = 0
    try:
        Pattern(pattern).matches(text)
    except PatternError as error:
        position = error.position
    assert 0 <= position <= max(len(pattern) - 1, 0)


def test_a_pattern_that_others_hang_on_is_quick() -> None:
    """Its steps are bounded by both lengths."""
    assert not Pattern(".*a" * 60 + "b").matches("a" * 5_000)


@pytest.mark.parametrize(
    ("op", "value", "labels", "is_so"),
    [
        ("=", "api", {"service": "api"}, True),
        ("=", "", {}, True),
        ("!=", "api", {"service": "api"}, False),
        ("!=", "api", {}, True),
        ("=~", "api|st.*", {"service": "store"}, True),
        ("=~", "api|st", {"service": "store"}, False),
        ("!~", "st.*", {"service": "store"}, False),
        ("!~", "st.*", {}, True),
    ],
)
def test_matchers(op: str, value: str, labels: dict[str, str], is_so: bool) -> None:
    """Equal or by pattern, or neither; a label that is not there counts as empty."""
    assert Matcher("service", op, value).matches(labels) is is_so


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        (("", "=", "x"), "label's name"),
        ((7, "=", "x"), "label's name"),
        (("a", "~", "x"), "operator is '~'"),
        (("a", "=", 7), "no text"),
        (("a", "=~", "x" * 201), "at most 200"),
        (("a", "=~", "x(y"), r"has '\(' at 1"),
    ],
)
def test_a_matcher_that_makes_no_sense_is_refused(given_: tuple[str, str, str], said: str) -> None:
    """With what was wrong and what is expected."""
    with pytest.raises(RuleError, match=said):
        Matcher(*given_)
