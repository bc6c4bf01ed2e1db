# SPDX-License-Identifier: MIT
"""What exported patches ask for that the tools which apply them do not do.

A patch of git says more than GNU patch can do. The rules here are those of GNU patch 2.7.6 and quilt 0.66, found by
trying (tests/compat/test_export_carried.py). File modes, links, new and deleted empty files, copies and renames (they
are written as a deletion and an addition) arrive on the tree; what does not is named here. `git am` and `git fetch` do
all of it.

Refused is what GNU patch takes wrongly without a word, and, where nothing but GNU patch reads the patches, what it
stops at; where something else may read them (a quilt directory) that is a warning.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from ..replay.change import BlobChange
from ..replay.commits import Step
from ..store.objects import LINK, SUBMODULE, Entry, Objects
from ..text.merge import is_binary

__all__ = ["Beyond", "Uncarried", "uncarried"]

_EMPTY = bytes.fromhex("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
"""The name of the blob without content."""


class Beyond(enum.Enum):
    """A kind of change that is beyond some tool."""

    BINARY = "changes a binary file"
    """GNU patch stops: `git binary diffs are not supported`, exit 1."""
    SUBMODULE = "changes a submodule"
    """GNU patch makes a file of the line that names the commit of a new one, exit 0; a changed one has no file."""
    PLACE = "puts a directory in the place of a file, or a file in that of a directory"
    """GNU patch looks at all names before it takes any away, and stops: `Invalid file name`, `not a regular file`.
    `.pc` holds the old files by their names, and cannot hold both either."""
    POP = "changes or deletes a symbolic link or an empty file"
    """It arrives; but quilt backs up no link, and an empty backup means that there was no file: pop brings neither
    back."""
    EMPTY = "leaves an empty file"
    """It arrives, unless patch was told to delete such files (-E)."""


@attrs.frozen(kw_only=True)
class Uncarried:
    """Files of one patch of which a tool may not do what the patch says. paths: sorted."""

    patch: str
    beyond: Beyond
    paths: Sequence[str]

    def __str__(self) -> str:
        return f"{self.patch}: {self.beyond.value} ({', '.join(self.paths)})"


def uncarried(objects: Objects, steps: Iterable[Step]) -> Iterator[Uncarried]:
    """What is beyond tools in each patch, in the order of the queue. Raises MissingObject."""
    for step in steps:
        found = _beyond(objects, step.changes)
        for beyond in Beyond:
            if beyond in found:
                yield Uncarried(patch=step.name, beyond=beyond, paths=sorted(found[beyond]))


def _beyond(objects: Objects, changes: Sequence[BlobChange]) -> Mapping[Beyond, set[str]]:
    """The paths that are beyond tools; no change is a rename."""
    found: dict[Beyond, set[str]] = {}

    def add(beyond: Beyond, *paths: str) -> None:
        if paths:
            found.setdefault(beyond, set()).update(paths)

    gone = {change.path for change in changes if change.new is None}
    made = {change.path for change in changes if change.old is None}
    for change in changes:
        old, new = change.old, change.new
        entries = [entry for entry in (old, new) if entry is not None]
        if any(entry.mode == SUBMODULE for entry in entries):
            add(Beyond.SUBMODULE, change.path)
        elif (old and old.oid) != (new and new.oid) and any(is_binary(objects.read(entry.oid)) for entry in entries):
            add(Beyond.BINARY, change.path)
        other = made if new is None else gone if old is None else frozenset()
        add(Beyond.PLACE, *(above for above in _directories(change.path) if above in other))
        if old is not None and (old.mode == LINK or _empty(old)):
            add(Beyond.POP, change.path)
        if new is not None and _empty(new):
            add(Beyond.EMPTY, change.path)
    return found


def _directories(path: str) -> Iterator[str]:
    """The directories a path lies in.

    >>> list(_directories("a/b/c"))
    ['a/b', 'a']
    """
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _empty(entry: Entry) -> bool:
    return entry.oid == _EMPTY
