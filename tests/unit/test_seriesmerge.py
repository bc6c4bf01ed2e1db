# SPDX-License-Identifier: MIT
"""Series files merged by what they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.values.series import Series
from mptcp_series.values.seriesmerge import merge_series

PIN = "a" * 40


def merged(base: str, ours: str, theirs: str) -> str | tuple[str, ...]:
    """The merged text, or what collides."""
    found = merge_series(
        *(Series.parse(text.replace(" ", "\n").replace("_", " ").encode()) for text in (base, ours, theirs))
    )
    assert (found.series is None) == bool(found.conflicts)
    return found.conflicts or found.series.render().decode().replace(" ", "_").replace("\n", " ").strip()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        ("a b", "a b x", "a b y", "a b x y"),
        ("a b", "a b x1 x2", "a b y1 y2", "a b x1 x2 y1 y2"),
        ("a b", "x a b", "y a b", "x y a b"),
        ("a b", "a x b", "a y b", "a x y b"),
        ("a b", "a x b", "a b y", "a x b y"),
        ("", "x", "y", "x y"),
        ("a b c", "a c", "a b c y", "a c y"),
        ("a b c", "a b", "b c", "b"),
        ("a b c", "a b c x", "a b y", "a b x y"),
        # Both add the same patch: once.
        ("a", "a x", "a x", "a x"),
        ("a", "a x", "a x y", "a x y"),
        ("a", "a x z", "a y x", "a y x z"),
        ("a", "a x z b", "a x y b", "a x z y b"),
        # One side's new order, the other's new patches.
        ("a b c", "c a b", "a b y c", "c a b y"),
        ("a b c", "a b x c", "c a b", "c a b x"),
        ("a b c", "c b a", "c b a", "c b a"),
        # Comments go with the patch below them.
        ("a #_why b", "a #_why b x", "a #_why_not b", "a #_why_not b x"),
        ("#_head a", "#_head a #_new x", "#_head a #_other y", "#_head a #_new x #_other y"),
        ("#_head a", "#_head_2 a", "#_head a y", "#_head_2 a y"),
        ("a #_end", "a x #_end", "a y #_end", "a x y #_end"),
        ("a #_more", "a #_more x", "a #_more y", "a #_more x y"),
        ("a_-p0 b", "a_-p0 b x", "a_-p1 b", "a_-p1 b x"),
    ],
)
def test_what_does_not_collide(base: str, ours: str, theirs: str, expected: str) -> None:
    assert merged(base, ours, theirs) == expected


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "conflict"),
    [
        ("a", "a_-p0", "a_-p2", "a: both sides change it, and not alike"),
        ("a b", "b", "a_-p0 b", "a: ours takes it out, theirs changes it"),
        ("a b", "a_-p0 b", "b", "a: ours changes it, theirs takes it out"),
        ("a", "a x_#_1", "a x_#_2", "x: both sides add it, and not alike"),
        ("a b c", "b a c", "a c b", "the order of the patches: both sides changed it, and not alike"),
        # The same patches added, in two orders or at two places.
        ("a", "a x y", "a y x", "the order of the patches: both sides changed it, and not alike"),
        ("a b", "a x b", "a b x", "the order of the patches: both sides changed it, and not alike"),
        ("#_1 a", "#_2 a", "#_3 a", "the lines above the first patch: both sides changed them, and not alike"),
        ("a #_1", "a #_2", "a #_3", "the lines below the last patch: both sides changed them, and not alike"),
        ("a", f"a x_#_{PIN}", f"a y_#_{PIN}", "x and y: both sides queue commit aaaaaaaaaaaa"),
    ],
)
def test_what_collides_is_told(base: str, ours: str, theirs: str, conflict: str) -> None:
    assert merged(base, ours, theirs) == (conflict,)


def test_all_collisions_are_told_at_once() -> None:
    assert merged("a b", "a_-p0 b_-p0", "a_-p2 b_-p2") == (
        "a: both sides change it, and not alike",
        "b: both sides change it, and not alike",
    )


def test_a_missing_last_newline_joins_no_lines() -> None:
    found = merge_series(*(Series.parse(data) for data in (b"a", b"a\nx", b"a\ny")))
    assert found.series is not None
    assert found.series.render() == b"a\nx\ny\n"


NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


@given(base=NAMES, ours=NAMES, theirs=NAMES)
def test_laws(base: list[str], ours: list[str], theirs: list[str]) -> None:
    """Laws: a merge has what both sides kept and what either added, and only that; ours is kept in ours' order where
    theirs moved nothing; without a change of theirs it is ours, and the other way round.
    """
    found = merge_series(
        *(Series.parse("".join(f"{name}\n" for name in side).encode()) for side in (base, ours, theirs))
    )
    if found.series is None:
        assert found.conflicts == ("the order of the patches: both sides changed it, and not alike",)
        return
    names = [entry.name for entry in found.series.entries]
    kept = {name for name in base if name in ours and name in theirs}
    assert set(names) == kept | (set(ours) - set(base)) | (set(theirs) - set(base))
    shared = [name for name in base if name in theirs]
    if [name for name in theirs if name in base] == shared:
        assert [name for name in names if name in ours] == [name for name in ours if name in names]
    if theirs == base:
        assert names == ours
    if ours == base:
        assert names == theirs
