# SPDX-License-Identifier: MIT
"""Which later release of the target's line has what is lost or restored."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptcp_series.engine.alignment.stable import LaterTargets, release_line
from mptcp_series.engine.queue import Queue

from .stable_lab import CORE, PM, Kernel, makefile

FLUSH = ("\tmptcp_flush_work(data, sk->flush_budget);\n", "\tmptcp_flush_under_lock(data);\n")
FREE = ("\tmptcp_free_count(data);\n", "\tmptcp_free_count(data);\n\tmptcp_free_the_token(data);\n")
REMOVE = ("\tmptcp_remove_count(data);\n", "\tmptcp_remove_count_once(data, sk);\n")
JOIN = ("\tmptcp_join_count(data);\n", "\tmptcp_join_count(data);\n\tmptcp_join_token_check(data, sk);\n")


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """v5.15 and three releases after it, each with one fix; 5.10.1 has all three fixes."""
    kernel = Kernel(tmp_path)
    kernel.fork("linux-5.10.y", "v5.10")
    kernel.mainline("mptcp: flush under the lock", {PM: FLUSH})
    kernel.release("master", "5.15")
    kernel.fork("linux-5.15.y", "v5.15")
    for number, (path, edit) in enumerate(((CORE, FREE), (PM, REMOVE), (CORE, JOIN)), start=1):
        upstream = kernel.mainline(f"mptcp: fix {number}", {path: edit})
        for branch in ("linux-5.15.y", "linux-5.10.y"):
            kernel.commit(branch, {path: edit}, f"mptcp: fix {number}", f"commit {upstream} upstream.")
        kernel.release("linux-5.15.y", f"5.15.{number}")
    kernel.release("linux-5.10.y", "5.10.1")
    return kernel


def later(kernel: Kernel, base: str, queue: Queue | None = None, *, vendor: bool = False) -> LaterTargets:
    queue = queue or kernel.queue()
    result = kernel.apply_vendor(queue) if vendor else kernel.apply(base, queue)
    return result.later_targets()


def told(found: LaterTargets) -> list[tuple[str, str | None, str | None]]:
    return [(entry.subject, entry.path, entry.target) for entry in found.changes]


def test_the_smallest_release_that_has_most(kernel: Kernel) -> None:
    found = later(kernel, "v5.10.1")
    assert told(found) == [
        ("mptcp: fix 1", None, "v5.15.1"),
        ("mptcp: fix 2", None, "v5.15.2"),
        ("mptcp: fix 3", None, "v5.15.3"),
    ]
    assert (found.target, found.covers, str(found)) == ("v5.15.3", 3, "range ..v5.15.3 covers 3 of 3")


def test_only_releases_after_the_target_count(kernel: Kernel) -> None:
    found = later(kernel, "v5.10.1", kernel.queue(range="v5.10..v5.15.1"))
    assert [entry.target for entry in found.changes] == ["v5.15.2", "v5.15.3"]


def test_what_no_release_has(kernel: Kernel) -> None:
    kernel.commit("linux-5.10.y", {CORE: ("\tmptcp_open_count(data);\n", "\tmptcp_open_more(data);\n")}, "mptcp: ours")
    kernel.release("linux-5.10.y", "5.10.2")
    found = later(kernel, "v5.10.2")
    assert told(found)[3] == ("mptcp: ours", CORE, None)
    assert str(found) == "range ..v5.15.3 covers 3 of 4"
    assert found.to_json()["of"] == 4


def test_what_a_release_took_back_is_not_covered_by_the_next(kernel: Kernel) -> None:
    fix = str(kernel.source.revparse_single("v5.15.3~1").id)
    kernel.commit("linux-5.15.y", {CORE: (JOIN[1], JOIN[0])}, 'Revert "fix 3"', f"This reverts commit {fix}.")
    kernel.release("linux-5.15.y", "5.15.4")
    found = later(kernel, "v5.10.1", kernel.queue(range="v5.10..v5.15.2"))
    assert told(found) == [("mptcp: fix 3", None, "v5.15.3")]
    assert (found.target, found.covers) == ("v5.15.3", 1)
    kernel.release("linux-5.15.y", "5.15.5")
    assert later(kernel, "v5.10.1", kernel.queue(series='target = "v5.15.3"')).target is None


def test_a_squashed_base_is_compared_by_content(kernel: Kernel) -> None:
    kernel.drop("v5.10.1", files={"Makefile": makefile("5.10.8")})
    found = later(kernel, "bsp", vendor=True)
    assert told(found) == [
        ("changes of the base", CORE, "v5.15.3"),
        ("changes of the base", CORE, "v5.15.1"),
        ("changes of the base", PM, "v5.15.2"),
    ]
    assert str(found) == "range ..v5.15.3 covers 3 of 3"


def test_a_vendors_own_edit_does_not_count(kernel: Kernel) -> None:
    kernel.drop("v5.10.1", {PM: ("\tmptcp_flush_count(data);\n", "\tbsp_flush_count(data);\n")})
    assert str(later(kernel, "bsp", vendor=True)) == "range ..v5.15.3 covers 3 of 3"


def test_nothing_lost_needs_no_target(kernel: Kernel) -> None:
    found = later(kernel, "v5.10")
    assert (found, str(found)) == (LaterTargets(), "")


def test_a_target_that_is_no_release_has_no_line(kernel: Kernel) -> None:
    kernel.publish("master")
    found = later(kernel, "v5.10.1", kernel.queue(range="v5.10..master~3"))
    assert (found.target, [entry.target for entry in found.changes]) == (None, [None] * 3)
    assert str(found) == ""


@pytest.mark.parametrize("text", ["master", "v5.15-rc1", "5.15.y", "v5", "deadbeef"])
def test_names_that_are_no_release(text: str) -> None:
    assert release_line(text) is None
