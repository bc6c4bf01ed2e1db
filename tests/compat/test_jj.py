# SPDX-License-Identifier: MIT
"""What docs/explanation/comparison.md says of jj, held against jj itself where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import attrs
import pytest

CONFIGURATION = """\
user = { name = "A U Thor", email = "author@example.org" }
ui = { paginate = "never", color = "never", editor = "false" }
signing.behavior = "drop"
"""


@attrs.frozen(kw_only=True)
class World:
    """A queue `first`, `second` on the commit `root`, and a later `base`, in a repository of jj's."""

    directory: Path

    def jj(self, *arguments: str) -> str:
        done = subprocess.run(["jj", *arguments], cwd=self.directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def commit(self, name: str, onto: str, files: dict[str, str]) -> None:
        self.jj("new", onto, "-m", name)
        for path, text in files.items():
            (self.directory / path).write_text(text)
        self.jj("bookmark", "create", name, "-r", "@")

    def rebase(self) -> None:
        self.jj("rebase", "-s", "roots(root..second)", "-o", "base")

    def in_conflict(self) -> list[str]:
        shown = self.jj(
            "log", "--no-graph", "--reversed", "-r", "conflicts()", "-T", 'description.first_line() ++ "\\n"'
        )
        return shown.split()

    def answer(self, path: str, text: str) -> None:
        """What jj's hint says: a commit on top of the conflicted one, squashed into it."""
        self.jj("new", "first")
        (self.directory / path).write_text(text)
        self.jj("squash")

    def text(self, name: str, path: str) -> str:
        return self.jj("file", "show", "-r", name, path)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    if shutil.which("jj") is None:
        pytest.skip("jj is not installed")
    settings = tmp_path / "jj.toml"
    settings.write_text(CONFIGURATION)
    monkeypatch.setenv("JJ_CONFIG", str(settings))
    made = World(directory=tmp_path / "work")
    made.directory.mkdir()
    made.jj("git", "init", "--colocate", ".")
    return made


def has_both(world: World) -> None:
    """A line that two patches of the queue change, on a base that has the second's text already."""
    world.commit("root", "root()", {"tcp.c": "one\n"})
    world.commit("first", "root", {"tcp.c": "two\n"})
    world.commit("second", "first", {"tcp.c": "three\n"})
    world.commit("base", "root", {"tcp.c": "three\n"})
    world.rebase()


def test_a_conflict_is_carried_and_one_answer_clears_what_stands_on_it(world: World) -> None:
    world.commit("root", "root()", {"tcp.c": "one\n", "udp.c": "one\n"})
    world.commit("first", "root", {"tcp.c": "two\n"})
    world.commit("second", "first", {"udp.c": "two\n"})
    world.commit("base", "root", {"tcp.c": "vendor\n"})
    world.rebase()
    assert world.in_conflict() == ["first", "second"]
    world.answer("tcp.c", "vendor, two\n")
    assert world.in_conflict() == []
    assert (world.text("second", "tcp.c"), world.text("second", "udp.c")) == ("vendor, two\n", "two\n")


def test_git_sees_the_sides_of_a_conflict_as_directories(world: World) -> None:
    has_both(world)
    listed = subprocess.run(
        ["git", "ls-tree", "--name-only", "first"], cwd=world.directory, capture_output=True, text=True, check=True
    )
    assert {".jjconflict-base-0", ".jjconflict-side-0", ".jjconflict-side-1"} <= set(listed.stdout.split())


def test_an_answer_can_undo_a_later_patch_and_no_conflict_says_so(world: World) -> None:
    """The second patch was merged while the first was open; the answer is taken out of that merge again."""
    has_both(world)
    assert world.in_conflict() == ["first"]
    assert world.text("second", "tcp.c") == "three\n"
    world.answer("tcp.c", "two\n")
    assert world.in_conflict() == []
    assert world.text("second", "tcp.c") == "one\n"


def test_it_does_not_when_equal_changes_are_left_open(world: World, tmp_path: Path) -> None:
    (tmp_path / "jj.toml").write_text(CONFIGURATION + 'merge.same-change = "keep"\n')
    has_both(world)
    assert world.in_conflict() == ["first", "second"]
    world.answer("tcp.c", "two\n")
    assert world.in_conflict() == []
    assert world.text("second", "tcp.c") == "three\n"


def test_git_rebase_with_the_same_answer_keeps_the_later_patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the two tests above are measured by; it needs no jj."""
    monkeypatch.setenv("GIT_EDITOR", "true")
    place = tmp_path / "work"

    def git(*arguments: str, code: int = 0) -> None:
        done = subprocess.run(["git", *arguments], cwd=place, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr

    place.mkdir()
    git("init", "-q", "-b", "root")
    for name, onto, text in [
        ("root", "", "one"),
        ("first", "root", "two"),
        ("second", "first", "three"),
        ("base", "root", "three"),
    ]:
        if onto:
            git("checkout", "-q", "-b", name, onto)
        (place / "tcp.c").write_text(f"{text}\n")
        git("add", "tcp.c")
        git("commit", "-q", "-m", name)
    git("rebase", "-q", "--onto", "base", "root", "second", code=1)
    (place / "tcp.c").write_text("two\n")
    git("add", "tcp.c")
    git("rebase", "--continue")
    assert (place / "tcp.c").read_text() == "three\n"


def test_what_was_answered_stays_where_it_was_answered(world: World) -> None:
    """The conflict and its answer are in the log of operations; a clone has the commit that came of them."""
    has_both(world)
    world.answer("tcp.c", "two\n")
    change = world.jj("log", "--no-graph", "-r", "first", "-T", "change_id").strip()
    template = 'commit.conflict() ++ "\\n"'
    assert "true" in world.jj("evolog", "--no-graph", "-r", change, "-T", template).split()
    copy = World(directory=world.directory.with_name("copy"))
    subprocess.run(
        ["git", "clone", "-q", "-b", "first", str(world.directory), str(copy.directory)],
        check=True,
        capture_output=True,
    )
    copy.jj("git", "init", "--colocate", ".")
    assert copy.jj("evolog", "--no-graph", "-r", change, "-T", template).split() == ["false"]
