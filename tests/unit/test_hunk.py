# SPDX-License-Identifier: MIT
"""Hunks: images, ids, refusals; what holds for every hunk a differ can write."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.replay.change import diff_hunks
from mptcp_series.values.hunk import Hunk, HunkMismatch, hunk_ids, parse_hunk_header, split_lines

NO_NEWLINE = b"\\ No newline at end of file\n"

# Few different lines, so that they repeat; CR, high bytes, an empty line, and one without newline at the end.
LINES = st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"a\r\n", b"\xff\n", b"- a\n", b"\\ a\n", b"@@ -1 +1 @@\n"])
TEXTS = st.builds(lambda lines, end: b"".join(lines) + end, st.lists(LINES, max_size=20), st.sampled_from([b"", b"z"]))


def hunk(*lines: bytes, at: int = 1) -> Hunk:
    """A hunk of these body lines, with the counts they have."""
    old = sum(line[:1] in (b" ", b"-") or line in (b"\n", b"\r\n") for line in lines)
    new = sum(line[:1] in (b" ", b"+") or line in (b"\n", b"\r\n") for line in lines)
    return Hunk(old_start=at, old_count=old, new_start=at, new_count=new, lines=lines)


def test_images() -> None:
    found = hunk(b" a\n", b"\n", b"\r\n", b"-b\r\n", b"-c\n", NO_NEWLINE, b"+\xffd\n", b"+e\n", NO_NEWLINE)
    assert found.pre_image == [b"a\n", b"\n", b"\r\n", b"b\r\n", b"c"]
    assert found.post_image == [b"a\n", b"\n", b"\r\n", b"\xffd\n", b"e"]
    assert (found.leading, found.trailing, found.ends_file) == (3, 0, True)
    assert found.render() == b"@@ -1,5 +1,5 @@\n" + b"".join(found.lines)


def test_a_patch_file_that_lost_its_last_newline_takes_none_from_the_file() -> None:
    # GNU patch: "patch unexpectedly ends in middle of line", and goes on.
    assert hunk(b"-a\n", b"+b").post_image == [b"b\n"]
    assert hunk(b"-a\n", b"+b\n", NO_NEWLINE.rstrip()).post_image == [b"b"]


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        (b"@@ -3 +4,2 @@ int f(void)\n", (3, 1, 4, 2, b" int f(void)\n")),
        (b"@@ -0,0 +1 @@\r\n", (0, 0, 1, 1, b"\r\n")),
        (b"@@ -1,2 +1,3 @@", (1, 2, 1, 3, b"")),
        (b"@@ -1,2 +1,3 @@ \xff @@\n", (1, 2, 1, 3, b" \xff @@\n")),
        (b"@@ -1,2 +1 @\n", None),
        (b"@@ -1,2 @@\n", None),
        (b"@@ -x +1 @@\n", None),
        (b"@@ -1234567890 +1 @@\n", None),
        (b" @@ -1 +1 @@\n", None),
        (b"@@@ -1 -1 +1 @@@\n", None),
    ],
)
def test_header(line: bytes, parsed: tuple[int, int, int, int, bytes] | None) -> None:
    assert parse_hunk_header(line) == parsed


@pytest.mark.parametrize(
    ("counts", "lines", "why"),
    [
        (
            (1, 1),
            (b"-a\n", b"+b\n", b"+c\n"),
            "the hunk header promises 1 old and 1 new lines, the body has 1 and 2",
        ),
        ((2, 1), (b"-a\n", b"+b\n"), "the hunk header promises 2 old and 1 new lines, the body has 1 and 1"),
        ((1, 1), (b" a\n",), "the hunk changes nothing: it has no added and no removed line"),
        ((0, 0), (), "the hunk changes nothing: it has no added and no removed line"),
        ((0, 1), (NO_NEWLINE, b"+a\n"), "a no-newline marker stands before the first line of the hunk"),
        (
            (1, 2),
            (b" a\n", NO_NEWLINE, b"+b\n"),
            "a line without newline is followed by another one: only the last of a file can lack it",
        ),
    ],
)
def test_refused(counts: tuple[int, int], lines: tuple[bytes, ...], why: str) -> None:
    with pytest.raises(HunkMismatch) as caught:
        Hunk(old_start=1, old_count=counts[0], new_start=1, new_count=counts[1], lines=lines)
    assert str(caught.value) == why


def test_id_is_the_sha256_of_the_body_lines() -> None:
    body = (b" a\n", b"-b\n", b"+c\n", NO_NEWLINE)
    found = hunk(*body, at=7)
    assert found.id == hashlib.sha256(b" a\n-b\n+c\n\\ No newline at end of file\n").hexdigest()[:12] == "e6dc87f6a4c0"
    # The `@@` line, its section and the place do not count.
    assert hunk(*body, at=70).id == found.id
    assert hunk(*body[:3]).id != found.id


def test_ids_of_equal_hunks_are_numbered() -> None:
    one, other = hunk(b"-a\n", b"+b\n"), hunk(b"-a\n", b"+c\n")
    assert hunk_ids([one, other, one, one, other]) == [
        one.id,
        other.id,
        f"{one.id}.2",
        f"{one.id}.3",
        f"{other.id}.2",
    ]
    assert hunk_ids([]) == []


@given(st.lists(st.tuples(st.sampled_from(" +-"), st.sampled_from(["", "a", "\\", "+", "\r"])), min_size=1))
def test_images_leave_out_the_lines_of_the_other_side(marked: list[tuple[str, str]]) -> None:
    """Law: a side is the lines of its own column and of both, without the column, in order."""
    old = [f"{text}\n".encode() for column, text in marked if column != "+"]
    new = [f"{text}\n".encode() for column, text in marked if column != "-"]
    body = tuple(f"{column}{text}\n".encode() for column, text in marked)
    if all(column == " " for column, _ in marked):
        with pytest.raises(HunkMismatch, match="changes nothing"):
            Hunk(old_start=1, old_count=len(old), new_start=1, new_count=len(new), lines=body)
        return
    hunk = Hunk(old_start=1, old_count=len(old), new_start=1, new_count=len(new), lines=body)
    assert (hunk.pre_image, hunk.post_image) == (old, new)


@given(TEXTS, TEXTS)
def test_images_are_the_files(old: bytes, new: bytes) -> None:
    """Law: a hunk's pre-image is what the old file has at its place, its post-image what the new one has."""
    before, after = split_lines(old), split_lines(new)
    hunks = diff_hunks(old, new)
    for found in hunks:
        assert before[found.old_index : found.old_index + found.old_count] == found.pre_image
        assert after[found.new_index : found.new_index + found.new_count] == found.post_image
    assert bool(hunks) == (old != new)
    assert len(set(hunk_ids(hunks))) == len(hunks)


@given(TEXTS, TEXTS)
def test_reversal(old: bytes, new: bytes) -> None:
    """Law: a reversed hunk swaps the images, and reversing twice is nothing."""
    for found in diff_hunks(old, new):
        back = found.reversed()
        assert (back.pre_image, back.post_image) == (found.post_image, found.pre_image)
        assert (back.old_index, back.new_index) == (found.new_index, found.old_index)
        assert back.reversed() == found


@given(st.binary(max_size=60))
def test_split_lines(data: bytes) -> None:
    """Law: only LF ends a line, and nothing is lost."""
    lines = split_lines(data)
    assert b"".join(lines) == data
    assert all(line.endswith(b"\n") for line in lines[:-1])
    assert all(b"\n" not in line[:-1] for line in lines)
