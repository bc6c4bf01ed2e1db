# SPDX-License-Identifier: MIT
"""`refresh --diffstat`: the summary of a patch in its header, put in or brought up to date (as `git diff --stat`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pygit2
from pygit2.enums import DiffStatsFormat

from ...values.hunk import split_lines
from ..directory.changes import FileState
from .diffs import file_diff
from .header import STAT_LINE, STAT_SUM
from .settings import DiffFormat

__all__ = ["diffstat", "with_stat"]

_BINARY = re.compile(r"^(.* \| +Bin )0 -> 0 bytes$", re.MULTILINE)

WIDTH = 80
"""Columns, as `git diff --stat` has them where there is no terminal."""


def diffstat(files: Iterable[tuple[str, FileState | None, FileState | None]]) -> bytes:
    """What changed, by file and in all; the files with what they were and are.

    >>> print(diffstat([("f", FileState(data=b"1\\n"), FileState(data=b"one\\n"))]).decode(), end="")
     f | 2 +-
     1 file changed, 1 insertion(+), 1 deletion(-)
    """
    diffs = []
    sizes = []
    for path, old, new in files:
        diffs.append(file_diff(path, old, new, DiffFormat(git=True)))
        if b"\nGIT binary patch\n" in diffs[-1]:
            sizes.append(" -> ".join(str(0 if state is None else len(state.data)) for state in (old, new)))
    if not any(diffs):
        return b" 0 files changed\n"
    text = pygit2.Diff.parse_diff(b"".join(diffs)).stats.format(DiffStatsFormat.FULL, WIDTH)
    # libgit2 knows no sizes of what it has read from a text.
    left = iter(sizes)
    text = _BINARY.sub(lambda found: f"{found[1]}{next(left)} bytes", text)
    return text.encode("utf-8", "surrogateescape")


def with_stat(header: bytes, stat: bytes) -> bytes:
    """The header with a summary in place of the one that it has; else at its end, behind a line `---` (quilt's rule).

    A summary that stands behind `#` stays so.
    """
    out: list[bytes] = []
    eaten: list[bytes] = []
    put = False
    for line in split_lines(header):
        if STAT_LINE.match(line):
            eaten.append(line)
        elif STAT_SUM.match(line):
            out.append(_behind(line[:1], stat))
            eaten, put = [], True
        else:
            out += [*eaten, line]
            eaten = []
    out += eaten
    if put:
        return b"".join(out)
    mark = out[-1][:1] if out else b""
    ended = b"" if not out or out[-1].endswith(b"\n") else b"\n"
    return b"".join([*out, ended, b"---\n", _behind(mark, stat), _behind(mark, b"\n")])


def _behind(mark: bytes, text: bytes) -> bytes:
    return b"".join((b"#" if mark == b"#" else b"") + line for line in split_lines(text))
