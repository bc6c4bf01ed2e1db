# SPDX-License-Identifier: MIT
"""The git program, and the environments it is run in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ...errors import ToolMissing

__all__ = ["DIFF_TREE", "READING", "git_environment", "git_program", "own_repository", "reading_environment"]

# The repository's own configuration does reach git; what there is of it that would change what is found is undone. The
# first is for speed: a walk over thousands of trees, each a delta to another, comes back to the same ones.
READING = ("-c", "core.deltaBaseCacheLimit=128m", "-c", "diff.relative=false")
"""Options of a git that reads history for us."""
DIFF_TREE = (
    *("diff-tree", "--stdin", "--root", "--always", "-r", "-z", "--no-renames", "--no-color", "--no-notes"),
    *("--no-ext-diff", "--ignore-submodules=none", f"-O{os.devnull}"),
)
"""What each commit of standard input changes; in which form is for the caller to say."""


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


def own_repository(place: str | Path) -> Path | None:
    """The git directory of a bare repository or of a work tree, where it is plainly one, and the user's own.

    For what git can be asked before libgit2 is loaded; to say what anything else is, is for whoever opens it.
    """
    for path in (Path(place), Path(place, ".git")):
        if (path / "HEAD").is_file() and (path / "objects").is_dir() and path.stat().st_uid == os.geteuid():
            return path
    return None
