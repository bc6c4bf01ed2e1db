# SPDX-License-Identifier: MIT
"""What a merge commit itself contributes: its result against the automatic merge of its parents.

A merge whose resolution on owned paths is not the automatic one holds work that no other commit
holds; a queue of non-merge commits would lose it. Only owned paths are looked at, file by file, so no
whole trees are merged. As git does it, several merge bases are merged into one first, and a file that one
side renamed is merged under its new name; only renames from owned paths to owned paths are seen.

What all this reads of files can be told before from trees alone, by merging as far as nothing has to be read.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import attrs
import pygit2
from pygit2.enums import SortMode

from ...values.paths import OwnedPaths
from ..store.objects import Entry, Objects, Oid
from ..text.merge import is_binary, merge
from ..text.similarity import THRESHOLD, similarity
from .change import BlobChange
from .owned import OwnedKeys

__all__ = ["Conflicting", "automatic_entry", "merge_bases", "merge_entries", "merge_resolution"]

Files = Mapping[str, Entry]
"""Owned files of a commit, by path."""

Sides = tuple[Entry | None, Entry | None, Entry | None]
"""Base, ours and theirs of one file of a three-way merge."""


class Blobs(Protocol):
    """Where the content of files is read and written: the objects of a run, or none at all."""

    def read(self, oid: Oid, /) -> bytes: ...

    def write(self, kind: str, data: bytes, /) -> Oid: ...


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
    merger = _Merger(source, objects, owned, objects)
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
    """Every file of a merge that `merge_resolution` reads or gives; only trees are read for it.

    None where trees tell that the merge is the automatic one. Else all sides of each file of which they do not: it was
    changed on both sides, or is not what its sides lead to. Where it takes content to know what is merged with what
    (a rename to be told by likeness, merge bases that changed one file), each file that is not the same everywhere.
    """
    merger = _Merger(source, objects, owned, _Unread())
    result = merger.files(commit.id)
    found: set[Entry | None] = set()
    try:
        sides = merger.sides(commit.parent_ids, Conflicting.THEIRS)
    except _ContentNeeded:
        names = {commit.id, *commit.parent_ids, *merger.all_bases(commit.parent_ids)}
        everywhere = [merger.files(name) for name in names]
        for path in {path for files in everywhere for path in files}:
            entries = {files.get(path) for files in everywhere}
            found |= entries if len(entries) > 1 else set()
    else:
        for path in {*sides, *result}:
            three, after = sides.get(path, (None, None, None)), result.get(path)
            if not merger.leads_to(three, after):
                found |= {*three, after}
    return frozenset(entry for entry in found if entry is not None)


class _ContentNeeded(Exception):
    """Trees alone do not tell."""


class _Unread:
    """No content of any file."""

    def read(self, oid: Oid, /) -> bytes:
        raise _ContentNeeded

    def write(self, kind: str, data: bytes, /) -> Oid:
        raise _ContentNeeded


@attrs.frozen
class _Merger:
    """Merges commits as far as they are owned."""

    source: pygit2.Repository
    objects: Objects
    owned: OwnedPaths
    blobs: Blobs

    def files(self, identifier: pygit2.Oid) -> Files:
        commit = self.source[identifier]
        assert isinstance(commit, pygit2.Commit)
        return OwnedKeys.of(self.objects, self.owned).files(commit.tree_id.raw)

    def merged(self, commits: Sequence[pygit2.Oid], conflicting: Conflicting) -> Files:
        """The automatic merge of some commits, one after another; nothing for none."""
        if len(commits) < 2:
            return self.files(commits[0]) if commits else {}
        sides = self.sides(commits, conflicting)
        merged = {path: automatic_entry(self.blobs, *three, conflicting) for path, three in sides.items()}
        return {path: entry for path, entry in merged.items() if entry is not None}

    def sides(self, commits: Sequence[pygit2.Oid], conflicting: Conflicting) -> Mapping[str, Sides]:
        """What is merged with what, by path, when the last of two commits or more is merged into the others."""
        *before, other = commits
        base = self.merged(merge_bases(self.source, other, before), Conflicting.UNSETTLED)
        return _sides(self.blobs, base, self.merged(before, conflicting), self.files(other))

    def leads_to(self, sides: Sides, result: Entry | None) -> bool:
        """Whether the automatic merge of one file is known to end with this."""
        try:
            return automatic_entry(self.blobs, *sides) == result
        except _ContentNeeded:
            return False

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


def _sides(blobs: Blobs, base: Files, ours: Files, theirs: Files) -> dict[str, Sides]:
    """What is merged with what, by the path it ends at."""
    sides = {path: (base.get(path), ours.get(path), theirs.get(path)) for path in sorted({*base, *ours, *theirs})}
    if base:
        our_moves = dict(_moves(blobs, base, ours, theirs))
        their_moves = dict(_moves(blobs, base, theirs, ours))
        for old in sorted({*our_moves, *their_moves}):
            mine, other = our_moves.get(old, old), their_moves.get(old, old)
            new = mine if mine != old else other
            if {mine, other} <= {old, new} and old in sides:
                three = (base[old], ours.get(mine), theirs.get(other))
                # What else came to the new place (an add/add), or stayed at the old one, is a conflict to a person.
                if None not in three and sides[new][0] is None and (mine == other or None in sides[new][1:]):
                    del sides[old]
                    sides[new] = three
    return sides


def _moves(blobs: Blobs, base: Files, side: Files, other: Files) -> Iterator[tuple[str, str]]:
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
        if (score := similarity(blobs.read(base[old].oid), blobs.read(entry.oid))) >= THRESHOLD
    )
    for _, _, path, old in scored:
        if path in new and old in wanted:
            del new[path]
            wanted.remove(old)
            yield old, path


def _same_name(one: str, other: str) -> bool:
    return one.rpartition("/")[2] == other.rpartition("/")[2]


def automatic_entry(
    blobs: Blobs,
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
    texts = [b"" if entry is None else blobs.read(entry.oid) for entry in (before, ours, theirs)]
    if any(is_binary(text) for text in texts):
        return unmerged
    found = merge(*texts)
    content = found.content() if conflicting is Conflicting.THEIRS else found.with_markers("ours", "base", "theirs")
    return Entry(mode, blobs.write("blob", content))
