# SPDX-License-Identifier: MIT
"""What a base has changed in owned paths since the root, one change at a time.

Two deltas, never mixed: stable (root to the base's own release v5.10.N, read from the source's
history) and vendor (v5.10.N to the base, read from the base). Where the source has no such tag, or
the history has one commit a release, the delta is one change that nobody signed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import attrs
import pygit2

from ...errors import BadInput, MissingObject
from ...values.paths import OwnedPaths
from ...values.version import KernelVersion
from ..replay.change import BlobChange, tree_changes
from ..replay.item import read_commit
from ..replay.owned import Key, OwnedKeys, owned_changes
from ..store.objects import Entry, Objects, Oid
from ..store.repository import BaseCommit
from .delta import BaseChange, BaseDelta, Origin, unexplained, without_reverts
from .once import once

__all__ = ["commit_at", "read_delta", "release_tags"]

_TAG = re.compile(r"refs/tags/v(\d+)\.(\d+)(?:\.(\d+))?$")


def release_tags(source: pygit2.Repository, line: tuple[int, int]) -> dict[int, str]:
    """Tags of one release line, `v5.10` being number 0: reference name by sublevel, ascending."""
    found: dict[int, str] = {}
    for name in source.references:
        match = _TAG.match(name)
        if match is not None and (int(match[1]), int(match[2])) == line:
            found[int(match[3] or 0)] = name
    return dict(sorted(found.items()))


def commit_at(repo: pygit2.Repository, reference: str) -> pygit2.Commit:
    return repo.revparse_single(reference).peel(pygit2.Commit)


def read_delta(
    objects: Objects,
    source: pygit2.Repository,
    home: pygit2.Repository,
    owned: OwnedPaths,
    root: pygit2.Commit,
    base: BaseCommit,
    version: KernelVersion,
) -> BaseDelta:
    """Find what the base changed in owned paths since root."""
    keys = OwnedKeys.of(objects, owned)
    if keys.key(root.tree_id.raw) == keys.key(base.tree_id.raw):
        return BaseDelta()
    if not any(keys.key(base.tree_id.raw)):
        return BaseDelta(
            advances=True,
            warnings=("the base has none of the files the recipe owns: they are brought whole, as the root has them",),
        )
    return _Reader(
        objects=objects, source=source, home=home, owned=owned, keys=keys, root=root, base=base, version=version
    ).delta()


def _is_ancestor(repo: pygit2.Repository, ancestor: pygit2.Oid, descendant: pygit2.Oid) -> bool:
    try:
        return ancestor == descendant or repo.descendant_of(descendant, ancestor)
    except (KeyError, pygit2.GitError):
        return False


@attrs.define(kw_only=True, eq=False)
class _Reader:
    """One base, read."""

    objects: Objects
    source: pygit2.Repository
    home: pygit2.Repository
    owned: OwnedPaths
    keys: OwnedKeys
    root: pygit2.Commit
    base: BaseCommit
    version: KernelVersion
    warnings: list[str] = attrs.field(init=False, factory=list)
    _names: dict[int, str] = attrs.field(init=False)
    _found: dict[int, pygit2.Commit] = attrs.field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._names = release_tags(self.source, (self.version.version, self.version.patchlevel))

    def _tag(self, number: int) -> pygit2.Commit:
        if number not in self._found:
            self._found[number] = commit_at(self.source, self._names[number])
        return self._found[number]

    def delta(self) -> BaseDelta:
        release = self._tag(self.version.sublevel) if self.version.sublevel in self._names else None
        root_version = self._version_of(self.root)
        older = root_version is not None and self.version < root_version
        if release is None:
            return self._without_release(older)
        self._check_fingerprint(release)
        advances = release.id != self.root.id and (
            _is_ancestor(self.source, release.id, self.root.id)
            or (older and not _is_ancestor(self.source, self.root.id, release.id))
        )
        stable = [] if advances else self._stable(release)
        return self._done([*stable, *self._vendor(release, Origin.VENDOR)], advances)

    def _done(self, changes: Iterable[BaseChange], advances: bool) -> BaseDelta:
        kept, reverts = without_reverts(self.objects, [change for change in changes if change.changes])
        return BaseDelta(changes=kept, reverts=reverts, advances=advances, warnings=tuple(self.warnings))

    def _without_release(self, older: bool) -> BaseDelta:
        """The base's version has no tag in the source: one delta that nobody signed."""
        self.warnings.append(
            f"the source has no tag v{self.version}: what is stable and what the vendor's cannot be told apart; "
            f"`git fetch --tags` from linux-stable, or `mptcp-series fetch --bases v{self.version}`, brings it"
        )
        if not older:
            return self._done(self._vendor(self.root, Origin.UNSIGNED), False)
        if _is_ancestor(self.source, self.base.id, self.root.id):
            return self._done([], True)
        nearest = self._nearest_before_root()
        if nearest is not None:
            number, release = nearest
            self.warnings.append(
                f"v{self._shown(number)}, whose stack is nearest to the base's, is taken for v{self.version}"
            )
            return self._done(self._vendor(release, Origin.UNSIGNED), True)
        self.warnings.append(
            "the base is older than the root, and the source has no release from before the root: "
            "the vendor's own edits cannot be told from what is merely older"
        )
        return self._done([attrs.evolve(self._squashed(self.root, self.base, Origin.UNSIGNED), known=False)], True)

    def _stable(self, release: pygit2.Commit) -> Sequence[BaseChange]:
        """Changes from root to the base's own release."""
        stops = self._stops(release)
        found: list[BaseChange] | None = [] if stops is not None else None
        start = self.root
        for stop in stops or ():
            # Thousands of commits of a stable line touch nothing of the stack.
            if self.keys.key(start.tree_id.raw) != self.keys.key(stop.tree_id.raw):
                part = self._between(self.source, start.id, stop, Origin.STABLE)
                found = None if part is None or found is None else found + part
                if found is None:
                    break
            start = stop
        if found is None:
            squashed = self._squashed(self.root, release, Origin.UNSIGNED)
            if squashed.changes:
                self.warnings.append(
                    f"the source has no history of single changes from the root to v{self.version}: "
                    "changes are told apart by their content; a full clone of linux-stable tells them by commit"
                )
            return [squashed]
        return self._with_rest(found, self.root, release, Origin.STABLE)

    def _vendor(self, start: pygit2.Commit, origin: Origin) -> Sequence[BaseChange]:
        """Changes from a release to the base."""
        if start.id == self.base.id:
            return []
        found = None
        if self.home.get(start.id) is not None and _is_ancestor(self.home, start.id, self.base.id):
            found = self._between(self.home, start.id, self.base, origin)
        if found is None:
            return [self._squashed(start, self.base, origin)]
        return self._with_rest(found, start, self.base, origin)

    def _squashed(self, before: BaseCommit, after: BaseCommit, origin: Origin) -> BaseChange:
        return BaseChange(origin=origin, commit=None, raw=None, changes=self._whole(before, after))

    def _whole(self, before: BaseCommit, after: BaseCommit) -> tuple[BlobChange, ...]:
        return tuple(owned_changes(self.objects, self.owned, before.tree_id.raw, after.tree_id.raw))

    def _with_rest(
        self, found: list[BaseChange], before: BaseCommit, after: BaseCommit, origin: Origin
    ) -> list[BaseChange]:
        rest = once(
            self.objects,
            ("unexplained", self.owned, str(before.id), str(after.id), origin),
            lambda: unexplained(self.objects, self._whole(before, after), found, origin),
        )
        return found if rest is None else [*found, rest]

    def _stops(self, release: pygit2.Commit) -> list[pygit2.Commit] | None:
        """The releases after root up to the base's own; None where root is not behind that one."""
        stops = [self._tag(number) for number in self._names if number <= self.version.sublevel]
        for at, stop in enumerate(stops):
            if stop.id == self.root.id:
                return stops[at + 1 :]
        if not _is_ancestor(self.source, self.root.id, release.id):
            return None
        # Those before root come first, and a question of ancestry is expensive.
        low, high = 0, len(stops)
        while low < high:
            middle = (low + high) // 2
            if _is_ancestor(self.source, stops[middle].id, self.root.id):
                low = middle + 1
            else:
                high = middle
        return stops[low:]

    def _between(
        self, repo: pygit2.Repository, start: pygit2.Oid, stop: BaseCommit, origin: Origin
    ) -> list[BaseChange] | None:
        """Non-merge commits of start..stop that touch owned paths, oldest first.

        None where the history is cut, or one of them is a whole release: it sets the version too.
        """
        question = ("between", self.owned, repo.path, str(start), str(stop.id), origin)
        return once(self.objects, question, lambda: self._walk(repo, start, stop, origin))

    def _walk(
        self, repo: pygit2.Repository, start: pygit2.Oid, stop: BaseCommit, origin: Origin
    ) -> list[BaseChange] | None:
        found = []
        try:
            walker = repo.walk(stop.id, pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.REVERSE)
            walker.hide(start)
            for commit in walker:
                if len(commit.parent_ids) != 1:
                    continue
                parent = commit.parents[0]
                before, after = parent.tree_id.raw, commit.tree_id.raw
                if self.keys.key(before) == self.keys.key(after):
                    continue
                if self._version_of(parent) != self._version_of(commit):
                    return None
                found.append(
                    BaseChange(
                        origin=origin,
                        commit=str(commit.id),
                        raw=read_commit(commit.read_raw()),
                        changes=self._whole(parent, commit),
                        others=self._others(before, after),
                    )
                )
        except (KeyError, pygit2.GitError, MissingObject):
            return None
        return found

    def _others(self, before: Oid, after: Oid) -> Callable[[], tuple[BlobChange, ...]]:
        """To find what else a commit touched; a diff of whole trees that few changes are asked for."""

        def find() -> tuple[BlobChange, ...]:
            every = tree_changes(self.objects, before, after, renames=False)
            return tuple(change for change in every if not self.owned.contains(change.path))

        return find

    def _version_of(self, commit: pygit2.Commit) -> KernelVersion | None:
        makefile = self.objects.peek(commit.tree_id.raw, b"Makefile")
        return None if makefile is None or not makefile.is_text else self._version_in(makefile)

    def _version_in(self, makefile: Entry) -> KernelVersion | None:
        try:
            return KernelVersion.from_makefile(self.objects.read(makefile.oid))
        except BadInput:
            return None

    def _shown(self, sublevel: int) -> str:
        return str(attrs.evolve(self.version, sublevel=sublevel))

    def _check_fingerprint(self, own: pygit2.Commit) -> None:
        """Warn where another release of the line is nearer to the base than the one its Makefile names."""
        wanted = self.keys.key(self.base.tree_id.raw)
        if self.keys.key(own.tree_id.raw) == wanted:
            return
        scores = self._scores(wanted, self._names)
        best = max(scores.values())
        if scores[self.version.sublevel] == best:
            return
        nearest = [number for number, score in scores.items() if score == best]
        self.warnings.append(
            f"the base's Makefile says {self.version}, but its stack is nearest to that of "
            f"v{self._shown(nearest[-1])}; the vendor may have taken later fixes"
        )

    def _nearest_before_root(self) -> tuple[int, pygit2.Commit] | None:
        """The release up to root whose stack is most like the base's: number and commit."""
        numbers = [number for number in self._names if _is_ancestor(self.source, self._tag(number).id, self.root.id)]
        scores = self._scores(self.keys.key(self.base.tree_id.raw), numbers)
        # Of several that are equally near the one next to the base's own version.
        best = min(scores, key=lambda number: (-scores[number], abs(number - self.version.sublevel)), default=None)
        return None if best is None else (best, self._tag(best))

    def _scores(self, wanted: Key, numbers: Iterable[int]) -> dict[int, int]:
        return {number: self._likeness(wanted, self.keys.key(self._tag(number).tree_id.raw)) for number in numbers}

    def _likeness(self, wanted: Key, theirs: Key) -> int:
        """Number of files that are the same at owned paths."""
        score = 0
        for mine, other in zip(wanted, theirs, strict=True):
            if mine is None or other is None:
                continue
            if mine == other:
                score += 1
            if mine.is_tree and other.is_tree:
                left, right = self.objects.tree(mine.oid), self.objects.tree(other.oid)
                score += sum(1 for name, entry in left.items() if right.get(name) == entry)
        return score
