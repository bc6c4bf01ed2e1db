# SPDX-License-Identifier: MIT
"""Walks a range of the source's history: every commit, its parents and the paths it touches.

git does the walk. Its topological order is the order people compare with, and is known when the whole range has been
read (`git rev-list`); the paths are then looked for in blocks of commits, on all processors (`git diff-tree`). What git
finds must depend on the repository alone, so no configuration of the user reaches it, and it may not fetch.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, cast

import attrs

from ...errors import BadInput, EnvironmentFault, MissingObject
from ..store.gitprogram import DIFF_TREE, READING, git_program, own_repository, reading_environment
from .shallow import Cut

if TYPE_CHECKING:
    import pygit2

__all__ = ["Visited", "Walk", "WalkProgress", "commit_order", "history_records", "visit"]

WalkProgress = Callable[[int, int | None], None]
"""Called with the number of commits read, and of all if that is known."""

_START = b"//"
"""Begins a record. No path of a tree has it: names in a tree are not empty and hold no slash."""
_PIPE = 1 << 20
"""Room for what git writes while nobody reads."""
_STEP = 500
"""Commits from one call of the progress to the next."""
_BLOCKS = 2
"""Blocks of commits for each processor. With more, all are busy to the end; but each costs git a start of its own."""


@attrs.frozen(eq=False)
class Visited:
    """One commit of the walk. Its ids are read from what git wrote when asked for: of most commits none is needed."""

    head: bytes
    """The ids of commit, tree and parents."""
    names: bytes
    """Paths it touches, each between two NULs (a rename counts as both of its paths); empty for a merge."""
    is_merge: bool

    @property
    def commit_id(self) -> bytes:
        """The id of the commit, 40 hex digits; `commit` is the same as text."""
        return self.head[:40]

    @property
    def parent_ids(self) -> list[bytes]:
        """Ids of its parents; in a history narrowed by pathspecs, of the nearest ancestors that are left of it."""
        return self.head[82:].split()

    @property
    def commit(self) -> str:
        return self.head[:40].decode("ascii")

    @property
    def tree(self) -> str:
        return self.head[41:81].decode("ascii")

    @property
    def parents(self) -> tuple[str, ...]:
        return tuple(parent.decode("ascii") for parent in self.parent_ids)

    @property
    def paths(self) -> list[str]:
        return [name.decode("utf-8", "surrogateescape") for name in self.names.split(b"\0") if name]

    def touches(self, texts: Iterable[bytes]) -> bool:
        """Whether any of the texts stands in any path; with NULs around a text it must be a whole path."""
        names = self.names
        for text in texts:  # noqa: SIM110 - for each of 100,000 commits, and `any` takes twice the time
            if text in names:
                return True
        return False


_ORDER = ("--full-history", "--topo-order", "--reverse")
_NAMES = (*DIFF_TREE, "--name-only", "--format=//%H %T %P")


class Walk:
    """A walk over a range of a repository; git looks for its commits from the moment this is made.

    They come oldest first, in the order of `git log --full-history --topo-order --reverse`, merges among them, with no
    paths. With pathspecs they are those that touch the pathspecs, and of the merges those that stay when git takes out
    of the history what does not (`--simplify-merges`): of any other merge only one side has such commits that the other
    has not, and the merge looks like that side.

    One kind of merge is not seen then: one that takes nothing from a parent older than the range's start (`-s ours`),
    for git does not weigh such parents. And commits that are taken out may be where a shallow history is cut;
    `commit_order` looks at all.
    """

    def __init__(self, directory: str | Path, revisions: str, pathspecs: Sequence[str] = ()) -> None:
        """directory: the git directory. Raises ToolMissing."""
        self._pathspecs = tuple(pathspecs)
        self._git = _Git(directory, revisions, self._pathspecs)
        self._listing = self._git.listing(*(["--simplify-merges", "--parents"] if pathspecs else []))

    @classmethod
    def begin(cls, place: str | Path, revisions: str, pathspecs: Sequence[str] = ()) -> Walk | None:
        """A walk over a repository that is not opened yet, so that git is at work while libgit2 is being loaded.

        None where `place` is none that git can be asked about yet (`own_repository`).
        """
        directory = own_repository(place)
        return None if directory is None else cls(directory, revisions, pathspecs)

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *exception: object) -> None:
        self._listing.end()

    def visited(self, source: pygit2.Repository, progress: WalkProgress | None = None) -> Iterator[Visited]:
        """The commits; `source` is the repository.

        Raises ShallowSource when the history is cut inside the range, MissingObject when trees are missing,
        BadInput for pathspecs git cannot read.
        """
        found = self._git.visited(self._listing, progress)
        return _narrowed(source, found) if self._pathspecs else _uncut(source, self._git.revisions, found)


def visit(
    source: pygit2.Repository,
    revisions: str,
    pathspecs: Sequence[str] = (),
    progress: WalkProgress | None = None,
) -> Iterator[Visited]:
    """The commits of a `Walk`; with pathspecs the non-merges among them, and with the parents they have.

    Raises what `Walk.visited` raises.
    """
    git = _Git(source.path, revisions, pathspecs)
    with git.listing(*(["--no-merges"] if pathspecs else [])) as listing:
        yield from _uncut(source, revisions, git.visited(listing, progress))


def _narrowed(source: pygit2.Repository, found: Iterable[Visited]) -> Iterator[Visited]:
    """The same commits; which of them are merges the source tells, as parents went with what was taken out."""
    for visited in found:
        is_merge = len(cast("pygit2.Commit", source[visited.commit]).parent_ids) > 1
        yield attrs.evolve(visited, is_merge=is_merge, names=b"" if is_merge else visited.names)


def _uncut(source: pygit2.Repository, revisions: str, found: Iterable[Visited]) -> Iterator[Visited]:
    """The same commits; raises ShallowSource at the first after which there are more than the repository has."""
    cut = Cut(source, revisions)
    for visited in found:
        if cut.possible:
            cut.check(visited.commit, bool(visited.parent_ids))
        yield visited


@contextlib.contextmanager
def commit_order(source: pygit2.Repository, revisions: str) -> Iterator[Iterator[str]]:
    """The ids of all commits of a range in the order of `visit`; git looks for them from the start of the context.

    Raises, when they are read, what `visit` raises.
    """
    cut = Cut(source, revisions)
    with _Git(source.path, revisions).listing("--parents") as listing:

        def commits() -> Iterator[str]:
            for line in listing.lines():
                commit = line[:40].decode("ascii")
                if cut.possible:
                    cut.check(commit, len(line) > 40)
                yield commit

        yield commits()


class _Git:
    """Runs git to read a range of a repository."""

    def __init__(self, directory: str | Path, revisions: str, pathspecs: Sequence[str] = ()) -> None:
        self.revisions = revisions
        self._directory = directory
        self._pathspecs = pathspecs
        self._program = (git_program(), *READING, f"--git-dir={directory}")

    def listing(self, *options: str) -> _Listing:
        """Begin to list the commits: a line each has its id, and with `--parents` those of its parents."""
        words = (*_ORDER, *options, "--end-of-options", self.revisions)
        return _Listing(self, self._begin("rev-list", *words, "--", *self._pathspecs))

    def visited(self, listing: _Listing, progress: WalkProgress | None) -> Iterator[Visited]:
        """The commits listed, with the paths they touch against the parents listed (or else those they have)."""
        if progress is not None:
            progress(0, None)
        listed = listing.lines()
        workers = len(os.sched_getaffinity(0))
        size = max(_STEP, -(-len(listed) // (_BLOCKS * workers)))
        blocks = [listed[at : at + size] for at in range(0, len(listed), size)]
        count = 0
        with ThreadPoolExecutor(workers) as pool:
            try:
                for records in pool.map(self._names, blocks):
                    for visited in history_records(records):
                        count += 1
                        if progress is not None and count % _STEP == 0:
                            progress(count, len(listed))
                        yield visited
            finally:
                pool.shutdown(cancel_futures=True)
        if progress is not None:
            progress(count, len(listed))

    def _names(self, block: Sequence[bytes]) -> bytes:
        process = self._begin(*_NAMES, "--", *self._pathspecs)
        return self.output(process, b"\n".join([*block, b""]))

    def _begin(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self._program, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=reading_environment(),
            pipesize=_PIPE,
        )

    def output(self, process: subprocess.Popen[bytes], given: bytes = b"") -> bytes:
        """All that a process writes. Raises where it ends badly."""
        try:
            output, errors = process.communicate(given)
        except BaseException:
            _end(process)
            raise
        if process.returncode:
            self._fail(process.returncode, errors)
        return output

    def _fail(self, status: int, errors: bytes) -> None:
        where = f"reading the history of {self.revisions} in {self._directory}"
        if status < 0:
            raise EnvironmentFault(f"{where}: git was ended by signal {-status}")
        said = errors.decode("utf-8", "replace").strip().splitlines()
        why = said[-1] if said else f"status {status}"
        if self._pathspecs and not self._reads_pathspecs():
            raise BadInput(f"git cannot read the pathspecs {', '.join(map(repr, self._pathspecs))}: {why}")
        raise MissingObject(
            f"{where}: {why}; objects of the range are missing. A clone without blobs will do, one without trees "
            "will not: run `mptcp-series fetch`"
        )

    def _reads_pathspecs(self) -> bool:
        """Whether git takes the pathspecs where there is nothing to look at."""
        last = self.revisions.rpartition("..")[2]
        process = self._begin("rev-list", "--max-count=0", "--end-of-options", last, "--", *self._pathspecs)
        process.communicate()
        return process.returncode == 0


class _Listing:
    """A git process that lists commits; it ends with the context."""

    def __init__(self, git: _Git, process: subprocess.Popen[bytes]) -> None:
        self._git = git
        self._process = process

    def lines(self) -> list[bytes]:
        """All of them, at once. Raises where git ends badly."""
        return self._git.output(self._process).splitlines()

    def __enter__(self) -> _Listing:
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()

    def end(self) -> None:
        """End the process if it still runs."""
        _end(self._process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that nobody reads any more, and leave nothing of it."""
    if process.poll() is None:
        process.kill()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    process.wait()


def history_records(data: bytes) -> Iterator[Visited]:
    """Commits of a `-z --name-only` output whose format starts with `//`."""
    return (_visited(record) for record in data.split(_START) if record)


def _visited(record: bytes) -> Visited:
    head, _, names = record.partition(b"\0")
    # A newline comes before the first name, and may be the first character of that name too.
    return Visited(head, b"\0" + names[1:] if names else b"", len(head) > _ONE_PARENT)


_ONE_PARENT = 3 * 40 + 2
"""Length of the ids of a commit with one parent."""
