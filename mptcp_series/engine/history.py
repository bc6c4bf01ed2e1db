# SPDX-License-Identifier: MIT
"""Walks a range of the source's history: every commit, its parents and the paths it touches.

One `git log` process does the walk: its topological order is the order people compare with, and its
tree diffs are faster than any that could be written here. The output is read as it comes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO

import attrs
import pygit2

from ..errors import MissingObject, ShallowSource, ToolMissing

__all__ = ["Visited", "WalkProgress", "git_environment", "git_program", "visit"]

WalkProgress = Callable[[int, int | None], None]
"""Called with the number of commits read, and of all if that is known."""

_START = b"\x02"
CHUNK = 1 << 16


@attrs.frozen
class Visited:
    """One commit of the walk."""

    commit: str
    tree: str
    parents: tuple[str, ...]
    paths: tuple[bytes, ...]
    """Paths it touches (a rename counts as both of its paths); empty for a merge."""


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


_REDIRECTS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"})


def visit(
    source: pygit2.Repository,
    revisions: str,
    pathspecs: Sequence[str] = (),
    progress: WalkProgress | None = None,
    *,
    parents_only: bool = False,
) -> Iterator[Visited]:
    """Commits of a range, oldest first, in the order of `git log --full-history --topo-order --reverse`.

    Without pathspecs merges come too, with no paths; with pathspecs only non-merges that touch them.
    With `parents_only` no commit has its paths, and none is diffed.
    Raises ShallowSource when the history is cut inside the range, MissingObject when trees are missing.
    """
    command = [
        git_program(),
        *("-c", "core.quotePath=false", "-c", "log.showSignature=false"),
        f"--git-dir={source.path}",
        "log",
        *("--full-history", "--topo-order", "--reverse", "-z"),
        *([] if parents_only else ["--diff-merges=off", "--name-only", "--no-renames"]),
        *("--no-color", "--no-notes", "--no-mailmap", "--no-ext-diff", "--ignore-submodules=none"),
        "--format=%x02%H %T %P",
        *(["--no-merges"] if pathspecs else []),
        "--end-of-options",
        revisions,
        "--",
        *pathspecs,
    ]
    boundary = _shallow_boundary(source)
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=git_environment()
        ) as process:
            assert process.stdout is not None
            try:
                count = 0
                for visited in _records(process.stdout):
                    if visited.commit in boundary:
                        raise ShallowSource(
                            f"the history of {source.path} is cut at {visited.commit}, inside {revisions}; the queue "
                            "would be short. Run `git fetch --unshallow` there, or `mptcp-series fetch`"
                        )
                    count += 1
                    if progress is not None and count % 500 == 0:
                        progress(count, None)
                    yield visited
                if progress is not None:
                    progress(count, count)
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace").strip().splitlines()
            raise MissingObject(
                f"`git log {revisions}` failed in {source.path}: {said[-1] if said else process.returncode}; "
                "objects of the range are missing. A clone without blobs will do, one without trees will not: "
                "run `mptcp-series fetch`"
            )


def _records(stream: IO[bytes]) -> Iterator[Visited]:
    """Commits of a `-z --name-only` log whose format starts with STX."""
    head: bytes | None = None
    paths: list[bytes] = []
    rest = b""
    while chunk := stream.read(CHUNK):
        tokens = (rest + chunk).split(b"\0")
        rest = tokens.pop()
        for token in tokens:
            text = token.lstrip(b"\n")
            if text.startswith(_START):
                if head is not None:
                    yield _visited(head, paths)
                head, paths = text, []
            elif text:
                paths.append(text)
    if rest.strip(b"\n"):
        text = rest.strip(b"\n")
        if text.startswith(_START):
            if head is not None:
                yield _visited(head, paths)
            head, paths = text, []
        else:
            paths.append(text)
    if head is not None:
        yield _visited(head, paths)


def _visited(head: bytes, paths: list[bytes]) -> Visited:
    commit, tree, *parents = head[1:].decode("ascii").split()
    return Visited(commit, tree, tuple(parents), tuple(paths))


def _shallow_boundary(source: pygit2.Repository) -> frozenset[str]:
    """Commits whose parents were cut away."""
    if not source.is_shallow:
        return frozenset()
    with open(os.path.join(source.path, "shallow"), encoding="ascii") as file:
        return frozenset(line.strip() for line in file)
