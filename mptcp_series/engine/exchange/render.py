# SPDX-License-Identifier: MIT
"""Renders a commit as a patch file: the same bytes on every machine.

What `git format-patch --zero-commit --full-index --no-signature --no-stat --no-renames` writes, so that
`git am`, `git apply`, GNU patch and quilt read it. Names with blanks that GNU patch would cut are quoted, as git
does with other characters. What GNU patch cannot do all the same, `carried.py` tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pygit2
from pygit2.enums import DiffOption

from ...values.hunk import split_lines
from ...values.person import Person
from ..replay.change import BlobChange, diff_hunks, entry_text
from ..replay.item import RawCommit
from ..store.objects import REGULAR, Objects, hexed
from ..store.tree import path_bytes
from ..text.merge import is_binary

__all__ = ["render_change", "render_diff", "render_patch", "render_plain", "render_quilt"]

ZERO_ID = "0" * 40
MAIL_FROM = b"From " + ZERO_ID.encode() + b" Mon Sep 17 00:00:00 2001\n"


def render_patch(objects: Objects, raw: RawCommit, changes: Iterable[BlobChange]) -> bytes:
    """A whole patch file: mail header, message, diff."""
    return _mail_header(raw) + b"---\n\n" + render_diff(objects, changes) + b"-- \n\n"


def render_quilt(objects: Objects, raw: RawCommit, changes: Iterable[BlobChange]) -> bytes:
    """A whole patch file as `quilt refresh -p ab --no-index --no-timestamps` leaves it: no header of git's.

    Where a file mode or the like has to be said, which only git's header can, the whole patch is git's.
    """
    ordered = _without_renames(changes)
    sections = [render_plain(objects, change) for change in ordered]
    told = [section for section in sections if section is not None]
    diff = b"".join(told) if len(told) == len(sections) else render_diff(objects, ordered)
    return _mail_header(raw) + b"---\n\n" + diff


def render_diff(objects: Objects, changes: Iterable[BlobChange]) -> bytes:
    """The diff of several files, in the order of their paths; a rename is a deletion and an addition."""
    return b"".join(render_change(objects, change) for change in _without_renames(changes))


def render_plain(objects: Objects, change: BlobChange) -> bytes | None:
    """A file's diff without git's header; None where it says what only that can say."""
    modes = {entry.mode for entry in (change.old, change.new) if entry is not None}
    rendered = render_change(objects, change)
    start = rendered.find(b"\n--- ") + 1
    return rendered[start:] if start and modes == {REGULAR} else None


def _without_renames(changes: Iterable[BlobChange]) -> list[BlobChange]:
    plain: list[BlobChange] = []
    for change in changes:
        if change.renames:
            plain.append(BlobChange(path=change.old_path, old_path=change.old_path, old=change.old, new=None))
            plain.append(BlobChange(path=change.path, old_path=change.path, old=None, new=change.new))
        else:
            plain.append(change)
    return sorted(plain, key=lambda change: change.path)


def render_change(objects: Objects, change: BlobChange) -> bytes:
    """The diff of one file, git's extended header included."""
    old, new = change.old, change.new
    if old is not None and new is not None and (old.mode ^ new.mode) >> 12:
        # A file that becomes a link, or the like: git writes it as two changes.
        return render_change(objects, BlobChange(path=change.path, old_path=change.path, old=old, new=None)) + (
            render_change(objects, BlobChange(path=change.path, old_path=change.path, old=None, new=new))
        )
    ids = [ZERO_ID if entry is None else hexed(entry.oid) for entry in (old, new)]
    same = ids[0] == ids[1]
    texts = (b"", b"") if same else (entry_text(objects, old), entry_text(objects, new))
    binary = not same and (is_binary(texts[0]) or is_binary(texts[1]))
    hunks = [] if same or binary else diff_hunks(*texts)
    before, after = (_quoted(prefix, change.path, alone=not hunks) for prefix in ("a/", "b/"))
    lines = [b"diff --git %s %s\n" % (before, after)]
    if old is None:
        assert new is not None
        lines.append(b"new file mode %o\n" % new.mode)
    elif new is None:
        lines.append(b"deleted file mode %o\n" % old.mode)
    elif old.mode != new.mode:
        lines.append(b"old mode %o\nnew mode %o\n" % (old.mode, new.mode))
    if same:
        return b"".join(lines)
    suffix = b" %o" % old.mode if old is not None and new is not None and old.mode == new.mode else b""
    lines.append(b"index %s..%s%s\n" % (ids[0].encode(), ids[1].encode(), suffix))
    if binary:
        return b"".join(lines) + _binary(*texts)
    if hunks:
        lines.append(b"--- %s\n" % (b"/dev/null" if old is None else _tabbed(before)))
        lines.append(b"+++ %s\n" % (b"/dev/null" if new is None else _tabbed(after)))
        lines += [hunk.render() for hunk in hunks]
    return b"".join(lines)


def _tabbed(name: bytes) -> bytes:
    """GNU patch reads a name with a space only up to it, unless a tab ends the name."""
    return name + b"\t" if b" " in name and not name.startswith(b'"') else name


def _binary(old: bytes, new: bytes) -> bytes:
    """The `GIT binary patch` section, as libgit2 writes it."""
    flags = DiffOption.SHOW_BINARY | DiffOption.FORCE_BINARY
    data = pygit2.Patch.create_from(old, new, flag=flags).data
    lines = split_lines(data)
    start = next(at for at, line in enumerate(lines) if line.startswith(b"GIT binary patch"))
    return b"".join(lines[start:])


def _quoted(prefix: str, path: str, *, alone: bool = False) -> bytes:
    """A path as git quotes it with core.quotePath on: octal for bytes that are not printable ASCII.

    More than git does, a name that ends with a blank is quoted, and one that has a blank where the `diff --git` line
    stands alone, without lines `---` and `+++`: GNU patch reads a name that is not quoted there up to its first blank.
    """
    name = prefix.encode() + path_bytes(path)
    cut = name.endswith(b" ") or (alone and b" " in name)
    if not cut and all(32 <= byte < 127 and byte not in b'"\\' for byte in name):
        return name
    escapes = {9: b"\\t", 10: b"\\n", 34: b'\\"', 92: b"\\\\"}
    return (
        b'"'
        + b"".join(escapes.get(byte, bytes([byte]) if 32 <= byte < 127 else b"\\%03o" % byte) for byte in name)
        + b'"'
    )


def _mail_header(raw: RawCommit) -> bytes:
    encoding = (raw.encoding or b"utf-8").decode("ascii", "replace")
    try:
        text = raw.message.decode(encoding)
        author = raw.author.decode(encoding)
    except (LookupError, ValueError):
        text, author = raw.message.decode("latin-1"), raw.author.decode("latin-1")
    # The subject is the whole first paragraph (git: format_subject).
    subject, _, body = text.lstrip("\n").partition("\n\n")
    subject = " ".join(line.strip() for line in subject.strip("\n").split("\n"))
    who, _, when = author.rpartition("> ")
    name, _, address = who.partition("<")
    phrase = _phrase(name.removesuffix(" "))
    lines = [
        MAIL_FROM,
        b"From: %s<%s>\n" % (phrase + b" " if phrase else b"", address.encode()),
        b"Date: %s\n" % _date(when).encode(),
        b"Subject: %s\n" % _words("[PATCH] " + subject),
    ]
    if not (text + author).isascii():
        lines.append(b"MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n")
    body = _quoted_lines(body.strip("\n"))
    return b"".join(lines) + b"\n" + (body.encode() + b"\n" if body else b"")


# GNU patch looks for file headers through an indentation of blanks and X; git am cuts a message at the others.
_MISREAD = re.compile(r"(?m)^(?=[ \tX]*(?:--- |\+\+\+ |\*\*\* |diff -|Index:)|---\s*$|From )")
_FIRST = re.compile(r"(?=From:|Subject:|Date:|\[PATCH)", re.IGNORECASE)


def _quoted_lines(body: str) -> str:
    """The body with `> ` before lines that tools would take for a diff, a header, the next mail or the end.

    A commit message that shows a diff must not be applied, and one that has a ruler must not be cut off there.
    """
    return _MISREAD.sub("> ", "> " + body if _FIRST.match(body) else body)


def _words(text: str) -> bytes:
    """Header text: as it stands in ASCII, else as RFC 2047 words. Not folded: `git am` joins lines with blanks.

    Text that looks like such a word is made one (git: needs_rfc2047_encoding), or it would be decoded.
    """
    if text.isascii() and "=?" not in text:
        return text.encode()
    import email.charset  # A library of its own size, and only exports need it.
    import email.header

    charset = email.charset.Charset("utf-8")
    charset.header_encoding = email.charset.QP
    return email.header.Header(text, charset=charset, maxlinelen=10_000).encode(maxlinelen=0).encode()


def _phrase(name: str) -> bytes:
    """A display name, quoted where RFC 5322 wants it."""
    if not name.isascii():
        return _words(name)
    if any(character in '()<>[]:;@\\,."' for character in name):
        return b'"' + name.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
    return name.encode()


def _date(when: str) -> str:
    found = re.fullmatch(r"(\d{1,11}) ([+-])(\d\d)(\d\d)", when, re.ASCII)
    if found is None:
        # An old client's zone such as +051800 is none; when it was is known all the same.
        since = re.match(r" *(\d{1,11})(?: |$)", when, re.ASCII)
        return Person(name="", email="", time=0 if since is None else int(since[1])).date()
    offset = int(found[3]) * 60 + int(found[4])
    return Person(name="", email="", time=int(found[1]), offset=-offset if found[2] == "-" else offset).date()
