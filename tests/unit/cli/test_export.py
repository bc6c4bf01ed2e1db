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
