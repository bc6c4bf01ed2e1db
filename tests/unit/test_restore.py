# SPDX-License-Identifier: MIT
"""What nothing covers: picked from the source, else carried, else refused or acknowledged; and in conflict, said so."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptcp_series.engine.result import Result
from mptcp_series.values.alignment import Lost, Remedy
from mptcp_series.values.result import EntryKind, Status

from .stable_lab import CORE, PM, TCP, Kernel

FLUSH = ("\tmptcp_flush_work(data, sk->flush_budget);\n", "\tmptcp_flush_under_lock(data);\n")
FREE = ("\tmptcp_free_count(data);\n", "\tmptcp_free_count(data);\n\tmptcp_free_the_token(data);\n")
REMOVE = ("\tmptcp_remove_count(data);\n", "\tmptcp_remove_count_once(data, sk);\n")


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """v5.15 with one change of the stack; what comes after it is in linux-5.15.y and mainline."""
    kernel = Kernel(tmp_path)
    kernel.fork("linux-5.10.y", "v5.10")
    kernel.mainline("mptcp: flush under the lock", {PM: FLUSH})
    kernel.release("master", "5.15")
    kernel.fork("linux-5.15.y", "v5.15")
    return kernel


def restored(result: Result) -> list[tuple[Remedy, str, str]]:
    return [(entry.how, entry.origin, entry.name) for entry in result.alignment.restored]


def entries(result: Result) -> list[tuple[str, Status]]:
    return [(patch.name, patch.status) for patch in result.patches if patch.kind is EntryKind.RESTORE]


def fix(kernel: Kernel) -> str:
    return kernel.mainline("mptcp: free the token", {CORE: FREE})


def backport(kernel: Kernel, upstream: str, branch: str = "linux-5.10.y") -> str:
    return kernel.commit(branch, {CORE: FREE}, "mptcp: free the token", f"commit {upstream} upstream.")


def test_picks_from_the_targets_stable_line_first(kernel: Kernel) -> None:
    upstream = fix(kernel)
    stable = backport(kernel, upstream, "linux-5.15.y")
    kernel.release("linux-5.15.y", "5.15.1")
    backport(kernel, upstream)
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert restored(result) == [(Remedy.PICKED, stable, "restore-mptcp-free-the-token.patch")]
    assert entries(result) == [("restore-mptcp-free-the-token.patch", Status.CLEAN)]
    assert "mptcp_free_the_token" in kernel.after(result, CORE)
    assert result.reasons() == []
    assert f"commit {upstream} upstream." in result.steps[-1].raw.message.decode()


def test_picks_from_mainline_where_the_stable_line_has_it_not(kernel: Kernel) -> None:
    upstream = fix(kernel)
    backport(kernel, upstream)
    kernel.release("linux-5.10.y", "5.10.1")
    assert restored(kernel.apply("v5.10.1")) == [(Remedy.PICKED, upstream, "restore-mptcp-free-the-token.patch")]


def test_carries_what_the_source_does_not_have(kernel: Kernel) -> None:
    change = backport(kernel, "ab" * 20)
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert restored(result) == [(Remedy.CARRIED, change, "carry-mptcp-free-the-token.patch")]
    assert result.steps[-1].raw.message.decode() == f"mptcp: free the token\n\ncommit {'ab' * 20} upstream.\n"
    assert "mptcp_free_the_token" in kernel.after(result, CORE)


def test_a_carried_change_without_an_origin_says_where_it_is_from(kernel: Kernel) -> None:
    change = kernel.commit("linux-5.10.y", {CORE: FREE}, "mptcp: ours")
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert result.steps[-1].raw.message.decode() == f"mptcp: ours\n\n(cherry picked from commit {change})\n"


def test_does_not_pick_what_the_recipe_excludes(kernel: Kernel) -> None:
    upstream = fix(kernel)
    backport(kernel, upstream)
    kernel.release("linux-5.10.y", "5.10.1")
    queue = kernel.queue(recipe=f'[[exclude]]\ncommit = "{upstream}"\nreason = "5.10 cannot have it"\n')
    assert [entry.how for entry in kernel.apply("v5.10.1", queue).alignment.restored] == [Remedy.CARRIED]


def test_carries_where_the_files_of_the_pick_are_missing(kernel: Kernel) -> None:
    upstream = fix(kernel)
    change = backport(kernel, upstream)
    # The blob of this state of the file is in no other commit that is read.
    blob = kernel.blob(kernel.mainline("mptcp: more", {CORE: ("\tmptcp_join_count(data);\n", "")}), CORE)
    far = kernel.mainline("mptcp: far", {CORE: ("\tmptcp_open_count(data);\n", "\tmptcp_open_more(data);\n")})
    kernel.commit(
        "linux-5.10.y",
        {CORE: ("\tmptcp_open_count(data);\n", "\tmptcp_open_more(data);\n")},
        "mptcp: far",
        f"commit {far} upstream.",
    )
    kernel.release("linux-5.10.y", "5.10.1")
    (Path(kernel.source.path) / "objects" / blob[:2] / blob[2:]).unlink()
    result = kernel.apply("v5.10.1")
    assert [(entry.commit == change, entry.how) for entry in result.alignment.restored] == [
        (True, Remedy.PICKED),
        (False, Remedy.CARRIED),
    ]
    assert result.alignment.warnings == (
        f"{far[:12]} mptcp: far would be picked, and its files are not in the source: the base's own change is "
        f"carried instead; `git fetch origin {far}` brings them",
    )


def test_restores_in_the_order_of_the_base(kernel: Kernel) -> None:
    second = (FREE[1], FREE[1].replace("the_token", "the_token_locked"))
    kernel.commit("linux-5.10.y", {CORE: FREE}, "mptcp: one")
    kernel.commit("linux-5.10.y", {CORE: second}, "mptcp: two")
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert [name for name, _ in entries(result)] == ["carry-mptcp-one.patch", "carry-mptcp-two.patch"]
    assert kernel.after(result, CORE) == kernel.upstream.files("v5.10.1")[CORE].data.decode()
    assert result.reasons() == []


def test_what_the_base_took_out_without_saying_so_does_not_come_back(kernel: Kernel) -> None:
    kernel.commit("linux-5.10.y", {CORE: FREE}, "mptcp: debug")
    kernel.commit("linux-5.10.y", {CORE: (FREE[1], FREE[0])}, "mptcp: clean up")
    kernel.commit("linux-5.10.y", {PM: REMOVE}, "mptcp: other")
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert "mptcp_free_the_token" not in kernel.after(result, CORE)
    assert result.reasons() == []


# A person decides.


def test_refuses_a_lost_fix_where_the_recipe_says_so(kernel: Kernel) -> None:
    change = backport(kernel, "ab" * 20)
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1", kernel.queue(series='lost = "refuse"'))
    (lost,) = result.alignment.lost
    assert (lost.commit, lost.upstream, lost.path) == (change, "ab" * 20, CORE)
    assert result.reasons() == [f"lost fix: {change[:12]} mptcp: free the token"]
    assert not entries(result)


def test_acknowledges_by_commit_or_by_its_upstream(kernel: Kernel) -> None:
    change = backport(kernel, "ab" * 20)
    kernel.release("linux-5.10.y", "5.10.1")
    for named in (change, "ab" * 20):
        recipe = f'[[acknowledge]]\ncommit = "{named}"\nreason = "we have no tokens"\n'
        result = kernel.apply("v5.10.1", kernel.queue(recipe=recipe, series='lost = "refuse"'))
        assert [(entry.commit, entry.reason) for entry in result.alignment.acknowledged] == [
            (change, "we have no tokens")
        ]
        assert (result.alignment.lost, result.alignment.restored, result.reasons()) == ((), (), [])


def test_acknowledges_by_path_and_hunk(kernel: Kernel) -> None:
    change = kernel.commit("linux-5.10.y", {CORE: FREE, PM: REMOVE}, "mptcp: two files")
    kernel.release("linux-5.10.y", "5.10.1")
    (hunk,) = kernel.hunk_ids(change, CORE)
    recipe = f'[[acknowledge]]\npath = "{CORE}"\nhunk = "{hunk}"\nreason = "no tokens"\n'
    result = kernel.apply("v5.10.1", kernel.queue(recipe=recipe))
    assert result.alignment.acknowledged == (
        Lost(commit=change, subject="mptcp: two files", upstream=None, path=CORE, hunk=hunk, reason="no tokens"),
    )
    assert [entry.name for entry in result.alignment.restored] == ["carry-mptcp-two-files.patch"]
    assert "mptcp_free_the_token" not in kernel.after(result, CORE)
    assert "mptcp_remove_count_once" in kernel.after(result, PM)


def test_says_which_part_stays_of_what_is_acknowledged(kernel: Kernel) -> None:
    change = kernel.commit("linux-5.10.y", {CORE: FREE, TCP: ("\ttcp_done_count(data);\n", "")}, "mptcp: both")
    kernel.release("linux-5.10.y", "5.10.1")
    recipe = f'[[acknowledge]]\ncommit = "{change}"\nreason = "no tokens"\n'
    result = kernel.apply("v5.10.1", kernel.queue(recipe=recipe))
    assert result.alignment.warnings == ("acknowledged: mptcp: both; its part in net/ipv4/tcp.c stays on the base",)
    assert result.reasons() == []


# The vendor's own.


def test_a_vendors_edit_with_history_is_always_carried(kernel: Kernel) -> None:
    kernel.release("linux-5.10.y", "5.10.1")
    base = kernel.commit("linux-5.10.y", {CORE: FREE}, "BSP: free the token")
    result = kernel.apply(base, kernel.queue(series='lost = "refuse"'))
    assert [(entry.how, entry.subject) for entry in result.alignment.restored] == [
        (Remedy.CARRIED, "BSP: free the token")
    ]
    assert result.reasons() == []


def test_a_vendors_edit_of_a_squashed_tree_is_carried_by_file(kernel: Kernel) -> None:
    kernel.release("linux-5.10.y", "5.10.1")
    kernel.drop("v5.10.1", {CORE: FREE, PM: REMOVE})
    result = kernel.apply_vendor(kernel.queue(series='lost = "refuse"'))
    assert [(entry.commit, entry.origin, entry.name) for entry in result.alignment.restored] == [
        (None, "bsp", "carry-net-mptcp-core.c.patch"),
        (None, "bsp", "carry-net-mptcp-pm.c.patch"),
    ]
    assert "mptcp_free_the_token" in kernel.after(result, CORE)
    assert result.reasons() == []
    assert "Restore: changes of the vendor to net/mptcp/core.c" in result.steps[-2].raw.message.decode()


def test_a_vendors_edit_comes_on_top_of_what_stable_brings(kernel: Kernel) -> None:
    backport(kernel, "ab" * 20)
    kernel.release("linux-5.10.y", "5.10.1")
    kernel.drop("v5.10.1", {CORE: ("mptcp_free_the_token(data)", "mptcp_free_the_token(data->bsp)")})
    result = kernel.apply_vendor()
    assert [entry.name for entry in result.alignment.restored] == [
        "carry-mptcp-free-the-token.patch",
        "carry-net-mptcp-core.c.patch",
    ]
    assert "mptcp_free_the_token(data->bsp)" in kernel.after(result, CORE)
    assert result.reasons() == []


def test_a_vendors_pick_that_does_more_is_named(kernel: Kernel) -> None:
    upstream = kernel.mainline("mptcp: free the token", {CORE: FREE})
    kernel.release("master", "5.16")
    kernel.release("linux-5.10.y", "5.10.1")
    both = [FREE, ("\tmptcp_open_count(data);\n", "\tmptcp_open_count(data);\n\tbsp_count_open(data);\n")]
    change = kernel.commit("linux-5.10.y", {CORE: both}, "mptcp: free the token", f"commit {upstream} upstream.")
    result = kernel.apply(change, kernel.queue(range="v5.10..v5.16"))
    assert result.alignment.warnings == (
        f"the vendor's {change[:12]} mptcp: free the token has a line in net/mptcp/core.c that "
        "free-the-token.patch, which brings it back, does not have",
    )


# Conflicts of what is restored.


def conflicting(kernel: Kernel) -> None:
    other = ("\tmptcp_remove_count(data);\n", "\tmptcp_remove_count_all(data);\n")
    kernel.mainline("mptcp: count all", {PM: other})
    kernel.release("master", "5.16")
    kernel.commit("linux-5.10.y", {PM: REMOVE}, "mptcp: count once")
    kernel.release("linux-5.10.y", "5.10.1")


def test_a_restore_that_does_not_merge_is_counted_apart(kernel: Kernel) -> None:
    conflicting(kernel)
    result = kernel.apply("v5.10.1", kernel.queue(range="v5.10..v5.16"))
    assert entries(result) == [("carry-mptcp-count-once.patch", Status.CONFLICT)]
    assert result.reasons() == ["conflict: carry-mptcp-count-once.patch: net/mptcp/pm.c"]
    replayed = [patch for patch in result.patches if patch.kind is not EntryKind.RESTORE]
    assert all(patch.status is Status.CLEAN for patch in replayed)


@pytest.mark.parametrize("optional", ["", "Optional: yes\n"])
def test_an_override_settles_a_restore(kernel: Kernel, optional: str) -> None:
    conflicting(kernel)
    override = f"Patch: carry-mptcp-count-once.patch\n{optional}Drop: {PM}\nReason: all is enough\n---\n"
    result = kernel.apply("v5.10.1", kernel.queue(range="v5.10..v5.16", overrides={"a.patch": override}))
    assert result.reasons() == []
    assert result.overrides.used == ("overrides/a.patch",)
    assert (result.overrides.drift, result.overrides.not_needed) == ((), ())


def test_an_override_for_nothing_is_drift_once(kernel: Kernel) -> None:
    conflicting(kernel)
    overrides = {
        "a.patch": "Patch: carry-mptcp-count-once.patch\nSkip: yes\nReason: why\n---\n",
        "b.patch": "Patch: nobody.patch\nSkip: yes\nReason: why\n---\n",
        "c.patch": "Patch: nobody.patch\nOptional: yes\nSkip: yes\nReason: why\n---\n",
    }
    result = kernel.apply("v5.10.1", kernel.queue(range="v5.10..v5.16", overrides=overrides))
    assert [str(drift) for drift in result.overrides.drift] == [
        "overrides/b.patch: Patch: no patch of the queue is nobody.patch"
    ]
    assert result.overrides.not_needed == ("overrides/c.patch",)
    assert result.overrides.used == ("overrides/a.patch",)
