# SPDX-License-Identifier: MIT
"""`check`: the table, the conflict, the document, and that nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Kernel, Outcome, run

HOOK = "7e6bba4ccff6"
LAST = "2cc5188556ce"
NEXT = "nothing here needs a person; next: mptcp-series apply --branch NAME\n"

CONFLICT = """
conflict in hook.patch
  net/ipv4/tcp.c, hunk 7e6bba4ccff6
    int tcp2;
    int tcp3;
    int tcp4;
    <<<<<<< bsp and the queue so far
    int vendor;
    ||||||| before hook.patch
    int tcp5;
    =======
    int tcp5_hook;
    >>>>>>> hook.patch
    int tcp6;
    int tcp7;
    int tcp8;
  next: mptcp-series resolve, or by hand: mptcp-series override new hook.patch
"""

OVERRIDE = f"""Patch: hook.patch
Drop: net/ipv4/tcp.c#{HOOK}
Reason: the vendor has its own
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


def test_clean(kernel: Kernel) -> None:
    assert run("check", *kernel.on("v5.10")) == Outcome(
        code=0,
        out=f"q on v5.10: Linux 5.10.0, commit {kernel.old[:12]}\n\n3 patches: 3 clean\n5 hunks: 5 applied\n{NEXT}",
        err="",
    )


def test_verbose_shows_every_patch_and_where_settings_come_from(kernel: Kernel) -> None:
    assert run("check", "-v", *kernel.on("v5.10")) == Outcome(
        code=0,
        out=f"""\
q on v5.10: Linux 5.10.0, commit {kernel.old[:12]}

clean       counter.patch
  upstream    {kernel.counter[:12]} mptcp: add a counter
  hunks       1 applied
  clean       net/mptcp/protocol.c
clean       hook.patch
  upstream    {kernel.hook[:12]} mptcp: hook into tcp
  hunks       3 applied
  clean       net/ipv4/tcp.c
  clean       net/mptcp/protocol.c
clean       new.patch
  upstream    {kernel.new[:12]} mptcp: a file of its own
  hunks       1 applied
  clean       net/mptcp/pm.c

3 patches: 3 clean
5 hunks: 5 applied
{NEXT}""",
        err="""\
repo: linux.git (default: the source)
base: v5.10 (--base)
series: series/q (--series)
source: linux.git (--source)
""",
    )


def test_conflict(kernel: Kernel) -> None:
    assert run("check", *kernel.on("bsp")) == Outcome(
        code=1,
        out=f"""\
q on bsp: Linux 5.10.0, commit {kernel.bsp[:12]}

conflict    hook.patch
  conflict    net/ipv4/tcp.c
{CONFLICT}
3 patches: 2 clean, 1 conflict
5 hunks: 4 applied, 1 conflict
""",
        err="mptcp-series: error: conflict: hook.patch: net/ipv4/tcp.c\n",
    )


def test_quiet_prints_errors_only(kernel: Kernel) -> None:
    assert run("check", "-q", *kernel.on("v5.10")) == Outcome(code=0, out="", err="")
    assert run("check", "-q", *kernel.on("bsp")) == Outcome(
        code=1, out="", err="mptcp-series: error: conflict: hook.patch: net/ipv4/tcp.c\n"
    )


def test_an_override_in_use_and_one_not_needed(kernel: Kernel) -> None:
    kernel.override("hook.patch", OVERRIDE)
    kernel.override("late.patch", "Patch: new.patch\nBase: >=5.11\nSkip: yes\nReason: later\n---\n")
    assert run("check", *kernel.on("bsp")) == Outcome(
        code=0,
        out=f"""\
q on bsp: Linux 5.10.0, commit {kernel.bsp[:12]}

overridden  hook.patch
  overridden  net/ipv4/tcp.c
  override    q/hook.patch

3 patches: 2 clean, 1 overridden
5 hunks: 4 applied, 1 dropped
overrides: 1 used, 1 not needed, 0 in drift
  used        q/hook.patch
  not needed  q/late.patch
{NEXT}""",
        err="",
    )


def test_a_directory_of_overrides(kernel: Kernel, work: Path) -> None:
    (work / "mine").mkdir()
    (work / "mine" / "hook.patch").write_text(OVERRIDE)
    outcome = run("check", "--overrides", "mine", *kernel.on("bsp"))
    assert (outcome.code, outcome.out.splitlines()[-2]) == (0, "  used        mine/hook.patch")


def test_drift(kernel: Kernel) -> None:
    kernel.override("gone.patch", "Patch: gone.patch\nSkip: yes\nReason: was there once\n---\n")
    why = "q/gone.patch: Patch: no patch of the queue is gone.patch"
    assert run("check", *kernel.on("v5.10")) == Outcome(
        code=1,
        out=f"""\
q on v5.10: Linux 5.10.0, commit {kernel.old[:12]}

3 patches: 3 clean
5 hunks: 5 applied
overrides: 0 used, 0 not needed, 1 in drift
  drift       {why}
""",
        err=f"mptcp-series: error: drift: {why}\n",
    )


def test_a_conflict_under_an_override_leads_to_the_override(kernel: Kernel) -> None:
    kernel.override("hook.patch", f"Patch: hook.patch\nDrop: net/ipv4/tcp.c#{LAST}\nReason: the wrong one\n---\n")
    outcome = run("check", *kernel.on("bsp"))
    assert outcome.code == 1
    assert "  next: mend q/hook.patch; `mptcp-series override show` lays it beside the patch\n" in outcome.out


def test_no_align_is_the_plain_replay(kernel: Kernel) -> None:
    """A base that has the first patch already: aligned, it is brought again; plainly replayed, it is upstream."""
    files = {"net/mptcp/protocol.c": b"".join(_counted())}
    kernel.source.commit("stable", "backport\n\ncommit " + kernel.counter + " upstream.\n", files)
    plain = run("check", "--no-align", *kernel.on("stable"))
    assert (plain.code, plain.err) == (0, "")
    assert plain.out.splitlines()[2:] == [
        "upstream    counter.patch",
        "",
        "3 patches: 2 clean, 1 upstream",
        "5 hunks: 4 applied, 1 present",
        NEXT.rstrip(),
    ]
    aligned = json.loads(run("check", "--json", *kernel.on("stable")).out)
    assert [entry["covered_by"] for entry in aligned["alignment"]["retracted"]] == ["counter.patch"]
    assert aligned["counts"]["clean"] == 3


def _counted() -> list[bytes]:
    lines = [b"int line%d;\n" % number for number in range(1, 31)]
    return [*lines[:3], b"int counter;\n", *lines[3:]]


def test_json(kernel: Kernel) -> None:
    kernel.override("late.patch", "Patch: new.patch\nBase: >=5.11\nSkip: yes\nReason: later\n---\n")
    outcome = run("check", "--json", "--no-align", *kernel.on("bsp"))
    assert (outcome.code, outcome.err) == (1, "mptcp-series: error: conflict: hook.patch: net/ipv4/tcp.c\n")
    document = json.loads(outcome.out)
    assert outcome.out == json.dumps(document, indent=2, sort_keys=True) + "\n"
    assert document.pop("alignment").keys() >= {"retracted", "restored", "acknowledged", "reinstated", "lost"}
    text = "\n".join(line.removeprefix("    ") for line in CONFLICT.splitlines()[3:-1]) + "\n"
    first = document["patches"][0].pop("result_commit")
    assert len(first) == 40
    assert document == {
        "schema": 1,
        "command": "check",
        "series": "q",
        "stack": ["q"],
        "base": {"rev": "bsp", "commit": kernel.bsp, "version": "5.10.0"},
        "result": {"commit": None, "tree": None, "branch": None},
        "counts": {
            "clean": 2,
            "offset": 0,
            "merged": 0,
            "overridden": 0,
            "upstream": 0,
            "skipped": 0,
            "conflict": 1,
        },
        "overrides": {"used": [], "not_needed": ["q/late.patch"], "drift": []},
        "patches": [
            {
                "name": "counter.patch",
                "series": "q",
                "kind": "patch",
                "commit": kernel.counter,
                "subject": "mptcp: add a counter",
                "status": "clean",
                "paths": [{"path": "net/mptcp/protocol.c", "status": "clean"}],
                "hunks": {"applied": 1, "present": 0, "dropped": 0, "conflict": 0},
                "fuzz": 0,
                "override": None,
                "conflicts": [],
            },
            {
                "name": "hook.patch",
                "series": "q",
                "kind": "patch",
                "commit": kernel.hook,
                "subject": "mptcp: hook into tcp",
                "status": "conflict",
                "paths": [
                    {"path": "net/ipv4/tcp.c", "status": "conflict"},
                    {"path": "net/mptcp/protocol.c", "status": "clean"},
                ],
                "hunks": {"applied": 2, "present": 0, "dropped": 0, "conflict": 1},
                "fuzz": 0,
                "override": None,
                "result_commit": None,
                "conflicts": [{"path": "net/ipv4/tcp.c", "hunk": HOOK, "text": text}],
            },
            {
                "name": "new.patch",
                "series": "q",
                "kind": "patch",
                "commit": kernel.new,
                "subject": "mptcp: a file of its own",
                "status": "clean",
                "paths": [{"path": "net/mptcp/pm.c", "status": "clean"}],
                "hunks": {"applied": 1, "present": 0, "dropped": 0, "conflict": 0},
                "fuzz": 0,
                "override": None,
                "result_commit": None,
                "conflicts": [],
            },
        ],
    }


def test_nothing_is_written(kernel: Kernel) -> None:
    def files() -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_mtime_ns) for path in kernel.source.path.rglob("*"))

    before = files()
    assert run("check", *kernel.on("v5.10")).code == 0
    assert files() == before


def test_the_numbers_of_the_write_up_beside_those_found(kernel: Kernel) -> None:
    recipe = kernel.series / "recipe.toml"
    recipe.write_text(
        recipe.read_text() + '[write_up]\npatches = 7\nconflicts = [0, 2]\ntext = """\nCounted\nby hand."""\n'
    )
    outcome = run("check", *kernel.on("bsp"))
    assert outcome.code == 1
    assert outcome.out.endswith(
        """\
write-up: 7 patches, 0 to 2 conflicts
  found: 3 patches of the series, 0 restored; 1 in conflict, 0 answered by an override
  Counted
  by hand.
"""
    )
    assert json.loads(run("check", "--json", *kernel.on("bsp")).out)["write_up"] == {
        "patches": 7,
        "conflicts": [0, 2],
        "text": "Counted\nby hand.",
        "found": {"patches": 3, "restored": 0, "conflicts": 1, "overridden": 0},
    }
    kernel.override("hook.patch", OVERRIDE)
    assert "1 in conflict" not in run("check", *kernel.on("bsp")).out
    assert "0 in conflict, 1 answered by an override" in run("check", *kernel.on("bsp")).out


def test_a_file_beside_its_pin_that_somebody_edited(kernel: Kernel) -> None:
    """It is not used, and that is said, by `check` and by `apply`; one as it was exported is silent."""
    make = ("import", "range", "v5.10..main", "--materialise", "--series", "series/new", "--repo", "linux.git")
    assert run(*make).code == 0
    series = Path("series/new/series")
    on = ("--source", "linux.git", "--series", "series/new", "--base", "v5.10")
    (file,) = series.parent.glob("*counter*.patch")
    line = [text.split()[0] for text in series.read_text().splitlines()].index(file.name) + 1
    assert kernel.counter in series.read_text().splitlines()[line - 1]
    silent = run("check", *on)
    assert (silent.code, "warning" in silent.out) == (0, False)
    file.write_text(file.read_text().replace("+int counter;\n", "+long counter;\n"))
    said = (
        f"series/new/series:{line}: {file.name} is read from its pin in the source; the file series/new/{file.name} "
        "differs from it and is not used: take the pin out of the line to use the file, or delete the file"
    )
    for command in (["check"], ["check", "--no-align"], ["apply", "--branch", "new"]):
        outcome = run(*command, *on)
        assert (outcome.code, outcome.err) == (0, "")
        assert f"\nwarning: {said}\n" in outcome.out
        document = json.loads(run(*command, *on, "--json").out)
        assert document["alignment"]["warnings"] == [said]
    # What it says to do is what helps.
    text = series.read_text().splitlines(keepends=True)
    text[line - 1] = f"{file.name}\n"
    series.write_text("".join(text))
    helped = run("check", *on)
    assert "warning:" not in helped.out
