# SPDX-License-Identifier: MIT
"""Many runs of one queue in one repository: what does not depend on the base is read once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2

from ..errors import AlreadyApplied, BadInput, MissingObject, UnknownRevision
from ..values.paths import OwnedPaths
from ..values.person import Person
from .beside import unused_files
from .job import Job
from .replay.item import Item, touched_paths
from .replay.memo import Memo
from .replay.overrides import override_diff
from .replay.replay import Progress
from .result import Result
from .stack import Part
from .store.objects import Objects
from .store.repository import (
    BaseCommit,
    Place,
    base_info,
    commit_tree,
    empty_repository,
    open_repository,
    plain_directory,
    resolve_commit,
)
from .store.tree import TreeEditor

if TYPE_CHECKING:
    from .directory.snapshot import Snapshot
    from .directory.target import Target
    from .queue import Queue

__all__ = ["Runs"]


class Runs:
    """A queue, read, and the repository its bases are in.

    repo: a git repository, or a plain directory, which is then the only base; None for a queue that is replayed on
    directories alone.
    memo: what dry runs remember; several repositories may share one.
    fuzz: context lines that hunks of patches without blobs may leave out.
    directories: bases may be directories as well as revisions.
    """

    def __init__(
        self,
        queue: Queue,
        repo: Place | None,
        *,
        memo: Memo | None = None,
        fuzz: int = 0,
        directories: bool = False,
    ) -> None:
        self._queue = queue
        self._memo = Memo() if memo is None else memo
        self._fuzz = fuzz
        self._directories = directories
        self._plain = None if repo is None or directories else plain_directory(repo)
        sources = {one.source.path: one.source for one in queue.stack if one.source is not None}
        if repo is not None and plain_directory(repo) is None:
            self.home: pygit2.Repository = open_repository(repo)
        else:
            self.home = next(iter(sources.values())) if sources else empty_repository()
        self._objects = _objects(self._plain is not None or directories, self.home, *sources.values())
        self._snapshots: dict[Path, Snapshot] = {}
        self._items: list[list[Item]] | None = None
        self._unused: tuple[str, ...] | None = None
        self._variants: dict[tuple[str | None, ...], list[list[Item]]] = {}
        """The entries as they are on a base, by what the recipes leave out there."""

    @property
    def queue(self) -> Queue:
        return self._queue

    @property
    def objects(self) -> Objects:
        """What the queue is read from, and results are written to."""
        return self._objects

    def items(self) -> list[list[Item]]:
        """Every entry of each queue of the stack, read once. Raises what is wrong with it, whatever the base."""
        if self._items is None:
            self._items = [queue.items(self._objects) for queue in self._queue.stack]
        return self._items

    def unused(self) -> tuple[str, ...]:
        """Of the whole stack, what `unused_files` tells, worked out once."""
        if self._unused is None:
            pairs = zip(self._queue.stack, self.items(), strict=True)
            self._unused = tuple(said for one, mine in pairs for said in unused_files(one, mine, self._objects))
        return self._unused

    def run(
        self,
        base: str | None,
        *,
        align: bool = True,
        committer: Person | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Replay the queue on one base; None is the directory, or HEAD. Raises what `Queue.apply` raises."""
        return self._run(base, align=align, committer=committer, progress=progress)

    def dry_run(self, base: str, *, align: bool = True) -> Result:
        """Only tell what would become of the queue: what is known from other bases is not worked out again.

        The result has no commits; its account, its tree and its reasons are those of `run`. The words of a conflict
        may name another base that holds the same files.
        """
        return self._run(base, align=align, memo=self._memo)

    def _run(
        self,
        base: str | None,
        *,
        align: bool,
        committer: Person | None = None,
        progress: Progress | None = None,
        memo: Memo | None = None,
    ) -> Result:
        queue = self._queue
        objects = self._objects
        place = self.directory(base)
        target = None
        commit: BaseCommit
        if place is not None:
            try:
                target = self._target(place, base, align)
            except AlreadyApplied as error:
                error.warnings = self.unused()
                raise
            snapshot = target.snapshot
            commit, info, version = snapshot.commit, snapshot.info, snapshot.version
        else:
            rev = "HEAD" if base is None else base
            commit = resolve_commit(self.home, rev)
            info, version = base_info(objects, commit, rev)
        for recipe in (one.recipe for one in queue.stack):
            if recipe is not None and recipe.bases is not None and not recipe.bases.contains(version):
                raise BadInput(f"base {info.rev} is {version}, and this queue is for {recipe.bases}", file=recipe.file)
        read = _reader(objects, commit)
        items = [one.on_base(mine, read) for one, mine in zip(queue.stack, self.items(), strict=True)]
        items = self._variants.setdefault(tuple(item.skip_reason for mine in items for item in mine), items)
        return Job(
            objects=objects,
            parts=tuple(
                Part(name=one.name, recipe=one.recipe, overrides=one.overrides, source=one.source, items=mine)
                for one, mine in zip(queue.stack, items, strict=True)
            ),
            home=self.home,
            base=commit,
            info=info,
            version=version,
            committer=committer,
            progress=progress,
            memo=memo,
            fuzz=self._fuzz,
            target=target,
            # Of a dry run only the account is asked for.
            warnings=self.unused() if memo is None else (),
        ).run(align=align)

    def directory(self, base: str | None) -> Path | None:
        """The plain directory that a base is; None where it is a revision. A name of both is the revision's."""
        if base is None:
            return self._plain
        if self._plain is not None:
            raise BadInput(f"{self._plain} is a plain directory, which has no revisions: {base!r} cannot be the base")
        place = plain_directory(base) if self._directories else None
        if place is None:
            return None
        try:
            resolve_commit(self.home, base)
        except (UnknownRevision, MissingObject):
            return place
        return None

    def base_id(self, base: str | None) -> pygit2.Oid:
        """What tells one base from another: the commit's id, and of a directory what was read of it."""
        place = self.directory(base)
        if place is None:
            return resolve_commit(self.home, "HEAD" if base is None else base).id
        return self._snapshot(place, base).commit.id

    def _target(self, place: Path, base: str | None, align: bool) -> Target:
        """The directory, looked through before anything else is done."""
        from .directory.target import Target, check_target, queue_digest

        snapshot = self._snapshot(place, base)
        queues = self._queue.stack
        digest = queue_digest(
            (item for mine in self.items() for item in mine),
            [
                *(override.render() for queue in queues for override in queue.overrides),
                *(queue.recipe.raw or b"" for queue in queues if queue.recipe is not None),
                b"%d %d" % (align, self._fuzz),
            ],
        )
        check_target(snapshot, [item for mine in self.items() for item in mine], self._overridden(), digest)
        return Target(snapshot=snapshot, queue=digest)

    def _snapshot(self, place: Path, base: str | None) -> Snapshot:
        from .directory.snapshot import Snapshot, SnapshotObjects

        if place not in self._snapshots:
            assert isinstance(self._objects, SnapshotObjects)
            queues = self._queue.stack
            touched = {path for mine in self.items() for item in mine for path in touched_paths(item.changes)}
            self._snapshots[place] = Snapshot(
                self._objects,
                place,
                owned=OwnedPaths(patterns=[pattern for queue in queues for pattern in queue.owned.patterns]),
                touched=touched | self._overridden(),
                name=base,
            )
        return self._snapshots[place]

    def _overridden(self) -> set[str]:
        """Files that diffs of overrides change; those of a diff that cannot be read are told of in the replay."""
        overrides = [override for queue in self._queue.stack for override in queue.overrides]
        return {file.path for override in overrides for file in override_diff(override, [])}


def _reader(objects: Objects, commit: BaseCommit) -> Callable[[str], bytes | None]:
    tree = TreeEditor(objects, commit_tree(commit))

    def read(path: str) -> bytes | None:
        entry = tree.get(path)
        return None if entry is None else objects.read(entry.oid)

    return read


def _objects(directories: bool, home: pygit2.Repository, *sources: pygit2.Repository) -> Objects:
    """The objects of a run. What reads directories takes as long to import as 30 patches take to replay."""
    if not directories:
        return Objects(home, *sources)
    from .directory.snapshot import SnapshotObjects

    return SnapshotObjects(home, *sources)
