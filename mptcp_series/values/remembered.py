# SPDX-License-Identifier: MIT
"""What an override remembers of the hunks it drops: comment lines in its header.

A hunk id says that a hunk is another one now, and not how. So the lines a dropped hunk removes and adds stand below
its `Drop`, for the reviewer, and for the day the override drifts: then old and new can be shown side by side. They
are comments: an override without them works the same, and nothing is decided by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .hunk import Hunk, split_lines

__all__ = ["LONGEST", "read_remembered", "remembered_lines", "visible"]

LONGEST = 40
"""Lines of one hunk that are kept; a whole new file need not stand in the header."""

_HEAD = re.compile(r"# dropped hunk ([0-9a-f]{12})(?:\.[0-9]+)?:")
_LEAD = "#   "
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t"}


def visible(line: bytes) -> str:
    r"""A line of any bytes as text that can stand in a UTF-8 file, without its newline.

    >>> visible(b"-caf\xe9\r\n")
    '-caf\\xe9\\x0d'
    """
    return line.removesuffix(b"\n").decode("utf-8", "backslashreplace").translate(_CONTROLS)


def remembered_lines(identifier: str, hunk: Hunk) -> list[str]:
    """The comment lines for a dropped hunk; `identifier` is its id as the `Drop` has it."""
    changed = [visible(line) for line in hunk.lines if line[:1] in (b"+", b"-")]
    lines = [f"# dropped hunk {identifier}:", *(_LEAD + line for line in changed[:LONGEST])]
    if len(changed) > LONGEST:
        lines.append(f"{_LEAD}... {len(changed) - LONGEST} more lines")
    return [line.rstrip() for line in lines]


def read_remembered(data: bytes) -> Mapping[str, tuple[str, ...]]:
    r"""The removed and added lines of each dropped hunk that an override file's header tells of, by hunk id.

    >>> read_remembered(b"# dropped hunk 1f2e3d4c5b6a.2:\n#   -old\n#   +new\n---\n")
    {'1f2e3d4c5b6a': ('-old', '+new')}
    """
    found: dict[str, tuple[str, ...]] = {}
    current: str | None = None
    for raw in split_lines(data):
        if raw.rstrip() == b"---":
            break
        line = raw.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
        if match := _HEAD.fullmatch(line):
            current = match[1]
            found[current] = ()
        elif current is not None and line.startswith((f"{_LEAD}-", f"{_LEAD}+")):
            found[current] += (line.removeprefix(_LEAD),)
        else:
            current = None
    return found
