# SPDX-License-Identifier: MIT
"""What a merge commit itself contributes: its result against the automatic merge of its parents.

A merge whose resolution on owned paths is not the automatic one holds work that no other commit
holds; a queue of non-merge commits would lose it. Only owned paths are looked at, file by file, so no
whole trees are merged. As git does it, several merge bases are merged into one first, and a file that one
side renamed is merged under its new name; only renames from owned paths to owned paths are seen.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence

import attrs
import pygit2
from pygit2.enums import SortMode

from ...values.paths import OwnedPaths
from ..store.objects import Entry, Objects
from ..text.merge import is_binary, merge
from ..text.similarity import THRESHOLD, similarity
from .change import BlobChange
from .owned import OwnedKeys

__all__ = ["Conflicting", "automatic_entry", "merge_bases", "merge_entries", "merge_resolution"]

Files = Mapping[str, Entry]
"""Owned files of a commit, by path."""


class Conflicting(enum.Enum):
    """What stands where an automatic merge conflicts."""

    THEIRS = "theirs"
    """What the second side has: the replay of the merged commits in order ends there too."""
    UNSETTLED = "unsettled"
    """Both, between markers, and of what has no lines the base: of merge bases that are merged (as git does it)."""


def merge_resolution(
    source: pygit2.Repository, objects: Objects, commit: pygit2.Commit, owned: OwnedPaths
) -> tuple[BlobChange, ...]:
    """Changes from the automatic merge of the parents to the merge commit, on owned paths.

    Where the automatic merge conflicts, its conflicting lines are taken from the later parent: the
    replay of the merged commits in order ends there too. The parents of an octopus are merged one after another.
    """
    merger = _Merger(source, objects, owned)
    expected = merger.merged(commit.parent_ids, Conflicting.THEIRS)
    result = merger.files(commit.id)
    return tuple(
        BlobChange(path=path, old_path=path, old=expected.get(path), new=result.get(path))
        for path in sorted({*expected, *result})
        if expected.get(path) != result.get(path)
    )


def merge_entries(
    source: pygit2.Repository, objects: Objects, commit: pygit2.Commit, owned: OwnedPaths
) -> frozenset[Entry]:
    """Every file `merge_resolution` may read: those that are not the same in all commits it looks at."""
    merger = _Merger(source, objects, owned)
    sides = [merger.files(name) for name in {commit.id, *commit.parent_ids, *merger.all_bases(commit.parent_ids)}]
    found: set[Entry] = set()
    for path in {path for side in sides for path in side}:
        entries = {side.get(path) for side in sides}
        if len(entries) > 1:
            found |= {entry for entry in entries if entry is not None}
    return frozenset(found)


@attrs.frozen
class _Merger:
    """Merges commits as far as they are owned."""

    source: pygit2.Repository
    objects: Objects
    owned: OwnedPaths

    def files(self, identifier: pygit2.Oid) -> Files:
        commit = self.source[identifier]
        assert isinstance(commit, pygit2.Commit)
        return OwnedKeys.of(self.objects, self.owned).files(commit.tree_id.raw)

    def merged(self, commits: Sequence[pygit2.Oid], conflicting: Conflicting) -> Files:
        """The automatic merge of some commits, one after another; nothing for none."""
        if not commits:
            return {}
        files = self.files(commits[0])
        for at, other in enumerate(commits[1:], 1):
            bases = merge_bases(self.source, other, commits[:at])
            base = self.merged(bases, Conflicting.UNSETTLED)
            files = _merged_files(self.objects, base, files, self.files(other), conflicting)
        return files

    def all_bases(self, commits: Sequence[pygit2.Oid]) -> Iterator[pygit2.Oid]:
        """Every commit `merged` looks at, but those given."""
        for at, other in enumerate(commits[1:], 1):
            bases = merge_bases(self.source, other, commits[:at])
            yield from bases
            yield from self.all_bases(bases)


def merge_bases(source: pygit2.Repository, one: pygit2.Oid, others: Sequence[pygit2.Oid]) -> list[pygit2.Oid]:
    """All merge bases of a commit and a merge of others, oldest first (`git merge-base --all`).

    libgit2 tells one of them. Any other one is not reachable from it, so the commits that are not are looked at: those
    both sides have, and of which no child is one that both have, are merge bases too.
    """
    first = source.merge_base_many([one, *others])
    if first is None:
        return []
    walker = source.walk(one, SortMode.TOPOLOGICAL)
    for other in others:
        walker.push(other)
    walker.hide(first)
    # Bit 0: in `one`, bit 1: in `others`, bit 2: below a commit that is in both.
    marks: dict[pygit2.Oid, int] = {one: 1}
    for other in others:
        marks[other] = marks.get(other, 0) | 2
    found: list[pygit2.Commit] = []
    for commit in walker:
        mark = marks.get(commit.id, 0)
        if mark == 3:
            found.append(commit)
        below = mark | 4 if mark & 3 == 3 else mark
        for parent in commit.parent_ids:
            marks[parent] = marks.get(parent, 0) | below
    if not marks.get(first, 0) & 4:
        best = source[first]
        assert isinstance(best, pygit2.Commit)
        found.append(best)
    return [commit.id for commit in sorted(found, key=lambda commit: (commit.commit_time, str(commit.id)))]


def _merged_files(objects: Objects, base: Files, ours: Files, theirs: Files, conflicting: Conflicting) -> Files:
    sides = {path: (base.get(path), ours.get(path), theirs.get(path)) for path in sorted({*base, *ours, *theirs})}
    if base:
        our_moves = dict(_moves(objects, base, ours, theirs))
        their_moves = dict(_moves(objects, base, theirs, ours))
        for old in sorted({*our_moves, *their_moves}):
            mine, other = our_moves.get(old, old), their_moves.get(old, old)
            new = mine if mine != old else other
            if {mine, other} <= {old, new} and old in sides:
                three = (base[old], ours.get(mine), theirs.get(other))
                # What else came to the new place (an add/add), or stayed at the old one, is a conflict to a person.
                if None not in three and sides[new][0] is None and (mine == other or None in sides[new][1:]):
                    del sides[old]
                    sides[new] = three
    merged = {path: automatic_entry(objects, *three, conflicting) for path, three in sides.items()}
    return {path: entry for path, entry in merged.items() if entry is not None}


def _moves(objects: Objects, base: Files, side: Files, other: Files) -> Iterator[tuple[str, str]]:
    """Files that a side has under another name, (old, new), if the other side changed them; as git pairs them."""
    gone = [path for path in base if path not in side]
    wanted = [path for path in gone if other.get(path) != base[path]]
    if not wanted:
        return
    new = {path: entry for path, entry in side.items() if path not in base and entry.is_text}
    for old in gone:
        same = [path for path, entry in new.items() if entry.oid == base[old].oid]
        if same:
            path = min(same, key=lambda path: (not _same_name(path, old), path))
            del new[path]
            if old in wanted:
                wanted.remove(old)
                yield old, path
    scored = sorted(
        (-score, not _same_name(path, old), path, old)
        for old in wanted
        if base[old].is_text
        for path, entry in new.items()
        if (score := similarity(objects.read(base[old].oid), objects.read(entry.oid))) >= THRESHOLD
    )
    for _, _, path, old in scored:
        if path in new and old in wanted:
            del new[path]
            wanted.remove(old)
            yield old, path


def _same_name(one: str, other: str) -> bool:
    return one.rpartition("/")[2] == other.rpartition("/")[2]


def automatic_entry(
    objects: Objects,
    base: Entry | None,
    ours: Entry | None,
    theirs: Entry | None,
    conflicting: Conflicting = Conflicting.THEIRS,
) -> Entry | None:
    """The entry an automatic three-way merge ends with."""
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    unmerged = theirs if conflicting is Conflicting.THEIRS else base
    if ours is None or theirs is None or not (ours.is_text and theirs.is_text):
        return unmerged
    before = base if base is not None and base.is_text else None
    mode = ours.mode if before is not None and theirs.mode == before.mode else theirs.mode
    if before is not None and before.oid in (ours.oid, theirs.oid):
        return Entry(mode, theirs.oid if before.oid == ours.oid else ours.oid)
    if ours.oid == theirs.oid:
        return Entry(mode, ours.oid)
    texts = [b"" if entry is None else objects.read(entry.oid) for entry in (before, ours, theirs)]
    if any(is_binary(text) for text in texts):
        return unmerged
    found = merge(*texts)
    content = found.content() if conflicting is Conflicting.THEIRS else found.with_markers("ours", "base", "theirs")
    return Entry(mode, objects.write("blob", content))
