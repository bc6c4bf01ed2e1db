# SPDX-License-Identifier: MIT
"""Checks a queue on many bases, so that nobody is surprised by the next one.

A worker reads the queue once and remembers what each patch did to which files; the next base with the
same files costs a look-up. Workers come from `concurrent.futures`; a build system may pass its own.
"""

from __future__ import annotations

import fnmatch
import itertools
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import attrs
import pygit2

from ..errors import BadInput, MissingObject, MptcpSeriesError, UnknownRevision
from ..values.matrix import Matrix, MatrixRow
from ..values.result import BaseInfo, EntryKind, Status
from .alignment.basechanges import release_tags
from .queue import Queue
from .replay.memo import Memo
from .result import Result
from .runs import Runs
from .store.files import read_input
from .store.repository import open_repository, resolve_commit

__all__ = ["BaseRef", "MatrixSpec", "expand_bases", "matrix"]

MatrixProgress = Callable[[int, int], None]
"""Called with how many bases are done and how many there are."""


@attrs.frozen
class BaseRef:
    """A base: a repository and a revision of it."""

    repo: str
    rev: str


@attrs.frozen(kw_only=True)
class MatrixSpec:
    """What a worker needs to load the queue by itself."""

    series: str
    overrides: tuple[str, ...] | None
    source: str | None
    align: bool = True
    sources: tuple[tuple[str, str], ...] = ()
    """Of series of a stack that have a source of their own: (series, repository)."""

    def queue(self) -> Queue:
        return Queue.load(self.series, overrides=self.overrides, source=self.source, sources=dict(self.sources))


_RANGE = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?\.\.v?(\d+)\.(\d+)(?:\.(\d+))?$")
_OF_HEAD = re.compile(r"@(?:$|[{~^])")
"""`@` is a name for HEAD, and these go on from there (gitrevisions(7))."""


def expand_bases(patterns: Iterable[str], repos: Sequence[str]) -> list[BaseRef]:
    """Bases that patterns name, in order, each once.

    A pattern is a revision, a glob over tags and branches (`v5.10.*`), a range of releases
    (`v5.10.66..v5.10.100`, both ends included), a comma-separated list of these, or `@FILE`, a file
    with one pattern a line. Each is looked up in every repository, globs and ranges in the order of versions.

    Raises BadInput for patterns that fit in no repository, with all of them, and where none is given.
    """
    opened: dict[str, tuple[str, pygit2.Repository]] = {}
    for repo in repos:
        git = open_repository(repo)
        opened.setdefault(git.path, (repo, git))
    found: dict[BaseRef, None] = {}
    missing: dict[str, None] = {}
    names = {repo: _names(git) for repo, git in opened.values()}
    wanted = list(dict.fromkeys(_flattened(patterns, ())))
    for pattern in wanted:
        hits = [ref for repo, git in opened.values() for ref in _expand(git, repo, names[repo], pattern)]
        if not hits:
            missing[pattern] = None
        found.update(dict.fromkeys(hits))
    if missing:
        places = ", ".join(repo for repo, _ in opened.values())
        raise BadInput(f"no base fits {', '.join(map(repr, missing))} in {places}; `git tag -l` shows what there is")
    if not found:
        raise BadInput("no base is named; a pattern is a revision, a glob such as v5.10.*, or a range of releases")
    return list(found)


def _flattened(patterns: Iterable[str], inside: tuple[Path, ...]) -> Iterator[str]:
    """Single patterns; lists taken apart and files read. `inside`: the files this comes from."""
    for pattern in patterns:
        for part in filter(None, (part.strip() for part in pattern.split(","))):
            if not part.startswith("@") or _OF_HEAD.match(part):
                yield part
                continue
            file = Path(part[1:])
            if file.absolute() in inside:
                raise BadInput("names itself as a file of bases", file=str(file))
            text = read_input(file).decode("utf-8", "surrogateescape")
            lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
            yield from _flattened(lines, (*inside, file.absolute()))


def _names(git: pygit2.Repository) -> list[str]:
    """Short names of tags and branches, in the order of the versions in them."""
    names = {name.split("/", 2)[2] for name in git.references if name.startswith(("refs/tags/", "refs/heads/"))}
    return sorted(names, key=_natural)


def _expand(git: pygit2.Repository, repo: str, names: Sequence[str], pattern: str) -> list[BaseRef]:
    match = _RANGE.match(pattern)
    if match is not None:
        low, high = match.group(1, 2, 3), match.group(4, 5, 6)
        if low[:2] != high[:2]:
            raise BadInput(f"{pattern!r} crosses release lines; give one range for each")
        tags = release_tags(git, (int(low[0]), int(low[1])))
        wanted = range(int(low[2] or 0), int(high[2] or 0) + 1)
        if not wanted:
            raise BadInput(f"{pattern!r} runs backwards; the older release comes first")
        return [BaseRef(repo, name.removeprefix("refs/tags/")) for number, name in tags.items() if number in wanted]
    if any(character in pattern for character in "*?["):
        hits = [BaseRef(repo, name) for name in names if fnmatch.fnmatchcase(name, pattern)]
        if hits:
            return hits
    try:
        git.revparse_single(pattern)
    except (KeyError, ValueError, pygit2.GitError):
        return []
    return [BaseRef(repo, pattern)]


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers as numbers.

    >>> sorted(["v5.10.100", "v5.10.9", "v5.9"], key=_natural)
    ['v5.9', 'v5.10.9', 'v5.10.100']
    """
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


class _Context:
    """A queue and its memo in one worker."""

    def __init__(self, spec: MatrixSpec) -> None:
        self.queue = spec.queue()
        self.memo = Memo()
        self._runs: dict[str, Runs] = {}

    def runs(self, repo: str) -> Runs:
        """The queue, read, for one repository. Raises what is wrong with it whatever the base."""
        runs = self._runs.get(repo)
        if runs is None:
            runs = Runs(self.queue, repo, memo=self.memo)
            runs.items()
            self._runs[repo] = runs
        return runs


@attrs.frozen(kw_only=True)
class _Task:
    """What one worker is asked for: some bases of one matrix."""

    matrix: tuple[int, int]
    """Which matrix, whatever process it was asked for in: a queue may have been changed before the next one."""
    spec: MatrixSpec
    bases: tuple[BaseRef, ...]


_local = threading.local()
"""One context a thread, that of the matrix under way: libgit2's repositories are not to be shared between threads."""
_numbers = itertools.count()


def _evaluate(task: _Task) -> tuple[MatrixRow, ...]:
    """Some rows, computed by whatever worker this runs in."""
    known: tuple[tuple[int, int], _Context] | None = getattr(_local, "context", None)
    if known is None or known[0] != task.matrix:
        known = _local.context = (task.matrix, _Context(task.spec))
    return tuple(_row(known[1], base, task.spec.align) for base in task.bases)


def _row(context: _Context, base: BaseRef, align: bool) -> MatrixRow:
    """One row. Trouble with one base is that row's, not the matrix's."""
    runs = context.runs(base.repo)
    try:
        return _told(base, runs.dry_run(base.rev, align=align))
    except MptcpSeriesError as error:
        return MatrixRow(
            repo=base.repo,
            base=BaseInfo(rev=base.rev, commit=_commit(runs.home, base.rev), version=""),
            error=str(error).split("\n", 1)[0],
            fault=not isinstance(error, BadInput),
        )


def _commit(git: pygit2.Repository, rev: str) -> str | None:
    try:
        return str(resolve_commit(git, rev).id)
    except (UnknownRevision, MissingObject):
        return None


def _told(base: BaseRef, result: Result) -> MatrixRow:
    patches = [patch for patch in result.patches if patch.kind is not EntryKind.ALIGN]
    in_conflict = [patch for patch in result.patches if patch.status is Status.CONFLICT]
    return MatrixRow(
        repo=base.repo,
        base=result.base,
        counts=dict(result.counts),
        tree=result.tree,
        statuses=tuple((patch.name, patch.status) for patch in patches),
        conflicts=tuple(
            f"{patch.name}: {path}"
            for patch in in_conflict
            for path in dict.fromkeys(conflict.path for conflict in patch.conflicts)
        ),
        restore_conflicts=sum(patch.kind is EntryKind.RESTORE for patch in in_conflict),
        overrides=result.overrides.used,
        lost=tuple(str(lost) for lost in result.alignment.lost),
        reasons=tuple(result.reasons()),
    )


def matrix(
    spec: MatrixSpec,
    bases: Sequence[BaseRef],
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: MatrixProgress | None = None,
) -> Matrix:
    """Check a queue on every base; rows in the order of `bases`.

    executor: where the rows are computed; default: a process pool of `workers` (default: the cores),
    or this process where one worker is enough.

    Raises what is wrong with the queue: BadInput, or EnvironmentFault. What is wrong with a base is in its row.
    """
    # What is wrong with the queue's own files is told once, before any worker starts.
    name = spec.queue().name
    number = (os.getpid(), next(_numbers))
    count = min(workers or len(os.sched_getaffinity(0)), len(bases))

    def tasks(size: int) -> list[_Task]:
        return [
            _Task(matrix=number, spec=spec, bases=tuple(bases[at : at + size])) for at in range(0, len(bases), size)
        ]

    if executor is not None:
        rows = _gathered(executor.map(_evaluate, tasks(1)), bases, progress)
    elif count <= 1:
        try:
            rows = _gathered(map(_evaluate, tasks(1)), bases, progress)
        finally:
            _local.context = None
    else:
        # Neighbours hold the same files: a worker gets some of them at a time, few enough to show progress.
        with ProcessPoolExecutor(max_workers=count) as pool:
            rows = _gathered(pool.map(_evaluate, tasks(max(1, min(PIECE, len(bases) // count)))), bases, progress)
    return Matrix(series=name, rows=rows)


PIECE = 8
"""Bases a worker process gets at a time."""


def _gathered(
    blocks: Iterable[Sequence[MatrixRow]], bases: Sequence[BaseRef], progress: MatrixProgress | None
) -> tuple[MatrixRow, ...]:
    rows: list[MatrixRow] = []
    for block in blocks:
        rows += block
        if progress is not None:
            progress(len(rows), len(bases))
    return tuple(rows)
