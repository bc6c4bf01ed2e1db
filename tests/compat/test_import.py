# SPDX-License-Identifier: MIT
"""Imports against what git and quilt made: the order of a range, and round trips of mails and patches."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pygit2
import pytest

from mptcp_series.engine.exchange.importing import import_mbox, import_quilt, import_range
from mptcp_series.engine.queue import Queue
from mptcp_series.errors import ShallowSource
from mptcp_series.minikernel.world import build_world

from .conftest import AUTHOR, MAKEFILE, Git, numbered, start
from .test_export_quilt import awkward_history, quilt


def tangled(directory: Path, seed: int) -> tuple[Git, str, str]:
    """A history full of merges, octopuses, equal and backward dates; (git, a commit inside, its tip)."""
    chance = random.Random(seed)
    repo = pygit2.init_repository(str(directory), bare=True)
    tree = repo.TreeBuilder().write()
    commits: list[pygit2.Oid] = []
    time = 1_000_000
    for number in range(60):
        time += chance.choice([0, 0, 1, 60, -30])
        author = pygit2.Signature("A", "a@example.org", time, 0)
        pool = commits[-12:]
        parents = chance.sample(pool, min(chance.choice([1, 1, 1, 2, 2, 3]), len(pool)))
        commits.append(repo.create_commit(None, author, author, f"commit {number}\n", tree, parents))
    repo.references.create("refs/heads/tip", commits[-1])
    return Git(directory), str(commits[chance.randrange(5, 20)]), str(commits[-1])


@pytest.mark.parametrize("seed", range(12))
def test_order_is_that_of_git(tmp_path: Path, seed: int) -> None:
    git, low, high = tangled(tmp_path / "repo.git", seed)
    expected = git.run("rev-list", "--topo-order", "--reverse", "--no-merges", f"{low}..{high}").split()
    imported = import_range(git.directory, f"{low}..{high}", materialise=False)
    assert [entry.pin for entry in imported.series.entries] == expected


def test_order_on_the_mini_kernel(tmp_path: Path) -> None:
    world = build_world(tmp_path)
    for range in ("v5.9..v5.16-rc1", "v5.10..v5.15.5", "v5.10..v5.10.6"):
        expected = Git(world.source).run("log", "--topo-order", "--reverse", "--no-merges", "--format=%H", range)
        imported = import_range(world.source, range, materialise=False)
        assert [entry.pin for entry in imported.series.entries] == expected.split()


def test_materialised_range_is_what_git_am_takes(tmp_path: Path) -> None:
    git, history = start(tmp_path / "repo.git")
    history.commit("base", {"Makefile": MAKEFILE, "a.c": numbered(30)}, "base\n", AUTHOR, 1)
    history.fork("queue", "base")
    history.commit("queue", {"a.c": numbered(30, {3: "x\n"})}, "mptcp: one\nsubject of two lines\n\nBody.\n", AUTHOR, 2)
    history.commit("queue", {"b.c": "Müller\n".encode("latin-1")}, "mptcp: two\n\nB.\n\nC.\n", AUTHOR, 3)
    history.commit("queue", {"c.c": b"1\n", "a.c": None}, "mptcp: two\n", AUTHOR, 4)
    history.publish("base", "queue")
    imported = import_range(git.directory, "base..queue", materialise=True)
    assert imported.names == ("mptcp-one-subject-of-two-lines.patch", "mptcp-two.patch", "mptcp-two-2.patch")
    imported.write(tmp_path / "series")
    git.run("worktree", "add", "-b", "am", str(tmp_path / "work"), "base")
    work = Git(tmp_path / "work")
    work.run("am", *(str(tmp_path / "series" / name) for name in imported.names))
    assert git.run("rev-parse", "am^{tree}") == git.run("rev-parse", "queue^{tree}")
    form = "--format=%an|%ae|%ad|%s|%b"
    assert git.run("log", form, "base..am") == git.run("log", form, "base..queue")
    # Without the source the files speak for themselves.
    offline = Queue.load(tmp_path / "series").apply(git.directory, base="base", align=False).require()
    assert offline.tree == git.run("rev-parse", "queue^{tree}")


@pytest.mark.parametrize(
    "options", [[], ["--cover-letter", "--numbered"], ["--no-renames", "--full-index", "--binary"]]
)
def test_format_patch_is_imported(tmp_path: Path, options: list[str]) -> None:
    """As one mbox and as a directory of files; git's own split must agree, and so must the tree."""
    git = awkward_history(tmp_path / "repo.git")
    out = tmp_path / "out"
    git.run("format-patch", *options, "-o", str(out), "start..queue")
    (tmp_path / "all.mbox").write_bytes(b"".join(path.read_bytes() for path in sorted(out.iterdir())))
    split = tmp_path / "split"
    split.mkdir()
    git.run("mailsplit", "--keep-cr", f"-o{split}", str(tmp_path / "all.mbox"))
    mails = {path.name: path.read_bytes() for path in sorted(split.iterdir())}

    one, many = import_mbox(tmp_path / "all.mbox"), import_mbox(out)
    assert one.files == many.files
    assert one.series == many.series
    assert [one.files[name] for name in one.names] == list(mails.values())[1 if "--numbered" in options else 0 :]
    assert one.unlisted == (("*** SUBJECT HERE ***",) if "--numbered" in options else ())
    assert many.unlisted == (("0000-cover-letter.patch",) if "--numbered" in options else ())

    one.write(tmp_path / "imported")
    result = Queue.load(tmp_path / "imported").apply(git.directory, base="start", align=False).require()
    assert result.tree == git.run("rev-parse", "queue^{tree}")


@pytest.mark.skipif(shutil.which("quilt") is None, reason="quilt is not installed")
def test_a_queue_that_quilt_made_is_imported(tmp_path: Path) -> None:
    git, history = start(tmp_path / "repo.git")
    history.commit("base", {"Makefile": MAKEFILE, "a.c": numbered(30), "gone.c": b"gone\n"}, "base\n", AUTHOR, 1)
    history.publish("base")
    git.run("worktree", "add", "--detach", str(tmp_path / "work"), "base")
    work, patches = tmp_path / "work", tmp_path / "patches"
    for number, options in enumerate((["-p1"], ["-p0"], ["-pab"])):
        quilt(work, patches, "new", f"{number}.patch")
        quilt(work, patches, "add", "a.c", f"new{number}.c", *(["gone.c"] if number == 1 else []))
        (work / "a.c").write_bytes(numbered(30, {at + 10: f"changed {at}\n" for at in range(number + 1)}))
        (work / f"new{number}.c").write_bytes(b"new\n")
        (work / "gone.c").unlink(missing_ok=number != 1) if number == 1 else None
        quilt(work, patches, "refresh", *options)
    imported = import_quilt(patches)
    assert [entry.strip for entry in imported.series.entries] == [1, 0, 1]
    assert imported.series.render() == (patches / "series").read_bytes()
    assert imported.files == {name: (patches / name).read_bytes() for name in imported.names}
    imported.write(tmp_path / "series")
    result = Queue.load(tmp_path / "series").apply(git.directory, base="base", align=False).require()
    assert Git(work).tree_of_files() == result.tree


def test_a_range_cut_by_a_shallow_clone_is_refused(tmp_path: Path) -> None:
    world = build_world(tmp_path)
    git = Git(tmp_path)
    git.run("clone", "--bare", "--depth=5", "--branch=v5.15", f"file://{world.source}", "shallow.git")
    shallow = Git(tmp_path / "shallow.git")
    tip = shallow.run("rev-parse", "HEAD~2")
    shallow.run("fetch", "--depth=1", "origin", "v5.10")
    shallow.run("tag", "v5.10", "FETCH_HEAD")
    with pytest.raises(ShallowSource, match=r"cut inside v5\.10\.\.HEAD"):
        import_range(shallow.directory, "v5.10..HEAD", materialise=False)
    assert len(import_range(shallow.directory, f"{tip}..HEAD", materialise=False).names) >= 1
