# SPDX-License-Identifier: MIT
"""What is left out of a patch: `path`, `path#id`, `path#id.N`, as overrides and recipes write it."""

from __future__ import annotations

import re

import attrs

from ..errors import BadInput, UnsafePath
from .paths import check_tree_path

__all__ = ["DropTarget"]

_HUNK = re.compile(r"([0-9a-f]{12})(?:\.([1-9][0-9]{0,5}))?")


@attrs.frozen(kw_only=True)
class DropTarget:
    """What a `Drop` leaves out: one hunk (`path#id`, `path#id.2`), or every hunk of a file (`path`).

    hunk: the hunk's id, 12 hex digits; None for the whole file.
    nth: 1-based place among the file's hunks of that id; 0 for a bare id, which must fit exactly one.

    Raises UnsafePath for a path that leaves the tree, BadInput for a bad id.
    """

    path: str
    hunk: str | None = None
    nth: int = 0

    def __attrs_post_init__(self) -> None:
        if trouble := check_tree_path(self.path):
            raise UnsafePath(f"unsafe path {self.path!r}: {trouble}")
        if self.hunk is None:
            if self.nth or "#" in self.path:
                raise BadInput(f"bad drop of {self.path!r}: no hunk id (expected 12 hex digits after '#')")
        elif self.nth < 0 or _HUNK.fullmatch(self.id or "") is None:
            raise BadInput(f"bad hunk id {self.id!r} (expected 12 hex digits, or such as '1f2e3d4c5b6a.2')")

    def __str__(self) -> str:
        return self.path if self.hunk is None else f"{self.path}#{self.id}"

    @property
    def id(self) -> str | None:
        """The id as written after `#`, its number included; None for the whole file."""
        return f"{self.hunk}.{self.nth}" if self.hunk is not None and self.nth else self.hunk

    @property
    def listed(self) -> str | None:
        """The id as `hunk_ids` lists it, which leaves out the number of the first; None for the whole file."""
        return self.hunk if self.nth <= 1 else self.id

    @classmethod
    def parse(cls, text: str) -> DropTarget:
        """Read `path`, `path#id` or `path#id.N`.

        >>> DropTarget.parse("net/mptcp/sockopt.c#1f2e3d4c5b6a.2")
        DropTarget(path='net/mptcp/sockopt.c', hunk='1f2e3d4c5b6a', nth=2)
        """
        path, mark, written = text.rpartition("#")
        if not mark:
            return cls(path=text)
        match = _HUNK.fullmatch(written)
        if match is None:
            raise BadInput(f"bad hunk id {written!r} (expected 12 hex digits, or such as '1f2e3d4c5b6a.2')")
        return cls(path=path, hunk=match[1], nth=int(match[2] or 0))
