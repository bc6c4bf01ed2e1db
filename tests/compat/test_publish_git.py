# SPDX-License-Identifier: MIT
"""Published results beside real git: sound objects, readable packs, stable ids, whatever git is told."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mptcp_series import Queue
from mptcp_series.engine.replay.replay import Replay
from mptcp_series.engine.store.publish import write_branch
from mptcp_series.errors import BadInput

from ..unit.conftest import Content, Files, Lab
from .conftest import MAKEFILE, Git, numbered

F = "net/mptcp/f.c"


def fresh(directory: Path) -> tuple[Git, Lab]:
    """A new bare repository, for git and for us."""
    return Git(directory), Lab(pygit2.init_repository(str(directory), bare=True, initial_head="base"))


STEPS: list[Files] = [
    {"Makefile": MAKEFILE, F: numbered(300), "caf\xe9": b"\0\xff", "a.b": b"1", "a/b": b"2", "a0": b"3"},
    {"Makefile": MAKEFILE, F: numbered(300, {5: "x\n"}), "caf\xe9": b"\0\xfe", "a.b": b"1", "a/b": b"2", "a0": b"3"},
    {"Makefile": MAKEFILE, F: numbered(300, {5: "x\n", 250: "y\n"}), "a.b": b"1", "a/b": (0o100755, b"2"), "a0": b"3"},
    {"Makefile": MAKEFILE, F: numbered(300, {250: "y\n"}), "a": (0o120000, b"a0"), "a.b": b"4", "a0": b"3"},
    {
        "Makefile": MAKEFILE,
        "net/renamed.c": numbered(300, {250: "y\n", 9: ""}),
        "a.b/c": b"4",
        "a0": b"3",
        "sub": (0o160000, b"s" * 20),
    },
]


def queue(root: Path, lab: Lab, steps: list[Files]) -> tuple[Queue, list[str]]:
    """A queue of pins that leads through these states."""
    pins = [lab.commit(steps[0], "start\n")]
    for at, step in enumerate(steps[1:]):
        pins.append(lab.commit(step, f"mptcp: step {at}\n", pins[-1:]))
    (root / "series").mkdir()
    (root / "series" / "series").write_text("".join(f"{at}.patch # {pin}\n" for at, pin in enumerate(pins[1:])))
    return Queue.load(root / "series", source=lab.repo.path), pins


def test_fsck_and_ids(tmp_path: Path) -> None:
    git, lab = fresh(tmp_path / "repo.git")
    loaded, pins = queue(tmp_path, lab, STEPS)
    result = loaded.apply(lab.repo.path, base=pins[0], align=False).require().write_branch("mptcp")
    assert git.run("fsck", "--strict", "--full", "--no-dangling", "--no-progress") == ""
    assert git.run("rev-parse", "mptcp", "mptcp^{tree}").split() == [result.commit, result.tree]
    assert git.run("rev-parse", f"{pins[-1]}^{{tree}}") == result.tree
    assert git.run("rev-list", "--count", f"{pins[0]}..mptcp") == str(len(STEPS) - 1)
    assert git.run("diff", "--name-status", pins[-1], "mptcp") == ""
    (pack,) = (tmp_path / "repo.git" / "objects" / "pack").glob("*.idx")
    assert "chain length" in git.run("verify-pack", "--verbose", str(pack)) or git.run("verify-pack", str(pack)) == ""
    # git itself, with the same author, committer and message, makes the same commits.
    again = pins[0]
    for commit in git.run("rev-list", "--reverse", f"{pins[0]}..mptcp").split():
        environment = {
            f"GIT_{who}_{what}": git.run("log", "-1", "--date=raw", f"--format=%{letter}{form}", commit)
            for who, letter in (("AUTHOR", "a"), ("COMMITTER", "c"))
            for what, form in (("NAME", "n"), ("EMAIL", "e"), ("DATE", "d"))
        }
        again = git.run(
            "commit-tree",
            f"{commit}^{{tree}}",
            "-p",
            again,
            data=git.run("log", "-1", "--format=%B", commit).encode() + b"\n",
            environment=environment,
        )
    assert again == result.commit


def test_gc_and_clone_keep_everything(tmp_path: Path) -> None:
    git, lab = fresh(tmp_path / "repo.git")
    loaded, pins = queue(tmp_path, lab, STEPS)
    result = loaded.apply(lab.repo.path, base=pins[0], align=False).require().write_branch("mptcp")
    git.run("update-ref", "refs/heads/upstream", pins[-1])
    git.run("gc", "--quiet", "--prune=now")
    assert git.run("rev-parse", "mptcp") == result.commit
    assert git.run("fsck", "--strict", "--full", "--no-progress") == ""
    # After that, publishing the same again finds all of it.
    same = loaded.apply(lab.repo.path, base="mptcp~4", align=False).require()
    assert same.commit == result.commit


def test_base_and_source_apart(tmp_path: Path) -> None:
    """The source's blobs come along; the base's repository alone is sound."""
    _, source = fresh(tmp_path / "source.git")
    loaded, pins = queue(tmp_path, source, STEPS)
    git, home = fresh(tmp_path / "home.git")
    base = home.commit({**STEPS[0], "drivers/own.c": b"vendor\n"}, "base\n")
    before = git.run("for-each-ref")
    result = loaded.apply(home.repo.path, base=base, align=False).require()
    assert git.run("for-each-ref") == before
    assert git.run("count-objects", "-v").split("\n")[3] == "packs: 0"
    result.write_branch("mptcp")
    assert git.run("fsck", "--strict", "--full", "--no-progress", "--no-dangling") == ""
    assert git.run("for-each-ref", "--format=%(refname) %(objectname)") == f"refs/heads/mptcp {result.commit}"
    assert git.run("show", "mptcp:drivers/own.c") == "vendor"
    assert pins[0] != base


def test_a_read_only_repository_is_checked(tmp_path: Path) -> None:
    git, lab = fresh(tmp_path / "repo.git")
    loaded, pins = queue(tmp_path, lab, STEPS)
    git.run("update-ref", "refs/heads/base", pins[0])
    before = {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in git.directory.rglob("*")}
    assert loaded.apply(lab.repo.path, base="base", align=False).complete
    after = {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in git.directory.rglob("*")}
    assert after == before


def test_branch_checked_out(tmp_path: Path) -> None:
    git, lab = fresh(tmp_path / "repo.git")
    loaded, pins = queue(tmp_path, lab, STEPS[:3])
    git.run("update-ref", "refs/heads/base", pins[0])
    git.run("worktree", "add", "--quiet", str(tmp_path / "tree"), "base")
    work = Git(tmp_path / "tree")
    result = loaded.apply(tmp_path / "tree", base=pins[0], align=False).require()
    for name in ("base", "refs/heads/base"):
        with pytest.raises(BadInput) as caught:
            result.write_branch(name)
        assert (
            str(caught.value)
            == f"branch {name} is checked out in {tmp_path / 'tree'}; name another one, or switch away first"
        )
    result.write_branch("mptcp")
    assert (work.run("status", "--porcelain"), work.run("rev-parse", "mptcp")) == ("", result.commit)
    assert work.run("fsck", "--strict", "--no-progress", "--no-dangling") == ""


CONTENT: st.SearchStrategy[Content] = st.one_of(
    st.integers(1, 60).map(lambda at: numbered(60, {at: "x\n", 61 - at: "yy\n"})),
    st.binary(max_size=40),
    st.just((0o100755, b"a\n")),
    st.just((0o120000, b"target")),
)
STATES = st.lists(
    st.dictionaries(st.sampled_from(["f", "g", "d/f", "d/e/g", "d.e"]), CONTENT, max_size=4), min_size=2, max_size=5
)


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(states=STATES)
def test_git_reads_every_pack(tmp_path_factory: pytest.TempPathFactory, states: list[Files]) -> None:
    """Law: whatever a run makes, deltas and all, `git fsck --strict` has nothing to say."""
    directory = tmp_path_factory.mktemp("pack")
    git, lab = fresh(directory / "repo.git")
    items = [lab.pick(before, after, name=f"{at}.patch") for at, (before, after) in enumerate(pairwise(states))]
    base = lab.commit(states[0])
    replay = Replay(objects=lab.objects, base=bytes.fromhex(base), base_tree=lab.tree(states[0]), base_name="base")
    result = replay.run(items)
    write_branch(lab.objects, "mptcp", result.commit, message="why")
    assert git.run("fsck", "--strict", "--full", "--no-dangling", "--no-progress") == ""
    assert git.run("rev-parse", "mptcp^{tree}") == str(pygit2.Oid(raw=lab.tree(states[-1])))
