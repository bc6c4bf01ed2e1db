# SPDX-License-Identifier: MIT
"""GNU quilt pushes an exported directory, at fuzz 0, to the tree of the result, and pops it to the base."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mptcp_series.engine.exchange.importing import import_quilt
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.errors import BadSeries
from mptcp_series.minikernel.history import Changes, FileEntry
from mptcp_series.minikernel.world import build_world
from mptcp_series.values.recipe import Recipe

from .conftest import AUTHOR, MAKEFILE, Git, numbered, replayed, start

pytestmark = pytest.mark.skipif(shutil.which("quilt") is None, reason="quilt is not installed")

BASE: Changes = {
    "Makefile": MAKEFILE,
    "net/mptcp/a.c": numbered(60),
    "net/mptcp/latin1.c": "/* Müller */\n".encode("latin-1") + numbered(9),
    "net/mptcp/crlf.c": numbered(20).replace(b"\n", b"\r\n"),
    "net/mptcp/mixed.c": numbered(20).replace(b"line 3 of a file with some text in it\n", b"three\r\n"),
    "net/mptcp/nofinal.c": numbered(12).rstrip(b"\n"),
    "net/mptcp/final.c": numbered(12),
    "net/mptcp/gone.c": numbered(15, word="gone"),
    "net/mptcp/only.c": numbered(8, word="only"),
    "net/old_name.c": numbered(40, word="moved"),
    "net/with space.c": numbered(12, word="space"),
    "tools/run.sh": FileEntry(mode=0o100644, data=numbered(10, word="echo")),
    "tools/plain.sh": FileEntry(mode=0o100755, data=numbered(10, word="true")),
}

PATCHES: list[Changes] = [
    {"net/mptcp/a.c": numbered(60, {20: "twenty\n", 50: "fifty\nand more\n"})},
    {"net/mptcp/latin1.c": "/* Müller, Strauß */\n".encode("latin-1") + numbered(9, {5: "five\n"})},
    {"net/mptcp/crlf.c": numbered(20, {10: "ten\n"}).replace(b"\n", b"\r\n")},
    {"net/mptcp/mixed.c": numbered(20, {3: "three!\r\n", 4: "four\n"})},
    {"net/mptcp/nofinal.c": numbered(12, {12: "the end\n"})},
    {"net/mptcp/final.c": numbered(12, {11: "no end\n"}).rstrip(b"\n")},
    {"net/mptcp/nofinal.c": numbered(12, {12: "the end of it"})},
    {"net/mptcp/new.c": numbered(30, word="new"), "net/mptcp/new/deep.h": b"one line, not ended"},
    {"net/mptcp/gone.c": None, "net/mptcp/a.c": numbered(60, {20: "twenty\n", 30: "", 50: "fifty\nand more\n"})},
    {"net/old_name.c": None, "net/mptcp/new_name.c": numbered(40, {7: "seven\n"}, word="moved")},
    {"net/mptcp/new_name.c": numbered(40, {7: "seven\n", 30: "thirty\n"}, word="moved")},
    {"tools/run.sh": FileEntry(mode=0o100755, data=numbered(10, {2: "two\n"}, word="echo"))},
    {"tools/plain.sh": FileEntry(mode=0o100644, data=numbered(10, word="true"))},
    {"net/with space.c": numbered(12, {6: "six\n"}, word="space")},
    {"net/mptcp/ünicode.c": b"a name that is not ASCII\n"},
    {"net/mptcp/new.c": None},
    {"net/mptcp/only.c": b""},
    {"net/mptcp/empty.c": b""},
    {"net/mptcp/empty.c": None, "net/mptcp/only.c": None},
]


def quilt(tree: Path, patches: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["quilt", "--quiltrc", "-", *arguments],
        cwd=tree,
        env={**os.environ, "QUILT_PATCHES": str(patches), "QUILT_PATCH_OPTS": "-F0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def awkward_history(directory: Path) -> Git:
    """Branch `base`, which the queue goes to, and branch `queue`, which starts where tag `start` is."""
    git, history = start(directory)
    history.commit("base", BASE, "base\n", AUTHOR, 1_000_000)
    history.tag("start", "base", "start\n", AUTHOR, 1_000_000)
    history.fork("queue", "base")
    for number, changes in enumerate(PATCHES, start=1):
        message = f"mptcp: patch {number}\n\nWhy number {number}.\n"
        history.commit("queue", changes, message, AUTHOR, 1_000_000 + number)
    # The base went on: all later hunks of a.c are elsewhere now.
    head = b"/* a new first line */\n" * 5
    history.commit("base", {"net/mptcp/a.c": head + numbered(60)}, "base: go on\n", AUTHOR, 1_000_100)
    history.publish("base", "queue")
    return git


def pushed_and_popped(git: Git, base: str, patches: Path, work: Path) -> str:
    """The tree after `quilt push -a`; popping must lead back to the base."""
    git.run("worktree", "add", "--detach", str(work), base)
    tree = Git(work)
    said = quilt(work, patches, "push", "-a")
    assert "fuzz" not in said
    after = tree.tree_of_files()
    quilt(work, patches, "pop", "-a")
    assert tree.tree_of_files() == tree.run("rev-parse", f"{base}^{{tree}}")
    return after


def test_quilt_pushes_to_the_tree_of_the_result(tmp_path: Path) -> None:
    git = awkward_history(tmp_path / "repo.git")
    result = replayed(tmp_path / "series", git.directory, "start..queue", "base").require()
    assert result.counts["offset"] == 2
    assert result.counts["clean"] == len(PATCHES) - 2
    result.export(tmp_path / "patches")
    assert pushed_and_popped(git, "base", tmp_path / "patches", tmp_path / "work") == result.tree


def test_quilt_reads_an_imported_queue(tmp_path: Path) -> None:
    """export, import and export again: the same patches, and the same tree from materialised patches alone."""
    git = awkward_history(tmp_path / "repo.git")
    first = replayed(tmp_path / "series", git.directory, "start..queue", "base").require()
    first.export(tmp_path / "patches")
    import_quilt(tmp_path / "patches").write(tmp_path / "imported")
    second = Queue.load(tmp_path / "imported").apply(git.directory, base="base", align=False).require()
    assert second.tree == first.tree
    second.export(tmp_path / "again")
    names = [line for line in (tmp_path / "patches" / "series").read_text().split("\n") if line[:1] not in ("", "#")]
    assert len(names) == len(PATCHES)
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "patches" / name).read_bytes()


@pytest.mark.parametrize("base", ["v5.10", "v5.10.4"])
def test_quilt_pushes_the_mini_kernel(tmp_path: Path, base: str) -> None:
    world = build_world(tmp_path)
    extract(Recipe.parse(world.recipe, "recipe.toml"), world.source).write(tmp_path / "series")
    with pytest.raises(BadSeries, match=r"series:22: .* a merge, and no recipe\.toml says which paths are owned"):
        Queue.load(tmp_path / "series", source=world.source).apply(world.source, base=base)
    (tmp_path / "series" / "recipe.toml").write_bytes(world.recipe)
    queue = Queue.load(tmp_path / "series", source=world.source)
    result = queue.apply(world.source, base=base, align=False).require()
    result.export(tmp_path / "patches")
    assert pushed_and_popped(Git(world.source), base, tmp_path / "patches", tmp_path / "work") == result.tree
