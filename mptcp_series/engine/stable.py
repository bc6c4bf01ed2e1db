# SPDX-License-Identifier: MIT
"""The target's own stable line in the source: what its later releases bring to owned paths."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pygit2

from ..values.hunk import Hunk
from ..values.paths import OwnedPaths
from ..values.provenance import upstream_ids
from .basechanges import commit_at, release_tags
from .coverage import stands_in
from .objects import Entry, Objects
from .owned import OwnedKeys
from .tree import TreeEditor

__all__ = ["StableLine", "later_targets"]

_RELEASE = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?$")


class StableLine:
    """Releases of the target's line (v5.15.N) after the target, oldest first."""

    def __init__(self, objects: Objects, source: pygit2.Repository, owned: OwnedPaths, target: str) -> None:
        self._objects = objects
        self._source = source
        self._keys = OwnedKeys(objects, owned)
        self._by_upstream: dict[str, str] | None = None
        match = _RELEASE.search(target.rsplit("/", 1)[-1])
        self.releases: list[tuple[str, pygit2.Commit]] = []
        self._target: pygit2.Commit | None = None
        if match is None:
            return
        line = int(match[1]), int(match[2])
        for number, name in release_tags(source, line).items():
            if number > int(match[3] or 0):
                self.releases.append((name.removeprefix("refs/tags/"), commit_at(source, name)))
        self._target = source.revparse_single(target).peel(pygit2.Commit)

    def by_upstream(self) -> Mapping[str, str]:
        """Commits after the target that touch owned paths, by the upstream ids their messages name."""
        if self._by_upstream is None:
            self._by_upstream = {}
            start = self._target
            for _, stop in self.releases:
                assert start is not None
                if self._keys.key(start.tree_id.raw) != self._keys.key(stop.tree_id.raw):
                    walker = self._source.walk(stop.id, pygit2.enums.SortMode.TOPOLOGICAL)
                    walker.hide(start.id)
                    for commit in walker:
                        for identifier in upstream_ids(commit.read_raw()):
                            self._by_upstream.setdefault(identifier, str(commit.id))
                start = stop
        return self._by_upstream

    def files(self, commit: pygit2.Commit, path: str) -> Entry | None:
        return TreeEditor(self._objects, commit.tree_id.raw).get(path)


def later_targets(
    objects: Objects, line: StableLine, wanted: Sequence[tuple[str, Hunk]]
) -> tuple[list[str | None], tuple[str, int] | None]:
    """For each (path, hunk) the first later release that has it, and the smallest one that has most.

    The second value is (release, how many it covers), None where no later release has any.
    """
    if not line.releases or not wanted:
        return [None] * len(wanted), None
    verdicts: dict[tuple[bytes, int], bool] = {}
    first: list[str | None] = [None] * len(wanted)
    best: tuple[str, int] | None = None
    for name, commit in line.releases:
        tree = TreeEditor(objects, commit.tree_id.raw)
        covered = 0
        for at, (path, hunk) in enumerate(wanted):
            entry = tree.get(path)
            if entry is None:
                continue
            key = (entry.oid, at)
            if key not in verdicts:
                verdicts[key] = stands_in(hunk, objects.read(entry.oid))
            if verdicts[key]:
                covered += 1
                first[at] = first[at] or name
        if covered and (best is None or covered > best[1]):
            best = (name, covered)
    return first, best
