# SPDX-License-Identifier: MIT
"""The subject of a commit message, as `git log --format=%s` has it: people copy it from there into overrides."""

from __future__ import annotations

__all__ = ["subject_of"]


def subject_of(message: bytes, encoding: bytes | None = None) -> str:
    """The first paragraph as one line; blank lines before it and blanks at the ends of its lines are gone.

    encoding: what the commit says its message is in (its `encoding` field); default UTF-8, also where there is none of
    that name. Bytes that are not in it become U+FFFD.

    >>> subject_of(b"\\nmptcp: fix a race \\nin the worker\\n\\nWhy.\\n")
    'mptcp: fix a race in the worker'
    >>> subject_of(b"mptcp: caf\\xe9\\n", b"ISO-8859-1")
    'mptcp: café'
    """
    lines: list[bytes] = []
    for line in message.split(b"\n"):
        text = line.rstrip()
        if text:
            lines.append(text)
        elif lines:
            break
    found = b" ".join(lines)
    try:
        return found.decode("utf-8" if encoding is None else encoding.decode("ascii"))
    except (LookupError, ValueError):
        # ValueError: a name with a null byte, and every error of decoding.
        return found.decode("utf-8", "replace")
