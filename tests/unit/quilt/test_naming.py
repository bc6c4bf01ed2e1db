# SPDX-License-Identifier: MIT
"""Which patches there are: new, forked, renamed, deleted, imported; and what they say of themselves."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from mptcp_series.engine.quilt import naming
from mptcp_series.engine.quilt.header import with_header, without_stat, without_trailing_blanks
from mptcp_series.engine.quilt.importing import Imports, Keep, import_patches
from mptcp_series.engine.quilt.patchfile import Reader, parse
from mptcp_series.errors import BadInput, BadPatch

from .conftest import Tree, diff, lines


@pytest.fixture
def one(tree: Tree) -> Tree:
    tree.write({"f": lines("1")})
    tree.patch(a_patch=diff("f", ["1"], ["one"]), z_patch=b"")
    tree.series("# top\na.patch -p1 # note\nz.patch\n")
    tree.push()
    return tree


def test_a_new_patch_is_on_top(one: Tree) -> None:
    assert naming.new(one.open(), "patches/sub/n.patch", strip=0) == "sub/n.patch"
    assert one.open().applied == ("a.patch", "sub/n.patch")
    assert one.read("patches/series") == b"# top\na.patch -p1 # note\nsub/n.patch -p0\nz.patch\n"
    assert (one.top / ".pc/sub/n.patch").is_dir()
    assert one.pop().patches[0].empty
    assert not (one.top / ".pc/sub").exists()


def test_a_new_patch_makes_the_directory(tree: Tree) -> None:
    (tree.top / "patches").rmdir()
    naming.new(tree.open(), "n.patch")
    assert tree.read("patches/series") == b"n.patch\n"
    assert tree.read(".pc/.version") == b"2\n"


def test_a_final_newline_is_added_first(one: Tree) -> None:
    one.series("a.patch")
    naming.new(one.open(), "n.patch")
    assert one.read("patches/series") == b"a.patch\nn.patch\n"


def test_a_fork_takes_the_place_and_leaves_the_file(one: Tree) -> None:
    naming.fork(one.open(), None).write()
    assert one.open().applied == ("a-2.patch",)
    assert one.read("patches/series") == b"# top\na-2.patch # note\nz.patch\n"
    assert one.read("patches/a.patch") == one.read("patches/a-2.patch")
    assert one.read(".pc/a-2.patch/f") == lines("1")
    assert not (one.top / ".pc/a.patch").exists()
    assert one.pop().stuck is None
    assert one.read("f") == lines("1")


def test_a_rename_takes_the_file_along(one: Tree) -> None:
    naming.rename(one.open(), "a.patch", "sub/b.patch").write()
    assert one.open().applied == ("sub/b.patch",)
    assert one.read("patches/a.patch") is None
    assert one.read("patches/sub/b.patch") == diff("f", ["1"], ["one"])
    assert one.pop().stuck is None
    naming.rename(one.open(), "sub/b.patch", "c.patch").write()
    assert not (one.top / "patches/sub").exists()
    assert one.open().names == ("c.patch", "z.patch")


@pytest.mark.parametrize("name", ["z.patch", "a.patch", "there.patch"])
def test_a_name_that_is_taken_is_refused(one: Tree, name: str) -> None:
    one.write({"patches/there.patch": b""})
    with pytest.raises(BadInput, match="exists already, please choose a"):
        naming.rename(one.open(), "a.patch", name)


def test_the_top_patch_is_popped_before_it_is_deleted(one: Tree) -> None:
    quilt = one.open()
    naming.delete(quilt, "a.patch", Reader(quilt)).write(remove=True, backup=True)
    assert one.read("f") == lines("1")
    assert one.read("patches/series") == b"# top\nz.patch\n"
    assert one.read("patches/a.patch") is None
    assert one.read("patches/a.patch~") == diff("f", ["1"], ["one"])


def test_an_edit_is_not_deleted_with_the_patch(one: Tree) -> None:
    """quilt's delete gives it up."""
    one.write({"f": lines("mine")})
    quilt = one.open()
    with pytest.raises(BadInput, match=r"^Patch a\.patch does not remove cleanly"):
        naming.delete(quilt, "a.patch", Reader(quilt))
    naming.delete(quilt, "a.patch", Reader(quilt), force=True).write()
    assert one.read("f") == lines("1")
    assert one.read("patches/a.patch") is not None


def test_a_patch_below_the_top_is_not_deleted(one: Tree) -> None:
    one.push(force=True)
    quilt = one.open()
    with pytest.raises(BadInput, match=r"^Patch a\.patch is currently applied$"):
        naming.delete(quilt, "a.patch", Reader(quilt))


def imported(tree: Tree, *sources: Path, **options: object) -> Imports:
    done = import_patches(tree.open(), sources, **options)  # type: ignore[arg-type]
    done.write()
    return done


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    place.mkdir()
    (place / "i.patch").write_bytes(b"New words.\n" + diff("f", ["one"], ["uno"]))
    (place / "j.patch").write_bytes(diff("f", ["uno"], ["un"]))
    return place


def test_patches_are_imported_behind_the_top_in_order(one: Tree, outside: Path) -> None:
    imported(one, outside / "i.patch", outside / "j.patch", strip=0, reverse=True)
    assert one.read("patches/series") == b"# top\na.patch -p1 # note\ni.patch -p0 -R\nj.patch -p0 -R\nz.patch\n"
    assert one.read("patches/i.patch") == (outside / "i.patch").read_bytes()


def test_an_imported_patch_may_have_another_name(one: Tree, outside: Path) -> None:
    imported(one, outside / "i.patch", name="sub/k.patch")
    assert one.open().names == ("a.patch", "sub/k.patch", "z.patch")
    with pytest.raises(BadInput, match="can only be used when importing a single patch"):
        imported(one, outside / "i.patch", outside / "j.patch", name="x")


def test_hostile_patches_are_not_imported(one: Tree, outside: Path) -> None:
    (outside / "evil.patch").write_bytes(diff("../../out", ["a"], ["b"]))
    with pytest.raises(BadPatch, match=r"evil\.patch:1:"):
        imported(one, outside / "evil.patch")
    assert one.read("patches/evil.patch") is None


def test_a_patch_that_is_there_is_replaced_when_that_is_said(one: Tree, outside: Path) -> None:
    imported(one, outside / "i.patch")
    (outside / "i.patch").write_bytes(b"Other words.\n" + diff("f", ["one"], ["zwei"]))
    with pytest.raises(BadInput, match=r"exists\. Replace with -f\."):
        imported(one, outside / "i.patch")
    with pytest.raises(BadInput, match="Patch headers differ"):
        imported(one, outside / "i.patch", force=True)
    body = diff("f", ["one"], ["zwei"])
    imported(one, outside / "i.patch", force=True, keep=Keep.OLD)
    assert one.read("patches/i.patch") == b"New words.\n" + body
    imported(one, outside / "i.patch", force=True, keep=Keep.ALL)
    assert one.read("patches/i.patch") == b"New words.\n---\nOther words.\n" + body
    imported(one, outside / "i.patch", force=True, keep=Keep.NEW)
    assert one.read("patches/i.patch") == b"Other words.\n" + body


def test_compressed_patches_stay_compressed(one: Tree, outside: Path) -> None:
    packed = gzip.compress((outside / "i.patch").read_bytes(), mtime=0)
    (outside / "i.patch.gz").write_bytes(packed)
    imported(one, outside / "i.patch.gz")
    assert one.read("patches/i.patch.gz") == packed
    one.push()
    assert one.read("f") == lines("uno")


@pytest.mark.parametrize("message", [b"", b"Words.\n", b"Words.\n\n--- quoted\nnot a diff\n---\n f | 2 +-\n"])
def test_headers_are_replaced_and_the_diff_stays(message: bytes) -> None:
    for above in (b"", b"Index: f\n" + b"=" * 67 + b"\n", b"diff -ru a/f b/f\n"):
        body = above + diff("f", ["1"], ["one"])
        patch = parse("p", "p", message + body, 1)
        assert patch.header == message
        assert with_header(patch, b"New.", 1) == b"New.\n" + body


def test_a_header_that_would_be_a_diff_is_refused() -> None:
    patch = parse("p", "p", diff("f", ["1"], ["one"]), 1)
    with pytest.raises(BadInput, match="would be read as a diff"):
        with_header(patch, b"See:\n" + diff("g", ["a"], ["b"]), 1)


def test_diffstats_and_blanks_are_taken_off() -> None:
    stat = b" f | 2 +-\n g | 1 +\n 2 files changed, 2 insertions(+), 1 deletion(-)\n"
    assert without_stat(b"Why. \n" + stat + b"end\n") == b"Why. \nend\n"
    assert without_stat(b" a | b\nno stat\n") == b" a | b\nno stat\n"
    assert without_trailing_blanks(b"Why. \t\nend\n") == b"Why.\nend\n"


def test_sections_and_header_are_the_file() -> None:
    for data in (
        b"Words.\nIndex: f\n" + b"=" * 67 + b"\n" + diff("f", ["1"], ["2"]) + b"Index: g\n" + diff("g", ["1"], ["2"]),
        b"diff --git a/f b/f\n"
        + diff("f", ["1"], ["2"])
        + b"\ndiff --git a/g b/g\n"
        + diff("g", ["1"], ["2"])
        + b"-- \n2\n",
        b"Only words.\n",
    ):
        patch = parse("p", "p", data, 1)
        made = io.BytesIO()
        made.write(patch.header)
        for section in patch.sections:
            made.write(section.lead + section.body)
        made.write(patch.rest if patch.changes else b"")
        assert made.getvalue() == data
