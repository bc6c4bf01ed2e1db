# SPDX-License-Identifier: MIT
"""Takes a patch file apart: what `git diff`, `diff -u`, `diff -c` and their relatives write, byte for byte.

A commit message may quote a diff. In a patch that has `diff --git` lines only these open a file; in any
other a file opens at `---`, `+++` and `@@` in a row, or at `***`, `---` and stars. So a quoted `--- x` is text. All
that is wrong with a file is told at once, each problem with its line.
"""

from __future__ import annotations

import re

import attrs

from ..errors import BadPatch, Problem
from .binary import GarbledBinary, read_blocks
from .contextdiff import STARS, opens_context_file, read_context_hunk
from .filechange import ChangeKind, FileChange
from .hunk import Hunk, HunkMismatch, parse_hunk_header, split_lines
from .patchnames import DEV_NULL, QUOTED, file_name, is_epoch, unquote
from .paths import check_tree_path

__all__ = ["DEV_NULL", "read_patch", "unquote"]

Pieces = tuple[bytes, tuple[FileChange, ...], bytes]
"""What stands before the first file, the files, what follows the last hunk."""


def read_patch(data: bytes, file: str, strip: int) -> Pieces:
    """Take a patch apart at a strip level. Raises BadPatch with every problem."""
    scanner = _Scanner(data, file, strip)
    pieces = scanner.scan()
    if scanner.problems:
        raise BadPatch(scanner.problems)
    return pieces


@attrs.define(kw_only=True)
class _Section:
    """One file while it is being read."""

    start: int
    git: bool
    known: int
    """Problems of the patch before this file."""
    old_name: bytes | None = None
    new_name: bytes | None = None
    old_mode: int | None = None
    new_mode: int | None = None
    old_blob: str | None = None
    new_blob: str | None = None
    kind: ChangeKind | None = None
    hunks: list[Hunk] = attrs.field(factory=list)
    binary: bytes | None = None
    epochs: tuple[bool, bool] = (False, False)
    """Whether the time stamps of the two names say that there is no file."""


_INDEX = re.compile(rb"index ([0-9a-f]{7,64})\.\.([0-9a-f]{7,64})(?: ([0-7]{6}))?\s*$")
_GIT_HEADER = re.compile(rb"diff --git (.+?)\r?\n?$")
_GIT_NEXT = (
    *(b"old mode ", b"new mode ", b"deleted file mode ", b"new file mode "),
    *(b"rename from ", b"rename to ", b"copy from ", b"copy to "),
    *(b"similarity index ", b"dissimilarity index ", b"index ", b"--- "),
    *(b"GIT binary patch", b"Binary files "),
)
"""What may follow a `diff --git` line; git takes one that nothing of this follows for text."""
_LEFT_OUT = re.compile(rb"Binary files .+ differ\s*$|Only in [^:]+: ")
"""What `diff -r` says of a file in place of a diff."""
_ENCODED = re.compile(rb"Content-Transfer-Encoding:[ \t]*(quoted-printable|base64)", re.IGNORECASE)
_EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


class _Scanner:
    """Walks the lines once; keeps going after a problem so that all are told."""

    def __init__(self, data: bytes, file: str, strip: int) -> None:
        self.lines = split_lines(data)
        self.file = file
        self.strip = strip
        self.problems: list[Problem] = []
        self.last = next((at for at in reversed(range(len(self.lines))) if self.lines[at].strip()), -1)
        self.git_style = b"diff --git " in data and any(map(self.opens_git_file, range(len(self.lines))))

    def problem(self, index: int, message: str) -> None:
        self.problems.append(Problem(file=self.file, line=index + 1, message=message))

    def opens_git_file(self, index: int) -> bool:
        return (
            self.lines[index].startswith(b"diff --git ")
            and index + 1 < len(self.lines)
            and self.lines[index + 1].startswith(_GIT_NEXT)
        )

    def opens_file(self, index: int) -> bool:
        if self.git_style:
            return self.opens_git_file(index)
        following = self.lines[index : index + 3]
        return (
            len(following) == 3
            and following[0].startswith(b"--- ")
            and following[1].startswith(b"+++ ")
            and following[2].startswith(b"@@ -")
        ) or opens_context_file(self.lines, index)

    def scan(self) -> Pieces:
        index = 0
        while index < len(self.lines) and not self.opens_file(index):
            index += 1
        preamble_end = index
        self.check_encoding(preamble_end)
        changes: list[FileChange] = []
        while index < len(self.lines):
            section, end = self.read_file(index)
            # Text between two files (`Index:`, `=====`) belongs to the earlier one's raw bytes.
            following = end
            while following < len(self.lines) and not self.opens_file(following):
                self.check_between(following)
                following += 1
            raw_end = following if following < len(self.lines) else end
            change = self.finish(section, b"".join(self.lines[index:raw_end]))
            if change is not None:
                changes.append(change)
            index = following
            if following >= len(self.lines):
                return (
                    b"".join(self.lines[:preamble_end]),
                    tuple(changes),
                    b"".join(self.lines[end:]),
                )
        return b"".join(self.lines), (), b""

    def check_encoding(self, end: int) -> None:
        """Refuse a mail whose body, the diff with it, is not the text it stands for."""
        for index, line in enumerate(self.lines[:end]):
            if not line.strip():
                return
            if found := _ENCODED.match(line):
                encoding = found[1].decode().lower()
                self.problem(index, f"the mail is {encoding}-encoded; `mptcp-series import` undoes that")

    def check_between(self, index: int) -> None:
        """Say where text between or after the files is a change that would be lost."""
        line = self.lines[index]
        if line.startswith(b"@@ -"):
            self.problem(index, "a hunk that belongs to no file")
        elif line.startswith(b"diff --git ") and index == self.last:
            self.problem(index, "the patch ends after its `diff --git` line; it is cut off")
        elif line.startswith(b"--- ") and b"".join(self.lines[index + 1 : index + 2]).startswith(b"+++ "):
            self.problem(index, "a file without hunks, or without the `diff --git` line that the others have")
        elif not self.git_style and _LEFT_OUT.match(line):
            self.problem(index, "diff left this file out: the patch does not hold its content")

    def read_file(self, index: int) -> tuple[_Section, int]:
        section = _Section(start=index, git=self.git_style, known=len(self.problems))
        if self.git_style:
            index = self.read_git_header(section, index)
        elif opens_context_file(self.lines, index):
            return self.read_context_file(section, index)
        if index < len(self.lines) and self.lines[index].startswith(b"--- "):
            if b"".join(self.lines[index + 1 : index + 2]).startswith(b"+++ "):
                section.old_name = file_name(self.lines[index][4:])
                section.new_name = file_name(self.lines[index + 1][4:])
                section.epochs = is_epoch(self.lines[index]), is_epoch(self.lines[index + 1])
                index += 2
            else:
                self.problem(index, "a `---` line without its `+++` line")
                index += 1
        while index < len(self.lines) and self.lines[index].startswith(b"@@ -"):
            index = self.read_hunk(section, index)
        return section, index

    def read_context_file(self, section: _Section, index: int) -> tuple[_Section, int]:
        """A file of a context diff."""
        section.old_name, section.new_name = (file_name(line[4:]) for line in self.lines[index : index + 2])
        section.epochs = is_epoch(self.lines[index]), is_epoch(self.lines[index + 1])
        index += 2
        while index < len(self.lines) and self.lines[index].startswith(STARS):
            try:
                hunk, end = read_context_hunk(self.lines, index)
            except HunkMismatch as mismatch:
                self.problem(index, str(mismatch))
                end = index + 1
                while end < len(self.lines) and not self.lines[end].startswith(STARS) and not self.opens_file(end):
                    end += 1
            else:
                self.add_hunk(section, hunk, index)
            index = end
        return section, index

    def add_hunk(self, section: _Section, hunk: Hunk, header: int) -> None:
        if section.hunks and hunk.old_index < section.hunks[-1].old_index + section.hunks[-1].old_count:
            self.problem(header, "hunk goes backwards or overlaps the one before it")
        section.hunks.append(hunk)

    def read_git_header(self, section: _Section, index: int) -> int:
        match = _GIT_HEADER.match(self.lines[index])
        names = match[1] if match else b""
        section.old_name, section.new_name = self.git_names(names, index)
        index += 1
        while index < len(self.lines):
            line = self.lines[index].rstrip(b"\r\n")
            word, _, rest = line.partition(b" ")
            if line.startswith((b"old mode ", b"deleted file mode ")):
                section.old_mode = self.mode(line.rsplit(b" ", 1)[1], index)
                if line.startswith(b"deleted"):
                    section.kind = ChangeKind.DELETE
            elif line.startswith((b"new mode ", b"new file mode ")):
                section.new_mode = self.mode(line.rsplit(b" ", 1)[1], index)
                if line.startswith(b"new file"):
                    section.kind = ChangeKind.ADD
            elif word in (b"rename", b"copy") and rest.startswith((b"from ", b"to ")):
                side, _, name = rest.partition(b" ")
                section.kind = ChangeKind.RENAME if word == b"rename" else ChangeKind.COPY
                # These names carry no a/ or b/ prefix; git strips one component less from them.
                padded = b"x/" + unquote(name) if self.strip else unquote(name)
                if side == b"from":
                    section.old_name = padded
                else:
                    section.new_name = padded
            elif found := _INDEX.match(line):
                section.old_blob, section.new_blob = found[1].decode(), found[2].decode()
                if found[3]:
                    section.old_mode = section.new_mode = self.mode(found[3], index)
            elif line.startswith(b"GIT binary patch"):
                return self.read_binary(section, index)
            elif line.startswith(b"Binary files ") and line.endswith(b" differ"):
                section.binary = self.lines[index]
                return index + 1
            elif not line.startswith((b"similarity index ", b"dissimilarity index ")):
                break
            index += 1
        return index

    def git_names(self, names: bytes, index: int) -> tuple[bytes | None, bytes | None]:
        """The two names of a `diff --git` line: quoted, or the same name twice (git-diff(1))."""
        if names.startswith(b'"'):
            found = QUOTED.match(names)
            if found:
                return unquote(found[0]), unquote(names[found.end() :].lstrip(b" "))
        elif names.endswith(b'"'):
            old, _, new = names.partition(b' "')
            return old, unquote(b'"' + new)
        middle = len(names) // 2
        old, new = names[:middle], names[middle + 1 :]
        if names[middle : middle + 1] == b" " and old.split(b"/", 1)[-1] == new.split(b"/", 1)[-1]:
            return old, new
        if names.count(b" ") == 1:
            old, new = names.split(b" ")
            return old, new
        # A rename between names with spaces: the rename lines below say which.
        return None, None

    def mode(self, text: bytes, index: int) -> int:
        if text not in (b"100644", b"100755", b"120000", b"160000"):
            self.problem(index, f"file mode {text.decode('ascii', 'replace')} is none that git writes")
            return 0o100644
        return int(text, 8)

    def read_binary(self, section: _Section, index: int) -> int:
        """`GIT binary patch`: one or two blocks of `literal N` or `delta N`, each ended by an empty line."""
        try:
            end = read_blocks(self.lines, index + 1)
        except GarbledBinary as garbled:
            self.problem(garbled.at, str(garbled))
            end = garbled.at + 1
        section.binary = b"".join(self.lines[index:end])
        return end

    def read_hunk(self, section: _Section, index: int) -> int:
        parsed = parse_hunk_header(self.lines[index])
        if parsed is None:
            self.problem(index, "not a hunk header: `@@ -start,count +start,count @@` expected")
            return index + 1
        old_start, old_count, new_start, new_count, rest = parsed
        header = index
        index += 1
        body: list[bytes] = []
        old, new = old_count, new_count
        while (old > 0 or new > 0) and index < len(self.lines):
            line = self.lines[index]
            column = line[:1]
            if column in (b" ", b"-", b"+", b"\\") or line in (b"\n", b"\r\n"):
                old -= column not in (b"+", b"\\")
                new -= column not in (b"-", b"\\")
            else:
                break
            body.append(line)
            index += 1
        if index < len(self.lines) and self.lines[index].startswith(b"\\"):
            body.append(self.lines[index])
            index += 1
        try:
            hunk = Hunk(
                old_start=old_start,
                old_count=old_count,
                new_start=new_start,
                new_count=new_count,
                section=rest,
                lines=tuple(body),
            )
        except HunkMismatch as mismatch:
            self.problem(header, str(mismatch))
            return index
        self.add_hunk(section, hunk, header)
        return index

    def finish(self, section: _Section, raw: bytes) -> FileChange | None:
        known = len(self.problems)
        sound = known == section.known
        old_path = self.tree_path(section.old_name, section.start)
        new_path = self.tree_path(section.new_name, section.start)
        kind = section.kind
        if kind is None:
            empty = [(hunk.old_start, hunk.old_count) == (0, 0) for hunk in section.hunks]
            gone = [(hunk.new_start, hunk.new_count) == (0, 0) for hunk in section.hunks]
            if section.old_name == DEV_NULL or (section.epochs[0] and empty == [True]):
                kind = ChangeKind.ADD
            elif section.new_name == DEV_NULL or (section.epochs[1] and gone == [True]):
                kind = ChangeKind.DELETE
            else:
                kind = ChangeKind.MODIFY
        if kind is ChangeKind.ADD:
            old_path = None
        elif kind is ChangeKind.DELETE:
            new_path = None
        elif kind is ChangeKind.MODIFY and old_path != new_path:
            # `diff -u a/x.orig b/x`: GNU patch takes the shorter name that exists; the new one is the tree's.
            old_path = new_path if new_path is not None else old_path
            new_path = old_path
        if (old_path if kind is ChangeKind.DELETE else new_path) is None:
            if len(self.problems) == known:
                self.problem(section.start, "cannot tell which file this changes")
            return None
        if sound and (trouble := self.hollow(section, kind)):
            self.problem(section.start, trouble)
        return FileChange(
            kind=kind,
            old_path=old_path,
            new_path=new_path,
            old_mode=section.old_mode,
            new_mode=section.new_mode,
            old_blob=section.old_blob,
            new_blob=section.new_blob,
            hunks=tuple(section.hunks),
            binary=section.binary,
            raw=raw,
            line=section.start + 1,
        )

    def hollow(self, section: _Section, kind: ChangeKind) -> str | None:
        """What is wrong with a section that has neither hunks nor binary data, None if nothing is."""
        if section.hunks or section.binary is not None:
            return None
        blobs = [
            blob
            for blob in (section.old_blob, section.new_blob)
            if blob is not None and blob.strip("0") and not _EMPTY_BLOB.startswith(blob)
        ]
        if len(set(blobs)) == 2 or (blobs and kind in (ChangeKind.ADD, ChangeKind.DELETE)):
            return "the index line says that content changes, and no hunk follows; cut off, or made with -D"
        if kind is ChangeKind.MODIFY and (section.new_mode is None or section.new_mode == section.old_mode):
            return "changes nothing: no hunk follows, and no change of mode; the patch is cut off"
        return None

    def tree_path(self, name: bytes | None, index: int) -> str | None:
        if name is None or name == DEV_NULL:
            return None
        if name.startswith(b"/"):
            self.problem(index, f"absolute path {name.decode('utf-8', 'replace')!r}; paths are relative to the tree")
            return None
        parts = name.split(b"/")
        if len(parts) <= self.strip:
            shown = name.decode("utf-8", "replace")
            self.problem(index, f"path {shown!r} has too few components for -p{self.strip}")
            return None
        path = b"/".join(parts[self.strip :]).decode("utf-8", "surrogateescape")
        # The stripped components count too: `../x` under -p1 is not meant well.
        trouble = check_tree_path(path) or ("leaves the tree" if b".." in parts[: self.strip] else None)
        if trouble is not None:
            self.problem(index, f"path {name.decode('utf-8', 'replace')!r}: {trouble}")
            return None
        return path
