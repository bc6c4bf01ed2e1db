# SPDX-License-Identifier: MIT
"""The text of an extracted series, and what stays of the one before it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.upstream.series_text import MERGE_NOTE, compose, dropped_entries
from mptcp_series.errors import BadSeries
from mptcp_series.values.paths import OwnedPaths
from mptcp_series.values.recipe import Recipe
from mptcp_series.values.series import Series, SeriesEntry

RECIPE = Recipe(name="q", range="v5.10..v5.15", match=("net/mptcp",), owned=OwnedPaths(patterns=()))
HEAD = "# extracted: q, v5.10..v5.15\n"
A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)

Note = tuple[SeriesEntry, str | None]


def pick(name: str, pin: str, note: str | None = None) -> Note:
    return SeriesEntry(name=name, pin=pin), note


AB = [pick("a.patch", A), pick("b.patch", B)]


def text(picks: Sequence[Note], before: str | None = None, excluded: Sequence[str] = ()) -> str:
    previous = None if before is None else Series.parse(before.encode("utf-8", "surrogateescape"), "old")
    return compose(RECIPE, picks, excluded, previous).render().decode("utf-8", "surrogateescape")


def test_a_new_series() -> None:
    picks = [pick("a.patch", A, "prerequisite: why"), pick("b.patch", B, MERGE_NOTE)]
    written = f"""\
{HEAD}# excluded: {C} mptcp: c: no
# prerequisite: why
a.patch # {A}
# merge: its result on owned paths differs from the automatic merge
b.patch # {B}
"""
    assert text(picks, excluded=[f"{C} mptcp: c: no"]) == written
    assert text(picks, written, excluded=[f"{C} mptcp: c: no"]) == written


def test_notes_are_written_anew() -> None:
    """What extract said before is not what it says now; what people said is."""
    before = f"""\
# extracted: q, v5.9..v5.14
# excluded: {C} mptcp: c: no
# Head.

# include: old reason
# mine
a.patch # {A}
# merge: its result on owned paths differs from the automatic merge
# merge: talk to Mat first
# excluded: everything else
# extracted with care
b.patch # {B}
"""
    assert (
        text([pick("a.patch", A, "include: new reason"), pick("b.patch", B)], before)
        == f"""\
{HEAD}# Head.

# include: new reason
# mine
a.patch # {A}
# merge: talk to Mat first
# excluded: everything else
# extracted with care
b.patch # {B}
"""
    )


def test_lines_keep_their_spelling() -> None:
    before = f"a.patch\t-R   # {A.upper()}  by hand \r\nb.patch -p0 # {B}"
    assert text(AB, before) == f"{HEAD}a.patch\t-R   # {A.upper()}  by hand \r\nb.patch -p0 # {B}\n"


def test_patches_without_a_pin_follow_what_they_followed() -> None:
    before = f"""\
first.patch
a.patch # {A}
# of a
after-a.patch
d.patch # {D}
after-d.patch -p0 # note
b.patch # {B}
after-b.patch
# the end
"""
    assert (
        text([pick("b.patch", B), pick("c.patch", C), pick("a.patch", A)], before)
        == f"""\
{HEAD}first.patch
b.patch # {B}
after-b.patch
c.patch # {C}
a.patch # {A}
# of a
after-a.patch
after-d.patch -p0 # note
# the end
"""
    )


def test_what_is_dropped_takes_its_own_comment_along() -> None:
    before = f"# head\n\na.patch # {A}\n\n# --- section ---\n\n# about d\nd.patch # {D}\nb.patch # {B}\n"
    assert text(AB, before) == f"{HEAD}# head\n\na.patch # {A}\n\n# --- section ---\n\nb.patch # {B}\n"


def test_a_pin_that_stands_twice() -> None:
    """The first line is the pick; the second, a revert perhaps, is somebody's own patch."""
    before = f"a.patch # {A}\nb.patch # {B}\nrevert-a.patch -R # {A}\n"
    assert text(AB, before) == HEAD + before


def test_a_new_name() -> None:
    before = f"# mine\na.patch -R # {A} by hand\n"
    assert text([pick("0001-a.patch", A)], before) == f"{HEAD}# mine\n0001-a.patch -R # {A} by hand\n"


def test_a_name_that_is_taken() -> None:
    with pytest.raises(BadSeries) as caught:
        text([pick("a.patch", A)], "a.patch\n")
    assert str(caught.value) == "old:3: patch 'a.patch' stands in the series twice, first on line 2"


def test_dropped_entries() -> None:
    before = Series.parse(f"a.patch # {A}\nb.patch # {B}\nmine.patch\n".encode(), "old")
    series = compose(RECIPE, [pick("a.patch", A)], (), before)
    assert [entry.name for entry in dropped_entries(before, series)] == ["b.patch"]
    assert dropped_entries(None, series) == ()
    assert dropped_entries(before, compose(RECIPE, AB, (), before)) == ()


remarks = st.sampled_from(["", "# x\n", "# caf\udce9\n", "\n", "# a\n\n# b\n", "#\n"])
own = st.integers(0, 3).map(lambda number: "" if number > 2 else f"own-{number}.patch -p{number}\n")


@st.composite
def written_series(draw: st.DrawFn) -> str:
    """A series people worked on: pins in any order, patches of their own, comments anywhere."""
    lines = [f"{pin[0]}.patch # {pin}\n" for pin in draw(st.permutations([A, B, C, D]))]
    mine = draw(st.lists(own, unique=True, max_size=3))
    rows = draw(st.permutations([*lines[: draw(st.integers(0, 4))], *mine]))
    return "".join(draw(remarks) + row for row in rows) + draw(remarks)


@given(written_series(), st.lists(st.sampled_from([A, B, C, D]), unique=True, min_size=1))
def test_nothing_of_people_is_lost(before: str, pins: list[str]) -> None:
    """Law: a second run changes nothing; own patches stay, in order; with the same pins every comment stays."""
    picks = [pick(f"{pin[0]}.patch", pin) for pin in pins]
    after = text(picks, before)
    assert text(picks, after) == after
    old, new = (
        Series.parse(before.encode("utf-8", "surrogateescape")),
        Series.parse(after.encode("utf-8", "surrogateescape")),
    )
    assert [entry.pin for entry in new.entries if entry.pin] == pins
    assert {entry.name for entry in new.entries if not entry.pin} == {
        entry.name for entry in old.entries if not entry.pin
    }
    if {entry.pin for entry in old.entries if entry.pin} <= set(pins):
        assert sorted(line.raw for line in old.lines if not line.entry) == sorted(
            line.raw for line in new.lines if not line.entry and line.raw != HEAD.encode()
        )
