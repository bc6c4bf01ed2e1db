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
        )
