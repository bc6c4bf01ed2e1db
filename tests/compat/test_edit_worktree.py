# SPDX-License-Identifier: MIT
"""A patch edited in a real git worktree: what git knows of it is taken, what lay there before is left alone."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from ..unit.cli.conftest import Outcome, Repository, run
from .conftest import MAKEFILE, Git, numbered

FILES = {
    "Makefile": MAKEFILE,
    ".gitignore": b"*.o\n",
    "net/f.c": numbered(30),
    "net/g.c": numbered(30, word="other"),
    "fs/h.c": numbered(30, word="third"),
    "drivers/big.h": numbered(30, word="fourth"),
}


@attrs.frozen(kw_only=True)
class Lab:
    """A queue of two patches in `net/`, and a sparse worktree of its base without `drivers/`."""

    top: Path
    tree: Path
    git: Git

    def status(self) -> list[str]:
        return self.git.run("status", "--short").splitlines()

    def edit(self, path: str, line: int, text: str) -> None:
        file = self.tree / path
        lines = file.read_bytes().splitlines(keepends=True)
        lines[line - 1] = text.encode()
        file.write_bytes(b"".join(lines))

    def series(self) -> str:
        return (self.top / "series/q/series").read_text()

    def patch(self, name: str) -> str:
        return (self.top / "series/q" / name).read_text()


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    top = tmp_path / "work"
    top.mkdir()
    monkeypatch.chdir(top)
    source = Repository.make(top / "linux.git")
    source.tag("v5.10", source.commit("main", "Linux 5.10\n", FILES))
    one = source.commit("main", "one\n", {"net/f.c": numbered(30, {5: "one\n"})})
    two = source.commit("main", "two\n", {"net/f.c": numbered(30, {5: "one\n", 20: "two\n"})})
    (top / "series/q").mkdir(parents=True)
    (top / "series/q/series").write_text(f"one.patch # {one}\ntwo.patch # {two}\n")
    (top / "mptcp-series.toml").write_text('source = "linux.git"\nrepo = "linux.git"\nbase = "v5.10"\n')
    tree = Git(top / "tree")
    Git(top / "linux.git").run("worktree", "add", "--no-checkout", "--detach", str(top / "tree"), "v5.10")
    tree.run("sparse-checkout", "set", "--cone", "net", "fs")
    tree.run("checkout")
    assert not (tree.directory / "drivers").exists()
    return Lab(top=top, tree=tree.directory, git=tree)


def said(*arguments: str) -> list[str]:
    outcome = run(*arguments)
    assert (outcome.code, outcome.err) == (0, ""), outcome
    return outcome.out.splitlines()


def refused(*arguments: str) -> Outcome:
    outcome = run(*arguments)
    assert outcome.code == 2, outcome
    return outcome


def test_what_git_sees_is_taken_and_the_worktree_put_back(lab: Lab) -> None:
    (lab.tree / "notes").write_text("mine\n")
    assert said("edit", "one", "--worktree", "tree")[0] == "tree/net/f.c"
    assert lab.status() == ["M net/f.c", "?? .mptcp-series-edit.json", "?? notes"]
    lab.edit("net/f.c", 8, "uno\n")
    lab.edit("fs/h.c", 8, "elsewhere\n")
    (lab.tree / "net/new.c").write_text("new\n")
    lab.git.run("add", "net/new.c")
    (lab.tree / "net/f.o").write_text("built\n")
    said("refresh", "--worktree", "tree")
    patch = lab.patch("one.patch")
    assert [line.split()[2] for line in patch.splitlines() if line.startswith("diff ")] == [
        "a/fs/h.c",
        "a/net/f.c",
        "a/net/new.c",
    ]
    assert all(f"\n+{text}\n" in patch for text in ("one", "uno", "elsewhere", "new"))
    lab.git.run("reset", "--quiet")
    assert lab.status() == ["?? notes"]
    assert (lab.tree / "net/f.o").read_text() == "built\n"
    assert run("check", "-q").code == 0


def test_an_edit_that_was_committed_on_the_way_is_taken(lab: Lab) -> None:
    said("edit", "one", "--worktree", "tree")
    lab.edit("fs/h.c", 8, "elsewhere\n")
    lab.git.run("commit", "--quiet", "--all", "--message", "mine")
    said("refresh", "--dir", "tree")
    assert "+elsewhere\n" in lab.patch("one.patch")
    assert lab.tree.joinpath("fs/h.c").read_bytes() == FILES["fs/h.c"]


def test_an_edit_given_up_leaves_new_files_alone(lab: Lab) -> None:
    before = lab.series()
    said("edit", "two", "--worktree", "tree")
    lab.edit("net/f.c", 8, "uno\n")
    lab.edit("fs/h.c", 8, "elsewhere\n")
    (lab.tree / "new").write_text("new\n")
    assert said("edit", "--abort", "--worktree", "tree") == [
        "tree/new is not known to git, and stays",
        "gave the edit in tree up",
    ]
    assert lab.status() == ["?? new"]
    assert lab.series() == before


def test_a_worktree_that_is_edited_already_is_refused(lab: Lab) -> None:
    lab.edit("fs/h.c", 8, "mine\n")
    outcome = refused("edit", "one", "--worktree", "tree")
    assert "tree/fs/h.c is edited" in outcome.err
    assert lab.status() == ["M fs/h.c"]


def test_a_worktree_of_another_commit_is_refused(lab: Lab) -> None:
    lab.edit("fs/h.c", 8, "mine\n")
    lab.git.run("commit", "--quiet", "--all", "--message", "mine")
    outcome = refused("edit", "one", "--worktree", "tree")
    assert "checked out, which is not v5.10; `git checkout --detach v5.10` there" in outcome.err


def test_a_worktree_that_lacks_files_of_the_queue_is_refused(lab: Lab) -> None:
    lab.git.run("sparse-checkout", "set", "--cone", "fs")
    outcome = refused("edit", "one", "--worktree", "tree")
    assert "tree/net/f.c is not there" in outcome.err
    assert "`git sparse-checkout add` brings directories that were left out" in outcome.err
