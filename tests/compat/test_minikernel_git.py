# SPDX-License-Identifier: MIT
"""Real git has nothing to say against the mini-kernel's repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mptcp_series.minikernel.world import World, build_world


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_accepts_both_repositories(tmp_path: Path) -> None:
    world: World = build_world(tmp_path)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "LC_ALL": "C",
    }

    def git(repo: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["git", f"--git-dir={repo}", *arguments], env=environment, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode()

    for repo in (world.source, world.bsp):
        assert git(repo, "fsck", "--strict", "--full", "--no-dangling", "--no-progress") == ""
    picked = git(world.source, "log", "--oneline", "--no-abbrev", "--no-merges", "v5.10..v5.15").splitlines()
    assert world.commits["conflicting"] + " mptcp: let tcp say how much room a fragment has" in picked
    assert len(git(world.bsp, "log", "--oneline", world.bsp_branch).splitlines()) == 3
