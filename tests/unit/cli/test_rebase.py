# SPDX-License-Identifier: MIT
"""`rebase`: what became of each patch, the account in a file, the directory that is brought along."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import MAKEFILE, TCP, Kernel, Outcome, run

UPSTREAM = TCP.replace(b"int tcp5;\n", b"int tcp5_hook;\n").replace(b"int tcp25;\n", b"int last;\n")
VENDOR = UPSTREAM.replace(b"int tcp5_hook;", b"int vendor;")


def sublevel(number: int) -> bytes:
    return MAKEFILE.replace(b"SUBLEVEL = 0", b"SUBLEVEL = %d" % number)


@pytest.fixture
def releases(kernel: Kernel) -> dict[str, str]:
    """v5.10.1 has a line before the hook, v5.10.2 the hook of tcp itself, v5.10.3 another one in its place."""
    source = kernel.source
    found = {}
    for number, files in (
        (1, {"net/ipv4/tcp.c": b"int first;\n" + TCP}),
        (2, {"net/ipv4/tcp.c": b"int first;\n" + UPSTREAM}),
        (3, {"net/ipv4/tcp.c": b"int first;\n" + VENDOR}),
    ):
        found[f"change{number}"] = source.commit("stable", f"tcp: change {number}\n", files)
        found[f"v5.10.{number}"] = source.commit(
            "stable", f"Linux 5.10.{number}\n", {"Makefile": sublevel(number), "README": b"%d\n" % number}
        )
        source.tag(f"v5.10.{number}", found[f"v5.10.{number}"])
    return found


def exported(kernel: Kernel, base: str) -> Path:
    assert run("export", *kernel.on(base), "--to", "patches", "-q").code == 0
    return Path("patches")


def test_unchanged(kernel: Kernel, releases: dict[str, str]) -> None:
    assert run("rebase", *kernel.options, "--from", "v5.10", "--to", "v5.10.1") == Outcome(
        code=0, out="q: v5.10 to v5.10.1\n\n3 entries: 3 unchanged\n", err=""
    )


def test_refreshed_and_rewritten(kernel: Kernel, releases: dict[str, str]) -> None:
    place = exported(kernel, "v5.10")
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    arguments = ("--from", "v5.10", "--to", "v5.10.2", "--rewrite", "patches", "--branch", "moved")
    tip = run("check", *kernel.on("v5.10.2"), "--json").out
    assert run("rebase", *kernel.options, *arguments) == Outcome(
        code=0,
        out=f"""\
q: v5.10 to v5.10.2

refreshed: hook.patch
  net/ipv4/tcp.c

3 entries: 2 unchanged, 1 refreshed
branch moved: tip {json.loads(tip)["result"]["commit"]}
1 file of patches rewritten
""",
        err="",
    )
    after = {path.name: path.read_bytes() for path in place.iterdir()}
    assert [name for name in sorted(after) if before[name] != after[name]] == ["hook.patch"]
    assert kernel.source.branches()["moved"] == json.loads(tip)["result"]["commit"]


def test_a_person_is_needed(kernel: Kernel, releases: dict[str, str]) -> None:
    place = exported(kernel, "v5.10")
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    branches = kernel.source.branches()
    arguments = ("--from", "v5.10", "--to", "v5.10.3", "--rewrite", "patches", "--branch", "moved")
    found = run("rebase", *kernel.options, *arguments, "--report", "account.md")
    change = releases["change3"]
    assert found.code == 1
    assert found.err == "mptcp-series: error: conflict: hook.patch: net/ipv4/tcp.c\n"
    assert found.out.startswith(
        f"q: v5.10 to v5.10.3\n\nnewly in conflict: hook.patch (since v5.10.3, {change[:12]} tcp: change 3)\n"
        "  net/ipv4/tcp.c\n\nconflict in hook.patch\n  net/ipv4/tcp.c, hunk 7e6bba4ccff6\n"
    )
    assert found.out.endswith("\n3 entries: 2 unchanged, 1 newly in conflict\n")
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    assert kernel.source.branches() == branches
    assert (
        Path("account.md").read_text()
        == f"""\
## q: v5.10 (5.10.0) → v5.10.3

2 unchanged, 1 newly in conflict.

**A person is needed:**

- conflict: hook.patch: net/ipv4/tcp.c

| patch | what changed | where | since |
| --- | --- | --- | --- |
| mptcp: hook into tcp | newly in conflict | `net/ipv4/tcp.c` | v5.10.3, {change[:12]} tcp: change 3 |
"""
    )


def test_the_other_way(kernel: Kernel, releases: dict[str, str]) -> None:
    found = run("rebase", *kernel.options, "--from", "v5.10.3", "--to", "v5.10.1")
    change = releases["change3"]
    assert found == Outcome(
        code=0,
        out=f"""\
q: v5.10.3 to v5.10.1
note: v5.10.3 itself needs a person: 1 thing is to settle there; of these only what changed is told
note: v5.10.1 is older than v5.10.3: what comes back, and what collides, does so because the older base lacks what is \
named

no longer in conflict: hook.patch (without v5.10.3, {change[:12]} tcp: change 3)
  net/ipv4/tcp.c

3 entries: 2 unchanged, 1 no longer in conflict
""",
        err="",
    )


def test_the_document(kernel: Kernel, releases: dict[str, str]) -> None:
    place = exported(kernel, "v5.10")
    arguments = ("--from", "v5.10", "--to", "v5.10.2", "--rewrite", str(place), "--json")
    found = run("rebase", *kernel.options, *arguments)
    subjects = {"counter.patch": "mptcp: add a counter", "new.patch": "mptcp: a file of its own"}

    def unchanged(name: str) -> dict[str, object]:
        return {
            "name": name,
            "series": "q",
            "subject": subjects[name],
            "before": "clean",
            "after": "clean",
            "move": "unchanged",
            "paths": [],
            "since": None,
        }

    assert (found.code, found.err) == (0, "")
    assert json.loads(found.out) == {
        "schema": 1,
        "command": "rebase",
        "series": "q",
        "from": {"rev": "v5.10", "commit": kernel.old, "version": "5.10.0"},
        "to": {"rev": "v5.10.2", "commit": releases["v5.10.2"], "version": "5.10.2"},
        "counts": {"unchanged": 2, "refreshed": 1},
        "patches": [
            unchanged("counter.patch"),
            {
                "name": "hook.patch",
                "series": "q",
                "subject": "mptcp: hook into tcp",
                "before": "clean",
                "after": "clean",
                "move": "refreshed",
                "paths": ["net/ipv4/tcp.c"],
                "since": None,
            },
            unchanged("new.patch"),
        ],
        "overrides": [],
        "reasons": [],
        "notes": [],
        "branch": None,
        "rewritten": ["patches/hook.patch"],
    }


def test_verbose_shows_every_patch_and_every_base(kernel: Kernel, releases: dict[str, str]) -> None:
    found = run("rebase", "-v", *kernel.options, "--from", "v5.10", "--to", "v5.10.3")
    assert "unchanged: counter.patch\n" in found.out
    replays = [line for line in found.err.splitlines() if line.startswith("replay on ")]
    assert replays[:2] == ["replay on v5.10", "replay on v5.10.3"]
    assert "replay on v5.10.2" in replays


def test_overrides(kernel: Kernel, releases: dict[str, str]) -> None:
    kernel.override("skip.patch", "Patch: hook.patch\nBase: >=5.10.3\nSkip: yes\nReason: why\n")
    found = run("rebase", *kernel.options, "--from", "v5.10", "--to", "v5.10.3")
    assert found == Outcome(
        code=0,
        out="q: v5.10 to v5.10.3\n\nnewly skipped: hook.patch\n\n3 entries: 2 unchanged, 1 newly skipped\n"
        "override newly needed: q/skip.patch\n",
        err="",
    )


def test_bad_input(kernel: Kernel, releases: dict[str, str]) -> None:
    cases = {
        ("--from", "v5.10", "--to", "v5.10.9"): (
            2,
            f"mptcp-series: error: {kernel.source.git.path}: unknown revision 'v5.10.9'; "
            "`git fetch --tags` may bring it\n",
        ),
        ("--from", "v5.10"): (
            2,
            "mptcp-series: error: Missing option '--to'.\n"
            "mptcp-series: hint: `mptcp-series rebase --help` shows what it takes\n",
        ),
        ("--from", "v5.10", "--to", "v5.10.1", "--rewrite", "nowhere"): (
            2,
            "mptcp-series: error: --rewrite: nowhere is no directory; `export --format quilt` makes one\n"
            "mptcp-series: hint: `mptcp-series rebase --help` shows what it takes\n",
        ),
        ("--from", "v5.10", "--to", "v5.10.1", "--rewrite", "."): (
            2,
            "mptcp-series: error: series: no such file; `export --format quilt` makes a directory of patches with "
            "one\n",
        ),
    }
    for arguments, (code, message) in cases.items():
        found = run("rebase", *kernel.options, *arguments)
        assert (found.code, found.err) == (code, message)


def test_a_directory_that_is_refused_moves_no_branch(kernel: Kernel, releases: dict[str, str]) -> None:
    place = exported(kernel, "v5.10")
    (place / "series").write_text("theirs.patch\n")
    branches = kernel.source.branches()
    arguments = ("--from", "v5.10", "--to", "v5.10.1", "--rewrite", "patches", "--branch", "moved")
    found = run("rebase", *kernel.options, *arguments)
    assert (found.code, found.err) == (
        2,
        "mptcp-series: error: patches/series:1: theirs.patch is no entry of the queue\n",
    )
    assert kernel.source.branches() == branches
