# SPDX-License-Identifier: MIT
"""Lines of hunks as pieces of HTML: what changed within a line is marked, C is coloured."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile

import attrs
from markupsafe import Markup, escape
from pygments.lexers.c_cpp import CLexer
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType

__all__ = ["Line", "hunk_lines", "plain_lines"]

_WORD = re.compile(r"\w+|\s+|.")
_ALIKE = 0.4
"""Lines that have less in common are two lines, and not one that changed."""
_CLASSES = ((Comment, "c"), (Keyword, "k"), (String, "s"), (Number, "m"), (Name.Function, "f"))


@attrs.frozen
class Line:
    """One line of a column: its sign (`@` for a hunk header), its number where there is one, its text as HTML."""

    sign: str
    number: int | None
    html: Markup


def hunk_lines(lines: Sequence[str], path: str) -> tuple[Line, ...]:
    """A hunk: its header, then lines with their signs. Words that differ between old and new lines are marked."""
    header, body = lines[0], list(lines[1:])
    marks: list[Sequence[tuple[int, int]]] = [()] * len(body)
    for removed, added in _runs(body):
        for old, new in zip(removed, added, strict=False):
            marks[old], marks[new] = _changed(body[old][1:], body[new][1:])
    found = [Line("@", None, escape(header))]
    for line, marked in zip(body, marks, strict=True):
        sign, text = (line[:1] or " "), line[1:]
        if sign == "\\":
            found.append(Line("\\", None, escape(line)))
        else:
            found.append(Line(sign, None, _html(text, marked, path)))
    return tuple(found)


def plain_lines(start: int, lines: Sequence[str], path: str) -> tuple[Line, ...]:
    """Lines of a file with their numbers."""
    return tuple(Line(" ", start + at, _html(line, (), path)) for at, line in enumerate(lines))


def _runs(body: Sequence[str]) -> Iterator[tuple[list[int], list[int]]]:
    """The places of removed lines with those of the added ones that follow them."""
    at = 0
    while at < len(body):
        removed: list[int] = []
        added: list[int] = []
        while at < len(body) and body[at].startswith("-"):
            removed.append(at)
            at += 1
        while at < len(body) and body[at].startswith("+"):
            added.append(at)
            at += 1
        if removed and added:
            yield removed, added
        if not removed and not added:
            at += 1


def _changed(old: str, new: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The ranges of two lines that differ, by whole words; none where the lines are not alike."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    if difflib.SequenceMatcher(a=before, b=after, autojunk=False).ratio() < _ALIKE:
        return [], []
    # What both begin and end with is the same to a reader, whatever else may match inside.
    first = _shared(before, after)
    last = _shared(before[first:][::-1], after[first:][::-1])
    matcher = difflib.SequenceMatcher(
        a=before[first : len(before) - last], b=after[first : len(after) - last], autojunk=False
    )
    left: list[tuple[int, int]] = []
    right: list[tuple[int, int]] = []
    for kind, low, high, start, stop in matcher.get_opcodes():
        if kind != "equal":
            left.append((len("".join(before[: first + low])), len("".join(before[: first + high]))))
            right.append((len("".join(after[: first + start])), len("".join(after[: first + stop]))))
    return [one for one in left if one[0] < one[1]], [one for one in right if one[0] < one[1]]


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two lines begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _html(text: str, marks: Sequence[tuple[int, int]], path: str) -> Markup:
    """A line with its tokens coloured and the marked ranges in `<mark>`."""
    out = Markup("")
    at = 0
    for kind, value in _tokens(text) if path.endswith((".c", ".h")) else ((None, text),):
        for low, high, marked in _split(at, at + len(value), marks):
            piece = escape(text[low:high])
            if kind is not None:
                piece = Markup('<span class="{}">{}</span>').format(kind, piece)
            out += Markup("<mark>{}</mark>").format(piece) if marked else piece
        at += len(value)
    return out


def _split(low: int, high: int, marks: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, bool]]:
    """A range cut at the borders of the marked ones."""
    at = low
    for start, stop in marks:
        if stop <= at or start >= high:
            continue
        if start > at:
            yield at, start, False
        yield max(at, start), min(stop, high), True
        at = min(stop, high)
    if at < high:
        yield at, high, False


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[tuple[str | None, str], ...]:
    """The tokens of a line of C with the class each is shown in; a line that is inside a comment looks like one."""
    if re.match(r"\s*\*( |/|$)", text):
        return (("c", text),)
    found: list[tuple[str | None, str]] = []
    for kind, value in _LEXER.get_tokens(text):
        found.append((_class(kind), value))
    # The lexer ends every text with a newline.
    joined = "".join(value for _, value in found)
    if joined != text + "\n" and joined != text:
        return ((None, text),)
    if found and found[-1][1].endswith("\n") and joined != text:
        found[-1] = (found[-1][0], found[-1][1][:-1])
    return tuple(found)


_LEXER = CLexer(stripnl=False, stripall=False, ensurenl=True)  # type: ignore[no-untyped-call]


def _class(kind: _TokenType) -> str | None:
    # A kind is in the token it is a part of.
    return next((name for token, name in _CLASSES if token.__contains__(kind)), None)
