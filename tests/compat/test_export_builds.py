# SPDX-License-Identifier: MIT
"""Exports for build systems, read back as these do: with GNU patch, quilt and git, by the rules of their scripts.

The rules are told where they are used; the scripts themselves are other people's and are not run here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from mptcp_series.engine.result import Result

from .conftest import Git, replayed
from .test_export_quilt import PATCHES, awkward_history, quilt

pytestmark = pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Git, Result]:
    directory = tmp_path_factory.mktemp("made")
    git = awkward_history(directory / "repo.git")
    return git, replayed(directory / "series" / "mptcp-5.15", git.directory, "start..queue", "base").require()


def worktree(git: Git, work: Path) -> Git:
    git.run("worktree", "add", "--force", "--detach", str(work), "base")
    return Git(work)


def applied(work: Path, file: Path, *options: str) -> str:
    """GNU patch's report."""
    done = subprocess.run(
        ["patch", *options, "-p1", "-d", str(work)], input=file.read_bytes(), capture_output=True, check=False
    )
    assert done.returncode == 0, (file, done.stdout, done.stderr)
    return done.stdout.decode()


def rejects(work: Path) -> list[Path]:
    return [*work.rglob("*.rej"), *work.rglob("*.orig")]


def test_buildroot(made: tuple[Git, Result], tmp_path: Path) -> None:
    """support/scripts/apply-patches.sh: `*.patch` of the package's directory in the order of LC_COLLATE=C, each once by
    name, `patch -F0 -g0 -p1 --no-backup-if-mismatch -t -N`, and no reject may be left."""
    git, result = made
    result.export(tmp_path / "global", format="buildroot")
    directory = tmp_path / "global" / "linux"
    assert not (directory / "series").exists()
    tree = worktree(git, tmp_path / "work")
    names = sorted((path.name for path in directory.glob("*.patch")), key=os.fsencode)
    assert len(names) == len(set(names)) == len(PATCHES)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9._-]+\.patch", name)
        applied(tree.directory, directory / name, "-F0", "-g0", "--no-backup-if-mismatch", "-t", "-N")
    assert rejects(tree.directory) == []
    assert tree.tree_of_files() == result.tree


def shell_glob(directory: Path) -> list[Path]:
    """`*` as a shell reads it: sorted, without hidden files."""
    return sorted((path for path in directory.iterdir() if not path.name.startswith(".")), key=lambda path: path.name)


def test_openwrt_s_patch_script(made: tuple[Git, Result], tmp_path: Path) -> None:
    """scripts/patch-kernel.sh: every file of the directory that a shell's `*` names, `patch -f -p1`, no reject."""
    git, result = made
    result.export(tmp_path / "patches-5.10", format="openwrt")
    tree = worktree(git, tmp_path / "work")
    for file in shell_glob(tmp_path / "patches-5.10"):
        assert "fuzz" not in applied(tree.directory, file, "-f")
    assert rejects(tree.directory) == []
    assert tree.tree_of_files() == result.tree


def pushed(work: Path, files: Sequence[Path], *options: str) -> Path:
    """A patches directory with copies of the files, pushed by quilt; the directory."""
    patches = work.parent / f"{work.name}.patches"
    patches.mkdir()
    for file in files:
        shutil.copy(file, patches)
    (patches / "series").write_text("".join(f"{file.name}\n" for file in files))
    assert "fuzz" not in quilt(work, patches, "push", *options)
    return patches


@pytest.mark.skipif(shutil.which("quilt") is None, reason="quilt is not installed")
def test_openwrt_s_refresh_leaves_the_patches_as_they_are(
    made: tuple[Git, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """include/quilt.mk copies the patches in the order of `ls | sort`; `make target/linux/refresh` refreshes each."""
    git, result = made
    monkeypatch.setenv("QUILT_DIFF_OPTS", "-p")
    result.export(tmp_path / "patches-5.10", format="openwrt")
    tree = worktree(git, tmp_path / "work")
    files = shell_glob(tmp_path / "patches-5.10")
    some = [files[at] for at in (0, 4, 7, 8, 9)]  # text, no final newline, a new file, a deletion, a rename
    patches = pushed(tree.directory, files, some[0].name)
    for at, file in enumerate(some):
        if at:
            quilt(tree.directory, patches, "push", file.name)
        assert b"\ndiff --git " not in file.read_bytes()
        quilt(tree.directory, patches, "refresh", "-p", "ab", "--no-index", "--no-timestamps")
        assert (patches / file.name).read_bytes() == file.read_bytes()
    quilt(tree.directory, patches, "push", "-a")
    assert tree.tree_of_files() == result.tree


def bitbake_words(text: str, name: str) -> list[str]:
    """The words a file adds to a variable, as BitBake reads it: continued lines are one, comments are no lines."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    match = re.search(rf'^{re.escape(name)} (?:\+=|:=) "([^"]*)"$', lines, re.MULTILINE)
    assert match is not None
    return match[1].split()


@pytest.mark.skipif(shutil.which("quilt") is None, reason="quilt is not installed")
def test_yocto_s_do_patch(made: tuple[Git, Result], tmp_path: Path) -> None:
    """patch.bbclass: `file://` URIs of SRC_URI in order, found along FILESPATH, kept that end in .patch, imported into
    a quilt series by their base names and pushed."""
    git, result = made
    layer = tmp_path / "recipes-kernel" / "linux"
    result.export(layer, format="yocto")
    inc = (layer / "mptcp-5.15.inc").read_text()
    (path,) = bitbake_words(inc, "FILESEXTRAPATHS:prepend")
    assert path.endswith(":")
    where = Path(path.rstrip(":").replace("${THISDIR}", str(layer)))
    files = []
    for uri in bitbake_words(inc, "SRC_URI"):
        scheme, _, rest = uri.partition("://")
        name, *parameters = rest.split(";")
        assert scheme == "file"
        assert name.endswith(".patch")
        assert [parameter.split("=")[0] for parameter in parameters] == ["sha256sum"]
        files.append(where / name)
    assert len({file.name for file in files}) == len(files) == len(PATCHES)
    tree = worktree(git, tmp_path / "work")
    pushed(tree.directory, files, "-a")
    assert tree.tree_of_files() == result.tree


def test_yocto_s_kernel_meta_data(made: tuple[Git, Result], tmp_path: Path) -> None:
    """kern-tools: `patch NAME` lines of a .scc, in order, names relative to it; applied with git am."""
    git, result = made
    result.export(tmp_path / "layer", format="yocto")
    scc = tmp_path / "layer" / "mptcp-5.15" / "mptcp-5.15.scc"
    lines = [line for line in scc.read_text().splitlines() if not line.startswith("#")]
    names = [re.fullmatch(r"patch (\S+)", line) for line in lines]
    tree = worktree(git, tmp_path / "work")
    tree.run("am", "--quiet", "--keep-cr", *(str(scc.parent / match[1]) for match in names if match is not None))
    assert tree.run("rev-parse", "HEAD^{tree}") == result.tree


def test_git_reads_a_bundle(made: tuple[Git, Result], tmp_path: Path) -> None:
    """`git bundle verify` and `git fetch` in a repository that has the base and nothing else."""
    git, result = made
    result.export(tmp_path / "q.bundle", format="git-bundle")
    (tmp_path / "receiver.git").mkdir()
    receiver = Git(tmp_path / "receiver.git")
    receiver.run("init", "--quiet", "--bare")
    receiver.run("bundle", "verify", str(tmp_path / "q.bundle"), fails=True)
    receiver.run("fetch", "--quiet", str(git.directory), "base:base")
    assert "requires this ref" in receiver.run("bundle", "verify", str(tmp_path / "q.bundle"))
    assert receiver.run("bundle", "list-heads", str(tmp_path / "q.bundle")) == (
        f"{result.commit} refs/heads/mptcp-5.15"
    )
    receiver.run("fetch", "--quiet", str(tmp_path / "q.bundle"), "refs/heads/*:refs/heads/*")
    assert receiver.run("rev-parse", "mptcp-5.15", "mptcp-5.15^{tree}").split() == [result.commit, result.tree]
    receiver.run("fsck", "--full", "--strict")
    assert int(receiver.run("rev-list", "--count", "base..mptcp-5.15")) == len(PATCHES)


def test_the_list_is_checked_by_sha256sum(made: tuple[Git, Result], tmp_path: Path) -> None:
    _, result = made
    result.export(tmp_path, format="openwrt")
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", ".mptcp-series-mptcp-5.15.sha256"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
