# SPDX-License-Identifier: MIT
"""`import`: quilt, mbox and range, and that nothing there is overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Kernel, Outcome, run

PATCH = """\
From: A U Thor <author@example.org>
Date: Mon, 4 Jan 2021 10:00:00 +0100
Subject: [PATCH] mptcp: fix it

Why.
---
--- a/net/mptcp/pm.c
+++ b/net/mptcp/pm.c
@@ -1 +1 @@
-int pm;
+int fixed;
"""


@pytest.fixture
def quilt(work: Path) -> Path:
    directory = work / "patches"
    directory.mkdir()
    (directory / "series").write_text("fix.patch # ours\n")
    (directory / "fix.patch").write_text(PATCH)
    (directory / "old.patch").write_text(PATCH)
    return directory


def test_quilt(quilt: Path, work: Path) -> None:
    assert run("import", "quilt", "patches", "--series", "series/new") == Outcome(
        code=0,
        out="not imported:\n  old.patch\n1 patch, 2 files in series/new\n",
        err="",
    )
    assert (work / "series" / "new" / "series").read_text() == "fix.patch # ours\n"
    assert (work / "series" / "new" / "fix.patch").read_text() == PATCH


def test_mbox(work: Path) -> None:
    (work / "queue.mbox").write_text(f"From {'0' * 40} Mon Sep 17 00:00:00 2001\n{PATCH}")
    assert run("import", "-v", "mbox", "queue.mbox", "--series", "new") == Outcome(
        code=0, out="mptcp-fix-it.patch\n1 patch, 2 files in new\n", err=""
    )


def test_range(kernel: Kernel, work: Path) -> None:
    outcome = run("import", "range", "v5.10..v5.15", "--series", "new", "--source", "linux.git")
    assert outcome == Outcome(code=0, out="3 patches, 1 file in new\n", err="")
    assert (work / "new" / "series").read_text() == (
        f"mptcp-add-a-counter.patch # {kernel.counter}\n"
        f"mptcp-hook-into-tcp.patch # {kernel.hook}\n"
        f"mptcp-a-file-of-its-own.patch # {kernel.new}\n"
    )


def test_range_of_another_repository_with_files(kernel: Kernel) -> None:
    outcome = run("import", "range", "v5.10..main", "--materialise", "--series", "new", "--repo", "linux.git")
    assert outcome == Outcome(code=0, out="3 patches, 4 files in new\n", err="")


def test_quiet(quilt: Path) -> None:
    assert run("import", "-q", "quilt", "patches", "--series", "new") == Outcome(code=0, out="", err="")


def test_json(quilt: Path) -> None:
    assert json.loads(run("import", "--json", "quilt", "patches", "--series", "new").out) == {
        "schema": 1,
        "command": "import",
        "names": ["fix.patch"],
        "unlisted": ["old.patch"],
        "files": ["new/fix.patch", "new/series"],
    }


def test_nothing_is_overwritten(quilt: Path, work: Path) -> None:
    (work / "new").mkdir()
    (work / "new" / "fix.patch").write_text("mine")
    assert run("import", "quilt", "patches", "--series", "new") == Outcome(
        code=2,
        out="",
        err="mptcp-series: error: new/fix.patch: is there already and differs; import into a new directory\n",
    )
    assert [path.name for path in (work / "new").iterdir()] == ["fix.patch"]


def test_every_problem_at_its_line(quilt: Path) -> None:
    (quilt / "series").write_text("fix.patch\ngone.patch\n")
    (quilt / "fix.patch").write_text(PATCH.replace("a/net", "a/../net").replace("b/net", "b/../net"))
    outcome = run("import", "quilt", "patches", "--series", "new")
    assert (outcome.code, outcome.err) == (
        2,
        "mptcp-series: error: patches/fix.patch:7: path 'a/../net/mptcp/pm.c': leaves the tree by '..'\n"
        "mptcp-series: error: patches/fix.patch:7: path 'b/../net/mptcp/pm.c': leaves the tree by '..'\n"
        "mptcp-series: error: patches/series:2: no patch file patches/gone.patch\n",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quilt", "none"], "none/series: no series file"),
        (["mbox", "none"], "none: cannot be read: No such file or directory"),
        (["range", "v5.10"], "bad range 'v5.10' (expected 'A..B')"),
        (["range", "v9..v5.10"], "{git}/: unknown revision 'v9'; `git fetch --tags` may bring it"),
    ],
    ids=["quilt", "mbox", "range", "revision"],
)
def test_bad_input(kernel: Kernel, arguments: list[str], message: str) -> None:
    outcome = run("import", *arguments, "--series", "new", "--source", "linux.git")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"mptcp-series: error: {message.format(git=kernel.source.path)}\n"


def test_the_destination_is_named_by_hand(quilt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPTCP_SERIES_SERIES", "series/mine")
    outcome = run("import", "quilt", "patches")
    assert (outcome.code, outcome.err.splitlines()[0]) == (2, "mptcp-series: error: Missing option '--series'.")


def test_a_patch_file_where_a_queue_is_wanted(work: Path) -> None:
    outcome = run("import", "./x.patch", "--series", "new")
    said = "is not one of 'quilt', 'mbox', 'range', which --series wants; a patch goes into a quilt directory without"
    assert (outcome.code, outcome.err.splitlines()[0]) == (2, f"mptcp-series: error: './x.patch' {said} it")
