# SPDX-License-Identifier: MIT
"""The commands on a source directory without git, and fuzz where it is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mptcp_series.engine.directory import changes as changes_module

from ..directories import contents, unpack
from .conftest import MAKEFILE, Kernel, run

TREE = "bsp-kernel"


@pytest.fixture
def tree(kernel: Kernel) -> Path:
    return unpack(Path("linux.git"), kernel.old, Path(TREE))


def on(kernel: Kernel) -> tuple[str, ...]:
    return (*kernel.options, "--repo", TREE)


def test_apply_patches_the_directory_and_says_so(kernel: Kernel, tree: Path) -> None:
    before = contents(tree)
    checked = run("check", *on(kernel))
    assert (checked.code, checked.out.splitlines()[0]) == (0, f"q on {TREE}: Linux 5.10.0")
    assert contents(tree) == before
    outcome = run("apply", *on(kernel))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-1] == f"directory {TREE}: 3 patches, 3 files written"
    assert contents(tree) == contents(unpack(Path("linux.git"), "main", Path("wanted")))


def test_json_of_a_directory(kernel: Kernel, tree: Path) -> None:
    document = json.loads(run("apply", *on(kernel), "--json").out)
    assert document["base"] == {"rev": TREE, "commit": None, "version": "5.10.0"}
    assert document["result"]["directory"] == TREE
    assert document["result"]["files"] == ["net/ipv4/tcp.c", "net/mptcp/pm.c", "net/mptcp/protocol.c"]
    assert [document["result"][name] for name in ("commit", "tree", "branch")] == [None, None, None]
    assert {patch["result_commit"] for patch in document["patches"]} == {None}
    again = run("apply", *on(kernel), "--json")
    found = json.loads(again.out)
    # A script that reads the account finds every key that the first run had.
    assert (again.code, set(found) - {"already_applied"}, set(found["result"])) == (
        0,
        set(document),
        set(document["result"]),
    )
    assert {key: found[key] for key in ("series", "base", "stack")} == {
        key: document[key] for key in ("series", "base", "stack")
    }
    assert found["already_applied"] is True
    assert found["result"] == {**document["result"], "files": []}
    assert found["counts"] == dict.fromkeys(document["counts"], 0)
    assert (found["patches"], set(found["alignment"])) == ([], set(document["alignment"]))
    assert found["overrides"] == {"used": [], "not_needed": [], "drift": []}


def test_a_second_run_changes_nothing(kernel: Kernel, tree: Path) -> None:
    assert run("apply", *on(kernel)).code == 0
    after = contents(tree)
    again = run("apply", *on(kernel))
    said = f"{TREE}/.mptcp-series.applied: q (3 patches) was applied here; a queue is applied to the unpatched tree"
    assert (again.code, again.out.splitlines()) == (0, [said, "nothing to do"])
    edited = kernel.series / "counter.patch"
    edited.write_text("edited, and not used\n")
    warned = run("apply", *on(kernel))
    assert (warned.code, warned.out.splitlines()[0], warned.out.splitlines()[2:]) == (0, said, ["nothing to do"])
    assert warned.out.splitlines()[1].startswith("warning: series/q/series:1: counter.patch is read from its pin")
    warnings = json.loads(run("apply", *on(kernel), "--json").out)["alignment"]["warnings"]
    assert [f"warning: {one}" for one in warnings] == warned.out.splitlines()[1:2]
    edited.unlink()
    checked = run("check", *on(kernel))
    assert (checked.code, checked.err) == (2, f"mptcp-series: error: {said}\n")
    changed = run("apply", *on(kernel), "--no-align")
    assert (changed.code, changed.err) == (2, f"mptcp-series: error: {said}\n")
    assert contents(tree) == after


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--branch", "x"), f"--branch is for git repositories, and {TREE} is a directory without git"),
        (
            ("--committer", "A <a@example.org>"),
            f"--committer is for git repositories, and {TREE} is a directory without git",
        ),
        (
            ("--base", "v5.10"),
            f"--base: {TREE} is a source directory without git, which has no revisions; leave the base out",
        ),
    ],
)
def test_options_that_do_not_go_with_a_directory(
    kernel: Kernel, tree: Path, options: tuple[str, ...], why: str
) -> None:
    before = contents(tree)
    outcome = run("apply", *on(kernel), *options)
    assert outcome.code == 2
    assert why in outcome.err
    assert contents(tree) == before


def test_a_repository_needs_a_branch(kernel: Kernel) -> None:
    outcome = run("apply", *kernel.on("v5.10"))
    assert outcome.code == 2
    assert "linux.git is a git repository: name the branch to write with --branch" in outcome.err


def test_a_base_of_the_settings_is_for_the_repository_they_name(
    kernel: Kernel, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Path("mptcp-series.toml")
    settings.write_text('source = "linux.git"\nrepo = "linux.git"\nbase = "v5.10"\n')
    assert run("check", "--repo", TREE, "--series", "series/q").code == 0
    settings.write_text(f'source = "linux.git"\nrepo = "{TREE}"\nbase = "v5.10"\n')
    outcome = run("check", "--series", "series/q")
    assert outcome.code == 2
    assert "mptcp-series.toml:3: " in outcome.err
    monkeypatch.setenv("MPTCP_SERIES_BASE", "v5.10")
    assert "MPTCP_SERIES_BASE: " in run("check", "--series", "series/q").err


def test_what_a_killed_run_left_is_resumed_and_told(
    kernel: Kernel, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(changes_module, "_commit", die)
        with pytest.raises(Killed):
            run("apply", *on(kernel))
    checked = run("check", *on(kernel))
    assert checked.code == 3
    assert "a run of `mptcp-series apply` was killed here" in checked.err
    outcome = run("apply", *on(kernel))
    assert (outcome.code, outcome.err) == (
        0,
        f"mptcp-series: warning: a run that was killed in {TREE} was resumed: 3 files\n",
    )
    assert outcome.out.splitlines()[-1] == "nothing to do"
    assert contents(tree) == contents(unpack(Path("linux.git"), "main", Path("wanted")))


def test_export_and_rebase_read_directories(kernel: Kernel, tree: Path) -> None:
    before = contents(tree)
    assert run("export", *on(kernel), "--to", "patches").code == 0
    assert run("export", *kernel.on("v5.10"), "--to", "wanted").code == 0
    assert contents(Path("patches")) == contents(Path("wanted"))
    other = unpack(Path("linux.git"), kernel.old, Path("other"))
    (other / "net/ipv4/tcp.c").write_bytes(b"/* a vendor's */\n" + (other / "net/ipv4/tcp.c").read_bytes())
    moved = run("rebase", *kernel.options, "--from", TREE, "--to", "./other")
    assert (moved.code, moved.out.splitlines()[0]) == (0, f"q: {TREE} to ./other")
    assert "3 unchanged" in moved.out
    refused = run("rebase", *kernel.options, "--from", TREE, "--to", "other", "--branch", "x")
    assert refused.code == 2
    assert "other is a directory without git; `apply --repo other` patches it" in refused.err
    assert contents(tree) == before


def test_resolve_does_not_write_into_the_base(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = unpack(Path("linux.git"), kernel.bsp, Path(TREE)).resolve()
    before = contents(tree)
    options = ("--source", "../linux.git", "--series", "../series/q", "--repo", ".")
    monkeypatch.chdir(tree)
    inside = run("resolve", *options)
    assert inside.code == 2
    assert "the base, which stays as it is; name another place with --dir" in inside.err
    assert contents(tree) == before
    laid = run("resolve", *options, "--dir", "../work")
    assert (laid.code, contents(tree)) == (1, before)
    assert run("resolve", "--dir", "../work", "--skip", "--reason", "theirs is better").code in (0, 1)
    assert contents(tree) == before


FUZZY = b"""--- a/net/ipv4/tcp.c
+++ b/net/ipv4/tcp.c
@@ -9,5 +9,5 @@
 int other;
 int tcp10;
-int tcp11;
+int changed;
 int tcp12;
 int tcp13;
"""


@pytest.fixture
def fuzzy(tree: Path) -> tuple[str, ...]:
    directory = Path("series/fuzzy")
    directory.mkdir()
    (directory / "series").write_text("fuzzy.patch\n")
    (directory / "fuzzy.patch").write_bytes(FUZZY)
    return ("--series", "series/fuzzy", "--repo", TREE)


def test_fuzz_only_when_asked_for(fuzzy: tuple[str, ...], tree: Path) -> None:
    without = run("check", *fuzzy)
    assert without.code == 1
    assert "are nowhere in the file; with fuzz 1 it fits at line 10" in without.out
    document = json.loads(run("check", *fuzzy, "--fuzz", "2", "--json").out)
    (patch,) = document["patches"]
    assert (patch["status"], patch["fuzz"], patch["paths"]) == (
        "merged",
        1,
        [{"path": "net/ipv4/tcp.c", "status": "merged", "fuzz": 1}],
    )
    applied = run("apply", *fuzzy, "--fuzz", "1")
    assert applied.code == 0
    assert "net/ipv4/tcp.c (fuzz 1)" in applied.out
    assert b"int tcp9;\nint tcp10;\nint changed;\nint tcp12;\n" in (tree / "net/ipv4/tcp.c").read_bytes()


def test_no_fuzz_is_recorded_as_none(kernel: Kernel, tree: Path) -> None:
    document = json.loads(run("check", *on(kernel), "--json").out)
    assert {patch["fuzz"] for patch in document["patches"]} == {0}


def test_a_directory_that_is_neither(work: Path) -> None:
    Path("empty").mkdir()
    Path("series/q").mkdir(parents=True)
    Path("series/q/series").write_text("a.patch\n")
    Path("series/q/a.patch").write_bytes(FUZZY)
    outcome = run("check", "--repo", "empty")
    assert outcome.code == 3
    assert "empty: neither a git repository nor a kernel source directory (no Makefile)" in outcome.err
    Path("empty/Makefile").write_bytes(MAKEFILE)
    assert run("check", "--repo", "empty").code == 1
