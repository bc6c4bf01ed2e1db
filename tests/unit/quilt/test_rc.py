# SPDX-License-Identifier: MIT
"""A quiltrc is read and never run."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptcp_series.engine.quilt.rc import parse_rc


def values(text: str, environment: dict[str, str] | None = None) -> dict[str, str]:
    rc = parse_rc(text.encode(), "rc", environment or {})
    assert rc.unread == ()
    return dict(rc.values)


def unread(text: str) -> list[str]:
    return [str(problem) for problem in parse_rc(text.encode(), "rc", {}).unread]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A=b\n", "b"),
        ("  export A=b # why\n", "b"),
        ("A='b c' ; B=1\n", "b c"),
        ('A="b \\"c\\" \\$d"\n', 'b "c" $d'),
        ("A=b\\ c\n", "b c"),
        ("A=--x\\\n=y\n", "--x=y"),
        ('A="b\nc"\n', "b\nc"),
        ("A=$H/x\n", "/h/x"),
        ("A=${H}x\n", "/hx"),
        ("A=${NONE:-b c}\n", "b c"),
        ("A=~/p\n", "/home/p"),
        ("A=\n", ""),
        ("A=b\nA=c\n", "c"),
        ("B=1\nA=$B$B\n", "11"),
        ("export B\nA=b\n", "b"),
    ],
)
def test_assignments(text: str, wanted: str) -> None:
    assert values(text, {"H": "/h", "HOME": "/home"})["A"] == wanted


def test_comments_and_empty_lines() -> None:
    assert values("# A=b\n\n\t\n  # it's quoted \"\n") == {}


def test_command_substitution_is_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    assert unread(f"A=$(touch {trace})\nB=`touch {trace}`\n") == [
        "rc:1: not read: command substitution needs a shell",
        "rc:2: not read: command substitution needs a shell",
    ]
    assert not trace.exists()


def test_what_is_more_than_assignments_is_said_and_not_half_read() -> None:
    rc = parse_rc(b'[ -n "$X" ] && QUILT_PC=x\nQUILT_PATCHES=p\n', "rc", {})
    assert dict(rc.values) == {"QUILT_PATCHES": "p"}
    assert [str(problem) for problem in rc.unread] == ["rc:1: not read: '[ -n \"$X\" ] && QUILT_PC=x' is no assignment"]


def test_compound_commands_are_left_out_up_to_their_end() -> None:
    text = """d=. ; while [ ! -d $d/debian ]; do d=$d/..; done
if [ -d $d/debian ] && [ -z $QUILT_PATCHES ]; then
    QUILT_PATCHES="debian/patches"
    if ! [ -d x ]; then
        QUILT_PC=y
    fi
fi
QUILT_SERIES=s
"""
    rc = parse_rc(text.encode(), "rc", {})
    assert dict(rc.values) == {"QUILT_SERIES": "s"}
    assert [str(problem) for problem in rc.unread] == [
        "rc:1: not read: `while` and all up to its end; assign outside of it",
        "rc:2: not read: `if` and all up to its end; assign outside of it",
    ]


@pytest.mark.parametrize("text", ["A=b|c\n", "A='b\n", 'A="b\n', "A=$((1+1))\n", "rm -rf /\n", "A=(b c)\n"])
def test_nothing_else_is_guessed(text: str) -> None:
    rc = parse_rc(text.encode(), "rc", {})
    assert "A" not in rc.values
    assert len(rc.unread) == 1
