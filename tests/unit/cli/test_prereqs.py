# SPDX-License-Identifier: MIT
"""`prereqs`: its report, its document, how it ends, and what `--write` writes."""

from __future__ import annotations

import json
from pathlib import Path

import pygit2
import pytest

from .conftest import MAKEFILE, Outcome, Repository, run

SOCK = "include/net/sock.h"
MPTCP = "net/mptcp/protocol.c"
HEAD = b"#include <net/sock.h>\n"
RECIPE = """\
# why
[series]
name = "q"
range = "v5.10..v5.15"
match = ["net/mptcp"]
owned = ["net/mptcp/"]
root = "v5.10"
"""
ON = ("--source", "linux.git", "--base", "v5.10")


@pytest.fixture
def world(work: Path) -> dict[str, str]:
    """A queue of one patch that needs a function and is left with a caller of what it removes."""
    source = Repository.make(work / "linux.git")
    base = {"Makefile": MAKEFILE, SOCK: b"int a;\n", MPTCP: HEAD}
    files = {
        **base,
        "include/net/mptcp.h": b"int gone(void);\n",
        "net/core/a.c": b"#include <net/mptcp.h>\nint b = gone();\n",
    }
    old = source.commit("stable", "Linux 5.10\n", files)
    needed = source.commit("main", "net: f\n", {SOCK: b"int a;\nint f(void);\n"}, old)
    code = {MPTCP: HEAD + b"#include <net/mptcp.h>\nint x = f();\nint y = f();\n"}
    patch = source.commit("main", "mptcp: use f\n", code)
    removing = source.commit("main", "mptcp: without gone\n", {"include/net/mptcp.h": b"\n"})
    source.tag("v5.10", old)
    source.tag("v5.15", removing)
    source.tag("v5.10.1", source.commit("stable", "5.10.1\n", {SOCK: b"int a;\nint f(void);\n"}))
    series = work / "series" / "q"
    series.mkdir(parents=True)
    (series / "recipe.toml").write_text(RECIPE)
    (series / "series").write_text(f"use.patch # {patch}\nremove.patch # {removing}\n")
    return {"needed": needed, "patch": patch, "removing": removing}


def fixed(work: Path, world: dict[str, str]) -> None:
    """Leave the queue without the patch that removes something."""
    (work / "series/q/series").write_text(f"use.patch # {world['patch']}\n")


def test_report(world: dict[str, str]) -> None:
    needed = world["needed"]
    assert run("prereqs", *ON) == Outcome(
        code=1,
        out=f"""\
q on v5.10, Linux 5.10.0: what it needs of v5.15
missing  function f, {SOCK}:2
  used by use.patch, {MPTCP}:3 and 1 more line
  introduced by {needed[:12]} net: f, v5.15
  the base's own line has it since v5.10.1
left     net/core/a.c:2 uses function gone
  include/net/mptcp.h:1, removed by remove.patch
1 need: 1 missing, 0 brought by the queue; 1 of 1 use left behind
append to series/q/recipe.toml, or let --write do it:

  [[prerequisite]]
  commit = "{needed}"
  reason = "net: f ({needed[:12]}, v5.15). It brings function f; used by use.patch."
  when = "{SOCK} lacks f("
""",
        err=f"mptcp-series: error: missing: function f, used by use.patch ({MPTCP}:3)\n"
        "mptcp-series: error: left behind: net/core/a.c:2 uses function gone, removed by remove.patch\n",
    )


def test_document(world: dict[str, str]) -> None:
    outcome = run("prereqs", "--json", *ON)
    assert outcome.code == 1
    document = json.loads(outcome.out)
    (need,) = document.pop("needs")
    (reverse,) = document.pop("reverse")
    (proposal,) = document.pop("proposals")
    assert document["base"]["version"] == "5.10.0"
    del document["base"]
    assert document == {
        "schema": 1,
        "command": "prereqs",
        "series": "q",
        "target": "v5.15",
        "upto": "v5.10.1",
        "warnings": [],
        "written": [],
    }
    assert need == {
        "identifier": "f",
        "kind": "function",
        "defined_in": SOCK,
        "line": 2,
        "used_by": [
            {"path": MPTCP, "line": 3, "patch": "use.patch"},
            {"path": MPTCP, "line": 4, "patch": "use.patch"},
        ],
        "introduced_by": {
            "commit": world["needed"],
            "subject": "net: f",
            "upstream": None,
            "release": "v5.15",
            "step": "change",
            "former": None,
        },
        "former_name": None,
        "former_place": None,
        "base_release": "v5.10.1",
        "brought_by": None,
        "answered_by": None,
        "change": None,
        "when": f"{SOCK} lacks f(",
    }
    assert reverse == {
        "identifier": "gone",
        "kind": "function",
        "defined_in": "include/net/mptcp.h",
        "line": 1,
        "removed_by": "remove.patch",
        "used_in": {"path": "net/core/a.c", "line": 2},
        "answered_by": None,
        "change": None,
        "base_release": None,
    }
    assert proposal == {
        "commit": world["needed"],
        "subject": "net: f",
        "identifiers": ["f"],
        "reason": f"net: f ({world['needed'][:12]}, v5.15). It brings function f; used by use.patch.",
        "when": f"{SOCK} lacks f(",
    }


def test_nothing_is_written_unasked(work: Path, world: dict[str, str]) -> None:
    assert run("prereqs", *ON).code == 1
    assert (work / "series/q/recipe.toml").read_text() == RECIPE


def test_an_inline_array_is_shown_and_not_written_to(work: Path, world: dict[str, str]) -> None:
    """TOML lets nobody add to `prerequisite = [...]`."""
    fixed(work, world)
    recipe = work / "series/q/recipe.toml"
    text = f'prerequisite = [{{ commit = "{"e" * 40}", reason = "x" }}]\n{RECIPE}'
    recipe.write_text(text)
    shown = run("prereqs", *ON)
    assert (shown.code, f'  commit = "{world["needed"]}"\n' in shown.out) == (1, True)
    outcome = run("prereqs", "--write", *ON)
    assert (outcome.code, recipe.read_text()) == (2, text)
    assert outcome.err == (
        "mptcp-series: error: series/q/recipe.toml:1: `prerequisite = [...]` cannot be added to; write each entry as a "
        "[[prerequisite]] of its own, at the end\n"
    )


def test_write(work: Path, world: dict[str, str]) -> None:
    fixed(work, world)
    recipe = work / "series/q/recipe.toml"
    outcome = run("prereqs", "--write", *ON)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-2:] == [
        "1 need: 0 missing, 0 brought by the queue, 1 pending; 0 of 0 uses left behind",
        "written to series/q/recipe.toml: 1 prerequisite; `extract` queues them",
    ]
    written = recipe.read_bytes()
    assert written.startswith(RECIPE.encode())
    assert written.count(b"[[prerequisite]]") == 1
    again = run("prereqs", "--write", "--json", *ON)
    assert (again.code, recipe.read_bytes()) == (0, written)
    document = json.loads(again.out)
    assert (document["written"], document["needs"][0]["answered_by"]) == ([], world["needed"])


def test_write_says_what_it_wrote(work: Path, world: dict[str, str]) -> None:
    outcome = run("prereqs", "--write", "--json", *ON)
    # What is left behind needs a person all the same.
    assert outcome.code == 1
    assert json.loads(outcome.out)["written"] == [world["needed"]]
    assert outcome.err.count("error:") == 1


def test_all_is_there(work: Path, world: dict[str, str]) -> None:
    fixed(work, world)
    outcome = run("prereqs", "--source", "linux.git", "--base", "v5.10.1")
    assert outcome == Outcome(
        code=0,
        out="q on v5.10.1, Linux 5.10.0: what it needs of v5.15\n"
        "0 needs: 0 missing, 0 brought by the queue; 0 of 0 uses left behind\n",
        err="",
    )


def test_verbose_shows_what_the_queue_brings(work: Path, world: dict[str, str]) -> None:
    series = work / "series/q/series"
    series.write_text(f"needed.patch # {world['needed']}\nuse.patch # {world['patch']}\n")
    quiet = run("prereqs", *ON)
    assert (quiet.code, "brought by needed.patch" in quiet.out) == (0, False)
    assert f"brought  function f, {SOCK}:2\n" in run("prereqs", "-v", *ON).out
    assert "  brought by needed.patch\n" in run("prereqs", "-v", *ON).out


def test_a_conflict_needs_a_person(work: Path, world: dict[str, str]) -> None:
    source = Repository(path=work / "linux.git", git=pygit2.Repository(str(work / "linux.git")))
    source.commit("vendor", "vendor\n", {MPTCP: b"#include <other.h>\n"}, source.branches()["stable"])
    outcome = run("prereqs", "--source", "linux.git", "--base", "vendor", "-q")
    assert outcome.code == 1
    assert f"conflict: carry-vendor.patch: {MPTCP}" in outcome.err


def test_no_target(work: Path, world: dict[str, str]) -> None:
    (work / "series/q/recipe.toml").write_text(RECIPE + 'target = "v5.15.162"\n')
    outcome = run("prereqs", *ON)
    assert (outcome.code, outcome.out) == (3, "")
    assert "no target to look for definitions in" in outcome.err
    assert "`git fetch --tags` may bring it" in outcome.err


def test_bad_input(work: Path, world: dict[str, str]) -> None:
    assert "unknown revision 'v9'" in run("prereqs", "--source", "linux.git", "--base", "v9").err
    assert run("prereqs", "--source", "linux.git", "--base", "v9").code == 2
    (work / "series/q/recipe.toml").unlink()
    outcome = run("prereqs", *ON)
    assert outcome.code == 2
    assert "a recipe says what to pick and how" in outcome.err


def test_a_tree_that_is_not_whole(work: Path, world: dict[str, str]) -> None:
    """A header of the base is missing from the repository."""
    git = pygit2.Repository(str(work / "linux.git"))
    blob = str(git.revparse_single(f"v5.10:{SOCK}").id)
    (work / "linux.git" / "objects" / blob[:2] / blob[2:]).unlink()
    outcome = run("prereqs", *ON)
    assert outcome.code == 3
    assert f"object {blob} is missing" in outcome.err
