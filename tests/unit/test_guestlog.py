# SPDX-License-Identifier: MIT
"""Splats and KUnit results of logs written for the purpose, in the forms kernels have for them."""

from __future__ import annotations

import pytest

from mptcp_series.values.guestlog import KunitTest, kunit_tests, log_lines, splats


def lines(text: str) -> bytes:
    """A log with times, as a serial line brings it."""
    return "".join(f"[    1.{at:06}] {line}\r\n" for at, line in enumerate(text.splitlines())).encode()


def test_times_and_callers_are_taken_off_and_indents_stay() -> None:
    data = b"[    0.000000] Linux version 5.10.66\r\n[   12.5][   T17]     ok 1 - a\r\nplain\r\n[ cut"
    assert [line.text for line in log_lines(data)] == ["Linux version 5.10.66", "    ok 1 - a", "plain", "[ cut"]
    assert [line.number for line in log_lines(data)] == [1, 2, 3, 4]
    assert log_lines(b"") == ()


def test_bytes_that_are_no_text_are_shown() -> None:
    assert log_lines(b"a\xff\n")[0].text == "a\\xff"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("WARNING: CPU: 0 PID: 7 at net/mptcp/protocol.c:12 mptcp_push+0x1/0x2", "WARNING"),
        ("WARNING: possible circular locking dependency detected", "lockdep"),
        ("WARNING: possible recursive locking detected", "lockdep"),
        ("WARNING: inconsistent lock state", "lockdep"),
        ("WARNING: suspicious RCU usage", "lockdep"),
        ("WARNING: bad unlock balance detected!", "lockdep"),
        ("WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected", "lockdep"),
        ("[ BUG: Invalid wait context ]", "lockdep"),
        ("INFO: trying to register non-static key.", "lockdep"),
        ("BUG: KASAN: use-after-free in mptcp_close+0x1/0x2", "KASAN"),
        ("BUG: KFENCE: out-of-bounds read in mptcp_close+0x1/0x2", "KFENCE"),
        ("BUG: KCSAN: data-race in a / b", "KCSAN"),
        ("BUG kmalloc-64 (Not tainted): Poison overwritten", "slab"),
        ("BUG: kernel NULL pointer dereference, address: 0000000000000008", "BUG"),
        ("BUG: sleeping function called from invalid context at mm/slub.c:1", "BUG"),
        ("BUG: scheduling while atomic: probe/12/0x00000002", "BUG"),
        ("kernel BUG at net/mptcp/subflow.c:12!", "BUG"),
        ("watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [probe:31]", "lockup"),
        ("rcu: INFO: rcu_sched detected stalls on CPUs/tasks:", "RCU stall"),
        ("rcu: INFO: rcu_sched self-detected stall on CPU", "RCU stall"),
        ("INFO: task probe:31 blocked for more than 120 seconds.", "hung task"),
        ("Oops: 0000 [#1] SMP", "Oops"),
        ("general protection fault, probably for non-canonical address 0xdead: 0000 [#1]", "Oops"),
        ("UBSAN: shift-out-of-bounds in net/mptcp/options.c:1:2", "UBSAN"),
        ("kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)", "kmemleak"),
        ("unregister_netdevice: waiting for link1 to become free. Usage count = 1", "leaked device"),
        ("Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b", "panic"),
    ],
)
def test_every_kind_of_splat_is_found(line: str, kind: str) -> None:
    (found,) = splats(log_lines(lines(f"quiet\n{line}\nCall Trace:\n dump_stack+0x1/0x2")))
    assert (found.kind, found.line, found.title) == (kind, 2, line)
    assert found.text == (line, "Call Trace:", " dump_stack+0x1/0x2")


@pytest.mark.parametrize(
    "line",
    [
        "Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on",
        "Command line: console=ttyS0 panic=-1",
        "probe: step=case name=cut result=failed why=BUG: ms=1",
        "probe: WARNING: no kernel says this",
        "Lock dependency validator: Copyright (c) 2006 Red Hat, Inc.",
        "rcu: \tRCU lockdep checking is enabled.",
        "DEBUG: nothing",
    ],
)
def test_what_only_looks_like_a_splat_is_none(line: str) -> None:
    assert splats(log_lines(lines(line))) == ()


def test_signs_of_one_report_are_one_splat() -> None:
    text = """\
probe: step=begin case=cut
------------[ cut here ]------------
refcount_t: underflow; use-after-free.
WARNING: CPU: 0 PID: 7 at lib/refcount.c:28 refcount_warn_saturate+0xa6/0xf0
Call Trace:
---[ end trace 0123456789abcdef ]---
quiet
------------[ cut here ]------------
kernel BUG at net/mptcp/protocol.c:12!
invalid opcode: 0000 [#1] SMP
---[ end trace 0123456789abcdf0 ]---
Kernel panic - not syncing: Fatal exception
---[ end Kernel panic - not syncing: Fatal exception ]---
"""
    found = splats(log_lines(lines(text)))
    assert [(splat.kind, splat.line) for splat in found] == [("WARNING", 2), ("BUG", 8), ("panic", 12)]
    assert found[0].title.startswith("WARNING: CPU: 0")
    assert len(found[0].text) == 5


def test_a_splat_belongs_to_the_case_that_ran() -> None:
    text = """\
WARNING: CPU: 0 PID: 1 at a.c:1 before
probe: step=begin case=join
WARNING: CPU: 0 PID: 1 at a.c:1 within
probe: step=case name=join result=done why=- ms=1
WARNING: CPU: 0 PID: 1 at a.c:1 between
probe: step=begin case=cut
probe: step=counters case=cut side=client
WARNING: CPU: 0 PID: 1 at a.c:1 later
"""
    assert [splat.case for splat in splats(log_lines(lines(text)))] == [None, "join", None, "cut"]


def test_a_lockup_that_is_told_again_is_another_splat_and_text_has_an_end() -> None:
    line = "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [probe:31]"
    found = splats(log_lines(lines("\n".join([line, "trace", line, *["x"] * 100]))))
    assert [len(splat.text) for splat in found] == [2, 60]


TAP = """\
TAP version 14
1..2
    # Subtest: mptcp-crypto
    1..1
    ok 1 - mptcp_crypto_test_basic
ok 1 - mptcp-crypto
    # Subtest: mptcp-token
    1..3
    ok 1 - mptcp_token_test_req_basic
some other line of the kernel
    # mptcp_token_test_msk_basic: EXPECTATION FAILED at net/mptcp/token_test.c:1
    not ok 2 - mptcp_token_test_msk_basic
    ok 3 - mptcp_token_test_accept # SKIP no memory
not ok 2 - mptcp-token
ok 7 - not a test any more
"""


def test_kunit_results_are_read_between_other_lines() -> None:
    assert kunit_tests(log_lines(lines(TAP))) == (
        KunitTest(suite="mptcp-crypto", name="mptcp_crypto_test_basic", passed=True),
        KunitTest(suite="mptcp-token", name="mptcp_token_test_req_basic", passed=True),
        KunitTest(suite="mptcp-token", name="mptcp_token_test_msk_basic", passed=False),
        KunitTest(suite="mptcp-token", name="mptcp_token_test_accept", passed=True, skipped=True),
    )


def test_the_newer_form_without_dashes_is_read() -> None:
    text = """\
KTAP version 1
1..1
    KTAP version 1
    # Subtest: mptcp-crypto
    1..1
    ok 1 basic
ok 1 mptcp-crypto
"""
    assert kunit_tests(log_lines(lines(text))) == (KunitTest(suite="mptcp-crypto", name="basic", passed=True),)


def test_a_promised_test_that_never_came_has_failed() -> None:
    text = "TAP version 14\n    # Subtest: mptcp-token\n    1..3\n    ok 1 - one\nKernel panic - not syncing: x"
    assert [(test.name, test.passed) for test in kunit_tests(log_lines(lines(text)))] == [
        ("one", True),
        ("test 2 of 3", False),
        ("test 3 of 3", False),
    ]


def test_results_of_a_program_that_speaks_no_tap_are_none() -> None:
    assert kunit_tests(log_lines(lines("    # Subtest: x\n    1..1\n    ok 1 - y"))) == ()
