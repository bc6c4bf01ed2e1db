# SPDX-License-Identifier: MIT
"""`push --merge` and `--leave-rejects`: what collides is between markers, what is nowhere near is a reject."""

from __future__ import annotations

import pytest

from mptcp_series.engine.quilt.apply import AppliedHunk, blob_id
from mptcp_series.engine.quilt.merging import has_markers, merge_hunks
from mptcp_series.engine.quilt.parts import Style
from mptcp_series.engine.quilt.patchfile import Reader
from mptcp_series.engine.quilt.push import Push, push
from mptcp_series.engine.quilt.refresh import refresh
from mptcp_series.engine.quilt.settings import DiffFormat
from mptcp_series.errors import BadInput
from mptcp_series.values.hunk import Hunk

from .conftest import Tree, diff, lines

NUMBERS = [str(number) for number in range(1, 31)]


def changed(**by: list[str]) -> list[str]:
    """The numbers with some lines replaced: `_10=["ten"]`."""
    found = list(NUMBERS)
    for key, new in sorted(by.items(), key=lambda item: -int(item[0][1:])):
        at = int(key[1:]) - 1
        found[at : at + 1] = new
    return found


def hunk(at: int, *texts: str) -> Hunk:
    body = tuple(f"{text}\n".encode() for text in texts)
    old, new = (sum(line[:1] != sign for line in body) for sign in (b"+", b"-"))
    return Hunk(old_start=at, old_count=old, new_start=at, new_count=new, lines=body)


TEN = hunk(7, " 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13")


def merged(content: list[str], *hunks: Hunk, style: Style = Style.MERGE) -> tuple[list[str], list[str], list[str]]:
    """The lines, what became of the hunks in GNU patch's words, and why not."""
    data, found = merge_hunks(lines(*content), hunks, style)
    said = [", ".join(map(str, one.parts)) for one in found]
    return data.decode().splitlines(), said, [one.why for one in found]


@pytest.mark.parametrize(
    ("ours", "becomes", "said"),
    [
        (NUMBERS, changed(_10=["ten"]), ""),
        (["x", *NUMBERS], ["x", *changed(_10=["ten"])], ""),
        (changed(_8=["eight"]), changed(_8=["eight"], _10=["ten"]), "merged at 10"),
        (changed(_10=["ten"]), changed(_10=["ten"]), "already applied at 10"),
        (
            changed(_10=["TEN"]),
            changed(_10=["<<<<<<<", "TEN", "=======", "ten", ">>>>>>>"]),
            "NOT MERGED at 10-14",
        ),
        (
            changed(_9=["nine"]),
            changed(_9=["<<<<<<<", "nine"], _10=["10", "=======", "9", "ten", ">>>>>>>"]),
            "NOT MERGED at 9-15",
        ),
        (changed(_10=[]), changed(_10=["<<<<<<<", "=======", "ten", ">>>>>>>"]), "NOT MERGED at 10-13"),
    ],
)
def test_one_change(ours: list[str], becomes: list[str], said: str) -> None:
    found, words, why = merged(ours, TEN)
    assert found == becomes
    assert words == [said]
    assert bool(why[0]) == ("NOT" in said)


def test_what_the_patch_had_before_stands_between_the_sides_if_asked_for() -> None:
    found, said, why = merged(changed(_10=["TEN"]), TEN, style=Style.DIFF3)
    assert found == changed(_10=["<<<<<<<", "TEN", "|||||||", "10", "=======", "ten", ">>>>>>>"])
    assert said == ["NOT MERGED at 10-16"]
    assert why == ["collides with what stands at line 10"]


def test_parts_of_one_hunk_have_each_their_fate() -> None:
    both = hunk(7, " 7", " 8", " 9", "-10", "+ten", " 11", "-12", "+twelve", " 13", " 14", " 15")
    found, said, _ = merged(changed(_10=["TEN"]), both)
    assert found == changed(_10=["<<<<<<<", "TEN", "=======", "ten", ">>>>>>>"], _12=["twelve"])
    assert said == ["NOT MERGED at 10-14, merged at 16"]
    assert merged(changed(_10=["ten"]), both)[1] == ["already applied at 10, merged at 12"]


def test_what_both_have_stands_outside_of_the_markers() -> None:
    found, _, _ = merged(changed(_10=["a", "X", "c"]), hunk(9, " 9", "-10", "+a", "+b", "+c", " 11"))
    assert found == changed(_10=["a", "<<<<<<<", "X", "=======", "b", ">>>>>>>", "c"])


def test_hunks_that_fit_are_put_around_one_that_collides() -> None:
    last = hunk(24, " 24", "-25", "+twenty-five", " 26")
    found, said, _ = merged(changed(_10=["TEN"]), hunk(1, "-1", "+one", " 2"), TEN, last)
    assert found[0] == "one"
    assert "twenty-five" in found
    assert said == ["", "NOT MERGED at 10-14", ""]


def test_a_hunk_that_is_nowhere_near_is_not_put_anywhere() -> None:
    letters = list("abcdefghijklmnop")
    found, said, why = merged(letters, TEN)
    assert (found, said) == (letters, [""])
    assert why[0].endswith("no lines are near enough to it to be merged with")


def test_of_two_places_as_good_none_is_taken() -> None:
    block = ["7", "8", "9", "TEN", "11", "12", "13"]
    found, _, why = merged(["x", *block, "y", *block], TEN)
    assert found == ["x", *block, "y", *block]
    assert why == ["ambiguous: it could be merged equally well at lines 2 and 10"]
    exact = ["7", "8", "9", "10", "11", "12", "13"]
    assert merged(["x", *exact, "y", *exact], TEN)[2] == ["ambiguous: fits equally at lines 2 and 10"]


def test_the_last_line_may_lack_its_newline() -> None:
    one = Hunk(old_start=1, old_count=2, new_start=1, new_count=2, lines=(b" a\n", b"-b\n", b"+B\n"))
    data, found = merge_hunks(b"a\nX", [one], Style.MERGE)
    assert data == b"a\n<<<<<<<\nX\n=======\nB\n>>>>>>>\n"
    assert [str(part) for part in found[0].parts] == ["NOT MERGED at 2-6"]


def test_markers_are_told_from_headings() -> None:
    assert has_markers(b"a\n<<<<<<< ours\n=======\n>>>>>>> theirs\n")
    assert not has_markers(b"<<<<<<<\n>>>>>>>\n=======\n")


# pushed


def pushed(
    tree: Tree, *, force: bool = False, merge: Style | None = Style.MERGE, leave: bool = False, write: bool = True
) -> Push:
    quilt = tree.open()
    names = quilt.unapplied()[:1]
    done = push(quilt, names, Reader(quilt), force=force, merge=merge, leave_rejects=leave)
    if write:
        done.write()
    return done


def hunks(done: Push) -> list[AppliedHunk]:
    return [one for file in done.patches[0].applied.files for one in file.hunks]


@pytest.fixture
def collision(tree: Tree) -> Tree:
    tree.write({"f": lines("a", "b", "mine", "d"), "g": lines("g")})
    tree.patch(a_patch=diff("f", [" a", " b", "c", " d"], ["C"]) + diff("g", ["g"], ["G"]))
    return tree


def test_what_collides_keeps_the_patch_off(collision: Tree) -> None:
    before = collision.all()
    done = pushed(collision)
    assert done.refused is not None
    assert collision.all() == before
    assert [str(problem) for problem in done.patches[0].problems()] == [
        "patches/a.patch:3: hunk 1 of f: collides with what stands at line 3"
    ]


def test_with_force_it_stands_between_markers_and_is_no_reject(collision: Tree) -> None:
    pushed(collision, force=True)
    assert collision.files() == {
        "f": lines("a", "b", "<<<<<<<", "mine", "=======", "C", ">>>>>>>", "d"),
        "g": lines("G"),
    }
    assert ".pc/a.patch~refresh" in collision.state()
    quilt = collision.open()
    with pytest.raises(BadInput, match="f: has conflict markers; settle what collides"):
        refresh(quilt, "a.patch", Reader(quilt), DiffFormat())
    collision.write({"f": lines("a", "b", "ours", "d")})
    quilt = collision.open()
    refresh(quilt, "a.patch", Reader(quilt), DiffFormat()).write()
    assert b"-mine\n+ours\n" in (collision.read("patches/a.patch") or b"")
    collision.pop()
    assert collision.files() == {"f": lines("a", "b", "mine", "d"), "g": lines("g")}


def test_what_was_merged_is_a_guess_until_somebody_has_looked(tree: Tree) -> None:
    tree.write({"f": lines(*changed(_8=["eight"]))})
    tree.patch(a_patch=b"--- a/f\n+++ b/f\n" + TEN.render())
    done = pushed(tree)
    assert done.refused is None
    assert [one.guessed for one in hunks(done)] == [True]
    assert tree.read(".pc/a.patch~fuzz") == b"f: hunk 1 merged at 10\n"
    quilt = tree.open()
    with pytest.raises(BadInput, match=r"f: hunk 1 merged at 10: look whether it is right"):
        refresh(quilt, "a.patch", Reader(quilt), DiffFormat())
    assert not refresh(quilt, "a.patch", Reader(quilt), DiffFormat(), accept=True).unchanged


def test_what_was_merged_is_popped_by_content(tree: Tree) -> None:
    start = lines(*changed(_8=["eight"], _20=["twenty"]))
    tree.write({"f": start})
    there = hunk(19, " 19", "-20", "+twenty", " 21")
    tree.patch(a_patch=b"--- a/f\n+++ b/f\n" + TEN.render() + there.render())
    pushed(tree)
    assert tree.read("f") == lines(*changed(_8=["eight"], _10=["ten"], _20=["twenty"]))
    (tree.top / ".pc/a.patch/.timestamp").unlink()
    tree.pop()
    assert tree.read("f") == start


def test_an_edit_after_a_merge_keeps_the_patch_on(tree: Tree) -> None:
    tree.write({"f": lines(*changed(_8=["eight"]))})
    tree.patch(a_patch=b"--- a/f\n+++ b/f\n" + TEN.render())
    pushed(tree)
    (tree.top / ".pc/a.patch/.timestamp").unlink()
    tree.write({"f": lines("edited", *changed(_8=["eight"], _10=["ten"]))})
    assert tree.pop().stuck == "a.patch"


def test_a_file_that_is_there_as_the_patch_makes_it_is_applied_already(tree: Tree) -> None:
    tree.write({"n": lines("n")})
    tree.patch(a_patch=b"--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+n\n")
    assert pushed(tree, merge=None, write=False).refused is not None
    done = pushed(tree)
    assert [str(part) for one in hunks(done) for part in one.parts] == ["already applied at 1"]
    tree.pop()
    assert tree.files() == {"n": lines("n")}
    tree.write({"n": lines("else")})
    assert pushed(tree).refused is not None


def test_the_file_the_patch_was_made_from_is_merged_with_if_it_is_there(tree: Tree) -> None:
    base = lines(*NUMBERS)
    tree.write({"f": lines(*changed(_10=["TEN"], _11=["11", "between"]))})
    index = b"diff --git a/f b/f\nindex %s..%s 100644\n" % (blob_id(base).encode(), b"1" * 40)
    tree.patch(a_patch=index + b"--- a/f\n+++ b/f\n" + TEN.render())
    quilt = tree.open()
    names = quilt.unapplied()
    blobs = {blob_id(base): base}.get
    done = push(quilt, names, Reader(quilt), force=True, merge=Style.DIFF3, blobs=blobs)
    done.write()
    assert hunks(done)[0].why == "collides with what stands at line 10"
    assert tree.read("f") == lines(
        *changed(_10=["<<<<<<<", "TEN", "|||||||", "10", "=======", "ten", ">>>>>>>"], _11=["11", "between"])
    )


# rejects


def test_rejects_are_left_of_a_patch_that_is_not_applied(collision: Tree) -> None:
    done = pushed(collision, merge=None, leave=True)
    assert done.refused is not None
    assert collision.files() == {
        "f": lines("a", "b", "mine", "d"),
        "f.rej": b"--- f\n+++ f\n@@ -1,4 +1,4 @@\n a\n b\n-c\n+C\n d\n",
        "g": lines("g"),
    }
    assert collision.state() == {}


def test_rejects_of_a_try_before_are_written_over_and_others_refused(collision: Tree) -> None:
    pushed(collision, merge=None, leave=True)
    collision.write({"f.rej": b"old\n"})
    with pytest.raises(BadInput, match="a reject of f lies about"):
        pushed(collision, merge=None)
    pushed(collision, merge=None, leave=True)
    assert collision.read("f.rej") != b"old\n"
    collision.write({"f": lines("a", "b", "c", "d")})
    with pytest.raises(BadInput, match="a reject of f lies about"):
        pushed(collision, merge=None, leave=True)


def test_patches_before_the_one_that_is_refused_are_applied(tree: Tree) -> None:
    tree.write({"f": lines("1"), "g": lines("g")})
    tree.patch(a_patch=diff("g", ["g"], ["G"]), b_patch=diff("f", ["x"], ["X"]))
    quilt = tree.open()
    push(quilt, quilt.unapplied(), Reader(quilt), leave_rejects=True).write()
    assert tree.open().applied == ("a.patch",)
    assert sorted(tree.files()) == ["f", "f.rej", "g"]


def test_without_leave_nothing_is_left(collision: Tree) -> None:
    pushed(collision, merge=None)
    assert sorted(collision.files()) == ["f", "g"]


def test_with_merge_only_what_is_nowhere_near_is_a_reject(tree: Tree) -> None:
    tree.write({"f": lines(*changed(_10=["TEN"]))})
    lost = hunk(20, " x", " y", "-z", "+Z", " v")
    tree.patch(a_patch=b"--- a/f\n+++ b/f\n" + TEN.render() + lost.render())
    pushed(tree, force=True)
    assert tree.read("f.rej") == b"--- f\n+++ f\n" + lost.render()
    assert has_markers(tree.read("f") or b"")
