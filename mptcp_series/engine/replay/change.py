# SPDX-License-Identifier: MIT
"""What one entry of the queue changes, path by path.

A pinned commit gives both images of each file as blobs (`BlobChange`), which makes three-way merges
possible. A materialised patch gives hunks (`TextChange`); where its index lines name blobs that a
repository has, it is as good as a pinned one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import attrs
import pygit2
from pygit2.enums import DiffOption

from ...errors import MissingObject
from ...values.binary import new_content
from ...values.hunk import Hunk, parse_hunk_header, split_lines
from ...values.patch import ChangeKind, FileChange
from ..store.ahead import RawChange
from ..store.objects import REGULAR, SUBMODULE, Entry, Objects, Oid, hexed
from ..text.merge import is_binary
from ..text.similarity import THRESHOLD, similarity

__all__ = ["BlobChange", "Change", "TextChange", "diff_hunks", "file_hunks", "tree_changes", "with_blobs"]

ID_DIFF = DiffOption.INDENT_HEURISTIC | DiffOption.FORCE_TEXT
"""The differ of hunk ids: Myers, indent heuristic, 3 lines of context. Another one gives other ids.

What is binary is decided before: libgit2 would ask the attributes of the repository a blob is from.
"""


@attrs.frozen(kw_only=True)
class BlobChange:
    """A file before and after. `old_path` differs from `path` where the patch renames."""

    path: str
    old_path: str
    old: Entry | None
    new: Entry | None

    @property
    def renames(self) -> bool:
        return self.old_path != self.path


@attrs.frozen(kw_only=True)
class TextChange:
    """A file's hunks as a patch file has them, without the blobs they were made from."""

    file: FileChange

    @property
    def path(self) -> str:
        return self.file.path

    @property
    def old_path(self) -> str:
        return self.file.old_path if self.file.old_path is not None else self.file.path


Change = BlobChange | TextChange


def tree_changes(
    objects: Objects,
    before: Oid | None,
    after: Oid,
    *,
    renames: bool = True,
    told: Iterable[RawChange] | None = None,
) -> list[BlobChange]:
    """What differs between two trees, sorted by path; renames followed as `git diff -M` does (50 %), or not.

    Only subtrees that differ are read. (libgit2's own tree diff walks all of both: 22 ms on a kernel.)
    told: what differs, where that is known already.
    """
    plain = _differing(objects, before, after, b"") if told is None else [_told(*change) for change in told]
    added = [change for change in plain if change.old is None]
    deleted = [change for change in plain if change.new is None]
    if renames and added and deleted:
        plain = _with_renames(objects, plain, added, deleted)
    return sorted(plain, key=lambda change: change.path)


def _told(path: bytes, before: int, old: Oid, after: int, new: Oid) -> BlobChange:
    text = path.decode("utf-8", "surrogateescape")
    sides = (Entry(mode, oid) if mode else None for mode, oid in ((before, old), (after, new)))
    return BlobChange(path=text, old_path=text, old=next(sides), new=next(sides))


def tree_changes_at(objects: Objects, before: Oid, after: Oid, patterns: Iterable[str]) -> list[BlobChange]:
    """What differs between two trees at or below some paths, sorted by path, without renames."""
    found: dict[str, BlobChange] = {}
    for pattern in patterns:
        *parents, name = pattern.rstrip("/").encode("utf-8", "surrogateescape").split(b"/")
        sides: list[Oid | None] = [before, after]
        for parent in parents:
            sides = [_subtree(objects, side, parent) for side in sides]
        entries = [None if side is None else objects.tree(side).get(name) for side in sides]
        if entries[0] == entries[1]:
            continue
        prefix = b"".join(parent + b"/" for parent in parents)
        for change in _entry_changes(objects, entries[0], entries[1], prefix + name):
            found[change.path] = change
    return [found[path] for path in sorted(found)]


def _subtree(objects: Objects, tree: Oid | None, name: bytes) -> Oid | None:
    entry = None if tree is None else objects.tree(tree).get(name)
    return entry.oid if entry is not None and entry.is_tree else None


def _differing(objects: Objects, before: Oid | None, after: Oid | None, prefix: bytes) -> list[BlobChange]:
    found: list[BlobChange] = []
    for name, (left, right) in objects.differing(before, after).items():
        found += _entry_changes(objects, left, right, prefix + name)
    return found


def _entry_changes(objects: Objects, left: Entry | None, right: Entry | None, path: bytes) -> list[BlobChange]:
    """Changes between two entries of the same name, those below them included."""
    left_tree = left.oid if left is not None and left.is_tree else None
    right_tree = right.oid if right is not None and right.is_tree else None
    found: list[BlobChange] = []
    if left_tree is not None or right_tree is not None:
        found += _differing(objects, left_tree, right_tree, path + b"/")
    left = None if left_tree is not None else left
    right = None if right_tree is not None else right
    if left is not None or right is not None:
        text = path.decode("utf-8", "surrogateescape")
        found.append(BlobChange(path=text, old_path=text, old=left, new=right))
    return found


def _with_renames(
    objects: Objects, plain: list[BlobChange], added: list[BlobChange], deleted: list[BlobChange]
) -> list[BlobChange]:
    """The same changes, with the most alike pairs of a deleted and an added file as renames."""
    scored = []
    for gone in deleted:
        for come in added:
            if gone.old is None or come.new is None or not (gone.old.is_text and come.new.is_text):
                continue
            if gone.old.oid == come.new.oid:
                score = 1.0
            else:
                score = similarity(objects.read(gone.old.oid), objects.read(come.new.oid))
            if score >= THRESHOLD:
                scored.append(
                    (-score, gone.path.rsplit("/", 1)[-1] != come.path.rsplit("/", 1)[-1], come.path, gone.path)
                )
    partner: dict[str, str] = {}
    for _, _, come_path, gone_path in sorted(scored):
        if come_path not in partner and gone_path not in partner.values():
            partner[come_path] = gone_path
    olds = {change.path: change.old for change in deleted}
    out = []
    for change in plain:
        if change.path in partner:
            origin = partner[change.path]
            out.append(BlobChange(path=change.path, old_path=origin, old=olds[origin], new=change.new))
        elif change.path not in partner.values():
            out.append(change)
    return out


def diff_hunks(old: bytes, new: bytes) -> list[Hunk]:
    """The hunks between two texts under the differ of hunk ids. Binary content has none."""
    if is_binary(old) or is_binary(new):
        return []
    patch = pygit2.Patch.create_from(old, new, flag=ID_DIFF, context_lines=3)
    lines = split_lines(patch.data)
    hunks: list[Hunk] = []
    at = 0
    while at < len(lines):
        header = parse_hunk_header(lines[at])
        at += 1
        if header is None:
            continue
        old_start, old_count, new_start, new_count, section = header
        start = at
        left_old, left_new = old_count, new_count
        while left_old or left_new or (at < len(lines) and lines[at].startswith(b"\\")):
            column = lines[at][:1]
            left_old -= column in b" -"
            left_new -= column in b" +"
            at += 1
        hunks.append(
            Hunk(
                old_start=old_start,
                old_count=old_count,
                new_start=new_start,
                new_count=new_count,
                section=section,
                lines=tuple(lines[start:at]),
            )
        )
    return hunks


def entry_text(objects: Objects, entry: Entry | None) -> bytes:
    """Content of a file as a diff shows it: nothing for no file, a line for a submodule."""
    if entry is None:
        return b""
    if entry.mode == SUBMODULE:
        return b"Subproject commit %s\n" % hexed(entry.oid).encode()
    return objects.read(entry.oid)


def file_hunks(objects: Objects, old: Entry | None, new: Entry | None) -> list[Hunk]:
    """The hunks that lead from one entry to another; none for binary files and pure mode changes."""
    if old is not None and new is not None and old.oid == new.oid:
        return []
    return diff_hunks(entry_text(objects, old), entry_text(objects, new))


def count_hunks(objects: Objects, old: Entry | None, new: Entry | None) -> int:
    """How many hunks `file_hunks` would give, without making them; a binary change counts as one."""
    if old is not None and new is not None and old.oid == new.oid:
        return 0
    before, after = entry_text(objects, old), entry_text(objects, new)
    if is_binary(before) or is_binary(after):
        return 1
    if not before or not after:
        return 1 if before or after else 0
    return len(pygit2.Patch.create_from(before, after, flag=ID_DIFF, context_lines=3).hunks)


def hunk_count(objects: Objects, change: Change) -> int:
    """How many hunks the account of a change has."""
    if isinstance(change, TextChange):
        return len(change.file.hunks) or (1 if change.file.binary is not None else 0)
    if change.renames:
        return count_hunks(objects, change.old, None) + count_hunks(objects, None, change.new)
    return count_hunks(objects, change.old, change.new)


def apply_exactly(content: bytes, hunks: Sequence[Hunk]) -> bytes | None:
    """The post-image when every hunk stands exactly where it says; None where one does not."""
    lines = split_lines(content)
    out: list[bytes] = []
    done = 0
    for hunk in hunks:
        low = hunk.old_index
        high = low + len(hunk.pre_image)
        if low < done or high > len(lines) or lines[low:high] != hunk.pre_image:
            return None
        out += lines[done:low]
        out += hunk.post_image
        done = high
    out += lines[done:]
    # A line without newline inside the file: the hunks do not belong to this content.
    return b"".join(out) if all(line.endswith(b"\n") for line in out[:-1]) else None


def with_blobs(objects: Objects, change: FileChange) -> Change:
    """A patch's file change with its blobs, where a repository has the pre-image its index line names.

    An edited patch has an index line that no longer tells the truth; so the hunks must fit the blob
    exactly, and the post-image is what they make of it, not what the line says.
    """
    text = TextChange(file=change)
    if change.kind is ChangeKind.COPY:
        return text
    if change.binary is not None:
        return _binary_change(objects, change, change.binary) or text
    if change.kind is ChangeKind.ADD:
        old_content: bytes | None = b""
        old = None
    else:
        old, old_content = _named_blob(objects, change)
    if old_content is None:
        return text
    content = apply_exactly(old_content, change.hunks)
    if change.converted and (content is None or change.kind is ChangeKind.ADD):
        content = apply_exactly(old_content, [hunk.without_carriage_returns() for hunk in change.hunks])
    if content is None:
        return text
    new = None
    if change.kind is not ChangeKind.DELETE:
        fallback = old.mode if old is not None else REGULAR
        mode = change.new_mode if change.new_mode is not None else fallback
        if change.kind is not ChangeKind.ADD and (mode >> 12 != fallback >> 12 or mode == SUBMODULE):
            return text
        new = made_entry(objects, mode, content)
        if new is None:
            return text
    elif content:
        return text
    path = change.path
    old_path = change.old_path if change.old_path is not None else path
    return BlobChange(path=path, old_path=old_path, old=old, new=new)


def made_entry(objects: Objects, mode: int, content: bytes) -> Entry | None:
    """The entry of a file whose diff leads to this content; None where that is no file of the mode."""
    if mode != SUBMODULE:
        return Entry(mode, objects.write("blob", content))
    found = re.fullmatch(rb"Subproject commit ([0-9a-f]{40})\n", content)
    return None if found is None else Entry(SUBMODULE, bytes.fromhex(found[1].decode()))


def _binary_change(objects: Objects, change: FileChange, section: bytes) -> BlobChange | None:
    """A binary change by the full ids of its index line, where both images are at hand.

    The new image may be in the patch itself; it counts if it has the id that the index line gives.
    """
    images: list[Entry | None] = []
    for blob, mode, absent in (
        (change.old_blob, change.old_mode, change.kind is ChangeKind.ADD),
        (change.new_blob, change.new_mode, change.kind is ChangeKind.DELETE),
    ):
        if absent:
            images.append(None)
            continue
        if blob is None or len(blob) != 40:
            return None
        oid = objects.expand(blob)
        if oid is None:
            before = None if not images or images[0] is None else objects.read(images[0].oid)
            wanted = blob == change.new_blob
            content = new_content(section, before, reverse=change.binary_reversed) if wanted else None
            oid = None if content is None else objects.write("blob", content)
        if oid is None or hexed(oid) != blob:
            return None
        images.append(Entry(mode if mode is not None else REGULAR, oid))
    old_path = change.old_path if change.old_path is not None else change.path
    old, new = images
    if old is not None and new is not None and change.new_mode is None:
        new = Entry(old.mode, new.oid)
    return BlobChange(path=change.path, old_path=old_path, old=old, new=new)


def _named_blob(objects: Objects, change: FileChange) -> tuple[Entry | None, bytes | None]:
    if change.old_blob is None:
        return None, None
    try:
        oid = objects.expand(change.old_blob)
        content = None if oid is None else objects.read(oid)
    except MissingObject:
        return None, None
    if oid is None:
        return None, None
    return Entry(change.old_mode if change.old_mode is not None else REGULAR, oid), content
