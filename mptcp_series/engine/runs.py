# SPDX-License-Identifier: MIT
"""Many runs of one queue in one repository: what does not depend on the base is read once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pygit2

from ..errors import BadInput
from ..values.person import Person
from .job import Job
from .replay.item import Item
from .replay.memo import Memo
from .replay.replay import Progress
from .result import Result
from .store.objects import Objects
from .store.repository import Place, base_info, commit_tree, open_repository, resolve_commit
from .store.tree import TreeEditor

if TYPE_CHECKING:
    from .queue import Queue

__all__ = ["Runs"]


class Runs:
    """A queue, read, and the repository its bases are in.

    memo: what dry runs remember; several repositories may share one.
    """

    def __init__(self, queue: Queue, repo: Place, *, memo: Memo | None = None) -> None:
        self._queue = queue
        self._memo = Memo() if memo is None else memo
        self.home: pygit2.Repository = open_repository(repo)
        self._objects = Objects(self.home, *([] if queue.source is None else [queue.source]))
        self._items: list[Item] | None = None
        self._variants: dict[tuple[str | None, ...], list[Item]] = {}
        """The queue as it is on a base, by what the recipe leaves out there."""

    def items(self) -> list[Item]:
        """Every entry of the queue, read once. Raises what is wrong with the queue, whatever the base."""
        if self._items is None:
            self._items = self._queue.items(self._objects)
        return self._items

    def run(
        self,
        base: str,
        *,
        align: bool = True,
        committer: Person | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Replay the queue on one base. Raises what `Queue.apply` raises."""
        return self._run(base, align=align, committer=committer, progress=progress)

    def dry_run(self, base: str, *, align: bool = True) -> Result:
        """Only tell what would become of the queue: what is known from other bases is not worked out again.

        The result has no commits; its account, its tree and its reasons are those of `run`. The words of a conflict
        may name another base that holds the same files.
        """
        return self._run(base, align=align, memo=self._memo)

    def _run(
        self,
        base: str,
        *,
        align: bool,
        committer: Person | None = None,
        progress: Progress | None = None,
        memo: Memo | None = None,
    ) -> Result:
        queue = self._queue
        commit = resolve_commit(self.home, base)
        objects = self._objects
        info, version = base_info(objects, commit, base)
        recipe = queue.recipe
        if recipe is not None and recipe.bases is not None and not recipe.bases.contains(version):
            raise BadInput(f"base {base} is {version}, and this queue is for {recipe.bases}", file=recipe.file)
        items = queue.on_base(self.items(), _reader(objects, commit))
        items = self._variants.setdefault(tuple(item.skip_reason for item in items), items)
        return Job(
            objects=objects,
            name=queue.name,
            recipe=recipe,
            overrides=queue.overrides,
            source=queue.source,
            home=self.home,
            base=commit,
            info=info,
            version=version,
            committer=committer,
            progress=progress,
            memo=memo,
        ).run(items, align=align)


def _reader(objects: Objects, commit: pygit2.Commit) -> Callable[[str], bytes | None]:
    tree = TreeEditor(objects, commit_tree(commit))

    def read(path: str) -> bytes | None:
        entry = tree.get(path)
        return None if entry is None else objects.read(entry.oid)

    return read
