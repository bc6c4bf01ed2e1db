# SPDX-License-Identifier: MIT
"""Names of files in a patch: how git quotes them, where a time stamp begins, and what the epoch says of a file."""

from __future__ import annotations

import re

__all__ = ["DEV_NULL", "QUOTED", "file_name", "is_epoch", "unquote"]

DEV_NULL = b"/dev/null"

_ESCAPES = {b"a": 7, b"b": 8, b"t": 9, b"n": 10, b"v": 11, b"f": 12, b"r": 13, b'"': 34, b"\\": 92}
_ESCAPE = re.compile(rb'\\([0-3][0-7]{2}|[abtnvfr"\\])')
QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')
"""A name in double quotes."""


def unquote(name: bytes) -> bytes:
    """A path as git quotes it (C style, in double quotes), or as it stands.

    >>> unquote(b'"a/caf\\\\303\\\\251"').decode()
    'a/café'
    """
    match = QUOTED.fullmatch(name)
    if match is None:
        return name
    return _ESCAPE.sub(
        lambda found: bytes([int(found[1], 8) & 0xFF if len(found[1]) == 3 else _ESCAPES[found[1]]]), match[1]
    )


# GNU diff -N gives a file that is not there the start of the epoch as its time, in the local zone.
_EPOCH = re.compile(rb"\t(?:1970-01-01|1969-12-31) \d\d:\d\d:\d\d(?:\.0+)? [+-]\d{4}\s*$")


def is_epoch(line: bytes) -> bool:
    """Whether the time stamp of a `---` or `+++` line says that there is no such file, as GNU patch reads it.

    >>> is_epoch(b"--- a/x\\t1970-01-01 01:00:00.000000000 +0100\\n")
    True
    >>> is_epoch(b"--- a/x\\t2021-01-01 01:00:00.000000000 +0100\\n")
    False
    """
    if _EPOCH.search(line) is None:
        return False
    stamp = line[line.rindex(b"\t") + 1 :].strip().decode("ascii")
    day, clock, zone = stamp.split(" ")
    hours, minutes, seconds = (int(float(part)) for part in clock.split(":"))
    ahead = (1 if zone[0] == "+" else -1) * (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60)
    return (0 if day == "1970-01-01" else -86400) + hours * 3600 + minutes * 60 + seconds == ahead


def file_name(rest: bytes) -> bytes:
    """The name of a `---` or `+++` line: quoted, or up to the tab before a time stamp."""
    rest = rest.rstrip(b"\r\n")
    quoted = QUOTED.match(rest)
    if quoted:
        return unquote(quoted[0])
    # git ends a name that has blanks with a tab; without one, blanks at the end are nobody's.
    name, tab, _ = rest.partition(b"\t")
    return name if tab else name.rstrip(b" ")
