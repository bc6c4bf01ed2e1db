# SPDX-License-Identifier: MIT
"""Which upstream commit a message says it is, in all the forms stable trees use.

Documentation/process/stable-kernel-rules.rst of the kernel names the first two; `git cherry-pick -x`
writes the third; the last is seen in the wild.
"""

from __future__ import annotations

import re

__all__ = ["reverted_ids", "upstream_ids", "with_provenance", "with_trailer"]

_FORMS = re.compile(
    rb"^[ \t]*(?:"
    rb"commit ([0-9a-f]{40}) upstream\.?"
    rb"|\[ *upstream commit ([0-9a-f]{40}) *\]"
    rb"|\(cherry picked from commit ([0-9a-f]{40})\)"
    rb"|upstream commit:? ([0-9a-f]{40})\.?"
    rb")[ \t\r]*$",
    re.IGNORECASE | re.MULTILINE,
)


def upstream_ids(message: bytes) -> tuple[str, ...]:
    """The full commit ids a message names as its origin, in order, each once.

    >>> upstream_ids(b"mptcp: fix\\n\\n[ Upstream commit " + b"ab" * 20 + b" ]\\n")
    ('abababababababababababababababababababab',)
    """
    found = (next(group for group in match.groups() if group) for match in _FORMS.finditer(message))
    return tuple(dict.fromkeys(identifier.decode().lower() for identifier in found))


_REVERTS = re.compile(rb"This reverts commit ([0-9a-f]{40})")


def reverted_ids(message: bytes) -> tuple[str, ...]:
    """The commits a message says it reverts, as `git revert` writes it."""
    return tuple(found.decode() for found in _REVERTS.findall(message))


_BLANK_LINES = re.compile(rb"(?:[ \t\r]*\n)*")


def with_provenance(message: bytes, commit: str) -> bytes:
    """The message with `commit <id> upstream.` under its subject, unless it names an origin already."""
    if upstream_ids(message):
        return message
    # The subject is the whole first paragraph (git: format_subject).
    blank = _BLANK_LINES.match(message)
    text = message[blank.end() :] if blank is not None else message
    subject, _, body = text.partition(b"\n\n")
    line = b"commit %s upstream.\n" % commit.encode()
    body = body.lstrip(b"\n")
    above = message[: len(message) - len(text)] + subject.rstrip(b"\n")
    return (above + b"\n\n" if subject else b"") + line + (b"\n" + body if body else b"")


def with_trailer(message: bytes, key: str, value: str) -> bytes:
    """The message with one more trailer at its end (git-interpret-trailers(1): a block of `Key: value` lines)."""
    text = message.rstrip(b"\n")
    last = text.rsplit(b"\n\n", 1)[-1] if b"\n\n" in text else b""
    in_block = bool(last) and all(
        re.match(rb"[A-Za-z0-9-]+: |\[|\s|\(cherry picked", line) for line in last.split(b"\n")
    )
    return (
        text
        + (b"\n" if in_block else b"\n\n")
        + f"{key}: {' '.join(value.splitlines())}\n".encode("utf-8", "surrogateescape")
    )
