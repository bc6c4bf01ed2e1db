# SPDX-License-Identifier: MIT
"""Merges beside `git merge-file`: the same content, the same conflicts, the same diff3 text."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mptcp_series.engine.text.merge import merge, splice

from .conftest import numbered

LINES = st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n"])


@st.composite
def texts(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """A base, and two texts made from it by a few edits; LF only, all lines ended."""
    lines = draw(st.lists(LINES, max_size=14))
    sides = [b"".join(lines)]
    for _ in range(2):
        side = list(lines)
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(side)))
            side[at : at + draw(st.integers(0, 2))] = draw(st.lists(LINES, max_size=2))
        sides.append(b"".join(side))
    return sides[0], sides[1], sides[2]


def merge_file(directory: Path, base: bytes, ours: bytes, theirs: bytes) -> tuple[int, bytes]:
    """What `git merge-file --diff3` says: how many conflicts, and the text."""
    names = ["ours", "base", "theirs"]
    for name, data in zip(names, (ours, base, theirs), strict=True):
        (directory / name).write_bytes(data)
    labels = [word for name in names for word in ("-L", name)]
    done = subprocess.run(
        ["git", "merge-file", "-p", "--diff3", *labels, *names], cwd=directory, capture_output=True, check=False
    )
    assert done.returncode < 128, done.stderr
    return done.returncode, done.stdout


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(case=texts())
def test_conflicts_and_their_text(tmp_path: Path, case: tuple[bytes, bytes, bytes]) -> None:
    """Law: as many conflicts as git has, and the text with diff3 markers to the byte."""
    result = merge(*case)
    count, text = merge_file(tmp_path, *case)
    assert (len(result.conflicts), result.with_markers("ours", "base", "theirs")) == (count, text)
    if not count:
        assert result.content() == text


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        (numbered(9), numbered(9, {5: "x\n"}), numbered(9, {5: "y\n"})),
        (b"", b"a\n", b"b\n"),
        (b"a\n", b"", b"b\n"),
        (b"\xff\n", b"\xfe\n", b"\xfd\n"),
        (numbered(300), numbered(300, {2: "x\n"}), numbered(300, {290: "y\n"})),
        (numbered(300), numbered(300, {2: "x\n", 150: "o\n"}), numbered(300, {150: "t\n", 290: "y\n"})),
        # Without final newline on both sides, or on one.
        (b"a\nb", b"a\nc", b"a\nd"),
        (b"a\nb", b"x\na\nb", b"a\nb\n"),
    ],
)
def test_cases(tmp_path: Path, base: bytes, ours: bytes, theirs: bytes) -> None:
    result = merge(base, ours, theirs)
    assert (len(result.conflicts), result.with_markers("ours", "base", "theirs")) == merge_file(
        tmp_path, base, ours, theirs
    )
    joined = splice(base, ours, theirs)
    assert joined is None or (0, joined) == merge_file(tmp_path, base, ours, theirs)


def test_markers_end_in_lf_where_git_takes_the_line_ends_of_the_file(tmp_path: Path) -> None:
    """Known difference: in a CRLF file git ends its markers in CRLF; ours are read by people and by `resolve`."""
    case = (b"a\r\nb\r\n", b"a\r\nc\r\n", b"a\r\nd\r\n")
    count, text = merge_file(tmp_path, *case)
    markers = merge(*case).with_markers("ours", "base", "theirs")
    assert (count, markers.replace(b"\r\n", b"\n")) == (1, text.replace(b"\r\n", b"\n"))
    assert markers == b"a\r\n<<<<<<< ours\nc\r\n||||||| base\nb\r\n=======\nd\r\n>>>>>>> theirs\n"
