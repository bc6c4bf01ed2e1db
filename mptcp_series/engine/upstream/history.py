# SPDX-License-Identifier: MIT
"""Walks a range of the source's history: every commit, its parents and the paths it touches.

One `git log` process does the walk: its topological order is the order people compare with, and its
tree diffs are faster than any that could be written here. The output is read as it comes. What git finds must
depend on the repository alone, so no configuration of the user reaches it, and it may not fetch.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import attrs
import pygit2

from ...errors import BadInput, EnvironmentFault, MissingObject, ShallowSource, ToolMissing

__all__ = [
    "Visited",
    "WalkProgress",
    "commit_order",
    "git_environment",
    "git_program",
    "history_records",
    "reading_environment",
    "visit",
    "visit_touching",
]

WalkProgress = Callable[[int, int | None], None]
"""Called with the number of commits read, and of all if that is known."""

_START = b"//"
"""Begins a record. No path of a tree has it: names in a tree are not empty and hold no slash."""
_CHUNK = 1 << 18
_PIPE = 1 << 20
"""Room for what git writes while nobody reads."""
_STEP = 500
"""Commits from one call of the progress to the next."""


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


def git_program() -> str:
    """Path of the git program. Raises ToolMissing."""
    found = shutil.which("git")
    if found is None:
        raise ToolMissing("git is not installed; install it (Debian: apt install git)")
    return found


def git_environment() -> dict[str, str]:
    """The environment of a git process that asks nobody anything and speaks English."""
    return {
        **{name: value for name, value in os.environ.items() if name not in _REDIRECTS},
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }


_REDIRECTS = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)


def reading_environment() -> dict[str, str]:
    """The environment of a git process that reads one repository as libgit2 does, and nothing else.

    Neither the user's configuration nor git's variables reach it, replacements are not followed, and what a partial
    clone does not have stays missing: git before 2.44 ignores GIT_NO_LAZY_FETCH, but no transport is allowed here.
    """
    program = {name: os.environ[name] for name in ("GIT_EXEC_PATH",) if name in os.environ}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        **program,
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }


_ORDER = ("--full-history", "--topo-order", "--reverse")
# The repository's own configuration does reach git; each of these undoes a part of it that would change the list. The
# first is for speed: a walk over thousands of trees, each a delta to another, comes back to the same ones.
_SETTINGS = tuple(
    word
    for setting in (
        "core.deltaBaseCacheLimit=128m",
        "diff.relative=false",
        "log.follow=false",
        "log.showRoot=true",
        "log.showSignature=false",
    )
    for word in ("-c", setting)
)
_LOG = (
    *("log", *_ORDER, "-z", "--diff-merges=off", "--name-only", "--no-renames", "--format=//%H %T %P"),
    *("--no-color", "--no-decorate", "--no-notes", "--no-mailmap", "--no-ext-diff", "--ignore-submodules=none"),
    f"-O{os.devnull}",
)


def visit(
    source: pygit2.Repository,
    revisions: str,
    pathspecs: Sequence[str] = (),
    progress: WalkProgress | None = None,
) -> Iterator[Visited]:
    """Commits of a range, oldest first, in the order of `git log --full-history --topo-order --reverse`.

    Without pathspecs merges come too, with no paths; with pathspecs only non-merges that touch them.
    Raises ShallowSource when the history is cut inside the range, MissingObject when trees are missing,
    BadInput for pathspecs git cannot read.
    """
    cut = _Cut(source, revisions)
    with _Git(source, (*_LOG, *(["--no-merges"] if pathspecs else [])), revisions, pathspecs) as git:
        for visited in _counted(history_records(git.chunks()), progress):
            if cut.possible:
                cut.check(visited.commit, bool(visited.parent_ids))
            yield visited


def visit_touching(
    source: pygit2.Repository, revisions: str, pathspecs: Sequence[str], progress: WalkProgress | None = None
) -> Iterator[Visited]:
    """Commits of a range that touch pathspecs, and the merges that join lines of such commits.

    The non-merges and their order are those of `visit`. Merges are those that stay when git takes out of the history
    what does not touch the pathspecs (`--simplify-merges`): of any other merge only one side has such commits that
    the other has not, and the merge looks like that side.

    One kind is not seen: a merge that takes nothing from a parent older than the range's start (`-s ours`), for git
    does not weigh such parents. And commits that are taken out may be where a shallow history is cut; `commit_order`
    looks at all.
    Raises what `visit` raises.
    """
    with _Git(source, (*_LOG, "--simplify-merges"), revisions, pathspecs) as git:
        for visited in _counted(history_records(git.chunks()), progress):
            found = source[visited.commit]
            assert isinstance(found, pygit2.Commit)
            is_merge = len(found.parent_ids) > 1
            yield attrs.evolve(visited, is_merge=is_merge, names=b"" if is_merge else visited.names)


@contextlib.contextmanager
def commit_order(source: pygit2.Repository, revisions: str) -> Iterator[Iterator[str]]:
    """The ids of all commits of a range in the order of `visit`; git looks for them from the start of the context.

    Raises, when they are read, what `visit` raises.
    """
    cut = _Cut(source, revisions)
    with _Git(source, ("rev-list", *_ORDER, "--parents"), revisions) as git:

        def commits() -> Iterator[str]:
            rest = b""
            for chunk in git.chunks():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    commit = line[:40].decode("ascii")
                    if cut.possible:
                        cut.check(commit, len(line) > 40)
                    yield commit

        yield commits()


class _Git:
    """A git process that reads a range; its output is taken while it runs, and it ends with the context."""

    def __init__(
        self, source: pygit2.Repository, words: Sequence[str], revisions: str, pathspecs: Sequence[str] = ()
    ) -> None:
        self._source = source
        self._revisions = revisions
        self._pathspecs = pathspecs
        self._program = (git_program(), *_SETTINGS, f"--git-dir={source.path}")
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._process = subprocess.Popen(
            [*self._program, *words, "--end-of-options", revisions, "--", *pathspecs],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=reading_environment(),
            pipesize=_PIPE,
        )

    def __enter__(self) -> _Git:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait()
        self._errors.close()

    def chunks(self) -> Iterator[bytes]:
        """All it writes. Raises where it ends badly."""
        assert self._process.stdout is not None
        while chunk := self._process.stdout.read(_CHUNK):
            yield chunk
        status = self._process.wait()
        if status:
            self._fail(status)

    def _fail(self, status: int) -> None:
        where = f"`git log {self._revisions}` failed in {self._source.path}"
        if status < 0:
            raise EnvironmentFault(f"{where}: git was ended by signal {-status}")
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        why = said[-1] if said else f"status {status}"
        if self._pathspecs and not self._reads_pathspecs():
            raise BadInput(f"git cannot read the pathspecs {', '.join(map(repr, self._pathspecs))}: {why}")
        raise MissingObject(
            f"{where}: {why}; objects of the range are missing. A clone without blobs will do, one without trees "
            "will not: run `mptcp-series fetch`"
        )

    def _reads_pathspecs(self) -> bool:
        """Whether git takes the pathspecs where there is nothing to look at."""
        end = self._revisions.rpartition("..")[2]
        words = ("rev-list", "--max-count=0", "--end-of-options", end, "--", *self._pathspecs)
        done = subprocess.run(
            [*self._program, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=reading_environment(),
            check=False,
        )
        return done.returncode == 0


def _counted(walk: Iterable[Visited], progress: WalkProgress | None) -> Iterator[Visited]:
    count = 0
    for visited in walk:
        count += 1
        if progress is not None and count % _STEP == 0:
            progress(count, None)
        yield visited
    if progress is not None:
        progress(count, count)


def history_records(chunks: Iterable[bytes]) -> Iterator[Visited]:
    """Commits of a `-z --name-only` log whose format starts with `//`."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(_START)
        for record in whole:
            if record:
                yield _visited(record)
    if rest:
        yield _visited(rest)


def _visited(record: bytes) -> Visited:
    head, _, names = record.partition(b"\0")
    # A newline comes before the first name, and may be the first character of that name too.
    return Visited(head, b"\0" + names[1:] if names else b"", len(head) > _ONE_PARENT)


_ONE_PARENT = 3 * 40 + 2
"""Length of the ids of a commit with one parent."""


class _Cut:
    """Where the history of a shallow repository ends; in a whole one nothing is refused."""

    def __init__(self, source: pygit2.Repository, revisions: str) -> None:
        self._source = source
        self._revisions = revisions
        self._boundary = _shallow_boundary(source)

    @property
    def possible(self) -> bool:
        """Whether there is anything to check."""
        return bool(self._boundary)

    def check(self, commit: str, has_parents: bool) -> None:
        """Raise ShallowSource where the commits of the range cannot be known."""
        if has_parents:
            return
        if commit in self._boundary:
            what = f"is cut at {commit}, inside {self._revisions}"
        elif (below := self._cut_before_start()) is not None:
            what = f"is cut at {below}, so it does not tell what of {self._revisions} is older than its start"
        else:
            return
        raise ShallowSource(
            f"the history of {self._source.path} {what}; the queue would not be right. "
            "Run `git fetch --unshallow` there, or `mptcp-series fetch`"
        )

    def _cut_before_start(self) -> str | None:
        """A cut below the range's start: a line of the range that goes down to its root may be older than the start."""
        start = self._source.revparse_single(self._revisions.partition("..")[0]).peel(pygit2.Commit).id
        for commit in sorted(self._boundary):
            if commit == str(start) or (commit in self._source and self._source.descendant_of(start, commit)):
                return commit
        return None


def _shallow_boundary(source: pygit2.Repository) -> frozenset[str]:
    """Commits whose parents were cut away."""
    directory = Path(source.path)
    shared = directory / "commondir"  # of a linked worktree
    if shared.is_file():
        directory = directory / shared.read_text().strip()
    file = directory / "shallow"
    return frozenset(file.read_text("ascii").split()) if file.is_file() else frozenset()
