# SPDX-License-Identifier: MIT
"""Which files are a patch's: added, removed, reverted, folded in, compared."""

from __future__ import annotations

import os

import pytest

from mptcp_series.engine.quilt.fold import Fold, fold
from mptcp_series.engine.quilt.membership import Membership, Word, add, remove, revert
from mptcp_series.engine.quilt.patchfile import Reader
from mptcp_series.engine.quilt.show import compare
from mptcp_series.errors import BadInput

from .conftest import Tree, diff, lines


@pytest.fixture
def pair(tree: Tree) -> Tree:
    """Two applied patches."""
    tree.write({"f": lines("1"), "g": lines("g"), "h": lines("h")})
    tree.patch(a_patch=diff("f", ["1"], ["one"]), b_patch=diff("g", ["g"], ["G"]))
    tree.push_all()
    return tree


def words(done: Membership) -> list[tuple[str, Word, str]]:
    return [(member.path, member.word, member.by) for member in done.members]


def test_files_are_added_as_they_are(pair: Tree) -> None:
    done = add(pair.open(), "b.patch", ["h", "./new", "g", "patches/x", ".pc/x"])
    done.write()
    assert words(done) == [
        ("h", Word.DONE, ""),
        ("new", Word.DONE, ""),
        ("g", Word.ALREADY, ""),
        ("patches/x", Word.OWN, "patches"),
        (".pc/x", Word.OWN, ".pc"),
    ]
    assert pair.read(".pc/b.patch/h") == lines("h")
    assert pair.read(".pc/b.patch/new") == b""
    pair.write({"h": lines("H"), "new": lines("n")})
    assert pair.pop(force=True).patches[0].removed == ("new",)
    assert pair.read("h") == lines("h")


def test_a_file_of_a_patch_above_is_not_added(pair: Tree) -> None:
    assert words(add(pair.open(), "a.patch", ["g"])) == [("g", Word.ABOVE, "b.patch")]


def test_links_and_paths_that_leave_the_tree_are_refused(pair: Tree) -> None:
    (pair.top / "l").symlink_to("f")
    assert words(add(pair.open(), "b.patch", ["l"])) == [("l", Word.LINK, "")]
    for path in ("../x", "/etc/passwd", ".git/config"):
        with pytest.raises(BadInput):
            add(pair.open(), "b.patch", [path])


def test_an_added_file_gets_a_name_of_its_own_and_may_be_written(pair: Tree) -> None:
    os.link(pair.top / "h", pair.top / "other")
    (pair.top / "h").chmod(0o444)
    add(pair.open(), "b.patch", ["h"]).write()
    assert (pair.top / "h").stat().st_nlink == 1
    assert (pair.top / "h").stat().st_mode & 0o777 == 0o644
    with (pair.top / "h").open("ab") as file:
        file.write(b"more\n")
    assert pair.read("other") == lines("h")


def test_removed_files_are_as_they_were(pair: Tree) -> None:
    pair.write({"g": lines("mine")})
    done = remove(pair.open(), "b.patch", ["g", "h"])
    done.write()
    assert words(done) == [("g", Word.DONE, ""), ("h", Word.NOT_IN, "")]
    assert pair.read("g") == lines("g")
    assert pair.read(".pc/b.patch~refresh") == b"", "the patch file still has it"


def test_reverted_files_are_as_the_patch_has_them(pair: Tree) -> None:
    pair.write({"g": lines("mine")})
    quilt = pair.open()
    done = revert(quilt, "b.patch", ["g"], Reader(quilt))
    done.write()
    assert words(done) == [("g", Word.DONE, "")]
    assert pair.read("g") == lines("G")
    quilt = pair.open()
    assert words(revert(quilt, "b.patch", ["g"], Reader(quilt))) == [("g", Word.UNCHANGED, "")]


def test_none_is_reverted_where_one_cannot_be(pair: Tree) -> None:
    pair.write({"g": lines("mine")})
    quilt = pair.open()
    done = revert(quilt, "b.patch", ["g", "h"], Reader(quilt))
    done.write()
    assert words(done) == [("h", Word.NOT_IN, "")]
    assert pair.read("g") == lines("mine")


def folded(tree: Tree, patch: bytes, *, reverse: bool = False, force: bool = False, below: str = "") -> Fold:
    done = fold(tree.open(), patch, reverse=reverse, force=force, below=below)
    done.write()
    return done


def test_a_folded_patch_becomes_part_of_the_top_one(pair: Tree) -> None:
    assert not folded(pair, diff("g", ["G"], ["GG"]) + diff("h", ["h"], ["H"])).refused
    assert pair.read("h") == lines("H")
    assert pair.read(".pc/b.patch/h") == lines("h")
    assert pair.read(".pc/b.patch/g") == lines("g")
    folded(pair, diff("h", ["h"], ["H"]), reverse=True)
    assert pair.read("h") == lines("h")


def test_names_of_a_folded_patch_may_be_below_a_directory(pair: Tree) -> None:
    pair.write({"d/x": lines("x")})
    folded(pair, diff("x", ["x"], ["X"]), below="d/")
    assert pair.read("d/x") == lines("X")


def test_a_folded_patch_that_does_not_fit_changes_nothing(pair: Tree) -> None:
    before = pair.all()
    done = folded(pair, diff("g", ["other"], ["x"]) + diff("h", ["h"], ["H"]))
    assert done.refused
    assert pair.all() == before
    assert not folded(pair, diff("g", ["other"], ["x"]) + diff("h", ["h"], ["H"]), force=True).refused
    assert pair.read("h") == lines("H")
    assert pair.read("g.rej") == b"--- g\n+++ g\n@@ -1 +1 @@\n-other\n+x\n"
    assert pair.read(".pc/b.patch~refresh") == b""


def test_what_is_compared(pair: Tree) -> None:
    pair.write({"f": lines("mine"), "g": lines("GG")})
    quilt = pair.open()

    def found(name: str, first: str | None = None, relative: bool = False) -> list[tuple[str, bytes, bytes]]:
        comparison = compare(quilt, name, Reader(quilt), first=first, relative=relative)
        assert not comparison.shadowed
        return [
            (one.path, one.old.state.data, one.new.state.data)
            for one in comparison.files
            if one.old.state is not None and one.new.state is not None
        ]

    assert found("b.patch") == [("g", b"g\n", b"GG\n")]
    assert found("b.patch", relative=True) == [("g", b"G\n", b"GG\n")]
    assert found("b.patch", first="") == [("f", b"1\n", b"mine\n"), ("g", b"g\n", b"GG\n")]
    assert found("a.patch") == [("f", b"1\n", b"mine\n")]
    with pytest.raises(BadInput, match=r"not applied before patch a\.patch"):
        found("a.patch", first="b.patch")
