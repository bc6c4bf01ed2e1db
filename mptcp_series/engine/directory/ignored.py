# SPDX-License-Identifier: MIT
"""What a source tree itself says is none of its files: `.gitignore`, of the root and of every directory.

A plain directory may have been built in. Objects and generated headers are no edits of a vendor, and no file that was
renamed; a git repository would not have them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .rooted import Rooted, split

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["Ignored"]

_FILE = ".gitignore"


class Ignored:
    """The rules of one tree, read as they are needed."""

    def __init__(self) -> None:
        self._specs: dict[str, GitIgnoreSpec | None] = {}

    def holds(self, rooted: Rooted, path: str, *, directory: bool = False) -> bool:
        """Whether the tree ignores a file or directory, its parents not asked: gitignore(5), the deepest rule wins."""
        at = split(path)[0]
        while True:
            spec = self._spec(rooted, at)
            if spec is not None:
                below = path[len(at) + 1 :] if at else path
                found = spec.check_file(below + "/" if directory else below).include
                if found is not None:
                    return found
            if not at:
                return False
            at = split(at)[0]

    def _spec(self, rooted: Rooted, directory: str) -> GitIgnoreSpec | None:
        if directory not in self._specs:
            place = f"{directory}/{_FILE}" if directory else _FILE
            found = rooted.read(place)
            lines = [] if found is None else found.data.decode("utf-8", "surrogateescape").splitlines()
            self._specs[directory] = _compiled(lines) if lines else None
        return self._specs[directory]


def _compiled(lines: list[str]) -> GitIgnoreSpec:
    # It takes longer to load than most commands run, and only directories need it.
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines)
