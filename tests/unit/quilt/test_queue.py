# SPDX-License-Identifier: MIT
"""Patches are found by the names quilt finds them by."""

from __future__ import annotations

import attrs
import pytest

from mptcp_series.engine.quilt.queue import next_name
from mptcp_series.errors import BadInput, BadSeries, NothingToDo
from mptcp_series.values.series import SeriesEntry

from .conftest import Tree


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("a.patch", "a.patch"),
        ("a", "a.patch"),
        ("patches/a", "a.patch"),
        ("b", "b.diff"),
        ("z", "z.patch.gz"),
        ("sub/c", "sub/c.patch"),
        ("d", "d"),
    ],
)
def test_names_may_lack_their_end_and_have_their_directory(tree: Tree, typed: str, found: str) -> None:
    tree.series("a.patch\nb.diff\nz.patch.gz\nsub/c.patch\nd\nd.patch\n")
    assert tree.open().find(typed) == found


def test_a_name_that_fits_two_is_none(tree: Tree) -> None:
    tree.series("x.patch\nx.diff\n")
    with pytest.raises(BadInput, match=r"^Patch x is not in series$"):
        tree.open().find("x")


@pytest.mark.parametrize(("text", "why"), [(None, "No series file found"), ("# none\n", "No patches in series")])
def test_without_patches(tree: Tree, text: str | None, why: str) -> None:
    if text is not None:
        tree.series(text)
    with pytest.raises(BadInput, match=f"^{why}$"):
        tree.open().find("x")
    with pytest.raises(BadInput, match=f"^{why}$"):
        tree.open().unapplied()


def test_the_end_of_the_series_is_nothing_to_do(tree: Tree) -> None:
    tree.patch(a_patch=b"")
    tree.push_all()
    with pytest.raises(NothingToDo, match=r"^File series fully applied, ends at patch a\.patch$"):
        tree.open().unapplied()
    with pytest.raises(NothingToDo, match="is currently applied"):
        tree.open().unapplied_patch("a")


def test_names_are_printed_with_their_directory_where_that_is_wanted(tree: Tree) -> None:
    tree.settings = attrs.evolve(tree.settings, prefix=True, down="../")
    tree.series("a.patch\n")
    quilt = tree.open()
    assert quilt.shown("a.patch") == "../patches/a.patch"
    assert quilt.find("../patches/a.patch") == "a.patch"


@pytest.mark.parametrize(
    ("name", "next_"),
    [("p", "p-2"), ("p-9.diff", "p-10.diff"), ("a-b.patch", "a-b-2.patch"), ("p.patch.gz", "p-2.patch.gz")],
)
def test_names_of_forks(name: str, next_: str) -> None:
    assert next_name(name) == next_


@pytest.mark.parametrize("name", ["a b", "series", ".version", "applied-patches", "../x", "a.patch"])
def test_names_no_new_patch_can_have(tree: Tree, name: str) -> None:
    tree.series("a.patch\n")
    with pytest.raises(BadInput):
        tree.open().check_new_name(name)


def test_new_patches_come_behind_the_top_and_keep_comments(tree: Tree) -> None:
    tree.patch(a_patch=b"", b_patch=b"")
    tree.series("# begin\na.patch # one\n\n# about b\nb.patch -p0\n")
    tree.push()
    series = tree.open().inserted(SeriesEntry(name="n.patch"))
    assert series.render() == b"# begin\na.patch # one\n\n# about b\nn.patch\nb.patch -p0\n"


def test_a_name_of_quilts_own_in_the_series_is_refused(tree: Tree) -> None:
    tree.series("a.patch\n.version\n")
    with pytest.raises(BadSeries, match=r"patches/series:2: no patch can be called '\.version'"):
        _ = tree.open().names


def test_quilts_ab_level_is_read(tree: Tree) -> None:
    """`quilt new -p ab` writes it, and the first refresh takes it away."""
    tree.series("a.patch -pab\n")
    assert [(entry.name, entry.strip) for entry in tree.open().series.entries] == [("a.patch", 1)]
