# SPDX-License-Identifier: MIT
"""GNU quilt pushes a rewritten directory, at fuzz 0, to the tree of the rebased queue."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.rebase import rebase
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.minikernel.world import World, build_world
from mptcp_series.values.recipe import Recipe

from .conftest import Git
from .test_export_quilt import pushed_and_popped

pytestmark = pytest.mark.skipif(shutil.which("quilt") is None, reason="quilt is not installed")


def mini(world: World, directory: Path) -> Queue:
    """The mini-kernel's queue, with its recipe: it aligns and restores."""
    series = directory / "series" / "mini-5.15"
    extract(Recipe.parse(world.recipe, "recipe.toml"), world.source).write(series)
    (series / "recipe.toml").write_bytes(world.recipe)
    return Queue.load(series, source=world.source, overrides=world.overrides)


def test_quilt_pushes_a_rewritten_mini_kernel(tmp_path: Path) -> None:
    """From base to base of the whole line, in one directory: what was rewritten before is what is rewritten next."""
    world = build_world(tmp_path)
    queue = mini(world, tmp_path)
    place = tmp_path / "patches"
    bases = [tag for tag in world.plain_conflicts if queue.apply(world.source, base=tag).complete]
    assert len(bases) > 3
    queue.apply(world.source, base=bases[0]).export(place)
    route = [*bases, *reversed(bases[:-1]), bases[-1]]
    for before, after in itertools.pairwise(route):
        moved = rebase(queue, world.source, before=before, after=after)
        moved.rewrite(place)
        work = tmp_path / "work"
        git = Git(world.source)
        assert pushed_and_popped(git, after, place, work) == moved.after.tree
        git.run("worktree", "remove", "--force", str(work))


def test_a_rewrite_is_quieter_than_an_export(tmp_path: Path) -> None:
    """An export to the next base has other index lines and line numbers in most files; the rewrite leaves them."""
    world = build_world(tmp_path)
    queue = mini(world, tmp_path)
    place, fresh = tmp_path / "patches", tmp_path / "fresh"
    moved = rebase(queue, world.source, before="v5.10", after="v5.10.4", align=False)
    moved.before.require().export(place)
    moved.after.require().export(fresh)
    differ = [
        path.name
        for path in fresh.glob("*.patch")
        if (place / path.name).is_file() and path.read_bytes() != (place / path.name).read_bytes()
    ]
    rewritten = {path.name for path in moved.rewrite(place)} - {"series"}
    assert rewritten < set(differ)
    assert len(rewritten) * 2 < len(differ)
