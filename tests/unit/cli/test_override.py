# SPDX-License-Identifier: MIT
"""`override list`, `show` and `check`."""

from __future__ import annotations

import json

import pytest

from .conftest import Kernel, Outcome, run

FIRST, LAST = "7e6bba4ccff6", "2cc5188556ce"

HOOK = f"""Patch: hook.patch
Base: >=5.10.0,<5.11
When: net/ipv4/tcp.c has int vendor;
Drop: net/ipv4/tcp.c#{FIRST}
Reason: the vendor has its own
 hook there
---
--- a/net/ipv4/tcp.c
+++ b/net/ipv4/tcp.c
@@ -3,5 +3,5 @@
 int tcp3;
 int tcp4;
-int vendor;
+int vendor_hook;
 int tcp6;
 int tcp7;
"""
SKIP = "Patch: mptcp: a file of its own\nBase: >=5.11\nSkip: yes\nOptional: yes\nReason: later\n---\n"


@pytest.fixture
def adapted(kernel: Kernel) -> Kernel:
    """The kernel with two overrides."""
    kernel.override("hook.patch", HOOK)
    kernel.override("skip.patch", SKIP)
    return kernel


def listed(kernel: Kernel, hook: str = "", skip: str = "") -> str:
    return f"""\
{kernel.overrides}/hook.patch
  patch     hook.patch
  bases     >=5.10.0,<5.11
  when      net/ipv4/tcp.c has int vendor;
  effect    drops 1 hunk; changes net/ipv4/tcp.c
  reason    the vendor has its own
{hook}
{kernel.overrides}/skip.patch
  patch     mptcp: a file of its own (optional)
  bases     >=5.11
  effect    skips the patch
  reason    later
{skip}"""


def test_list(adapted: Kernel) -> None:
    assert run("override", "list", "--series", "series/q") == Outcome(code=0, out=listed(adapted), err="")


def test_list_on_a_base(adapted: Kernel) -> None:
    assert run("override", "list", *adapted.on("bsp")) == Outcome(
        code=0, out=listed(adapted, "  in force  yes\n", "  in force  no\n"), err=""
    )
    assert run("override", "list", *adapted.on("v5.10")).out.count("in force  no") == 2


def test_list_needs_no_series_file(adapted: Kernel) -> None:
    (adapted.series / "series").unlink()
    assert run("override", "list").out == listed(adapted)


def test_list_of_none(kernel: Kernel) -> None:
    assert run("override", "list") == Outcome(code=0, out="no overrides\n", err="")


def test_list_json(adapted: Kernel) -> None:
    assert json.loads(run("override", "list", "--json", *adapted.on("bsp")).out) == {
        "schema": 1,
        "command": "override list",
        "base": {"rev": "bsp", "commit": adapted.bsp, "version": "5.10.0"},
        "overrides": [
            {
                "file": f"{adapted.overrides}/hook.patch",
                "patch": "hook.patch",
                "commit": None,
                "base": ">=5.10.0,<5.11",
                "when": ["net/ipv4/tcp.c has int vendor;"],
                "skip": False,
                "drop": [f"net/ipv4/tcp.c#{FIRST}"],
                "diff": ["net/ipv4/tcp.c"],
                "optional": False,
                "reason": "the vendor has its own\nhook there",
                "in_force": True,
            },
            {
                "file": f"{adapted.overrides}/skip.patch",
                "patch": "mptcp: a file of its own",
                "commit": None,
                "base": ">=5.11",
                "when": [],
                "skip": True,
                "drop": [],
                "diff": [],
                "optional": True,
                "reason": "later",
                "in_force": False,
            },
        ],
    }


def test_every_problem_of_every_override(kernel: Kernel) -> None:
    kernel.override("a.patch", "Patch: x\nSkip: maybe\n---\n")
    kernel.override("b.patch", "Drop: a.c\nReason: y\n---\n")
    assert run("override", "list") == Outcome(
        code=2,
        out="",
        err=f"mptcp-series: error: {kernel.overrides}/a.patch:2: field 'Skip': bad value 'maybe' (expected yes or no)\n"
        f"mptcp-series: error: {kernel.overrides}/a.patch: missing field 'Reason'\n"
        f"mptcp-series: error: {kernel.overrides}/b.patch: missing field 'Patch' or 'Commit'\n",
    )


SHOWN = """\
{overrides}/hook.patch
  patch     hook.patch
  bases     >=5.10.0,<5.11
  when      net/ipv4/tcp.c has int vendor;
  effect    drops 1 hunk; changes net/ipv4/tcp.c
  reason    the vendor has its own
            hook there

upstream: hook.patch
  {commit} mptcp: hook into tcp
  net/mptcp/protocol.c: 1 hunk, as upstream has it

dropped net/ipv4/tcp.c#7e6bba4ccff6
    @@ -2,7 +2,7 @@ int tcp1;
     int tcp2;
     int tcp3;
     int tcp4;
    -int tcp5;
    +int tcp5_hook;
     int tcp6;
     int tcp7;
     int tcp8;

kept net/ipv4/tcp.c#2cc5188556ce
    @@ -22,7 +22,7 @@ int tcp21;
     int tcp22;
     int tcp23;
     int tcp24;
    -int tcp25;
    +int last;
     int tcp26;
     int tcp27;
     int tcp28;

added by the override:
    --- a/net/ipv4/tcp.c
    +++ b/net/ipv4/tcp.c
    @@ -3,5 +3,5 @@
     int tcp3;
     int tcp4;
    -int vendor;
    +int vendor_hook;
     int tcp6;
     int tcp7;
"""


@pytest.mark.parametrize(
    "what", ["hook.patch", "q/hook.patch", "overrides/q/hook.patch", "hook", "mptcp: hook into tcp", "commit"]
)
def test_show(adapted: Kernel, what: str) -> None:
    outcome = run("override", "show", adapted.hook[:10] if what == "commit" else what, *adapted.options)
    assert outcome == Outcome(code=0, out=SHOWN.format(overrides=adapted.overrides, commit=adapted.hook[:12]), err="")


def test_show_a_skipped_patch(adapted: Kernel) -> None:
    outcome = run("override", "show", "skip.patch", *adapted.on("bsp"))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[5:] == [
        "  in force  no",
        "",
        "upstream: new.patch",
        f"  {adapted.new[:12]} mptcp: a file of its own",
        "",
        "dropped net/mptcp/pm.c#b6a1df06c2b8",
        "    @@ -0,0 +1 @@",
        "    +int pm;",
    ]


def test_show_an_override_for_nothing(kernel: Kernel) -> None:
    kernel.override("x.patch", "Patch: gone.patch\nSkip: yes\nReason: x\n---\n")
    outcome = run("override", "show", "x.patch", *kernel.options)
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "no patch of this queue is the one it names")


def test_show_json(adapted: Kernel) -> None:
    document = json.loads(run("override", "show", "--json", "hook.patch", *adapted.options).out)
    (shown,) = document.pop("overrides")
    assert document == {"schema": 1, "command": "override show"}
    assert shown["target"] == {"name": "hook.patch", "commit": adapted.hook, "subject": "mptcp: hook into tcp"}
    assert [(file["path"], [(hunk["id"], hunk["fate"]) for hunk in file["hunks"]]) for file in shown["paths"]] == [
        ("net/ipv4/tcp.c", [(FIRST, "dropped"), (LAST, "kept")]),
        ("net/mptcp/protocol.c", [("24760d081227", "kept")]),
    ]
    assert shown["text"] == HOOK.partition("---\n")[2]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nothing", "series/q/series: no override or patch of the series is 'nothing'"),
        ("new.patch", "no override is for new.patch; `mptcp-series override new new.patch` begins one"),
    ],
    ids=["unknown", "without"],
)
def test_show_what_is_not_there(kernel: Kernel, what: str, message: str) -> None:
    assert run("override", "show", what, *kernel.options) == Outcome(
        code=2, out="", err=f"mptcp-series: error: {message}\n"
    )


def test_check(adapted: Kernel) -> None:
    assert run("override", "check", *adapted.options) == Outcome(
        code=0, out="2 overrides against 3 patches of q: no drift\n", err=""
    )


def test_check_tells_every_drift(adapted: Kernel) -> None:
    adapted.override("gone.patch", "Patch: gone.patch\nSkip: yes\nReason: x\n---\n")
    adapted.override("hunk.patch", f"Patch: hook.patch\nBase: <4\nDrop: net/ipv4/tcp.c#{'0' * 12}\nReason: x\n---\n")
    drift = [
        {"file": "q/gone.patch", "field": "Patch", "why": "no patch of the queue is gone.patch"},
        {
            "file": "q/hunk.patch",
            "field": "Drop",
            "why": f"net/ipv4/tcp.c#{'0' * 12}: the patch has no such hunk there; it has {FIRST}, {LAST}",
        },
    ]
    errors = "".join(f"mptcp-series: error: {one['file']}: {one['field']}: {one['why']}\n" for one in drift)
    assert run("override", "check", *adapted.options) == Outcome(
        code=1, out="4 overrides against 3 patches of q: 2 drift\n", err=errors
    )
    outcome = run("override", "check", "--json", *adapted.options)
    assert (outcome.code, json.loads(outcome.out)) == (
        1,
        {"schema": 1, "command": "override check", "series": "q", "overrides": 4, "drift": drift},
    )
    assert run("override", "check", "-q", *adapted.options) == Outcome(code=1, out="", err=errors)


@pytest.mark.parametrize("command", [["check"], ["show", "hook.patch"], ["new", "hook.patch"]], ids=lambda c: c[0])
def test_the_patches_are_in_the_source(adapted: Kernel, command: list[str]) -> None:
    outcome = run("override", *command, "--series", "series/q")
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.endswith("name the source with --source\n")
