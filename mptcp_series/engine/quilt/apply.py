# SPDX-License-Identifier: MIT
"""One patch on files in memory: every hunk where it belongs, or why it does not fit.

Hunks are placed by `text/place`; what it cannot place for certain is not placed. A hunk that stands there already does
not fit either: GNU patch would refuse it, and the patch could not be popped. What a patch says of a file as a whole
(that it is new, gone, renamed, another mode) is held against the tree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import attrs

from ...values.binary import new_content
from ...values.filechange import ChangeKind, FileChange
from ...values.hunk import Hunk
from ...values.modes import SUBMODULE
from ...values.patchreader import unquote
from ...values.paths import check_tree_path
from ...values.result import Fate
from ..directory.changes import EXECUTABLE, LINK, REGULAR, FileState
from ..text.place import place
from ..text.straight import straight
from .files import Files, with_data, with_mode
from .parts import Blobs, HunkMerge, Part, Style, Word

__all__ = ["Applied", "AppliedFile", "AppliedHunk", "Blobs", "apply_changes", "change_path"]


@attrs.frozen(kw_only=True)
class AppliedHunk:
    """One hunk: where it was wanted and where it went.

    number: from 1 on, in its file. line: where it was looked for first, 1-based.
    why: what kept it out; empty for one that was placed.
    """

    number: int
    hunk: Hunk
    line: int
    offset: int = 0
    fuzz: int = 0
    why: str = ""
    parts: tuple[Part, ...] = ()
    """Of one that was merged: its changes. What collides is between markers then, and no reject."""

    @property
    def failed(self) -> bool:
        return bool(self.why)

    @property
    def rejected(self) -> bool:
        """Whether nothing of it is in the file."""
        return self.failed and not self.parts

    @property
    def guessed(self) -> bool:
        """Whether it went, without a person's help, where its context is not as it says."""
        return bool(self.fuzz) or any(part.word is Word.MERGED for part in self.parts)


@attrs.frozen(kw_only=True)
class AppliedFile:
    """One file of a patch: what it was, what it is now, and its hunks.

    trouble: what is wrong with the file as a whole; its hunks were not tried then.
    merged: whether it took a three-way merge with the files the patch was made from.
    """

    path: str
    old_path: str
    before: FileState | None
    after: FileState | None
    line: int
    """Of the patch file, where this file begins."""
    hunks: tuple[AppliedHunk, ...] = ()
    trouble: str = ""
    missing: bool = False
    merged: bool = False

    @property
    def failures(self) -> tuple[AppliedHunk, ...]:
        return tuple(hunk for hunk in self.hunks if hunk.failed)

    @property
    def rejects(self) -> tuple[AppliedHunk, ...]:
        return tuple(hunk for hunk in self.hunks if hunk.rejected)

    @property
    def clean(self) -> bool:
        return not self.trouble and not self.failures

    @property
    def exact(self) -> bool:
        """Whether every hunk stands where the patch says."""
        return (
            self.clean and not self.merged and all(not (hunk.offset or hunk.fuzz or hunk.parts) for hunk in self.hunks)
        )


@attrs.frozen(kw_only=True)
class Applied:
    """A patch on files: its files in the order of the patch."""

    files: tuple[AppliedFile, ...]

    @property
    def clean(self) -> bool:
        return all(file.clean for file in self.files)

    @property
    def fuzzy(self) -> bool:
        return any(hunk.fuzz for file in self.files for hunk in file.hunks)


@attrs.frozen
class _How:
    """How hunks are brought onto a file."""

    fuzz: int
    blobs: Blobs | None
    merge: Style | None


def apply_changes(
    files: Files,
    changes: Iterable[FileChange],
    *,
    fuzz: int = 0,
    blobs: Blobs | None = None,
    merge: Style | None = None,
) -> Applied:
    """Bring the changes of a patch onto the files, each after the one before it; what fits is put, failures or not.

    merge: what has no place is merged, and written so where it collides; fuzz counts for nothing then (patch(1)).
    """
    how = _How(0 if merge else fuzz, blobs, merge)
    return Applied(files=tuple(_apply(files, change, how) for change in changes))


def _apply(files: Files, change: FileChange, how: _How) -> AppliedFile:
    if change.kind in (ChangeKind.RENAME, ChangeKind.COPY):
        return _move(files, change, how)
    path = change_path(files, change)
    before = files.get(path)
    done = _changed(change, path, path, before, how)
    # Put even where nothing of it fits: the file is the patch's, and a person may finish it by hand.
    files.put(path, done.after)
    return done


def _move(files: Files, change: FileChange, how: _How) -> AppliedFile:
    assert change.old_path is not None
    assert change.new_path is not None
    before, there = files.get(change.old_path), files.get(change.new_path)
    done = _changed(change, change.new_path, change.old_path, before, how)
    done = attrs.evolve(done, before=there)
    if there is not None:
        verb = "renames" if change.kind is ChangeKind.RENAME else "copies"
        trouble = f"the patch {verb} {change.old_path} to {change.new_path}, which is there already"
        return attrs.evolve(done, after=there, trouble=trouble, hunks=())
    if done.trouble:
        return attrs.evolve(done, after=there)
    if change.kind is ChangeKind.RENAME:
        files.put(change.old_path, None)
    files.put(change.new_path, done.after)
    return done


def change_path(files: Files, change: FileChange) -> str:
    """The file a plain diff is about: of its two names those that are there, of these the simplest (patch(1))."""
    if change.kind is not ChangeKind.MODIFY or change.raw.startswith(b"diff --git ") or not change.hunks:
        return change.path
    names = [change.path, *_other_names(change)]
    there = [name for name in dict.fromkeys(names) if files.get(name) is not None]
    return min(there, key=_simplicity) if there else change.path


def _other_names(change: FileChange) -> list[str]:
    """The name of the `---` line, stripped as the one of the `+++` line was."""
    old = new = b""
    for line in change.raw.split(b"\n", 200)[:200]:
        if line.startswith((b"--- ", b"*** ")) and not old:
            old = unquote(line[4:].partition(b"\t")[0].rstrip())
        elif line.startswith((b"+++ ", b"--- ")) and old:
            new = unquote(line[4:].partition(b"\t")[0].rstrip())
            break
    known = change.path.encode("utf-8", "surrogateescape")
    for one, other in ((old, new), (new, old)):
        if other.endswith(known) and one != other:
            strip = other.count(b"/") - known.count(b"/")
            name = b"/".join(one.split(b"/")[strip:]).decode("utf-8", "surrogateescape")
            if name and check_tree_path(name) is None:
                return [name]
    return []


def _simplicity(name: str) -> tuple[int, int, int]:
    return name.count("/"), len(name.rpartition("/")[2]), len(name)


def _changed(change: FileChange, path: str, old_path: str, before: FileState | None, how: _How) -> AppliedFile:
    """The file after the change; `before` is what stands at the old path."""
    untouched = AppliedFile(path=path, old_path=old_path, before=before, after=before, line=change.line)
    if how.merge and change.kind is ChangeKind.ADD and before and before.data == change.added_content != b"":
        return attrs.evolve(untouched, hunks=_all_there(change))
    if trouble := _whole_trouble(change, path, before):
        missing = before is None and change.kind is not ChangeKind.ADD
        return attrs.evolve(untouched, trouble=trouble, missing=missing)
    if change.binary is not None:
        return _binary(change, change.binary, untouched)
    content = b"" if before is None else before.data
    data, hunks = _placed(content, _hunks(change, content), how.fuzz)
    merged = False
    if any(hunk.why for hunk in hunks) and (how.blobs is not None or how.merge is not None):
        data, hunks, merged = _merged(content, change, (data, hunks), how)
    failed = any(hunk.why for hunk in hunks)
    if change.kind is ChangeKind.DELETE and not failed and data:
        return attrs.evolve(untouched, trouble=f"the patch deletes {path}, which has more than what it takes away")
    gone = change.kind is ChangeKind.DELETE and not failed
    unmade = before is None and not data and failed
    return AppliedFile(
        path=path,
        old_path=old_path,
        before=before,
        after=None if gone or unmade else _stated(change, before, data),
        line=change.line,
        hunks=hunks,
        merged=merged,
    )


def _whole_trouble(change: FileChange, path: str, before: FileState | None) -> str:
    """What keeps a change from a file as a whole."""
    if SUBMODULE in (change.old_mode, change.new_mode):
        return f"{path} is a submodule, and no file a patch can change"
    if change.kind is ChangeKind.ADD:
        if before is not None and (before.data or before.mode == LINK):
            return f"the patch makes {path}, which is there already"
        return ""
    makes = not change.raw.startswith(b"diff --git ") and [h.old_count for h in change.hunks] == [0]
    if before is None:
        # A plain diff of `-0,0` may make the file (GNU patch); git would say "new file".
        return "" if makes else f"{change.old_path or path} is not there"
    kinds = {state >> 12 for state in (change.old_mode, before.mode) if state is not None}
    if len(kinds) > 1 or (before.mode == LINK and change.old_mode is None):
        return f"{path} is a symbolic link" if before.mode == LINK else f"{path} is a regular file"
    return ""


def _stated(change: FileChange, before: FileState | None, data: bytes) -> FileState:
    """The file with its new content and the mode the patch gives it."""
    state = with_data(before, data)
    if change.new_mode in (REGULAR, EXECUTABLE, LINK) and change.new_mode != change.old_mode:
        assert change.new_mode is not None
        return with_mode(state, change.new_mode)
    return state


def _hunks(change: FileChange, content: bytes) -> tuple[Hunk, ...]:
    """The hunks; of a patch whose every line was given a CR on its way, without these (GNU patch)."""
    if change.converted and b"\r\n" not in content:
        return tuple(hunk.without_carriage_returns() for hunk in change.hunks)
    return change.hunks


def _placed(content: bytes, hunks: Sequence[Hunk], fuzz: int) -> tuple[bytes, tuple[AppliedHunk, ...]]:
    unweighed = straight(content, hunks)
    if unweighed is not None:
        data, moved = unweighed
        shifts = [0, *moved]
        return data, tuple(
            AppliedHunk(number=number, hunk=hunk, line=hunk.old_start + shifts[number - 1], offset=shifts[number])
            for number, hunk in enumerate(hunks, start=1)
        )
    placement = place(content, hunks, fuzz=fuzz)
    found = []
    shift = 0
    for number, (hunk, placed) in enumerate(zip(hunks, placement.hunks, strict=True), start=1):
        why = placed.why
        if placed.fate is Fate.PRESENT:
            why = f"stands there already, at line {hunk.old_index + placed.offset + 1}"
        line = hunk.old_start + shift
        if placed.fate is Fate.APPLIED:
            shift = placed.offset
        offset = 0 if why else placed.offset
        found.append(AppliedHunk(number=number, hunk=hunk, line=line, offset=offset, fuzz=placed.fuzz, why=why))
    return placement.content, tuple(found)


def _merged(
    content: bytes, change: FileChange, placed: tuple[bytes, tuple[AppliedHunk, ...]], how: _How
) -> tuple[bytes, tuple[AppliedHunk, ...], bool]:
    """Hunks that found no place, merged: with the file the patch was made from, else as --merge has it."""
    from .merging import merge_hunks, merge_sides, three_way

    data, hunks = placed
    sides = None if how.blobs is None else three_way(content, change, how.blobs)
    if sides is not None and not sides.conflicts:
        return sides.content(), tuple(attrs.evolve(hunk, why="", offset=0, fuzz=0) for hunk in hunks), True
    if how.merge is None or change.kind in (ChangeKind.ADD, ChangeKind.DELETE):
        return data, hunks, False
    wanted = [hunk.hunk for hunk in hunks]
    made, found = (
        merge_hunks(content, wanted, how.merge) if sides is None else merge_sides(sides, change.hunks, how.merge)
    )
    return made, tuple(_merged_hunk(hunk, one) for hunk, one in zip(hunks, found, strict=True)), sides is not None


def _merged_hunk(hunk: AppliedHunk, merged: HunkMerge) -> AppliedHunk:
    return attrs.evolve(hunk, why=merged.why, offset=0 if merged.why else merged.offset, parts=merged.parts)


def _all_there(change: FileChange) -> tuple[AppliedHunk, ...]:
    """The hunks of a file that is what the patch makes it."""
    return tuple(
        AppliedHunk(
            number=number,
            hunk=hunk,
            line=hunk.new_start,
            parts=(Part(word=Word.ALREADY, first=hunk.new_start, last=hunk.new_start + hunk.new_count - 1),),
        )
        for number, hunk in enumerate(change.hunks, start=1)
    )


def _binary(change: FileChange, section: bytes, untouched: AppliedFile) -> AppliedFile:
    """A `GIT binary patch`: put where its pre-image is the one the index line names in full."""
    path, before = untouched.path, untouched.before
    if change.kind is not ChangeKind.ADD and (before is None or blob_id(before.data) != change.old_blob):
        return attrs.evolve(untouched, trouble=f"binary: {path} is not the file the patch was made from")
    if change.kind is ChangeKind.DELETE:
        return attrs.evolve(untouched, after=None)
    content = new_content(section, None if before is None else before.data, reverse=change.binary_reversed)
    if content is None or blob_id(content) != change.new_blob:
        return attrs.evolve(untouched, trouble=f"binary: the patch does not hold the content of {path}")
    return attrs.evolve(untouched, after=_stated(change, before, content))


def blob_id(data: bytes) -> str:
    """The id git gives a file of that content."""
    return hashlib.sha1(b"blob %d\0%s" % (len(data), data), usedforsecurity=False).hexdigest()
