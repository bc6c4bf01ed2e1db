# SPDX-License-Identifier: MIT
"""`check`: where its settings come from, and what it says of input that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Kernel, Outcome, run


def test_settings_from_the_environment_and_the_file(
    kernel: Kernel, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "mptcp-series.toml").write_text('source = "nowhere"\nbase = "bsp"\n')
    monkeypatch.setenv("MPTCP_SERIES_SOURCE", "linux.git")
    outcome = run("check", "-v", "--base", "v5.10")
    assert (outcome.code, outcome.err.splitlines()) == (
        0,
        [
            "repo: linux.git (default: the source)",
            "base: v5.10 (--base)",
            "series: series/q (default: the only one here)",
            "source: linux.git (MPTCP_SERIES_SOURCE)",
        ],
    )


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--base", "v9"], 2, "{git}/: unknown revision 'v9'; `git fetch --tags` may bring it"),
        (
            ["--base", "1" * 40],
            3,
            f"commit {'1' * 40} is not in {{git}}/; bring it with `git fetch origin {'1' * 40}`, "
            "or name a repository that has it",
        ),
        (
            ["--base", "v5.10", "--series", "series/other"],
            2,
            "series/other/series: no series file; `mptcp-series extract` writes it from a recipe, "
            "`import` from another queue",
        ),
        (["--base", "v5.10", "--overrides", "none"], 2, "none: no such directory of overrides"),
        (
            [],
            2,
            "no base: name the revision that is patched with --base, MPTCP_SERIES_BASE, or `base` in mptcp-series.toml",
        ),
    ],
    ids=["revision", "commit", "series", "overrides", "base"],
)
def test_bad_input(kernel: Kernel, options: list[str], code: int, message: str) -> None:
    message = message.format(git=kernel.source.path)
    assert run("check", *kernel.options, *options) == Outcome(
        code=code, out="", err=f"mptcp-series: error: {message}\n"
    )


def test_a_directory_that_is_no_kernel_says_what_is_needed(kernel: Kernel, work: Path) -> None:
    (work / "bsp").mkdir()
    (work / "bsp" / "Makefile").write_text("VERSION = 5\n")
    assert run("check", *kernel.options, "--repo", "bsp") == Outcome(
        code=3,
        out="",
        err="mptcp-series: error: bsp: neither a git repository nor a kernel source directory (not a kernel "
        "Makefile: its head does not set PATCHLEVEL, SUBLEVEL)\n"
        "mptcp-series: hint: a bare clone will do; check, apply, export, rebase and resolve take a kernel source "
        "directory without git as --repo, too\n",
    )


def test_every_problem_of_the_inputs_at_its_line(kernel: Kernel) -> None:
    (kernel.series / "series").write_text("a.patch -x\nb.patch\nb.patch\n")
    assert run("check", *kernel.on("v5.10")) == Outcome(
        code=2,
        out="",
        err="mptcp-series: error: series/q/series:1: unknown option '-x' (expected '-pN' or '-R')\n"
        "mptcp-series: error: series/q/series:3: patch 'b.patch' stands in the series twice, first on line 2\n",
    )
