# SPDX-License-Identifier: MIT
"""`.pc` is read as quilt writes it, and refused where it is not."""

from __future__ import annotations

import pytest

from mptcp_series.errors import BadInput, BadSeries, UnsafePath

from .conftest import Tree, diff, lines


def test_a_tree_without_state_has_nothing_applied(tree: Tree) -> None:
    quilt = tree.open()
    assert quilt.applied == ()
    assert not quilt.state.exists


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("3", "format '3' of quilt's meta-data, and 2 is known here; pop all patches with the quilt that pushed them"),
        ("1", "format '1' of quilt's meta-data, and 2 is known here; run `quilt upgrade`"),
        ("two", "format 'two' of quilt's meta-data, and 2 is known here; run `quilt upgrade`"),
    ],
)
def test_an_unknown_version_is_refused_with_file_and_line(tree: Tree, version: str, why: str) -> None:
    tree.write({".pc/.version": f"{version}\n".encode(), ".pc/applied-patches": b"a.patch\n"})
    with pytest.raises(BadInput) as caught:
        tree.open()
    assert str(caught.value) == f"{tree.top}/.pc/.version:1: {why}"


def test_state_of_before_versions_is_refused(tree: Tree) -> None:
    tree.write({".pc/applied-patches": b"a.patch\n"})
    with pytest.raises(BadInput, match=r"made by quilt before 0\.40"):
        tree.open()


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", ".version", "a/../b", ".git/hooks/x"])
def test_hostile_names_of_applied_patches_are_refused(tree: Tree, name: str) -> None:
    tree.write({".pc/.version": b"2\n", ".pc/applied-patches": f"ok.patch\n{name}\n".encode()})
    with pytest.raises(BadSeries, match=r"\.pc/applied-patches:2: applied patch"):
        tree.open()


def test_a_name_that_is_applied_twice_is_refused(tree: Tree) -> None:
    tree.write({".pc/.version": b"2\n", ".pc/applied-patches": b"a\na\n"})
    with pytest.raises(BadSeries, match="is listed twice"):
        tree.open()


def test_a_linked_state_directory_is_not_followed(tree: Tree) -> None:
    (tree.top / "elsewhere").mkdir()
    (tree.top / ".pc").symlink_to("elsewhere")
    with pytest.raises(UnsafePath):
        tree.open()


def test_what_the_state_remembers_wins_over_the_settings(tree: Tree) -> None:
    tree.write({".pc/.version": b"2\n", ".pc/.quilt_patches": b"my/p\n", ".pc/.quilt_series": b"list\n"})
    tree.write({"my/p/list": b"x.patch\n"})
    quilt = tree.open()
    assert (quilt.patches_name, quilt.series_name, quilt.names) == ("my/p", "list", ("x.patch",))


@pytest.mark.parametrize("place", [".pc/series", "series", "patches/series"])
def test_the_series_is_looked_for_where_quilt_looks(tree: Tree, place: str) -> None:
    tree.write({".pc/.version": b"2\n", place: b"here.patch\n"})
    assert tree.open().names == ("here.patch",)


def test_a_series_that_no_longer_has_the_applied_patches_is_refused(tree: Tree) -> None:
    tree.patch(a_patch=diff("f", ["x"], ["y"]), b_patch=b"")
    tree.write({"f": lines("x")})
    tree.push_all()
    tree.series("b.patch\na.patch\n")
    with pytest.raises(BadInput, match="The series file no longer matches the applied patches"):
        tree.open()
    assert tree.open(check=False).applied == ("a.patch", "b.patch")


def test_the_state_is_what_quilt_writes(tree: Tree) -> None:
    tree.write({"d/f": lines("x"), "gone": lines("g")})
    tree.patch(
        a_patch=diff("d/f", ["x"], ["y"]),
        b_patch=b"--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+n\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-g\n",
    )
    tree.push_all()
    assert tree.files() == {"d/f": lines("y"), "new": lines("n")}
    assert tree.state() == {
        ".pc/.quilt_patches": b"patches\n",
        ".pc/.quilt_series": b"series\n",
        ".pc/.version": b"2\n",
        ".pc/a.patch/.timestamp": b"",
        ".pc/a.patch/d/f": lines("x"),
        ".pc/applied-patches": b"a.patch\nb.patch\n",
        ".pc/b.patch/.timestamp": b"",
        ".pc/b.patch/gone": lines("g"),
        ".pc/b.patch/new": b"",
    }


def test_time_stamps_are_newer_than_the_files_and_the_patch(tree: Tree) -> None:
    tree.write({"f": lines("x")})
    tree.patch(a_patch=diff("f", ["x"], ["y"]))
    tree.push_all()
    stamp = (tree.top / ".pc/a.patch/.timestamp").stat().st_mtime_ns
    assert stamp > (tree.top / "f").stat().st_mtime_ns
    assert stamp > (tree.top / "patches/a.patch").stat().st_mtime_ns
