# SPDX-License-Identifier: MIT
"""The fragments for build systems, run by make, sh and git: what they patch, and how a build with them fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.minikernel.world import World, build_world
from mptcp_series.values.recipe import Recipe

from ..unit.test_bbclass import BitBake, Fatal
from .conftest import Git

ROOT = Path(__file__).resolve().parents[2]
CONTRIB = ROOT / "contrib"
COMMAND = f"{sys.executable} -m mptcp_series"


def environment(**more: str) -> dict[str, str]:
    """That of the test, in which the package is found."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@attrs.frozen
class Shop:
    world: World
    series: Path
    tree: Path
    """An unpacked v5.10.2."""

    @property
    def options(self) -> list[str]:
        return ["--source", str(self.world.source)]

    def wanted(self) -> str:
        result = Queue.load(self.series, source=self.world.source).apply(self.world.source, base="v5.10.2").require()
        return str(result.tree)

    def tree_of_files(self) -> str:
        """Id of what lies there, the files of builds and of the package left out."""
        git = Git(self.tree)
        probe = {"GIT_DIR": str(self.tree.parent / "probe.git"), "GIT_WORK_TREE": str(self.tree)}
        git.run("init", "--quiet", environment=probe)
        left_out = [":(exclude).stamp_mptcp_series", ":(exclude).mptcp-series.*"]
        git.run("add", "--all", "--force", "--", ".", *left_out, environment=probe)
        return git.run("write-tree", environment=probe)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    world = build_world(tmp_path)
    series = tmp_path / "series" / "mini-5.15"
    extract(Recipe.parse(world.recipe, "recipe.toml"), world.source).write(series)
    (series / "recipe.toml").write_bytes(world.recipe)
    tree = tmp_path / "linux"
    tree.mkdir()
    archive = subprocess.run(["git", "archive", "v5.10.2"], cwd=world.source, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(tree)], input=archive, check=True)
    return Shop(world, series, tree)


def make(shop: Shop, *variables: str) -> subprocess.CompletedProcess[str]:
    makefile = shop.tree.parent / "Makefile"
    makefile.write_text(f"include {CONTRIB}/make/mptcp-series.mk\nall: $(MPTCP_SERIES_STAMP)\n\t@echo configured\n")
    given = [
        f"KERNEL_DIR={shop.tree}",
        f"MPTCP_SERIES_DIR={shop.series}",
        f"MPTCP_SERIES={COMMAND}",
        f"MPTCP_SERIES_FLAGS={' '.join(shop.options)}",
    ]
    return subprocess.run(
        ["make", "-f", str(makefile), "all", *given, *variables],
        cwd=shop.tree.parent,
        env={key: value for key, value in environment().items() if not key.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_patches_once(shop: Shop) -> None:
    done = make(shop)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "configured"), done.stderr
    assert shop.tree_of_files() == shop.wanted()
    again = make(shop)
    assert (again.returncode, again.stdout) == (0, "configured\n")
    # A series that changed is not put on top of the older one.
    lines = (shop.series / "series").read_text().splitlines()
    (shop.series / "series").write_text("\n".join(lines[:-1]) + "\n")
    changed = make(shop)
    assert changed.returncode == 2
    assert "configured" not in changed.stdout
    assert shop.tree_of_files() != ""


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_stops_where_a_person_is_needed(shop: Shop) -> None:
    (shop.tree / "net" / "ipv4" / "tcp.c").write_text("int nothing;\n")
    before = shop.tree_of_files()
    done = make(shop)
    assert done.returncode == 2
    assert "configured" not in done.stdout
    assert "mptcp-series: error: conflict: " in done.stderr
    assert "Error 1" in done.stderr
    assert not (shop.tree / ".stamp_mptcp_series").exists()
    assert shop.tree_of_files() == before


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_without_its_variables(shop: Shop) -> None:
    done = make(shop, "KERNEL_DIR=")
    assert (done.returncode, "KERNEL_DIR is empty" in done.stderr) == (2, True)


def shell(shop: Shop, *arguments: str) -> subprocess.CompletedProcess[str]:
    wrapper = shop.tree.parent / "mptcp-series"
    wrapper.write_text(f'#!/bin/sh\nexec {COMMAND} "$@"\n')
    wrapper.chmod(0o755)
    return subprocess.run(
        ["sh", str(CONTRIB / "shell" / "apply-series.sh"), *arguments],
        env=environment(MPTCP_SERIES=str(wrapper)),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_shell_script_patches(shop: Shop) -> None:
    done = shell(shop, str(shop.tree), str(shop.series), *shop.options)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert shop.tree_of_files() == shop.wanted()


def test_the_shell_script_ends_with_the_status(shop: Shop) -> None:
    (shop.tree / "net" / "ipv4" / "tcp.c").write_text("int nothing;\n")
    person = shell(shop, str(shop.tree), str(shop.series), *shop.options)
    assert (person.returncode, "the queue needs a person on" in person.stderr) == (1, True)
    series = shell(shop, str(shop.tree), "/nowhere", *shop.options)
    assert (series.returncode, "cannot be used" in series.stderr) == (2, True)
    source = shell(shop, str(shop.tree), str(shop.series), "--source", "/nowhere.git")
    assert (source.returncode, "the surroundings lack something" in source.stderr) == (3, True)
    usage = shell(shop, str(shop.tree))
    assert (usage.returncode, usage.stderr.startswith("usage: ")) == (2, True)


def test_the_yocto_class_on_a_git_checkout(shop: Shop, tmp_path: Path) -> None:
    """As linux-yocto and git:// recipes have S: the queue becomes a branch and is checked out, also the second time."""
    checkout = tmp_path / "git"
    Git(tmp_path).run("clone", "--quiet", str(shop.world.source), str(checkout))
    git = Git(checkout)
    git.run("checkout", "--quiet", "-b", "machine", "v5.10.2")
    base = git.run("rev-parse", "HEAD")
    values = {
        "S": str(checkout),
        "MPTCP_SERIES": str(shop.series),
        "MPTCP_SERIES_SOURCE": str(shop.world.source),
    }
    for _ in range(2):
        bitbake = BitBake(dict(values))
        bitbake.call("mptcp_series_do_patch")
        assert git.run("rev-parse", "--abbrev-ref", "HEAD") == f"mptcp-series-{base}"
        assert git.run("rev-parse", "HEAD^{tree}") == shop.wanted()
        assert git.run("status", "--porcelain") == ""
    git.run("checkout", "--quiet", "machine")
    (checkout / "net" / "ipv4" / "tcp.c").write_text("int nothing;\n")
    git.run("commit", "--quiet", "--all", "--message", "vendor")
    with pytest.raises(Fatal, match="a person is needed"):
        BitBake(dict(values)).call("mptcp_series_do_patch")
    assert git.run("rev-parse", "--abbrev-ref", "HEAD") == "machine"
