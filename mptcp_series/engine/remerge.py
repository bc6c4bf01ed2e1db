# SPDX-License-Identifier: MIT
"""What a merge commit itself contributes: its result against the automatic merge of its parents.

A merge whose resolution on owned paths is not the automatic one holds work that no other commit
holds; a queue of non-merge commits would lose it. Only owned paths are looked at, file by file, so no
whole trees are merged.
"""

from __future__ import annotations

import pygit2

from ..values.paths import OwnedPaths
from .change import BlobChange
from .merge import is_binary, merge
from .objects import Entry, Objects
from .owned import owned_files
from .tree import TreeEditor

__all__ = ["automatic_entry", "merge_resolution"]


def merge_resolution(
    source: pygit2.Repository, objects: Objects, commit: pygit2.Commit, owned: OwnedPaths
) -> tuple[BlobChange, ...]:
    """Changes from the automatic merge of the first two parents to the merge commit, on owned paths.

    Where the automatic merge conflicts, its conflicting lines are taken from the second parent: the
    replay of the merged commits in order ends there too. An octopus merge has no automatic result of
    its own; the first two parents are compared.
    """
    first, second = commit.parent_ids[:2]
    base_id = source.merge_base(first, second)
    sides = [
        _owned_files(objects, source, identifier, owned) if identifier is not None else {}
        for identifier in (base_id, first, second, commit.id)
    ]
    base, ours, theirs, result = sides
    changes = []
    for path in sorted({*ours, *theirs, *result}):
        expected = automatic_entry(objects, base.get(path), ours.get(path), theirs.get(path))
        actual = result.get(path)
        if expected != actual:
            changes.append(BlobChange(path=path, old_path=path, old=expected, new=actual))
    return tuple(changes)


def _owned_files(
    objects: Objects, source: pygit2.Repository, identifier: pygit2.Oid, owned: OwnedPaths
) -> dict[str, Entry]:
    commit = source[identifier]
    assert isinstance(commit, pygit2.Commit)
    return owned_files(TreeEditor(objects, commit.tree_id.raw), owned.patterns)


def automatic_entry(objects: Objects, base: Entry | None, ours: Entry | None, theirs: Entry | None) -> Entry | None:
    """The entry an automatic three-way merge ends with; theirs wins where it conflicts."""
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    if ours is None or theirs is None or not (ours.is_text and theirs.is_text):
        return theirs
    texts = [b"" if entry is None else objects.read(entry.oid) for entry in (base, ours, theirs)]
    if any(is_binary(text) for text in texts):
        return theirs
    mode = ours.mode if base is not None and theirs.mode == base.mode else theirs.mode
    return Entry(mode, objects.write("blob", merge(*texts).content()))
