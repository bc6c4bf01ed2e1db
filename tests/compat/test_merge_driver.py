# SPDX-License-Identifier: MIT
"""The merge driver as git calls it: two branches that add patches to one series."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .conftest import Git

DRIVER = f"'{sys.executable}' -m mptcp_series merge-driver %O %A %B %P"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """A repository with a series, and two branches that append to it."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    directory = tmp_path / "project"
    (directory / "series" / "q").mkdir(parents=True)
    git = Git(directory)
    git.run("init", "-q", "-b", "main")
    git.run("config", "merge.mptcp-series.driver", DRIVER)
    (directory / ".gitattributes").write_text("series/*/series merge=mptcp-series\n")
    write(git, "a.patch\nb.patch\n", "start")
    git.run("branch", "other")
    write(git, "a.patch\nb.patch\nours.patch\n", "ours")
    git.run("checkout", "-q", "other")
    write(git, "a.patch\nb.patch\ntheirs.patch\n", "theirs")
    git.run("checkout", "-q", "main")
    return git


def write(git: Git, text: str, message: str) -> None:
    (git.directory / "series" / "q" / "series").write_text(text)
    git.run("add", ".")
    git.run("commit", "-q", "-m", message)


def read(git: Git) -> str:
    return (git.directory / "series" / "q" / "series").read_text()


def test_without_it_git_conflicts(project: Git) -> None:
    """What the driver is for: the same merge fails as text."""
    project.run("-c", "merge.mptcp-series.driver=false", "merge", "-q", "other", fails=True)


def test_merge(project: Git) -> None:
    project.run("merge", "-q", "--no-edit", "other")
    assert read(project) == "a.patch\nb.patch\nours.patch\ntheirs.patch\n"
    assert project.run("status", "--porcelain") == ""


def test_rebase(project: Git) -> None:
    """A rebase calls it with the sides the other way round: what is rebased comes last."""
    project.run("rebase", "-q", "other")
    assert read(project) == "a.patch\nb.patch\ntheirs.patch\nours.patch\n"


def test_a_collision_is_a_conflict_to_git(project: Git) -> None:
    write(project, "a.patch -p0\nb.patch\nours.patch\n", "ours again")
    project.run("checkout", "-q", "other")
    write(project, "a.patch -p2\nb.patch\ntheirs.patch\n", "theirs again")
    project.run("checkout", "-q", "main")
    project.run("merge", "-q", "other", fails=True)
    assert project.run("status", "--porcelain") == "UU series/q/series"
    assert "<<<<<<< ours\na.patch -p0\n" in read(project)
