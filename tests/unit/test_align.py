# SPDX-License-Identifier: MIT
"""Alignment on bases with a history: what the base changed is found, mapped, covered, and named where it is not."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mptcp_series.engine.result import Result
from mptcp_series.engine.runs import Runs
from mptcp_series.values.alignment import HalfRetracted
from mptcp_series.values.result import EntryKind, Status

from .stable_lab import CORE, PM, TCP, Kernel, makefile

SEND = ("\tmptcp_send_work(data, sk->send_budget);\n", "\tif (data->send_ready)\n\t\tmptcp_send_work(data, 1);\n")
JOIN = ("\tmptcp_join_count(data);\n", "\tmptcp_join_count(data);\n\tmptcp_join_token_check(data, sk);\n")
RECV = ("\tmptcp_recv_prepare(data);\n", "\tmptcp_recv_prepare(data);\n\tmptcp_recv_lock_subflow(data);\n")
FLUSH = ("\tmptcp_flush_work(data, sk->flush_budget);\n", "\tmptcp_flush_under_lock(data);\n")
PUSH = ("\ttcp_push_work(data, sk->tcp_push_budget);\n", "\ttcp_push_work(data, mptcp_room(sk));\n")

FORMS = ("commit {} upstream.", "[ Upstream commit {} ]", "(cherry picked from commit {})", "upstream commit {}")


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """v5.10, v5.15 with four changes of the stack, and nothing on linux-5.10.y yet."""
    kernel = Kernel(tmp_path)
    kernel.fork("linux-5.10.y", "v5.10")
    return kernel


def mainline(kernel: Kernel) -> dict[str, str]:
    ids = {
        "send": kernel.mainline("mptcp: send when ready", {CORE: SEND}),
        "join": kernel.mainline("mptcp: check the token", {CORE: JOIN}),
        "room": kernel.mainline("mptcp: say how much room", {CORE: RECV, TCP: PUSH}),
        "flush": kernel.mainline("mptcp: flush under the lock", {PM: FLUSH}),
    }
    kernel.release("master", "5.15")
    return ids


def names(result: Result) -> list[str]:
    return [patch.name for patch in result.patches]


def covered(result: Result) -> list[tuple[str, str | None]]:
    return [(entry.subject, entry.covered_by) for entry in result.alignment.retracted]


@pytest.mark.parametrize("form", FORMS)
def test_maps_by_every_form_of_provenance(kernel: Kernel, form: str) -> None:
    ids = mainline(kernel)
    # Another subject, so that nothing but the id can tell.
    backport = kernel.commit("linux-5.10.y", {CORE: JOIN}, "mptcp: a backport", form.format(ids["join"]))
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    (entry,) = result.alignment.retracted
    assert (entry.commit, entry.upstream, entry.covered_by) == (backport, ids["join"], "check-the-token.patch")
    assert (entry.path, entry.hunk) == (None, None)
    assert result.reasons() == []
    assert names(result)[0] == "align-to-v5.10.patch"
    assert all(patch.status is Status.CLEAN for patch in result.patches)


def test_maps_by_subject_where_no_id_is_named(kernel: Kernel) -> None:
    mainline(kernel)
    kernel.commit("linux-5.10.y", {CORE: JOIN}, "mptcp: check the token")
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert covered(result) == [("mptcp: check the token", "check-the-token.patch")]
    assert not result.alignment.restored


def test_a_subject_alone_does_not_cover_another_change(kernel: Kernel) -> None:
    mainline(kernel)
    kernel.commit("linux-5.10.y", {CORE: ("\tmptcp_free_count(data);\n", "")}, "mptcp: check the token")
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert [entry.covered_by for entry in result.alignment.retracted] == [None]
    assert [entry.subject for entry in result.alignment.restored] == ["mptcp: check the token"]
    assert "mptcp_free_count" not in kernel.after(result, CORE)


def test_an_adapted_backport_is_covered_by_the_original(kernel: Kernel) -> None:
    ids = mainline(kernel)
    adapted = (
        "\tmptcp_send_work(data, sk->send_budget);\n",
        "\tif (data->send_ready && sk)\n\t\tmptcp_send_all(data);\n",
    )
    kernel.commit("linux-5.10.y", {CORE: adapted}, "mptcp: send", f"[ Upstream commit {ids['send']} ]")
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert covered(result) == [("mptcp: send", "send-when-ready.patch")]
    assert kernel.after(result, CORE) == kernel.upstream.files("v5.15")[CORE].data.decode()
    assert result.reasons() == []


def test_a_base_equal_to_root_gets_no_align_entry(kernel: Kernel) -> None:
    mainline(kernel)
    kernel.commit("linux-5.10.y", {TCP: ("\ttcp_done_count(data);\n", "")}, "tcp: not of the stack")
    kernel.release("linux-5.10.y", "5.10.1")
    for base in ("v5.10", "v5.10.1"):
        result = kernel.apply(base)
        assert [patch.kind for patch in result.patches] == [EntryKind.PATCH] * 4
        assert set(map(str, result.alignment.to_json().values())) == {"[]"}


def test_the_message_lists_what_is_taken_out_and_what_brings_it_back(kernel: Kernel) -> None:
    ids = mainline(kernel)
    backport = kernel.commit("linux-5.10.y", {CORE: JOIN}, "mptcp: token", f"commit {ids['join']} upstream.")
    lost = kernel.commit("linux-5.10.y", {PM: ("\tmptcp_remove_count(data);\n", "")}, "mptcp: do not count")
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert result.steps[0].raw.message.decode() == (
        "Retract: owned paths as in v5.10\n\n"
        "The queue was made for files without these changes of the base. A patch of the queue brings each\n"
        "back, or it is put back at the queue's end, or the account of the run calls it lost:\n\n"
        f"  {backport[:12]} mptcp: token\n    brought back by check-the-token.patch\n"
        f"  {lost[:12]} mptcp: do not count\n"
    )


def test_a_release_tag_at_the_root_is_the_start(kernel: Kernel) -> None:
    ids = mainline(kernel)
    kernel.commit("linux-5.10.y", {PM: ("\tmptcp_remove_count(data);\n", "")}, "mptcp: before the root")
    kernel.release("linux-5.10.y", "5.10.1")
    kernel.commit("linux-5.10.y", {CORE: JOIN}, "mptcp: token", f"commit {ids['join']} upstream.")
    kernel.release("linux-5.10.y", "5.10.2")
    result = kernel.apply("v5.10.2", kernel.queue(series='root = "v5.10.1"'))
    assert covered(result) == [("mptcp: token", "check-the-token.patch")]
    assert "mptcp_remove_count" not in kernel.after(result, PM)


# A covering patch that did not come covers nothing: then content decides.


def skipped(kernel: Kernel, name: str) -> dict[str, str]:
    return {"skip.patch": f"Patch: {name}\nSkip: yes\nReason: cannot be had\n---\n"}


def test_a_skipped_patch_covers_nothing(kernel: Kernel) -> None:
    ids = mainline(kernel)
    kernel.commit("linux-5.10.y", {CORE: JOIN}, "mptcp: token", f"commit {ids['join']} upstream.")
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1", kernel.queue(overrides=skipped(kernel, "check-the-token.patch")))
    (entry,) = result.alignment.retracted
    assert (entry.covered_by, entry.path) == (None, CORE)
    (restored,) = result.alignment.restored
    # To pick the same commit again would undo the override.
    assert restored.how.value == "carried"
    assert "mptcp_join_token_check" in kernel.after(result, CORE)


def test_an_overridden_patch_is_judged_hunk_by_hunk(kernel: Kernel) -> None:
    both = {CORE: [SEND, RECV]}
    commit = kernel.mainline("mptcp: two hunks", both)
    kernel.release("master", "5.15")
    kernel.commit("linux-5.10.y", both, "mptcp: two hunks", f"commit {commit} upstream.")
    kernel.release("linux-5.10.y", "5.10.1")
    send, recv = kernel.hunk_ids(commit, CORE)
    override = {"drop.patch": f"Commit: {commit}\nDrop: {CORE}#{recv}\nReason: cannot be had\n---\n"}
    result = kernel.apply("v5.10.1", kernel.queue(overrides=override))
    assert [(entry.hunk, entry.covered_by) for entry in result.alignment.retracted] == [
        (send, "two-hunks.patch"),
        (recv, None),
    ]
    assert [entry.how.value for entry in result.alignment.restored] == ["carried"]
    assert "mptcp_recv_lock_subflow" in kernel.after(result, CORE)
    assert result.patches[-1].hunks.total == 1
    assert result.reasons() == []


def test_a_patch_in_conflict_covers_nothing_and_content_decides(kernel: Kernel) -> None:
    ids = mainline(kernel)
    kernel.commit("linux-5.10.y", {CORE: RECV}, "mptcp: room", f"commit {ids['room']} upstream.")
    # The base has something else where the patch changes a shared file.
    kernel.commit(
        "linux-5.10.y",
        {TCP: ("\ttcp_push_work(data, sk->tcp_push_budget);\n", "\ttcp_push_none(data);\n")},
        "tcp: other",
    )
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert result.reasons() == ["conflict: say-how-much-room.patch: net/ipv4/tcp.c"]
    (entry,) = result.alignment.retracted
    assert entry.hunk is not None
    assert entry.covered_by == "say-how-much-room.patch"
    assert not result.alignment.restored


def test_a_file_the_queue_came_by_is_covered_only_if_all_that_led_there_was_applied(kernel: Kernel) -> None:
    """A base without a history, whose file is what the queue has after its second patch; the first is left out."""
    mainline(kernel)
    files = {CORE: kernel.upstream.files("master")[CORE].data, "Makefile": makefile("5.10.7")}
    kernel.drop("v5.10", None, files)
    kernel.publish("master")
    whole = kernel.apply_vendor()
    assert [(entry.path, entry.hunk) for entry in whole.alignment.retracted] == [(CORE, None)]
    overrides = skipped(kernel, "send-when-ready.patch")
    for lost in ("restore", "refuse"):
        result = kernel.apply_vendor(kernel.queue(series=f'lost = "{lost}"', overrides=overrides))
        (left,) = (entry for entry in result.alignment.retracted if entry.covered_by is None)
        assert (left.path, left.hunk is None) == (CORE, False)
        there = "if (data->send_ready)" in kernel.after(result, CORE)
        assert (there, len(result.alignment.lost)) == ((True, 0) if lost == "restore" else (False, 1))


# Reverts.


def revert(kernel: Kernel, commit: str, edit: tuple[str, str], path: str, branch: str = "linux-5.10.y") -> str:
    return kernel.commit(branch, {path: (edit[1], edit[0])}, 'Revert "mptcp: token"', f"This reverts commit {commit}.")


def test_a_reverted_backport_is_reinstated_by_the_queue(kernel: Kernel) -> None:
    ids = mainline(kernel)
    backport = kernel.commit("linux-5.10.y", {CORE: JOIN}, "mptcp: token", f"commit {ids['join']} upstream.")
    taken_back = revert(kernel, backport, JOIN, CORE)
    kernel.commit("linux-5.10.y", {PM: FLUSH}, "mptcp: flush", f"commit {ids['flush']} upstream.")
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert covered(result) == [("mptcp: flush", "flush-under-the-lock.patch")]
    (again,) = result.alignment.reinstated
    assert (again.commit, again.name) == (taken_back, "check-the-token.patch")
    assert not result.alignment.restored
    assert f"reverted on the base by {taken_back[:12]}, and brought again by check-the-token.patch" in (
        result.steps[0].raw.message.decode()
    )


def test_a_reverted_change_the_queue_does_not_have_is_nothing(kernel: Kernel) -> None:
    mainline(kernel)
    drop = ("\tmptcp_free_count(data);\n", "\tmptcp_free_uncount(data);\n")
    change = kernel.commit("linux-5.10.y", {CORE: drop}, "mptcp: token", f"commit {'ab' * 20} upstream.")
    revert(kernel, change, drop, CORE)
    kernel.commit("linux-5.10.y", {PM: ("\tmptcp_remove_count(data);\n", "")}, "mptcp: other")
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert not result.alignment.reinstated
    assert [entry.subject for entry in result.alignment.restored] == ["mptcp: other"]


def test_a_revert_that_the_queue_has_too_reinstates_nothing(kernel: Kernel) -> None:
    ids = mainline_without_release(kernel)
    taken_back = kernel.commit(
        "master", {CORE: (JOIN[1], JOIN[0])}, 'Revert "mptcp: check the token"', f"This reverts commit {ids}."
    )
    kernel.release("master", "5.15")
    backport = kernel.commit("linux-5.10.y", {CORE: JOIN}, "mptcp: token", f"commit {ids} upstream.")
    kernel.commit(
        "linux-5.10.y",
        {CORE: (JOIN[1], JOIN[0])},
        'Revert "mptcp: check the token"',
        f"commit {taken_back} upstream.\n\nThis reverts commit {backport}.",
    )
    kernel.commit("linux-5.10.y", {PM: ("\tmptcp_remove_count(data);\n", "")}, "mptcp: other")
    kernel.release("linux-5.10.y", "5.10.1")
    assert not kernel.apply("v5.10.1").alignment.reinstated


def mainline_without_release(kernel: Kernel) -> str:
    return kernel.mainline("mptcp: check the token", {CORE: JOIN})


def test_a_revert_of_something_older_is_a_change_like_any_other(kernel: Kernel) -> None:
    mainline(kernel)
    gone = ("\tmptcp_free_count(data);\n", "")
    older = kernel.commit("linux-5.10.y", {CORE: gone}, "mptcp: free", "")
    kernel.release("linux-5.10.y", "5.10.1")
    back = (
        "\tmptcp_free_work(data, sk->free_budget);\n",
        "\tmptcp_free_work(data, sk->free_budget);\n\tmptcp_free_count(data);\n",
    )
    kernel.commit("linux-5.10.y", {CORE: back}, 'Revert "mptcp: free"', f"This reverts commit {older}.")
    kernel.release("linux-5.10.y", "5.10.2")
    result = kernel.apply("v5.10.2", kernel.queue(series='root = "v5.10.1"'))
    assert [entry.subject for entry in result.alignment.restored] == ['Revert "mptcp: free"']
    assert "mptcp_free_count" in kernel.after(result, CORE)


# Half a retraction.


def test_a_change_of_shared_files_is_whole_where_the_patch_finds_it(kernel: Kernel) -> None:
    ids = mainline(kernel)
    backport = kernel.commit("linux-5.10.y", {CORE: RECV, TCP: PUSH}, "mptcp: room", f"commit {ids['room']} upstream.")
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert result.alignment.half_retracted == (
        HalfRetracted(
            commit=backport, subject="mptcp: room", path=TCP, covered_by="say-how-much-room.patch", whole=True
        ),
    )
    assert result.alignment.window == ("say-how-much-room.patch",)
    covering = next(patch for patch in result.patches if patch.name == "say-how-much-room.patch")
    assert {path.path: path.status for path in covering.paths}[TCP] is Status.UPSTREAM
    assert result.reasons() == []


HALF = {CORE: RECV, TCP: ("\ttcp_done_work(data, sk->tcp_done_budget);\n", "\ttcp_done_adapted(data);\n")}


def test_a_person_is_asked_where_the_other_half_stays(kernel: Kernel) -> None:
    ids = mainline(kernel)
    backport = kernel.commit("linux-5.10.y", HALF, "mptcp: room", f"commit {ids['room']} upstream.")
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert [(half.path, half.whole) for half in result.alignment.half_retracted] == [(TCP, False)]
    assert result.reasons() == [
        f"half retracted: {backport[:12]} mptcp: room: its part in net/ipv4/tcp.c stays, and "
        "say-how-much-room.patch did not find it there"
    ]


def test_a_person_can_accept_that_the_other_half_stays(kernel: Kernel) -> None:
    ids = mainline(kernel)
    backport = kernel.commit("linux-5.10.y", HALF, "mptcp: room", f"commit {ids['room']} upstream.")
    kernel.release("linux-5.10.y", "5.10.1")
    accept = f'[[acknowledge]]\ncommit = "{backport}"\nreason = "looked at"\n'
    result = kernel.apply("v5.10.1", kernel.queue(recipe=accept))
    assert result.reasons() == []
    assert [(lost.path, lost.reason) for lost in result.alignment.acknowledged] == [(TCP, "looked at")]


def test_a_restored_change_closes_its_window_itself(kernel: Kernel) -> None:
    mainline(kernel)
    kernel.commit(
        "linux-5.10.y",
        {PM: ("\tmptcp_remove_count(data);\n", ""), TCP: ("\ttcp_done_count(data);\n", "")},
        "mptcp: both",
    )
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1")
    assert [(half.covered_by, half.whole) for half in result.alignment.half_retracted] == [
        ("carry-mptcp-both.patch", True)
    ]
    assert result.reasons() == []


def test_results_are_the_same_every_time(kernel: Kernel) -> None:
    ids = mainline(kernel)
    kernel.commit("linux-5.10.y", HALF, "mptcp: room", f"commit {ids['room']} upstream.")
    kernel.commit("linux-5.10.y", {PM: ("\tmptcp_remove_count(data);\n", "")}, "mptcp: one")
    kernel.commit("linux-5.10.y", {CORE: ("\tmptcp_free_count(data);\n", "")}, "mptcp: two")
    kernel.release("linux-5.10.y", "5.10.1")
    first, second = (kernel.apply("v5.10.1") for _ in range(2))
    assert first.to_json() == second.to_json()
    assert [step.commit for step in first.steps] == [step.commit for step in second.steps]


def test_later_runs_of_the_same_objects_give_the_same_account(kernel: Kernel) -> None:
    """Answers are kept between bases (`once`); none of them may depend on what the question does not name."""
    ids = mainline(kernel)
    kernel.commit("linux-5.10.y", {CORE: JOIN}, "mptcp: token", f"commit {ids['join']} upstream.")
    kernel.release("linux-5.10.y", "5.10.1")
    kernel.commit("linux-5.10.y", {PM: ("\tmptcp_remove_count(data);\n", "")}, "mptcp: one")
    kernel.release("linux-5.10.y", "5.10.2")
    kernel.commit("linux-5.10.y", {CORE: SEND}, "mptcp: unsaid")
    kernel.release("linux-5.10.y", "5.10.3")
    queue = kernel.queue()
    runs = Runs(queue, kernel.source.path)
    for base in ("v5.10.1", "v5.10.2", "v5.10.3", "v5.10.2", "v5.10.1"):
        assert runs.run(base).to_json() == kernel.apply(base, queue).to_json()


# Nothing is ever dropped in silence.

LINES = ("\tmptcp_{}_prepare(data);\n", "\tmptcp_{}_count(data);\n", "\treturn mptcp_{}_finish(data);\n")


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, str, int]]:
    """What happens to functions of the stack, one after the other: (who, which function, which line)."""
    who = st.sampled_from(["backport", "plain", "vendor", "reworked"])
    which = st.sampled_from(["open", "join", "send", "recv"])
    return draw(st.lists(st.tuples(who, which, st.integers(0, 2)), min_size=1, max_size=5, unique_by=lambda s: s[1:]))


@given(steps=steps(), squash=st.booleans(), lost=st.sampled_from(["restore", "refuse"]))
@settings(max_examples=25)
def test_every_changed_line_is_in_the_account(steps: list[tuple[str, str, int]], squash: bool, lost: str) -> None:
    """Each line that the base adds is in the result, or said to be lost: once, and in one place only."""
    with tempfile.TemporaryDirectory() as place:
        kernel = Kernel(Path(place))
        kernel.fork("linux-5.10.y", "v5.10")
        edits = []
        for number, (who, which, line) in enumerate(steps):
            old = LINES[line].format(which)
            new = f"{old[:-1]}\n" if line == 2 else old
            added = f"\tmptcp_fix_{number}_of_{which}(sk, {number});\n"
            edits.append((who, (old, added + new if line == 2 else new + added), added))
        picked = {}
        for number, (who, edit, _) in enumerate(edits):
            if who in ("backport", "reworked"):
                picked[number] = kernel.mainline(f"mptcp: change {number}", {CORE: edit})
                if who == "reworked":
                    added = edit[1].replace(edit[0], "")
                    kernel.mainline(f"mptcp: rework {number}", {CORE: (added, added.replace("(sk", "_more(sk"))})
        kernel.mainline("mptcp: at least one", {PM: FLUSH})
        kernel.release("master", "5.15")
        for number, (who, edit, _) in enumerate(edits):
            if who != "vendor":
                body = f"commit {picked[number]} upstream." if who == "backport" and not squash else ""
                kernel.commit("linux-5.10.y", {CORE: edit}, f"mptcp: stable {number}", body)
        kernel.release("linux-5.10.y", "5.10.1")
        vendors = [edit for who, edit, _ in edits if who == "vendor"]
        kernel.drop("v5.10.1", {CORE: vendors} if vendors else None)
        kernel.publish("master", "linux-5.10.y")
        result = kernel.apply_vendor(kernel.queue(series=f'lost = "{lost}"'))
        text = kernel.after(result, CORE)
        alignment = result.alignment
        gone = {entry.hunk for entry in alignment.lost}
        restored = {patch.name for patch in result.patches if patch.kind is EntryKind.RESTORE}
        assert {entry.name for entry in alignment.restored} == restored
        for number, (who, _, added) in enumerate(edits):
            there = text.count(added)
            assert there <= 1
            covered = any(
                entry.covered_by is not None
                # By id; or the whole file of the base is one that the queue came by, and went on from.
                and (entry.upstream == picked.get(number, "") or (entry.path == CORE and entry.hunk is None))
                for entry in alignment.retracted
            )
            if there or covered:
                continue
            assert gone, f"{added!r} of {who} is nowhere, and nothing is called lost"
            assert lost == "refuse"
        assert not (lost == "restore" and alignment.lost)
