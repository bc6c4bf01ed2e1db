# SPDX-License-Identifier: MIT
"""Edits, the places they can be told at, the hunks they are shown as: laws on small texts that repeat themselves."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.proof.lines import Differ, grouped, hunk_text, line_edits, slides
from mptcp_series.engine.replay.change import apply_exactly
from mptcp_series.engine.text.merge import Edit
from mptcp_series.values.hunk import split_lines
from mptcp_series.values.patch import Patch

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"}\n", b"\n", b"\xe9\n"]), max_size=14)
TEXTS = st.tuples(LINES, st.sampled_from([b"", b"last"])).map(lambda parts: b"".join(parts[0]) + parts[1])


def applied(old: bytes, new: bytes, edits: list[Edit]) -> bytes:
    before, after = split_lines(old), split_lines(new)
    for edit in reversed(edits):
        before[edit.old_lo : edit.old_hi] = after[edit.new_lo : edit.new_hi]
    return b"".join(before)


@given(old=TEXTS, new=TEXTS, differ=st.sampled_from(Differ))
def test_edits_lead_from_one_text_to_the_other(old: bytes, new: bytes, differ: Differ) -> None:
    """Law: whichever differ tells a difference, it is true."""
    edits = line_edits(old, new, differ)
    assert applied(old, new, edits) == new
    assert all(one.old_hi < two.old_lo or one.new_hi < two.new_lo for one, two in itertools.pairwise(edits))


@given(old=TEXTS, new=TEXTS)
def test_a_change_told_elsewhere_is_the_same_change(old: bytes, new: bytes) -> None:
    """Law: every slide of an edit, in place of it, leads to the same text."""
    edits = line_edits(old, new)
    before, after = split_lines(old), split_lines(new)
    for at, edit in enumerate(edits):
        low = edits[at - 1].old_hi if at else 0
        high = edits[at + 1].old_lo if at + 1 < len(edits) else len(before)
        for other in slides(edit, before, after, low, high):
            assert applied(old, new, [*edits[:at], other, *edits[at + 1 :]]) == new


@given(old=TEXTS, new=TEXTS)
def test_hunks_show_what_leads_from_one_text_to_the_other(old: bytes, new: bytes) -> None:
    """Law: the hunks, applied one after the other from the last, give the new text."""
    before, after = split_lines(old), split_lines(new)
    content: bytes | None = old
    for group in reversed(list(grouped(line_edits(old, new)))):
        text = hunk_text(before, after, group).encode("utf-8", "surrogateescape")
        assert content is not None
        content = apply_exactly(content, Patch.parse(b"--- a/f\n+++ b/f\n" + text, "shown").changes[0].hunks)
    assert content == new


def test_a_slide_stops_at_its_neighbours() -> None:
    old, new = [b"}\n"] * 4, [b"}\n"] * 5
    edit = Edit(2, 2, 2, 3)
    assert [one.old_lo for one in slides(edit, old, new, 0, 4)] == [1, 0, 3, 4]
    assert [one.old_lo for one in slides(edit, old, new, 1, 3)] == [1, 3]
    assert list(slides(Edit(1, 2, 1, 2), old, new, 0, 4)) == []


def test_groups() -> None:
    edits = [Edit(0, 1, 0, 1), Edit(7, 8, 7, 8), Edit(15, 15, 15, 16)]
    assert [len(group) for group in grouped(edits)] == [2, 1]
    assert [len(group) for group in grouped(edits, apart=5)] == [1, 1, 1]
    assert list(grouped([])) == []
