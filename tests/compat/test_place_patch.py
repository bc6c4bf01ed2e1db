# SPDX-License-Identifier: MIT
"""Placement beside GNU patch at fuzz 0 and `git apply`.

Where both accept a patch, they end with the same file. Ours refuses more, and only what could stand in
several places: GNU patch and git take the nearest.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mptcp_series.engine.exchange.render import render_patch
from mptcp_series.engine.replay.change import diff_hunks
from mptcp_series.engine.text.place import place
from mptcp_series.values.hunk import Hunk
from mptcp_series.values.result import Fate

from ..unit.conftest import Files, Lab
from .conftest import Git, numbered

pytestmark = pytest.mark.skipif(shutil.which("patch") is None, reason="GNU patch is not installed")

EXAMPLES = settings(
    max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
LINES = st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n", b"e\n", b"f\n"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """Two versions of a file, and a third one the diff of the two is to be placed on."""
    lines = draw(st.lists(LINES, min_size=1, max_size=16))
    sides = [b"".join(lines)]
    for _ in range(2):
        side = list(lines)
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(side)))
            side[at : at + draw(st.integers(0, 2))] = draw(st.lists(LINES, max_size=3))
        sides.append(b"".join(side))
    cut = draw(st.sampled_from([False, False, False, True]))
    joined = [side.removesuffix(b"\n") if cut else side for side in sides]
    return joined[0], joined[1], joined[2]


def diff(hunks: list[Hunk]) -> bytes:
    return b"--- a/f\n+++ b/f\n" + b"".join(hunk.render() for hunk in hunks)


def gnu_patch(directory: Path, content: bytes, data: bytes) -> bytes | None:
    """The file as GNU patch leaves it at fuzz 0; None where it refuses a hunk."""
    (directory / "f").write_bytes(content)
    done = subprocess.run(
        ["patch", "-p1", "--fuzz=0", "--forward", "--batch", "--silent", "--no-backup-if-mismatch", "--reject-file=-"],
        cwd=directory,
        input=data,
        capture_output=True,
        check=False,
    )
    return (directory / "f").read_bytes() if done.returncode == 0 and (directory / "f").exists() else None


def git_apply(directory: Path, content: bytes, data: bytes) -> bytes | None:
    """The file as `git apply` leaves it; None where it refuses."""
    (directory / "f").write_bytes(content)
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn"], cwd=directory, input=data, capture_output=True, check=False
    )
    return (directory / "f").read_bytes() if done.returncode == 0 and (directory / "f").exists() else None


@EXAMPLES
@given(case=cases())
def test_on_any_file(tmp_path: Path, case: tuple[bytes, bytes, bytes]) -> None:
    """Laws: equal where both accept; where only ours refuses, it is because the place is ambiguous."""
    old, new, other = case
    hunks = diff_hunks(old, new)
    if not hunks or not new:
        return
    ours = place(other, hunks)
    for theirs in (gnu_patch(tmp_path, other, diff(hunks)), git_apply(tmp_path, other, diff(hunks))):
        applied = all(placed.fate is Fate.APPLIED for placed in ours.hunks)
        if theirs is not None and applied:
            assert ours.content == theirs
        # Without final newlines git apply accepts what it then damages, see below.
        if theirs is not None and not ours.complete and old.endswith(b"\n"):
            whys = [placed.why for placed in ours.hunks if placed.fate is Fate.CONFLICT]
            assert whys[0].startswith("ambiguous: ")


@EXAMPLES
@given(st.data(), st.integers(0, 6), st.integers(0, 3))
def test_on_a_file_that_moved(tmp_path: Path, data: st.DataObject, above: int, below: int) -> None:
    """Law: with different lines there is one place, and all three find it (git: a hunk of line 1 stays there)."""
    count = data.draw(st.integers(10, 30))
    changes = data.draw(st.dictionaries(st.integers(5, count - 3), st.sampled_from(["", "x\n", "x\ny\n"]), min_size=1))
    old, new = numbered(count), numbered(count, changes)
    other = numbered(above, word="above") + old + numbered(below, word="below")
    hunks = diff_hunks(old, new)
    ours = place(other, hunks)
    assert ours.complete
    expected = numbered(above, word="above") + new + numbered(below, word="below")
    assert (
        ours.content == gnu_patch(tmp_path, other, diff(hunks)) == git_apply(tmp_path, other, diff(hunks)) == expected
    )


def test_gnu_patch_takes_the_nearest_place_and_ours_says_so(tmp_path: Path) -> None:
    block = b"{\n\tone\n\ttwo\n}\n"
    content = b"n\n" + block * 2
    hunk = Hunk(
        old_start=2, old_count=3, new_start=2, new_count=3, lines=(b" \tone\n", b"-\ttwo\n", b"+\t2\n", b" }\n")
    )
    assert gnu_patch(tmp_path, content, diff([hunk])) == b"n\n{\n\tone\n\t2\n}\n" + block
    assert [placed.why for placed in place(content, [hunk]).hunks] == ["ambiguous: fits equally at lines 3 and 7"]


def test_git_apply_runs_a_line_without_newline_into_the_next(tmp_path: Path) -> None:
    hunks = diff_hunks(b"b", b"a\nb")
    assert git_apply(tmp_path, b"b\nb", diff(hunks)) == b"a\nbb"
    assert gnu_patch(tmp_path, b"b\nb", diff(hunks)) is None
    assert [placed.why for placed in place(b"b\nb", hunks).hunks] == [
        "its 1 lines of pre-image, wanted at line 1, are nowhere in the file"
    ]


def test_a_message_that_shows_a_diff_is_not_applied(tmp_path: Path) -> None:
    """GNU patch reads an indented diff, too; git am cuts a message at what looks like one, or like the end."""
    git = Git(tmp_path / "repo.git")
    lab = Lab(pygit2.init_repository(str(git.directory), bare=True, initial_head="base"))
    before: Files
    after: Files
    before, after = {"f": numbered(9), "g": b"a\n"}, {"f": numbered(9, {5: "x\n"}), "g": b"a\n"}
    shown = "--- a/g\n+++ b/g\n@@ -1 +1 @@\n-a\n+never\n"
    message = (
        f"x\n\nFrom: nobody\n\n{shown}\nor\n\n\t"
        + shown.replace("\n", "\n\t")
        + "\n---\n\ndiff --git a/g b/g\n"
        + shown
    )
    item = lab.pick(before, after, message=message + "\nFrom here on 10:00:00 2021\nend\n")
    data = render_patch(lab.objects, item.raw, item.changes)  # type: ignore[arg-type]
    (tmp_path / "p.patch").write_bytes(data)
    work = tmp_path / "work"
    work.mkdir()
    for name, content in before.items():
        assert isinstance(content, bytes)
        (work / name).write_bytes(content)
    done = subprocess.run(
        ["patch", "-p1", "--fuzz=0", "--batch", "-i", "../p.patch"], cwd=work, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"patching file f\n")
    assert {name: (work / name).read_bytes() for name in before} == after
    clone = Git(tmp_path / "clone")
    git.run("update-ref", "refs/heads/base", lab.commit(before))
    subprocess.run(
        ["git", "clone", "--quiet", "--branch", "base", str(git.directory), "clone"], cwd=tmp_path, check=True
    )
    clone.run("am", "--quiet", str(tmp_path / "p.patch"))
    assert {name: (clone.directory / name).read_bytes() for name in before} == after
    assert clone.run("log", "-1", "--format=%an %s") == "Paolo Tester x"
    assert clone.run("log", "-1", "--format=%b").split("\n")[-1] == "end"
