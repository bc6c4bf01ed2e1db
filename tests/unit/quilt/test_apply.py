# SPDX-License-Identifier: MIT
"""One patch on files in memory: what fits goes in, and what does not says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.directory.changes import EXECUTABLE, LINK, FileState
from mptcp_series.engine.directory.rooted import Rooted
from mptcp_series.engine.quilt.apply import Applied, apply_changes
from mptcp_series.engine.quilt.files import Files
from mptcp_series.engine.quilt.gnu import as_gnu_patch_does
from mptcp_series.engine.quilt.patchfile import parse
from mptcp_series.engine.replay.change import diff_hunks
from mptcp_series.engine.text.place import place
from mptcp_series.engine.text.straight import straight
from mptcp_series.values.hunk import Hunk
from mptcp_series.values.result import Fate

from .conftest import Tree, diff, lines

NUMBERS = [f"line {at}" for at in range(1, 21)]


def applied(tree: Tree, patch: bytes, *, fuzz: int = 0) -> tuple[Applied, Files]:
    files = Files(Rooted(tree.top))
    return apply_changes(files, parse("p", "p", patch, 1).changes, fuzz=fuzz), files


def data(files: Files, path: str) -> bytes | None:
    state = files.get(path)
    return None if state is None else state.data


def changed(path: str = "f", at: int = 10, context: int = 3) -> bytes:
    old = [f" {text}" for text in NUMBERS[at - context - 1 : at - 1]] + [NUMBERS[at - 1]]
    tail = "".join(f" {text}\n" for text in NUMBERS[at : at + context])
    head = "".join(f"{text}\n" if text.startswith(" ") else f"-{text}\n+new\n" for text in old)
    count = 2 * context + 1
    return f"--- a/{path}\n+++ b/{path}\n@@ -{at - context},{count} +{at - context},{count} @@\n{head}{tail}".encode()


def test_an_exact_hunk(tree: Tree) -> None:
    tree.write({"f": lines(*NUMBERS)})
    done, files = applied(tree, changed())
    assert done.clean
    assert done.files[0].exact
    assert data(files, "f") == lines(*NUMBERS[:9], "new", *NUMBERS[10:])


def test_an_offset_is_told(tree: Tree) -> None:
    tree.write({"f": lines("more", "more", *NUMBERS)})
    done, files = applied(tree, changed())
    (hunk,) = done.files[0].hunks
    assert (done.clean, done.files[0].exact, hunk.offset) == (True, False, 2)
    assert data(files, "f") == lines("more", "more", *NUMBERS[:9], "new", *NUMBERS[10:])


def test_fuzz_only_where_it_is_asked_for(tree: Tree) -> None:
    tree.write({"f": lines(*NUMBERS[:6], "other", *NUMBERS[7:])})
    done, _ = applied(tree, changed())
    assert not done.clean
    assert "with fuzz 1 it fits at line 8" in done.files[0].failures[0].why
    done, files = applied(tree, changed(), fuzz=2)
    assert (done.clean, done.fuzzy, done.files[0].hunks[0].fuzz) == (True, True, 1)
    assert data(files, "f") == lines(*NUMBERS[:6], "other", *NUMBERS[7:9], "new", *NUMBERS[10:])


def test_two_places_are_none(tree: Tree) -> None:
    tree.write({"f": lines("x", "a", "b", "c", "a", "b", "c")})
    done, files = applied(tree, diff("f", [" a", "b", " c"], ["B"], at=9))
    assert done.files[0].failures[0].why == "ambiguous: fits equally at lines 2 and 5"
    assert data(files, "f") == lines("x", "a", "b", "c", "a", "b", "c")


def test_a_hunk_that_stands_there_already_does_not_fit(tree: Tree) -> None:
    tree.write({"f": lines(*NUMBERS[:9], "new", *NUMBERS[10:])})
    done, _ = applied(tree, changed())
    assert done.files[0].failures[0].why == "stands there already, at line 7"


@pytest.mark.parametrize(
    ("files", "patch", "why"),
    [
        ({}, b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n", "f is not there"),
        ({"f": b"x\n"}, b"--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n", "the patch makes f, which is there already"),
        (
            {"f": b"a\nb\n"},
            b"--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
            "the patch deletes f, which has more than what it takes away",
        ),
        (
            {"f": b"a\n", "g": b"b\n"},
            b"diff --git a/f b/g\nsimilarity index 100%\nrename from f\nrename to g\n",
            "the patch renames f to g, which is there already",
        ),
    ],
)
def test_what_keeps_a_patch_from_a_whole_file(tree: Tree, files: dict[str, bytes], patch: bytes, why: str) -> None:
    tree.write(files)
    done, now = applied(tree, patch)
    assert done.files[0].trouble == why
    assert {path: data(now, path) for path in files} == files


def test_new_gone_renamed_and_copied(tree: Tree) -> None:
    tree.write({"gone": b"g\n", "old": b"a\nb\n", "from": b"c\n"})
    done, files = applied(
        tree,
        b"diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-g\n"
        b"diff --git a/new b/new\nnew file mode 100755\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+n\n"
        b"diff --git a/old b/moved\nsimilarity index 50%\nrename from old\nrename to moved\n"
        b"--- a/old\n+++ b/moved\n@@ -1,2 +1,2 @@\n a\n-b\n+B\n"
        b"diff --git a/from b/to\nsimilarity index 100%\ncopy from from\ncopy to to\n",
    )
    assert done.clean
    found = {path: data(files, path) for path in ("gone", "new", "old", "moved", "from", "to")}
    assert found == {"gone": None, "new": b"n\n", "old": None, "moved": b"a\nB\n", "from": b"c\n", "to": b"c\n"}
    new = files.get("new")
    assert new is not None
    assert new.mode == EXECUTABLE


@pytest.mark.parametrize(("before", "after"), [(0o640, 0o750), (0o600, 0o700), (0o644, 0o755)])
def test_a_mode_alone(tree: Tree, before: int, after: int) -> None:
    tree.write({"f": b"a\n"})
    (tree.top / "f").chmod(before)
    done, files = applied(tree, b"diff --git a/f b/f\nold mode 100644\nnew mode 100755\n")
    assert done.clean
    assert files.get("f") == FileState(data=b"a\n", mode=EXECUTABLE, permissions=after)


def test_links_are_not_patched_as_files(tree: Tree) -> None:
    (tree.top / "f").symlink_to("a")
    done, _ = applied(tree, b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n")
    assert done.files[0].trouble == "f is a symbolic link"


def test_git_may_make_and_change_links(tree: Tree) -> None:
    (tree.top / "old").symlink_to("a")
    done, files = applied(
        tree,
        b"diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+to\n"
        b"\\ No newline at end of file\n"
        b"diff --git a/old b/old\nindex 1234567..2345678 120000\n--- a/old\n+++ b/old\n@@ -1 +1 @@\n-a\n"
        b"\\ No newline at end of file\n+b\n\\ No newline at end of file\n",
    )
    assert done.clean, done
    assert files.get("l") == FileState(data=b"to", mode=LINK)
    assert data(files, "old") == b"b"


def test_a_submodule_is_no_file(tree: Tree) -> None:
    """GNU patch writes its id into a file, and says that all is well."""
    new = b"diff --git a/s b/s\nnew file mode 160000\n--- /dev/null\n+++ b/s\n@@ -0,0 +1 @@\n+Subproject commit 1\n"
    tree.write({"m": lines("Subproject commit 1")})
    old = b"diff --git a/m b/m\n--- a/m\n+++ b/m\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n"
    old = old.replace(b"--- a/m", b"index 1111111..2222222 160000\n--- a/m")
    for patch, path in ((new, "s"), (old, "m")):
        done, files = applied(tree, patch)
        assert [file.trouble for file in done.files] == [f"{path} is a submodule, and no file a patch can change"]
        assert files.changes() == {}


def test_line_ends_that_the_mail_changed(tree: Tree) -> None:
    tree.write({"f": lines(*NUMBERS)})
    done, files = applied(tree, changed().replace(b"\n", b"\r\n"))
    assert done.clean
    assert data(files, "f") == lines(*NUMBERS[:9], "new", *NUMBERS[10:])


@pytest.mark.parametrize(("there", "taken"), [(["f.orig", "f"], "f"), (["f"], "f"), (["f.orig"], "f.orig")])
def test_of_two_names_the_one_that_is_there(tree: Tree, there: list[str], taken: str) -> None:
    """GNU patch: of names that exist the simplest; a plain `diff -u f f.orig` is of f."""
    tree.write(dict.fromkeys(there, b"a\n"))
    done, _ = applied(tree, b"--- a/f\n+++ b/f.orig\n@@ -1 +1 @@\n-a\n+b\n")
    assert done.files[0].path == taken


def test_hunks_that_fit_in_one_way_together_are_placed(tree: Tree) -> None:
    tree.write({"f": lines("x", "a", "b", "c", "y", "a", "b", "c")})
    twice = diff("f", [" a", "b", " c"], ["B"], at=9) + b"@@ -20,3 +20,3 @@\n a\n-b\n+B\n c\n"
    done, files = applied(tree, twice)
    assert done.clean
    assert [hunk.offset for hunk in done.files[0].hunks] == [-7, -14]
    assert data(files, "f") == lines("x", "a", "B", "c", "y", "a", "B", "c")


@st.composite
def _edits(draw: st.DrawFn) -> tuple[bytes, list[Hunk]]:
    old = draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=12))
    at = draw(st.integers(0, len(old) - 1))
    count = draw(st.integers(1, len(old) - at))
    leading, trailing = draw(st.integers(0, at)), draw(st.integers(0, len(old) - at - count))
    new = draw(st.lists(st.sampled_from(["a", "b", "X"]), max_size=3))
    body = [f" {text}\n" for text in old[at - leading : at]]
    body += [f"-{text}\n" for text in old[at : at + count]] + [f"+{text}\n" for text in new]
    body += [f" {text}\n" for text in old[at + count : at + count + trailing]]
    size, start = leading + count + trailing, at - leading + 1
    hunk = Hunk(
        old_start=start,
        old_count=size,
        new_start=start,
        new_count=leading + len(new) + trailing,
        lines=tuple(text.encode() for text in body),
    )
    drift = draw(st.lists(st.sampled_from(["a", "b"]), max_size=2))
    return lines(*drift, *old), [hunk]


@st.composite
def _patches(draw: st.DrawFn) -> tuple[bytes, list[Hunk]]:
    """A file, and the hunks of a change to what it was before lines came and went elsewhere."""
    texts = draw(st.sampled_from([["a", "b"], ["a", "b", "c", "d", "e", "f"], [*map(str, range(40))]]))
    old = [f"{text}\n".encode() for text in draw(st.lists(st.sampled_from(texts), min_size=1, max_size=24))]
    new = list(old)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(new)))
        new[at : at + draw(st.integers(0, 2))] = draw(st.lists(st.sampled_from([b"X\n", b"a\n"]), max_size=2))
    hunks = diff_hunks(b"".join(old), b"".join(new))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(old)))
        old[at : at + draw(st.integers(0, 1))] = draw(st.lists(st.sampled_from([b"Y\n", b"a\n", b"X\n"]), max_size=3))
    content = b"".join(old)
    return content[:-1] if draw(st.booleans()) else content, hunks


@given(_edits() | _patches())
def test_the_short_way_comes_to_what_placement_comes_to(made: tuple[bytes, list[Hunk]]) -> None:
    content, hunks = made
    found = straight(content, hunks)
    placed = place(content, hunks)
    if found is not None:
        assert {(hunk.fate, hunk.fuzz) for hunk in placed.hunks} <= {(Fate.APPLIED, 0)}
        assert found == (placed.content, [hunk.offset for hunk in placed.hunks])
    else:
        assert not placed.exact or any(not hunk.pre_image for hunk in hunks)


def test_the_short_way_is_gone_where_hunks_moved() -> None:
    """Not only where they did not: of a queue on another release most of them did."""
    content = lines("more", *NUMBERS)
    hunks = list(parse("p", "p", changed(at=5) + changed(at=15).partition(b"b/f\n")[2], 1).changes[0].hunks)
    assert straight(content, hunks) == (
        lines("more", *NUMBERS[:4], "new", *NUMBERS[5:14], "new", *NUMBERS[15:]),
        [1, 1],
    )
    assert straight(lines("more", *NUMBERS, *NUMBERS), hunks) is None


@given(_edits())
def test_what_is_placed_for_certain_is_where_gnu_patch_puts_it(made: tuple[bytes, list[Hunk]]) -> None:
    content, hunks = made
    placed = place(content, hunks)
    if placed.exact:
        assert as_gnu_patch_does(content, hunks) == placed.content


def test_gnu_patch_takes_the_nearest_and_the_later_of_two() -> None:
    hunk = Hunk(old_start=3, old_count=1, new_start=3, new_count=1, lines=(b"-a\n", b"+b\n"))
    assert as_gnu_patch_does(lines("a", "x", "x", "x", "a"), [hunk]) == lines("a", "x", "x", "x", "b")
    assert as_gnu_patch_does(lines("x"), [hunk]) is None


def test_nothing_is_read_before_it_is_needed(tmp_path: Path) -> None:
    files = Files(Rooted(tmp_path))
    files.put("f", FileState(data=b"x"))
    assert files.changes() == {"f": FileState(data=b"x")}
    assert files.before() == {"f": None}
