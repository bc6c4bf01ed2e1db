# SPDX-License-Identifier: MIT
"""refresh writes what has changed and nothing else, and takes no guess for good."""

from __future__ import annotations

import attrs
import pytest

from mptcp_series.engine.quilt.apply import blob_id
from mptcp_series.engine.quilt.patchfile import Reader
from mptcp_series.engine.quilt.refresh import Refresh, refresh, split_off
from mptcp_series.engine.quilt.settings import DiffFormat
from mptcp_series.errors import BadInput

from .conftest import Tree, diff, lines

PLAIN = DiffFormat(index=False)
GIT = b"""From: A <a@b>
Subject: [PATCH] two files

--- x
is text here.
---
 f | 2 +-

diff --git a/f b/f
index 1234567..2345678 100644
--- a/f
+++ b/f
@@ -1,3 +1,3 @@ int main(void)
 1
-2
+two
 3
diff --git a/g b/g
old mode 100644
new mode 100755
--@
2.40
""".replace(b"--@", b"-- ")


def redo(tree: Tree, name: str | None = None, form: DiffFormat = PLAIN, **options: bool) -> Refresh:
    quilt = tree.open()
    done = refresh(quilt, quilt.applied_patch(name), Reader(quilt), form, **options)
    done.write()
    return done


@pytest.fixture
def git(tree: Tree) -> Tree:
    tree.write({"f": lines("1", "2", "3"), "g": lines("g")})
    tree.patch(git_patch=GIT)
    tree.push()
    return tree


@pytest.mark.parametrize("form", [PLAIN, DiffFormat(index=True, context=9), DiffFormat(strip=0)])
def test_a_patch_that_is_right_stays_as_it_is_byte_for_byte(git: Tree, form: DiffFormat) -> None:
    """Whatever the settings say: index lines that are cut, sections, counts and signatures are no reason."""
    time = (git.top / "patches/git.patch").stat().st_mtime_ns
    done = redo(git, form=form)
    assert done.unchanged
    assert git.read("patches/git.patch") == GIT
    assert (git.top / "patches/git.patch").stat().st_mtime_ns == time
    assert git.read("patches/series") == b"git.patch\n"


def test_of_a_patch_that_is_not_the_other_files_stay(git: Tree) -> None:
    git.write({"f": lines("1", "zwei", "3")})
    redo(git)
    written = git.read("patches/git.patch")
    assert written is not None
    head, rest = GIT.split(b"diff --git a/f b/f\n")
    assert written.startswith(head)
    assert written.endswith(b"diff --git a/g b/g" + rest.split(b"diff --git a/g b/g")[1])
    ids = [blob_id(lines("1", two, "3")) for two in ("2", "zwei")]
    assert f"index {ids[0]}..{ids[1]} 100644\n".encode() in written
    assert b"-2\n+zwei\n" in written


def test_what_was_refreshed_is_refreshed(git: Tree) -> None:
    git.write({"f": lines("1", "zwei", "3")})
    redo(git)
    again = git.read("patches/git.patch")
    assert redo(git).unchanged
    assert git.read("patches/git.patch") == again
    assert git.pop().stuck is None
    assert git.push().patches[0].applied.clean
    assert git.read("f") == lines("1", "zwei", "3")


def test_new_files_come_behind_in_the_form_of_the_patch(git: Tree) -> None:
    git.write({".pc/git.patch/n": b"", "n": lines("new")})
    redo(git)
    written = git.read("patches/git.patch")
    assert written is not None
    assert b"diff --git a/n b/n\nnew file mode 100644\n" in written
    assert written.endswith(b"-- \n2.40\n")


def test_quilts_form_without_times_and_below_a_and_b(tree: Tree) -> None:
    tree.write({"f": lines("1"), "gone": lines("g"), ".pc/.version": b"2\n", ".pc/applied-patches": b"n.patch\n"})
    tree.write({".pc/n.patch/f": lines("0"), ".pc/n.patch/gone": lines("g"), ".pc/n.patch/new": b"", "new": lines("n")})
    (tree.top / "gone").unlink()
    tree.series("n.patch\n")
    redo(tree, form=DiffFormat())
    rule = "=" * 67
    assert (
        tree.read("patches/n.patch")
        == (
            f"Index: b/f\n{rule}\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-0\n+1\n"
            f"Index: b/gone\n{rule}\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-g\n"
            f"Index: b/new\n{rule}\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+n\n"
        ).encode()
    )


def test_an_asked_for_form_is_a_reason_to_write(tree: Tree) -> None:
    tree.write({"f": lines("1")})
    tree.patch(a_patch=b"Why.\n\ndiff -ru a/f b/f\n" + diff("f", ["1"], ["one"]))
    tree.push()
    assert redo(tree).unchanged
    redo(tree, form=DiffFormat(strip=0, index=False), explicit=True)
    assert tree.read("patches/a.patch") == b"Why.\n\n--- f.orig\n+++ f\n@@ -1 +1 @@\n-1\n+one\n"
    assert tree.read("patches/series") == b"a.patch -p0\n"


def test_offsets_are_written_away(tree: Tree) -> None:
    tree.write({"f": lines("0", "1", "2")})
    tree.patch(a_patch=diff("f", ["1", " 2"], ["one"]).replace(b"-1,2 +1,2", b"-5,2 +5,2"))
    assert tree.push().patches[0].applied.files[0].hunks[0].offset == -3
    assert not redo(tree).unchanged
    assert b"@@ -1,3 +1,3 @@\n 0\n-1\n+one\n 2\n" in (tree.read("patches/a.patch") or b"")


def test_a_reversed_patch_that_is_right_stays_and_else_is_written_forward(tree: Tree) -> None:
    tree.write({"f": lines("one")})
    tree.patch(a_patch=diff("f", ["1"], ["one"]))
    tree.series("# note\na.patch -R # why\n")
    tree.push()
    assert redo(tree).unchanged
    tree.write({"f": lines("uno")})
    redo(tree)
    assert tree.read("patches/a.patch") == b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-one\n+uno\n"
    assert tree.read("patches/series") == b"# note\na.patch # why\n"


def test_a_place_that_fuzz_chose_is_not_taken_for_good(tree: Tree) -> None:
    tree.write({"f": lines("x", "2", "3")})
    tree.patch(a_patch=diff("f", [" 1", "2", " 3"], ["two"]))
    tree.push(fuzz=1)
    assert tree.read(".pc/a.patch~fuzz") == b"f: hunk 1 at line 1 with fuzz 1\n"
    before = tree.all()
    with pytest.raises(BadInput) as caught:
        redo(tree)
    assert str(caught.value) == (
        "patches/a.patch: f: hunk 1 at line 1 with fuzz 1: look whether it is right, then refresh with --accept"
    )
    assert tree.all() == before
    redo(tree, accept=True)
    assert tree.read(".pc/a.patch~fuzz") is None
    assert redo(tree).unchanged


@pytest.mark.parametrize(
    ("content", "now", "why"),
    [
        (lines("x", "2", "3"), lines("x", "two", "3"), "with fuzz 1 it fits at line 2"),
        (lines("1", "2", "3", "1", "2", "3"), lines("1", "two", "3", "1", "2", "3"), "ambiguous: fits equally"),
    ],
)
def test_nor_is_one_that_quilt_chose(tree: Tree, content: bytes, now: bytes, why: str) -> None:
    """There is no note of it; the old patch and the files tell."""
    tree.patch(a_patch=diff("f", [" 1", "2", " 3"], ["two"]).replace(b"-1,3 +1,3", b"-2,3 +2,3"))
    tree.write({"f": now, ".pc/.version": b"2\n", ".pc/applied-patches": b"a.patch\n", ".pc/a.patch/f": content})
    with pytest.raises(BadInput) as caught:
        redo(tree)
    assert str(caught.value).startswith("patches/a.patch:1: hunk 1 of f was placed by a guess (")
    assert why in str(caught.value)
    redo(tree, accept=True)
    assert tree.pop().stuck is None
    assert tree.push().patches[0].applied.files[0].exact


def test_a_forced_patch_is_refreshed_once_its_rejects_are_gone(tree: Tree) -> None:
    tree.write({"f": lines("other")})
    tree.patch(a_patch=diff("f", ["1"], ["one"]))
    tree.push(force=True)
    tree.write({"f": lines("one and other")})
    with pytest.raises(BadInput, match=r"f\.rej:1: a reject of f lies about"):
        redo(tree)
    (tree.top / "f.rej").unlink()
    redo(tree)
    assert tree.read(".pc/a.patch~refresh") is None
    assert tree.read("patches/a.patch") == b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-other\n+one and other\n"


def test_a_patch_below_is_refreshed_but_for_what_others_changed(tree: Tree) -> None:
    tree.write({"f": lines("1"), "g": lines("g")})
    tree.patch(a_patch=diff("f", ["1"], ["one"]) + diff("g", ["g"], ["G"]), b_patch=diff("f", ["one"], ["uno"]))
    tree.push_all()
    tree.write({"g": lines("GG"), "f": lines("mine")})
    with pytest.raises(BadInput, match=r"^More recent patches modify files in patch a\.patch\. Enforce refresh"):
        redo(tree, "a")
    redo(tree, "a", force=True)
    written = tree.read("patches/a.patch")
    assert written == diff("f", ["1"], ["one"]) + b"--- a/g\n+++ b/g\n@@ -1 +1 @@\n-g\n+GG\n"


def test_binary_content_and_modes_need_a_git_patch(tree: Tree) -> None:
    tree.write({"f": b"a\0b", "x": lines("x"), ".pc/.version": b"2\n", ".pc/applied-patches": b"a.patch\n"})
    tree.write({".pc/a.patch/f": b"a\0a"})
    tree.series("a.patch\n")
    with pytest.raises(BadInput, match=r"^Diff failed on file 'f', aborting: it is binary"):
        redo(tree)
    redo(tree, form=DiffFormat(git=True))
    tree.write({"f": b"a\0b"})
    assert redo(tree).unchanged
    tree.pop()
    assert tree.read("f") == b"a\0a"
    tree.push()
    assert tree.read("f") == b"a\0b"


def test_a_mode_that_the_form_cannot_say_is_told(tree: Tree) -> None:
    tree.write({"f": lines("1")})
    tree.patch(a_patch=diff("f", ["1"], ["one"]))
    tree.push()
    (tree.top / "f").chmod(0o755)
    assert redo(tree).lost_modes == ("f",)


def test_trailing_blanks_are_told_or_taken_away(tree: Tree) -> None:
    tree.write({"f": b"a \nb\n"})
    tree.patch(a_patch=diff("f", [" a ", "b"], ["B"]))
    tree.push()
    tree.write({"f": b"a \nB \nc\t\n"})
    (note,) = redo(tree).notes
    assert (note.path, note.lines) == ("f", (2, 3))
    redo(tree, strip=True)
    assert tree.read("f") == b"a \nB\nc\n"
    assert redo(tree).unchanged


def test_edits_as_a_patch_of_their_own(tree: Tree) -> None:
    tree.write({"f": lines("1"), "g": lines("g")})
    tree.patch(a_patch=diff("f", ["1"], ["one"]) + diff("g", ["g"], ["G"]), b_patch=b"")
    tree.push()
    tree.write({"f": lines("uno")})
    old = tree.read("patches/a.patch")
    quilt = tree.open()
    done = split_off(quilt, Reader(quilt), PLAIN, None)
    done.write()
    assert (done.name, done.forked) == ("a-2.patch", "a.patch")
    assert tree.read("patches/a.patch") == old
    assert tree.read("patches/a-2.patch") == b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-one\n+uno\n"
    assert tree.read("patches/series") == b"a.patch\na-2.patch\nb.patch\n"
    assert tree.pop(2).stuck is None
    assert tree.files() == {"f": lines("1"), "g": lines("g")}


def test_nothing_edited_makes_no_patch(tree: Tree) -> None:
    tree.write({"f": lines("1")})
    tree.patch(a_patch=diff("f", ["1"], ["one"]))
    tree.push()
    quilt = tree.open()
    with pytest.raises(BadInput, match=r"^Nothing in patch a\.patch$"):
        split_off(quilt, Reader(quilt), PLAIN, None)


def test_a_patch_with_nothing_left_is_empty(tree: Tree) -> None:
    tree.write({"f": lines("1")})
    tree.patch(a_patch=b"Words.\n" + diff("f", ["1"], ["one"]))
    tree.push()
    tree.write({"f": lines("1")})
    assert redo(tree).empty
    assert tree.read("patches/a.patch") == b"Words.\n"


def test_a_linked_patch_file_is_written_where_it_is(tree: Tree) -> None:
    tree.write({"f": lines("1"), "real.patch": diff("f", ["1"], ["one"])})
    (tree.top / "patches/a.patch").symlink_to("../real.patch")
    tree.series("a.patch\n")
    tree.push()
    tree.write({"f": lines("uno")})
    redo(tree)
    assert (tree.top / "patches/a.patch").is_symlink()
    assert b"+uno" in (tree.read("real.patch") or b"")


def test_the_old_file_may_be_kept(tree: Tree) -> None:
    tree.write({"f": lines("1")})
    tree.patch(a_patch=diff("f", ["1"], ["one"]))
    tree.push()
    tree.write({"f": lines("uno")})
    quilt = tree.open()
    refresh(quilt, "a.patch", Reader(quilt), attrs.evolve(PLAIN)).write(backup=True)
    assert tree.read("patches/a.patch~") == diff("f", ["1"], ["one"])
