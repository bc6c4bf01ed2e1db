# SPDX-License-Identifier: MIT
"""`resolve`: what it lays out, what it says, what it writes, and how every run ends."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from mptcp_series.cli.resolve_tools import chosen_editor

from ..resolving import listing
from .conftest import TCP, Kernel, Outcome, run

FIRST = "7e6bba4ccff6"
PLACE = Path(".mptcp-series/resolve/q")
TCP_FILE = "net/ipv4/tcp.c"
FILE = PLACE / "tree" / TCP_FILE
BOTH = TCP.replace(b"int tcp5;\n", b"int vendor;\nint hooked;\n").replace(b"int tcp25;\n", b"int last;\n")

NEXT = (
    "next: edit the files below tree/ (or `mptcp-series resolve --edit`, `--tool CMD`), "
    "then `mptcp-series resolve --done`"
)
LAID_OUT = f"""\
conflict in hook.patch on bsp
  mptcp: hook into tcp
  markers   tree/net/ipv4/tcp.c: 1 place, line 5
  merged    tree/net/mptcp/protocol.c
laid out in .mptcp-series/resolve/q: README says what is asked, PATCH is the patch, tree/ is to be the answer
{NEXT}
"""
STILL = "mptcp-series: error: conflict: hook.patch: net/ipv4/tcp.c\n"


@pytest.fixture(autouse=True)
def _no_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_EDITOR", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)


def test_from_the_conflict_to_the_override(kernel: Kernel) -> None:
    branches = kernel.source.branches()
    assert run("resolve", *kernel.on("bsp")) == Outcome(code=1, out=LAID_OUT, err=STILL)
    assert b"<<<<<<< bsp and the queue so far\nint vendor;\n" in FILE.read_bytes()
    readme = (PLACE / "README").read_text()
    assert readme.startswith("hook.patch\n  mptcp: hook into tcp\n")
    assert f"tree/net/ipv4/tcp.c\n  1 place between <<<<<<< and >>>>>>>\n  hunk {FIRST}\n" in readme
    assert b"Subject: [PATCH] mptcp: hook into tcp\n" in (PLACE / "PATCH").read_bytes()
    FILE.write_bytes(BOTH)
    assert run("resolve", "--done", "--reason", "both are wanted") == Outcome(
        code=0,
        out="wrote overrides/q/hook.patch: drops 1 hunk; a diff of +1 -0 lines\nnothing is in conflict on bsp\n",
        err="",
    )
    assert not Path(".mptcp-series").exists()
    assert (
        Path("overrides/q/hook.patch").read_text()
        == f"""\
# SPDX-License-Identifier: GPL-2.0-only
# Answers a conflict met on Linux 5.10.0.
Patch: mptcp: hook into tcp
Commit: {kernel.hook}
Base: >=5.10.0,<5.11
Drop: net/ipv4/tcp.c#{FIRST}
# dropped hunk {FIRST}:
#   -int tcp5;
#   +int tcp5_hook;
Reason: both are wanted
---
diff --git a/net/ipv4/tcp.c b/net/ipv4/tcp.c
--- a/net/ipv4/tcp.c
+++ b/net/ipv4/tcp.c
@@ -3,6 +3,7 @@ int tcp2;
 int tcp3;
 int tcp4;
 int vendor;
+int hooked;
 int tcp6;
 int tcp7;
 int tcp8;
"""
    )
    assert run("check", "-q", *kernel.on("bsp")).code == 0
    assert run("resolve", *kernel.on("bsp")) == Outcome(code=0, out="nothing is in conflict on bsp\n", err="")
    assert kernel.source.branches() == branches


def test_what_is_under_way_is_told(kernel: Kernel) -> None:
    run("resolve", *kernel.on("bsp"))
    before = listing(PLACE)
    assert run("resolve", *kernel.on("bsp")) == Outcome(code=1, out=f"this is under way:\n{LAID_OUT}", err=STILL)
    assert run("resolve", "--status") == Outcome(code=1, out=LAID_OUT, err=STILL)
    assert listing(PLACE) == before
    FILE.write_bytes(BOTH)
    status = run("resolve", "--status")
    assert "  answered  tree/net/ipv4/tcp.c\n" in status.out
    assert status.err == ("mptcp-series: error: conflict: hook.patch: answered, and not captured yet; see --done\n")
    assert status.code == 1


def test_nothing_is_under_way(kernel: Kernel) -> None:
    directory = Path.cwd() / PLACE
    assert run("resolve", "--status") == Outcome(code=0, out=f"no resolve is under way in {directory}\n", err="")
    for action in ("--done", "--skip", "--abort"):
        ended = run("resolve", action)
        assert ended.code == 2
        assert ended.err == (
            f"mptcp-series: error: no resolve is under way in {directory}; `mptcp-series resolve` begins one\n"
        )
    assert not Path(".mptcp-series").exists()


def test_abort_leaves_no_trace(kernel: Kernel) -> None:
    before = listing(Path.cwd())
    run("resolve", *kernel.on("bsp"))
    FILE.write_bytes(BOTH)
    ended = run("resolve", "--abort")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"took {Path.cwd() / PLACE} away; overrides that were written stay\n"
    assert listing(Path.cwd()) == before


def test_markers_are_named_with_their_line(kernel: Kernel) -> None:
    run("resolve", *kernel.on("bsp"))
    assert run("resolve", "--done", "--reason", "x") == Outcome(
        code=1, out="", err=f"mptcp-series: error: {Path.cwd() / FILE}:5: a conflict marker; edit the place it begins\n"
    )


def test_no_reason(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    run("resolve", *kernel.on("bsp"))
    FILE.write_bytes(BOTH)
    ended = run("resolve", "--done")
    assert ended.code == 2
    assert ended.err == (
        "mptcp-series: error: no reason: give it with --reason; without an editor (GIT_EDITOR, EDITOR) "
        "it cannot be asked for\n"
    )
    assert (
        run("resolve", "--done", "--reason", " ").err
        == "mptcp-series: error: the reason is empty; nothing was written\n"
    )
    assert not kernel.overrides.exists()


def test_a_whole_patch_is_left_out(kernel: Kernel) -> None:
    run("resolve", *kernel.on("bsp"))
    assert run("resolve", "--skip", "--reason", "not for them") == Outcome(
        code=0, out="wrote overrides/q/hook.patch: skips the patch\nnothing is in conflict on bsp\n", err=""
    )
    assert "Skip: yes\nReason: not for them\n" in (kernel.overrides / "hook.patch").read_text()


@pytest.mark.parametrize(("side", "line"), [("ours", b"int vendor;\n"), ("theirs", b"int tcp5_hook;\n")])
def test_a_side_is_taken_whole(kernel: Kernel, side: str, line: bytes) -> None:
    run("resolve", *kernel.on("bsp"))
    taken = run("resolve", f"--{side}", "net/ipv4/tcp.c")
    assert "  answered  tree/net/ipv4/tcp.c\n" in taken.out
    assert line in FILE.read_bytes()
    assert run("resolve", "--done", "--reason", "x").code == 0


def test_a_side_is_taken_and_captured_at_once(kernel: Kernel) -> None:
    run("resolve", *kernel.on("bsp"))
    assert run("resolve", "--done", "--ours", "net/ipv4/tcp.c", "--reason", "x").code == 0
    assert "Drop: net/ipv4/tcp.c\n" in (kernel.overrides / "hook.patch").read_text()


def test_the_document(kernel: Kernel) -> None:
    ended = run("resolve", "--json", *kernel.on("bsp"))
    document = json.loads(ended.out)
    assert ended.code == 1
    assert document == {
        "schema": 1,
        "command": "resolve",
        "directory": str(Path.cwd() / PLACE),
        "written": None,
        "conflicts": 1,
        "open": {
            "patch": "hook.patch",
            "commit": kernel.hook,
            "subject": "mptcp: hook into tcp",
            "base": {"rev": "bsp", "commit": kernel.bsp, "version": "5.10.0"},
            "replaces": None,
            "files": [
                {"path": "net/ipv4/tcp.c", "hunks": [FIRST], "markers": [5], "question": None, "changed": False},
                {"path": "net/mptcp/protocol.c", "hunks": [], "markers": [], "question": None, "changed": False},
            ],
        },
    }
    FILE.write_bytes(BOTH)
    document = json.loads(run("resolve", "--done", "--reason", "x", "--json").out)
    assert document["open"] is None
    assert document["conflicts"] == 0
    assert document["written"] == str(Path.cwd() / "overrides/q/hook.patch")


def test_a_directory_of_its_own(kernel: Kernel) -> None:
    ended = run("resolve", "--dir", "my work", *kernel.on("bsp"))
    assert "`mptcp-series resolve --dir 'my work' --done`" in ended.out
    assert "mptcp-series resolve --abort --dir 'my work'" in Path("my work/README").read_text()
    Path("my work/tree/net/ipv4/tcp.c").write_bytes(BOTH)
    assert run("resolve", "--done", "--dir", "my work", "--reason", "x").code == 0
    assert not Path("my work").exists()


def test_it_is_gone_on_with_from_anywhere(kernel: Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run("resolve", *kernel.on("bsp"))
    FILE.write_bytes(BOTH)
    place = PLACE.absolute()
    monkeypatch.chdir(tmp_path)
    assert run("resolve", "--done", "--dir", str(place), "--reason", "x").code == 0
    assert (kernel.overrides / "hook.patch").is_file()


def test_options_that_name_another_base(kernel: Kernel) -> None:
    run("resolve", *kernel.on("bsp"))
    FILE.write_bytes(BOTH)
    ended = run("resolve", "--done", "--reason", "x", "--base", "v5.10")
    assert ended.code == 2
    assert "--base is v5.10, and the resolve under way is of bsp" in ended.err
    assert run("resolve", "--done", "--reason", "x", *kernel.on("bsp")).code == 0


@pytest.fixture
def second(kernel: Kernel, work: Path) -> Path:
    """Another series of the same patches, so that none is the only one here."""
    shutil.copytree(kernel.series, work / "series" / "other")
    return work / "series" / "other"


def test_what_it_was_begun_with_need_not_be_said_again(kernel: Kernel, second: Path, work: Path) -> None:
    """Series, source, base, overrides and --no-align; there is no file of settings."""
    Path("mine").mkdir()
    options = (*kernel.on("bsp"), "--overrides", "mine", "--no-align")
    begun = run("resolve", *options)
    assert (begun.code, begun.out) == (1, LAID_OUT)
    for again in ((), ("--base", "bsp"), ("--no-align",)):
        assert run("resolve", *again) == Outcome(code=1, out=f"this is under way:\n{LAID_OUT}", err=STILL)
    assert run("resolve", "--status") == begun
    FILE.write_bytes(BOTH)
    assert run("resolve", "--done", "--reason", "x") == Outcome(
        code=0,
        out="wrote mine/q/hook.patch: drops 1 hunk; a diff of +1 -0 lines\nnothing is in conflict on bsp\n",
        err="",
    )
    assert (work / "mine/q/hook.patch").is_file()
    nothing = run("resolve")
    assert nothing.code == 2
    assert "several series are here" in nothing.err


@pytest.mark.parametrize("action", ["--abort", "--skip", "--done"])
def test_the_settings_may_name_another_series(kernel: Kernel, second: Path, work: Path, action: str) -> None:
    (work / "mptcp-series.toml").write_text('series = "series/other"\nsource = "linux.git"\nbase = "v5.10"\n')
    assert run("resolve", "--series", "series/q", "--base", "bsp").code == 1
    FILE.write_bytes(BOTH)
    reason = [] if action == "--abort" else ["--reason", "x"]
    assert run("resolve", action, *reason).code == 0
    assert not PLACE.exists()


def test_the_resolve_of_the_named_series_goes_first(kernel: Kernel, second: Path, work: Path) -> None:
    for series in ("series/q", "series/other"):
        assert run("resolve", "--source", "linux.git", "--series", series, "--base", "bsp").code == 1
    unnamed = run("resolve", "--abort")
    assert unnamed == Outcome(
        code=2,
        out="",
        err="mptcp-series: error: several resolves are under way: name the series of one with --series (other, q)\n",
    )
    (work / "mptcp-series.toml").write_text('series = "series/other"\n')
    assert run("resolve", "--abort").code == 0
    assert (PLACE.exists(), (PLACE.parent / "other").exists()) == (True, False)


def test_a_series_that_is_named_is_the_one(
    kernel: Kernel, second: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an option or a variable names is never another one's resolve: --abort takes edits away."""
    run("resolve", *kernel.on("bsp"))
    before = listing(PLACE)
    assert run("resolve", "--abort", "--series", "series/other").code == 2
    monkeypatch.setenv("MPTCP_SERIES_SERIES", "series/other")
    assert run("resolve", "--abort").code == 2
    assert listing(PLACE) == before


@pytest.mark.parametrize("action", [["--done", "--reason", "x"], ["--abort"], ["--status"], ["--ours", TCP_FILE], []])
def test_options_that_are_others_than_it_was_begun_with(kernel: Kernel, work: Path, action: list[str]) -> None:
    (work / "more").mkdir()
    run("resolve", *kernel.on("bsp"))
    before = listing(PLACE)
    options = ["--base", "v5.10", "--repo", "more", "--source", "more", "--source", "below=more", "--overrides", "more"]
    outcome = run("resolve", *action, "--no-align", *options)
    end = "; leave the option out, or end it with --done or --abort first"
    git, more = work / "linux.git", work / "more"
    assert outcome == Outcome(
        code=2,
        out="",
        err="".join(
            f"mptcp-series: error: {said}{end}\n"
            for said in (
                "--base is v5.10, and the resolve under way is of bsp",
                f"--repo is {more}, and the resolve under way is of {git}",
                f"--source is {more}, and the resolve under way is of {git}",
                f"--overrides is {more}, and the resolve under way is without it",
                f"--source of below is {more}, and the resolve under way is without it",
                "--no-align is given, and the resolve under way is without it",
            )
        ),
    )
    assert listing(PLACE) == before


def test_the_same_options_written_otherwise(kernel: Kernel, work: Path) -> None:
    run("resolve", *kernel.on("bsp"))
    (work / "link").symlink_to("linux.git")
    for options in (
        ["--base", kernel.bsp],
        ["--source", "../work/./linux.git"],
        ["--source", "link", "--repo", str(work / "linux.git")],
        ["--series", "series/../series/q"],
    ):
        assert run("resolve", "--status", *options) == Outcome(code=1, out=LAID_OUT, err=STILL)


def test_a_state_that_cannot_be_read_is_taken_away_all_the_same(kernel: Kernel) -> None:
    run("resolve", *kernel.on("bsp"))
    (PLACE / "state.json").write_text("{")
    assert run("resolve", "--abort", "--base", "v5.10").code == 0
    assert not PLACE.exists()


def test_a_state_of_an_earlier_version_is_gone_on_with(kernel: Kernel) -> None:
    """Another set of keys would be another schema: what is under way outlives an update of the program."""
    run("resolve", *kernel.on("bsp"))
    document = json.loads((PLACE / "state.json").read_bytes())
    assert (document["schema"], set(document)) == (
        1,
        {"align", "changes", "commit", "complete", "digest", "files", "made", "overrides", "patch", "queue", "replaces"}
        | {"repo", "rev", "schema", "series", "source", "sources", "subject", "tree", "upstream", "version"},
    )


def test_a_base_that_moved(kernel: Kernel) -> None:
    run("resolve", *kernel.on("bsp"))
    FILE.write_bytes(BOTH)
    kernel.source.commit("bsp", "vendor: more\n", {"more.c": b"more\n"})
    ended = run("resolve", "--done", "--reason", "x")
    assert ended.code == 2
    assert f"stale: the base bsp was {kernel.bsp[:12]}, and is " in ended.err
    assert FILE.read_bytes() == BOTH


def test_overrides_of_another_place(kernel: Kernel) -> None:
    Path("mine").mkdir()
    run("resolve", *kernel.on("bsp"), "--overrides", "mine")
    FILE.write_bytes(BOTH)
    assert run("resolve", "--done", "--reason", "x", "--base-range", ">=5.10").code == 0
    assert "Base: >=5.10\n" in Path("mine/q/hook.patch").read_text()
    assert run("check", "-q", *kernel.on("bsp"), "--overrides", "mine").code == 0


def test_a_second_answer_for_older_bases(kernel: Kernel) -> None:
    kernel.override("hook.patch", "Patch: hook.patch\nBase: >=5.10.9,<5.11\nSkip: yes\nReason: x\n")
    run("resolve", *kernel.on("bsp"))
    FILE.write_bytes(BOTH)
    run("resolve", "--done", "--reason", "x")
    assert "Base: >=5.10.0,<5.10.9\n" in (kernel.overrides / "hook-2.patch").read_text()


def test_an_override_in_force(kernel: Kernel) -> None:
    kernel.override("hook.patch", f"Patch: hook.patch\nDrop: net/ipv4/tcp.c#{'0' * 12}\nReason: x\n")
    ended = run("resolve", *kernel.on("bsp"))
    assert ended.code == 2
    assert "hook.patch has an override in force, q/hook.patch, and still is in conflict" in ended.err
    assert not PLACE.exists()
    assert run("resolve", "--replace", *kernel.on("bsp")).code == 1
    FILE.write_bytes(BOTH)
    ended = run("resolve", "--done", "--reason", "y")
    assert ended.code == 0
    assert "it replaces the override in force on all its bases" in ended.out
    assert [path.name for path in kernel.overrides.iterdir()] == ["hook.patch"]


def test_an_override_for_no_patch_is_no_conflict(kernel: Kernel) -> None:
    kernel.override("gone.patch", "Patch: gone.patch\nSkip: yes\nReason: x\n")
    ended = run("resolve", *kernel.on("v5.10"))
    assert ended.code == 1
    assert ended.out == "nothing is in conflict on v5.10; something else needs a person\n"
    assert ended.err == "mptcp-series: error: drift: q/gone.patch: Patch: no patch of the queue is gone.patch\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--done", "--abort"], "--done and --abort exclude each other"),
        (["--reason", "x"], "--reason goes with --done or --skip"),
        (["--status", "--reason", "x"], "--reason goes with --done or --skip"),
        (["--skip", "--add", "x"], "--add goes with --done"),
        (["--done", "--edit"], "--edit does not go with --done"),
        (["--abort", "--tool", "x"], "--tool does not go with --abort"),
        (["--skip", "--ours", "x"], "--ours does not go with --skip"),
        (["--done", "--base-range", "5.10"], "bad version range '5.10'"),
        (["--dir", " "], "--dir is empty"),
    ],
)
def test_options_that_do_not_go_together(kernel: Kernel, options: list[str], message: str) -> None:
    ended = run("resolve", *options, *kernel.on("bsp"))
    assert ended.code == 2
    assert message in ended.err
    assert not Path(".mptcp-series").exists()


def test_a_plain_directory(kernel: Kernel) -> None:
    Path("plain").mkdir()
    Path("plain/Makefile").write_bytes(b"VERSION = 5\n")
    ended = run("resolve", *kernel.options, "--repo", "plain")
    assert ended.code == 3
    assert "plain: neither a git repository nor a kernel source directory" in ended.err
    assert not Path(".mptcp-series").exists()


def test_the_editor_is_chosen_as_git_does(monkeypatch: pytest.MonkeyPatch) -> None:
    every = {"GIT_EDITOR": "one", "VISUAL": "two", "EDITOR": "three", "TERM": "xterm"}
    assert chosen_editor(every) == "one"
    assert chosen_editor({**every, "GIT_EDITOR": ""}) == "two"
    assert chosen_editor({**every, "GIT_EDITOR": "", "TERM": "dumb"}) == "three"
    assert chosen_editor({"TERM": "dumb", "VISUAL": "two"}) is None
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert chosen_editor({"TERM": "xterm"}) == "vi"


def test_a_directory_left_by_a_killed_run(kernel: Kernel) -> None:
    run("resolve", *kernel.on("bsp"))
    shutil.copytree(PLACE, "copy")
    state = json.loads((PLACE / "state.json").read_bytes())
    assert state["complete"] is True
    os.unlink(PLACE / "README")
    (PLACE / "state.json").write_bytes(b"{}")
    ended = run("resolve", "--status")
    assert ended.code == 2
    assert "state.json: made by another version (schema None)" in ended.err
    assert run("resolve", "--abort").code == 0
    assert not PLACE.exists()
