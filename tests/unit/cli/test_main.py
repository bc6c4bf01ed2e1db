# SPDX-License-Identifier: MIT
"""The list of commands, what it costs to start, and how every kind of error ends the process."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from pathlib import Path

import click
import pygit2
import pytest

from mptcp_series import __version__
from mptcp_series.cli import main
from mptcp_series.cli.failures import PipeClosed, explain
from mptcp_series.cli.lazy import Entry
from mptcp_series.cli.main import ENTRIES
from mptcp_series.errors import (
    BadInput,
    BadSeries,
    EnvironmentFault,
    MissingObject,
    NeedsPerson,
    NoRepository,
    Problem,
    ShallowSource,
    ToolMissing,
)

from .conftest import Kernel, Outcome, run

HELP = """\
Usage: mptcp-series [OPTIONS] COMMAND [ARGS]...

  The MPTCP stack of Linux 5.15 for kernels locked to 5.10, as a reviewable
  patch queue.

  `demo` shows the whole job. On a kernel of your own it is extract, check,
  resolve where check finds a conflict, and apply.

  Options win over MPTCP_SERIES_* variables, these over mptcp-series.toml in the
  working directory or a parent.

  Exit status: 0 done; 1 a person is needed; 2 bad usage or bad input; 3 the
  environment.

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit.

"""


def _listed(heading: str) -> str:
    rows = {name: entry.summary for name, entry in ENTRIES.items() if entry.heading == heading}
    width = max(map(len, rows))
    return f"{heading}:\n" + "".join(f"  {name:<{width}}  {summary}\n" for name, summary in rows.items())


HELP += "\n".join(map(_listed, dict.fromkeys(entry.heading for entry in ENTRIES.values())))


def test_version() -> None:
    assert run("--version") == Outcome(code=0, out=f"mptcp-series {__version__}\n", err="")


def test_help() -> None:
    assert run("--help") == Outcome(code=0, out=HELP, err="")


def test_the_list_fits_a_terminal() -> None:
    assert max(map(len, HELP.splitlines())) <= 80


def test_no_command_is_bad_usage_and_shows_the_help() -> None:
    assert run() == Outcome(code=2, out="", err=f"mptcp-series: error: no command given\n{HELP}")


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_the_list_says_what_the_command_says(name: str) -> None:
    command = ENTRIES[name].load()
    assert (command.name, command.get_short_help_str(200)) == (name, ENTRIES[name].summary)


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_every_command_has_help(name: str) -> None:
    outcome = run(name, "-h")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"Usage: mptcp-series {name} ")


def test_help_imports_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("rich")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(Entry, "load", lambda entry: pytest.fail(f"{entry.place} was imported"))
    assert run("--help").code == 0
    assert [name for name in sys.modules if name.startswith("rich")] == []


def test_a_report_needs_no_rich(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("rich")]:
        monkeypatch.delitem(sys.modules, name)
    assert run("check", *kernel.on("v5.10")).code == 0
    assert [name for name in sys.modules if name.startswith("rich")] == []


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["chek"], ["error: no command is called 'chek'; did you mean 'check'?", "hint: `mptcp-series --help`"]),
        (["check", "x"], ["error: Got unexpected extra argument (x)", "hint: `mptcp-series check --help`"]),
        (["export"], ["error: Missing option '--to'.", "hint: `mptcp-series export --help`"]),
        (["check", "-q", "-v"], ["error: -q and -v exclude each other", "hint: `mptcp-series check --help`"]),
        (
            ["import", "quilt", "x", "--series", "y", "--materialise"],
            [
                "error: --materialise goes with a range; quilt and mbox have files already",
                "hint: `mptcp-series import --help`",
            ],
        ),
        (
            ["apply", "--branch", "b", "--committer", "nobody"],
            [
                "error: Invalid value for '--committer': 'nobody' is not 'Name <email>'",
                "hint: `mptcp-series apply --help`",
            ],
        ),
        (
            ["override"],
            [
                "error: no command given",
            ],
        ),
    ],
    ids=["command", "argument", "missing", "volume", "import", "committer", "group"],
)
def test_bad_usage(arguments: list[str], lines: list[str], work: Path) -> None:
    outcome = run(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    expected = [f"mptcp-series: {line}" for line in lines]
    assert [re.sub(" shows what it takes$", "", line) for line in outcome.err.splitlines()[: len(lines)]] == expected


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (
            NeedsPerson(["conflict: a.patch: x.c", "lost fix: 1"]),
            1,
            ["error: conflict: a.patch: x.c", "error: lost fix: 1"],
        ),
        (
            BadSeries([Problem(file="series", line=3, message="one"), Problem(file="series", line=9, message="two")]),
            2,
            ["error: series:3: one", "error: series:9: two"],
        ),
        (BadInput("no series"), 2, ["error: no series"]),
        (MissingObject("object 1 is missing"), 3, ["error: object 1 is missing"]),
        (ToolMissing("git is not installed"), 3, ["error: git is not installed"]),
        (EnvironmentFault("first\nsecond"), 3, ["error: first", "error: second"]),
        (
            NoRepository("x: not a git repository"),
            3,
            [
                "error: x: not a git repository",
                "hint: a source is a git repository, and a bare clone will do; --repo may also be a kernel source "
                "directory without git",
            ],
        ),
        (
            ShallowSource("cut at 1"),
            3,
            [
                "error: cut at 1",
                "hint: `git fetch --unshallow`, or `mptcp-series fetch` into a new directory, brings the whole range",
            ],
        ),
        (pygit2.GitError("odd pack"), 3, ["error: git: odd pack"]),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 3, ["error: /x: No space left on device"]),
        (OSError("odd"), 3, ["error: odd"]),
        (click.FileError("x", "odd"), 2, ["error: Could not open file 'x': odd"]),
        (KeyboardInterrupt(), 130, ["", "error: interrupted"]),
        (BrokenPipeError(), 141, []),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_error_has_its_exit_code(
    error: BaseException, code: int, lines: list[str], work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(entry: Entry) -> click.Command:
        @click.command()
        def command() -> None:
            raise error

        return command

    monkeypatch.setattr(Entry, "load", load)
    printed = "".join(f"mptcp-series: {line}\n" if line else "\n" for line in lines)
    assert run("check") == Outcome(code=code, out="", err=printed)


def test_a_bug_shows_its_traceback_and_is_no_conflict() -> None:
    try:
        raise ZeroDivisionError("oops")
    except ZeroDivisionError as error:
        failure = explain(error)
    assert failure.code == 70
    assert failure.lines[0] == "Traceback (most recent call last):"
    assert failure.lines[-1] == "ZeroDivisionError: oops"
    assert failure.hint == "this is a bug of mptcp-series; please report it with the lines above"


def test_the_library_s_own_handling_stays_off(work: Path) -> None:
    with pytest.raises(BadInput):
        main.cli.main(["check"], prog_name="mptcp-series", standalone_mode=False)


def test_the_console_script_escapes_what_a_terminal_cannot_show(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "argv", ["mptcp-series", "--version"])
    with pytest.raises(SystemExit) as caught:
        main.run()
    assert (caught.value.code, out.errors) == (0, "backslashreplace")


def test_a_closed_pipe_is_left_quietly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The last flush of standard output must not complain either: it goes nowhere."""
    with open(tmp_path / "out", "w") as out:
        monkeypatch.setattr(sys, "stdout", out)

        def closed(context: click.Context) -> None:
            raise PipeClosed

        monkeypatch.setattr(main.cli, "invoke", closed)
        with pytest.raises(SystemExit) as caught:
            main.cli.main(["check"], prog_name="mptcp-series")
        assert caught.value.code == 141
        assert os.fstat(out.fileno()).st_rdev == os.stat(os.devnull).st_rdev
