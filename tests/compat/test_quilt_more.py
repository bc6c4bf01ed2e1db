# SPDX-License-Identifier: MIT
"""quilt's less common verbs and options beside ours: merges with GNU patch, context diffs, snapshots, graphs, grep."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mptcp_series.cli.main import cli
from mptcp_series.engine.directory.changes import FileState
from mptcp_series.engine.quilt.diffs import file_diff
from mptcp_series.engine.quilt.merging import merge_hunks
from mptcp_series.engine.quilt.parts import Style
from mptcp_series.engine.quilt.settings import DiffFormat
from mptcp_series.values.patchreader import read_patch

from .conftest import numbered
from .test_quilt_verbs import Directory, tree_of, write

pytestmark = [
    pytest.mark.skipif(shutil.which("quilt") is None, reason="quilt is not installed"),
    pytest.mark.skipif(shutil.which("patch") is None, reason="GNU patch is not installed"),
]

BASE: dict[str, bytes] = {"f": numbered(40), "d/g": numbered(20, word="g"), "h": b"h\n"}
STEPS: list[dict[str, bytes | None]] = [
    {"f": numbered(40, {10: "ten\n"})},
    {"f": numbered(40, {10: "ten\n", 30: "thirty\n"}), "d/g": numbered(20, {5: "five\n"}, word="g")},
    {"f": numbered(40, {10: "ten\n", 11: "eleven\n", 30: "thirty\n"}), "n": b"new\n", "h": None},
]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Directory, Directory]:
    """Two trees with the same queue: one for quilt, one for ours."""
    before, after = tmp_path / "a", tmp_path / "b"
    top = tmp_path / "quilt" / "tree"
    for directory in (before, after, top):
        write(directory, BASE)
    (top / "patches").mkdir()
    for number, step in enumerate(STEPS):
        write(after, step)
        done = subprocess.run(
            ["diff", "-ruN", "a", "b"], cwd=tmp_path, capture_output=True, check=False, env={**os.environ, "TZ": "UTC"}
        )
        data = b"".join(line for line in done.stdout.splitlines(keepends=True) if not line.startswith(b"diff "))
        (top / f"patches/{number}.patch").write_bytes(data)
        shutil.rmtree(before)
        shutil.copytree(after, before)
    (top / "patches/series").write_text("0.patch\n1.patch\n2.patch\n")
    shutil.copytree(top, tmp_path / "ours" / "tree")
    return Directory(top), Directory(tmp_path / "ours" / "tree")


def edit(pair: tuple[Directory, Directory], files: dict[str, bytes | None]) -> None:
    for directory in pair:
        write(directory.top, files)


@pytest.mark.parametrize("style", ["merge", "diff3"])
@pytest.mark.parametrize(
    "drift",
    [{8: "context\n"}, {10: "ten\n"}, {10: "mine\n"}, {9: "near\n"}, {10: ""}, {3: "one\ntwo\n", 10: "mine\n"}],
    ids=["context", "there", "collides", "touches", "gone", "elsewhere"],
)
def test_a_merge_that_is_forced_leaves_the_same_files(
    pair: tuple[Directory, Directory], drift: dict[int, str], style: str
) -> None:
    quilt, ours = pair
    edit(pair, {"f": numbered(40, drift)})
    code = 0 if drift.keys() <= {8} or drift == {10: "ten\n"} else 1
    theirs = quilt.quilt("push", "-f", f"--merge={style}", code=code)
    said = ours.ours("push", "-f", f"--merge={style}", code=code)
    assert tree_of(ours.top) == tree_of(quilt.top)
    assert ("(forced; needs refresh)" in theirs) == ("(forced; needs refresh)" in said)
    found = [re.findall(r"^Hunk .*", text, re.MULTILINE) for text in (theirs, said)]
    assert found[0] == [line for line in found[1] if "offset" not in line]
    marks = [sorted(path.name for path in (one.top / ".pc").glob("*~refresh")) for one in pair]
    assert marks[0] == marks[1]


def test_a_merge_that_collides_keeps_the_patch_off(pair: tuple[Directory, Directory]) -> None:
    quilt, ours = pair
    edit(pair, {"f": numbered(40, {10: "mine\n"})})
    before = tree_of(ours.top)
    quilt.quilt("push", "-m", code=1)
    ours.ours("push", "-m", code=1)
    assert tree_of(ours.top) == tree_of(quilt.top) == before


@pytest.mark.parametrize("drift", [{8: "context\n"}, {10: "ten\n"}], ids=["context", "there"])
def test_what_one_merged_the_other_pops(pair: tuple[Directory, Directory], drift: dict[int, str]) -> None:
    quilt, ours = pair
    edit(pair, {"f": numbered(40, drift)})
    before = tree_of(ours.top)
    quilt.quilt("push", "-m")
    ours.ours("push", "-m")
    Directory(ours.top).quilt("pop")
    Directory(quilt.top).ours("pop")
    assert tree_of(ours.top) == tree_of(quilt.top) == before


def test_rejects_are_left_alike(pair: tuple[Directory, Directory]) -> None:
    quilt, ours = pair
    edit(pair, {"f": numbered(40, {10: "mine\n"})})
    quilt.quilt("push", "--leave-rejects", code=1)
    ours.ours("push", "--leave-rejects", code=1)
    found = [re.sub(rb"(?m)^((?:---|\+\+\+) \S+).*", rb"\1", (one.top / "f.rej").read_bytes()) for one in pair]
    assert found[0] == found[1]
    assert sorted(tree_of(ours.top)) == sorted(tree_of(quilt.top))
    quilt.quilt("top", code=2)
    ours.ours("top", code=2)


LINES = [f"{number} {word}\n" for number in range(4) for word in ("a", "b")] + ["\n", "}\n"]


@st.composite
def drifted(draw: st.DrawFn) -> tuple[list[str], list[str], list[str]]:
    """A text, a change of it, and what became of it elsewhere."""
    base = [
        f"{at} {line}" if len(line) > 2 else line
        for at, line in enumerate(draw(st.lists(st.sampled_from(LINES), min_size=8, max_size=40)))
    ]

    def edited(times: int) -> list[str]:
        found = list(base)
        for _ in range(times):
            at = draw(st.integers(0, len(found)))
            gone = draw(st.integers(0, 2))
            found[at : at + gone] = draw(st.lists(st.sampled_from(["new\n", "other\n", "third\n"]), max_size=2))
        return found

    return base, edited(draw(st.integers(1, 3))), edited(draw(st.integers(0, 3)))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(drifted())
def test_where_both_merge_cleanly_they_merge_alike(
    tmp_path: Path, texts: tuple[list[str], list[str], list[str]]
) -> None:
    """And what we put between markers, GNU patch does not merge cleanly either."""
    base, new, now = texts
    diff = "".join(difflib.unified_diff(base, new, "a/f", "b/f"))
    if not diff or not now or not base:
        return
    (tmp_path / "f").write_text("".join(now))
    done = subprocess.run(
        ["patch", "-p1", "-f", "--merge", "--no-backup-if-mismatch"],
        cwd=tmp_path,
        input=diff.encode(),
        capture_output=True,
        check=False,
    )
    _, (change, *_), _ = read_patch(diff.encode(), "x", 1)
    made, found = merge_hunks("".join(now).encode(), change.hunks, Style.MERGE)
    clean = not any(one.why for one in found)
    left = (tmp_path / "f").read_bytes() if (tmp_path / "f").exists() else b""
    if done.returncode == 0 and clean:
        assert made == left
    assert done.returncode or clean or any(one.why and not one.parts for one in found)


# forms of diffs


@pytest.mark.parametrize("options", [["-c"], ["-C", "1"], ["-C0"], ["-U0"], ["-c", "-R", "f"]], ids=" ".join)
def test_diffs_have_the_same_form(pair: tuple[Directory, Directory], options: list[str]) -> None:
    quilt, ours = pair
    for one in (quilt.quilt, ours.ours):
        one("push", "-qa")
    shown = quilt.quilt("diff", "-p", "ab", "--no-timestamps", *options)
    assert ours.ours("diff", "-p", "ab", *options) == shown


def test_a_patch_refreshed_as_a_context_diff_is_the_same_and_is_read_by_both(pair: tuple[Directory, Directory]) -> None:
    quilt, ours = pair
    for one in (quilt.quilt, ours.ours):
        one("push", "-qa")
    pushed = tree_of(ours.top)
    quilt.quilt("refresh", "-c", "-p", "ab", "--no-timestamps")
    ours.ours("refresh", "-c", "-p", "ab")
    data = (ours.top / "patches/2.patch").read_bytes()
    assert data.startswith(b"Index: b/f\n")
    assert b"\n***************\n" in data
    assert data == (quilt.top / "patches/2.patch").read_bytes()
    ours.quilt("pop", "-qa")
    ours.ours("push", "-qa")
    assert tree_of(ours.top) == pushed
    quilt.ours("pop", "-qa")
    quilt.quilt("push", "-qa")
    assert tree_of(quilt.top) == pushed


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(LINES), max_size=20), st.lists(st.sampled_from(LINES), max_size=20), st.integers(1, 3))
def test_gnu_patch_applies_our_context_diffs(tmp_path: Path, old: list[str], new: list[str], context: int) -> None:
    """Without context it does not apply its own: a range of one number is a line, or the one that none stand behind."""
    before, after = "".join(old).encode(), "".join(new).encode().removesuffix(b"\n")
    form = DiffFormat(unified=False, context=context)
    text = file_diff("f", FileState(data=before) if before else None, FileState(data=after) if after else None, form)
    if not text:
        return
    (tmp_path / "f").unlink(missing_ok=True)
    if before:
        (tmp_path / "f").write_bytes(before)
    subprocess.run(["patch", "-p1", "-s", "-f", "-F0"], cwd=tmp_path, input=text, check=True)
    assert ((tmp_path / "f").read_bytes() if (tmp_path / "f").exists() else b"") == after


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(LINES), max_size=20), st.lists(st.sampled_from(LINES), max_size=20), st.integers(0, 3))
def test_what_diff_writes_is_read(tmp_path: Path, old: list[str], new: list[str], context: int) -> None:
    (tmp_path / "o").write_text("".join(old))
    (tmp_path / "n").write_text("".join(new))
    found = []
    for form in ("-C", "-U"):
        done = subprocess.run(
            ["diff", form, str(context), "--label", "a/f", "--label", "b/f", "o", "n"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        changes = read_patch(done.stdout, "x", 1)[1]
        found.append([(hunk.header(), hunk.pre_image, hunk.post_image) for one in changes for hunk in one.hunks])
    assert found[0] == found[1]


def test_a_summary_says_what_diffstat_says(pair: tuple[Directory, Directory]) -> None:
    if shutil.which("diffstat") is None:
        pytest.skip("diffstat is not installed")
    quilt, ours = pair
    headers = []
    for one in (quilt.quilt, ours.ours):
        one("push", "-qa")
        one("refresh", "-p", "ab", "--diffstat", *(["--no-timestamps"] if one == quilt.quilt else []))
        one("refresh", "-p", "ab", "--diffstat", *(["--no-timestamps"] if one == quilt.quilt else []))
        # diffstat has wider columns than git.
        headers.append(re.sub(r"\| +", "| ", one("header")))
    assert headers[0] == headers[1]
    assert headers[0].count("files changed") == 1


def test_a_program_is_given_the_files_there_are(
    pair: tuple[Directory, Directory], capfd: pytest.CaptureFixture[str]
) -> None:
    quilt, ours = pair
    for one in (quilt.quilt, ours.ours):
        one("push", "-qa")
    shown = quilt.quilt("diff", "--diff=echo diff")
    ours.ours("diff", "--diff=echo diff")
    assert capfd.readouterr().out == shown
    assert "diff .pc/2.patch/f f\n" in shown
    ours.ours("diff", "-R", "--diff", "cmp -s")
    ours.ours("diff", "--diff=no-such-program", code=3)


# snapshots, annotations, graphs, grep


def without_names(text: str) -> str:
    return re.sub(r"(?m)^(Index|---|\+\+\+).*\n", "", text)


def test_snapshots_are_one_anothers(pair: tuple[Directory, Directory]) -> None:
    quilt, ours = pair
    for taker, shower in ((quilt, ours), (ours, quilt)):
        top = taker.top
        both = {quilt: (quilt.quilt, Directory(top).ours), ours: (Directory(top).ours, Directory(top).quilt)}[taker]
        both[0]("push", "-q")
        both[0]("snapshot")
        both[1]("push", "-qa")
        (top / "f").write_bytes(numbered(40, {1: "edited\n"}))
        shown = [without_names(one("diff", "--snapshot", "-p", "ab")) for one in both]
        assert shown[0] == shown[1] != ""
        both[1]("snapshot", "-d")
        assert not (top / ".pc/.snap").exists()
        both[0]("diff", "--snapshot", code=1)
        assert shower is not taker


@pytest.mark.parametrize(
    "arguments", [["f"], ["-P", "1.patch", "f"], ["-P", "0.patch", "f"], ["n"], ["h"], ["d/g"]], ids=" ".join
)
def test_annotations_are_the_same(pair: tuple[Directory, Directory], arguments: list[str]) -> None:
    quilt, ours = pair
    for one in (quilt.quilt, ours.ours):
        one("push", "-qa")
    assert ours.ours("annotate", *arguments) == quilt.quilt("annotate", *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--all"],
        ["0.patch"],
        ["--edge-labels=files"],
        ["--lines", "--all"],
        ["--lines=1", "--all"],
        ["--lines=9", "2"],
    ],
    ids=" ".join,
)
def test_graphs_are_the_same(pair: tuple[Directory, Directory], arguments: list[str]) -> None:
    quilt, ours = pair
    for one in (quilt.quilt, ours.ours):
        one("push", "-qa")
    assert ours.ours("graph", *arguments) == quilt.quilt("graph", *arguments)


@pytest.mark.parametrize(
    "words",
    [
        ["line 1"],
        ["-n", "g 5", "d"],
        ["-c", "ten"],
        ["--", "-h", "new"],
        ["-e", "ten", "-e", "five"],
        ["-il", "NEW"],
        ["-A1", "ten"],
    ],
    ids=" ".join,
)
def test_grep_finds_the_same(
    pair: tuple[Directory, Directory], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quilt, ours = pair
    for one in (quilt.quilt, ours.ours):
        one("push", "-qa")
    shown = sorted(quilt.quilt("grep", *words).splitlines())
    monkeypatch.chdir(ours.top)
    done = CliRunner().invoke(cli, ["grep", *words], prog_name="mptcp-series")
    assert (done.exit_code, sorted(done.output.splitlines())) == (0 if shown else 1, shown)


def test_init_and_upgrade_say_what_quilt_says(tmp_path: Path) -> None:
    found = []
    for name in ("quilt", "ours"):
        top = tmp_path / name
        top.mkdir()
        one = Directory(top)
        said = [getattr(one, name)(verb) for verb in ("init", "upgrade")]
        found.append((said, {path.name: path.read_bytes() for path in (top / ".pc").iterdir()}))
    assert found[0] == found[1]
