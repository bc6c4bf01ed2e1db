# SPDX-License-Identifier: MIT
"""What a base has changed in owned paths since the root, one change at a time.

Two deltas, never mixed: stable (root to the base's own release v5.10.N, read from the source's
history) and vendor (v5.10.N to the base, read from the base). Where the source has no such tag, or
the tag has no history that tells its commits apart, the delta is one change that nobody signed.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Sequence

import attrs
import pygit2

from ..values.paths import OwnedPaths
from ..values.provenance import reverted_ids, upstream_ids
from ..values.version import KernelVersion
from .change import BlobChange, tree_changes
from .item import RawCommit, read_commit
from .objects import Objects, Oid
from .owned import Key, OwnedKeys, owned_changes

__all__ = ["BaseChange", "BaseDelta", "Origin", "read_delta", "release_tags"]


class Origin(enum.Enum):
    """Whose change it is."""

    STABLE = "stable"
    VENDOR = "vendor"
    UNSIGNED = "unsigned"
    """Of a delta without history: it may be either."""


@attrs.frozen(kw_only=True, eq=False)
class BaseChange:
    """One change of the base to owned paths."""

    origin: Origin
    commit: str | None
    raw: RawCommit | None
    changes: tuple[BlobChange, ...]
    """On owned paths."""
    shared: tuple[BlobChange, ...] = ()
    """On other paths, of the same commit: these are not retracted."""

    @property
    def subject(self) -> str:
        if self.raw is not None:
            return self.raw.subject
        return "changes of the vendor" if self.origin is Origin.VENDOR else "changes of the base"

    @property
    def upstream(self) -> tuple[str, ...]:
        return () if self.raw is None else upstream_ids(self.raw.message)


@attrs.frozen(kw_only=True, eq=False)
class BaseDelta:
    """All that a base changed, and what could not be told about it."""

    changes: tuple[BaseChange, ...]
    reverts: tuple[tuple[BaseChange, BaseChange], ...]
    """Pairs of a change and its revert: together they change nothing."""
    advances: bool
    """The base is older than the root: its owned paths are brought forward."""
    warnings: tuple[str, ...]


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
    base: pygit2.Commit,
    version: KernelVersion,
) -> BaseDelta:
    """Find what the base changed in owned paths since root."""
    keys = OwnedKeys(objects, owned)
    warnings: list[str] = []
    tags = release_tags(source, (version.version, version.patchlevel))
    name = tags.get(version.sublevel)
    if keys.key(root.tree_id.raw) == keys.key(base.tree_id.raw):
        return BaseDelta(changes=(), reverts=(), advances=False, warnings=())
    if name is None:
        warnings.append(
            f"the source has no tag v{version}: what is stable and what the vendor's cannot be told apart; "
            f"`git fetch --tags` from linux-stable brings it"
        )
        changes = _history(objects, home, owned, keys, root.id, base, Origin.UNSIGNED)
        if changes is None:
            changes = [_squashed(objects, owned, root.tree_id.raw, base.tree_id.raw, Origin.UNSIGNED)]
        kept, reverts = _without_reverts(changes)
        return BaseDelta(changes=kept, reverts=reverts, advances=False, warnings=tuple(warnings))
    release = commit_at(source, name)
    warnings += _fingerprint(objects, source, keys, tags, base, version)
    advances = release.id != root.id and _is_ancestor(source, release.id, root.id)
    stable: list[BaseChange] = []
    if not advances:
        found = _released(objects, source, owned, keys, root, tags, version.sublevel)
        if found is None or not any(change.upstream for change in found):
            # One commit a release, or no way from root to it: nobody's signature to go by.
            found = [_squashed(objects, owned, root.tree_id.raw, release.tree_id.raw, Origin.UNSIGNED)]
            if found[0].changes:
                warnings.append(
                    f"the history from the root to v{version} names no upstream commits: "
                    "changes are told apart by their content"
                )
        stable = [change for change in found if change.changes]
    vendor = _history(objects, home, owned, keys, release.id, base, Origin.VENDOR)
    if vendor is None:
        vendor = [_squashed(objects, owned, release.tree_id.raw, base.tree_id.raw, Origin.VENDOR)]
    kept, reverts = _without_reverts([*stable, *(change for change in vendor if change.changes)])
    return BaseDelta(changes=kept, reverts=reverts, advances=advances, warnings=tuple(warnings))


def _squashed(objects: Objects, owned: OwnedPaths, before: Oid, after: Oid, origin: Origin) -> BaseChange:
    return BaseChange(
        origin=origin, commit=None, raw=None, changes=tuple(owned_changes(objects, owned, before, after))
    )


def _is_ancestor(repo: pygit2.Repository, ancestor: pygit2.Oid, descendant: pygit2.Oid) -> bool:
    try:
        return ancestor == descendant or repo.descendant_of(descendant, ancestor)
    except (KeyError, pygit2.GitError):
        return False


def _released(
    objects: Objects,
    source: pygit2.Repository,
    owned: OwnedPaths,
    keys: OwnedKeys,
    root: pygit2.Commit,
    tags: dict[int, str],
    sublevel: int,
) -> list[BaseChange] | None:
    """Commits from root to a release that touch owned paths; None where root is not behind the release.

    A release whose owned paths equal those of the one before is stepped over: thousands of commits of a
    stable line touch nothing of the stack.
    """
    stops = [commit_at(source, name) for number, name in tags.items() if number <= sublevel]
    start = root
    for at, stop in enumerate(stops):
        if stop.id == root.id:
            stops = stops[at + 1 :]
            break
    else:
        if not _is_ancestor(source, root.id, stops[-1].id):
            return None
        stops = [stop for stop in stops if not _is_ancestor(source, stop.id, root.id)]
    found: list[BaseChange] = []
    for stop in stops:
        if keys.key(start.tree_id.raw) != keys.key(stop.tree_id.raw):
            found += _between(objects, source, owned, keys, start.id, stop.id, Origin.STABLE)
        start = stop
    return found


def _history(
    objects: Objects,
    repo: pygit2.Repository,
    owned: OwnedPaths,
    keys: OwnedKeys,
    start: pygit2.Oid,
    base: pygit2.Commit,
    origin: Origin,
) -> list[BaseChange] | None:
    """Commits from start to the base that touch owned paths; None where start is not in the base's history."""
    if start == base.id:
        return []
    if repo.get(start) is None or not _is_ancestor(repo, start, base.id):
        return None
    return list(_between(objects, repo, owned, keys, start, base.id, origin))


def _between(
    objects: Objects,
    repo: pygit2.Repository,
    owned: OwnedPaths,
    keys: OwnedKeys,
    start: pygit2.Oid,
    stop: pygit2.Oid,
    origin: Origin,
) -> Iterator[BaseChange]:
    """Non-merge commits of start..stop that touch owned paths, oldest first."""
    walker = repo.walk(stop, pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.REVERSE)
    walker.hide(start)
    for commit in walker:
        if len(commit.parent_ids) != 1:
            continue
        parent = commit.parents[0]
        before, after = parent.tree_id.raw, commit.tree_id.raw
        if keys.key(before) == keys.key(after):
            continue
        every = tree_changes(objects, before, after, renames=False)
        mine, others = _split(every, owned)
        yield BaseChange(
            origin=origin, commit=str(commit.id), raw=read_commit(commit.read_raw()), changes=mine, shared=others
        )


def _split(
    changes: Iterable[BlobChange], owned: OwnedPaths
) -> tuple[tuple[BlobChange, ...], tuple[BlobChange, ...]]:
    mine: list[BlobChange] = []
    others: list[BlobChange] = []
    for change in changes:
        (mine if owned.contains(change.path) else others).append(change)
    return tuple(mine), tuple(others)


def _without_reverts(
    changes: Sequence[BaseChange],
) -> tuple[tuple[BaseChange, ...], tuple[tuple[BaseChange, BaseChange], ...]]:
    """Take out each change that a later one reverts, with its revert."""
    kept: list[BaseChange] = []
    pairs: list[tuple[BaseChange, BaseChange]] = []
    for change in changes:
        named = () if change.raw is None else reverted_ids(change.raw.message)
        match = next((other for other in reversed(kept) if {other.commit, *other.upstream} & set(named)), None)
        if match is None:
            kept.append(change)
        else:
            kept.remove(match)
            pairs.append((match, change))
    return tuple(kept), tuple(pairs)


def _fingerprint(
    objects: Objects,
    source: pygit2.Repository,
    keys: OwnedKeys,
    tags: dict[int, str],
    base: pygit2.Commit,
    version: KernelVersion,
) -> list[str]:
    """A warning where another release of the line is nearer to the base than the one its Makefile names."""
    wanted = keys.key(base.tree_id.raw)
    own = commit_at(source, tags[version.sublevel]).tree_id.raw
    if keys.key(own) == wanted:
        return []
    scores = {
        number: _likeness(objects, keys, wanted, commit_at(source, name).tree_id.raw) for number, name in tags.items()
    }
    best = max(scores.values())
    if scores[version.sublevel] == best:
        return []
    nearest = [number for number, score in scores.items() if score == best]
    shown = f"{version.version}.{version.patchlevel}.{nearest[-1]}"
    return [
        f"the base's Makefile says {version}, but its stack is nearest to that of v{shown}; "
        "the vendor may have taken later fixes"
    ]


def _likeness(objects: Objects, keys: OwnedKeys, wanted: Key, tree: Oid) -> int:
    """Number of files that are the same at owned paths."""
    score = 0
    for mine, theirs in zip(wanted, keys.key(tree), strict=True):
        if mine is None or theirs is None:
            continue
        if mine == theirs:
            score += 1
        if mine.is_tree and theirs.is_tree:
            left, right = objects.tree(mine.oid), objects.tree(theirs.oid)
            score += sum(1 for name, entry in left.items() if right.get(name) == entry)
    return score
