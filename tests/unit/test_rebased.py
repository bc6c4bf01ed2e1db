# SPDX-License-Identifier: MIT
"""The account of a rebase as a value: the word for every move, the document, the text for a pull request."""

from __future__ import annotations

import itertools
import json

import pytest

from mptcp_series.values.rebased import Move, OverrideMove, PatchMove, Rebased, Since, move_of
from mptcp_series.values.result import BaseInfo, Status

COMMIT = "0144efb026c4f856a1811f806e38c979a71eeb3e"
OLD = BaseInfo(rev="v5.10.66", commit="1" * 40, version="5.10.66")
NEW = BaseInfo(rev="bsp_main", commit="2" * 40, version="5.10.84")

CLEAN, UPSTREAM, SKIPPED, CONFLICT = Status.CLEAN, Status.UPSTREAM, Status.SKIPPED, Status.CONFLICT


@pytest.mark.parametrize(
    ("before", "after", "same", "move"),
    [
        (CLEAN, CLEAN, True, Move.UNCHANGED),
        (CLEAN, Status.OFFSET, True, Move.UNCHANGED),
        (Status.MERGED, Status.OVERRIDDEN, True, Move.UNCHANGED),
        (CLEAN, Status.MERGED, False, Move.REFRESHED),
        (CLEAN, UPSTREAM, False, Move.DROPPED),
        (UPSTREAM, UPSTREAM, True, Move.UNCHANGED),
        (UPSTREAM, CLEAN, False, Move.RETURNED),
        (UPSTREAM, CONFLICT, False, Move.CONFLICT),
        (CLEAN, CONFLICT, True, Move.CONFLICT),
        (CONFLICT, CONFLICT, True, Move.STILL_IN_CONFLICT),
        (CONFLICT, CLEAN, False, Move.RESOLVED),
        (CONFLICT, UPSTREAM, False, Move.RESOLVED),
        (SKIPPED, SKIPPED, True, Move.UNCHANGED),
        (CLEAN, SKIPPED, False, Move.SKIPPED),
        (SKIPPED, CLEAN, False, Move.UNSKIPPED),
        (UPSTREAM, SKIPPED, True, Move.SKIPPED),
        (SKIPPED, UPSTREAM, True, Move.UNSKIPPED),
        (None, CLEAN, False, Move.ADDED),
        (None, CONFLICT, False, Move.CONFLICT),
        (CLEAN, None, False, Move.GONE),
        (CONFLICT, None, False, Move.GONE),
    ],
)
def test_moves(before: Status | None, after: Status | None, same: bool, move: Move) -> None:
    assert move_of(before, after, same_hunks=same) is move


def test_there_is_a_word_for_every_pair() -> None:
    statuses = [None, *Status]
    moves = {
        move_of(before, after, same_hunks=same)
        for before, after, same in itertools.product(statuses, statuses, (True, False))
        if before is not None or after is not None
    }
    assert moves == set(Move)


@pytest.mark.parametrize("status", Status)
def test_nothing_moves_where_nothing_changed(status: Status) -> None:
    expected = Move.STILL_IN_CONFLICT if status is CONFLICT else Move.UNCHANGED
    assert move_of(status, status, same_hunks=True) is expected


def account() -> Rebased:
    return Rebased(
        series="mini*",
        before=OLD,
        after=NEW,
        patches=(
            PatchMove(
                name="a.patch", series="mini", subject="mptcp: a", before=CLEAN, after=CLEAN, move=Move.UNCHANGED
            ),
            PatchMove(
                name="b.patch",
                series="mini",
                subject="b | c_d <e> `f` [g]",
                before=CLEAN,
                after=CONFLICT,
                move=Move.CONFLICT,
                paths=("net/mptcp/b_c.c", "net/a`b|c.c"),
                since=Since(release="v5.10.70", commit=COMMIT, subject="mend_it"),
            ),
            PatchMove(
                name="c.patch",
                series="mini",
                subject="mptcp: c",
                before=UPSTREAM,
                after=CLEAN,
                move=Move.RETURNED,
                since=Since(release="v5.10.71", backwards=True),
            ),
        ),
        overrides=(
            ("q/one.patch", OverrideMove.NO_LONGER_NEEDED),
            ("q/two.patch", OverrideMove.NEWLY_NEEDED),
            ("q/three.patch", OverrideMove.NEWLY_DRIFTED),
        ),
        reasons=("conflict: b.patch: net/mptcp/b_c.c",),
        notes=("a note on line\none",),
    )


def test_markdown() -> None:
    assert (
        account().to_markdown()
        == r"""## mini\*: v5.10.66 → bsp\_main (5.10.84)

1 unchanged, 1 no longer upstream, 1 newly in conflict.

a note on line one

**A person is needed:**

- conflict: b.patch: net/mptcp/b\_c.c

| patch | what changed | where | since |
| --- | --- | --- | --- |
| b \| c\_d \<e\> \`f\` \[g\] | newly in conflict | `net/mptcp/b_c.c`, net/a\`b\|c.c | v5.10.70, 0144efb026c4 mend\_it |
| mptcp: c | no longer upstream |  | without v5.10.71 |

| override | what changed |
| --- | --- |
| `q/one.patch` | no longer needed |
| `q/two.patch` | newly needed |
| `q/three.patch` | no longer fits |
"""
    )


def test_markdown_of_nothing() -> None:
    unchanged = Rebased(series="q", before=OLD, after=OLD, patches=(), overrides=(), reasons=())
    assert unchanged.to_markdown() == "## q: v5.10.66 → v5.10.66\n\nThe queue is empty on both.\n"
    move = PatchMove(name="a.patch", subject="mptcp: a", before=CLEAN, after=CLEAN, move=Move.UNCHANGED)
    one = Rebased(series="q", before=OLD, after=NEW, patches=(move,), overrides=(), reasons=())
    assert one.to_markdown() == "## q: v5.10.66 → bsp\\_main (5.10.84)\n\n1 unchanged.\n"


def test_a_name_that_only_looks_like_the_version() -> None:
    base = BaseInfo(rev="v5.10.150", commit=None, version="5.10.15")
    text = Rebased(series="q", before=base, after=base, patches=(), overrides=(), reasons=()).to_markdown()
    assert text.startswith("## q: v5.10.150 (5.10.15) → v5.10.150 (5.10.15)\n")


def test_document() -> None:
    assert json.loads(json.dumps(account().to_json())) == {
        "schema": 1,
        "command": "rebase",
        "series": "mini*",
        "from": {"rev": "v5.10.66", "commit": "1" * 40, "version": "5.10.66"},
        "to": {"rev": "bsp_main", "commit": "2" * 40, "version": "5.10.84"},
        "counts": {"unchanged": 1, "no longer upstream": 1, "newly in conflict": 1},
        "patches": [
            {
                "name": "a.patch",
                "series": "mini",
                "subject": "mptcp: a",
                "before": "clean",
                "after": "clean",
                "move": "unchanged",
                "paths": [],
                "since": None,
            },
            {
                "name": "b.patch",
                "series": "mini",
                "subject": "b | c_d <e> `f` [g]",
                "before": "clean",
                "after": "conflict",
                "move": "newly in conflict",
                "paths": ["net/mptcp/b_c.c", "net/a`b|c.c"],
                "since": {"release": "v5.10.70", "commit": COMMIT, "subject": "mend_it", "backwards": False},
            },
            {
                "name": "c.patch",
                "series": "mini",
                "subject": "mptcp: c",
                "before": "upstream",
                "after": "clean",
                "move": "no longer upstream",
                "paths": [],
                "since": {"release": "v5.10.71", "commit": None, "subject": None, "backwards": True},
            },
        ],
        "overrides": [
            {"file": "q/one.patch", "move": "no longer needed"},
            {"file": "q/two.patch", "move": "newly needed"},
            {"file": "q/three.patch", "move": "no longer fits"},
        ],
        "reasons": ["conflict: b.patch: net/mptcp/b_c.c"],
        "notes": ["a note on line\none"],
    }
