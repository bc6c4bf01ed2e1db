# SPDX-License-Identifier: MIT
"""A pinned series with a merge in it: our push of the pins leads where GNU quilt's push of the export leads."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mptcp_series.engine.directory.rooted import Rooted
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.quilt.patchfile import Reader
from mptcp_series.engine.quilt.push import push
from mptcp_series.engine.quilt.queue import Quilt
from mptcp_series.engine.quilt.settings import Settings
from mptcp_series.engine.store.repository import open_repository
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.errors import BadSeries
from mptcp_series.minikernel.world import build_world
from mptcp_series.values.patch import Patch
from mptcp_series.values.recipe import Recipe

from .conftest import Git
from .test_export_quilt import quilt as gnu_quilt

pytestmark = pytest.mark.skipif(shutil.which("quilt") is None, reason="quilt is not installed")


def test_a_merge_of_the_mini_kernel(tmp_path: Path) -> None:
    world = build_world(tmp_path)
    extract(Recipe.parse(world.recipe, "recipe.toml"), world.source).write(tmp_path / "series")
    (tmp_path / "series" / "recipe.toml").write_bytes(world.recipe)
    queue = Queue.load(tmp_path / "series", source=world.source)
    result = queue.apply(world.source, base="v5.10", align=False).require()
    result.export(tmp_path / "patches")
    git = Git(world.source)
    for name in ("theirs", "ours"):
        git.run("worktree", "add", "--detach", str(tmp_path / name), "v5.10")
    gnu_quilt(tmp_path / "theirs", tmp_path / "patches", "push", "-a")
    theirs = Git(tmp_path / "theirs").tree_of_files()

    repo = open_repository(world.source)
    quilt = Quilt.open(Rooted(tmp_path / "ours"), Settings(patches=str(tmp_path / "series")))
    reader = Reader(quilt, lambda: repo)
    merges = [entry for entry in queue.series.entries if len(repo[entry.pin].parent_ids) > 1]  # type: ignore[attr-defined,index]
    assert merges
    made = {step.name for step in result.steps}
    for entry in merges:
        assert entry.name in made
        pinned = reader.read(entry.name)
        exported = Patch.parse((tmp_path / "patches" / entry.name).read_bytes(), entry.name)
        assert [change.raw for change in pinned.changes] == [change.raw for change in exported.changes]
    push(quilt, quilt.unapplied(), reader).write()
    assert Git(tmp_path / "ours").tree_of_files() == theirs == result.tree

    (tmp_path / "series" / "recipe.toml").unlink()
    with pytest.raises(BadSeries, match=r"these are named in .*recipe\.toml, which is not there"):
        Reader(quilt, lambda: repo).read(merges[0].name)
