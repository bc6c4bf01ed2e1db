# SPDX-License-Identifier: MIT
"""Three-way merges: libgit2 is the judge of content and conflicts, laws are the judge of fates."""

from __future__ import annotations

import time

import pygit2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mptcp_series.engine.replay.change import diff_hunks
from mptcp_series.engine.text.merge import (
    Edit,
    Merge,
    Side,
    edits,
    hunk_at,
    is_binary,
    merge,
    merge_fates,
    places_exactly,
    splice,
)
from mptcp_series.values.hunk import split_lines
from mptcp_series.values.result import Fate

from .conftest import Lab, numbered

# Two or three different lines: they repeat, and every choice of a differ shows.
ALPHABETS = st.sampled_from([[b"a\n", b"b\n"], [b"a\n", b"b\n", b"\n"], [b"a\n", b"a\r\n", b" b\n", b"}\n"]])


@st.composite
def texts(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """A base, and two texts made from it by a few edits."""
    alphabet = draw(ALPHABETS)
    lines = draw(st.lists(st.sampled_from(alphabet), max_size=draw(st.sampled_from([3, 8, 24]))))
    sides = [lines]
    for _ in range(2):
        side = list(lines)
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(side)))
            side[at : at + draw(st.integers(0, 2))] = draw(st.lists(st.sampled_from(alphabet), max_size=2))
        sides.append(side)
    joined = [b"".join(side) for side in sides]
    cut = [text.removesuffix(b"\n") if draw(st.integers(0, 7)) == 0 else text for text in joined]
    return cut[0], cut[1], cut[2]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(pygit2.init_repository(str(tmp_path_factory.mktemp("merge") / "lab.git"), bare=True))


def judged(lab: Lab, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """What libgit2 merges to; None where it conflicts."""
    ancestor, mine, other = (pygit2.Oid(raw=lab.tree({"f": text})) for text in (base, ours, theirs))
    index = lab.repo.merge_trees(ancestor, mine, other)
    if index.conflicts is not None:
        return None
    blob = lab.repo[index["f"].id]
    assert isinstance(blob, pygit2.Blob)
    return blob.data


def settled(result: Merge) -> bytes | None:
    return None if result.conflicts else result.content()


@settings(max_examples=1500)
@given(texts())
def test_content_and_conflicts_are_those_of_libgit2(lab: Lab, case: tuple[bytes, bytes, bytes]) -> None:
    """Law: clean exactly when libgit2 is, and then with the same bytes."""
    assert settled(merge(*case)) == judged(lab, *case)


@settings(max_examples=500)
@given(texts())
def test_fates(case: tuple[bytes, bytes, bytes]) -> None:
    """Laws: a fate for every hunk; conflicts are hunks in conflict; all present exactly if ours has every change."""
    base, ours, theirs = case
    result, hunks = merge(*case), diff_hunks(base, theirs)
    fates = merge_fates(result, hunks)
    assert len(fates) == len(hunks)
    assert (Fate.CONFLICT in fates) == bool(result.conflicts)
    assert all(hunk_at(region, hunks) is not None for region in result.conflicts)
    if not result.conflicts:
        assert (set(fates) <= {Fate.PRESENT}) == (result.content() == ours)
    assert set(merge_fates(merge(base, theirs, theirs), hunks)) <= {Fate.PRESENT}
    assert set(merge_fates(merge(base, base, theirs), hunks)) <= {Fate.APPLIED}
    assert places_exactly(merge(base, base, theirs), hunks)


@settings(max_examples=500)
@given(texts())
def test_regions(case: tuple[bytes, bytes, bytes]) -> None:
    """Laws: outside of regions the three files are equal; inside, sides are what they say; each change is in one."""
    base, ours, theirs = (split_lines(text) for text in case)
    result = merge(*case)
    at = (0, 0, 0)
    for region in result.regions:
        starts = (region.base[0], region.ours[0], region.theirs[0])
        same = base[at[0] : starts[0]]
        assert same == ours[at[1] : starts[1]] == theirs[at[2] : starts[2]]
        parts = base[slice(*region.base)], ours[slice(*region.ours)], theirs[slice(*region.theirs)]
        assert {
            Side.OURS: parts[0] == parts[2] != parts[1],
            Side.THEIRS: parts[0] == parts[1] != parts[2],
            Side.BOTH: parts[1] == parts[2],
            Side.CONFLICT: parts[1] != parts[2],
        }[region.side]
        at = (region.base[1], region.ours[1], region.theirs[1])
    assert base[at[0] :] == ours[at[1] :] == theirs[at[2] :]
    assert [edit for region in result.regions for edit in region.patch] == result.their_edits


@given(texts())
def test_markers_hold_all_three_sides(case: tuple[bytes, bytes, bytes]) -> None:
    """Law: the marked file without its markers and two sides is the file with the third side's lines."""
    result = merge(*case)
    marked = result.with_markers("o", "b", "t")
    kept: list[bytes] = []
    side = ""
    words = {b"<<<<<<< o\n": "ours", b"||||||| b\n": "base", b"=======\n": "theirs", b">>>>>>> t\n": ""}
    for line in split_lines(marked):
        if line in words:
            side = words[line]
        elif side in ("", "theirs"):
            kept.append(line)
    # Markers end the line before them; that is all they change.
    ended = b"".join(line if line.endswith(b"\n") else line + b"\n" for line in split_lines(result.content()))
    assert b"".join(kept) in (result.content(), ended)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "content", "fates"),
    [
        (numbered(9), numbered(9, {1: "x\n"}), numbered(9, {9: "y\n"}), numbered(9, {1: "x\n", 9: "y\n"}), ["applied"]),
        (numbered(9), numbered(9, {1: "x\n"}), numbered(9, {1: "x\n"}), numbered(9, {1: "x\n"}), ["present"]),
        # One hunk present, one applied.
        (
            numbered(30),
            numbered(30, {2: "x\n"}),
            numbered(30, {2: "x\n", 25: "y\n"}),
            numbered(30, {2: "x\n", 25: "y\n"}),
            ["present", "applied"],
        ),
        (numbered(9), numbered(9, {5: "x\n"}), numbered(9, {5: "y\n"}), numbered(9, {5: "y\n"}), ["conflict"]),
        # Changes that touch, without a line between them, are one conflict.
        (numbered(9), numbered(9, {5: "x\n"}), numbered(9, {6: "y\n"}), numbered(9, {6: "y\n"}), ["conflict"]),
        (b"a\nb", b"a\nb\n", b"a\nb\n", b"a\nb\n", ["present"]),
        (b"", b"", b"a\n", b"a\n", ["applied"]),
        (b"", b"b\n", b"a\n", b"a\n", ["conflict"]),
        (b"a\n", b"", b"", b"", ["present"]),
        (b"a\r\nb\r\n", b"a\nb\r\n", b"a\r\nc\r\n", b"a\r\nc\r\n", ["conflict"]),
        (b"\xff\nb\nc\nd\n", b"\xff\nb\nc\n\xfe\n", b"\xfd\nb\nc\nd\n", b"\xfd\nb\nc\n\xfe\n", ["applied"]),
    ],
)
def test_merge(base: bytes, ours: bytes, theirs: bytes, content: bytes, fates: list[str]) -> None:
    result = merge(base, ours, theirs)
    assert result.content() == content
    assert [fate.value for fate in merge_fates(result, diff_hunks(base, theirs))] == fates


def test_conflict_text() -> None:
    base = numbered(9)
    result = merge(base, numbered(9, {5: "ours\n"}), numbered(9, {5: "theirs\n"}))
    block = b"<<<<<<< o\nours\n||||||| b\nline 5\n=======\ntheirs\n>>>>>>> t\n"
    assert (
        result.with_markers("o", "b", "t")
        == b"line 1\nline 2\nline 3\nline 4\n" + block + b"line 6\nline 7\nline 8\nline 9\n"
    )
    (region,) = result.conflicts
    assert result.excerpt(region, "o", "b", "t", context=1) == b"line 4\n" + block + b"line 6\n"
    assert result.excerpt(region, "o", "b", "t") == b"line 2\nline 3\nline 4\n" + block + b"line 6\nline 7\nline 8\n"


def test_conflict_text_without_final_newline() -> None:
    result = merge(b"a", b"b", b"c")
    assert result.with_markers("o", "b", "t") == b"<<<<<<< o\nb\n||||||| b\na\n=======\nc\n>>>>>>> t\n"
    assert result.content() == b"c"


@pytest.mark.parametrize(
    ("ours", "exactly"),
    [
        (b"new\n" + numbered(20), True),
        (numbered(20) + b"new\n", True),
        # The hunk changes line 10 and has lines 7 to 13.
        (numbered(20, {6: "x\n"}), True),
        (numbered(20, {14: "x\n"}), True),
        (numbered(20, {7: "x\n"}), False),
        (numbered(20, {13: "x\n"}), False),
        (numbered(20, {6: "line 6\nx\n"}), True),
        (numbered(20, {7: "line 7\nx\n"}), False),
        (numbered(20, {13: "line 13\nx\n"}), True),
    ],
)
def test_places_exactly(ours: bytes, exactly: bool) -> None:
    base, theirs = numbered(20), numbered(20, {10: "y\n"})
    assert places_exactly(merge(base, ours, theirs), diff_hunks(base, theirs)) is exactly


def test_edits() -> None:
    assert edits(numbered(5), numbered(5, {1: "", 3: "x\n", 5: "line 5\ny\n"})) == [
        Edit(0, 1, 0, 0),
        Edit(2, 3, 1, 2),
        Edit(5, 5, 4, 5),
    ]
    assert edits(b"", b"") == []
    # Binary content has edits too: who merges, decides before.
    assert edits(b"\0\n", b"\0\na\n") == [Edit(1, 1, 1, 2)]


def test_is_binary() -> None:
    assert [is_binary(data) for data in (b"", b"a\0", b"a" * 7999 + b"\0", b"a" * 8000 + b"\0", b"\xff\xfe")] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_hostile_sizes_are_quick(lab: Lab) -> None:
    every = 3000
    base = b"".join(b"%d\nx\n" % at for at in range(every))
    ours = b"".join(b"%d o\nx\n" % at for at in range(every))
    theirs = b"".join(b"%d t\nx\n" % at for at in range(every))
    start = time.process_time()
    result = merge(base, ours, theirs)
    hunks = diff_hunks(base, theirs)
    assert len(result.conflicts) == every
    assert len(merge_fates(result, hunks)) == len(hunks)
    assert {hunk_at(region, hunks) for region in result.conflicts} == set(range(len(hunks)))
    repeated = merge(b"a\n" * 20_000, b"a\n" * 20_001, b"a\n" * 10_000 + b"b\n" + b"a\n" * 10_000)
    assert settled(repeated) == judged(
        lab, b"a\n" * 20_000, b"a\n" * 20_001, b"a\n" * 10_000 + b"b\n" + b"a\n" * 10_000
    )
    assert time.process_time() - start < 10


@st.composite
def long_texts(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """A text with long runs of one line, and changes far apart."""
    runs = st.tuples(st.sampled_from([b"a\n", b"b\n", b"u1\n", b"u2\n", b"u3\n"]), st.sampled_from([1, 2, 60, 130]))
    lines = [line for line, count in draw(st.lists(runs, min_size=3, max_size=6)) for _ in range(count)]
    sides = []
    for _ in range(2):
        side = list(lines)
        for _ in range(draw(st.integers(1, 3))):
            at = draw(st.sampled_from([0, 1, len(side) // 2, len(side) - 1, len(side)]))
            side[at : at + draw(st.integers(0, 1))] = draw(st.lists(st.sampled_from([b"a\n", b"x\n"]), max_size=1))
        sides.append(b"".join(side))
    return b"".join(lines), sides[0], sides[1]


@settings(max_examples=500)
@given(long_texts())
@example((b"b\n" + b"a\n" * 150 + b"c\n", b"x\n" + b"a\n" * 151 + b"c\n", b"b\n" + b"a\n" * 150 + b"d\n"))
@example((b"b\n" + b"a\n" * 150 + b"u\n", b"x\n" + b"a\n" * 150 + b"u\n", b"b\n" + b"a\n" * 150 + b"v\n"))
def test_a_splice_is_the_merge(lab: Lab, case: tuple[bytes, bytes, bytes]) -> None:
    """Law: where two changes are joined without a diff, it is as libgit2 joins them."""
    joined = splice(*case)
    assert joined is None or joined == judged(lab, *case)


def test_splice() -> None:
    base = numbered(300)
    assert splice(base, numbered(300, {2: "x\n"}), numbered(300, {290: "y\n"})) == numbered(300, {2: "x\n", 290: "y\n"})
    assert splice(base, numbered(300, {290: "y\n"}), numbered(300, {2: "x\n"})) == numbered(300, {2: "x\n", 290: "y\n"})
    assert splice(base, numbered(300, {2: "x\n"}), numbered(300, {20: "y\n"})) is None
    both = numbered(300, {2: "x\n", 150: "y\n", 290: "z\n"})
    assert splice(base, numbered(300, {2: "x\n", 290: "z\n"}), numbered(300, {150: "y\n"})) == both
    assert splice(base, numbered(300, {150: "y\n"}), numbered(300, {2: "x\n", 290: "z\n"})) == both
    assert splice(base, numbered(300, {2: "x\n", 290: "z\n"}), numbered(300, {20: "y\n"})) is None
    # Every line is there twice: a change could slide from one end to the other.
    assert splice(base * 2, numbered(300, {2: "x\n"}) + base, base + numbered(300, {290: "y\n"})) is None
