# SPDX-License-Identifier: MIT
"""What a patch did to the same files before: many bases, one computation.

Two bases that hold the same files at the paths a patch touches get the same outcome from it, and two
that do so at all paths of a queue get the same run. Where an outcome depends on anything else (a file
that is looked for under other names, something in the way of a path) nothing is remembered.

The memo is for dry runs over many bases of one queue; a run with a memo makes no commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from ...values.override import Override
from ...values.patch import ChangeKind
from ...values.result import Conflict, Drift, PatchOutcome, PathOutcome
from ..store.objects import Entry, Objects
from ..store.tree import TreeEditor
from .change import BlobChange, Change
from .item import Item, touched_paths
from .overrides import override_diff, override_file

__all__ = ["Memo", "Remembered", "RememberedRun", "RunKey", "Writes"]

Key = tuple[object, ...]


@attrs.frozen(kw_only=True, eq=False)
class Writes:
    """Files that a run wrote, and the content of those that no repository has."""

    objects: Objects
    """Of the run that made them."""
    entries: tuple[tuple[str, Entry | None], ...]
    made: tuple[bytes, ...]

    @classmethod
    def of(cls, objects: Objects, entries: Iterable[tuple[str, Entry | None]]) -> Writes:
        entries = tuple(entries)
        new = objects.made()
        made = tuple(new[entry.oid][1] for _, entry in entries if entry is not None and entry.oid in new)
        return cls(objects=objects, entries=entries, made=made)

    def put(self, objects: Objects, tree: TreeEditor) -> None:
        """Write them again, maybe in another repository."""
        if objects is not self.objects:
            for content in self.made:
                objects.write("blob", content)
        for path, entry in self.entries:
            tree.put(path, entry)


@attrs.frozen(kw_only=True)
class Remembered:
    """What bringing a patch onto certain files came to."""

    paths: tuple[PathOutcome, ...]
    conflicts: tuple[Conflict, ...]
    drift: tuple[Drift, ...]
    writes: Writes


@attrs.frozen(kw_only=True)
class RememberedRun:
    """What a run of several patches came to."""

    outcomes: tuple[PatchOutcome, ...]
    drift: tuple[Drift, ...]
    used: tuple[str, ...]
    broken: bool
    writes: Writes


@attrs.frozen(kw_only=True)
class _Reads:
    """What is read of an item, once."""

    item: Item
    number: int
    """The same for items that are the same patch."""
    paths: tuple[str, ...]
    expected: frozenset[str]
    """Paths of files that must be there, or are looked for under other names."""


@attrs.frozen(kw_only=True)
class RunKey:
    """Some patches on the files they touch."""

    patches: int
    paths: tuple[str, ...]
    entries: tuple[Entry | None, ...]

    @property
    def identity(self) -> Key:
        return (self.patches, self.entries)


class Memo:
    """Outcomes by patch, override and the files the patch touches."""

    def __init__(self) -> None:
        self._known: dict[Key, Remembered] = {}
        self._runs: dict[Key, RememberedRun] = {}
        self._reads: dict[int, _Reads] = {}
        self._numbers: dict[Key, int] = {}
        self._paths: dict[int, tuple[str, ...]] = {}
        self.hits = 0
        """Outcomes of a patch that were known, those of known runs included."""
        self.misses = 0
        """Outcomes that had to be worked out."""

    def key(self, item: Item, override: Override | None, tree: TreeEditor) -> Key | None:
        """The key of one patch on a tree; None where its outcome depends on more than the files it names."""
        reads = self._of(item)
        paths: Sequence[str] = reads.paths
        if override is not None and override.diff:
            paths = _with_diff(paths, override)
        entries = _entries(tree, paths, reads.expected)
        if entries is None:
            return None
        return (reads.number, None if override is None else override_file(override), *entries)

    def get(self, key: Key | None) -> Remembered | None:
        """What is known under a key."""
        found = None if key is None else self._known.get(key)
        self.hits += found is not None
        self.misses += found is None
        return found

    def put(self, key: Key, remembered: Remembered) -> None:
        self._known[key] = remembered

    def run_key(self, items: Sequence[Item], overrides: Mapping[str, Override], tree: TreeEditor) -> RunKey | None:
        """The key of several patches in a row on a tree; None where something is in the way of one of them."""
        named = [
            (self._of(item).number, item.skip_reason is None, override_file(overrides[item.name]))
            if item.name in overrides
            else (self._of(item).number, item.skip_reason is None)
            for item in items
        ]
        patches = self._number(tuple(named))
        paths = self._paths.get(patches)
        if paths is None:
            diffs = [overrides[item.name] for item in items if item.name in overrides and overrides[item.name].diff]
            found = {path for item in items for path in self._of(item).paths}
            found.update(path for override in diffs for path in _with_diff((), override))
            paths = self._paths[patches] = tuple(sorted(found))
        entries = _entries(tree, paths, frozenset())
        return None if entries is None else RunKey(patches=patches, paths=paths, entries=entries)

    def get_run(self, key: RunKey) -> RememberedRun | None:
        found = self._runs.get(key.identity)
        self.hits += 0 if found is None else len(found.outcomes)
        return found

    def put_run(self, key: RunKey, run: RememberedRun) -> None:
        self._runs[key.identity] = run

    def _of(self, item: Item) -> _Reads:
        known = self._reads.get(id(item))
        if known is None or known.item is not item:
            # Entries that alignment makes are made anew for each base.
            content: object = item.changes if item.commit is None else item.commit
            known = self._reads[id(item)] = _Reads(
                item=item,
                number=self._number((item.name, item.kind, item.subject, content)),
                paths=tuple(sorted(touched_paths(item.changes))),
                expected=frozenset(change.old_path for change in item.changes if _expects(change)),
            )
        return known

    def _number(self, key: Key) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


def _expects(change: Change) -> bool:
    """Whether a change is to a file that is there already."""
    return change.old is not None if isinstance(change, BlobChange) else change.file.kind is not ChangeKind.ADD


def _with_diff(paths: Sequence[str], override: Override) -> Sequence[str]:
    found = set(paths)
    for file in override_diff(override, []):
        found.add(file.path)
        if file.old_path is not None:
            found.add(file.old_path)
    return sorted(found)


def _entries(tree: TreeEditor, paths: Sequence[str], expected: frozenset[str]) -> tuple[Entry | None, ...] | None:
    """What a tree has at some paths; None where that is not all an outcome depends on."""
    entries = []
    for path in paths:
        entry = tree.get(path)
        if entry is None and (path in expected or tree.is_blocked(path)):
            return None
        entries.append(entry)
    return tuple(entries)
