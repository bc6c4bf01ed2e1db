# SPDX-License-Identifier: MIT
"""GNU quilt and our verbs in one directory: either goes on where the other stopped, and both leave the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mptcp_series.cli.main import cli
from mptcp_series.engine.quilt.gnu import as_gnu_patch_does
from mptcp_series.values.hunk import Hunk

from .conftest import numbered

pytestmark = [
    pytest.mark.skipif(shutil.which("quilt") is None, reason="quilt is not installed"),
    pytest.mark.skipif(shutil.which("patch") is None, reason="GNU patch is not installed"),
]

BASE: dict[str, bytes] = {
    "net/a.c": numbered(60),
    "net/latin1.c": "/* Müller */\n".encode("latin-1") + numbered(9),
    "net/crlf.c": numbered(20).replace(b"\n", b"\r\n"),
    "net/nofinal.c": numbered(12).rstrip(b"\n"),
    "net/gone.c": numbered(15, word="gone"),
    "net/empty.c": b"",
    "deep/er/down.c": numbered(8, word="down"),
    "run.sh": b"#!/bin/sh\n",
}

STEPS: list[dict[str, bytes | None]] = [
    {"net/a.c": numbered(60, {20: "twenty\n", 50: "fifty\nand more\n"})},
    {"net/latin1.c": "/* Müller, Strauß */\n".encode("latin-1") + numbered(9, {5: "five\n"})},
    {"net/crlf.c": numbered(20, {10: "ten\n"}).replace(b"\n", b"\r\n"), "net/new/deep.h": b"one line, not ended"},
    {"net/gone.c": None, "net/a.c": numbered(60, {20: "twenty\n", 30: "", 50: "fifty\nand more\n"})},
    {"net/nofinal.c": numbered(12, {12: "the end\n"}), "deep/er/down.c": numbered(8, {1: "first\n"}, word="down")},
    {
        "net/a.c": numbered(60, {20: "twenty\n", 30: "", 50: "fifty\nand more\n", 51: "2 a\n"}),
        "run.sh": b"#!/bin/sh\n:\n",
    },
]


def write(top: Path, files: dict[str, bytes | None] | dict[str, bytes]) -> None:
    for name, data in files.items():
        path = top / name
        if data is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def snapshot(top: Path, *left_out: str) -> dict[str, tuple[int, bytes]]:
    """Mode and content of every file."""
    return {
        name: (path.stat().st_mode & 0o777, path.read_bytes())
        for path in sorted(top.rglob("*"))
        if path.is_file() and not (name := str(path.relative_to(top))).startswith(left_out)
    }


def tree_of(top: Path) -> dict[str, tuple[int, bytes]]:
    return snapshot(top, "patches/", ".pc/")


class Directory:
    """A tree that both work on."""

    def __init__(self, top: Path) -> None:
        self.top = top

    def quilt(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            ["quilt", "--quiltrc", "-", *arguments], cwd=self.top, capture_output=True, encoding="latin-1", check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def ours(self, *arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli, [*arguments, "--repo", str(self.top)], prog_name="mptcp-series")
        assert done.exit_code == code, done.output
        return done.output


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base with a queue: half of the patches as git writes them, half as diff does."""
    place = tmp_path_factory.mktemp("made")
    before, after = place / "a", place / "b"
    top = place / "top"
    for directory in (before, after, top):
        write(directory, BASE)
    (top / "patches").mkdir()
    names = []
    for number, step in enumerate(STEPS):
        write(after, step)
        command = ["git", "diff", "--no-index", "a", "b"] if number % 2 else ["diff", "-ruN", "a", "b"]
        done = subprocess.run(command, cwd=place, capture_output=True, check=False, env={**os.environ, "TZ": "UTC"})
        assert done.returncode == 1, done.stderr
        name = f"{number}.patch"
        data = done.stdout.replace(b"a/a/", b"a/").replace(b"b/b/", b"b/").replace(b"a/b/", b"a/")
        (top / "patches" / name).write_bytes(b"Step.\n\n" + data)
        names.append(name)
        shutil.rmtree(before)
        shutil.copytree(after, before)
    (top / "patches/series").write_text("".join(f"{name}\n" for name in names))
    return top


@pytest.fixture
def directory(made: Path, tmp_path: Path) -> Directory:
    return Directory(shutil.copytree(made, tmp_path / "tree"))


def test_the_tree_and_the_state_are_the_same(made: Path, tmp_path: Path) -> None:
    theirs, ours = (Directory(shutil.copytree(made, tmp_path / name)) for name in ("theirs", "ours"))
    theirs.quilt("push", "-a", "--fuzz=0")
    ours.ours("push", "-a")
    assert tree_of(theirs.top) == tree_of(ours.top)
    state = [
        {name: data for name, (_, data) in snapshot(one.top).items() if name.startswith(".pc/")}
        for one in (theirs, ours)
    ]
    assert state[0] == state[1]
    assert theirs.quilt("files", "-a", "-l") == ours.ours("files", "-a", "-l")


@pytest.mark.parametrize("count", range(1, len(STEPS) + 1))
def test_either_pops_what_the_other_pushed(directory: Directory, count: int) -> None:
    start = tree_of(directory.top)
    directory.quilt("push", str(count), "--fuzz=0")
    pushed = tree_of(directory.top)
    directory.ours("pop", "-a")
    # quilt itself does not bring an empty file back; nothing here makes one.
    assert tree_of(directory.top) == start
    directory.ours("push", str(count))
    assert tree_of(directory.top) == pushed
    directory.quilt("pop", "-a")
    assert tree_of(directory.top) == start


def test_one_goes_on_where_the_other_stopped(directory: Directory) -> None:
    start = tree_of(directory.top)
    for number in range(len(STEPS)):
        (directory.ours if number % 2 else directory.quilt)("push")
    assert directory.quilt("top") == directory.ours("top") == f"{len(STEPS) - 1}.patch\n"
    for number in range(len(STEPS)):
        (directory.quilt if number % 2 else directory.ours)("pop")
    assert tree_of(directory.top) == start
    directory.quilt("top", code=2)
    directory.ours("top", code=2)


def test_both_see_an_edit_that_was_not_refreshed(directory: Directory) -> None:
    directory.ours("push")
    write(directory.top, {"net/a.c": b"mine\n"})
    assert "does not remove cleanly" in directory.quilt("pop", code=1)
    assert "does not remove cleanly" in directory.ours("pop", code=1)
    assert (directory.top / "net/a.c").read_bytes() == b"mine\n"


def test_what_one_refreshes_the_other_finds_unchanged(directory: Directory) -> None:
    form = ("-p", "ab", "--no-index", "--no-timestamps")
    for name in (directory.ours, directory.quilt):
        name("push")
        text = (directory.top / "net/a.c").read_bytes()
        write(directory.top, {"net/a.c": text.replace(b"line 40 ", b"edited %d " % len(text))})
        name("refresh", *form) if name == directory.quilt else name("refresh", "-p", "ab", "--no-index")
        name("pop")
        directory.quilt("push", "--fuzz=0")
        assert "is unchanged" in directory.quilt("refresh", *form)
        assert "is unchanged" in directory.ours("refresh")
        directory.quilt("pop")


def test_a_refreshed_patch_is_what_quilt_writes(made: Path, tmp_path: Path) -> None:
    """In quilt's own form, for edits of every kind."""
    edits: dict[str, bytes | None] = {
        "net/a.c": numbered(60, {3: "three\n", 9: "", 30: "30\n31\n"}),
        "net/latin1.c": None,
        "net/crlf.c": numbered(20, {2: "two\n"}).replace(b"\n", b"\r\n"),
        "net/nofinal.c": numbered(12, {12: "other end"}),
        "net/made.c": b"made\n",
    }
    written = []
    for one in ("theirs", "ours"):
        directory = Directory(shutil.copytree(made, tmp_path / one))
        verb = directory.quilt if one == "theirs" else directory.ours
        verb("new", "n.patch")
        verb("add", *edits)
        write(directory.top, edits)
        verb("refresh", *(("-p", "ab", "--no-timestamps") if one == "theirs" else ()))
        written.append((directory.top / "patches/n.patch").read_bytes())
        verb("pop")
        assert tree_of(directory.top) == tree_of(made)
    assert written[0] == written[1]


def test_ours_and_quilts_work_mixed(directory: Directory) -> None:
    start = tree_of(directory.top)
    directory.ours("push", "2")
    directory.quilt("new", "-p", "ab", "mixed.patch")
    directory.ours("add", "net/a.c")
    write(directory.top, {"net/a.c": b"mixed\n"})
    directory.ours("refresh")
    directory.quilt("fork", "again.patch")
    assert "is unchanged" in directory.ours("refresh")
    directory.ours("rename", "renamed.patch")
    assert directory.quilt("applied") == "0.patch\n1.patch\nrenamed.patch\n"
    directory.quilt("pop", "-a")
    assert tree_of(directory.top) == start
    directory.ours("push", "-a", code=1)
    assert directory.quilt("top") == "2.patch\n", "3.patch no longer fits"
    directory.ours("pop", "-a")
    assert tree_of(directory.top) == start


def test_what_quilt_pushed_with_fuzz_is_popped_and_not_refreshed(directory: Directory) -> None:
    write(directory.top, {"net/a.c": numbered(60, {17: "drifted\n"})})
    start = tree_of(directory.top)
    directory.ours("push", code=1)
    directory.quilt("push")
    assert "was placed by a guess" in directory.ours("refresh", code=1)
    directory.ours("pop")
    assert tree_of(directory.top) == start
    directory.ours("push", "--fuzz=2")
    assert "look whether it is right" in directory.ours("refresh", code=1)
    directory.quilt("pop")
    assert tree_of(directory.top) == start


def test_the_editor_is_given_files_of_the_patch(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = directory.top.parent / "editor"
    editor.write_text('#!/bin/sh\nfor file; do case $file in *unmade*) ;; *) echo "$file" >> "$file";; esac; done\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    directory.ours("new", "e.patch")
    directory.ours("edit", "run.sh", "brand-new")
    assert (directory.top / "run.sh").read_bytes() == b"#!/bin/sh\nrun.sh\n"
    directory.ours("edit", "unmade", code=1)
    assert directory.quilt("files") == "brand-new\nrun.sh\n"


def test_a_git_worktree_tells_what_was_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that the patch did not have, too: git knows them."""
    monkeypatch.chdir(tmp_path)
    make = b"VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 66\nEXTRAVERSION =\n"
    top = tmp_path / "checkout"
    top.mkdir()

    def run(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=top, capture_output=True, text=True, check=True).stdout

    run("init", "-q", "-b", "main")
    write(top, {"Makefile": make, "a.c": numbered(30), "b.c": numbered(30, word="b")})
    run("add", ".")
    run("commit", "-qm", "Linux 5.10.66")
    run("tag", "base")
    write(top, {"a.c": numbered(30, {10: "ten\n"})})
    run("commit", "-qam", "a: ten")
    pin = run("rev-parse", "HEAD").strip()
    run("checkout", "-q", "base")
    series = tmp_path / "series/q"
    series.mkdir(parents=True)
    (series / "series").write_text(f"ten.patch # {pin}\n")
    options = ["--source", str(top), "--repo", str(top), "--series", "series/q", "--base", "base"]
    runner = CliRunner()
    done = runner.invoke(cli, ["edit", "ten", "--worktree", str(top), *options])
    assert done.exit_code == 0, done.output
    assert run("status", "--short", "--", "*.c") == " M a.c\n"
    write(top, {"b.c": numbered(30, {5: "five\n"}, word="b"), "new.c": b"new\n"})
    done = runner.invoke(cli, ["refresh", "--dir", str(top)])
    assert done.exit_code == 0, done.output
    assert run("status", "--short") == ""
    written = (series / "ten.patch").read_text()
    assert [line for line in written.splitlines() if line.startswith("diff")] == [
        "diff --git a/a.c b/a.c",
        "diff --git a/b.c b/b.c",
        "diff --git a/new.c b/new.c",
    ]


@st.composite
def _tried(draw: st.DrawFn) -> tuple[bytes, Hunk]:
    old = draw(st.lists(st.sampled_from("abcd"), min_size=4, max_size=14))
    at = draw(st.integers(0, len(old) - 1))
    leading, trailing = min(at, 3), min(len(old) - at - 1, 3)
    body = [f" {text}\n" for text in old[at - leading : at]]
    body += [f"-{old[at]}\n", "+X\n", *(f" {text}\n" for text in old[at + 1 : at + 1 + trailing])]
    start, size = at - leading + 1, leading + 1 + trailing
    hunk = Hunk(old_start=start, old_count=size, new_start=start, new_count=size, lines=tuple(b.encode() for b in body))
    content = list(old)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(content) - 1))
        content[place : place + draw(st.integers(0, 1))] = draw(st.lists(st.sampled_from("abcd"), max_size=2))
        content = content or ["a"]
    return "".join(f"{text}\n" for text in content).encode(), hunk


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_tried())
def test_places_are_known_as_gnu_patch_takes_them(tmp_path: Path, tried: tuple[bytes, Hunk]) -> None:
    content, hunk = tried
    file, out = tmp_path / "f", tmp_path / "out"
    file.write_bytes(content)
    out.unlink(missing_ok=True)
    done = subprocess.run(
        ["patch", "-p1", "-f", "-s", "-r", "-", "-o", str(out), str(file)],
        input=b"--- a/f\n+++ b/f\n" + hunk.render(),
        capture_output=True,
        check=False,
        cwd=tmp_path,
    )
    theirs = out.read_bytes() if done.returncode == 0 else None
    assert as_gnu_patch_does(content, [hunk]) == theirs
