# SPDX-License-Identifier: MIT
"""Parity with the target: each hunk is explained by what really made it differ, or it is unexplained."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest

from mptcp_series import NeedsPerson, Queue
from mptcp_series.engine.proof.verify import verify
from mptcp_series.errors import NoTarget
from mptcp_series.values.series import Series
from mptcp_series.values.verification import Verification

from .stable_lab import CORE, PM, TCP, Kernel

JOIN = ("\tmptcp_join_count(data);\n", "\tmptcp_join_count_twice(data);\n")
SEND = ("\tmptcp_send_count(data);\n", "\tmptcp_send_count_twice(data);\n")
FREE = ("\tmptcp_free_count(data);\n", "\tmptcp_free_count(data);\n\tmptcp_free_the_token(data);\n")
FLUSH = ("\tmptcp_flush_work(data, sk->flush_budget);\n", "\tmptcp_flush_under_lock(data);\n")


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """v5.15 has three changes of the stack; linux-5.10.y and linux-5.15.y are open."""
    kernel = Kernel(tmp_path)
    kernel.fork("linux-5.10.y", "v5.10")
    kernel.mainline("mptcp: two places", {CORE: [JOIN, SEND]})
    kernel.mainline("mptcp: flush under the lock", {PM: FLUSH})
    kernel.release("master", "5.15")
    kernel.fork("linux-5.15.y", "v5.15")
    return kernel


def checked(kernel: Kernel, queue: Queue, base: str = "v5.10", *, vendor: bool = False) -> Verification:
    """The result as the queue makes it, checked."""
    repo = (kernel.home if vendor else kernel.source).path
    queue.apply(repo, base=base).require().write_branch("out")
    found = verify(queue, repo, "out", base=base)
    assert found.differences == ()
    return found


def back(kernel: Kernel, number: int) -> str:
    """A commit so many before mainline's last."""
    return str(kernel.source.revparse_single(f"{kernel.tips['master']}~{number}").id)


def told(found: Verification) -> tuple[list[tuple[str, str, str, str | None]], list[tuple[str, str]]]:
    """(path, ground, name, override) of what is explained; (path, why) of what is not."""
    (parity,) = found.parity
    assert found.proven == (not parity.unexplained)
    paths = {entry.path for entry in parity.explained} | {entry.path for entry in parity.unexplained}
    assert parity.differing == len(paths)
    return (
        [(entry.path, entry.ground.value, entry.name, entry.override) for entry in parity.explained],
        [(entry.path, entry.why) for entry in parity.unexplained],
    )


def test_equal(kernel: Kernel) -> None:
    found = checked(kernel, kernel.queue())
    (parity,) = found.parity
    assert (parity.series, parity.target, parity.files, parity.equal) == ("test", "v5.15", 2, 2)
    assert parity.commit == str(kernel.source.revparse_single("v5.15^{commit}").id)
    assert told(found) == ([], [])


def test_a_dropped_hunk(kernel: Kernel) -> None:
    first, _ = kernel.hunk_ids(back(kernel, 2), CORE)
    text = f"Patch: mptcp: two places\nDrop: {CORE}#{first}\nReason: 5.10 counts once\n"
    found = checked(kernel, kernel.queue(overrides={"once.patch": text}))
    assert told(found) == ([(CORE, "override", "two-places.patch", "overrides/once.patch")], [])
    (entry,) = found.parity[0].explained
    assert (entry.reason, entry.line) == ("5.10 counts once", 19)
    assert entry.diff.splitlines()[4:6] == ["-\tmptcp_join_count_twice(data);", "+\tmptcp_join_count(data);"]


def test_a_skipped_patch(kernel: Kernel) -> None:
    text = "Patch: mptcp: two places\nSkip: yes\nReason: no\n"
    found = checked(kernel, kernel.queue(overrides={"skip.patch": text}))
    assert told(found) == ([(CORE, "override", "two-places.patch", "overrides/skip.patch")] * 2, [])


DIFF = """\
--- a/net/mptcp/core.c
+++ b/net/mptcp/core.c
@@ -17,5 +17,5 @@
 \tmptcp_join_prepare(data);
 \tmptcp_join_work(data, sk->join_budget);
-\tmptcp_join_count_twice(data);
+\tmptcp_join_count_thrice(data);
 \treturn mptcp_join_finish(data);
 }
"""


def test_the_diff_of_an_override(kernel: Kernel) -> None:
    text = f"Patch: mptcp: two places\nReason: three\n---\n{DIFF}"
    found = checked(kernel, kernel.queue(overrides={"three.patch": text}))
    assert told(found) == ([(CORE, "override", "two-places.patch", "overrides/three.patch")], [])


def test_an_override_explains_nothing_but_what_it_did(kernel: Kernel) -> None:
    """It concerns the file and the patch; the other hunk of the same patch was taken out by hand."""
    first, _ = kernel.hunk_ids(back(kernel, 2), CORE)
    text = f"Patch: mptcp: two places\nDrop: {CORE}#{first}\nReason: 5.10 counts once\n"
    queue = kernel.queue(overrides={"once.patch": text})
    result = queue.apply(kernel.source.path, base="v5.10").write_branch("out")
    whole = kernel.after(result, CORE)
    mutated = _with_file(kernel, "out", CORE, whole.replace("send_count_twice", "send_count"))
    found = verify(queue, kernel.source.path, mutated, base="v5.10")
    assert [(one.kind.value, one.line, [author.name for author in one.authors]) for one in found.differences] == [
        ("missing", 29, ["two-places.patch"])
    ]
    explained, unexplained = told(found)
    assert explained == [(CORE, "override", "two-places.patch", "overrides/once.patch")]
    assert unexplained == [
        (CORE, "two-places.patch brings it, and this tree lacks it; two-places.patch would take it away")
    ]


def _with_file(kernel: Kernel, rev: str, path: str, text: str) -> str:
    """A commit on top of another that has one file otherwise."""
    parent = kernel.source.revparse_single(rev).peel(pygit2.Commit)
    index = pygit2.Index()
    index.read_tree(parent.tree)
    blob = kernel.source.create_blob(text.encode())
    index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
    tree = index.write_tree(kernel.source)
    return str(kernel.source.create_commit(None, parent.author, parent.author, "by hand\n", tree, [parent.id]))


def test_an_excluded_commit(kernel: Kernel) -> None:
    name = back(kernel, 1)
    queue = kernel.queue(recipe=f'[[exclude]]\ncommit = "{name}"\nreason = "no lock here"\n')
    entries = [entry for entry in kernel.entries("v5.10..v5.15") if entry.pin != name]
    (queue.directory / "series").write_bytes(Series.of(entries).render())
    queue = Queue.load(queue.directory, overrides=kernel.directory / "overrides", source=kernel.source.path)
    found = checked(kernel, queue)
    assert told(found) == ([(PM, "exclusion", name, None)], [])
    assert found.parity[0].explained[0].reason == "no lock here"


def test_a_pin_that_somebody_took_out_of_the_series_is_unexplained(kernel: Kernel) -> None:
    queue = kernel.queue()
    entries = [entry for entry in kernel.entries("v5.10..v5.15") if "flush" not in entry.name]
    (queue.directory / "series").write_bytes(Series.of(entries).render())
    queue = Queue.load(queue.directory, overrides=kernel.directory / "overrides", source=kernel.source.path)
    explained, unexplained = told(checked(kernel, queue))
    assert explained == []
    assert unexplained == [(PM, "no entry of the queue brings it; the base has it, and the target does not")]


def test_a_target_beyond_the_range_is_unexplained(kernel: Kernel) -> None:
    kernel.commit("linux-5.15.y", {CORE: FREE}, "mptcp: free the token")
    kernel.release("linux-5.15.y", "5.15.1")
    queue = kernel.queue(series='target = "v5.15.1"')
    found = checked(kernel, queue)
    assert told(found) == ([], [(CORE, "no entry of the queue brings it")])
    with pytest.raises(NeedsPerson) as error:
        found.require()
    assert error.value.reasons == ("unexplained: net/mptcp/core.c:60: no entry of the queue brings it",)


def test_a_later_fix_that_was_restored(kernel: Kernel) -> None:
    upstream = kernel.mainline("mptcp: free the token", {CORE: FREE})
    kernel.commit("linux-5.10.y", {CORE: FREE}, "mptcp: free the token", f"commit {upstream} upstream.")
    kernel.release("linux-5.10.y", "5.10.1")
    found = checked(kernel, kernel.queue(), "v5.10.1")
    assert told(found) == ([(CORE, "restore", "restore-mptcp-free-the-token.patch", None)], [])
    assert found.parity[0].explained[0].reason == "picked: mptcp: free the token"


def test_an_edit_of_the_vendor_that_is_carried(kernel: Kernel) -> None:
    kernel.drop("v5.10")
    kernel.vendor("BSP: quiet", {PM: ("\tmptcp_remove_count(data);\n", "")})
    kernel.vendors.publish("bsp")
    found = checked(kernel, kernel.queue(), "bsp", vendor=True)
    ((path, ground, name, override),), unexplained = told(found)
    assert (path, ground, override, unexplained) == (PM, "restore", None, [])
    assert name.startswith("carry-")


def test_an_acknowledged_loss_that_the_target_has(kernel: Kernel) -> None:
    """The base has a fix that the range does not bring, and the target has; a person accepts that it is lost."""
    upstream = kernel.mainline("mptcp: free the token", {CORE: FREE})
    kernel.commit("linux-5.10.y", {CORE: FREE}, "mptcp: free the token", f"commit {upstream} upstream.")
    kernel.release("linux-5.10.y", "5.10.1")
    kernel.commit("linux-5.15.y", {CORE: FREE}, "mptcp: free the token", f"commit {upstream} upstream.")
    kernel.release("linux-5.15.y", "5.15.1")
    recipe = f'[[acknowledge]]\ncommit = "{upstream}"\nreason = "5.10 keeps its tokens"\n'
    queue = kernel.queue(recipe=recipe, series='target = "v5.15.1"')
    found = checked(kernel, queue, "v5.10.1")
    ((path, ground, _, _),), unexplained = told(found)
    assert (path, ground, unexplained) == (CORE, "acknowledgement", [])
    assert found.parity[0].explained[0].reason == "5.10 keeps its tokens"


def test_a_prerequisite_that_touches_the_stack(kernel: Kernel) -> None:
    fix = kernel.mainline("mptcp: free the token", {CORE: FREE})
    queue = kernel.queue(recipe=f'[[prerequisite]]\ncommit = "{fix}"\nreason = "wanted"\n')
    entries = kernel.entries(f"v5.15..{fix}") + kernel.entries("v5.10..v5.15")
    (queue.directory / "series").write_bytes(Series.of(entries).render())
    queue = Queue.load(queue.directory, overrides=kernel.directory / "overrides", source=kernel.source.path)
    assert told(checked(kernel, queue)) == ([(CORE, "prerequisite", "free-the-token.patch", None)], [])


def test_files_that_come_and_go(kernel: Kernel) -> None:
    """A patch that adds a file, one that takes one away and one that changes a mode: skipped, each."""
    kernel.mainline("mptcp: a file", {"net/mptcp/new.c": b"int new;\n"})
    kernel.mainline("mptcp: no pm", {PM: None})
    kernel.states("master", {CORE: (0o100755, None)})
    kernel.release("master", "5.16")
    skip = "Patch: {}\nSkip: yes\nReason: no\n"
    overrides = {
        "a.patch": skip.format("mptcp: a file"),
        "b.patch": skip.format("mptcp: no pm"),
        "c.patch": skip.format("states"),
    }
    found = checked(kernel, kernel.queue(range="v5.10..v5.16", overrides=overrides))
    assert told(found) == (
        [
            (CORE, "override", "states.patch", "overrides/c.patch"),
            ("net/mptcp/new.c", "override", "a-file.patch", "overrides/a.patch"),
            (PM, "override", "no-pm.patch", "overrides/b.patch"),
        ],
        [],
    )
    assert found.parity[0].explained[0].diff.startswith("old mode 100755\nnew mode 100644\n")


def test_lines_that_were_left_out_and_written_anew(kernel: Kernel) -> None:
    """An override drops a hunk and its diff writes half of it again: what stands on both sides is no fixed point."""
    kernel.mainline(
        "mptcp: cases",
        {CORE: ("\tmptcp_close_count(data);\n", "\tswitch (a) {\n\tcase 1:\n\tcase 2:\n\t\treturn one();\n\t}\n")},
    )
    kernel.release("master", "5.16")
    (hunk,) = kernel.hunk_ids(back(kernel, 1), CORE)
    diff = """\
--- a/net/mptcp/core.c
+++ b/net/mptcp/core.c
@@ -50,5 +50,7 @@
 \tmptcp_close_prepare(data);
 \tmptcp_close_work(data, sk->close_budget);
-\tmptcp_close_count(data);
+\tif (a)
+\tcase 1:
+\tcase 2:
 \treturn mptcp_close_finish(data);
 }
"""
    text = f"Patch: mptcp: cases\nDrop: {CORE}#{hunk}\nReason: no switch\n---\n{diff}"
    found = checked(kernel, kernel.queue(range="v5.10..v5.16", overrides={"cases.patch": text}))
    explained, unexplained = told(found)
    assert unexplained == []
    assert set(explained) == {(CORE, "override", "cases.patch", "overrides/cases.patch")}


def test_shared_files_are_not_held_against_the_target(kernel: Kernel) -> None:
    kernel.commit("linux-5.10.y", {TCP: ("\ttcp_push_count(data);\n", "")}, "tcp: ours")
    kernel.release("linux-5.10.y", "5.10.1")
    assert told(checked(kernel, kernel.queue(), "v5.10.1")) == ([], [])


def test_without_a_target(kernel: Kernel) -> None:
    queue = kernel.queue(series='target = "v5.15.99"')
    with pytest.raises(NoTarget, match=r"parity is held against the target v5\.15\.99 of .*recipe\.toml: .*git fetch"):
        verify(queue, kernel.source.path, "v5.10", base="v5.10")
    with pytest.raises(NoTarget, match=r"name the source with --source"):
        verify(Queue.load(queue.directory), kernel.source.path, "v5.10", base="v5.10")


def test_without_a_recipe(kernel: Kernel) -> None:
    queue = kernel.queue()
    (queue.directory / "recipe.toml").unlink()
    queue = Queue.load(queue.directory, overrides=kernel.directory / "overrides", source=kernel.source.path)
    queue.apply(kernel.source.path, base="v5.10").write_branch("out")
    found = verify(queue, kernel.source.path, "out", base="v5.10")
    assert (found.parity, found.proven) == ((), True)
    assert (found.to_json()["files"], found.to_json()["targets"]) == (0, [])
