# SPDX-License-Identifier: MIT
"""What the hunks of a file say of one another's places: by their order, and as several of the same text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mptcp_series.engine.replay.settle import Labels
from mptcp_series.engine.resolving.hunks import dropped_by_placement
from mptcp_series.engine.resolving.text import text_sides
from mptcp_series.engine.text.place import Placed, place
from mptcp_series.engine.text.search import Cut, Text
from mptcp_series.engine.text.twins import only_filling
from mptcp_series.values.hunk import Hunk, split_lines
from mptcp_series.values.result import Fate

from .conftest import Lab

BODY = (b" a\n", b"-b\n", b"+B\n", b" c\n")
BLOCK = b"a\nb\nc\n"
DONE = b"a\nB\nc\n"
FAR = 1000
"""A line that no file here has, so that no hunk stands where it says."""


def hunk(at: int, *lines: bytes) -> Hunk:
    old = sum(line[:1] in (b" ", b"-") for line in lines)
    new = sum(line[:1] in (b" ", b"+") for line in lines)
    return Hunk(old_start=at, old_count=old, new_start=at, new_count=new, lines=lines)


def twins(count: int, *lines: bytes) -> list[Hunk]:
    return [hunk(FAR + 100 * at, *(lines or BODY)) for at in range(count)]


def told(content: bytes, hunks: Sequence[Hunk], fuzz: int = 0) -> list[str | int]:
    """For each hunk the line it went to, 1-based, or why it has none."""
    found = place(content, hunks, fuzz=fuzz).hunks
    assert all(placed.fate is not Fate.PRESENT for placed in found)
    return [placed.why or placed.offset + wanted.old_index + 1 for placed, wanted in zip(found, hunks, strict=True)]


def ambiguous(lines: str, count: int) -> list[str | int]:
    return [f"ambiguous: fits equally at lines {lines}, as one of {count} hunks of this text"] * count


@pytest.mark.parametrize(
    ("content", "count", "lines"),
    [
        (b"x\n" + BLOCK * 2, 2, [2, 5]),
        (b"x\n" + BLOCK * 2 + b"y\n" + BLOCK, 3, [2, 5, 9]),
        # One place more than hunks: it is not told which.
        (b"x\n" + BLOCK * 3, 2, ambiguous("2 and 5 and 8", 2)),
        # And one place less.
        (b"x\n" + BLOCK * 2, 3, ambiguous("2 and 5", 3)),
    ],
)
def test_hunks_of_the_same_text(content: bytes, count: int, lines: list[str | int]) -> None:
    assert told(content, twins(count)) == lines
    if isinstance(lines[0], int):
        assert place(content, twins(count)).content == content.replace(BLOCK, DONE)


def test_a_single_hunk_of_several_places_stays_ambiguous() -> None:
    assert told(BLOCK * 2, twins(1)) == ["ambiguous: fits equally at lines 1 and 4"]


def test_one_that_may_stand_there_already_keeps_all_of_them_back() -> None:
    why = "ambiguous: could be applied at line 1 and 4, and stands already at line 7; which is meant cannot be told"
    assert told(BLOCK * 2 + DONE, twins(2)) == [why, why]


AHEAD = BLOCK + b"x\n" + BLOCK
"""The place of a hunk before and behind the only place of the next one."""


@pytest.mark.parametrize(
    ("first", "line"),
    [
        (hunk(2, *BODY), 1),
        # As near to the one behind, or nearer: git apply would put it there, and go back for the second hunk.
        (hunk(3, *BODY), None),
        (hunk(4, *BODY), None),
        # Nearer by what it says of the old file, which GNU patch goes by, and not by what it says of the new one.
        (Hunk(old_start=2, old_count=3, new_start=4, new_count=3, lines=BODY), None),
        (Hunk(old_start=4, old_count=3, new_start=2, new_count=3, lines=BODY), None),
    ],
)
def test_order_decides_where_distance_says_the_same(first: Hunk, line: int | None) -> None:
    said = "ambiguous: fits equally at lines 1 and 5; only line 1 leaves room for the hunks behind it"
    assert told(AHEAD, [first, hunk(FAR, b"-x\n", b"+X\n")]) == [line or said, 4]


def test_distance_alone_decides_nothing() -> None:
    assert told(b"x\n" + AHEAD, [hunk(1, *BODY)]) == ["ambiguous: fits equally at lines 2 and 6"]


def test_hunks_that_were_placed_before_move_what_is_near() -> None:
    """GNU patch: as far off as the hunk before; git: as much further as that one put lines in."""
    content = b"head\n" + b"n\n" * 20 + AHEAD
    head = hunk(41, b"-head\n", b"+HEAD\n")
    tail = hunk(FAR, b"-x\n", b"+X\n")
    behind = Hunk(old_start=62, old_count=3, new_start=22, new_count=3, lines=BODY)
    assert told(content, [head, behind, tail]) == [1, 22, 25]
    assert told(content, [head, hunk(62, *BODY), tail])[1] != 22
    head = hunk(41, b"-head\n", b"+HEAD\n", *[b"+more\n"] * 9)
    behind = Hunk(old_start=62, old_count=3, new_start=31, new_count=3, lines=BODY)
    assert told(content, [head, behind, tail]) == [1, 22, 25]


def test_one_that_stands_there_already_is_out_of_the_way_behind_the_next() -> None:
    hunks = [hunk(2, *BODY), hunk(FAR, b"-x\n", b"+X\n")]
    assert told(BLOCK + b"x\n" + DONE, hunks) == [1, 4]
    assert "stands already at line 4" in str(told(BLOCK + DONE + b"x\n", hunks)[0])


def test_two_changes_of_the_same_lines_go_by_order_and_distance() -> None:
    other = (b" a\n", b"-b\n", b"+other\n", b" c\n")
    assert told(b"x\n" + BLOCK * 2, [hunk(3, *BODY), hunk(FAR, *other)]) == [2, 5]
    said = "ambiguous: fits equally at lines 2 and 5; only line 2 leaves room for the hunks behind it"
    assert told(b"x\n" + BLOCK * 2, [hunk(FAR, *BODY), hunk(FAR + 9, *other)]) == [
        said,
        "ambiguous: fits equally at lines 2 and 5",
    ]


def test_behind_a_hunk_without_a_place_order_proves_nothing() -> None:
    lost = hunk(1, b"-lost\n", b"+found\n")
    said = "ambiguous: fits equally at lines 1 and 5"
    assert told(AHEAD, [lost, hunk(2, *BODY), hunk(FAR, b"-x\n", b"+X\n")])[1:] == [said, 4]
    assert told(BLOCK * 2, [lost, *twins(2)])[1:] == ambiguous("1 and 4", 2)


def test_a_place_that_was_passed_by_counts() -> None:
    """Git apply reaches back before the hunks that were placed."""
    head = hunk(FAR, b"-head\n", b"+HEAD\n")
    hunks = [head, *twins(2)]
    assert told(b"head\n" + BLOCK * 2, hunks) == [1, 2, 5]
    (_, *left) = ambiguous("5 and 8", 2)
    first = f"{left[0]}; only line 5 leaves room for the hunks behind it"
    assert told(BLOCK + b"head\n" + BLOCK * 2, hunks) == [4, first, *left]


def test_a_twin_that_stands_where_it_says_is_no_place_for_the_others() -> None:
    content = BLOCK + b"new\n" * 3 + b"head\n" + BLOCK * 2
    hunks = [hunk(1, *BODY), hunk(4, b"-head\n", b"+HEAD\n"), *twins(2)]
    assert told(content, hunks) == [1, 7, 8, 11]


def test_places_that_share_context_are_none() -> None:
    """To GNU patch the context after a change may be that before the next one; to git not."""
    shared = (b" a\n", b"-b\n", b"+B\n", b" a\n")
    assert told(b"a\nb\na\nx\na\nb\na\n", twins(2, *shared)) == [1, 5]
    assert told(b"a\nb\na\nb\na\n", twins(2, *shared)) == ambiguous("1 and 3", 2)
    # Two ways by GNU patch, one by git.
    content = b"a\nb\na\nb\na\nx\na\nb\na\n"
    assert told(content, twins(2, *shared)) == ambiguous("1 and 3 and 7", 2)


def test_only_their_own_text_makes_twins_of_the_first_line() -> None:
    """Whether a hunk says to be of line 1 counts only where its context is cut short."""
    assert told(b"x\n" + BLOCK * 2, [hunk(1, *BODY), hunk(FAR, *BODY)]) == [2, 5]


def test_a_hunk_between_twins_that_leaves_no_room() -> None:
    content = BLOCK * 2 + b"x\n"
    hunks = [hunk(FAR, *BODY), hunk(FAR + 9, b"-x\n", b"+X\n"), hunk(FAR + 20, *BODY)]
    why = "line 4 is where hunks of this text leave room for it, and the hunk before it ends at line 7"
    assert told(content, hunks) == [1, 7, why]


def test_with_fuzz_as_without() -> None:
    worn, near = b"A\nb\nc\n", [hunk(1, *BODY), hunk(4, *BODY)]
    assert place(b"x\n" + worn * 2, near).hunks[0].why.endswith("; with fuzz 1 it fits at lines 3 and 6")
    result = place(b"x\n" + worn * 2, near, fuzz=1)
    assert [(placed.fuzz, placed.offset) for placed in result.hunks] == [(1, 1), (1, 1)]
    assert result.content == b"x\nA\nB\nc\nA\nB\nc\n"
    (first, _) = place(b"x\n" + worn * 3, near, fuzz=1).hunks
    assert first.why == (
        "ambiguous: with fuzz 1 it fits equally at lines 3 and 6 and 9, as one of 2 hunks of this text"
    )


def test_with_fuzz_only_what_is_nearest() -> None:
    """GNU patch puts the first where the second belongs, and the second, all its context left out, anywhere."""
    (first, _) = place(b"x\n" + b"A\nb\nc\n" * 2, twins(2), fuzz=1).hunks
    assert first.why == "ambiguous: line 3 is the place that hunks of this text leave to it, and not the nearest one"


def test_fuzz_that_is_not_needed_changes_nothing() -> None:
    content = b"x\n" + BLOCK * 2
    assert place(content, twins(2), fuzz=2) == place(content, twins(2))


def test_a_side_without_newline_is_no_part_of_a_longer_line() -> None:
    wanted = hunk(FAR, b" x\n", b"-a\n", b"\\ No newline at end of file\n", b"+b\n", b"\\ No newline at end of file\n")
    assert told(b"y\nx\na", [wanted]) == [2]
    (why,) = told(b"y\nx\nab\n", [wanted])
    assert str(why).startswith("its 2 lines of pre-image")


def test_one_meaning_everywhere(lab: Lab) -> None:
    """In git and in a directory, in what resolve shows, and in what an override drops."""
    content, hunks = b"x\n" + BLOCK * 2, twins(2)
    data = b"x\n---\n--- a/f\n+++ b/f\n" + b"".join(one.render() for one in hunks)
    run = lab.replay({"f": content}, lab.patch(data))
    assert (run.told[0], run.files) == ("offset", {"f": b"x\n" + DONE * 2})
    assert dropped_by_placement(content, hunks, b"x\n" + DONE * 2) == set()
    # Without the second the first one would be ambiguous, so both go and the override's diff has the change.
    assert dropped_by_placement(content, hunks, b"x\n" + DONE + BLOCK) == {0, 1}
    sides = text_sides(content, hunks, Labels(ours="o", base="b", theirs="t"))
    assert (sides.marked, sides.base) == (b"x\n" + DONE * 2, content)


# Against every way there is.


def standing(lines: list[bytes], cut: Cut, image: list[bytes]) -> list[int]:
    length = len(image)
    return [
        at
        for at in range(len(lines) - length + 1)
        if image and lines[at : at + length] == image and cut.may_stand(at, at + length, len(lines))
    ]


def fillings(lines: list[bytes], cut: Cut, count: int, low: int) -> Iterator[tuple[int, ...]]:
    """Each way to put so many hunks, the context after one's change being that before the next one's at most."""
    if not count:
        yield ()
        return
    for at in standing(lines, cut, cut.pre_image):
        if at - cut.skipped >= low:
            for rest in fillings(lines, cut, count - 1, at + len(cut.pre_image) - cut.trailing):
                yield at, *rest


WORDS = st.sampled_from([b"a\n", b"a\n", b"b\n", b"c\n"])
FILES = st.lists(WORDS, max_size=14)


@st.composite
def hunks_of_one_text(draw: st.DrawFn) -> Hunk:
    context = st.lists(WORDS, max_size=2)
    removed, added = draw(st.lists(WORDS, max_size=2)), draw(st.lists(st.sampled_from([b"a\n", b"n\n"]), max_size=2))
    if not removed and not added:
        removed = [b"a\n"]
    body = [b" " + line for line in draw(context)]
    body += [b"-" + line for line in removed] + [b"+" + line for line in added]
    return hunk(FAR, *body, *(b" " + line for line in draw(context)))


@settings(max_examples=400)
@given(FILES, hunks_of_one_text(), st.integers(1, 4), st.integers(0, 3), st.integers(0, 2))
def test_the_only_filling_is_the_only_one(lines: list[bytes], one: Hunk, count: int, low: int, fuzz: int) -> None:
    """Law: earliest and latest agree if and only if there is one way, held against all of them."""
    cut = Cut(hunk=one, fuzz=min(fuzz, max(one.leading, one.trailing)))
    ways = list(fillings(lines, cut, count, low))
    found = only_filling(Text(b"".join(lines)), cut, count, low)
    strict = [
        way
        for way in ways
        if all(nearer + len(cut.pre_image) <= further - cut.skipped for nearer, further in pairwise(way))
    ]
    if len(ways) == 1 and strict:
        assert found == list(ways[0])
    else:
        assert found is None


@settings(max_examples=400)
@given(FILES, hunks_of_one_text(), st.integers(1, 4))
def test_twins_are_placed_if_and_only_if_they_can_be_in_one_way(lines: list[bytes], one: Hunk, count: int) -> None:
    content, hunks = b"".join(lines), twins(count, *one.lines)
    if not one.pre_image:
        return
    cut = Cut(hunk=one, fuzz=0)
    placed = place(content, hunks).hunks
    ways = list(fillings(lines, cut, count, 0))
    if count == 1:
        # Alone, a place in the midst of another hunk is none.
        ways = [(at,) for at in standing(lines, cut, one.pre_image)]
    strict = [way for way in ways if all(near + len(one.pre_image) <= far for near, far in pairwise(way))]
    certain = len(ways) == 1 and strict == ways and not standing(lines, cut, one.post_image)
    assert all(one.fate is Fate.APPLIED for one in placed) == certain
    if certain:
        assert tuple(found.offset + wanted.old_index for found, wanted in zip(placed, hunks, strict=True)) == ways[0]


def in_order(lines: list[bytes], hunks: Sequence[Hunk], low: int = 0) -> Iterator[tuple[tuple[Fate, int], ...]]:
    """Each way to have every hunk of a file, applied or there already, in order and apart from one another."""
    if not hunks:
        yield ()
        return
    cut = Cut(hunk=hunks[0], fuzz=0)
    for fate, image in ((Fate.APPLIED, cut.pre_image), (Fate.PRESENT, cut.post_image)):
        for at in standing(lines, cut, image):
            if at >= low:
                for rest in in_order(lines, hunks[1:], at + len(image)):
                    yield (fate, at), *rest


@settings(max_examples=400)
@given(FILES, st.lists(hunks_of_one_text(), min_size=1, max_size=2), st.lists(st.integers(0, 1), max_size=4))
def test_what_is_placed_has_no_other_way(lines: list[bytes], texts: list[Hunk], which: list[int]) -> None:
    """Law: where no hunk stands where it says and all are placed, no other way has all of them in order."""
    hunks = [hunk(FAR + 50 * at, *texts[number % len(texts)].lines) for at, number in enumerate(which)]
    if any(not one.pre_image for one in hunks):
        return
    result = place(b"".join(lines), hunks)
    if result.complete:
        ours = tuple((one.fate, one.offset + wanted.old_index) for one, wanted in zip(result.hunks, hunks, strict=True))
        assert list(in_order(lines, hunks)) == [ours]
    else:
        assert all(one.why for one in result.hunks if one.fate is Fate.CONFLICT)


def test_lines_of_a_file_that_is_placed_are_those_of_the_hunks() -> None:
    content = b"x\n" + BLOCK * 2
    result = place(content, twins(2))
    assert split_lines(result.content) == [b"x\n", *split_lines(DONE) * 2]
    assert result.hunks == (
        Placed(fate=Fate.APPLIED, offset=-FAR + 2),
        Placed(fate=Fate.APPLIED, offset=-FAR - 100 + 5),
    )


SAME = b"a\n" * 100_000
MANY = 10_000


def test_hunks_without_number_on_lines_that_are_all_the_same() -> None:
    # Beyond the file, so that none stands where it says.
    hunks = [hunk(10**6 + 9 * at, b" a\n", b"-a\n", b"+b\n", b" a\n") for at in range(MANY)]
    said = f"999 and 1000 and more, as one of {MANY} hunks of this text"
    assert all(placed.why.endswith(said) for placed in place(SAME, hunks).hunks)


def test_hunks_without_number_that_fill_their_places() -> None:
    hunks = [hunk(10**6 + 9 * at, *BODY) for at in range(MANY)]
    assert place(b"x\n" + BLOCK * MANY, hunks).content == b"x\n" + DONE * MANY


def test_different_hunks_without_number_on_lines_that_are_all_the_same() -> None:
    hunks = [hunk(10**6 + at, b" a\n", b"-a\n", b"+%d\n" % at, b" a\n") for at in range(MANY // 5)]
    assert all(" and more" in placed.why for placed in place(SAME, hunks).hunks)


def test_hunks_without_number_that_nearly_stand() -> None:
    """All their lines are there, many times over, and never together."""
    content = b"a\n" * 40_000 + b"b\n" * 40_000 + BLOCK * 2
    nearly = [[*[b" a\n"] * (20 + at % 50), b"-b\n", b"+%d\n" % at, *[b" a\n"] * 60] for at in range(500)]
    hunks = [hunk(10**6, *BODY), *(hunk(10**6 + at, *lines) for at, lines in enumerate(nearly))]
    (first, *others) = place(content, hunks).hunks
    assert first.why == "ambiguous: fits equally at lines 80001 and 80004"
    assert all("are nowhere in the file" in placed.why for placed in others)
