# SPDX-License-Identifier: MIT
"""What is read from git's output, and what git is let know. The walks themselves are in the compatibility tests."""

from __future__ import annotations

import os
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.store.gitprogram import git_environment, git_program, reading_environment
from mptcp_series.engine.upstream.history import Visited, history_records
from mptcp_series.errors import ToolMissing

ids = st.text("0123456789abcdef", min_size=40, max_size=40)
# Any bytes but NUL; a path of a tree has no empty component.
components = st.binary(min_size=1, max_size=6).map(lambda data: data.replace(b"\0", b"0").replace(b"/", b"\n"))
paths = st.lists(components, min_size=1, max_size=3).map(b"/".join)


@attrs.frozen
class Commit:
    commit: str
    tree: str
    parents: list[str]
    paths: list[bytes]

    def record(self) -> bytes:
        """As `git diff-tree -z --name-only --format='//%H %T %P'` writes it."""
        head = f"//{self.commit} {self.tree} {' '.join(self.parents)}\0".encode()
        return head + (b"\n" + b"".join(path + b"\0" for path in self.paths) if self.paths else b"")


commits = st.builds(Commit, ids, ids, st.lists(ids, max_size=3), st.lists(paths, max_size=3))


@given(st.lists(commits, max_size=5))
def test_records(written: list[Commit]) -> None:
    """Law: whatever paths hold, what git wrote is what is read."""
    read = list(history_records(b"".join(commit.record() for commit in written)))
    assert [(found.commit, found.tree, list(found.parents), found.paths) for found in read] == [
        (commit.commit, commit.tree, commit.parents, [path.decode("utf-8", "surrogateescape") for path in commit.paths])
        for commit in written
    ]
    assert [found.is_merge for found in read] == [len(commit.parents) > 1 for commit in written]


def test_touches() -> None:
    found = Visited(b"", b"\0include/net/mptcp.h\0net/ipv4/tcp.c\0", is_merge=False)
    assert found.touches([b"x", b"net/mptcp"])
    assert found.touches([b"\0net/ipv4/"])
    assert found.touches([b"\0net/ipv4/tcp.c\0"])
    assert not found.touches([b"\0net/ipv4\0", b"\0net/mptcp", b"tcp.c.orig"])
    assert not found.touches([])
    assert not Visited(b"", b"", is_merge=True).touches([b"a"])


def test_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    given = {
        "PATH": "/bin",
        "GIT_DIR": "x",
        "GIT_COMMON_DIR": "x",
        "GIT_SSH_COMMAND": "ssh -x",
        "GIT_EXEC_PATH": "/libexec",
        "GIT_CONFIG_COUNT": "1",
        "LC_ALL": "de_DE.UTF-8",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    quiet = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
    assert git_environment() == {
        **quiet,
        "PATH": "/bin",
        "GIT_SSH_COMMAND": "ssh -x",
        "GIT_EXEC_PATH": "/libexec",
        "GIT_CONFIG_COUNT": "1",
    }
    assert reading_environment() == {
        **quiet,
        "PATH": "/bin",
        "GIT_EXEC_PATH": "/libexec",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }


def test_git_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing) as caught:
        git_program()
    assert str(caught.value) == "git is not installed; install it (Debian: apt install git)"
