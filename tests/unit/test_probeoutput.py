# SPDX-License-Identifier: MIT
"""The probe's lines, whole, cut short, and among others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.values.probeoutput import Ending, read_probe

from .bootlogs import HANG, kernel_log


def test_a_whole_run_is_read() -> None:
    run = read_probe(kernel_log().splitlines())
    assert (run.started, run.ended, run.kernel, run.why, run.running) == (True, True, "5.15.1", "-", None)
    assert run.features["SubflowStale"] == "present"
    assert list(run.cases) == [
        *("world", "capable", "join", "cut", "cut-far"),
        *("fullmesh-2x1", "fullmesh-1x1", "fullmesh-1x2", "fullmesh-limited"),
    ]
    cut = run.cases["cut"]
    assert (cut.ending, cut.why, cut.ms) == (Ending.DONE, "-", 2400)
    assert cut.counter("client", "SubflowStale") == 1
    assert cut.counter("server", "SubflowStale") == 0
    assert cut.links == {"link1": 1176024, "link2": 7769274}
    assert cut.number("after-cut", "ms") == 1766
    assert cut.number("joins", "seen") is None
    assert cut.facts["transfer"]["sent_hash"] == "00e1"


def test_a_case_that_hangs_says_what_it_waited_for() -> None:
    case = read_probe(HANG.splitlines()).cases["cut"]
    assert (case.ending, case.why) == (Ending.HANGS, "no-byte-for-20s")


def test_output_that_stops_names_the_case_under_way() -> None:
    log = kernel_log()
    stopped = log[: log.index("probe: step=after-cut case=cut ")]
    run = read_probe(stopped.splitlines())
    assert (run.running, run.ended, "cut" in run.cases) == ("cut", False, False)


def test_counters_of_a_case_are_not_those_of_the_next() -> None:
    run = read_probe(kernel_log().splitlines())
    assert run.cases["fullmesh-2x1"].counter("client", "SubflowStale") == 0
    assert run.cases["fullmesh-2x1"].links == {}


def test_a_line_that_is_not_whole_is_passed_over() -> None:
    lines = [
        "probe: step=begin case=cut",
        "probe: step=link case=cut name=link1 bytes=",
        "probe: step=link case=cut name=link1",
        "probe: step=link case=join name=link1 bytes=5",
        "probe: mount /proc: Device or resource busy",
        "probe: step=case name=cut result=odd why=- ms=1",
        "[x] probe: step=case name=cut result=done why=- ms=1",
        "probe: step=case name=cut result=done why=- ms=1",
    ]
    assert read_probe(lines).cases["cut"].links == {}


def test_an_argument_that_is_not_known_is_told() -> None:
    assert read_probe(["probe: step=usage argument=stal=3"]).usage == "stal=3"


@given(st.lists(st.text(st.sampled_from("probe: step=casnmlthgiu-1\n"), max_size=60), max_size=20))
def test_no_text_is_too_odd(lines: list[str]) -> None:
    run = read_probe(["probe: " + line for line in lines])
    assert run.cases.keys() <= {word for line in lines for word in line.replace("=", " ").split(" ")} | {""}
