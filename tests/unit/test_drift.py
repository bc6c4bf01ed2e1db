# SPDX-License-Identifier: MIT
"""An override that no longer fits is refused with what changed: what it was written for beside what is there now."""

from __future__ import annotations

import textwrap
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mptcp_series import Queue, Result
from mptcp_series.engine.replay.change import diff_hunks
from mptcp_series.engine.replay.drift import diff_detail, hunk_detail, two_columns
from mptcp_series.engine.text.nearest import nearest_lines, nearest_text
from mptcp_series.values.hunk import hunk_ids, split_lines
from mptcp_series.values.override import Override
from mptcp_series.values.patch import Patch
from mptcp_series.values.remembered import LONGEST, read_remembered, remembered_lines
from mptcp_series.values.result import Drift

from .resolving import World, make_world, numbered

TCP = "net/ipv4/tcp.c"


def text(block: str) -> str:
    return textwrap.dedent(block).removeprefix("\n").removesuffix("\n")


def drifted(world: World, override: str, base: str = "base") -> Result:
    world.overrides.mkdir(parents=True)
    (world.overrides / "o.patch").write_text(override)
    return Queue.load(world.series, source=world.repo).apply(world.repo, base=base)


def test_two_columns() -> None:
    assert two_columns(["a", "\tb", "c"], ["a", "\tx", "c", "d"], ("old", "new")).split("\n") == [
        "old         new",
        "---         ---",
        "a           a",
        "        b |         x",
        "c           c",
        "          > d",
    ]


def test_long_lines_go_on_in_the_next_row() -> None:
    rows = two_columns(["x" * 70], ["y"], ("old", "new")).split("\n")
    assert rows[2:] == ["x" * 60 + " | y", "x" * 10]


def test_numbers_do_not_make_lines_differ() -> None:
    shown = two_columns(["    5: same"], ["   17: same"], ("wanted", "now"))
    assert shown.split("\n")[2] == "    5: same      17: same"


def test_a_dropped_hunk_that_is_gone(tmp_path: Path) -> None:
    world = make_world(
        tmp_path,
        {TCP: numbered(40)},
        {"hook": {TCP: numbered(40, {5: b"the hook of today", 30: b"other"})}},
        {"b.c": b"b\n"},
    )
    result = drifted(
        world,
        text(
            f"""
            Patch: hook.patch
            Drop: {TCP}#1f2e3d4c5b6a
            # dropped hunk 1f2e3d4c5b6a:
            #   -line 5 of a file
            #   +the hook
            Reason: x
            """
        ),
    )
    (drift,) = result.overrides.drift
    first, second = hunk_ids(diff_hunks(numbered(40), numbered(40, {5: b"the hook of today", 30: b"other"})))
    assert str(drift) == (
        f"q/o.patch: Drop: {TCP}#1f2e3d4c5b6a: the patch has no such hunk there; it has {first}, {second}"
    )
    assert (drift.detail or "").split("\n") == [
        f"dropped hunk        nearest hunk now: {first}",
        f"------------        {'-' * 30}",
        "-line 5 of a file   -line 5 of a file",
        "+the hook         | +the hook of today",
    ]
    assert drift.to_json()["detail"] == drift.detail
    (conflict,) = result.patches[0].conflicts
    assert conflict.text == f"{drift}\n{drift.detail}"


def test_nothing_is_remembered() -> None:
    assert hunk_detail((), ["a"], diff_hunks(b"a\n", b"b\n")) is None
    assert Drift(file="f", field="Drop", why="w").to_json() == {"file": "f", "field": "Drop", "why": "w"}


def test_no_hunk_is_like_it() -> None:
    shown = hunk_detail(("-abc",), ["a"], diff_hunks(b"0\n", b"1\n"))
    assert shown == text(
        """
        dropped hunk   now
        ------------   ---
        -abc         | (the patch has nothing like it there)
        """
    )


def test_a_diff_whose_place_has_changed(tmp_path: Path) -> None:
    world = make_world(
        tmp_path,
        {TCP: numbered(30), "a.c": b"a\n"},
        {"hook": {"a.c": b"b\n"}},
        {TCP: b"first\n" + numbered(30, {10: b"vendor"})},
    )
    result = drifted(
        world,
        text(
            f"""
            Patch: hook.patch
            Reason: x
            ---
            --- a/{TCP}
            +++ b/{TCP}
            @@ -9,3 +9,3 @@
             line 9 of a file
            -line 10 of a file
            +ours
             line 11 of a file
            """
        )
        + "\n",
    )
    (drift,) = result.overrides.drift
    assert drift.field == "diff"
    assert (drift.detail or "").split("\n") == [
        "wanted in net/ipv4/tcp.c   closest now, at line 10",
        "------------------------   -----------------------",
        "    9: line 9 of a file       10: line 9 of a file",
        "   10: line 10 of a file |    11: vendor",
        "   11: line 11 of a file      12: line 11 of a file",
    ]


def test_only_hunks_without_a_place_are_shown() -> None:
    before, now = numbered(40), numbered(40, {30: b"vendor"})
    hunks = diff_hunks(before, numbered(40, {5: b"a", 30: b"b"}))
    data = f"--- a/{TCP}\n+++ b/{TCP}\n".encode() + b"".join(hunk.render() for hunk in hunks)
    (file,) = Patch.parse(data, "o.patch").changes
    detail = diff_detail(now, file) or ""
    assert "line 27 of a file" in detail
    assert "line 5 of a file" not in detail
    assert diff_detail(before, file) is None
    assert "(nothing like it)" in (diff_detail(b"else\n", file) or "")


def test_nearest_text() -> None:
    assert nearest_text(["-a b c", "+d e f"], [["-x"], ["-a b", "+d e f"]]) == 1
    assert nearest_text(["-abc"], [["+123"]]) is None


@given(low=st.integers(0, 25), size=st.integers(1, 8), gone=st.integers(0, 7), shift=st.integers(0, 5))
def test_nearest_lines_finds_a_changed_image(low: int, size: int, gone: int, shift: int) -> None:
    """Lines of a file with one of them changed are found where they came from, whatever line they name."""
    lines = split_lines(numbered(40))
    image = lines[low : low + size + 2]
    changed = [line if at != gone % size + 1 else b"changed\n" for at, line in enumerate(image)]
    assert nearest_lines(lines, changed, low + shift) == (low, low + len(image))


def test_nearest_lines_of_nothing_alike() -> None:
    assert nearest_lines([b"a\n", b"b\n"], [b"x\n"], 1) == (1, 1)
    assert nearest_lines([], [b"x\n"], 7) == (0, 0)


def test_remembered_lines_are_read_back() -> None:
    hunks = diff_hunks(numbered(50), numbered(50, {5: b"caf\xe9\x1b\r", 25: b"b  "}))
    ids = hunk_ids(hunks)
    lines = [line for identifier, hunk in zip(ids, hunks, strict=True) for line in remembered_lines(identifier, hunk)]
    assert lines == [
        f"# dropped hunk {ids[0]}:",
        "#   -line 5 of a file",
        "#   +caf\\xe9\\x1b\\x0d",
        f"# dropped hunk {ids[1]}:",
        "#   -line 25 of a file",
        "#   +b",
    ]
    header = "\n".join(["Patch: a.patch", f"Drop: a.c#{ids[0]}", *lines, "Reason: r", "---", ""])
    assert Override.parse(header.encode(), "a.patch").remembered == {
        ids[0]: ("-line 5 of a file", "+caf\\xe9\\x1b\\x0d"),
        ids[1]: ("-line 25 of a file", "+b"),
    }


def test_a_long_hunk_is_cut() -> None:
    (hunk,) = diff_hunks(b"", numbered(100))
    lines = remembered_lines(hunk.id, hunk)
    assert len(lines) == LONGEST + 2
    assert lines[-1] == "#   ... 60 more lines"
    assert len(read_remembered("\n".join(lines).encode())[hunk.id]) == LONGEST


def test_what_is_no_such_comment_is_left_alone() -> None:
    assert read_remembered(b"# dropped hunk xyz:\n#   -a\nDrop: a\n#   -b\n---\n# dropped hunk 1f2e3d4c5b6a:\n") == {}
