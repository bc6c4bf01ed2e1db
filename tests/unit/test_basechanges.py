# SPDX-License-Identifier: MIT
"""What a base changed since the root: stable's and the vendor's told apart, with and without tags and history."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptcp_series.engine.result import Result
from mptcp_series.errors import BadInput
from mptcp_series.values.result import EntryKind

from .stable_lab import CORE, PM, TCP, Edits, Kernel, makefile, stack

SEND = ("\tmptcp_send_work(data, sk->send_budget);\n", "\tif (data->send_ready)\n\t\tmptcp_send_work(data, 1);\n")
JOIN = ("\tmptcp_join_count(data);\n", "\tmptcp_join_count(data);\n\tmptcp_join_token_check(data, sk);\n")
FREE = ("\tmptcp_free_count(data);\n", "\tmptcp_free_count(data);\n\tmptcp_free_the_token(data);\n")
REMOVE = ("\tmptcp_remove_count(data);\n", "\tmptcp_remove_count_once(data, sk);\n")


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    kernel = Kernel(tmp_path)
    kernel.fork("linux-5.10.y", "v5.10")
    kernel.mainline("mptcp: send when ready", {CORE: SEND})
    kernel.mainline("mptcp: check the token", {CORE: JOIN})
    kernel.release("master", "5.15")
    return kernel


def stable(kernel: Kernel, *edits: Edits, version: str = "5.10.1") -> None:
    for number, edit in enumerate(edits):
        kernel.commit("linux-5.10.y", edit, f"mptcp: stable {number}", f"commit {number:040x} upstream.")
    kernel.release("linux-5.10.y", version)


def retracted(result: Result) -> list[tuple[str, str | None, str | None]]:
    return [(entry.subject, entry.path, entry.covered_by) for entry in result.alignment.retracted]


def carried(result: Result) -> list[str]:
    return [entry.name for entry in result.alignment.restored]


NO_TAG = (
    "the source has no tag v{0}: what is stable and what the vendor's cannot be told apart; "
    "`git fetch --tags` from linux-stable, or `mptcp-series fetch --bases v{0}`, brings it"
)
NO_HISTORY = (
    "the source has no history of single changes from the root to v{}: changes are told apart by their content; "
    "a full clone of linux-stable tells them by commit"
)


def test_a_squashed_base_with_the_tag_has_two_deltas(kernel: Kernel) -> None:
    stable(kernel, {CORE: JOIN}, {CORE: FREE})
    kernel.drop("v5.10.1", {PM: REMOVE})
    result = kernel.apply_vendor()
    assert [entry.subject for entry in result.alignment.retracted] == [
        "mptcp: stable 0",
        "mptcp: stable 1",
        "changes of the vendor",
    ]
    assert result.alignment.retracted[2].commit is None
    assert carried(result) == ["carry-mptcp-stable-1.patch", "carry-net-mptcp-pm.c.patch"]
    assert result.alignment.warnings == ()
    assert result.reasons() == []


def test_a_squashed_base_without_the_tag_is_mapped_by_content(kernel: Kernel) -> None:
    stable(kernel, {CORE: JOIN}, {CORE: FREE})
    kernel.drop("v5.10.1", {PM: REMOVE}, {"Makefile": makefile("5.10.7")})
    result = kernel.apply_vendor()
    assert retracted(result) == [
        ("changes of the base", CORE, "check-the-token.patch"),
        ("changes of the base", CORE, None),
        ("changes of the base", PM, None),
    ]
    assert all(entry.hunk is not None for entry in result.alignment.retracted)
    assert carried(result) == ["carry-net-mptcp-core.c.patch", "carry-net-mptcp-pm.c.patch"]
    assert result.alignment.warnings == (NO_TAG.format("5.10.7"),)
    assert "mptcp_free_the_token" in kernel.after(result, CORE)
    assert kernel.after(result, CORE).count("mptcp_join_token_check") == 1


def test_a_base_of_the_range_itself_is_covered_file_by_file(kernel: Kernel) -> None:
    """A vendor that took a file whole from a later kernel has a state that the queue passes through."""
    kernel.release("linux-5.10.y", "5.10.1")
    kernel.drop("v5.10.1", {CORE: kernel.upstream.files("v5.15")[CORE].data})
    result = kernel.apply_vendor()
    assert retracted(result) == [("changes of the vendor", CORE, "check-the-token.patch")]
    assert not result.alignment.restored


def test_one_commit_a_release_is_no_history(kernel: Kernel) -> None:
    for number, edit in ((1, JOIN), (2, FREE)):
        kernel.commit("linux-5.10.y", {"Makefile": makefile(f"5.10.{number}"), CORE: edit}, f"update to 5.10.{number}")
        kernel.tag("linux-5.10.y", f"v5.10.{number}")
    result = kernel.apply("v5.10.2")
    assert retracted(result) == [
        ("changes of the base", CORE, "check-the-token.patch"),
        ("changes of the base", CORE, None),
    ]
    assert carried(result) == ["carry-net-mptcp-core.c.patch"]
    assert result.alignment.warnings == (NO_HISTORY.format("5.10.2"),)


def test_a_vendors_history_of_whole_releases_is_told_by_content(kernel: Kernel) -> None:
    kernel.release("linux-5.10.y", "5.10.1")
    base = kernel.commit("linux-5.10.y", {"Makefile": makefile("5.10.2"), CORE: JOIN}, "Merge 5.10.2")
    kernel.commit("linux-5.10.y", {"Makefile": makefile("5.10.3")}, "Linux 5.10.3")
    result = kernel.apply(base)
    assert retracted(result) == [("changes of the base", CORE, "check-the-token.patch")]
    assert result.alignment.warnings == (NO_TAG.format("5.10.2"),)


def test_the_resolution_of_a_merge_is_a_change(kernel: Kernel) -> None:
    """Commits need not add up: what a vendor's merge did itself is in none of them."""
    kernel.release("linux-5.10.y", "5.10.1")
    kernel.fork("topic", "linux-5.10.y")
    kernel.commit("topic", {TCP: ("\ttcp_done_count(data);\n", "")}, "tcp: a topic")
    kernel.commit("linux-5.10.y", {CORE: FREE}, "BSP: one")
    text = kernel.upstream.files("linux-5.10.y")[PM].data.decode().replace(*REMOVE).encode()
    base = kernel.merge("linux-5.10.y", "topic", {PM: text})
    result = kernel.apply(base)
    assert [entry.subject for entry in result.alignment.retracted] == ["BSP: one", "changes of the vendor"]
    assert carried(result) == ["carry-bsp-one.patch", "carry-net-mptcp-pm.c.patch"]
    assert "mptcp_remove_count_once" in kernel.after(result, PM)


def test_a_revert_that_does_more_loses_nothing(kernel: Kernel) -> None:
    kernel.release("linux-5.10.y", "5.10.1")
    first = kernel.commit("linux-5.10.y", {CORE: FREE}, "BSP: free the token")
    base = kernel.commit(
        "linux-5.10.y",
        {CORE: [(FREE[1], FREE[0]), ("\tmptcp_open_count(data);\n", "\tbsp_open_count(data);\n")]},
        'Revert "BSP: free the token"',
        f"This reverts commit {first}.",
    )
    result = kernel.apply(base)
    assert carried(result) == ["carry-revert-bsp-free-the-token.patch"]
    assert kernel.after(result, CORE).count("bsp_open_count") == 1
    assert "mptcp_free_the_token" not in kernel.after(result, CORE)


def test_a_revert_in_part_leaves_the_rest(kernel: Kernel) -> None:
    kernel.release("linux-5.10.y", "5.10.1")
    first = kernel.commit("linux-5.10.y", {CORE: FREE, PM: REMOVE}, "BSP: two files")
    base = kernel.commit(
        "linux-5.10.y", {CORE: (FREE[1], FREE[0])}, 'Revert "BSP: two files"', f"This reverts commit {first}."
    )
    result = kernel.apply(base)
    assert [(entry.subject, entry.path) for entry in result.alignment.retracted] == [("BSP: two files", PM)]
    assert "mptcp_remove_count_once" in kernel.after(result, PM)
    assert "mptcp_free_the_token" not in kernel.after(result, CORE)


def test_a_revert_of_a_revert_brings_the_change_back(kernel: Kernel) -> None:
    kernel.release("linux-5.10.y", "5.10.1")
    first = kernel.commit("linux-5.10.y", {CORE: FREE}, "BSP: free the token")
    second = kernel.commit("linux-5.10.y", {CORE: (FREE[1], FREE[0])}, "BSP: not", f"This reverts commit {first}.")
    base = kernel.commit("linux-5.10.y", {CORE: FREE}, "BSP: yes", f"This reverts commit {second}.")
    result = kernel.apply(base)
    assert carried(result) == ["carry-bsp-free-the-token.patch"]
    assert kernel.after(result, CORE).count("mptcp_free_the_token") == 1


def test_gits_own_subject_is_enough_for_a_revert(kernel: Kernel) -> None:
    kernel.release("linux-5.10.y", "5.10.1")
    kernel.commit("linux-5.10.y", {CORE: FREE}, "BSP: free the token")
    kernel.commit("linux-5.10.y", {CORE: (FREE[1], FREE[0])}, 'Revert "BSP: free the token"')
    base = kernel.commit("linux-5.10.y", {PM: REMOVE}, "BSP: other")
    assert carried(kernel.apply(base)) == ["carry-bsp-other.patch"]


# The version of the base.


def test_a_version_that_the_stack_disagrees_with_is_a_warning(kernel: Kernel) -> None:
    stable(kernel, {CORE: JOIN})
    stable(kernel, {PM: REMOVE}, version="5.10.2")
    kernel.drop("v5.10.2", files={"Makefile": makefile("5.10.1")})
    result = kernel.apply_vendor()
    assert result.alignment.warnings == (
        "the base's Makefile says 5.10.1, but its stack is nearest to that of v5.10.2; "
        "the vendor may have taken later fixes",
    )
    assert carried(result) == ["carry-net-mptcp-pm.c.patch"]


def test_a_base_older_than_the_root_is_advanced(kernel: Kernel) -> None:
    stable(kernel, {CORE: JOIN})
    stable(kernel, {PM: REMOVE}, version="5.10.2")
    kernel.drop("v5.10.1", {CORE: FREE})
    queue = kernel.queue(series='root = "v5.10.2"')
    for result in (kernel.apply("v5.10.1", queue), kernel.apply_vendor(queue)):
        assert result.patches[0].name == "align-to-v5.10.2.patch"
        assert result.patches[0].subject == "Advance: owned paths as in v5.10.2"
        assert "mptcp_remove_count_once" in kernel.after(result, PM)
    assert carried(kernel.apply("v5.10.1", queue)) == []
    assert retracted(kernel.apply_vendor(queue)) == [("changes of the vendor", CORE, None)]
    assert "mptcp_free_the_token" in kernel.after(kernel.apply_vendor(queue), CORE)


def test_an_older_base_without_a_tag_takes_the_nearest_release(kernel: Kernel) -> None:
    stable(kernel, {CORE: JOIN}, version="5.10.4")
    stable(kernel, {PM: REMOVE}, version="5.10.9")
    kernel.drop("v5.10.4", {CORE: FREE}, {"Makefile": makefile("5.10.6")})
    result = kernel.apply_vendor(kernel.queue(series='root = "v5.10.9"'))
    assert result.alignment.warnings == (
        NO_TAG.format("5.10.6"),
        "v5.10.4, whose stack is nearest to the base's, is taken for v5.10.6",
    )
    assert carried(result) == ["carry-net-mptcp-core.c.patch"]
    assert "mptcp_remove_count_once" in kernel.after(result, PM)


def test_an_older_base_without_any_tag_is_left_to_a_person(kernel: Kernel) -> None:
    """What the root has and the base lacks must not be carried as if the base had removed it."""
    kernel.commit("linux-5.10.y", {"Makefile": makefile("5.10.9"), PM: REMOVE}, "all at once")
    kernel.tag("linux-5.10.y", "start")
    kernel.drop("v5.10", {CORE: FREE}, {"Makefile": makefile("5.10.6")})
    kernel.source.references.delete("refs/tags/v5.10")
    queue = kernel.queue(series='root = "start"', range="start..v5.15")
    result = kernel.apply_vendor(queue)
    assert carried(result) == []
    assert [lost.path for lost in result.alignment.lost] == [CORE, PM]
    assert result.alignment.warnings[1].startswith("the base is older than the root, and the source has no release")
    assert "mptcp_remove_count_once" in kernel.after(result, PM)


# Bad input.


def test_a_base_without_the_stack_gets_it_whole_and_is_told_so(kernel: Kernel) -> None:
    kernel.drop("v5.10", {CORE: None, PM: None}, {"Makefile": makefile("5.10.3")})
    result = kernel.apply_vendor()
    assert result.alignment.warnings == (
        "the base has none of the files the recipe owns: they are brought whole, as the root has them",
    )
    assert result.patches[0].subject == "Advance: owned paths as in v5.10"
    assert not result.alignment.retracted
    assert kernel.after(result, CORE) == kernel.upstream.files("v5.15")[CORE].data.decode()
    assert result.reasons() == []


def test_a_source_without_the_root_works_and_says_so(kernel: Kernel) -> None:
    kernel.release("linux-5.10.y", "5.10.1")
    result = kernel.apply("v5.10.1", kernel.queue(series='root = "v5.9"'))
    (warning,) = result.alignment.warnings
    assert warning.startswith("the base is not aligned: ")
    assert "unknown revision 'v5.9'" in warning
    assert [patch.kind for patch in result.patches] == [EntryKind.PATCH] * 2


def test_a_base_that_is_no_kernel_is_refused(kernel: Kernel) -> None:
    base = kernel.commit("linux-5.10.y", {"Makefile": b"all:\n"}, "not a kernel")
    with pytest.raises(BadInput, match="no kernel"):
        kernel.apply(base)


# Files that have no hunks.


def test_modes_links_and_binary_files_are_carried_whole(kernel: Kernel) -> None:
    kernel.release("linux-5.10.y", "5.10.1")
    base = kernel.states("linux-5.10.y", {"net/mptcp/new.bin": b"\0one", PM: (0o100755, None), CORE: FREE})
    result = kernel.apply(base)
    assert {(entry.path, entry.hunk is None) for entry in result.alignment.retracted} == {
        ("net/mptcp/new.bin", True),
        (PM, True),
        (CORE, False),
    }
    assert kernel.mode_after(result, PM) == 0o100755
    assert kernel.mode_after(result, "net/mptcp/new.bin") == 0o100644
    assert result.reasons() == []


def test_a_file_the_base_deletes_stays_deleted(kernel: Kernel) -> None:
    """That the queue changed the file since is no sign of the deletion."""
    kernel.release("linux-5.10.y", "5.10.1")
    base = kernel.commit("linux-5.10.y", {CORE: None}, "BSP: no core")
    result = kernel.apply(base)
    assert [(entry.path, entry.covered_by) for entry in result.alignment.retracted] == [(CORE, None)]
    assert result.reasons() == ["conflict: carry-bsp-no-core.patch: net/mptcp/core.c"]


def test_a_file_added_by_both_is_compared_with_the_queues_own(kernel: Kernel) -> None:
    path = "net/mptcp/sockopt.c"
    new = stack("getopt", "setopt")
    kernel.mainline("mptcp: sockopt", {path: new})
    kernel.mainline(
        "mptcp: sockopt count", {path: ("\tmptcp_getopt_count(data);\n", "\tmptcp_getopt_count_all(data);\n")}
    )
    kernel.release("master", "5.16")
    kernel.release("linux-5.10.y", "5.10.1")
    mine = new.replace(b"\tmptcp_setopt_count(data);\n", b"\tmptcp_setopt_count(data);\n\tbsp_setopt_hook(data);\n")
    base = kernel.commit("linux-5.10.y", {path: mine}, "BSP: sockopt early")
    result = kernel.apply(base, kernel.queue(range="v5.10..v5.16"))
    assert [(entry.covered_by, entry.hunk is None) for entry in result.alignment.retracted] == [
        ("sockopt.patch", True),
        (None, False),
    ]
    assert result.reasons() == []
    after = kernel.after(result, path)
    assert "bsp_setopt_hook" in after
    assert "mptcp_getopt_count_all" in after
