# SPDX-License-Identifier: MIT
"""Placement of hunks without blobs: exact, or elsewhere in one place only, or a conflict that says why."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mptcp_series.engine.replay.change import diff_hunks
from mptcp_series.engine.text.place import Placed, Placement, place
from mptcp_series.values.hunk import Hunk, split_lines
from mptcp_series.values.result import Fate

from .conftest import numbered

APPLIED, PRESENT = Placed(fate=Fate.APPLIED), Placed(fate=Fate.PRESENT)
NO_NEWLINE = b"\\ No newline at end of file\n"


def hunk(at: int, *lines: bytes) -> Hunk:
    old = sum(line[:1] in (b" ", b"-") for line in lines)
    new = sum(line[:1] in (b" ", b"+") for line in lines)
    return Hunk(old_start=at, old_count=old, new_start=at, new_count=new, lines=lines)


def moved(by: int) -> Placed:
    return Placed(fate=Fate.APPLIED, offset=by)


def failed(why: str) -> Placed:
    return Placed(fate=Fate.CONFLICT, why=why)


CHANGE = diff_hunks(numbered(20), numbered(20, {10: "x\n"}))
TWICE = diff_hunks(numbered(40), numbered(40, {10: "x\ny\n", 30: "z\n"}))
BLOCK = b"{\n\tone\n\ttwo\n}\n"
IN_BLOCK = [hunk(2, b" \tone\n", b"-\ttwo\n", b"+\t2\n", b" }\n")]


@pytest.mark.parametrize(
    ("content", "hunks", "result"),
    [
        (numbered(20), CHANGE, Placement(content=numbered(20, {10: "x\n"}), hunks=(APPLIED,))),
        (b"n\n" + numbered(20), CHANGE, Placement(content=b"n\n" + numbered(20, {10: "x\n"}), hunks=(moved(1),))),
        (numbered(20, {1: ""}), CHANGE, Placement(content=numbered(20, {1: "", 10: "x\n"}), hunks=(moved(-1),))),
        (numbered(20, {10: "x\n"}), CHANGE, Placement(content=numbered(20, {10: "x\n"}), hunks=(PRESENT,))),
        (
            b"n\n" + numbered(20, {10: "x\n"}),
            CHANGE,
            Placement(content=b"n\n" + numbered(20, {10: "x\n"}), hunks=(Placed(fate=Fate.PRESENT, offset=1),)),
        ),
        # Fuzz is never applied: one line of context differs.
        (
            numbered(20, {7: "other\n"}),
            CHANGE,
            Placement(
                content=numbered(20, {7: "other\n"}),
                hunks=(
                    failed(
                        "its 7 lines of pre-image, wanted at line 7, are nowhere in the file; "
                        "with fuzz 1 it fits at line 8"
                    ),
                ),
            ),
        ),
        # One hunk is there, the other is not; the lines it names are those of the pre-image.
        (
            numbered(40, {10: "x\ny\n"}),
            TWICE,
            Placement(content=numbered(40, {10: "x\ny\n", 30: "z\n"}), hunks=(PRESENT, moved(1))),
        ),
        (
            numbered(40, {30: "z\n"}),
            TWICE,
            Placement(content=numbered(40, {10: "x\ny\n", 30: "z\n"}), hunks=(APPLIED, PRESENT)),
        ),
        # Where it says, though it would fit elsewhere too.
        (BLOCK * 2, IN_BLOCK, Placement(content=b"{\n\tone\n\t2\n}\n" + BLOCK, hunks=(APPLIED,))),
        # Not where it says, and two other places.
        (
            b"n\n" + BLOCK * 2,
            IN_BLOCK,
            Placement(content=b"n\n" + BLOCK * 2, hunks=(failed("ambiguous: fits equally at lines 3 and 7"),)),
        ),
        (
            b"n\n" + BLOCK * 9,
            IN_BLOCK,
            Placement(
                content=b"n\n" + BLOCK * 9,
                hunks=(
                    failed("ambiguous: fits equally at lines 3 and 7 and 11 and 15 and 19 and 23 and 27 and 31 and 35"),
                ),
            ),
        ),
        (
            b"n\n" + BLOCK + b"{\n\tone\n\t2\n}\n",
            IN_BLOCK,
            Placement(
                content=b"n\n" + BLOCK + b"{\n\tone\n\t2\n}\n",
                hunks=(
                    failed(
                        "ambiguous: could be applied at line 3, and stands already at line 7; "
                        "which is meant cannot be told"
                    ),
                ),
            ),
        ),
        (
            b"n\nn\n" + b"\tone\n\t2\n}\n" * 2,
            IN_BLOCK,
            Placement(
                content=b"n\nn\n" + b"\tone\n\t2\n}\n" * 2,
                hunks=(failed("ambiguous: stands already at lines 3 and 6, and nowhere else to apply"),),
            ),
        ),
        # A hunk does not reach back over the one before it.
        (
            b"b\na\n",
            [hunk(2, b"-a\n", b"+A\n"), hunk(5, b"-b\n", b"+B\n")],
            Placement(
                content=b"b\nA\n",
                hunks=(
                    APPLIED,
                    failed(
                        "its 1 lines of pre-image, wanted at line 5, are nowhere in the file "
                        "after line 2, where the hunk before it ends"
                    ),
                ),
            ),
        ),
        # Two hunks of the same body, the first of them there already.
        (
            b"\tone\n\t2\n}\n---\n\tone\n\ttwo\n}\n",
            [hunk(1, *IN_BLOCK[0].lines), hunk(6, *IN_BLOCK[0].lines)],
            Placement(
                content=b"\tone\n\t2\n}\n---\n\tone\n\t2\n}\n",
                hunks=(PRESENT, moved(-1)),
            ),
        ),
        # Once a hunk was found elsewhere, the line another one names is no proof.
        (
            b"new\n" * 4 + b"head\n" + BLOCK * 2,
            [hunk(1, b"-head\n", b"+HEAD\n"), hunk(7, b" \tone\n", b"-\ttwo\n", b"+\t2\n", b" }\n")],
            Placement(
                content=b"new\n" * 4 + b"HEAD\n" + BLOCK * 2,
                hunks=(moved(4), failed("ambiguous: fits equally at lines 7 and 11")),
            ),
        ),
        # No context: the whole of an empty file, or anywhere.
        (b"", [hunk(0, b"+a\n")], Placement(content=b"a\n", hunks=(APPLIED,))),
        (
            b"b\n",
            [hunk(0, b"+a\n")],
            Placement(
                content=b"b\n",
                hunks=(
                    failed(
                        "ambiguous: it adds lines and has no context, "
                        "so it fits at every line of a file that is not empty"
                    ),
                ),
            ),
        ),
        (b"a\n", [hunk(0, b"+a\n")], Placement(content=b"a\n", hunks=(PRESENT,))),
        # The end of a file is the end of a file.
        (b"a\n", [hunk(1, b"-a\n", b"+b\n", NO_NEWLINE)], Placement(content=b"b", hunks=(APPLIED,))),
        (
            b"a\nc\n",
            [hunk(1, b"-a\n", b"+b\n", NO_NEWLINE)],
            Placement(
                content=b"a\nc\n",
                hunks=(failed("its 1 lines of pre-image, wanted at line 1, are nowhere in the file"),),
            ),
        ),
        (
            b"a\nb\nc\n",
            [hunk(1, b" a\n", b" b\n", b"+x\n")],
            Placement(
                content=b"a\nb\nc\n",
                hunks=(failed("its 2 lines of pre-image, wanted at line 1, are nowhere in the file"),),
            ),
        ),
        # And its start is its start.
        (
            b"0\na\nb\n",
            [hunk(1, b"+x\n", b" a\n", b" b\n")],
            Placement(
                content=b"0\na\nb\n",
                hunks=(failed("its 2 lines of pre-image, wanted at line 1, are nowhere in the file"),),
            ),
        ),
        (
            b"a\r\n",
            [hunk(1, b"-a\n", b"+b\n")],
            Placement(
                content=b"a\r\n",
                hunks=(
                    failed(
                        "its 1 lines of pre-image, wanted at line 1, are nowhere in the file; "
                        "the file has CR LF at the ends of lines, the patch has LF"
                    ),
                ),
            ),
        ),
        (b"", [], Placement(content=b"", hunks=())),
    ],
)
def test_place(content: bytes, hunks: list[Hunk], result: Placement) -> None:
    assert place(content, hunks) == result


LINES = st.sampled_from([b"a\n", b"b\n", b"\n", b"{\n", b"}\n"])
TEXTS = st.builds(lambda lines, end: b"".join(lines) + end, st.lists(LINES, max_size=25), st.sampled_from([b"", b"z"]))


@settings(max_examples=500)
@given(TEXTS, TEXTS)
def test_hunks_lead_from_one_text_to_the_other(old: bytes, new: bytes) -> None:
    """Laws: placing diff(a, b) on a gives b, exactly; reversed on b it gives a; on b it finds itself or says why."""
    hunks = diff_hunks(old, new)
    forth, back = place(old, hunks), place(new, [hunk.reversed() for hunk in hunks])
    assert (forth.content, forth.exact) == (new, True)
    assert (back.content, back.exact) == (old, True)
    again = place(new, hunks)
    if again.complete:
        assert again.content == new
        assert {placed.fate for placed in again.hunks} <= {Fate.PRESENT}


@given(st.data(), st.integers(1, 5))
def test_lines_above_are_an_offset(data: st.DataObject, above: int) -> None:
    """Law: with other lines above, the hunks of a text of different lines are placed that much lower."""
    count = data.draw(st.integers(8, 40))
    changes = data.draw(st.dictionaries(st.integers(4, count), st.sampled_from(["", "x\n", "x\ny\n"]), min_size=1))
    old, new = numbered(count), numbered(count, changes)
    hunks = diff_hunks(old, new)
    prefix = numbered(above, word="new")
    result = place(prefix + old, hunks)
    if hunks[0].leading < hunks[0].trailing and hunks[0].old_start == 1:
        # Less context before than after says that it is the start of the file.
        assert result.hunks[0].fate is Fate.CONFLICT
        return
    assert result.content == prefix + new
    assert [(placed.fate, placed.offset) for placed in result.hunks] == [(Fate.APPLIED, above)] * len(hunks)


@settings(max_examples=500)
@given(TEXTS, TEXTS, TEXTS)
def test_never_fuzz(old: bytes, new: bytes, other: bytes) -> None:
    """Laws, on any text at all: an applied hunk stood there whole, alone or where it said; the rest is untouched."""
    hunks = diff_hunks(old, new)
    result = place(other, hunks)
    assert len(result.hunks) == len(hunks)
    lines = split_lines(other)
    want: list[bytes] = []
    done = 0
    for found, placed in zip(hunks, result.hunks, strict=True):
        if placed.fate is Fate.CONFLICT:
            assert placed.why
            continue
        image = found.pre_image if placed.fate is Fate.APPLIED else found.post_image
        at = found.old_index + placed.offset
        assert at >= done
        assert lines[at : at + len(image)] == image
        want += [*lines[done:at], *found.post_image]
        done = at + len(image)
    assert result.content == b"".join([*want, *lines[done:]])
    # No line ran into another one.
    assert split_lines(result.content) == [*want, *lines[done:]]


@pytest.mark.parametrize(
    ("content", "hunks"),
    [
        (b"a\n" * 100_000 + b"b\n", diff_hunks(b"a\n" * 2000, b"a\n" * 2000 + b"c\n")),
        (b"a\n" * 100_000, [hunk(5, *[b" a\n"] * 2000, b"-b\n", b"+c\n", b" a\n")]),
        (
            b"".join(b"%d\n" % at for at in range(20_000)),
            [hunk(at + 5, b"-%d\n" % at, b"+x\n") for at in range(0, 2000, 2)],
        ),
        (b"a" * 5_000_000, [hunk(1, b"-a\n", b"+b\n")]),
    ],
    ids=["end", "repeats", "many", "one line"],
)
def test_hostile_sizes_are_quick(content: bytes, hunks: list[Hunk]) -> None:
    start = time.process_time()
    place(content, hunks)
    assert time.process_time() - start < 10
