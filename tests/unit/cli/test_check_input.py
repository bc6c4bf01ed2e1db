# SPDX-License-Identifier: MIT
"""`check`: where its settings come from, and what it says of input that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pygit2
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
            "series/other: no such directory; there is series/q",
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


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("q", "q: no such directory; there is series/q"),
        ("series/q/series", "series/q/series: is a file; name the directory of the series"),
        (
            "series/new",
            "series/new/series: no series file; `mptcp-series extract` writes it from its recipe, "
            "`import` from another queue",
        ),
        ("elsewhere/q", "elsewhere/q: no such directory"),
    ],
)
def test_a_series_that_is_none_says_what_was_meant(kernel: Kernel, work: Path, named: str, message: str) -> None:
    (work / "series" / "new").mkdir()
    (work / "series" / "new" / "recipe.toml").touch()
    found = run("check", "--source", "linux.git", "--base", "v5.10", "--series", named)
    assert (found.code, found.err) == (2, f"mptcp-series: error: {message}\n")


def test_a_release_without_its_v(kernel: Kernel) -> None:
    found = run("check", *kernel.options, "--base", "5.10")
    message = f"{kernel.source.path}/: unknown revision '5.10'; did you mean 'v5.10'?"
    assert (found.code, found.err) == (2, f"mptcp-series: error: {message}\n")


def test_all_that_is_not_named_is_told_at_once(work: Path) -> None:
    found = run("check")
    assert found.code == 2
    named = [line.split(": ")[2] for line in found.err.splitlines()]
    assert named == ["no repo", "no series", "no base"]
    # A repository that is named has a HEAD.
    assert [line.split(": ")[2] for line in run("check", "--repo", "x").err.splitlines()] == ["no series"]


def test_a_base_that_has_the_queue_already_is_told(kernel: Kernel) -> None:
    warning = "warning: this base has the queue already, or a part of it; name the commit that it was put on\n"
    assert run("apply", "-q", "--branch", "made", *kernel.on("v5.10")).code == 0
    assert warning in run("check", *kernel.on("made")).out
    kernel.source.commit("made", "somebody's own\n", {"net/ipv4/tcp.c": b"int nothing;\n"})
    found = run("check", "--no-align", *kernel.on("made"))
    assert (found.code, found.out.count(warning)) == (1, 1)
    assert warning not in run("check", *kernel.on("v5.10")).out + run("check", *kernel.on("bsp")).out
    # Another queue on top of it is what a base is for.
    (kernel.series / "series").write_text(f"hook.patch # {kernel.hook}\n")
    assert run("apply", "-q", "--branch", "lower", *kernel.on("v5.10")).code == 0
    (kernel.series / "series").write_text(f"new.patch # {kernel.new}\n")
    assert warning not in run("check", "--no-align", *kernel.on("lower")).out


def test_a_repository_of_another_user(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """git and libgit2 refuse it, on servers and in containers; the cure is one line."""

    def refuse(*arguments: object) -> None:
        raise pygit2.GitError("repository path is not owned by current user")

    monkeypatch.setattr(pygit2, "discover_repository", refuse)
    mine = run("check", *kernel.on("v5.10"))
    assert (mine.code, mine.err.splitlines()[0]) == (
        3,
        "mptcp-series: error: linux.git: not a git repository (repository path is not owned by current user)",
    )
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    assert run("check", *kernel.on("v5.10")) == Outcome(
        code=3,
        out="",
        err="mptcp-series: error: linux.git: belongs to another user, and git reads such a repository only where it is "
        f"told to: `git config --global --add safe.directory {Path('linux.git').resolve()}`\n",
    )


def test_a_directory_that_is_no_kernel_says_what_is_needed(kernel: Kernel, work: Path) -> None:
    (work / "bsp").mkdir()
    (work / "bsp" / "Makefile").write_text("VERSION = 5\n")
    assert run("check", *kernel.options, "--repo", "bsp") == Outcome(
        code=3,
        out="",
        err="mptcp-series: error: bsp: neither a git repository nor a kernel source directory (not a kernel "
        "Makefile: its head does not set PATCHLEVEL, SUBLEVEL)\n"
        "mptcp-series: hint: a source is a git repository, and a bare clone will do; --repo may also be a kernel "
        "source directory without git\n",
    )


def test_every_problem_of_the_inputs_at_its_line(kernel: Kernel) -> None:
    (kernel.series / "series").write_text("a.patch -x\nb.patch\nb.patch\n")
    assert run("check", *kernel.on("v5.10")) == Outcome(
        code=2,
        out="",
        err="mptcp-series: error: series/q/series:1: unknown option '-x' (expected '-pN' or '-R')\n"
        "mptcp-series: error: series/q/series:3: patch 'b.patch' stands in the series twice, first on line 2\n",
    )
