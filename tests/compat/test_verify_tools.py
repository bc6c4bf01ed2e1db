# SPDX-License-Identifier: MIT
"""What other tools make of a queue passes `verify`; authors and tree ids are those that git gives."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mptcp_series import Queue, Result, verify
from mptcp_series.engine.proof.annotate import annotate
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.minikernel.world import World, build_world
from mptcp_series.values.recipe import Recipe

from .conftest import Git

BSP = "bsp-5.10"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)


@pytest.fixture
def queue(world: World, tmp_path: Path) -> Queue:
    """The queue of the recipe with its include, so that nothing is unexplained."""
    series = tmp_path / "series" / "mini-5.15"
    series.mkdir(parents=True)
    (series / "recipe.toml").write_bytes(world.recipe + world.include)
    extract(Recipe.parse(world.recipe + world.include, "recipe.toml"), world.source).write(series)
    return Queue.load(series, overrides=world.overrides, source=world.source)


@pytest.fixture
def result(world: World, queue: Queue) -> Result:
    return queue.apply(world.bsp, base=BSP).write_branch("out")


def cloned(world: World, directory: Path, rev: str) -> Git:
    Git(world.bsp).run("clone", "--quiet", "--shared", "--branch", rev, str(world.bsp), str(directory))
    return Git(directory)


def test_authors_are_those_of_git_blame(world: World, result: Result) -> None:
    git = Git(world.bsp)
    names = {step.commit.hex(): step.name for step in result.steps}
    paths = sorted({change.path for step in result.steps for change in step.changes})
    seen = 0
    for path in paths:
        found = annotate(result, path)
        if found.entry is None:
            continue
        lines = git.run("blame", "--line-porcelain", "-l", "out", "--", path).split("\n")
        heads = [line.split(" ")[0] for line in lines if len(line) > 40 and line[40:41] == " " and line[:1] != "\t"]
        blamed = [head for head in heads if all(digit in "0123456789abcdef" for digit in head) and len(head) == 40]
        assert [found.name(line) for line in range(1, len(found.lines) + 1)] == [names.get(name) for name in blamed]
        seen += len(blamed)
    assert seen > 2000


def test_a_checkout_passes_and_has_git_s_tree_id(world: World, queue: Queue, result: Result, tmp_path: Path) -> None:
    git = cloned(world, tmp_path / "checkout", "out")
    found = verify(queue, world.bsp, git.directory, base=BSP)
    assert found.proven
    assert [(one.pattern, one.files) for one in found.ignored] == [(".git", 1)]
    (git.directory / "net/mptcp/pm.c").write_bytes(b"int other;\n")
    (git.directory / "run").symlink_to("Makefile")
    (git.directory / "Makefile").chmod(0o755)
    found = verify(queue, world.bsp, git.directory, base=BSP)
    assert found.result.tree == git.tree_of_files()
    assert {one.path for one in found.differences} == {"net/mptcp/pm.c", "run", "Makefile"}


def test_what_git_am_makes_of_the_export_passes(world: World, queue: Queue, result: Result, tmp_path: Path) -> None:
    result.export(tmp_path / "queue.mbox", format="mbox")
    git = cloned(world, tmp_path / "am", BSP)
    git.run("am", "--quiet", "--keep-cr", str(tmp_path / "queue.mbox"))
    assert verify(queue, git.directory, "HEAD", base=f"origin/{BSP}").proven


@pytest.mark.skipif(shutil.which("quilt") is None, reason="quilt is not installed")
def test_what_quilt_makes_of_the_export_passes(world: World, queue: Queue, result: Result, tmp_path: Path) -> None:
    tree = cloned(world, tmp_path / "quilt", BSP).directory
    result.export(tmp_path / "patches", format="quilt")
    environment = {**os.environ, "QUILT_PATCHES": str(tmp_path / "patches"), "QUILT_PATCH_OPTS": "-F0"}

    def quilt(*words: str) -> None:
        subprocess.run(["quilt", "--quiltrc", "-", *words], cwd=tree, env=environment, capture_output=True, check=True)

    quilt("push", "-a")
    found = verify(queue, world.bsp, tree, base=BSP, ignore=[".pc/"])
    assert found.proven
    assert all(one.files for one in found.ignored)
    quilt("pop")
    short = verify(queue, world.bsp, tree, base=BSP, ignore=[".pc/"])
    names = {author.name for one in short.differences for author in one.authors}
    assert result.steps[-1].name in names
    assert {one.kind.value for one in short.differences} == {"missing"}
