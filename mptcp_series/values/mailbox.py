# SPDX-License-Identifier: MIT
"""Mails with patches, as `git format-patch --stdout` concatenates them and mail archives hand them out.

Splits where `git mailsplit` splits and keeps each mail's bytes. What transport put around them is undone, because no
diff could be read otherwise: a base64 or quoted-printable body, and CRLF ends where the header lines have them too
(in a mail whose header lines end in LF, a CR belongs to the file that is patched). Multipart mails and texts that
are no mail are refused.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re

import attrs

from ..errors import BadPatch, Problem
from .hunk import split_lines

__all__ = ["Mail", "split_mailbox"]

# git's is_from_line(): a time of day after the last-but-one colon, and a year after 1990.
_FROM_LINE = re.compile(rb"From .*\d.\d\d:\d\d[ \t]+(\d{2,5})\b[^:\n]*\n?$")
_FIELD = re.compile(rb"([!-9;-~]+):[ \t]*(.*)", re.DOTALL)
_ENCODED = (b"base64", b"quoted-printable")


@attrs.frozen(kw_only=True)
class Mail:
    """One mail: its bytes, and where it starts."""

    data: bytes
    file: str
    line: int = 1


def is_from_line(line: bytes) -> bool:
    """Whether a line starts a new mail of an mbox.

    >>> is_from_line(b"From 049fe386d35353398eee40ba8d76ab62cb5a24e5 Mon Sep 17 00:00:00 2001\\n")
    True
    >>> is_from_line(b"From here on, the subflow is closed at 10:00:00\\n")
    False
    """
    found = _FROM_LINE.match(line.replace(b"\r\n", b"\n"))
    return found is not None and int(found[1]) > 90


def split_mailbox(data: bytes, file: str) -> list[Mail]:
    """The mails of a file, in order. A file that starts with header fields and not with a From line is one mail.

    Raises BadPatch, with all problems, for text that is no mail, and for mails that no patch can be read from.
    """
    starts: list[int] = []
    lines = split_lines(data)
    first = next((at for at, line in enumerate(lines) if line.strip()), None)
    for at, line in enumerate(lines):
        if is_from_line(line) or at == first:
            starts.append(at)
    mails: list[Mail] = []
    problems: list[Problem] = []
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        try:
            mails.append(Mail(data=_undone(lines[start:stop]), file=file, line=start + 1))
        except ValueError as error:
            problems.append(Problem(file=file, line=start + 1, message=str(error)))
    if problems:
        raise BadPatch(problems)
    return mails


def _undone(lines: list[bytes]) -> bytes:
    """The bytes of one mail, transport undone. Raises ValueError, which says what is wrong."""
    if lines[0].endswith(b"\r\n"):
        lines = [line[:-2] + b"\n" if line.endswith(b"\r\n") else line for line in lines]
    end = next((at for at, line in enumerate(lines) if line == b"\n"), len(lines))
    fields = _fields(lines[1 if is_from_line(lines[0]) else 0 : end])
    if b"from" not in fields and b"subject" not in fields:
        raise ValueError("not a mail: no From and no Subject field (expected what `git format-patch` writes)")
    if fields.get(b"content-type", b"").lower().startswith(b"multipart/"):
        raise ValueError("multipart mail; save the patch itself, as plain text")
    encoding = fields.get(b"content-transfer-encoding", b"8bit").lower()
    if encoding not in _ENCODED:
        return b"".join(lines)
    body = b"".join(lines[end + 1 :])
    try:
        text = base64.b64decode(body) if encoding == b"base64" else quopri.decodestring(body)
    except binascii.Error as error:
        raise ValueError(f"body is not {encoding.decode()}: {error}") from None
    head = [
        b"Content-Transfer-Encoding: 8bit\n" if line.lower().startswith(b"content-transfer-encoding:") else line
        for line in lines[:end]
    ]
    # Mail carries text with CRLF ends inside an encoding as well.
    unix = text.replace(b"\r\n", b"\n") if _all_crlf(text) else text
    return b"".join(head) + b"\n" + unix + (b"" if unix.endswith(b"\n") else b"\n")


def _all_crlf(text: bytes) -> bool:
    return text.count(b"\n") == text.count(b"\r\n")


def _fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """Header fields by name in lower case; folded lines joined, the first of a name counts."""
    fields: dict[bytes, bytes] = {}
    current = b""
    for line in lines:
        if line[:1] in (b" ", b"\t") and current:
            fields[current] += b" " + line.strip()
            continue
        match = _FIELD.fullmatch(line.rstrip(b"\n"))
        if match is None:
            break
        current = match[1].lower()
        fields.setdefault(current, match[2].strip())
    return fields
