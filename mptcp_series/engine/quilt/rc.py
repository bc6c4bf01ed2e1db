# SPDX-License-Identifier: MIT
"""What `~/.quiltrc` assigns, read without running it.

quilt sources the file in bash. It is somebody's file, and may be in a tree that came from elsewhere, so here only
plain assignments are understood: `NAME=value`, `export NAME=value`, several on a line, quotes, `$NAME`, `${NAME}` and
`${NAME:-default}`. Everything else (conditions, loops, command substitution) is not read, and said with its line:
a setting must not come about by half of a script.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import attrs

from ...errors import Problem

__all__ = ["Rc", "parse_rc"]

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_ASSIGNMENT = re.compile(rf"({_NAME})=")
_VARIABLE = re.compile(rf"\$(?:({_NAME})|\{{({_NAME})(?::?-([^{{}}$`]*))?\}})")
_OPENS = re.compile(r"(?:if|for|while|until|case)\b")
_CLOSES = {"if": "fi", "for": "done", "while": "done", "until": "done", "case": "esac"}
_BLANK = " \t"


class _NotUnderstood(ValueError):
    """A line that is more than assignments; the message says what."""


@attrs.frozen(kw_only=True)
class Rc:
    """Assignments by name, and the lines that were not understood."""

    values: Mapping[str, str]
    unread: tuple[Problem, ...] = ()


def parse_rc(data: bytes, file: str, environment: Mapping[str, str]) -> Rc:
    """Read the assignments of a quiltrc; `environment` is what `$NAME` stands for before the file assigns it.

    >>> rc = parse_rc(b'QUILT_PATCHES=debian/patches\\nQUILT_REFRESH_ARGS="-p ab --no-index"\\n', "rc", {})
    >>> sorted(rc.values.items())
    [('QUILT_PATCHES', 'debian/patches'), ('QUILT_REFRESH_ARGS', '-p ab --no-index')]
    """
    values: dict[str, str] = {}
    unread: list[Problem] = []
    waiting: list[str] = []
    """Words that end the compound commands one is in."""
    for number, line in _logical_lines(data.decode("utf-8", "surrogateescape")):
        words = line.strip(_BLANK)
        if not words or words.startswith("#"):
            continue
        compound = _compound(words, waiting)
        if compound is not None:
            if compound:
                unread.append(Problem(file=file, line=number, message=f"not read: {compound}"))
            continue
        try:
            values.update(_assignments(words, {**environment, **values}))
        except _NotUnderstood as error:
            unread.append(Problem(file=file, line=number, message=f"not read: {error}"))
    return Rc(values=MappingProxyType(values), unread=tuple(unread))


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines with their number; one that ends in a backslash, or inside quotes, goes on in the next."""
    found: list[tuple[int, str]] = []
    start, kept = 0, ""
    for number, line in enumerate(text.split("\n"), start=1):
        start = start or number
        kept += line
        if kept.endswith("\\") and not kept.endswith("\\\\") and not kept.lstrip(_BLANK).startswith("#"):
            kept = kept[:-1]
            continue
        if _inside_quotes(kept):
            kept += "\n"
            continue
        found.append((start, kept))
        start, kept = 0, ""
    if kept:
        found.append((start, kept))
    return found


def _inside_quotes(line: str) -> bool:
    if line.lstrip(_BLANK).startswith("#"):
        return False
    quote = ""
    escaped = False
    for at, character in enumerate(line):
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character == "#" and (at == 0 or line[at - 1] in _BLANK):
            return False
        elif character in "'\"":
            quote = character
    return bool(quote)


def _compound(words: str, waiting: list[str]) -> str | None:
    """Follow compound commands: None outside of them, what was left out at their start, "" inside."""
    opened = re.findall(r"(?:^|[;&|]\s*|\b(?:do|then|else)\s+)(if|for|while|until|case)\b", words)
    outside = not waiting
    if outside and not opened:
        return None
    waiting += [_CLOSES[word] for word in opened]
    for word in re.findall(r"(?:^|[;\s])(fi|done|esac)(?=$|[;\s])", words):
        if waiting and waiting[-1] == word:
            waiting.pop()
    return f"`{opened[0]}` and all up to its end; assign outside of it" if outside else ""


def _assignments(words: str, known: Mapping[str, str]) -> dict[str, str]:
    """The assignments of one line. Raises _NotUnderstood for anything else on it."""
    known = dict(known)
    found: dict[str, str] = {}
    at = 0
    exports = False
    while at < len(words):
        if words[at] in _BLANK + ";":
            at += 1
            continue
        if words[at] == "#":
            break
        if match := re.compile(r"export(?=[ \t]|$)").match(words, at):
            exports = True
            at = match.end()
            continue
        assigned = _ASSIGNMENT.match(words, at)
        if assigned is None:
            rest = words[at:]
            if exports and re.match(rf"{_NAME}(?=[ \t;]|$)", rest):
                at += len(re.match(_NAME, rest)[0])  # type: ignore[index]
                continue
            raise _NotUnderstood(f"{rest!r} is no assignment")
        value, at = _value(words, assigned.end(), known)
        found[assigned[1]] = known[assigned[1]] = value
    return found


def _value(words: str, at: int, known: Mapping[str, str]) -> tuple[str, int]:
    """One value and the index after it."""
    out: list[str] = []
    while at < len(words):
        character = words[at]
        if character in _BLANK + ";":
            break
        if character == "'":
            end = words.find("'", at + 1)
            if end < 0:
                raise _NotUnderstood("a quote that is not closed")
            out.append(words[at + 1 : end])
            at = end + 1
        elif character == '"':
            text, at = _double_quoted(words, at + 1, known)
            out.append(text)
        elif character == "\\" and at + 1 < len(words):
            out.append(words[at + 1])
            at += 2
        elif character == "~" and not out and (at + 1 == len(words) or words[at + 1] in "/ \t;"):
            out.append(known.get("HOME", "~"))
            at += 1
        elif character in "$`":
            text, at = _expanded(words, at, known)
            out.append(text)
        elif character in "|&<>()":
            raise _NotUnderstood(f"{character!r} needs a shell")
        else:
            out.append(character)
            at += 1
    return "".join(out), at


def _double_quoted(words: str, at: int, known: Mapping[str, str]) -> tuple[str, int]:
    out: list[str] = []
    while at < len(words):
        character = words[at]
        if character == '"':
            return "".join(out), at + 1
        if character == "\\" and at + 1 < len(words) and words[at + 1] in '"\\$`':
            out.append(words[at + 1])
            at += 2
        elif character in "$`":
            text, at = _expanded(words, at, known)
            out.append(text)
        else:
            out.append(character)
            at += 1
    raise _NotUnderstood("a quote that is not closed")


def _expanded(words: str, at: int, known: Mapping[str, str]) -> tuple[str, int]:
    match = _VARIABLE.match(words, at)
    if match is None:
        what = "command substitution" if words.startswith(("`", "$("), at) else f"{words[at : at + 12]!r}"
        raise _NotUnderstood(f"{what} needs a shell")
    name = match[1] or match[2]
    return known.get(name) or (match[3] or ""), match.end()
