# SPDX-License-Identifier: MIT
"""Seals every compatibility test from the machine it runs on, and helps it to run git.

These tests run real git, GNU patch and quilt beside the package. None of them may see the user's configuration, and
what they make must have the same ids on every machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import attrs
import pygit2
import pytest

from mptcp_series.engine.exchange.importing import import_range
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.result import Result
from mptcp_series.minikernel.history import HistoryBuilder, Identity

__all__ = ["AUTHOR", "MAKEFILE", "Git", "numbered", "replayed", "start"]

AUTHOR = Identity(name="Paolo Tester", email="paolo@example.org")
MAKEFILE = b"VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 66\nEXTRAVERSION =\n"

_SEALED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "A U Thor",
    "GIT_AUTHOR_EMAIL": "author@example.org",
    "GIT_AUTHOR_DATE": "1630000000 +0200",
    "GIT_COMMITTER_NAME": "C O Mitter",
    "GIT_COMMITTER_EMAIL": "committer@example.org",
    "GIT_COMMITTER_DATE": "1640000000 +0000",
    "GIT_EDITOR": "false",
    "LC_ALL": "C",
    "TZ": "UTC",
}


@pytest.fixture(autouse=True)
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the user or the system; fixed people and dates."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    for name in list(os.environ):
        if name.startswith(("GIT_", "QUILT")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    for name, value in _SEALED.items():
        monkeypatch.setenv(name, value)


@attrs.frozen
class Git:
    """The git program in one repository."""

    directory: Path

    def run(
        self, *arguments: str, data: bytes = b"", fails: bool = False, environment: Mapping[str, str] | None = None
    ) -> str:
        """Output of a command. It must succeed, or fail where `fails` is said."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.directory,
            input=data,
            capture_output=True,
            check=False,
            env={**os.environ, **(environment or {})},
        )
        assert (done.returncode != 0) == fails, (arguments, done.stdout, done.stderr)
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def tree_of_files(self) -> str:
        """Id of the tree that the files of the work tree make; quilt's own are left out."""
        self.run("add", "--all", "--force", "--", ".", ":(exclude).pc")
        return self.run("write-tree")


def start(directory: Path) -> tuple[Git, HistoryBuilder]:
    """A new bare repository, for git and to write history into."""
    repo = pygit2.init_repository(str(directory), bare=True, initial_head="base")
    return Git(directory), HistoryBuilder(repo)


def numbered(count: int, changes: Mapping[int, str] | None = None, word: str = "line") -> bytes:
    """A text of `count` different lines, some of them replaced (1-based; an empty text deletes the line)."""
    lines = [f"{word} {at} of a file with some text in it\n" for at in range(1, count + 1)]
    for at, text in (changes or {}).items():
        lines[at - 1] = text
    return "".join(lines).encode()


def replayed(directory: Path, repo: Path, range: str, base: str) -> Result:
    """Replay a range of a repository on a base of it, as pinned patches and without alignment."""
    import_range(repo, range, materialise=False).write(directory)
    return Queue.load(directory, source=repo).apply(repo, base=base, align=False)
