# SPDX-License-Identifier: MIT
"""Stacks on the command line: where each series' source comes from, and the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import RECIPE, Kernel, Repository, run

UPPER = RECIPE.replace(b'name = "q"', b'name = "sched"\nafter = "q"').replace(b'owned = ["net/mptcp/"]', b"owned = []")


@pytest.fixture
def stack(kernel: Kernel, work: Path) -> Kernel:
    """A series `series/sched` on top of `series/q`, with a repository of its own."""
    other = Repository.make(work / "sched.git")
    start = other.commit("main", "start\n", {"net/mptcp/pm.c": b"int pm;\n"})
    pin = other.commit("main", "mptcp: sched\n", {"net/mptcp/pm.c": b"int pm;\nint sched;\n"}, start)
    series = work / "series" / "sched"
    series.mkdir()
    (series / "series").write_text(f"sched.patch # {pin}\n")
    (series / "recipe.toml").write_bytes(UPPER)
    return kernel


BASE = ("--repo", "linux.git", "--base", "v5.10", "--series", "series/sched")


def test_a_source_for_each_series(stack: Kernel) -> None:
    outcome = run("check", *BASE, "--source", "linux.git", "--source", "sched=sched.git")
    assert (outcome.code, outcome.err) == (0, "")
    assert (
        outcome.out
        == f"""\
q, then sched on v5.10: Linux 5.10.0, commit {stack.old[:12]}

4 patches: 4 clean
6 hunks: 6 applied
nothing here needs a person; next: mptcp-series apply --branch NAME
"""
    )
    other = run("check", *BASE, "--source", "q=linux.git", "--source", "sched=sched.git")
    assert other == outcome


def test_sources_in_the_settings_file(stack: Kernel, work: Path) -> None:
    (work / "mptcp-series.toml").write_text('source = "linux.git"\n\n[sources]\nsched = "sched.git"\n')
    outcome = run("check", "--json", *BASE)
    assert outcome.code == 0
    document = json.loads(outcome.out)
    assert (document["series"], document["stack"]) == ("sched", ["q", "sched"])
    assert [patch["series"] for patch in document["patches"]] == ["q", "q", "q", "sched"]
    # The table has a source of a series this stack has not; it is another one's.
    alone = run("check", "--base", "v5.10", "--series", "series/q", "--repo", "linux.git")
    assert alone.code == 0


def test_a_source_for_a_series_that_is_not_there(stack: Kernel, work: Path) -> None:
    file = work / "mptcp-series.toml"
    file.write_text('source = "linux.git"\n\n[sources]\nsched = "sched.git"\nshed = "sched.git"\n')
    outcome = run("check", *BASE)
    assert (outcome.code, outcome.err) == (
        2,
        f"mptcp-series: error: {file}:5: a source for 'shed', and there is no such series beside series/sched\n",
    )
    file.unlink()
    outcome = run("check", *BASE, "--source", "linux.git", "--source", "shed=sched.git")
    assert (outcome.code, outcome.err) == (
        2,
        "mptcp-series: error: a source is named for shed, and the series here are q, sched\n",
    )


def test_a_missing_source_is_the_environment(stack: Kernel) -> None:
    outcome = run("check", *BASE, "--source", "linux.git")
    assert outcome.code == 3
    assert "sched.patch is pinned to" in outcome.err


def test_apply_export_matrix_and_rebase(stack: Kernel, work: Path) -> None:
    sources = (
        "--source",
        "linux.git",
        "--source",
        "sched=sched.git",
        "--series",
        "series/sched",
        "--repo",
        "linux.git",
    )
    assert run("apply", "--branch", "out", "--base", "v5.10", *sources).code == 0
    assert "4 commits" in run("apply", "--branch", "out", "--base", "v5.10", *sources).out
    assert run("export", "-q", "--to", "patches", "--base", "v5.10", *sources).code == 0
    assert (work / "patches" / "series").read_text().splitlines()[-2:] == ["# series: sched", "sched.patch"]
    found = run("matrix", "--json", "--bases", "v5.10", "-j", "1", *sources)
    assert json.loads(found.out)["bases"][0]["counts"]["clean"] == 4
    moved = run("rebase", "--json", "--from", "v5.10", "--to", "bsp", *sources)
    assert moved.code == 1
    assert [patch["series"] for patch in json.loads(moved.out)["patches"]] == ["q", "q", "q", "sched"]


def test_what_is_about_one_series_takes_its_own_source(stack: Kernel, work: Path) -> None:
    """`extract` and `override new` of the upper series read its repository, not the one of the others."""
    (work / "mptcp-series.toml").write_text('source = "linux.git"\n\n[sources]\nsched = "sched.git"\n')
    outcome = run("override", "new", "sched.patch", "--series", "series/sched")
    assert outcome.code == 0
    assert outcome.out.startswith("# sched.patch: mptcp: sched\n")
    outcome = run("extract", "--series", "series/sched")
    assert outcome.code == 2
    assert "sched.git" in outcome.err


def test_a_stack_that_goes_round(stack: Kernel) -> None:
    (stack.series / "recipe.toml").write_bytes(RECIPE + b'after = "sched"\n')
    outcome = run("check", *BASE, "--source", "linux.git")
    assert (outcome.code, outcome.err) == (
        2,
        "mptcp-series: error: series/q/recipe.toml:7: goes round: sched after q after sched in 'series.after'\n",
    )


def test_a_stack_is_explained_and_reviewed(stack: Kernel) -> None:
    sources = ("--source", "linux.git", "--source", "sched=sched.git")
    stack.override("hook.patch", "Patch: hook.patch\nDrop: net/ipv4/tcp.c\nReason: not here\n---\n")
    told = run("why", *BASE, *sources, "new")
    assert told.code == 0
    assert "without it 1 patch does not apply:\n  sched.patch (net/mptcp/pm.c)\n" in told.out
    document = json.loads(run("report", *BASE, *sources, "--format", "json").out)
    assert [patch["name"] for patch in document["patches"]] == [
        "counter.patch",
        "hook.patch",
        "new.patch",
        "sched.patch",
    ]
    assert all(patch["diff"] for patch in document["patches"])
    assert [override["state"] for override in document["overrides"]] == ["used"]
