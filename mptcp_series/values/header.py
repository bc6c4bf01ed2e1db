# SPDX-License-Identifier: MIT
"""The text before a patch's first file: a mail header (`git format-patch`), a DEP-3 header, or prose.

Only reads; the bytes stay with the patch. Unknown encodings are read as UTF-8, then latin-1.
"""

from __future__ import annotations

import email.header
import re
from email.utils import mktime_tz, parseaddr, parsedate_tz

import attrs

from .person import Person

__all__ = ["Header"]

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)")
_PREFIX = re.compile(r"^\s*(?:\[[^\]]*\]\s*)+")


@attrs.frozen(kw_only=True)
class Header:
    """Who made a patch, when, and what they say about it. Empty strings where the file is silent."""

    subject: str = ""
    author: Person | None = None
    body: str = ""
    """Message without the subject and without a diffstat; ends in a newline unless empty."""

    @property
    def message(self) -> str:
        """Subject, blank line, body: a commit message."""
        return f"{self.subject}\n\n{self.body}" if self.body else f"{self.subject}\n"

    @classmethod
    def parse(cls, data: bytes) -> Header:
        """Read what stands before the diff.

        >>> Header.parse(b"From: A <a@b>\\nSubject: [PATCH] mptcp: fix\\n\\nWhy.\\n---\\n 1 file\\n").message
        'mptcp: fix\\n\\nWhy.\\n'
        """
        lines = _decode(data).split("\n")
        if lines and lines[0].startswith("From ") and ":" in lines[0]:
            lines = lines[1:]
        fields, rest = _fields(lines)
        body = _without_stat(rest)
        if not fields:
            subject, _, remainder = "\n".join(body).strip("\n").partition("\n")
            return cls(subject=_clean(subject), body=_paragraphs(remainder.split("\n")))
        subject = fields.get("subject") or fields.get("description", "").split("\n")[0]
        if not subject:
            first, _, remainder = "\n".join(body).strip("\n").partition("\n")
            subject, body = first, remainder.split("\n")
        description = fields.get("description", "")
        if "subject" not in fields and "\n" in description:
            body = [*description.split("\n")[1:], *body]
        # git am: a From: line that opens the body is the true author.
        author = fields.get("from") or fields.get("author", "")
        body_text = "\n".join(body).lstrip("\n").split("\n")
        if body_text and body_text[0].startswith("From: "):
            author = body_text[0][len("From: ") :]
            body_text = body_text[1:]
        return cls(
            subject=_clean(_words(subject)),
            author=_person(_words(author), fields.get("date", "")),
            body=_paragraphs(body_text),
        )


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return data.decode("latin-1").replace("\r\n", "\n")


def _fields(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    """Header fields up to the first line that is none, and the lines after it."""
    fields: dict[str, str] = {}
    current: str | None = None
    for index, line in enumerate(lines):
        if line.startswith((" ", "\t")) and current is not None:
            text = line.strip()
            fields[current] += "\n" + ("" if text == "." else text)
            continue
        match = _FIELD.fullmatch(line)
        if match is None:
            if not line.strip():
                return fields, lines[index + 1 :]
            return fields, lines[index:]
        current = match[1].lower()
        fields.setdefault(current, match[2])
    return fields, []


def _without_stat(lines: list[str]) -> list[str]:
    """The message: up to the `---` line under which git puts the diffstat."""
    for index, line in enumerate(lines):
        if line.rstrip() == "---":
            return lines[:index]
    return lines


def _paragraphs(lines: list[str]) -> str:
    text = "\n".join(lines).strip("\n")
    return f"{text}\n" if text.strip() else ""


def _clean(subject: str) -> str:
    return _PREFIX.sub("", " ".join(subject.split()))


def _words(text: str) -> str:
    """RFC 2047 words decoded; folded lines joined."""
    joined = " ".join(text.split("\n"))
    try:
        return str(email.header.make_header(email.header.decode_header(joined)))
    except (LookupError, UnicodeDecodeError, ValueError):
        return joined


def _person(text: str, date: str) -> Person | None:
    name, address = parseaddr(text)
    if not address:
        return None
    parsed = parsedate_tz(date)
    if parsed is None:
        return Person(name=name, email=address, time=0, offset=0)
    return Person(name=name, email=address, time=mktime_tz(parsed), offset=(parsed[9] or 0) // 60)
