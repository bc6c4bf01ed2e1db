# SPDX-License-Identifier: MIT
"""Patches on and off: the tree, the state, and what is refused so that nobody's edit is lost."""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mptcp_series.engine.directory.rooted import Rooted
from mptcp_series.engine.quilt import transaction
from mptcp_series.engine.quilt.patchfile import Reader
from mptcp_series.engine.quilt.push import push
from mptcp_series.engine.quilt.queue import Quilt
from mptcp_series.engine.quilt.settings import Settings
from mptcp_series.engine.quilt.transaction import JOURNAL, recover_directory
from mptcp_series.errors import (
    BadInput,
    BadPatch,
    BadSeries,
    EnvironmentFault,
    MissingObject,
    ReadOnlyDirectory,
    UnsafePath,
)

from .conftest import Tree, diff, lines


@pytest.fixture(params=[64, 1], ids=["few", "many"])
def queue(tree: Tree, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Three patches, two of them of one file; their backups written as few are, and as many are."""
    monkeypatch.setattr(transaction, "MANY", request.param)
    tree.write({"f": lines("1", "2", "3"), "d/g": lines("g")})
    tree.patch(
        one_patch=diff("f", ["1"], ["one"]),
        two_patch=diff("d/g", ["g"], ["G"]) + b"--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+n\n",
        three_patch=diff("f", [" one", "2", " 3"], ["two"]),
    )
    return tree


def test_there_and_back_at_every_prefix(queue: Tree) -> None:
    start = queue.files()
    trees = [start]
    for count in range(1, 4):
        queue.push()
        trees.append(queue.files())
        assert queue.open().applied == ("one.patch", "two.patch", "three.patch")[:count]
    for count in (2, 1, 0):
        queue.pop()
        assert queue.files() == trees[count]
    assert queue.state() == {
        ".pc/.quilt_patches": b"patches\n",
        ".pc/.quilt_series": b"series\n",
        ".pc/.version": b"2\n",
    }
    assert sorted(path.name for path in (queue.top / ".pc").iterdir()) == [
        ".quilt_patches",
        ".quilt_series",
        ".version",
    ]


def test_all_at_once_is_one_after_the_other(queue: Tree, tmp_path: Path) -> None:
    queue.push_all()
    at_once = queue.all()
    queue.pop(3)
    for _ in range(3):
        queue.push()
    assert queue.all() == at_once


def test_a_patch_that_does_not_fit_ends_the_push(queue: Tree) -> None:
    queue.write({"d/g": lines("other")})
    done = queue.push_all()
    assert [patch.name for patch in done.done] == ["one.patch"]
    assert done.refused is not None
    assert [str(problem) for problem in done.refused.problems()] == [
        "patches/two.patch:3: hunk 1 of d/g: its 1 lines of pre-image, wanted at line 1, are nowhere in the file"
    ]
    assert queue.open().applied == ("one.patch",)
    assert queue.files() == {"f": lines("one", "2", "3"), "d/g": lines("other")}
    assert ".pc/two.patch" not in str(queue.state())


def test_a_patch_that_is_there_already_is_said_to_be(queue: Tree) -> None:
    queue.write({"f": lines("one", "2", "3")})
    done = queue.push()
    assert done.refused is not None
    assert done.refused.reversible


def test_forced_it_keeps_what_fits_and_waits_for_a_refresh(queue: Tree) -> None:
    queue.push()
    queue.write({"d/g": lines("other")})
    done = queue.push(force=True)
    assert done.patches[0].forced
    assert queue.files() == {
        "f": lines("one", "2", "3"),
        "d/g": lines("other"),
        "d/g.rej": b"--- d/g\n+++ d/g\n@@ -1 +1 @@\n-g\n+G\n",
        "n": lines("n"),
    }
    assert queue.read(".pc/two.patch~refresh") == b""
    assert queue.read(".pc/two.patch/d/g") == lines("other"), "a person may finish it by hand"
    with pytest.raises(BadInput, match=r"^The topmost patch two\.patch needs to be refreshed first\.$"):
        queue.push()
    with pytest.raises(BadInput, match=r"^Patch two\.patch needs to be refreshed first\.$"):
        queue.pop()
    queue.pop(force=True)
    assert queue.open().applied == ("one.patch",)


def test_rejects_lying_about_are_refused(queue: Tree) -> None:
    queue.write({"d/g.rej": b"--- d/g\n"})
    with pytest.raises(BadInput) as caught:
        queue.push_all()
    assert str(caught.value) == f"{queue.top}/d/g.rej:1: a reject of d/g lies about; work it in, then delete it"
    assert queue.open().applied == (), "nothing of the run is written"


def test_a_missing_patch_file_is_no_patch(tree: Tree) -> None:
    tree.series("a.patch\n")
    assert tree.push().refused is not None
    assert tree.open().applied == ()
    tree.push(force=True)
    assert tree.open().applied == ("a.patch",)
    assert tree.pop().patches[0].empty
    assert tree.open().applied == ()


def test_an_empty_patch_is_applied(tree: Tree) -> None:
    tree.patch(a_patch=b"only words\n")
    assert tree.push().patches[0].empty
    assert tree.open().applied == ("a.patch",)


@pytest.mark.parametrize("edit", ["changed", "gone", "made"])
def test_an_edit_that_was_not_refreshed_is_not_popped(queue: Tree, edit: str) -> None:
    queue.push_all()
    place = {"changed": "f", "gone": "f", "made": "f"}[edit]
    if edit == "gone":
        (queue.top / place).unlink()
    else:
        queue.write({place: lines("mine")})
    before = queue.all()
    done = queue.pop()
    assert (done.stuck, done.pending) == ("three.patch", ("f",))
    assert queue.all() == before


def test_an_edit_with_an_old_time_is_not_popped_either(queue: Tree) -> None:
    """quilt goes by times, and would lose it: `cp -p` and `rsync -t` keep them."""
    queue.push_all()
    queue.write({"f": lines("mine")})
    os.utime(queue.top / "f", ns=(0, 0))
    assert queue.pop().stuck == "three.patch"
    assert queue.read("f") == lines("mine")


def test_an_edit_under_a_patch_above_is_kept_too(queue: Tree) -> None:
    queue.push()
    queue.write({"f": lines("one", "2", "3", "mine")})
    queue.push_all()
    done = queue.pop(3)
    assert (done.stuck, [patch.name for patch in done.patches]) == ("one.patch", ["three.patch", "two.patch"])
    assert queue.read("f") == lines("one", "2", "3", "mine")
    assert queue.open().applied == ("one.patch",)


def test_a_patch_file_that_changed_since_is_not_popped(queue: Tree) -> None:
    queue.push()
    queue.write({"patches/one.patch": diff("f", ["1"], ["uno"])})
    assert queue.pop().stuck == "one.patch"
    assert queue.pop(force=True).patches[0].restored == ("f",)
    assert queue.read("f") == lines("1", "2", "3")


def test_a_place_that_gnu_patch_guessed_is_known_again(tree: Tree) -> None:
    tree.write({"f": lines("a", "b", "c", "x", "a", "b", "c")})
    tree.patch(p_patch=diff("f", [" a", "b", " c"], ["B"], at=2))
    assert tree.push().refused is not None
    # As quilt would have left it.
    tree.write({"f": lines("a", "B", "c", "x", "a", "b", "c"), ".pc/.version": b"2\n"})
    tree.write({".pc/applied-patches": b"p.patch\n", ".pc/p.patch/f": lines("a", "b", "c", "x", "a", "b", "c")})
    assert tree.pop().patches[0].restored == ("f",)


def test_an_empty_file_comes_back_where_git_says_that_it_was_there(tree: Tree) -> None:
    """quilt takes a backup of no length for a file that was not there."""
    tree.write({"plain": b"", "git": b""})
    head = b"diff --git a/git b/git\nindex e69de29bb2d1d6434b8b29ae775ad8c2e48c5391.."
    tree.patch(
        a_patch=head + b"78981922613b2afb6025042ff6bd878ac1994e85 100644\n--- a/git\n+++ b/git\n@@ -0,0 +1 @@\n+a\n",
        b_patch=b"--- a/plain\n+++ b/plain\n@@ -0,0 +1 @@\n+a\n",
    )
    tree.push_all()
    tree.pop(2)
    assert tree.files() == {"git": b""}


def test_permissions_are_put_back(tree: Tree) -> None:
    tree.write({"f": lines("1")})
    (tree.top / "f").chmod(0o640)
    tree.patch(a_patch=diff("f", ["1"], ["one"]))
    tree.push()
    assert (tree.top / "f").stat().st_mode & 0o777 == 0o640
    (tree.top / "f").chmod(0o600)
    tree.pop()
    assert (tree.top / "f").stat().st_mode & 0o777 == 0o640


def test_other_names_of_a_file_keep_the_old_content(tree: Tree) -> None:
    tree.write({"f": lines("1")})
    os.link(tree.top / "f", tree.top / "other")
    tree.patch(a_patch=diff("f", ["1"], ["one"]))
    tree.push()
    assert tree.read("other") == lines("1")


def test_levels_and_reverse(tree: Tree) -> None:
    tree.write({"f": lines("1"), "x/g": lines("G")})
    plain = diff("f", ["1"], ["one"]).replace(b"a/f", b"f").replace(b"b/f", b"f")
    tree.patch(p0_patch=plain, back_patch=diff("y/x/g", ["g"], ["G"]))
    tree.series("p0.patch -p0\nback.patch -p2 -R\n")
    tree.push_all()
    assert tree.files() == {"f": lines("one"), "x/g": lines("g")}
    tree.pop(2)
    assert tree.files() == {"f": lines("1"), "x/g": lines("G")}


@pytest.mark.parametrize(
    ("end", "pack"),
    [
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".lzma", lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE)),
    ],
)
def test_compressed_patches(tree: Tree, end: str, pack: object) -> None:
    assert callable(pack)
    tree.write({"f": lines("1"), f"patches/a.patch{end}": pack(diff("f", ["1"], ["one"]))})
    tree.series(f"a.patch{end}\n")
    tree.push()
    assert tree.read("f") == lines("one")
    tree.pop()
    assert tree.read("f") == lines("1")


@pytest.mark.parametrize("end", [".gz", ".bz2", ".xz"])
def test_a_damaged_archive_is_refused(tree: Tree, end: str) -> None:
    tree.write({f"patches/a.patch{end}": b"no archive"})
    tree.series(f"a.patch{end}\n")
    with pytest.raises(BadPatch, match=r"patches/a\.patch.*cannot be decompressed"):
        tree.push()


@pytest.mark.parametrize(
    ("patch", "why"),
    [
        (b"--- a/../out\n+++ b/../out\n@@ -0,0 +1 @@\n+x\n", "patches/a.patch:1: path"),
        (b"--- /etc/x\n+++ /etc/x\n@@ -0,0 +1 @@\n+x\n", "patches/a.patch:1: absolute path"),
        (b"--- a/.git/x\n+++ b/.git/x\n@@ -0,0 +1 @@\n+x\n", "patches/a.patch:1: path"),
        (b"--- a/.pc/x\n+++ b/.pc/x\n@@ -0,0 +1 @@\n+x\n", "patches/a.patch:1: .pc/x lies in .pc/"),
        (b"--- a/f\n+++ b/f\n@@ -1,9 +1 @@\n-x\n", "patches/a.patch:3: the hunk header promises"),
        (
            b"*** a/f\n--- b/f\n***************\n*** 1,2 ****\n! 1\n--- 1 ----\n! one\n",
            "patches/a.patch:3: the hunk header promises 2 old",
        ),
        (
            b"diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+one\n"
            b"*** a/g\n--- b/g\n***************\n*** 1 ****\n! 1\n--- 1 ----\n! one\n",
            "patches/a.patch:9: a context diff in the midst of a git patch",
        ),
        (b"@@ -1 +1 @@\n-1\n+one\n", "patches/a.patch:1: a diff without the lines that name its file"),
    ],
)
def test_hostile_and_damaged_patches_are_refused_with_their_line(tree: Tree, patch: bytes, why: str) -> None:
    tree.write({"f": lines("1")})
    tree.patch(a_patch=patch)
    with pytest.raises(BadInput) as caught:
        tree.push()
    assert str(caught.value).startswith(why)
    assert tree.files() == {"f": lines("1")}
    assert tree.state() == {}


def test_nothing_is_written_through_a_link(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tree.top / "d").symlink_to(tmp_path / "out")
    tree.patch(a_patch=b"--- /dev/null\n+++ b/d/x\n@@ -0,0 +1 @@\n+x\n")
    with pytest.raises(UnsafePath):
        tree.push()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_link_that_a_patch_makes_is_not_written_through(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    link = f"{tmp_path}/out"
    tree.patch(
        a_patch=f"diff --git a/d b/d\nnew file mode 120000\n--- /dev/null\n+++ b/d\n@@ -0,0 +1 @@\n+{link}\n"
        "\\ No newline at end of file\n".encode(),
        b_patch=b"diff --git a/d/x b/d/x\nnew file mode 100644\n--- /dev/null\n+++ b/d/x\n@@ -0,0 +1 @@\n+x\n",
    )
    with pytest.raises(UnsafePath):
        tree.push_all()
    assert list((tmp_path / "out").iterdir()) == []


def test_an_empty_file_that_becomes_a_link_comes_back(tree: Tree) -> None:
    """Its backup has no length, which says that there was no file; the patch says that there was one."""
    tree.write({"f": b""})
    tree.patch(
        a_patch=b"diff --git a/f b/f\ndeleted file mode 100644\nindex e69de29..0000000\n"
        b"diff --git a/f b/f\nnew file mode 120000\nindex 0000000..3e75765\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n"
        b"+new\n\\ No newline at end of file\n"
    )
    tree.push()
    assert (tree.top / "f").readlink() == Path("new")
    tree.pop()
    assert not (tree.top / "f").is_symlink()
    assert tree.read("f") == b""


def test_names_of_patches_that_leave_the_directory_are_refused(tree: Tree) -> None:
    tree.series("../evil.patch\n")
    with pytest.raises(BadSeries, match=r"patches/series:1: unsafe patch name"):
        tree.push()


def test_a_pin_needs_its_source(tree: Tree) -> None:
    tree.series("a.patch # " + "ab" * 20 + "\n")
    with pytest.raises(MissingObject, match=r"series:1: a\.patch is pinned and its content is in the source"):
        tree.push()


def test_what_a_killed_run_left_of_a_patch_is_not_taken_for_its_files(tree: Tree) -> None:
    tree.write({"f": lines("1"), ".pc/.version": b"2\n", ".pc/a.patch/stale": b"x"})
    tree.patch(a_patch=diff("f", ["1"], ["one"]))
    tree.push()
    assert sorted(tree.state()) == [
        ".pc/.quilt_patches",
        ".pc/.quilt_series",
        ".pc/.version",
        ".pc/a.patch/.timestamp",
        ".pc/a.patch/f",
        ".pc/applied-patches",
    ]


def test_many_backups_are_taken_back_where_the_tree_cannot_be_written(
    queue: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(*arguments: object, **options: object) -> None:
        raise BadInput("a file changed in between")

    monkeypatch.setattr(transaction, "write_changes", changed)
    before = queue.all()
    with pytest.raises(BadInput, match="a file changed in between"):
        queue.push_all()
    assert queue.all() == before
    assert not (queue.top / ".pc").exists()


def test_a_backup_that_somebody_else_writes_is_not_written_over(queue: Tree) -> None:
    """Two pushes at once: the second finds files where it expects none."""
    quilt = queue.open()
    done = push(quilt, quilt.unapplied(), Reader(quilt))
    queue.write({".pc/three.patch/f": b"theirs"})
    with pytest.raises(BadInput if transaction.MANY > 1 else EnvironmentFault):
        done.write()
    assert queue.files() == {"f": lines("1", "2", "3"), "d/g": lines("g")}
    assert queue.read(".pc/three.patch/f") == b"theirs"


def test_backups_have_the_permissions_of_the_files_whatever_the_umask(queue: Tree) -> None:
    (queue.top / "f").chmod(0o666)
    before = os.umask(0o077)
    try:
        queue.push_all()
    finally:
        os.umask(before)
    first = next(path for path in sorted((queue.top / ".pc").rglob("f")) if path.is_file())
    assert first.stat().st_mode & 0o777 == 0o666
    assert (queue.top / "f").stat().st_mode & 0o777 == 0o666


def test_patches_in_a_directory_share_that_of_their_backups(queue: Tree) -> None:
    for name in ("one", "two", "three"):
        path = queue.top / "patches" / f"{name}.patch"
        (queue.top / "patches" / "sub").mkdir(exist_ok=True)
        path.rename(queue.top / "patches" / "sub" / path.name)
    queue.series("sub/one.patch\nsub/two.patch\nsub/three.patch\n")
    before = queue.files()
    queue.push_all()
    assert {path.split("/")[2] for path in queue.state() if path.startswith(".pc/sub/")} == {
        "one.patch",
        "two.patch",
        "three.patch",
    }
    queue.pop(3)
    assert queue.files() == before


def test_a_tree_that_may_not_be_written_is_refused_before_the_first_write(queue: Tree) -> None:
    (queue.top / "d").chmod(0o555)
    before = queue.all()
    with pytest.raises(ReadOnlyDirectory, match=r"d: is read-only"):
        queue.push_all()
    assert queue.all() == before
    assert not (queue.top / ".pc").exists()
    (queue.top / "d").chmod(0o755)


class Killed(BaseException):
    """Stands for a signal that nobody catches."""


def dying_at(number: int) -> Callable[[Rooted, str, str], None]:
    """A `Rooted.move` whose n-th call does not come to its end."""
    move = Rooted.move
    calls = itertools.count(1)

    def dying(self: Rooted, old: str, new: str) -> None:
        if next(calls) == number:
            raise Killed
        move(self, old, new)

    return dying


def test_a_killed_push_is_finished_or_undone(queue: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """At whichever move it dies, what the next run finds is the tree before, or the tree after."""
    before = queue.files()
    queue.push_all()
    after, state = queue.files(), queue.state()
    queue.pop(3)
    outcomes = set()
    for dies in range(1, 40):
        with Rooted(queue.top) as rooted:
            quilt = Quilt.open(rooted, Settings())
            done = push(quilt, quilt.unapplied(), Reader(quilt))
            with monkeypatch.context() as patch:
                patch.setattr(Rooted, "move", dying_at(dies))
                try:
                    done.write()
                    died = False
                except Killed:
                    died = True
        if not died:
            break
        recover_directory(queue.top)
        assert not (queue.top / JOURNAL).exists()
        applied = queue.open().applied
        outcomes.add(len(applied))
        assert queue.files() == (after if applied else before)
        if applied:
            assert {name for name in state if "timestamp" not in name} <= queue.state().keys()
            assert queue.pop(3).stuck is None
    assert outcomes == {0, 3}
