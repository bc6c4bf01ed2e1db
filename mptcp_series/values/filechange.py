# SPDX-License-Identifier: MIT
"""What a patch does with one file: paths, modes, blobs, hunks, and the bytes it was written as."""

from __future__ import annotations

import enum
from functools import cached_property

import attrs

from .hunk import Hunk, hunk_ids

__all__ = ["ChangeKind", "FileChange"]


class ChangeKind(enum.Enum):
    """What a patch does with one file."""

    MODIFY = "modify"
    ADD = "add"
    DELETE = "delete"
    RENAME = "rename"
    COPY = "copy"


@attrs.frozen(kw_only=True, slots=False)
class FileChange:
    """What a patch does with one file. Paths are relative to the top of the tree, strip level applied."""

    kind: ChangeKind
    old_path: str | None
    new_path: str | None
    old_mode: int | None = None
    new_mode: int | None = None
    old_blob: str | None = None
    """Blob id of the `index` line as written (7 to 40 hex digits), None where there is none."""
    new_blob: str | None = None
    hunks: tuple[Hunk, ...] = ()
    binary: bytes | None = None
    """A `GIT binary patch` or `Binary files differ` section, verbatim."""
    binary_reversed: bool = False
    """Whether the second block of the section is the one that leads to the new file: the change is undone (-R)."""
    raw: bytes = b""
    """The section as written, text between files included."""
    line: int = 1

    @property
    def path(self) -> str:
        """The name people use for it: the new path, the old one of a deletion."""
        path = self.new_path if self.new_path is not None else self.old_path
        assert path is not None
        return path

    @cached_property
    def hunk_ids(self) -> list[str]:
        return hunk_ids(self.hunks)

    @cached_property
    def converted(self) -> bool:
        """Whether even the `@@` lines end in CR LF: no tool writes these, a mail program or an editor did."""
        return bool(self.hunks) and all(hunk.section.endswith(b"\r\n") for hunk in self.hunks)

    @property
    def added_content(self) -> bytes:
        """The file an addition makes, without the CR that conversion put at the ends of lines (as GNU patch)."""
        hunks = [hunk.without_carriage_returns() if self.converted else hunk for hunk in self.hunks]
        return b"".join(line for hunk in hunks for line in hunk.post_image)

    def reversed(self) -> FileChange:
        """The change that undoes this one."""
        kinds = {ChangeKind.ADD: ChangeKind.DELETE, ChangeKind.DELETE: ChangeKind.ADD}
        return attrs.evolve(
            self,
            kind=kinds.get(self.kind, self.kind),
            old_path=self.new_path,
            new_path=self.old_path,
            old_mode=self.new_mode,
            new_mode=self.old_mode,
            old_blob=self.new_blob,
            new_blob=self.old_blob,
            hunks=tuple(hunk.reversed() for hunk in self.hunks),
            binary_reversed=not self.binary_reversed,
        )
