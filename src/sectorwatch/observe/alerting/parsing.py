"""Reading the expressions of rules; what cannot be read says where, and what was expected there.

condition  = part { ("or" | "and" | "unless") part }         "and", "unless" bind closer than "or"
part       = "(" condition ")" | numbers comparison threshold
numbers    = function "(" metric [ "{" matcher { "," matcher } "}" ] [ "[" duration "]" ] ")"
           | aggregate "by" "(" [ label { "," label } ] ")" "(" numbers ")"
matcher    = label ( "=" | "!=" | "=~" | "!~" ) "text"
comparison = "<" | "<=" | ">" | ">=" | "==" | "!="
threshold  = number | "$" name
duration   = number ( "s" | "m" | "h" )
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from sectorwatch.observe.alerting.expressions import (
    AGGREGATES,
    COMPARISONS,
    FUNCTIONS,
    NEWEST,
    Aggregate,
    Call,
    Combine,
    Compare,
    Condition,
)
from sectorwatch.observe.alerting.silences import Matcher, RuleError
from sectorwatch.observe.recent import LONGEST_WINDOW_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.observe.alerting.expressions import Values

__all__ = ["Expression", "parse_expression", "seconds_of"]

_LONGEST = 1_000
_DEEPEST = 12
_MOST_CALLS = 20
_MOST_MATCHERS = 10
_WINDOW_S = 300.0
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([smhd])")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<duration>\d{1,9}(?:\.\d{1,6})?[smh]\b)
      | (?P<number>-?(?:\d{1,15}(?:\.\d{1,15})?|\.\d{1,15})(?:[eE][+-]?\d{1,3})?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_.:]*)
      | (?P<setting>\$[A-Za-z_][A-Za-z0-9_]*)
      | (?P<text>"(?:[^"\\\n]|\\.)*")
      | (?P<sign>=~|!~|<=|>=|==|!=|[<>=(){}\[\],])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")


def seconds_of(text: str) -> float:
    """A duration such as 90s, 5m, 1h, 2d in seconds. Raises ValueError.

    >>> seconds_of("5m")
    300.0
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:50]!r} is no duration: write it like 90s, 5m, 1h or 2d")
    return float(found[1]) * _UNITS_S[found[2]]


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition that was read, and the metrics that it needs, each with its longest window."""

    condition: Condition
    windows_s: Mapping[str, float]
    text: str = field(default="", compare=False)


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse_expression(text: str, settings: Mapping[str, float] | None = None) -> Expression:
    """Read an expression; `settings` are what `$name` may stand for.

    Raises RuleError with the position, from 0, and what was expected there.
    """
    if len(text) > _LONGEST:
        raise RuleError(f"the expression has {len(text)} characters: at most {_LONGEST}", _LONGEST)
    parser = _Parser(text, settings or {})
    condition = parser.condition(0)
    parser.expect_end()
    return Expression(condition, parser.windows_s, text)


class _Parser:
    """Goes through the tokens once, from left to right."""

    def __init__(self, text: str, settings: Mapping[str, float]) -> None:
        self._text = text
        self._settings = settings
        self._tokens = self._split()
        self._next = 0
        self._calls = 0
        self.windows_s: dict[str, float] = {}

    def condition(self, depth: int) -> Condition:
        """One or more parts joined by `or`."""
        found = self._conjunction(depth)
        while self._takes("or"):
            found = Combine(found, "or", self._conjunction(depth))
        return found

    def expect_end(self) -> None:
        """Nothing may follow."""
        if self._here.kind != "end":
            self._fail("and, or, unless or the end")

    def _conjunction(self, depth: int) -> Condition:
        found = self._part(depth)
        joins: tuple[Literal["and", "unless"], ...] = ("and", "unless")
        while word := next((each for each in joins if self._takes(each)), None):
            found = Combine(found, word, self._part(depth))
        return found

    def _part(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            self._fail(f"at most {_DEEPEST} parentheses within each other")
        if self._takes("("):
            found = self.condition(depth + 1)
            self._expect(")")
            return found
        numbers = self._numbers(depth)
        here = self._here
        if here.text not in COMPARISONS:
            self._fail("a comparison (< <= > >= == !=)")
        self._next += 1
        return Compare(numbers, here.text, self._threshold())

    def _numbers(self, depth: int) -> Values:
        here = self._here
        if here.kind != "name":
            self._fail("a function or (")
        if depth > _DEEPEST:
            self._fail(f"at most {_DEEPEST} parentheses within each other")
        self._next += 1
        if here.text in AGGREGATES and self._takes("by"):
            labels = self._labels()
            self._expect("(")
            inner = self._numbers(depth + 1)
            self._expect(")")
            return Aggregate(here.text, labels, inner)
        if here.text not in FUNCTIONS:
            near = difflib.get_close_matches(here.text, FUNCTIONS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self._fail(f"one of the functions {', '.join(FUNCTIONS)}{hint}", here)
        self._calls += 1
        if self._calls > _MOST_CALLS:
            self._fail(f"at most {_MOST_CALLS} functions", here)
        self._expect("(")
        call = self._selector(here.text)
        self._expect(")")
        return call

    def _selector(self, function: str) -> Call:
        metric = self._take("name", "a metric's name").text
        matchers: list[Matcher] = []
        if self._takes("{"):
            while not self._takes("}"):
                if matchers:
                    self._expect(",")
                matchers.append(self._matcher())
                if len(matchers) > _MOST_MATCHERS:
                    self._fail(f"at most {_MOST_MATCHERS} matchers")
        window_s = _WINDOW_S
        if self._takes("["):
            at = self._here
            window_s = seconds_of(self._take("duration", "a window like 60s, 5m or 1h").text)
            if not 1 <= window_s <= LONGEST_WINDOW_S:
                self._fail("a window of 1s to 1h", at)
            self._expect("]")
        # What is newest needs no window to be read.
        needed_s = 0.0 if function in NEWEST else window_s
        self.windows_s[metric] = max(needed_s, self.windows_s.get(metric, 0.0))
        return Call(function, metric, tuple(matchers), window_s)

    def _matcher(self) -> Matcher:
        name = self._take("name", "a label").text
        op = self._here
        if op.text not in {"=", "!=", "=~", "!~"}:
            self._fail("one of = != =~ !~")
        self._next += 1
        value = self._take("text", 'a text in quotes, such as "api"')
        try:
            return Matcher(name, op.text, _ESCAPE.sub(r"\1", value.text[1:-1]))
        except RuleError as error:
            raise RuleError(f"at {value.at}: {error}", value.at) from None

    def _labels(self) -> tuple[str, ...]:
        self._expect("(")
        labels: list[str] = []
        while not self._takes(")"):
            if labels:
                self._expect(",")
            labels.append(self._take("name", "a label").text)
        return tuple(labels)

    def _threshold(self) -> float:
        here = self._here
        if here.kind == "number":
            self._next += 1
            value = float(here.text)
            if value - value != 0.0:
                self._fail("a number that is not that large", here)
            return value
        if here.kind == "setting":
            self._next += 1
            name = here.text[1:]
            if name in self._settings:
                return float(self._settings[name])
            near = difflib.get_close_matches(name, self._settings, n=1)
            hint = f"; did you mean ${near[0]}?" if near else ""
            self._fail(f"a setting that is a number{hint}", here)
        return self._fail("a number or $setting")

    @property
    def _here(self) -> _Token:
        return self._tokens[self._next]

    def _takes(self, text: str) -> bool:
        if self._here.text != text or self._here.kind == "text":
            return False
        self._next += 1
        return True

    def _take(self, kind: str, what: str) -> _Token:
        here = self._here
        if here.kind != kind:
            self._fail(what)
        self._next += 1
        return here

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            self._fail(sign)

    def _fail(self, expected: str, token: _Token | None = None) -> NoReturn:
        token = token or self._here
        found = "the end" if token.kind == "end" else repr(token.text[:40])
        raise RuleError(f"at {token.at}: expected {expected}, found {found}", token.at)

    def _split(self) -> list[_Token]:
        tokens: list[_Token] = []
        at = 0
        while at < len(self._text):
            found = _TOKEN.match(self._text, at)
            if found is None:
                raise RuleError(f"at {at}: {self._text[at]!r} is no part of an expression", at)
            if found.lastgroup != "space":
                tokens.append(_Token(found.lastgroup or "", found[0], at))
            at = found.end()
        tokens.append(_Token("end", "", at))
        return tokens
