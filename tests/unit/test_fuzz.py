# SPDX-License-Identifier: MIT
"""Fuzz: only where it is asked for, only where one place is left, and recorded for each hunk and patch."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mptcp_series.engine.replay.change import diff_hunks
from mptcp_series.engine.text.place import Placed, place
from mptcp_series.engine.text.search import SHOWN
from mptcp_series.values.hunk import Hunk, split_lines
from mptcp_series.values.result import Fate

from .conftest import Lab, numbered

CHANGE = diff_hunks(numbered(20), numbered(20, {10: "x\n"}))


def hunk(at: int, *lines: bytes) -> Hunk:
    old = sum(line[:1] in (b" ", b"-") for line in lines)
    new = sum(line[:1] in (b" ", b"+") for line in lines)
    return Hunk(old_start=at, old_count=old, new_start=at, new_count=new, lines=lines)


@pytest.mark.parametrize(
    ("changes", "fuzz", "placed"),
    [
        ({}, 3, Placed(fate=Fate.APPLIED)),
        ({7: "other\n"}, 1, Placed(fate=Fate.APPLIED, fuzz=1)),
        ({13: "other\n"}, 2, Placed(fate=Fate.APPLIED, fuzz=1)),
        ({8: "other\n"}, 2, Placed(fate=Fate.APPLIED, fuzz=2)),
        ({9: "other\n"}, 3, Placed(fate=Fate.APPLIED, fuzz=3)),
    ],
)
def test_as_much_as_is_needed(changes: dict[int, str], fuzz: int, placed: Placed) -> None:
    result = place(numbered(20, changes), CHANGE, fuzz=fuzz)
    assert result.hunks == (placed,)
    assert (result.fuzz, result.exact) == (placed.fuzz, placed.fuzz == 0)
    # The lines of the file stay, where those of the hunk's context differ.
    assert result.content == numbered(20, {**changes, 10: "x\n"})


@pytest.mark.parametrize(
    ("changes", "fuzz", "why"),
    [
        ({7: "other\n"}, 0, "; with fuzz 1 it fits at line 8"),
        ({8: "other\n"}, 1, "; with fuzz 2 it fits at line 9"),
        ({9: "other\n"}, 2, ""),
        ({10: "other\n"}, 9, ""),
    ],
)
def test_no_more_than_is_allowed(changes: dict[int, str], fuzz: int, why: str) -> None:
    content = numbered(20, changes)
    result = place(content, CHANGE, fuzz=fuzz)
    said = "its 7 lines of pre-image, wanted at line 7, are nowhere in the file"
    assert result.hunks == (Placed(fate=Fate.CONFLICT, why=said + why),)
    assert result.content == content


def test_a_place_that_is_found_with_fuzz_may_be_elsewhere() -> None:
    result = place(b"above\n" * 4 + numbered(20, {7: "other\n"}), CHANGE, fuzz=2)
    assert result.hunks == (Placed(fate=Fate.APPLIED, offset=4, fuzz=1),)


def test_several_places_are_ambiguous_also_with_fuzz() -> None:
    block = b"{\n\ta\n\told\n}\n"
    wanted = hunk(2, b" [\n", b" \ta\n", b"-\told\n", b"+\tnew\n", b" }\n", b" ]\n")
    result = place(block * 3, [wanted], fuzz=2)
    assert result.hunks == (
        Placed(fate=Fate.CONFLICT, why="ambiguous: with fuzz 1 it fits equally at lines 2 and 6 and 10"),
    )
    assert place(block * 3, [wanted]).hunks[0].why.endswith("; with fuzz 1 it fits at lines 2 and 6 and 10")


def test_a_hunk_that_may_stand_already_is_ambiguous_with_fuzz() -> None:
    content = b"one\n\ta\n\told\n}\ntwo\n\ta\n\tnew\n}\n"
    wanted = hunk(2, b" [\n", b" \ta\n", b"-\told\n", b"+\tnew\n", b" }\n", b" ]\n")
    assert place(content, [wanted], fuzz=1).hunks == (
        Placed(
            fate=Fate.CONFLICT,
            why="ambiguous: with fuzz 1 it could be applied at line 2, and stands already at line 6",
        ),
    )


def test_an_addition_whose_context_is_all_left_out_has_no_place() -> None:
    wanted = hunk(3, b" [\n", b"+new\n", b" ]\n")
    assert place(b"a\nb\nc\n", [wanted], fuzz=9).hunks[0].fate is Fate.CONFLICT


def test_the_end_of_a_file_is_its_end_until_the_context_that_says_so_is_gone() -> None:
    """GNU patch: a hunk without context after its change is for the end, less its fuzz."""
    wanted = hunk(1, b" a\n", b" b\n", b"+x\n")
    assert place(b"A\nb\n", [wanted], fuzz=1).content == b"A\nb\nx\n"
    assert place(b"A\nb\nc\n", [wanted], fuzz=1).hunks[0].fate is Fate.CONFLICT


def test_a_place_in_the_midst_of_the_hunk_before_is_told_and_is_no_reason_for_fuzz() -> None:
    content = b"a\nb\nc\nd\ne\nf\ng\nh\n" + b"-\nX\ne\nf\ng\nY\n"
    first = hunk(1, b" a\n", b"-b\n", b"+B\n", b" c\n", b" d\n", b" e\n")
    second = hunk(9, b" d\n", b" e\n", b"-f\n", b"+F\n", b" g\n", b" h\n")
    said = (
        "its 5 lines of pre-image, wanted at line 9, are nowhere in the file after line 5, where the hunk before it "
        "ends; it would stand at line 4, in the midst of that one"
    )
    for fuzz in (0, 2):
        assert place(content, [first, second], fuzz=fuzz).hunks[1] == Placed(fate=Fate.CONFLICT, why=said)


def test_every_candidate_is_named() -> None:
    block = b"{\n\tone\n\ttwo\n}\n"
    wanted = hunk(2, b" \tone\n", b"-\ttwo\n", b"+\t2\n", b" }\n")
    content = b"n\n" + block * 40
    names = " and ".join(str(3 + 4 * at) for at in range(40))
    assert place(content, [wanted]).hunks == (
        Placed(fate=Fate.CONFLICT, why=f"ambiguous: fits equally at lines {names}"),
    )


def test_a_file_made_to_drown_the_reader_does_not() -> None:
    wanted = hunk(2, b" a\n", b"-b\n", b"+c\n", b" d\n")
    (placed,) = place(b"n\nn\n" + b"a\nb\nd\n" * (SHOWN + 5), [wanted]).hunks
    assert placed.why.endswith(f" and {3 * SHOWN} and more")


LINES = st.sampled_from([b"a\n", b"b\n", b"\n", b"{\n", b"}\n", b"c\n"])
TEXTS = st.lists(LINES, max_size=25).map(b"".join)


@settings(max_examples=500)
@given(TEXTS, TEXTS, TEXTS, st.integers(0, 3))
def test_laws_of_fuzz(old: bytes, new: bytes, other: bytes, fuzz: int) -> None:
    """Laws: never more than allowed; what fits without is placed as without; changed lines are never fuzzy."""
    hunks = diff_hunks(old, new)
    result, without = place(other, hunks, fuzz=fuzz), place(other, hunks)
    assert result.fuzz <= fuzz
    if without.complete:
        assert result == without
    lines = split_lines(other)
    for found, placed in zip(hunks, result.hunks, strict=True):
        if placed.fate is not Fate.APPLIED:
            continue
        at = found.old_index + placed.offset
        removed = [line for line in found.lines if line[:1] in b" -"]
        for number, line in enumerate(removed):
            inside = placed.fuzz <= number < len(removed) - placed.fuzz
            if line[:1] == b"-" or inside:
                assert lines[at + number] == line[1:]


CRLF = b"--- a/f\r\n+++ b/f\r\n@@ -1,3 +1,3 @@\r\n a\r\n-b\r\n+x\r\n c\r\n"


@pytest.mark.parametrize(
    ("content", "data", "after"),
    [
        # As GNU patch: even the headers end in CR LF, so something converted the patch.
        (b"a\nb\nc\n", CRLF, b"a\nx\nc\n"),
        # As git apply: the file is one of CR LF.
        (b"a\r\nb\r\nc\r\n", CRLF, b"a\r\nx\r\nc\r\n"),
        (b"a\r\nb\r\nc\r\n", CRLF.replace(b"@@\r\n", b"@@\n").replace(b"/f\r\n", b"/f\n"), b"a\r\nx\r\nc\r\n"),
    ],
)
def test_line_ends(lab: Lab, content: bytes, data: bytes, after: bytes) -> None:
    run = lab.replay({"f": content}, lab.patch(b"x\n---\n" + data))
    assert (run.told[0], run.files) == ("clean", {"f": after})


def test_a_new_file_of_a_converted_patch_has_the_line_ends_of_its_makers(lab: Lab) -> None:
    data = b"--- /dev/null\r\n+++ b/f\r\n@@ -0,0 +1,2 @@\r\n+a\r\n+b\r\n"
    assert lab.replay({"g": b""}, lab.patch(b"x\n---\n" + data)).files == {"f": b"a\nb\n", "g": b""}


def test_line_ends_that_differ_are_told(lab: Lab) -> None:
    data = CRLF.replace(b"@@\r\n", b"@@\n").replace(b"/f\r\n", b"/f\n")
    run = lab.replay({"f": b"a\nb\nc\n"}, lab.patch(b"x\n---\n" + data))
    (conflict,) = run.only.conflicts
    assert conflict.text.split("\n")[0] == (
        "its 3 lines of pre-image, wanted at line 1, are nowhere in the file; "
        "the patch has CR LF at the ends of lines, the file has LF"
    )
