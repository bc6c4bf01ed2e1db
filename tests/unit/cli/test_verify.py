# SPDX-License-Identifier: MIT
"""`verify`: the report, the document, certificates, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pygit2
import pytest

from .conftest import PROTOCOL, TCP, Kernel, Outcome, run

OVERRIDE = "Patch: hook.patch\nDrop: net/mptcp/protocol.c\nReason: no hook here\n"


@pytest.fixture
def made(kernel: Kernel) -> Kernel:
    """With the branch `out`, which is the result on v5.10."""
    assert run("apply", "-q", "--branch", "out", *kernel.on("v5.10")).code == 0
    return kernel


def without(kernel: Kernel, path: str, old: bytes, new: bytes) -> str:
    """The branch `bad`: the result with one text replaced in one file."""
    data = kernel.source.git.revparse_single(f"out:{path}").read_raw()
    assert data.count(old) == 1
    tip = kernel.source.branches()["out"]
    return kernel.source.commit("bad", "by hand\n", {path: data.replace(old, new)}, tip)


def tree(kernel: Kernel, rev: str) -> str:
    return str(kernel.source.git.revparse_single(f"{rev}^{{tree}}").id)


def test_proven(made: Kernel) -> None:
    tip, there = made.source.branches()["out"], tree(made, "out")
    assert run("verify", "--result", "out", *made.on("v5.10")) == Outcome(
        code=0,
        out=f"""\
q on v5.10: Linux 5.10.0, commit {made.old[:12]}
checked: out, commit {tip[:12]}, tree {there[:12]}
expected: tree {there[:12]}
differences: none
parity of q with v5.15, commit {made.new[:12]}: 2 files, 2 equal, 0 not
""",
        err="",
    )


def test_a_missing_hunk(made: Kernel) -> None:
    bad = without(made, "net/ipv4/tcp.c", b"int tcp5_hook;\n", b"int tcp5;\n")
    outcome = run("verify", "--result", "bad", *made.on("v5.10"))
    assert outcome == Outcome(
        code=1,
        out=f"""\
q on v5.10: Linux 5.10.0, commit {made.old[:12]}
checked: bad, commit {bad[:12]}, tree {tree(made, "bad")[:12]}
expected: tree {tree(made, "out")[:12]}

missing hunk  net/ipv4/tcp.c:5
  patch         hook.patch, hunk 7e6bba4ccff6
    @@ -2,7 +2,7 @@
     int tcp2;
     int tcp3;
     int tcp4;
    -int tcp5_hook;
    +int tcp5;
     int tcp6;
     int tcp7;
     int tcp8;

differences: 1 missing
parity of q with v5.15, commit {made.new[:12]}: 2 files, 2 equal, 0 not
""",
        err="mptcp-series: error: missing hunk: net/ipv4/tcp.c:5: of hook.patch (hunk 7e6bba4ccff6)\n",
    )


def test_what_is_unexplained(made: Kernel) -> None:
    without(made, "net/mptcp/pm.c", b"int pm;\n", b"int pm;\nint mine;\n")
    outcome = run("verify", "--result", "bad", *made.on("v5.10"))
    assert outcome.code == 1
    assert outcome.err.splitlines() == [
        "mptcp-series: error: extra hunk: net/mptcp/pm.c:2: of the base",
        "mptcp-series: error: unexplained: net/mptcp/pm.c:2: no entry of the queue brings it, and this tree has it",
    ]
    assert (
        """
extra hunk  net/mptcp/pm.c:2
  of the base
    @@ -1 +1,2 @@
     int pm;
    +int mine;

differences: 1 extra

unexplained  net/mptcp/pm.c:2
  no entry of the queue brings it, and this tree has it
    @@ -1 +1,2 @@
     int pm;
    +int mine;

parity of q with v5.15"""
        in outcome.out
    )
    assert outcome.out.endswith("2 files, 1 equal, 1 not\n  0 hunks explained, 1 unexplained\n")


def test_what_an_override_explains(kernel: Kernel) -> None:
    kernel.override("hook.patch", OVERRIDE)
    run("apply", "-q", "--branch", "out", *kernel.on("v5.10"))
    outcome = run("verify", "--result", "out", *kernel.on("v5.10"))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-3:] == [
        f"parity of q with v5.15, commit {kernel.new[:12]}: 2 files, 1 equal, 1 not",
        "  override         net/mptcp/protocol.c:21: q/hook.patch",
        "  1 hunk explained, 0 unexplained",
    ]
    verbose = run("verify", "-v", "--result", "out", *kernel.on("v5.10")).out
    assert (
        """
  override         net/mptcp/protocol.c:21: q/hook.patch
    no hook here
    @@ -18,7 +18,7 @@
"""
        in verbose
    )
    assert "    -int hooked;\n    +int line20;\n" in verbose


def test_the_override_is_named_with_the_hunk(kernel: Kernel) -> None:
    kernel.override("hook.patch", OVERRIDE)
    run("apply", "-q", "--branch", "out", *kernel.on("v5.10"))
    without(kernel, "net/ipv4/tcp.c", b"int last;\n", b"int tcp25;\n")
    outcome = run("verify", "--result", "bad", *kernel.on("v5.10"))
    assert outcome.err == (
        "mptcp-series: error: missing hunk: net/ipv4/tcp.c:25: of hook.patch (hunk 2cc5188556ce, "
        "override q/hook.patch)\n"
    )
    assert "\n  patch         hook.patch, hunk 2cc5188556ce\n  override      q/hook.patch\n" in outcome.out


def test_json(made: Kernel) -> None:
    bad = without(made, "net/mptcp/pm.c", b"int pm;\n", b"")
    outcome = run("verify", "--json", "--result", "bad", *made.on("v5.10"))
    assert outcome.code == 1
    document = json.loads(outcome.out)
    assert outcome.out == json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert document.pop("certificate")["verdict"]["proven"] is False
    assert document == {
        "schema": 1,
        "command": "verify",
        "series": "q",
        "base": {"rev": "v5.10", "commit": made.old, "version": "5.10.0"},
        "result": {"place": "bad", "commit": bad, "tree": tree(made, "bad")},
        "expected": tree(made, "out"),
        "proven": False,
        "differences": [
            {
                "path": "net/mptcp/pm.c",
                "kind": "missing",
                "thing": "hunk",
                "line": 1,
                "patches": [
                    {
                        "name": "new.patch",
                        "kind": "patch",
                        "override": None,
                        "by_override": False,
                        "hunks": ["b6a1df06c2b8"],
                    }
                ],
                "diff": "@@ -1 +0,0 @@\n-int pm;\n",
                "detail": "",
            }
        ],
        "targets": [{"series": "q", "rev": "v5.15", "commit": made.new}],
        "files": 2,
        "equal": 1,
        "explained": [],
        "unexplained": [
            {
                "path": "net/mptcp/pm.c",
                "why": "new.patch brings it, and this tree lacks it",
                "line": 1,
                "diff": "@@ -1 +0,0 @@\n-int pm;\n",
            }
        ],
        "ignored": [],
        "filed": None,
        "written": [],
    }


def test_a_directory_with_what_a_build_left(made: Kernel) -> None:
    place = unpacked(made)
    (place / "net/ipv4/tcp.o").write_bytes(b"\x7fELF")
    assert run("verify", "-q", "--result", "tree", *made.on("v5.10")).code == 1
    outcome = run("verify", "--result", "tree", "--ignore", "*.o", *made.on("v5.10"))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[1:4] == [
        f"checked: tree, tree {tree(made, 'out')[:12]}",
        f"expected: tree {tree(made, 'out')[:12]}",
        "ignored: *.o: 1 file",
    ]


def unpacked(kernel: Kernel) -> Path:
    place = Path("tree")
    for path in ("Makefile", "net/mptcp/protocol.c", "net/mptcp/pm.c", "net/ipv4/tcp.c"):
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(kernel.source.git.revparse_single(f"out:{path}").read_raw())
    return place


def test_certificates_are_written_and_hold(made: Kernel) -> None:
    written = run("verify", "--result", "out", "--certificate", "c.txt", "--certificate", "c.json", *made.on("v5.10"))
    assert (written.code, written.err) == (0, "")
    assert written.out.splitlines()[-2:] == ["certificate c.txt: written", "certificate c.json: written"]
    assert Path("c.txt").read_text().startswith("mptcp-series certificate 1\n\naccount.alignment.acknowledged: 0\n")
    assert json.loads(Path("c.json").read_text())["result"]["tree"] == tree(made, "out")
    unpacked(made)
    for file in ("c.txt", "c.json"):
        for of in ("out", "tree"):
            checked = run("verify", "--result", of, "--certificate-check", file, *made.on("v5.10"))
            assert (checked.code, checked.err) == (0, "")
            assert f"\ncertificate {file}: holds\n" in checked.out


def test_a_changed_override_is_named(kernel: Kernel) -> None:
    path = kernel.override("hook.patch", OVERRIDE)
    run("apply", "-q", "--branch", "out", *kernel.on("v5.10"))
    assert run("verify", "-q", "--result", "out", "--certificate", "c", *kernel.on("v5.10")).code == 0
    path.write_text(OVERRIDE + " on second thought\n")
    outcome = run("verify", "--result", "out", "--certificate-check", "c", *kernel.on("v5.10"))
    assert outcome.code == 1
    (line,) = outcome.err.splitlines()
    assert line.startswith("mptcp-series: error: certificate c: series.q.overrides.q/hook.patch.digest: was sha256:")
    assert "\ncertificate c: does not hold\n  series.q.overrides.q/hook.patch.digest: was " in outcome.out
    document = json.loads(
        run("verify", "--json", "--result", "out", "--certificate-check", "c", *kernel.on("v5.10")).out
    )
    assert (document["filed"]["file"], document["filed"]["holds"]) == ("c", False)
    assert [one["field"] for one in document["filed"]["changed"]] == ["series.q.overrides.q/hook.patch.digest"]


def test_no_certificate_for_what_is_not_proven(made: Kernel) -> None:
    without(made, "net/ipv4/tcp.c", b"int last;\n", b"")
    outcome = run("verify", "--result", "bad", "--certificate", "c", *made.on("v5.10"))
    assert outcome.code == 1
    assert outcome.out.endswith("certificate c: not written: the result is not proven\n")
    assert not Path("c").exists()


def test_quiet(made: Kernel) -> None:
    assert run("verify", "-q", "--result", "out", *made.on("v5.10")) == Outcome(code=0, out="", err="")


def test_a_plain_replay_is_checked_as_one(kernel: Kernel) -> None:
    """Made with --no-align, the base's own change of the stack stays; checked with alignment it is a difference."""
    mine = PROTOCOL.replace(b"int line28;\n", b"int vendor;\n")
    kernel.source.commit("bsp2", "vendor: stack\n", {"net/mptcp/protocol.c": mine}, kernel.old)
    assert run("apply", "-q", "--no-align", "--branch", "out", *kernel.on("bsp2")).code == 0
    outcome = run("verify", "--no-align", "--result", "out", *kernel.on("bsp2"))
    assert "differences: none\n" in outcome.out
    assert outcome.err.startswith("mptcp-series: error: unexplained: net/mptcp/protocol.c:29: ")
    assert outcome.code == 1


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--result", "none"), 2, "none is no directory, and no revision either: "),
        (("--result", "series"), 2, "series is no kernel: it has no Makefile"),
        (("--result", "out", "--ignore", "a["), 0, ""),
        (("--result", "out", "--certificate-check", "none"), 2, "none: cannot be read: No such file or directory"),
        (("--result", "out", "--certificate-check", "series/q/series"), 2, "series/q/series:1: is no certificate: "),
    ],
)
def test_bad_input(made: Kernel, options: tuple[str, ...], code: int, message: str) -> None:
    outcome = run("verify", *options, *made.on("v5.10"))
    assert outcome.code == code
    assert outcome.err.startswith(f"mptcp-series: error: {message}" if code else "")


def test_a_certificate_among_the_files_it_is_about(made: Kernel) -> None:
    unpacked(made)
    outcome = run("verify", "--result", "tree", "--certificate", "tree/c", *made.on("v5.10"))
    assert outcome == Outcome(
        code=2,
        out="",
        err="mptcp-series: error: tree/c: lies in the directory that is checked; name another place for the "
        "certificate\n",
    )


def test_no_target_is_the_environment_s_fault(made: Kernel) -> None:
    (made.series / "recipe.toml").write_text((made.series / "recipe.toml").read_text() + 'target = "v5.15.7"\n')
    outcome = run("verify", "--result", "out", *made.on("v5.10"))
    assert outcome.code == 3
    assert outcome.err.startswith(
        "mptcp-series: error: parity is held against the target v5.15.7 of series/q/recipe.toml"
    )
    assert "git fetch --tags" in outcome.err


def test_a_result_is_asked_for(kernel: Kernel) -> None:
    outcome = run("verify", *kernel.on("v5.10"))
    assert (outcome.code, outcome.err.splitlines()[0]) == (2, "mptcp-series: error: Missing option '--result'.")


def test_a_conflict_of_the_queue_itself(made: Kernel) -> None:
    outcome = run("verify", "--result", "out", *made.on("bsp"))
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "mptcp-series: error: conflict: hook.patch: net/ipv4/tcp.c\n"


def test_nothing_is_written(made: Kernel) -> None:
    before = made.source.branches()
    run("verify", "--result", "out", *made.on("v5.10"))
    assert made.source.branches() == before
    assert TCP.count(b"\n") == 30
    assert isinstance(made.source.git.revparse_single("out"), pygit2.Commit)
