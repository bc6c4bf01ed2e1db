# SPDX-License-Identifier: MIT
"""A patch's content: of its file, compressed or not, or of the commit its line pins, read from the source.

Its header is what stands before the first file; quilt cuts at the first line that looks like a diff, which a message
that quotes one does too, so here the reader of patches decides.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from ...errors import BadInput, BadPatch, MissingObject, Problem
from ...values.contextdiff import STARS
from ...values.filechange import ChangeKind, FileChange
from ...values.hunk import split_lines
from ...values.patchreader import read_patch
from ...values.series import SeriesEntry
from .queue import COMPRESSED, Quilt

if TYPE_CHECKING:
    import pygit2

    from .pins import Pins

__all__ = ["PatchFile", "Reader", "Section", "packed", "parse", "read_file", "write_patch"]

_ABOVE = re.compile(rb"Index: |={60,}\s*$|diff ")


@attrs.frozen(kw_only=True)
class Section:
    """One file of a patch: what stands above its diff (`Index:` and the like), and the diff with what follows it."""

    change: FileChange
    lead: bytes
    body: bytes

    @property
    def tail(self) -> bytes:
        """What stands behind the last hunk."""
        if not self.change.hunks:
            return b""
        last = b"".join(self.change.hunks[-1].lines)
        at = self.body.rfind(last)
        return b"" if at < 0 else self.body[at + len(last) :]


@attrs.frozen(kw_only=True, slots=False)
class PatchFile:
    """A patch, read. `data` is None where there is no file."""

    name: str
    label: str
    """How messages name it."""
    data: bytes | None
    header: bytes = b""
    changes: tuple[FileChange, ...] = ()
    """As the file has them; `-R` is not in them."""
    rest: bytes = b""
    """What follows the last hunk, such as git's signature."""
    pinned: bool = False

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The changes with the bytes that are each one's own; with header and rest they are the file."""
        found = []
        before = self.data[len(self.header) :].partition(self.changes[0].raw)[0] if self.data and self.changes else b""
        for change in self.changes:
            lines = split_lines(change.raw)
            end = len(lines)
            if change is not self.changes[-1]:
                while end and _ABOVE.match(lines[end - 1]):
                    end -= 1
            found.append(Section(change=change, lead=before, body=b"".join(lines[:end])))
            before = b"".join(lines[end:])
        return tuple(found)

    @property
    def git(self) -> bool:
        """Whether the patch has git's extended headers."""
        return any(change.raw.startswith(b"diff --git ") for change in self.changes)

    def in_order(self, entry: SeriesEntry, *, reverse: bool = False) -> tuple[FileChange, ...]:
        """The changes as they are to be applied."""
        if entry.reverse == reverse:
            return self.changes
        copies = [change for change in self.changes if change.kind is ChangeKind.COPY]
        if copies:
            raise BadPatch(
                Problem(file=self.label, line=copy.line, message=f"copies {copy.old_path}, and a copy has no reverse")
                for copy in copies
            )
        return tuple(change.reversed() for change in reversed(self.changes))


def parse(name: str, label: str, data: bytes | None, strip: int, *, pinned: bool = False) -> PatchFile:
    """Take a patch apart. Raises BadPatch with every problem."""
    if data is None:
        return PatchFile(name=name, label=label, data=None)
    preamble, changes, rest = read_patch(data, label, strip)
    _refuse_unread(label, preamble, changes, rest)
    header = preamble
    if changes:
        lines = split_lines(preamble)
        while lines and _ABOVE.match(lines[-1]):
            lines.pop()
        header = b"".join(lines)
    return PatchFile(name=name, label=label, data=data, header=header, changes=changes, rest=rest, pinned=pinned)


def _refuse_unread(label: str, preamble: bytes, changes: tuple[FileChange, ...], rest: bytes) -> None:
    """Raise BadPatch for a diff that is not read: it would count as text, and be left out in silence."""
    problems: list[Problem] = []
    line = 1
    read = frozenset(change.raw for change in changes if change.raw.startswith(b"*** "))
    for text in (preamble, *(change.raw for change in changes), rest):
        context = text not in read and (b"\n*** " in text or text.startswith(b"*** "))
        if changes and not context:
            line += text.count(b"\n")
            continue
        for number, one in enumerate(split_lines(text), start=line):
            if context and one.startswith(STARS) and not one.strip(b"*\r\n"):
                why = "a context diff in the midst of a git patch, or without the lines that name its file"
                problems.append(Problem(file=label, line=number, message=why))
            elif not changes and one.startswith((b"@@ -", b"diff --git ")):
                problems.append(Problem(file=label, line=number, message="a diff without the lines that name its file"))
        line += text.count(b"\n")
    if problems:
        raise BadPatch(problems)


@attrs.define(eq=False)
class Reader:
    """Reads the patches of a queue. source: the repository pins are read from, opened when the first is."""

    quilt: Quilt
    source: Callable[[], pygit2.Repository] | None = None
    _pins: Pins | None = None
    _known: dict[str, PatchFile] = attrs.field(factory=dict)

    def read(self, name: str) -> PatchFile:
        """A patch of the series or an applied one. Raises BadPatch, MissingObject for a pin without its source."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._read(name)
        return found

    def _read(self, name: str) -> PatchFile:
        entry = self.quilt.entry(name)
        file = self.quilt.patch_file(name)
        label = f"{self.quilt.patches_name}/{name}"
        if entry.pin is not None and (self.source is not None or not file.is_file()):
            return parse(name, label, self.pins(entry).patch(entry), 1, pinned=True)
        return parse(name, label, read_file(file, label), entry.strip)

    def readable(self, name: str) -> bool:
        """Whether the content of a patch is at hand: a pin needs its source."""
        entry = self.quilt.entry(name)
        return entry.pin is None or self.source is not None or self.quilt.patch_file(name).is_file()

    def pins(self, entry: SeriesEntry) -> Pins:
        """The source, opened for a pinned line. Raises MissingObject where none was named."""
        if self._pins is None:
            if self.source is None:
                raise MissingObject(
                    f"{self.quilt.series_file}:{entry.line}: {entry.name} is pinned and its content is in the source; "
                    "name the source with --source"
                )
            from .pins import Pins

            self._pins = Pins(self.source(), self.quilt)
        return self._pins


def read_file(file: Path, label: str) -> bytes | None:
    """The content of a patch file, decompressed by its name; None where there is none."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", file=label) from error
    if not file.name.endswith(COMPRESSED):
        return data
    from .compressed import decompress

    return decompress(file.name, data, label)


def packed(name: str, data: bytes) -> bytes:
    """The bytes of a patch file of that name."""
    if not name.endswith(COMPRESSED):
        return data
    from .compressed import compress

    return compress(name, data)


def write_patch(file: Path, data: bytes, *, backup: bool = False) -> None:
    """Write a patch file, at once; one that is a link is written where it points to, as quilt does.

    A link to a file that may not be written is replaced instead. backup: keep the old one as `name~`.
    """
    from ..store.files import replace_file

    target = file
    if file.is_symlink() and file.exists():
        resolved = file.resolve()
        if resolved.stat().st_mode & 0o200:
            target = resolved
    if backup and file.exists():
        saved = file.with_name(f"{file.name}~")
        there = file.stat()
        replace_file(saved, file.read_bytes())
        os.utime(saved, ns=(there.st_atime_ns, there.st_mtime_ns))
    replace_file(target, packed(file.name, data))
