# SPDX-License-Identifier: MIT
"""One path of one patch on the tree as it stands: what becomes of it.

`settle` compares three entries (pre-image, post-image, current) the way git's merge does, and gives a
value: the entry to write, the status, the fate of every hunk, the conflicts. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from ...values.binary import new_content
from ...values.hunk import Hunk, hunk_ids
from ...values.patch import ChangeKind, FileChange
from ...values.result import Account, Conflict, Fate, Status
from ..store.objects import EXECUTABLE, LINK, REGULAR, SUBMODULE, Entry, Objects, hexed
from ..text.merge import Merge, Region, hunk_at, is_binary, merge, merge_fates, places_exactly, splice
from ..text.place import place
from .change import BlobChange, TextChange, count_hunks, entry_text, file_hunks, made_entry

__all__ = ["Labels", "Settled", "settle", "settle_text"]


@attrs.frozen(kw_only=True)
class Labels:
    """What the sides of a conflict are called in its markers."""

    ours: str
    base: str
    theirs: str


@attrs.frozen(kw_only=True)
class Settled:
    """What became of one path. On a conflict, `entry` is what the patch wants: the best guess to go on with."""

    entry: Entry | None
    status: Status
    account: Account | Callable[[], Account]
    conflicts: tuple[Conflict, ...] = ()
    fuzz: int = 0
    """Context lines that were left out, at most; above 0 only where that was asked for."""
    marked: bytes | None = None
    """The whole file with diff3 markers, where the conflict is one of lines."""


def settle(objects: Objects, change: BlobChange, current: Entry | None, path: str, labels: Labels) -> Settled:
    """Bring a change with known blobs onto the current entry of `path`."""
    old, new = change.old, change.new
    if current == old:
        return _whole(objects, change, new, Status.CLEAN, Fate.APPLIED)
    if current == new:
        return _whole(objects, change, new, Status.UPSTREAM, Fate.PRESENT)
    if old is None:
        assert new is not None
        if current is not None and current.oid == new.oid:
            return _refused(objects, change, path, _modes(path, None, current, new))
        return _refused(
            objects,
            change,
            path,
            f"add/add: the patch adds {path}, and the base has a different file there",
            labels,
            current,
        )
    if new is None:
        return _refused(
            objects,
            change,
            path,
            f"delete/modify: the patch deletes {path}, which differs from the one it deletes",
            labels,
            current,
        )
    if current is None:
        return _refused(objects, change, path, f"modify/delete: the patch changes {path}, which is not there")
    return _three_way(objects, change, old, new, current, path, labels)


def _whole(objects: Objects, change: BlobChange, entry: Entry | None, status: Status, fate: Fate) -> Settled:
    return Settled(entry=entry, status=status, account=lambda: _all(fate, count_hunks(objects, change.old, change.new)))


def _all(fate: Fate, count: int) -> Account:
    return Account.of([fate] * count)


def _refused(
    objects: Objects,
    change: BlobChange,
    path: str,
    why: str,
    labels: Labels | None = None,
    current: Entry | None = None,
) -> Settled:
    """All of the path's hunks in conflict; the texts are shown where there are two to compare."""
    marked = None
    if labels is not None and current is not None and change.new is not None:
        texts = [entry_text(objects, entry) for entry in (change.old, current, change.new)]
        if not any(is_binary(text) for text in texts):
            marked = merge(*texts).with_markers(labels.ours, labels.base, labels.theirs)
    count = count_hunks(objects, change.old, change.new)
    return Settled(
        entry=change.new,
        status=Status.CONFLICT,
        account=_all(Fate.CONFLICT, count),
        conflicts=(Conflict(path=path, hunk=None, text=why),),
        marked=marked,
    )


_MODE_WORDS = {REGULAR: "a file", EXECUTABLE: "an executable file", LINK: "a symbolic link", SUBMODULE: "a submodule"}


def _modes(path: str, old: Entry | None, current: Entry, new: Entry) -> str:
    was = "" if old is None else f"from {_MODE_WORDS.get(old.mode, oct(old.mode))} "
    return (
        f"mode: the patch makes {path} {was}{_MODE_WORDS.get(new.mode, oct(new.mode))}, "
        f"on the base it is {_MODE_WORDS.get(current.mode, oct(current.mode))}"
    )


def _merged_mode(old: int, current: int, new: int) -> int | None:
    if current in (old, new):
        return new
    # A file on one side and a link on the other is nothing to merge, whatever they hold.
    return current if new == old and current >> 12 == old >> 12 else None


def _three_way(
    objects: Objects, change: BlobChange, old: Entry, new: Entry, current: Entry, path: str, labels: Labels
) -> Settled:
    mode = _merged_mode(old.mode, current.mode, new.mode)
    if mode is None:
        return _refused(objects, change, path, _modes(path, old, current, new))
    if current.oid == old.oid or old.oid == new.oid or current.oid == new.oid:
        # Only one side changed the content; the modes differed.
        fate = Fate.PRESENT if current.oid == new.oid and old.oid != new.oid else Fate.APPLIED
        oid = new.oid if current.oid == old.oid else current.oid
        merged = Entry(mode, oid)
        status = Status.UPSTREAM if merged == current else Status.MERGED
        return _whole(objects, change, merged, status, fate)
    if not (old.is_text and new.is_text and current.is_text):
        return _refused(objects, change, path, f"{path} is {_MODE_WORDS.get(current.mode)}, which cannot be merged")
    before, now, after = (objects.read(entry.oid) for entry in (old, current, new))
    if is_binary(before) or is_binary(after) or is_binary(now):
        return _refused(objects, change, path, f"binary: {path} differs from the file the patch changes")
    joined = splice(before, now, after)
    if joined is not None:
        # To cut the hunks takes longer than the merge, and they are not needed to know how they fare.
        return Settled(
            entry=Entry(mode, objects.write("blob", joined, like=current.oid)),
            status=Status.OFFSET,
            account=lambda: _all(Fate.APPLIED, count_hunks(objects, old, new)),
        )
    result = merge(before, now, after)
    hunks = file_hunks(objects, old, new)
    fates = merge_fates(result, hunks)
    ids = hunk_ids(hunks) if result.conflicts else []
    conflicts = tuple(
        Conflict(path=path, hunk=_hunk_of(region, hunks, ids), text=_excerpt(result, region, labels))
        for region in result.conflicts
    )
    entry = Entry(mode, objects.write("blob", result.content(), like=current.oid))
    if conflicts:
        status = Status.CONFLICT
    elif entry == current:
        status = Status.UPSTREAM
    elif places_exactly(result, hunks):
        status = Status.OFFSET
    else:
        status = Status.MERGED
    return Settled(
        entry=entry,
        status=status,
        account=Account.of(fates),
        conflicts=conflicts,
        marked=result.with_markers(labels.ours, labels.base, labels.theirs) if conflicts else None,
    )


def _excerpt(result: Merge, region: Region, labels: Labels) -> str:
    return result.excerpt(region, labels.ours, labels.base, labels.theirs).decode("utf-8", "backslashreplace")


def _hunk_of(region: Region, hunks: Sequence[Hunk], ids: Sequence[str]) -> str | None:
    """Id of the hunk whose change collides in this region."""
    at = hunk_at(region, hunks)
    return None if at is None else ids[at]


def settle_text(objects: Objects, change: TextChange, current: Entry | None, path: str, *, fuzz: int = 0) -> Settled:
    """Place a change that has hunks but no blobs, with at most so much fuzz."""
    file = change.file
    hunks = file.hunks
    if file.binary is not None:
        return _settle_binary(objects, change, file.binary, current, path)
    if file.kind is ChangeKind.ADD or (current is None and _makes_file(file)):
        return _settle_added(objects, change, current, path)
    if current is None:
        if file.kind is ChangeKind.DELETE:
            return Settled(entry=None, status=Status.UPSTREAM, account=Account(present=len(hunks)))
        return _text_conflict(change, path, f"modify/delete: the patch changes {path}, which is not there")
    if not current.is_text and not (file.kind is ChangeKind.DELETE and file.old_mode == current.mode == LINK):
        what = _MODE_WORDS.get(current.mode, oct(current.mode))
        return _text_conflict(change, path, f"{path} is {what}, which has no lines", current)
    mode = _text_mode(file, current.mode)
    if mode is None:
        what = _MODE_WORDS.get(current.mode, oct(current.mode))
        return _text_conflict(change, path, f"mode: {path} is {what} on the base", current)
    content = objects.read(current.oid)
    if file.converted and b"\r\n" not in content:
        # As GNU patch does with a patch whose every line ends in CR LF: something on its way wrote these.
        hunks = tuple(hunk.without_carriage_returns() for hunk in hunks)
    placement = place(content, hunks, fuzz=fuzz)
    fates = [placed.fate for placed in placement.hunks]
    conflicts = tuple(
        Conflict(path=path, hunk=identifier, text=f"{placed.why}\n{_shown(hunk)}")
        for placed, identifier, hunk in zip(placement.hunks, file.hunk_ids, file.hunks, strict=True)
        if placed.fate is Fate.CONFLICT
    )
    entry: Entry | None = Entry(mode, objects.write("blob", placement.content))
    if file.kind is ChangeKind.DELETE:
        if not conflicts and placement.content:
            return _text_conflict(change, path, f"delete/modify: {path} has more than the patch deletes", current)
        entry = None if not conflicts else entry
    if conflicts:
        status = Status.CONFLICT
    elif entry == current:
        status = Status.UPSTREAM
    elif placement.exact:
        status = Status.CLEAN
    else:
        status = Status.MERGED if placement.fuzz else Status.OFFSET
    return Settled(entry=entry, status=status, account=Account.of(fates), conflicts=conflicts, fuzz=placement.fuzz)


def _settle_binary(objects: Objects, change: TextChange, section: bytes, current: Entry | None, path: str) -> Settled:
    """Put the content of a `GIT binary patch` where its pre-image is the one the index line names, in full.

    As `git apply` does: without the full ids of both images nothing tells what a patch is for, or whether it is whole.
    """
    file = change.file
    deletes = file.kind is ChangeKind.DELETE
    stands = current is None if file.kind is ChangeKind.ADD else current and hexed(current.oid) == file.old_blob
    old = objects.read(current.oid) if current is not None and stands else None
    content = b"" if deletes else new_content(section, old, reverse=file.binary_reversed)
    if content is not None and not deletes and hexed(objects.write("blob", content)) != file.new_blob:
        # The patch was edited, or its index line cut: what it holds is not what it says that it leads to.
        content = None
    if current is not None and not deletes and hexed(current.oid) == file.new_blob:
        content = objects.read(current.oid)
    if content is None:
        if current is not None and not stands and file.old_blob is not None and len(file.old_blob) == 40:
            return _text_conflict(change, path, f"binary: {path} differs from the file the patch changes", current)
        return _text_conflict(change, path, "binary: needs the blobs it was made from; name a source that has them")
    mode = (file.new_mode or REGULAR) if current is None else _text_mode(file, current.mode)
    if mode is None:
        return _text_conflict(change, path, f"mode: the patch and the base disagree on what {path} is", current)
    wanted = None if deletes else Entry(mode, objects.write("blob", content))
    if current == wanted:
        return Settled(entry=wanted, status=Status.UPSTREAM, account=Account(present=1))
    if not stands:
        return _text_conflict(change, path, f"binary: {path} differs from the file the patch changes", wanted)
    return Settled(entry=wanted, status=Status.CLEAN, account=Account(applied=1))


def _text_mode(file: FileChange, current: int) -> int | None:
    """The mode a file gets; None where patch and base disagree. An index line states a mode and changes none."""
    if file.new_mode is None or file.kind is ChangeKind.DELETE:
        return current
    return file.new_mode if file.old_mode is None else _merged_mode(file.old_mode, current, file.new_mode)


def _makes_file(file: FileChange) -> bool:
    """Whether a plain diff may make a file: GNU patch reads `-0,0` as of an empty file, or none. Git says which."""
    return (
        file.kind is ChangeKind.MODIFY
        and not file.raw.startswith(b"diff --git ")
        and [(hunk.old_start, hunk.old_count) for hunk in file.hunks] == [(0, 0)]
    )


def _settle_added(objects: Objects, change: TextChange, current: Entry | None, path: str) -> Settled:
    file = change.file
    count = len(file.hunks)
    content = file.added_content
    wanted = made_entry(objects, file.new_mode if file.new_mode is not None else REGULAR, content)
    if wanted is None:
        return _text_conflict(change, path, f"{path} is a submodule, and no line says which commit of it", current)
    if current is None:
        return Settled(entry=wanted, status=Status.CLEAN, account=Account(applied=count))
    if current == wanted:
        return Settled(entry=wanted, status=Status.UPSTREAM, account=Account(present=count))
    why = f"add/add: the patch adds {path}, and the base has a different file there"
    return _text_conflict(change, path, why, wanted)


def _text_conflict(change: TextChange, path: str, why: str, entry: Entry | None = None) -> Settled:
    return Settled(
        entry=entry,
        status=Status.CONFLICT,
        account=Account(conflict=max(1, len(change.file.hunks)) if change.file.binary else len(change.file.hunks)),
        conflicts=(Conflict(path=path, hunk=None, text=why),),
    )


def _shown(hunk: Hunk) -> str:
    return hunk.render().decode("utf-8", "backslashreplace")
