# SPDX-License-Identifier: MIT
"""`boot`: its options, its report and its exit status. What boots a kernel is replaced: no process starts here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mptcp_series.engine.booting.boot import Booted, BootSpec
from mptcp_series.engine.booting.qemu import Accelerator
from mptcp_series.errors import ToolMissing
from mptcp_series.values.bootreport import CASES, Comparison, GuestEnd, judge

from ..bootlogs import CONFIG, HANG, kernel_log, place_image
from .conftest import run

GOOD = kernel_log()
BASE = kernel_log(cut=HANG).replace("kernel=5.15.1", "kernel=5.10.66").replace("wanted=4 seen=4", "wanted=4 seen=2")


class Fake:
    """In the place of the engine: keeps what it was asked for, and answers from two logs."""

    def __init__(self, patched: str, base: str = BASE) -> None:
        self.patched, self.base = patched, base
        self.specs: list[BootSpec] = []

    def __call__(self, spec: BootSpec, progress: object) -> Booted:
        self.specs.append(spec)
        logs = [self.patched] if spec.against is None else [self.patched, self.base]
        reports = [judge(log.encode(), GuestEnd.ITSELF, "?") for log in logs]
        return Booted(
            comparison=Comparison(patched=reports[0], base=reports[1] if len(reports) > 1 else None),
            accelerator=Accelerator.TCG,
            images=tuple(place for place in (spec.kernel, spec.against) if place is not None),
            logs=tuple(spec.to / name for name in ("patched.log", "base.log")[: len(reports)]),
        )


@pytest.fixture
def good(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake(GOOD)
    monkeypatch.setattr("mptcp_series.cli.boot.run_boot", fake)
    return fake


def test_two_kernels_are_shown_case_by_case(good: Fake) -> None:
    outcome = run("boot", "--build", "b", "--against", "linux/bzImage", "--to", "logs")
    assert outcome.code == 0
    assert (
        outcome.out
        == """\
patched  Linux 5.15.1  b
base     Linux 5.10.66  linux/bzImage
emulated

boot              patched  proved   Linux 5.15.1
                  base     proved   Linux 5.10.66
capable           patched  proved   MPCapableSYNRX 1
                  base     proved   MPCapableSYNRX 1
join              patched  proved   MPCapableSYNRX 1, MPJoinAckRx 1
                  base     proved   MPCapableSYNRX 1, MPJoinAckRx 1
cut               patched  proved   1.8 s after the cut, SubflowStale 1
                  base     hangs    no byte for 20s
cut-far           patched  proved   1.8 s after the cut, SubflowStale 1
                  base     proved   1.8 s after the cut, SubflowStale 1
fullmesh-2x1      patched  proved   joins 4
                  base     fails    joins: 2, not 4
fullmesh-1x1      patched  proved   joins 3
                  base     proved   joins 3
fullmesh-1x2      patched  proved   joins 5
                  base     proved   joins 5
fullmesh-limited  patched  proved   joins 4
                  base     fails    joins: 2, not 4
kunit             patched  proved   2 of 2 passed
                  base     proved   2 of 2 passed
log               patched  proved   none
                  base     proved   none

11 of 11 cases proved
proved here and not on the base: cut, fullmesh-2x1, fullmesh-limited
log: logs/patched.log
log: logs/base.log
"""
    )


def test_options_come_through(good: Fake) -> None:
    outcome = run(
        *("boot", "--kernel", "k", "--timeout", "90", "--stall", "5", "--accel", "auto", "--cc", "clang"),
        *("--qemu", "q", "--cpus", "2", "-q"),
    )
    assert (outcome.code, outcome.out) == (0, "")
    assert good.specs == [
        BootSpec(
            kernel=Path("k"),
            against=None,
            to=Path("build/boot"),
            seconds=90.0,
            stall=5,
            accelerator=Accelerator.AUTO,
            processors=2,
            compiler="clang",
            emulator="q",
        )
    ]


def test_without_another_kernel_there_is_one_column(good: Fake) -> None:
    outcome = run("boot", "--kernel", "k")
    assert outcome.code == 0
    assert outcome.out.startswith("Linux 5.15.1  k\nemulated\n\nboot              proved   Linux 5.15.1\n")
    assert "\ncut               proved   1.8 s after the cut, SubflowStale 1\n" in outcome.out
    assert "base" not in outcome.out


def test_a_case_that_is_not_proved_needs_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    splat = "WARNING: CPU: 0 PID: 7 at net/mptcp/protocol.c:1 f+0x1/0x2\nprobe: step=case name=cut result"
    bad = kernel_log(cut=HANG).replace("probe: step=case name=cut result", splat)
    monkeypatch.setattr("mptcp_series.cli.boot.run_boot", Fake(bad))
    outcome = run("boot", "--kernel", "k")
    assert outcome.code == 1
    assert "9 of 11 cases proved" in outcome.out
    assert "WARNING at line " in outcome.out
    assert " of the log, in case cut\n  WARNING: CPU: 0 PID: 7 at net/mptcp/protocol.c:1" in outcome.out
    assert "mptcp-series: error: cut: hangs: no byte for 20s\n" in outcome.err
    assert "mptcp-series: error: log: fails: line " in outcome.err


def test_checks_are_told_on_request(good: Fake) -> None:
    out = run("boot", "--kernel", "k", "-v").out
    assert "    holds  MPJoinAckRx of the server: expected 1, observed 1\n" in out
    assert "    holds  bytes on link2: expected 838860 or more, observed 4237854\n" in out


def test_the_document_has_both_kernels(good: Fake) -> None:
    outcome = run("boot", "--build", "b", "--against", "c", "--json")
    assert outcome.code == 0
    document = json.loads(outcome.out)
    assert (document["schema"], document["command"], document["accelerator"]) == (1, "boot", "tcg")
    assert document["proved"] is True
    assert document["kernels"] == {"patched": "5.15.1", "base": "5.10.66"}
    assert [case["name"] for case in document["cases"]] == list(CASES)
    assert document["images"] == ["b", "c"]
    assert document["logs"] == ["build/boot/patched.log", "build/boot/base.log"]
    (cut,) = [case for case in document["cases"] if case["name"] == "cut"]
    assert (cut["patched"]["verdict"], cut["base"]["verdict"], cut["separates"]) == ("proved", "hangs", True)


def test_the_document_has_the_keys_that_are_shown(good: Fake) -> None:
    """What the reference shows is of two real kernels: its numbers are not these, its keys are."""
    reference = (Path(__file__).parents[3] / "docs/reference/json.md").read_text()
    blocks = re.findall(r"(?m)^    \{\n(?:    .*\n)*?    \}\n", reference)
    (shown,) = [document for document in map(json.loads, blocks) if document["command"] == "boot"]
    printed = json.loads(run("boot", "--build", "b", "--against", "c", "--json").out)
    assert shown.keys() == printed.keys()
    (cut,) = shown["cases"]
    (other,) = [case for case in printed["cases"] if case["name"] == cut["name"]]
    assert cut.keys() == other.keys()
    assert cut["what"] == other["what"]
    assert cut["patched"].keys() == cut["base"].keys() == other["patched"].keys()
    assert cut["patched"]["checks"][0].keys() == other["patched"]["checks"][0].keys()


def test_the_configuration_is_printed(good: Fake) -> None:
    outcome = run("boot", "--print-config")
    assert outcome.code == 0
    assert "\nCONFIG_NET_SCH_TBF=y\n" in outcome.out
    assert good.specs == []


@pytest.mark.parametrize("arguments", [(), ("--build", "b", "--kernel", "k")])
def test_one_kernel_is_named(arguments: tuple[str, ...], good: Fake) -> None:
    outcome = run("boot", *arguments)
    assert outcome.code == 2
    assert "one of --build and --kernel says what to boot" in outcome.err
    assert good.specs == []


def test_a_missing_program_is_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(spec: BootSpec, progress: object) -> Booted:
        raise ToolMissing("qemu-system-x86_64: no such program; install it")

    monkeypatch.setattr("mptcp_series.cli.boot.run_boot", missing)
    outcome = run("boot", "--kernel", "k")
    assert outcome.code == 3
    assert outcome.err == "mptcp-series: error: qemu-system-x86_64: no such program; install it\n"


def test_a_file_that_is_no_kernel_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "bzImage").write_bytes(b"\x7fELF")
    outcome = run("boot", "--kernel", str(tmp_path / "bzImage"))
    assert outcome.code == 2
    assert "bzImage: not a bzImage; the boot is for x86_64 kernels" in outcome.err


def test_a_configuration_without_mptcp_is_the_environment(tmp_path: Path) -> None:
    place_image(tmp_path, CONFIG.replace("CONFIG_MPTCP=y\n", ""))
    outcome = run("boot", "--build", str(tmp_path))
    assert outcome.code == 3
    assert outcome.err == (
        f"mptcp-series: error: {tmp_path}/.config: CONFIG_MPTCP=n, and must be y: it is what is proved\n"
    )
