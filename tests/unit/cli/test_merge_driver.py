# SPDX-License-Identifier: MIT
"""`merge-driver`: what it leaves in the file git hands it, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Outcome, run


@pytest.fixture
def merging(work: Path) -> Path:
    (work / "O").write_bytes(b"a\n")
    (work / "A").write_bytes(b"a\nx\n")
    (work / "B").write_bytes(b"a\ny\n")
    return work


def test_both_additions_are_kept(merging: Path) -> None:
    assert run("merge-driver", "O", "A", "B", "series/q/series") == Outcome(code=0, out="", err="")
    assert (merging / "A").read_bytes() == b"a\nx\ny\n"
    assert sorted(path.name for path in merging.iterdir()) == ["A", "B", "O"]


def test_what_collides_is_said_and_marked(merging: Path) -> None:
    (merging / "A").write_bytes(b"a -p0\n")
    (merging / "B").write_bytes(b"a -p2\n")
    outcome = run("merge-driver", "O", "A", "B", "series/q/series")
    assert (outcome.code, outcome.out) == (1, "")
    assert "error: series/q/series: a: both sides change it, and not alike" in outcome.err
    assert (merging / "A").read_bytes() == (b"<<<<<<< ours\na -p0\n||||||| base\na\n=======\na -p2\n>>>>>>> theirs\n")


def test_a_side_that_is_no_series_file_is_named(merging: Path) -> None:
    (merging / "B").write_bytes(b"a\n  # indented\n")
    outcome = run("merge-driver", "O", "A", "B", "series/q/series")
    assert outcome.code == 1
    assert "error: series/q/series (theirs):2: quilt reads this indented comment as the patch name" in outcome.err
    assert b"<<<<<<< ours\nx\n" in (merging / "A").read_bytes()


def test_a_file_that_is_not_there(merging: Path) -> None:
    outcome = run("merge-driver", "O", "A", "C")
    assert outcome.code == 2
    assert "C: cannot be read" in outcome.err
    assert (merging / "A").read_bytes() == b"a\nx\n"
