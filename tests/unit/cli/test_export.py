# SPDX-License-Identifier: MIT
"""`export`: what is written where, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Kernel, Outcome, run


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_quilt_is_the_default(kernel: Kernel, work: Path) -> None:
    assert run("export", "--to", "out", *kernel.on("v5.10")) == Outcome(
        code=0,
        out=f"""\
q on v5.10: Linux 5.10.0, commit {kernel.old[:12]}

3 patches: 3 clean
5 hunks: 5 applied
4 files in out
""",
        err="",
    )
    assert names(work / "out") == ["counter.patch", "hook.patch", "new.patch", "series"]


def test_mbox(kernel: Kernel, work: Path) -> None:
    outcome = run("export", "--format", "mbox", "--to", "queue.mbox", *kernel.on("v5.10"))
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "1 file in queue.mbox")
    text = (work / "queue.mbox").read_text()
    assert text.count("\nSubject: ") == 3


def test_quiet(kernel: Kernel, work: Path) -> None:
    assert run("export", "-q", "--to", "out", *kernel.on("v5.10")) == Outcome(code=0, out="", err="")
    assert (work / "out" / "series").is_file()


def test_json_names_the_files(kernel: Kernel) -> None:
    document = json.loads(run("export", "--json", "--to", "out", *kernel.on("v5.10")).out)
    assert document["command"] == "export"
    assert document["files"] == ["out/counter.patch", "out/hook.patch", "out/new.patch", "out/series"]
    assert document["warnings"] == []


def pinned(kernel: Kernel, files: dict[str, bytes | None]) -> None:
    """A series with one patch more, which changes these files."""
    pin = kernel.source.commit("more", "mptcp: more\n", files, parent=kernel.new)
    with (kernel.series / "series").open("a") as file:
        file.write(f"more.patch # {pin}\n")


def test_what_quilt_stops_at_is_said(kernel: Kernel, work: Path) -> None:
    pinned(kernel, {"net/mptcp/logo.bin": b"\0\1"})
    warning = (
        "more.patch: changes a binary file (net/mptcp/logo.bin), and GNU patch and quilt stop there; `mptcp-series "
        "push` applies it, --format mbox and git-bundle carry it"
    )
    outcome = run("export", "--to", "out", *kernel.on("v5.10"))
    assert (outcome.code, outcome.err) == (0, f"mptcp-series: warning: {warning}\n")
    assert "more.patch" in names(work / "out")
    assert run("export", "--format", "mbox", "--to", "queue.mbox", *kernel.on("v5.10")).err == ""
    document = json.loads(run("export", "--json", "--to", "out", *kernel.on("v5.10")).out)
    assert document["warnings"] == [warning]


def test_what_a_build_system_cannot_apply_is_refused(kernel: Kernel, work: Path) -> None:
    pinned(kernel, {"net/mptcp/logo.bin": b"\0\1"})
    for format in ("yocto", "buildroot", "openwrt"):
        assert run("export", "--format", format, "--to", "out", *kernel.on("v5.10")) == Outcome(
            code=2,
            out="",
            err="mptcp-series: error: more.patch: changes a binary file (net/mptcp/logo.bin), and GNU patch, which "
            "this build system applies patches with, cannot; --format mbox and git-bundle carry it\n",
        )
        assert not (work / "out").exists()


def test_a_conflict_writes_nothing(kernel: Kernel, work: Path) -> None:
    outcome = run("export", "--to", "out", *kernel.on("bsp"))
    assert (outcome.code, outcome.err) == (1, "mptcp-series: error: conflict: hook.patch: net/ipv4/tcp.c\n")
    assert outcome.out.splitlines()[-1] == "nothing was written"
    assert not (work / "out").exists()


def test_somebody_s_directory_stays(kernel: Kernel, work: Path) -> None:
    (work / "out").mkdir()
    (work / "out" / "thesis.txt").write_text("mine")
    assert run("export", "--to", "out", *kernel.on("v5.10")) == Outcome(
        code=2,
        out="",
        err="mptcp-series: error: out/thesis.txt: out holds more than an exported queue, and would be replaced; "
        "name an empty or new directory\n",
    )
    assert names(work / "out") == ["thesis.txt"]


def test_an_unknown_format(kernel: Kernel) -> None:
    outcome = run("export", "--format", "zip", "--to", "out", *kernel.on("v5.10"))
    assert outcome.code == 2
    assert outcome.err.startswith(
        "mptcp-series: error: Invalid value for '--format': 'zip' is not one of 'quilt', 'mbox'"
    )


def test_a_number_is_for_openwrt(kernel: Kernel, work: Path) -> None:
    assert run("export", "--format", "openwrt", "--number", "80", "--to", "out", *kernel.on("v5.10")).code == 0
    assert names(work / "out") == [
        ".mptcp-series-q.sha256",
        "080-0001-counter.patch",
        "080-0002-hook.patch",
        "080-0003-new.patch",
    ]
    outcome = run("export", "--format", "mbox", "--number", "80", "--to", "m", *kernel.on("v5.10"))
    assert outcome.code == 2
    assert outcome.err.startswith("mptcp-series: error: --number places patches among OpenWrt's; --format mbox has no")


def test_the_layouts_of_build_systems(kernel: Kernel) -> None:
    found = {}
    for format in ("yocto", "buildroot", "openwrt", "git-bundle"):
        document = json.loads(run("export", "--json", "--format", format, "--to", format, *kernel.on("v5.10")).out)
        found[format] = document["files"]
    assert found == {
        "yocto": [
            "yocto/q/counter.patch",
            "yocto/q/hook.patch",
            "yocto/q/new.patch",
            "yocto/q/q.scc",
            "yocto/q.inc",
        ],
        "buildroot": [
            "buildroot/linux/0001-counter.patch",
            "buildroot/linux/0002-hook.patch",
            "buildroot/linux/0003-new.patch",
        ],
        "openwrt": ["openwrt/690-0001-counter.patch", "openwrt/690-0002-hook.patch", "openwrt/690-0003-new.patch"],
        "git-bundle": ["git-bundle"],
    }


def test_other_people_s_patches_in_a_target_s_directory_stay(kernel: Kernel, work: Path) -> None:
    (work / "out").mkdir()
    (work / "out" / "100-board.patch").write_text("theirs\n")
    assert run("export", "-q", "--format", "openwrt", "--to", "out", *kernel.on("v5.10")).code == 0
    assert (work / "out" / "100-board.patch").read_text() == "theirs\n"
    (work / "out" / "690-0001-counter.patch").write_text("edited\n")
    outcome = run("export", "--format", "openwrt", "--to", "out", *kernel.on("v5.10"))
    assert (outcome.code, outcome.err) == (
        2,
        "mptcp-series: error: out/690-0001-counter.patch: was changed since it was exported; move it away, or take "
        "its line out of .mptcp-series-q.sha256 to keep it\n",
    )
    assert (work / "out" / "690-0001-counter.patch").read_text() == "edited\n"
