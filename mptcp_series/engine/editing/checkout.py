# SPDX-License-Identifier: MIT
"""What somebody changed in a git worktree, as git itself sees it.

libgit2 knows no sparse checkout: it takes every file that is not checked out for one that was taken away. So git is
asked. What it says is told against the commit that was checked out when the edit began, for edits may be staged, or
committed, on the way.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import attrs

from ...errors import EnvironmentFault
from ..store.gitprogram import git_environment, git_program

__all__ = ["Head", "changed_files", "read_head", "untracked_files"]


@attrs.frozen(kw_only=True)
class Head:
    """What a git worktree has checked out; hexadecimal ids."""

    commit: str
    tree: str


def read_head(directory: Path) -> Head | None:
    """None where the directory is not the top of a git worktree. Raises EnvironmentFault, ToolMissing."""
    if not (directory / ".git").exists():
        return None
    commit, tree = _git(directory, "rev-parse", "HEAD^{commit}", "HEAD^{tree}").decode("ascii").split()
    return Head(commit=commit, tree=tree)


def changed_files(directory: Path, commit: str) -> set[str]:
    """Files git knows that are not as a commit has them, submodules not looked into."""
    options = ("--name-only", "--no-renames", "--no-relative", "--ignore-submodules=all", "-z")
    return _names(_git(directory, "diff", *options, commit, "--"))


def untracked_files(directory: Path) -> set[str]:
    """Files git does not know, without those it ignores and the project's own."""
    found = _names(_git(directory, "ls-files", "--others", "--exclude-standard", "-z"))
    # The second is what a killed run may leave of its state.
    return {name for name in found if not name.startswith((".mptcp-series", "..mptcp-series"))}


def _names(output: bytes) -> set[str]:
    return {os.fsdecode(name) for name in output.split(b"\0") if name}


def _git(directory: Path, *words: str) -> bytes:
    done = subprocess.run(
        [git_program(), "-C", str(directory), *words], capture_output=True, env=git_environment(), check=False
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip() or f"status {done.returncode}"
        raise EnvironmentFault(f"{directory}: git {words[0]} failed: {said}")
    return done.stdout
