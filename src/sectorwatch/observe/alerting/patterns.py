"""Patterns in matchers: the part of regular expressions that cannot take for ever to match.

An operator may write a pattern over the API, and it is matched at every evaluation: what is known
here is matched in at most (pattern x text) steps, whatever both are.
"""

from __future__ import annotations

__all__ = ["Pattern", "PatternError"]

_LONGEST = 200
_SPECIAL = frozenset("()[]{}^$?*+")
_ANY = object()
_RUN = object()


class PatternError(ValueError):
    """A pattern that cannot be read; `position` is the character at fault, from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class Pattern:
    r"""Matches a whole text: `.` any character, `.*` any run, `.+` a run, `|` or, `\` as it is.

    Raises PatternError for what it does not know.

    >>> Pattern("api|feed-.*").matches("feed-data")
    True
    """

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise PatternError(f"has {len(text)} characters: at most {_LONGEST} may be", _LONGEST)
        self.text = text
        self._choices: list[list[object]] = [[]]
        at = 0
        while at < len(text):
            at = self._read(text, at)

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` is one of the pattern's choices."""
        return any(_fits(choice, text) for choice in self._choices)

    def _read(self, text: str, at: int) -> int:
        choice, char = self._choices[-1], text[at]
        if char == "|":
            self._choices.append([])
        elif char == "\\":
            if at + 1 == len(text):
                raise PatternError("ends in \\: a character has to follow", at)
            choice.append(text[at + 1])
            return at + 2
        elif char == ".":
            after = text[at + 1 : at + 2]
            if after == "+":
                choice.append(_ANY)
            choice.append(_RUN if after in {"*", "+"} and after else _ANY)
            return at + (2 if after in {"*", "+"} and after else 1)
        elif char in _SPECIAL:
            raise PatternError(
                f"has {char!r} at {at}: only . .* .+ | are known; write \\{char} for itself", at
            )
        else:
            choice.append(char)
        return at + 1


def _fits(choice: list[object], text: str) -> bool:
    """Match greedily, going back to the last run alone: that is enough where runs take anything."""
    at, step = 0, 0
    back_at, back_step = 0, -1
    while at < len(text):
        if step < len(choice) and choice[step] is _RUN:
            back_at, back_step = at, step
            step += 1
        elif step < len(choice) and (choice[step] is _ANY or choice[step] == text[at]):
            at += 1
            step += 1
        elif back_step >= 0:
            back_at += 1
            at, step = back_at, back_step + 1
        else:
            return False
    return all(left is _RUN for left in choice[step:])
