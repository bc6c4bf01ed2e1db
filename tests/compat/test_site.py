# SPDX-License-Identifier: MIT
"""The documentation builds as a site without a warning; every command has a manual page and completes in a shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mptcp_series.cli.main import cli

ROOT = Path(__file__).parents[2]


def run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commands() -> list[str]:
    return cli.list_commands(click.Context(cli))


def test_the_site_builds_and_asks_for_nothing_elsewhere(tmp_path: Path) -> None:
    run("-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path / "site"), NO_MKDOCS_2_WARNING="1")
    pages = {str(page.relative_to(tmp_path / "site")) for page in (tmp_path / "site").rglob("*.html")}
    sources = {str(page.relative_to(ROOT / "docs").with_suffix(".html")) for page in (ROOT / "docs").rglob("*.md")}
    assert sources <= pages
    helped = (tmp_path / "site" / "reference" / "help.html").read_text()
    assert [name for name in commands() if f'id="mptcp-series-{name}"' not in helped] == []
    api = (tmp_path / "site" / "reference" / "api.html").read_text()
    assert 'id="mptcp_series.Queue.apply"' in api
    fetched = [
        piece[:80]
        for page in pages
        for word in ('src="http', 'rel="stylesheet" href="http')
        for piece in (tmp_path / "site" / page).read_text().split(word)[1:]
    ]
    assert fetched == []


def test_every_command_has_a_manual_page(tmp_path: Path) -> None:
    run("contrib/man.py", str(tmp_path))
    pages = {page.name for page in tmp_path.iterdir()}
    assert {f"mptcp-series-{name}.1" for name in commands()} | {"mptcp-series.1"} <= pages
    page = (tmp_path / "mptcp-series-check.1").read_text()
    assert "\\-\\-no\\-align" in page
    run("contrib/man.py", str(tmp_path / "again"))
    assert (tmp_path / "again" / "mptcp-series-check.1").read_text() == page


PROGRAM = "from mptcp_series.cli.main import run; run()"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    said = run("-c", PROGRAM, _MPTCP_SERIES_COMPLETE=f"{shell}_source")
    assert "_MPTCP_SERIES_COMPLETE=" + f"{shell}_complete" in said
    words = {"COMP_WORDS": "mptcp-series chec", "COMP_CWORD": "1" if shell != "fish" else "chec"}
    assert "check" in run("-c", PROGRAM, _MPTCP_SERIES_COMPLETE=f"{shell}_complete", **words)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_lines_that_are_documented_complete(shell: str, tmp_path: Path) -> None:
    """What the reference says to put into a start-up file, in the shell itself."""
    place = shutil.which(shell)
    if place is None:
        pytest.skip(f"{shell} is not installed")
    (line,) = re.findall(
        rf"^    (.*_MPTCP_SERIES_COMPLETE={shell}_source .*?) *# ~/", (ROOT / "docs/reference/cli.md").read_text(), re.M
    )
    program = tmp_path / "mptcp-series"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    prelude = "autoload -Uz compinit; compinit -D\n" if shell == "zsh" else ""
    asked = {
        "bash": "complete -p mptcp-series",
        "zsh": 'print "$_comps[mptcp-series]"',
        "fish": "complete -c mptcp-series",
    }[shell]
    said = subprocess.run(
        [place, "-c", f"{prelude}{line}\n{asked}"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stderr == ""
    assert "_mptcp_series_completion" in said.stdout


def test_manual_pages_are_laid_out_without_a_warning(tmp_path: Path) -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    run("contrib/man.py", str(tmp_path))
    pages = sorted(tmp_path.iterdir())
    said = subprocess.run(
        ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-z", *map(str, pages)], capture_output=True, text=True, check=True
    )
    assert said.stderr == ""
