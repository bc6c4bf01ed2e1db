# SPDX-License-Identifier: MIT
"""A patch file: header, file changes, hunks; kept byte for byte.

Reads what `git format-patch`, `diff -u`, quilt and DEP-3 write. The diff is bytes throughout. A
damaged patch (wrong counts, truncated hunk, garbled binary) and a hostile one (a path that leaves
the tree, or names `.git`) are refused with every problem at once.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from .filechange import ChangeKind, FileChange
from .header import Header
from .patchreader import DEV_NULL, read_patch

if TYPE_CHECKING:
    from unidiff.patch import PatchSet

__all__ = ["ChangeKind", "FileChange", "Patch"]


@attrs.frozen(kw_only=True, slots=False)
class Patch:
    """A patch file: `render()` gives back the bytes `parse` was given."""

    preamble: bytes
    """Everything before the first file: mail or DEP-3 header, message, diffstat."""
    changes: tuple[FileChange, ...]
    postamble: bytes = b""
    """What follows the last hunk, such as git's `-- ` signature."""

    @classmethod
    def parse(cls, data: bytes, file: str, *, strip: int = 1) -> Patch:
        """Read a patch file; `strip` is the strip level (`-pN`).

        Raises BadPatch with all problems, each as `file:line: what`.
        """
        preamble, changes, postamble = read_patch(data, file, strip)
        return cls(preamble=preamble, changes=changes, postamble=postamble)

    def render(self) -> bytes:
        """The bytes that were parsed."""
        return self.preamble + b"".join(change.raw for change in self.changes) + self.postamble

    @cached_property
    def header(self) -> Header:
        """Author, subject and message, as the preamble has them."""
        return Header.parse(self.preamble)

    @property
    def subject(self) -> str:
        """The subject without `[PATCH]` and the like; empty where the file has none."""
        return self.header.subject

    def as_unidiff(self) -> PatchSet:
        """The text changes as a `unidiff.PatchSet`, for scripts that work with that library.

        Bytes are decoded as latin-1, so `str(...).encode("latin-1")` gives them back. Header, mode-only
        and binary changes are left out: unidiff cannot hold them.
        """
        from unidiff.patch import PatchSet

        text = b"".join(
            b"--- %s\n+++ %s\n" % (_quoted("a/", change.old_path), _quoted("b/", change.new_path))
            + b"".join(hunk.render() for hunk in change.hunks)
            for change in self.changes
            if change.hunks
        )
        return PatchSet.from_string(text.decode("latin-1"))


def _quoted(prefix: str, path: str | None) -> bytes:
    """A name for a `---` line; in double quotes where a control character would end it."""
    if path is None:
        return DEV_NULL
    name = (prefix + path).encode("utf-8", "surrogateescape")
    if not any(byte < 32 or byte in b'"\x7f' for byte in name):
        return name
    return b'"' + b"".join(b"\\%03o" % byte if byte < 32 or byte in b'"\x7f' else bytes([byte]) for byte in name) + b'"'
