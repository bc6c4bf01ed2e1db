# SPDX-License-Identifier: MIT
"""An entry of the queue, read and ready to replay: who wrote it, what it says, what it changes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

import attrs
import pygit2
from pygit2.enums import ObjectType

from ...errors import BadPatch, MissingObject, Problem
from ...values.patch import ChangeKind, Patch
from ...values.paths import OwnedPaths
from ...values.provenance import upstream_ids
from ...values.result import EntryKind
from ...values.series import SeriesEntry
from ...values.subject import subject_of
from ..store.ahead import RawChange
from ..store.objects import Objects, Oid
from .change import BlobChange, Change, TextChange, tree_changes, with_blobs
from .remerge import merge_resolution

__all__ = ["Item", "RawCommit", "item_from_commit", "item_from_patch", "read_commit"]


@attrs.frozen(kw_only=True)
class RawCommit:
    """Of a commit object, what a replay carries over, byte for byte."""

    author: bytes
    encoding: bytes | None
    message: bytes

    @property
    def subject(self) -> str:
        return subject_of(self.message, self.encoding)

    def text(self, data: bytes) -> str:
        """Text of the commit, in the encoding it says it is in; else as UTF-8, what is none as backslash escapes."""
        if self.encoding is not None:
            # ValueError: a name with a null byte, and every error of decoding.
            with contextlib.suppress(LookupError, ValueError):
                return data.decode(self.encoding.decode("ascii"))
        return data.decode("utf-8", "backslashreplace")


@attrs.frozen(kw_only=True, eq=False)
class Item:
    """One entry of the queue."""

    name: str
    kind: EntryKind
    commit: str | None
    raw: RawCommit
    changes: tuple[Change, ...]
    before: Oid | None = None
    """Tree the change was made on, where there is one; tells renames on the base apart from new files."""
    places: Mapping[str, tuple[str, int]] = attrs.field(factory=dict)
    """Of a materialised patch, where it names a path: file and line by path."""
    skip_reason: str | None = None
    """Why the recipe leaves it out on this base (a prerequisite whose `when` does not hold)."""
    series: str = ""
    """The series it is an entry of; of a stack there are several."""

    @property
    def subject(self) -> str:
        return self.raw.subject

    @property
    def brings(self) -> Mapping[str, str]:
        """The paths it brings files to, each with the path the file comes from; its own where it is a new one."""
        return {
            change.path: change.old_path
            for change in self.changes
            if isinstance(change, BlobChange) and (change.old is None or change.renames)
        }

    @property
    def upstream(self) -> tuple[str, ...]:
        """Ids this patch answers to: the pinned one, then those its message names."""
        named = upstream_ids(self.raw.message)
        return named if self.commit is None else (self.commit, *(name for name in named if name != self.commit))


def read_commit(data: bytes) -> RawCommit:
    """Take a commit object apart."""
    head, _, message = data.partition(b"\n\n")
    fields = dict(line.partition(b" ")[::2] for line in reversed(head.split(b"\n")) if not line.startswith(b" "))
    return RawCommit(author=fields[b"author"], encoding=fields.get(b"encoding"), message=message)


def _commit_object(source: pygit2.Repository, commit: str) -> bytes | None:
    """The bytes of a commit, None where it is not there or something else. (A `Commit` takes twice the time.)"""
    try:
        kind, data = source.odb.read(pygit2.Oid(hex=commit))
    except KeyError:
        return None
    return data if kind == ObjectType.COMMIT else None


def _tree_and_parents(data: bytes) -> tuple[Oid, list[str]]:
    """What the head of a commit names: its tree, then its parents (git's Documentation/user-manual: commit object)."""
    lines = data.partition(b"\n\n")[0].split(b"\n")
    parents = [line[len(b"parent ") :].decode("ascii") for line in lines if line.startswith(b"parent ")]
    return bytes.fromhex(lines[0].removeprefix(b"tree ").decode("ascii")), parents


def _tree_of(source: pygit2.Repository, commit: str) -> Oid:
    """The tree of a commit. Raises KeyError where the commit is not there."""
    data = _commit_object(source, commit)
    if data is None:
        raise KeyError(commit)
    return _tree_and_parents(data)[0]


def item_from_commit(
    source: pygit2.Repository,
    objects: Objects,
    entry: SeriesEntry,
    kind: EntryKind,
    owned: OwnedPaths,
    series: str = "",
    told: Iterable[RawChange] | None = None,
) -> Item:
    """Read a pinned patch from the source. Raises MissingObject, naming the line of the series.

    told: what the commit changes, where that is known already.
    """
    assert entry.pin is not None
    data = _commit_object(source, entry.pin)
    if data is None:
        raise MissingObject(
            f"{entry.name} is pinned to {entry.pin}, which {source.path} does not have; "
            f"run `mptcp-series fetch`, or `git fetch origin {entry.pin}` there"
        )
    tree, parents = _tree_and_parents(data)
    if len(parents) > 1:
        commit = source[entry.pin]
        assert isinstance(commit, pygit2.Commit)
        changes = merge_resolution(source, objects, commit, owned)
        before = None
    else:
        try:
            before = _tree_of(source, parents[0]) if parents else None
            changes = tuple(tree_changes(objects, before, tree, told=told))
        except (KeyError, pygit2.GitError, MissingObject) as error:
            raise MissingObject(
                f"{entry.name}: commit {entry.pin} is in {source.path}, but its trees or its parent are not "
                f"({error}); a shallow or partial clone must hold the whole range"
            ) from error
    if entry.reverse:
        changes = tuple(reversed_change(change) for change in changes)
    return Item(
        name=entry.name,
        kind=kind,
        commit=entry.pin,
        raw=read_commit(data),
        changes=changes,
        before=before,
        series=series,
    )


def reversed_change(change: BlobChange) -> BlobChange:
    return BlobChange(path=change.old_path, old_path=change.path, old=change.new, new=change.old)


def item_from_patch(objects: Objects, entry: SeriesEntry, data: bytes, file: str, series: str = "") -> Item:
    """Read a materialised patch. Raises BadPatch with every problem of the file."""
    patch = Patch.parse(data, file, strip=entry.strip)
    if not patch.changes:
        raise BadPatch("holds no diff; take it out of the series or mend it", file=file)
    copies = [change for change in patch.changes if change.kind is ChangeKind.COPY and entry.reverse]
    if copies:
        raise BadPatch(
            Problem(file=file, line=change.line, message=f"copies {change.old_path}, and a copy has no reverse (-R)")
            for change in copies
        )
    # Undone from the end: a file that becomes a link is a deletion, then an addition.
    files = [change.reversed() for change in reversed(patch.changes)] if entry.reverse else patch.changes
    header = patch.header
    author = header.author.signature() if header.author is not None else b"unknown <unknown> 0 +0000"
    subject = header.subject or entry.name.removesuffix(".patch").replace("-", " ")
    message = attrs.evolve(header, subject=subject).message.encode("utf-8", "surrogateescape")
    places = {
        path: (file, change.line)
        for change in reversed(patch.changes)
        for path in (change.old_path, change.new_path)
        if path is not None
    }
    return Item(
        name=entry.name,
        kind=EntryKind.PATCH,
        places=places,
        commit=entry.pin,
        raw=RawCommit(author=author, encoding=None, message=message),
        changes=tuple(with_blobs(objects, change) for change in files),
        series=series,
    )


def touched_paths(changes: tuple[Change, ...]) -> set[str]:
    """Every path a patch reads or writes."""
    return {change.path for change in changes} | {
        change.old_path for change in changes if isinstance(change, BlobChange | TextChange)
    }
