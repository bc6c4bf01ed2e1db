# SPDX-License-Identifier: MIT
"""What a merge commit itself contributes: nothing where git would have merged the same."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mptcp_series.engine.replay.item import Item, item_from_commit
from mptcp_series.engine.replay.remerge import automatic_entry
from mptcp_series.values.paths import OwnedPaths
from mptcp_series.values.result import EntryKind
from mptcp_series.values.series import SeriesEntry

from .conftest import EXECUTABLE, LINK, Content, Files, Lab, numbered

OLD = numbered(20)
OURS, THEIRS = numbered(20, {3: "ours\n"}), numbered(20, {17: "theirs\n"})
BOTH = numbered(20, {3: "ours\n", 17: "theirs\n"})


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result"),
    [
        (OLD, OLD, THEIRS, THEIRS),
        (OLD, OURS, OLD, OURS),
        (OLD, OURS, OURS, OURS),
        (OLD, OURS, THEIRS, BOTH),
        # Where it conflicts, the merged branch wins.
        (OLD, numbered(20, {3: "a\n", 9: "n\n"}), numbered(20, {3: "b\n"}), numbered(20, {3: "b\n", 9: "n\n"})),
        (None, None, THEIRS, THEIRS),
        (None, OURS, None, OURS),
        (None, OURS, THEIRS, THEIRS),
        (OLD, None, OLD, None),
        (OLD, OLD, None, None),
        (OLD, None, THEIRS, THEIRS),
        (OLD, OURS, None, None),
        (OLD, (EXECUTABLE, OLD), THEIRS, (EXECUTABLE, THEIRS)),
        (OLD, OURS, (EXECUTABLE, THEIRS), (EXECUTABLE, BOTH)),
        (OLD, OURS, (LINK, b"x"), (LINK, b"x")),
        (b"\0a", b"\0b", b"\0c", b"\0c"),
    ],
)
def test_automatic_entry(
    lab: Lab, base: Content | None, ours: Content | None, theirs: Content | None, result: Content | None
) -> None:
    was, mine, other, wanted = (None if side is None else lab.entry(side) for side in (base, ours, theirs, result))
    assert automatic_entry(lab.objects, was, mine, other) == wanted


def merged(lab: Lab, base: Files, sides: Sequence[Files], result: Files) -> Item:
    start = lab.commit(base, "base\n")
    parents = [lab.commit(side, f"side {at}\n", [start]) for at, side in enumerate(sides)]
    pin = lab.commit(result, "Merge\n", parents)
    owned = OwnedPaths(patterns=["net/mptcp/", "include/m.h"])
    return item_from_commit(lab.repo, lab.objects, SeriesEntry(name="merge.patch", pin=pin), EntryKind.PATCH, owned)


A, B, H, OTHER = "net/mptcp/a.c", "net/mptcp/sub/b.c", "include/m.h", "net/core/sock.c"


@pytest.mark.parametrize(
    ("sides", "result", "changes"),
    [
        ([{A: OURS}, {A: THEIRS}], {A: BOTH}, {}),
        # A resolution of its own, on owned paths only.
        ([{A: OURS, OTHER: OURS}, {A: THEIRS, OTHER: THEIRS}], {A: OLD, OTHER: OLD}, {A: (BOTH, OLD)}),
        ([{H: OURS}, {}], {H: OURS, B: OLD}, {B: (None, OLD)}),
        ([{B: OURS}, {H: OURS}], {H: OURS}, {B: (OURS, None)}),
        ([{A: OURS}, {A: OLD}], {A: THEIRS}, {A: (OURS, THEIRS)}),
    ],
)
def test_merge_resolution(
    lab: Lab, sides: list[Files], result: Files, changes: dict[str, tuple[bytes | None, bytes | None]]
) -> None:
    base: dict[str, Content] = {A: OLD, OTHER: OLD}
    full = [{**base, **side} for side in sides]
    item = merged(lab, base, full, {**base, **result})
    assert {change.path: (change.old, change.new) for change in item.changes} == {  # type: ignore[union-attr]
        path: (None if old is None else lab.entry(old), None if new is None else lab.entry(new))
        for path, (old, new) in changes.items()
    }
    # It replays like any other patch, on the automatic result.
    ends = lab.replay({**base, **{path: old for path, (old, _) in changes.items() if old is not None}}, item)
    for path, (_, new) in changes.items():
        assert ends.files.get(path) == new


def test_histories_without_a_common_start(lab: Lab) -> None:
    parents = [lab.commit({A: OURS}, "one\n"), lab.commit({B: OURS}, "two\n")]
    pin = lab.commit({A: OURS, B: OURS}, "Merge\n", parents)
    owned = OwnedPaths(patterns=["net/mptcp/"])
    item = item_from_commit(lab.repo, lab.objects, SeriesEntry(name="m.patch", pin=pin), EntryKind.PATCH, owned)
    assert item.changes == ()
    run = lab.replay({A: OLD}, item)
    assert (run.told[0], run.only.result_commit) == ("upstream", None)
