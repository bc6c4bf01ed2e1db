# SPDX-License-Identifier: MIT
"""Patches that a line pins: of a merge, what it did itself to the paths the queue owns."""

from __future__ import annotations

from pathlib import Path

import attrs
import pygit2
import pytest

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.quilt.patchfile import Reader
from mptcp_series.engine.quilt.pop import pop
from mptcp_series.engine.quilt.push import push
from mptcp_series.errors import BadRecipe, BadSeries, MissingObject
from mptcp_series.values.patch import Patch

from ..conftest import MAKEFILE, Files, Lab, numbered
from .conftest import Tree

F, G, SHARED = "net/mptcp/f.c", "net/mptcp/g.c", "net/ipv4/tcp.c"
BASE: Files = {"Makefile": MAKEFILE, F: numbered(20), G: b"g\n", SHARED: numbered(9)}
FIRST: Files = {**BASE, F: numbered(20, {3: "three\n"})}
RECIPE = b'[series]\nname = "q"\nrange = "a..b"\nmatch = ["net/mptcp"]\nowned = ["net/mptcp/"]\n'


@attrs.frozen
class Place:
    """A tree, and a queue of a pick and a merge in it, beside the repository that has both."""

    tree: Tree
    lab: Lab
    base: str
    first: str
    merge: str
    idle: str
    """A merge that is the automatic one on owned paths."""

    def reader(self) -> Reader:
        return Reader(self.tree.open(), lambda: self.lab.repo)

    def series(self, merge: str, recipe: bytes | None = RECIPE) -> None:
        self.tree.series(f"first.patch # {self.first}\nmerge.patch # {merge}\n")
        if recipe is not None:
            self.tree.write({"patches/recipe.toml": recipe})


@pytest.fixture
def place(tree: Tree, lab: Lab) -> Place:
    base = lab.commit(BASE, "base\n")
    first = lab.commit(FIRST, "mptcp: first\n", [base])
    side = lab.commit({**BASE, F: numbered(20, {18: "eighteen\n"})}, "mptcp: side\n", [base])
    both: Files = {**BASE, F: numbered(20, {3: "three\n", 18: "eighteen\n"})}
    shared = {SHARED: numbered(9, {5: "five\n"})}
    merge = lab.commit(
        {**both, G: b"G\n", "net/mptcp/new.c": b"new\n", **shared}, "Merge side\n\nWhy.\n", [first, side]
    )
    idle = lab.commit({**both, **shared}, "Merge side\n", [first, side])
    tree.write({path: data for path, data in BASE.items() if isinstance(data, bytes)})
    return Place(tree=tree, lab=lab, base=base, first=first, merge=merge, idle=idle)


def diff_of(data: bytes) -> bytes:
    return b"".join(change.raw for change in Patch.parse(data, "p").changes)


def test_a_merge_gives_what_export_writes(place: Place, tmp_path: Path) -> None:
    place.series(place.merge)
    queue = Queue.load(place.tree.top / "patches", source=place.lab.repo.path)
    result = queue.apply(place.lab.repo.path, base=place.base, align=False).require()
    result.export(tmp_path / "out")
    reader = place.reader()
    for name in ("first.patch", "merge.patch"):
        data = reader.read(name).data
        assert data is not None
        assert diff_of(data) == diff_of((tmp_path / "out" / name).read_bytes())
    merge = reader.read("merge.patch")
    assert [change.path for change in merge.changes] == [G, "net/mptcp/new.c"]
    assert b"Subject: [PATCH] Merge side\n\nWhy.\n" in merge.header


def test_a_merge_is_pushed_and_popped(place: Place) -> None:
    place.series(place.merge)
    before = place.tree.files()
    quilt = place.tree.open()
    push(quilt, quilt.unapplied(), place.reader()).write()
    files = place.tree.files()
    assert files[G] == b"G\n"
    assert files["net/mptcp/new.c"] == b"new\n"
    assert files[F] == numbered(20, {3: "three\n"})  # what the merged branch did is other patches' work
    assert files[SHARED] == BASE[SHARED]  # not owned
    quilt = place.tree.open()
    assert quilt.applied == ("first.patch", "merge.patch")
    pop(quilt, ("merge.patch", "first.patch"), place.reader()).write()
    assert place.tree.files() == before


def test_a_merge_without_a_recipe_is_refused(place: Place) -> None:
    """It would pass for a patch that changes nothing."""
    place.series(place.merge, recipe=None)
    assert place.reader().read("first.patch").changes
    with pytest.raises(BadSeries) as caught:
        place.reader().read("merge.patch")
    patches = place.tree.top / "patches"
    assert str(caught.value) == (
        f"{patches}/series:2: merge.patch is pinned to {place.merge}, a merge, and its patch is what it did itself to "
        f"the paths the queue owns; these are named in {patches}/recipe.toml, which is not there: put the queue's "
        "recipe there"
    )


def test_a_merge_that_did_nothing_itself_is_refused(place: Place) -> None:
    place.series(place.idle)
    with pytest.raises(BadSeries) as caught:
        place.reader().read("merge.patch")
    assert str(caught.value) == (
        f"{place.tree.top}/patches/series:2: merge.patch is pinned to {place.idle}, a merge that has no work of its "
        "own on the paths the recipe owns; name the commits it brought"
    )


def test_a_recipe_is_read_for_a_merge_only(place: Place) -> None:
    place.series(place.merge, recipe=b"[series]\nnmae = 1\n")
    assert place.reader().read("first.patch").changes
    with pytest.raises(BadRecipe, match=r"patches/recipe\.toml"):
        place.reader().read("merge.patch")


def test_reverse_merges(place: Place) -> None:
    place.series(place.merge)
    place.tree.series(f"merge.patch -R # {place.merge}\n")
    place.tree.write({G: b"G\n", "net/mptcp/new.c": b"new\n"})
    quilt = place.tree.open()
    push(quilt, quilt.unapplied(), place.reader()).write()
    assert place.tree.read(G) == b"g\n"
    assert place.tree.read("net/mptcp/new.c") is None


def test_a_source_that_is_another_repository(place: Place, tmp_path: Path) -> None:
    """A pin that is not there is told as ever, merge or not."""
    other = pygit2.init_repository(str(tmp_path / "other.git"), bare=True)
    place.series(place.merge)
    with pytest.raises(MissingObject, match=r"merge\.patch is pinned to .* does not have"):
        Reader(place.tree.open(), lambda: other).read("merge.patch")
