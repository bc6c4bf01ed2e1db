# SPDX-License-Identifier: MIT
"""Context diffs: what is read is what a unified diff would say, and what is written is read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.quilt.diffs import hunks_text
from mptcp_series.engine.quilt.settings import DiffFormat
from mptcp_series.errors import BadPatch
from mptcp_series.values.contextdiff import read_context_hunk, write_context_hunk
from mptcp_series.values.filechange import ChangeKind, FileChange
from mptcp_series.values.hunk import Hunk, HunkMismatch, parse_hunk_header, split_lines
from mptcp_series.values.patchreader import read_patch

TEXTS = st.lists(st.sampled_from([b"a\n", b"b\n", b"\n", b"- c\n", b"! d\n", b"*** 1 ****\n"]), max_size=12).flatmap(
    lambda lines: st.sampled_from([b"".join(lines), b"".join(lines).removesuffix(b"\n")])
)

CHANGED = b"""\
Text before.

*** a/f\t2014-06-26 13:08:29.608831581 +0200
--- b/f\t2014-06-26 13:08:33.872849083 +0200
*************** int f(void)
*** 2,5 ****
  two
! three
  four
- five
--- 2,5 ----
  two
! THREE
! and more
  four
Index: g
===================================================================
*** a/g
--- b/g
***************
*** 7,8 ****
--- 7,9 ----
  seven
+ new
  eight
"""


def changes(patch: bytes) -> tuple[FileChange, ...]:
    return read_patch(patch, "x", 1)[1]


def hunks_of(unified: bytes) -> list[Hunk]:
    lines = split_lines(unified)
    heads = [at for at, line in enumerate(lines) if line.startswith(b"@@ -")]
    found = []
    for at, end in zip(heads, [*heads[1:], len(lines)], strict=False):
        header = parse_hunk_header(lines[at])
        assert header is not None
        numbers = dict(zip(("old_start", "old_count", "new_start", "new_count"), header[:4], strict=True))
        found.append(Hunk(**numbers, section=header[4], lines=tuple(lines[at + 1 : end])))
    return found


@given(TEXTS, TEXTS, st.integers(0, 4))
def test_what_is_written_is_read_again(old: bytes, new: bytes, context: int) -> None:
    for hunk in hunks_of(hunks_text(old, new, DiffFormat(context=context))):
        lines = split_lines(write_context_hunk(hunk))
        again, end = read_context_hunk(lines, 0)
        assert end == len(lines)
        assert (again.pre_image, again.post_image) == (hunk.pre_image, hunk.post_image)
        assert again.header() == hunk.header()


def test_files_of_a_context_diff() -> None:
    preamble, found, rest = read_patch(CHANGED, "x", 1)
    assert (preamble, rest) == (b"Text before.\n\n", b"")
    first, second = found
    assert (first.path, first.kind, first.line) == ("f", ChangeKind.MODIFY, 3)
    assert first.hunks[0].render() == (b"@@ -2,4 +2,4 @@ int f(void)\n two\n-three\n+THREE\n+and more\n four\n-five\n")
    assert first.raw.endswith(b"Index: g\n" + b"=" * 67 + b"\n")
    assert second.hunks[0].render() == b"@@ -7,2 +7,3 @@\n seven\n+new\n eight\n"
    assert preamble + first.raw + second.raw == CHANGED


def test_files_that_come_and_go() -> None:
    made, gone, dated = changes(
        b"*** /dev/null\n--- b/n\n***************\n*** 0 ****\n--- 1 ----\n+ n\n"
        b"*** a/o\n--- /dev/null\n***************\n*** 1,2 ****\n- o\n- p\n--- 0 ----\n"
        b"*** a/d\t1970-01-01 01:00:00.000000000 +0100\n--- b/d\t2014-01-15 11:19:43.000000000 +0100\n"
        b"***************\n*** 0 ****\n--- 1 ----\n+ d\n"
    )
    assert (made.kind, made.path, made.added_content) == (ChangeKind.ADD, "n", b"n\n")
    assert (gone.kind, gone.path) == (ChangeKind.DELETE, "o")
    assert (dated.kind, dated.path) == (ChangeKind.ADD, "d")


def test_lines_without_newline_and_blank_context() -> None:
    (one,) = changes(
        b"*** a/f\n--- b/f\n***************\n*** 1,3 ****\n  a\n\n! b\n\\ No newline at end of file\n"
        b"--- 1,3 ----\n  a\n\n! B\n"
    )
    assert one.hunks[0].pre_image == [b"a\n", b"\n", b"b"]
    assert one.hunks[0].post_image == [b"a\n", b"\n", b"B\n"]


@pytest.mark.parametrize(
    ("body", "line", "why"),
    [
        (b"*** 1 ****\n! 1\n! 2\n--- 1 ----\n! one\n", 3, "line 6: `--- start,end ----` of a context diff expected"),
        (b"*** 1,2 ****\n  a\n! 1\n--- 1,2 ----\n  b\n! one\n", 3, "do not have the same context"),
        (b"*** 1,9 ****\n! 1\n--- 1 ----\n! one\n", 3, "the hunk header promises 9 old and 1 new lines"),
        (b"no range\n", 3, "line 4: `*** start,end ****` of a context diff expected"),
        (
            b"*** 5 ****\n! 1\n--- 5 ----\n! one\n***************\n*** 2 ****\n! 1\n--- 2 ----\n! one\n",
            8,
            "hunk goes backwards or overlaps the one before it",
        ),
    ],
)
def test_damaged_ones_are_refused_with_their_line(body: bytes, line: int, why: str) -> None:
    with pytest.raises(BadPatch) as caught:
        changes(b"*** a/f\n--- b/f\n***************\n" + body)
    (problem,) = caught.value.problems
    assert problem.line == line
    assert why in problem.message


def test_a_damaged_hunk_does_not_hide_the_next_file() -> None:
    damaged = b"*** a/f\n--- b/f\n***************\nno range\n"
    patch = damaged + b"*** a/../g\n--- b/../g\n***************\n*** 1 ****\n! 1\n--- 1 ----\n! x\n"
    with pytest.raises(BadPatch) as caught:
        changes(patch)
    assert [problem.line for problem in caught.value.problems] == [3, 5, 5]


def test_stars_in_a_message_are_text() -> None:
    text = b"*** Attention ***\n--- quoted\n***** stars *****\n\n"
    diff = b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+one\n"
    preamble, found, _ = read_patch(text + diff, "x", 1)
    assert preamble == text
    assert [change.path for change in found] == ["f"]


def test_the_function_a_hunk_is_in_stands_behind_the_stars() -> None:
    hunk = Hunk(old_start=1, old_count=1, new_start=1, new_count=1, section=b" int f(void)\n", lines=(b"-1\n", b"+2\n"))
    text = write_context_hunk(hunk)
    assert text == b"*************** int f(void)\n*** 1 ****\n! 1\n--- 1 ----\n! 2\n"
    assert read_context_hunk(split_lines(text), 0)[0] == hunk


def test_the_end_of_a_file_may_not_cut_a_side_short() -> None:
    with pytest.raises(HunkMismatch):
        read_context_hunk([b"***************\n", b"*** 1 ****\n", b"! 1\n"], 0)
