# SPDX-License-Identifier: MIT
"""Verdicts: what is proved by which lines, and that each of them is needed."""

from __future__ import annotations

import pytest

from mptcp_series.values.bootreport import CASES, BootReport, Comparison, GuestEnd, Verdict, judge

from .bootlogs import HANG, JOINS, kernel_log, without


def judged(log: str, end: GuestEnd = GuestEnd.ITSELF) -> BootReport:
    return judge(log.encode(), end, "5.10.66")


def verdicts(report: BootReport) -> dict[str, Verdict]:
    return {case.name: case.verdict for case in report.cases}


def test_a_good_kernel_proves_everything() -> None:
    report = judged(kernel_log())
    assert verdicts(report) == dict.fromkeys(CASES, Verdict.PROVED)
    assert report.proved
    assert report.kernel == "5.15.1"
    assert report.case("cut").note == "1.8 s after the cut, SubflowStale 1"
    assert report.case("join").note == "MPCapableSYNRX 1, MPJoinAckRx 1"
    assert report.case("fullmesh-1x2").note == "joins 5"
    assert report.case("kunit").note == "2 of 2 passed"


@pytest.mark.parametrize(
    ("old", "new", "case", "reason"),
    [
        (
            "side=server MPCapableSYNRX=1 MPCapableACKRX=1\nprobe: step=counters case=capable side=client",
            "side=server MPCapableACKRX=1\nprobe: step=counters case=capable side=client",
            "capable",
            "MPCapableSYNRX of the server: expected 1, observed 0",
        ),
        (
            "case=capable side=client MPCapableSYNTX=1",
            "case=capable side=client MPCapableFallbackSYNACK=1",
            "capable",
            "MPCapableFallbackSYNACK of the client: expected 0, observed 1",
        ),
        (
            "case=capable sent=262144 received=262144 sent_hash=00ad received_hash=00ad",
            "case=capable sent=262144 received=262144 sent_hash=00ad received_hash=00ae",
            "capable",
            "transfer: expected 262144 bytes, hash 00ad, observed 262144 bytes, hash 00ae",
        ),
        (
            "MPCapableACKRX=1 MPJoinSynRx=1 MPJoinAckRx=1",
            "MPCapableACKRX=1 MPJoinSynRx=1",
            "join",
            "MPJoinAckRx of the server: expected 1, observed 0",
        ),
        (
            "case=join name=link2 bytes=4237854",
            "case=join name=link2 bytes=574",
            "join",
            "bytes on link2: expected 838860 or more, observed 574",
        ),
        (
            "case=cut received=2097152 link1=1158846",
            "case=cut received=2097152 link1=0",
            "cut",
            "bytes on link1 before the cut: expected 1 or more, observed 0",
        ),
        (
            "case=cut name=link2 bytes=7769274",
            "case=cut name=link2 bytes=574",
            "cut",
            "bytes on link2: expected 4194304 or more, observed 574",
        ),
        (
            "case=cut-far side=client MPJoinSynAckRx=1 SubflowStale=1",
            "case=cut-far side=client MPJoinSynAckRx=1",
            "cut-far",
            "SubflowStale of the client: expected 1 or more, observed 0",
        ),
        (
            "case=fullmesh-1x1 wanted=3 seen=3",
            "case=fullmesh-1x1 wanted=3 seen=1",
            "fullmesh-1x1",
            "joins: expected 3, observed 1",
        ),
        (
            "    ok 2 - mptcp_token_test_accept",
            "    not ok 2 - mptcp_token_test_accept",
            "kunit",
            "mptcp-token: expected 2 passed, observed 1 passed, not mptcp_token_test_accept",
        ),
    ],
)
def test_every_expectation_counts(old: str, new: str, case: str, reason: str) -> None:
    assert kernel_log().count(old) == 1
    report = judged(kernel_log().replace(old, new))
    assert report.case(case).reason == reason
    assert {name for name, verdict in verdicts(report).items() if verdict is not Verdict.PROVED} == {case}
    assert report.case(case).verdict is Verdict.FAILS
    assert not report.proved


@pytest.mark.parametrize("name", ["capable", "join", "cut", "cut-far", *JOINS])
def test_a_case_without_its_transfer_is_not_proved(name: str) -> None:
    report = judged(without(kernel_log(), f"probe: step=transfer case={name} "))
    assert report.case(name).verdict is Verdict.FAILS


@pytest.mark.parametrize("name", JOINS)
def test_a_fullmesh_case_without_its_joins_is_not_proved(name: str) -> None:
    report = judged(without(kernel_log(), f"probe: step=joins case={name} "))
    assert report.case(name).reason == "joins: expected nothing, observed nothing"


def test_a_transfer_that_stalls_after_the_cut_hangs() -> None:
    report = judged(kernel_log(cut=HANG))
    assert report.case("cut").verdict is Verdict.HANGS
    assert report.case("cut").note == "no byte for 20s"
    assert report.case("cut-far").verdict is Verdict.PROVED


def test_a_counter_the_kernel_does_not_have_is_absent() -> None:
    log = kernel_log().replace("name=SubflowStale result=present", "name=SubflowStale result=absent")
    report = judged(log.replace(" SubflowStale=1", ""))
    assert report.case("cut-far").verdict is Verdict.ABSENT
    assert report.case("cut-far").note == "SubflowStale of the client: no such counter"
    # Its transfer went on, which is what the other one is about.
    assert report.case("cut").verdict is Verdict.PROVED


def test_what_the_kernel_would_not_do_is_refused() -> None:
    line = "probe: step=case name=fullmesh-2x1 result={} why={} ms=500"
    log = kernel_log().replace(line.format("done", "-"), line.format("refused", "endpoint:EINVAL"))
    assert judged(log).case("fullmesh-2x1").verdict is Verdict.REFUSED
    assert judged(log).case("fullmesh-2x1").note == "endpoint:EINVAL"


def test_an_error_fails_the_case() -> None:
    line = "probe: step=case name=join result={} why={} ms=1329"
    log = kernel_log().replace(line.format("done", "-"), line.format("failed", "recv:ECONNRESET"))
    assert judged(log).case("join").verdict is Verdict.FAILS
    assert judged(log).case("join").reason == "recv:ECONNRESET"


def test_a_splat_fails_the_log_and_names_its_line() -> None:
    log = kernel_log().replace(
        "probe: step=case name=cut result", "BUG: KASAN: use-after-free in x\nprobe: step=case name=cut result"
    )
    report = judged(log)
    assert report.case("log").verdict is Verdict.FAILS
    assert report.case("log").note.endswith("BUG: KASAN: use-after-free in x")
    assert report.splats[0].case == "cut"
    assert report.case("cut").verdict is Verdict.PROVED


def test_a_kernel_without_kunit_says_what_to_set() -> None:
    case = judged(kernel_log(kunit="")).case("kunit")
    assert case.verdict is Verdict.ABSENT
    assert case.note == "no results; set CONFIG_KUNIT and CONFIG_MPTCP_KUNIT_TEST, formerly CONFIG_MPTCP_KUNIT_TESTS"


def test_a_skipped_kunit_test_proves_nothing() -> None:
    log = kernel_log().replace("ok 2 - mptcp_token_test_accept", "ok 2 - mptcp_token_test_accept # SKIP no memory")
    assert judged(log).case("kunit").verdict is Verdict.FAILS


def test_a_guest_that_stops_within_a_case_hangs_there() -> None:
    log = kernel_log()
    report = judged(log[: log.index("probe: step=after-cut case=cut ")], GuestEnd.TIMEOUT)
    found = verdicts(report)
    assert report.case("boot").note == "stopped after the time limit in case cut"
    assert (found["boot"], found["join"], found["cut"]) == (Verdict.HANGS, Verdict.PROVED, Verdict.HANGS)
    assert (found["cut-far"], found["log"]) == (Verdict.NOT_RUN, Verdict.NOT_RUN)


def test_a_panic_within_a_case_fails_the_boot() -> None:
    log = kernel_log()
    at = log.index("probe: step=after-cut case=cut ")
    report = judged(log[:at] + "Kernel panic - not syncing: Fatal exception in interrupt\n")
    assert report.case("boot").verdict is Verdict.FAILS
    assert (
        report.case("boot").note
        == "the guest ended in case cut: Kernel panic - not syncing: Fatal exception in interrupt"
    )
    assert report.case("log").verdict is Verdict.FAILS
    assert report.case("log").note.endswith("Fatal exception in interrupt")


def test_a_guest_that_never_comes_to_the_probe_proves_nothing() -> None:
    report = judged("Linux version 5.10.66\n", GuestEnd.NOISE)
    assert report.kernel == "5.10.66"
    assert report.case("boot").note == "stopped after more log than can be kept before the probe"
    assert Verdict.PROVED not in verdicts(report).values()


def test_a_world_that_cannot_be_made_is_refused() -> None:
    log = """\
probe: step=start version=1 kernel=5.10.66 machine=x86_64 process=1
probe: step=begin case=world
probe: step=case name=world result=refused why=veth:EOPNOTSUPP ms=3
probe: step=end cases=1 why=world
"""
    report = judged(log)
    assert report.case("boot").verdict is Verdict.REFUSED
    assert report.case("boot").note == "nothing could be tried: veth:EOPNOTSUPP"
    assert report.case("capable").verdict is Verdict.NOT_RUN


def test_two_kernels_side_by_side() -> None:
    found = Comparison(patched=judged(kernel_log()), base=judged(kernel_log(cut=HANG)))
    assert [name for name in CASES if found.separates(name)] == ["cut"]
    document = found.to_json()
    assert document["kernels"] == {"patched": "5.15.1", "base": "5.15.1"}
    cases = document["cases"]
    assert isinstance(cases, list)
    cut = next(case for case in cases if case["name"] == "cut")
    assert (cut["patched"]["verdict"], cut["base"]["verdict"], cut["separates"]) == ("proved", "hangs", True)
    assert (cut["patched"]["after_cut_ms"], cut["base"]["after_cut_ms"]) == (1766, 20001)
    assert cut["patched"]["counters"]["client"]["SubflowStale"] == 1


def test_without_another_kernel_nothing_is_separated() -> None:
    found = Comparison(patched=judged(kernel_log()))
    assert not any(found.separates(name) for name in CASES)
    assert found.to_json()["splats"] == {"patched": [], "base": None}


def test_what_the_base_proves_too_separates_nothing() -> None:
    found = Comparison(patched=judged(kernel_log(cut=HANG)), base=judged(kernel_log()))
    assert not any(found.separates(name) for name in CASES)
