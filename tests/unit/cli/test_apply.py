# SPDX-License-Identifier: MIT
"""`apply`: what the branch holds afterwards, and that nothing moves while a person is needed."""

from __future__ import annotations

import json

import pygit2
import pytest

from .conftest import PROTOCOL, Kernel, Outcome, Repository, run


def messages(repository: Repository, branch: str, stop: str) -> list[str]:
    """Subjects of a branch down to a commit, oldest first."""
    tip = repository.git.branches[branch].target
    found = []
    for commit in repository.git.walk(tip):
        if str(commit.id) == stop:
            break
        found.append(commit.message.split("\n")[0])
    return found[::-1]


def test_one_commit_a_patch_on_a_branch(kernel: Kernel) -> None:
    outcome = run("apply", "--branch", "mptcp", *kernel.on("v5.10"))
    tip = kernel.source.branches()["mptcp"]
    assert outcome == Outcome(
        code=0,
        out=f"""\
q on v5.10: Linux 5.10.0, commit {kernel.old[:12]}

3 patches: 3 clean
5 hunks: 5 applied
branch mptcp: 3 commits, tip {tip}
""",
        err="",
    )
    assert messages(kernel.source, "mptcp", kernel.old) == [
        "mptcp: add a counter",
        "mptcp: hook into tcp",
        "mptcp: a file of its own",
    ]
    tree = kernel.source.git[tip].peel(pygit2.Commit).tree_id
    assert tree == kernel.source.git[kernel.new].peel(pygit2.Commit).tree_id


def test_the_same_input_gives_the_same_ids_wherever_the_files_are(kernel: Kernel) -> None:
    kernel.override("new.patch", "Patch: hook.patch\nDrop: net/ipv4/tcp.c\nReason: why\n---\n")
    absolute = (
        *("--source", str(kernel.source.path)),
        *("--series", str(kernel.series)),
        *("--overrides", str(kernel.overrides)),
    )
    assert run("apply", "--branch", "one", *kernel.on("v5.10")).code == 0
    assert run("apply", "--branch", "two", "--base", "v5.10", *absolute).code == 0
    branches = kernel.source.branches()
    assert branches["one"] == branches["two"]
    second = kernel.source.git[branches["one"]].peel(pygit2.Commit).parents[0]
    assert second.message.endswith("\n\nOverride: q/new.patch\n")


def test_a_committer_of_one_s_own(kernel: Kernel) -> None:
    outcome = run("apply", "--branch", "mptcp", "--committer", "Jörg Ä <j@example.org>", *kernel.on("v5.10"))
    assert outcome.code == 0
    commit = kernel.source.git[kernel.source.branches()["mptcp"]].peel(pygit2.Commit)
    assert (commit.committer.name, commit.committer.email) == ("Jörg Ä", "j@example.org")
    assert commit.author.name == "A U Thor"


def test_a_conflict_writes_nothing(kernel: Kernel) -> None:
    before = kernel.source.branches()
    outcome = run("apply", "--branch", "mptcp", *kernel.on("bsp"))
    assert (outcome.code, outcome.err) == (1, "mptcp-series: error: conflict: hook.patch: net/ipv4/tcp.c\n")
    last = "nothing was written; --partial writes the 1 commit before the first that needs a person"
    assert outcome.out.splitlines()[-1] == last
    assert kernel.source.branches() == before


def test_partial_writes_what_stands_before_the_conflict(kernel: Kernel) -> None:
    outcome = run("apply", "--branch", "mptcp", "--partial", *kernel.on("bsp"))
    assert (outcome.code, outcome.err) == (1, "mptcp-series: error: conflict: hook.patch: net/ipv4/tcp.c\n")
    assert outcome.out.splitlines()[-1] == "branch mptcp: the 1 commit before the first that needs a person"
    assert messages(kernel.source, "mptcp", kernel.bsp) == ["mptcp: add a counter"]


@pytest.mark.parametrize("base", ["work", "heads/work", "refs/heads/work", "HEAD", "@"])
def test_the_branch_of_the_base_is_not_replaced(kernel: Kernel, base: str) -> None:
    kernel.source.commit("work", "ours\n", {}, kernel.old)
    # A bare repository has nothing checked out, and would keep no trace of where the branch was.
    kernel.source.git.set_head("refs/heads/work")
    before = kernel.source.branches()
    message = "branch work is the base, and would be replaced by the result; name another one"
    assert run("apply", "--branch", "work", *kernel.on(base)) == Outcome(
        code=2, out="", err=f"mptcp-series: error: {message}\n"
    )
    assert kernel.source.branches() == before


def test_a_branch_that_is_replaced_is_told(kernel: Kernel) -> None:
    there = kernel.source.commit("mptcp", "somebody's work\n", {}, kernel.old)
    first = run("apply", "--branch", "mptcp", *kernel.on("v5.10"))
    assert first.out.endswith(f" (was {there})\n")
    again = run("apply", "--branch", "mptcp", *kernel.on("v5.10"))
    assert again.out == first.out.replace(f" (was {there})", "")


def test_quiet(kernel: Kernel) -> None:
    assert run("apply", "-q", "--branch", "mptcp", *kernel.on("v5.10")) == Outcome(code=0, out="", err="")
    assert "mptcp" in kernel.source.branches()


def test_json(kernel: Kernel) -> None:
    outcome = run("apply", "--json", "--no-align", "--branch", "mptcp", *kernel.on("v5.10"))
    assert (outcome.code, outcome.err) == (0, "")
    document = json.loads(outcome.out)
    tip = kernel.source.branches()["mptcp"]
    assert document["command"] == "apply"
    assert document["result"] == {
        "commit": tip,
        "tree": str(kernel.source.git[tip].peel(pygit2.Commit).tree_id),
        "branch": "mptcp",
    }
    assert document["patches"][-1]["result_commit"] == tip


def test_into_another_repository(kernel: Kernel) -> None:
    vendor = Repository.make(kernel.source.path.parent / "bsp.git")
    files = {"Makefile": b"VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 7\n", "net/ipv4/tcp.c": b"int other;\n"}
    base = vendor.commit("master", "vendor 5.10.7\n", {**files, "net/mptcp/protocol.c": PROTOCOL})
    (kernel.series / "series").write_text(f"counter.patch # {kernel.counter}\nnew.patch # {kernel.new}\n")
    outcome = run("apply", "--branch", "mptcp", "--repo", "bsp.git", *kernel.options)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[0] == f"q on HEAD: Linux 5.10.7, commit {base[:12]}"
    assert messages(vendor, "mptcp", base) == ["mptcp: add a counter", "mptcp: a file of its own"]
    assert "mptcp" not in kernel.source.branches()


def test_a_branch_name_git_would_not_take(kernel: Kernel) -> None:
    assert run("apply", "--branch", "a..b", *kernel.on("v5.10")) == Outcome(
        code=2,
        out="",
        err="mptcp-series: error: branch name 'a..b' is not valid in git; see git-check-ref-format(1)\n",
    )


@pytest.mark.parametrize("committer", ["A", "A <a b>", "<a@b>", "A <a@b"])
def test_a_committer_that_is_none(kernel: Kernel, committer: str) -> None:
    outcome = run("apply", "--branch", "mptcp", "--committer", committer, *kernel.on("v5.10"))
    assert outcome.code == 2
    assert outcome.err.splitlines()[0] == (
        f"mptcp-series: error: Invalid value for '--committer': {committer!r} is not 'Name <email>'"
    )
