# SPDX-License-Identifier: MIT
"""The text before a patch's first file: a mail header (`git format-patch`), a DEP-3 header, or prose.

Only reads; the bytes stay with the patch. Unknown encodings are read as UTF-8, then latin-1.
"""

from __future__ import annotations

import re

import attrs

from .person import Person

__all__ = ["Header"]

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)")
_TELLING = frozenset({"subject", "description", "from", "author"})
"""Fields of which a header has at least one; `mptcp: fix` at the start of prose looks like a field too."""
_ABOVE = re.compile(r"Index: |={60,}$|diff -")
_LONGEST = 10_000
"""Header fields beyond this are not decoded: the library's time grows with the square of the length."""
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
        if not _TELLING & fields.keys():
            fields, rest = {}, lines
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
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    rest: list[str] = []
    for index, line in enumerate(lines):
        if line.startswith((" ", "\t")) and current is not None and line.strip():
            text = line.strip()
            current.append("" if text == "." else text)
            continue
        match = _FIELD.fullmatch(line)
        if match is None:
            rest = lines[index:] if line.strip() else lines[index + 1 :]
            break
        # The first field of a name counts; what continues a second one belongs to neither.
        current = [match[2]]
        found.setdefault(match[1].lower(), current)
    return {name: "\n".join(parts) for name, parts in found.items()}, rest


def _without_stat(lines: list[str]) -> list[str]:
    """The message: up to the `---` line under which git puts the diffstat, or what diff writes above a file."""
    for index, line in enumerate(lines):
        if line.rstrip() == "---":
            return lines[:index]
    end = len(lines)
    while end and (not lines[end - 1].strip() or _ABOVE.match(lines[end - 1])):
        end -= 1
    return lines[:end]


def _paragraphs(lines: list[str]) -> str:
    text = "\n".join(lines).strip("\n")
    return f"{text}\n" if text.strip() else ""


def _clean(subject: str) -> str:
    return _PREFIX.sub("", " ".join(subject.split()))


def _words(text: str) -> str:
    """RFC 2047 words decoded; folded lines joined."""
    joined = " ".join(text.split("\n"))
    if len(joined) > _LONGEST:
        return joined
    # Only patch files have mail headers: a queue of pins starts faster without the library.
    import email.header
    from email.errors import HeaderParseError

    try:
        return str(email.header.make_header(email.header.decode_header(joined)))
    except (LookupError, ValueError, HeaderParseError):
        return joined


def _person(text: str, date: str) -> Person | None:
    """`Name <address>`, or a bare address, as git reads them; no comments in parentheses."""
    name, bracket, rest = text.partition("<")
    address, closed, _ = rest.partition(">")
    if not (bracket and closed):
        name, address = "", text
        if "@" not in text:
            return None
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    seconds, offset = _moment(date)
    return Person(name=name, email=address.strip(), time=seconds, offset=offset)


def _moment(date: str) -> tuple[int, int]:
    """(seconds since the epoch, zone in minutes); the epoch where there is no date a commit can hold."""
    from email.utils import mktime_tz, parsedate_tz

    try:
        parsed = parsedate_tz(date)
        seconds = 0 if parsed is None else mktime_tz(parsed)
    except (ValueError, OverflowError, IndexError, TypeError):
        return 0, 0
    if parsed is None or not 0 <= seconds < 1 << 37:
        return 0, 0
    minutes = int((parsed[9] or 0) / 60)
    return seconds, minutes if abs(minutes) < 24 * 60 else 0
