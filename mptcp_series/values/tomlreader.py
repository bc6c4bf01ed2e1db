# SPDX-License-Identifier: MIT
"""Reads TOML that people write: all that is wrong at once, each problem with its line.

tomli tells no lines for values; `key_lines` finds them in the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import tomli

from ..errors import BadInput, Problem
from .naming import did_you_mean

__all__ = ["Table", "TomlReader", "key_lines"]

T = TypeVar("T")
Table = Mapping[str, object]

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})' + r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"' + r"|'[^'\n]*'|\#[^\n]*|\n|[ \t\r]+|[\[\]{},=]|[^\s\[\]{},=\"'#]+|.",
    re.DOTALL,
)


def key_lines(text: str) -> dict[str, int]:
    """The line of every table, key and array element of valid TOML, by name: `series.match[1]`, `include[0].commit`."""
    lines: dict[str, int] = {}
    tables: Counter[str] = Counter()
    prefix, key = "", ""
    words: list[str] = []  # of a header, or of a key up to its `=`
    depth = element = 0
    in_value = False
    line = 1
    for token in (match.group() for match in _TOKEN.finditer(text)):
        if token == "\n" and not depth:
            if words[:2] == ["[", "["]:
                name = "".join(words).strip("[]")
                prefix = f"{name}[{tables[name]}]"
                tables[name] += 1
                lines.setdefault(name, line)
                lines.setdefault(prefix, line)
            elif words[:1] == ["["]:
                prefix = "".join(words).strip("[]")
                lines.setdefault(prefix, line)
            words, in_value = [], False
        elif token.isspace() or token.startswith("#"):
            pass
        elif not in_value and token == "=":
            key = ".".join(filter(None, [prefix, "".join(words)]))
            lines.setdefault(key, line)
            words, in_value, element = [], True, 0
        elif not in_value:
            words.append(token.strip("\"'"))
        elif token in ("]", "}"):
            depth -= 1
        elif token == "," and depth == 1:
            element += 1
        else:
            if depth:
                lines.setdefault(f"{key}[{element}]", line)
            depth += token in ("[", "{")
        line += token.count("\n")
    return lines


class TomlReader:
    """Reads the tables of one file and collects what is wrong with them."""

    def __init__(self, data: bytes, file: str, error: type[BadInput]) -> None:
        self.file = file
        self.error = error
        self.problems: list[Problem] = []
        self.document, text = self.load(data)
        self.lines = key_lines(text + "\n")

    def load(self, data: bytes) -> tuple[Table, str]:
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise self.error("not UTF-8", file=self.file, line=data.count(b"\n", 0, error.start) + 1) from None
        try:
            return tomli.loads(text), text
        except tomli.TOMLDecodeError as error:
            raise self.error(f"{error.msg} (TOML, column {error.colno})", file=self.file, line=error.lineno) from None
        except (ValueError, RecursionError) as error:  # a number of 4,301 digits, brackets a thousand deep
            raise self.error(f"cannot be read as TOML: {error}", file=self.file) from None

    def problem(self, context: str, message: str) -> None:
        """A problem at a key's line; that of the nearest table where the key is not in the file."""
        place = context
        while place and place not in self.lines:
            place = re.sub(r"(?:^|\.|\[)[^.\[]*$", "", place)
        self.problems.append(Problem(file=self.file, line=self.lines.get(place), message=message))

    def typed(self, value: object, kind: type[T], context: str) -> T | None:
        if isinstance(value, kind):
            return value
        got, expected = type(value).__name__, kind.__name__
        self.problem(context, f"Unexpected type {got} (expected {expected}) in {context!r}")
        return None

    def known(self, table: Table, keys: Iterable[str], context: str) -> None:
        for key in table:
            if key not in keys:
                name = f"{context}.{key}" if context else key
                self.problem(name, f"unknown key {name!r}{did_you_mean(key, keys)}")

    def converted(self, value: object, convert: Callable[[str], T], context: str) -> T | None:
        text = self.typed(value, str, context)
        if text is None:
            return None
        try:
            return convert(text)
        except BadInput as error:
            self.problem(context, f"{error.problems[0].message} in {context!r}")
            return None

    def get(
        self, table: Table, key: str, convert: Callable[[str], T], context: str, required: bool = False
    ) -> T | None:
        name = f"{context}.{key}"
        if key in table:
            return self.converted(table[key], convert, name)
        if required:
            self.problem(name, f"Missing required value in {name!r}")
        return None
