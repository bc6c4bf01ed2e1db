# SPDX-License-Identifier: MIT
"""A queue moved to another base: what became of each patch, since which release and commit, and the account of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from mptcp_series.engine.exchange.render import render_patch
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.rebase import Rebase, rebase
from mptcp_series.engine.store.repository import resolve_commit
from mptcp_series.errors import BadInput, NeedsPerson, UnknownRevision
from mptcp_series.minikernel.history import HistoryBuilder
from mptcp_series.values.rebased import Move, OverrideMove
from mptcp_series.values.result import Status

from .stable_lab import ADA, CORE, PM, TCP, Edits, Kernel

SEND = ("\tmptcp_send_work(data, sk->send_budget);\n", "\tif (data->send_ready)\n\t\tmptcp_send_work(data, 1);\n")
PUSH = ("\ttcp_push_work(data, sk->tcp_push_budget);\n", "\ttcp_push_work(data, mptcp_room(sk));\n")
RESET = ("\ttcp_reset_work(data, sk->tcp_reset_budget);\n", "\ttcp_reset_work(data, mptcp_reason(sk));\n")
DONE = ("\ttcp_done_work(data, sk->tcp_done_budget);\n", "\ttcp_done_work(data, mptcp_last(sk));\n")
FLUSH = ("\tmptcp_flush_work(data, sk->flush_budget);\n", "\tmptcp_flush_under_lock(data);\n")
PATCHES: Mapping[str, Edits] = {
    "send": {CORE: SEND},
    "push": {TCP: PUSH},
    "reset": {TCP: RESET},
    "done": {TCP: DONE},
    "flush": {PM: FLUSH},
}
OTHER_PUSH = ("\ttcp_push_work(data, sk->tcp_push_budget);\n", "\ttcp_push_work(data, 2 * sk->tcp_push_budget);\n")
DONE_CONTEXT = ("\treturn tcp_done_finish(data);\n", "\treturn tcp_done_finish(data) ? 1 : 0;\n")
ONLY_STABLE = ("\tmptcp_announce_count(data);\n", "\tmptcp_announce_count(data);\n\tmptcp_announce_only_here(data);\n")
HEAD = ("/* the stack */\n", "/* the stack */\n\n#include <linux/a_new_line.h>\n")


def back(*pairs: tuple[str, str]) -> Sequence[tuple[str, str]]:
    return [(new, old) for old, new in pairs]


class Story:
    """v5.10.0 to v5.10.9; every release but the first has a commit that nobody looks for, before and after its own."""

    def __init__(self, directory: Path) -> None:
        self.kernel = Kernel(directory)
        self.kernel.fork("linux-5.10.y", "v5.10")
        self.patches = {name: self.kernel.mainline(f"mptcp: {name}", edits) for name, edits in PATCHES.items()}
        self.kernel.release("master", "5.15")
        self.commits = {
            2: self.stable(2, "tcp: reset says why", {TCP: RESET}),
            3: self.stable(3, "tcp: push twice", {TCP: OTHER_PUSH}),
            4: self.stable(4, "mptcp: only here", {PM: ONLY_STABLE}),
            5: self.stable(5, "tcp: push once again", {TCP: back(OTHER_PUSH)}),
            6: self.stable(6, "mptcp: not even here", {PM: back(ONLY_STABLE)}),
            7: self.stable(7, "tcp: done is true or false", {TCP: DONE_CONTEXT}),
            8: self.stable(8, "tcp: a header", {TCP: HEAD}),
            9: self.stable(9, "tcp: reset says nothing", {TCP: back(RESET)}),
        }
        self.kernel.publish("master", "linux-5.10.y")

    def stable(self, number: int, subject: str, edits: Edits) -> str:
        branch = "linux-5.10.y"
        if number == 2:
            self.kernel.release(branch, "5.10.1")
        self.kernel.commit(branch, {f"drivers/a{number}.c": b"a\n"}, f"drivers: a {number}")
        commit = self.kernel.commit(branch, edits, subject)
        self.kernel.commit(branch, {f"drivers/b{number}.c": b"b\n"}, f"drivers: b {number}")
        self.kernel.release(branch, f"5.10.{number}")
        return commit

    def queue(self, *, recipe: str = "", overrides: Mapping[str, str] | None = None) -> Queue:
        queue = self.kernel.queue(recipe=recipe, overrides=overrides)
        lines = [f"{name}.patch # {commit}\n" for name, commit in self.patches.items()]
        (queue.directory / "series").write_text("".join(lines))
        return Queue.load(
            queue.directory, overrides=self.kernel.directory / "overrides", source=self.kernel.source.path
        )

    def rebase(self, before: str, after: str, queue: Queue | None = None, *, align: bool = True) -> Rebase:
        return rebase(queue or self.queue(), self.kernel.source.path, before=before, after=after, align=align)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def moves(moved: Rebase) -> dict[str, tuple[Move, tuple[str, ...], str | None]]:
    """What is worth telling of each patch: move, paths, since when."""
    return {
        patch.name.removesuffix(".patch"): (patch.move, patch.paths, None if patch.since is None else str(patch.since))
        for patch in moved.account.patches
        if patch.move.worth_telling
    }


def since(story: Story, number: int, *, backwards: bool = False) -> str:
    """A release and its commit, as the account names them."""
    commit = story.commits[number]
    subject = resolve_commit(story.kernel.source, commit).message.strip()
    return ("without " if backwards else "") + f"v5.10.{number}, {commit[:12]} {subject}"


def test_unchanged(story: Story) -> None:
    """A hunk that only stands elsewhere has not changed."""
    moved = story.rebase("v5.10.7", "v5.10.8")
    written = [
        [render_patch(result.objects, step.raw, step.changes) for step in result.steps]
        for result in (moved.before, moved.after)
    ]
    assert written[0] != written[1]
    assert moves(moved) == {}
    assert moved.account.counts == {"unchanged": 5}


def test_dropped_as_upstream(story: Story) -> None:
    moved = story.rebase("v5.10", "v5.10.2")
    assert moves(moved) == {"reset": (Move.DROPPED, (), since(story, 2))}
    assert moved.account.counts == {"unchanged": 4, "dropped as upstream": 1}


def test_returned(story: Story) -> None:
    moved = story.rebase("v5.10.8", "v5.10.9")
    assert moves(moved) == {"reset": (Move.RETURNED, (), since(story, 9))}


def test_conflict(story: Story) -> None:
    moved = story.rebase("v5.10.2", "v5.10.3")
    assert moves(moved) == {"push": (Move.CONFLICT, (TCP,), since(story, 3))}
    assert moved.account.reasons == (f"conflict: push.patch: {TCP}",)
    assert not moved.after.complete


def test_still_in_conflict_is_no_news(story: Story) -> None:
    moved = story.rebase("v5.10.3", "v5.10.4")
    assert moves(moved)["push"] == (Move.STILL_IN_CONFLICT, (TCP,), None)
    assert moved.account.notes == (
        "v5.10.3 itself needs a person: 1 thing is to settle there; of these only what changed is told",
    )


def test_resolved(story: Story) -> None:
    moved = story.rebase("v5.10.3", "v5.10.6")
    assert moves(moved) == {"push": (Move.RESOLVED, (TCP,), since(story, 5))}


def test_refreshed(story: Story) -> None:
    moved = story.rebase("v5.10.6", "v5.10.8")
    assert moves(moved) == {"done": (Move.REFRESHED, (TCP,), None)}
    assert {patch.name: patch.status for patch in moved.after.patches}["done.patch"] is Status.MERGED


def test_after_a_conflict_patches_are_compared_too(story: Story) -> None:
    """The replay makes no commits from the first conflict on; what changed is told all the same."""
    moved = story.rebase("v5.10.4", "v5.10.5")
    assert moves(moved) == {"push": (Move.RESOLVED, (TCP,), since(story, 5))}
    story.kernel.commit("linux-5.10.y", {TCP: OTHER_PUSH}, "tcp: push twice again")
    last = story.kernel.release("linux-5.10.y", "5.10.10")
    found = moves(story.rebase("v5.10.6", last))
    assert found["done"] == (Move.REFRESHED, (TCP,), None)
    assert found["push"][0] is Move.CONFLICT


def test_added_and_gone(story: Story) -> None:
    """What only some bases have to have restored."""
    name = "restore-mptcp-only-here"
    added = moves(story.rebase("v5.10.2", "v5.10.5"))
    carried = next(name for name in added if name != "push")
    assert added == {carried: (Move.ADDED, (), since(story, 4))}, name
    assert moves(story.rebase("v5.10.5", "v5.10.6")) == {carried: (Move.GONE, (), since(story, 6))}


def test_skipped_and_unskipped(story: Story) -> None:
    text = "Patch: flush.patch\nBase: {}\nSkip: yes\nReason: why\n"
    queue = story.queue(overrides={"skip.patch": text.format(">=5.10.8")})
    moved = story.rebase("v5.10.7", "v5.10.8", queue)
    assert moves(moved) == {"flush": (Move.SKIPPED, (), None)}
    assert moved.account.overrides == (("overrides/skip.patch", OverrideMove.NEWLY_NEEDED),)
    queue = story.queue(overrides={"skip.patch": text.format("<5.10.8")})
    moved = story.rebase("v5.10.7", "v5.10.8", queue)
    assert moves(moved) == {"flush": (Move.UNSKIPPED, (), None)}
    assert moved.account.overrides == (("overrides/skip.patch", OverrideMove.NO_LONGER_NEEDED),)


def test_an_override_that_no_longer_fits(story: Story) -> None:
    diff = f"--- a/{TCP}\n+++ b/{TCP}\n@@ -30,3 +30,3 @@\n {{}}-{DONE_CONTEXT[0]}+\treturn 0;\n }}\n"
    diff = diff.replace("{}", "\ttcp_done_count(data);\n")
    queue = story.queue(overrides={"done.patch": f"Patch: done.patch\nReason: why\n---\n{diff}"})
    moved = story.rebase("v5.10.6", "v5.10.7", queue)
    assert moved.account.overrides == (("overrides/done.patch", OverrideMove.NEWLY_DRIFTED),)
    assert moves(moved)["done"][0] is Move.CONFLICT
    assert [reason.split(":")[0] for reason in moved.account.reasons] == ["conflict", "drift"]


def test_equal_bases(story: Story) -> None:
    for after in ("v5.10.6", "v5.10.6^{commit}"):
        said: list[str] = []
        queue = story.queue()
        moved = rebase(queue, story.kernel.source.path, before="v5.10.6", after=after, progress=said.append)
        assert moves(moved) == {}
        assert moved.account.after.rev == after
        assert said == ["v5.10.6"]
        assert moved.account.notes == ()


def test_towards_the_older_base(story: Story) -> None:
    """What comes back is told, with what the older base lacks."""
    moved = story.rebase("v5.10.7", "v5.10")
    assert moves(moved) == {
        "reset": (Move.RETURNED, (), since(story, 2, backwards=True)),
        "done": (Move.REFRESHED, (TCP,), None),
    }
    assert moved.account.notes == (
        "v5.10 is older than v5.10.7: what comes back, and what collides, does so because the older base lacks what "
        "is named",
    )
    assert moves(story.rebase("v5.10.6", "v5.10.4"))["push"] == (
        Move.CONFLICT,
        (TCP,),
        since(story, 5, backwards=True),
    )


def test_older_by_history_alone(story: Story) -> None:
    """Two commits of one version: the one that the other descends from is the older."""
    moved = story.rebase(f"{story.commits[3]}", f"{story.commits[3]}~1")
    assert moves(moved)["push"] == (
        Move.RESOLVED,
        (TCP,),
        f"without {story.commits[3]}, {story.commits[3][:12]} tcp: push twice",
    )


def test_progress_names_the_bases(story: Story) -> None:
    said: list[str] = []
    rebase(story.queue(), story.kernel.source.path, before="v5.10.1", after="v5.10.6", progress=said.append)
    assert said[:2] == ["v5.10.1", "v5.10.6"]
    assert len(said) == len(set(said))
    assert set(said[2:]) <= {f"v5.10.{number}" for number in range(2, 6)} | {
        str(commit.id) for commit in story.kernel.source.walk(story.kernel.source.branches["linux-5.10.y"].target)
    }


def test_bisecting_asks_few(story: Story) -> None:
    """Three to four questions for sixteen releases, and three for the commits of one."""
    for number in range(10, 24):
        story.kernel.release("linux-5.10.y", f"5.10.{number}")
    said: list[str] = []
    moved = rebase(story.queue(), story.kernel.source.path, before="v5.10.8", after="v5.10.23", progress=said.append)
    assert moves(moved) == {"reset": (Move.RETURNED, (), since(story, 9))}
    assert len(said) - 2 <= 4 + 3


def test_points_that_cannot_be_tried_are_passed_over(story: Story) -> None:
    """A commit between the two that is no kernel, and a release that is not."""
    kernel = story.kernel
    kernel.commit("linux-5.10.y", {"Makefile": b"all:\n"}, "break the Makefile")
    kernel.tag("linux-5.10.y", "v5.10.10")
    kernel.commit("linux-5.10.y", {TCP: OTHER_PUSH, "Makefile": b"all:\n\n"}, "tcp: push twice, nobody can tell")
    after = kernel.release("linux-5.10.y", "5.10.11")
    moved = story.rebase("v5.10.9", "v5.10.11")
    assert moves(moved) == {"push": (Move.CONFLICT, (TCP,), f"v5.10.11, {after[:12]} Linux 5.10.11")}


def test_two_release_lines(story: Story) -> None:
    kernel = story.kernel
    kernel.fork("linux-5.15.y", "v5.15")
    kernel.release("linux-5.15.y", "5.15.1")
    moved = story.rebase("v5.10.9", "v5.15.1", align=False)
    assert {move for move, _, _ in moves(moved).values()} == {Move.DROPPED}
    assert moved.account.notes == (
        "v5.10.9 is Linux 5.10.9 and v5.15.1 is Linux 5.15.1: two release lines, which have no releases between them; "
        "what a change comes with is told only where one leads to the other",
    )
    assert {since for _, _, since in moves(moved).values()} == {None}
    # One leads to the other here.
    found = moves(story.rebase("v5.10", "v5.15.1", align=False))
    assert found["push"] == (Move.DROPPED, (), f"v5.15.1, {story.patches['push'][:12]} mptcp: push")


def test_a_base_outside_the_recipe(story: Story) -> None:
    kernel = story.kernel
    kernel.fork("linux-5.15.y", "v5.15")
    kernel.release("linux-5.15.y", "5.15.1")
    queue = kernel.queue(series='bases = "<5.11"')
    with pytest.raises(BadInput, match=r"base v5\.15\.1 is 5\.15\.1, and this queue is for <5\.11"):
        story.rebase("v5.10.9", "v5.15.1", queue)
    with pytest.raises(UnknownRevision, match=r"unknown revision 'v5\.10\.99'"):
        story.rebase("v5.10.9", "v5.10.99", queue)


def test_a_vendors_tree_without_tags(story: Story) -> None:
    """The commit that makes the difference is found by the history alone."""
    kernel = story.kernel
    kernel.drop("v5.10.1")
    kernel.vendor("BSP: a driver", {"drivers/x.c": b"x\n"})
    collides = kernel.vendor("BSP: push twice", {TCP: OTHER_PUSH})
    kernel.vendor("BSP: another driver", {"drivers/y.c": b"y\n"})
    kernel.vendors.publish("bsp")
    moved = rebase(story.queue(), kernel.home.path, before="bsp~3", after="bsp")
    assert moves(moved) == {"push": (Move.CONFLICT, (TCP,), f"bsp, {collides[:12]} BSP: push twice")}


def test_bases_that_do_not_lead_to_one_another(story: Story) -> None:
    """Two drops of a vendor: what they differ by is told, and that nothing lies between them."""
    kernel = story.kernel
    kernel.drop("v5.10.1")
    kernel.vendors.publish("bsp")
    files = {path: entry.data for path, entry in kernel.upstream.files("v5.10.3").items()}
    later = HistoryBuilder(kernel.home)
    later.commit("later", files, "import\n", ADA, 1_700_000_000)
    later.publish("later")
    moved = rebase(story.queue(), kernel.home.path, before="bsp", after="later")
    assert moves(moved) == {"reset": (Move.DROPPED, (), None), "push": (Move.CONFLICT, (TCP,), None)}


@pytest.mark.parametrize("blobs", [True, False])
def test_a_materialised_queue_without_source(story: Story, tmp_path: Path, blobs: bool) -> None:
    place = tmp_path / "patches"
    story.queue().apply(story.kernel.source.path, base="v5.10").export(place)
    if not blobs:
        for path in place.glob("*.patch"):
            lines = path.read_bytes().splitlines(keepends=True)
            path.write_bytes(b"".join(line for line in lines if not line.startswith(b"index ")))
    queue = Queue.load(place)
    assert moves(story.rebase("v5.10", "v5.10.2", queue)) == {"reset": (Move.DROPPED, (), since(story, 2))}
    # Its context changed, and without blobs there is nothing to merge.
    done = (Move.REFRESHED, (TCP,), None) if blobs else (Move.CONFLICT, (TCP,), since(story, 7))
    assert moves(story.rebase("v5.10", "v5.10.8", queue)) == {
        "reset": (Move.DROPPED, (), since(story, 2)),
        "done": done,
    }


def test_the_whole_account_in_markdown(story: Story) -> None:
    moved = story.rebase("v5.10.1", "v5.10.4")
    carried = next(patch for patch in moved.account.patches if patch.move is Move.ADDED)
    rows = {number: since(story, number) for number in (2, 3, 4)}
    assert (
        moved.account.to_markdown()
        == f"""## test: v5.10.1 → v5.10.4

3 unchanged, 1 dropped as upstream, 1 newly in conflict, 1 newly in the queue.

**A person is needed:**

- conflict: push.patch: net/ipv4/tcp.c

| patch | what changed | where | since |
| --- | --- | --- | --- |
| mptcp: push | newly in conflict | `net/ipv4/tcp.c` | {rows[3]} |
| mptcp: reset | dropped as upstream |  | {rows[2]} |
| {carried.subject} | newly in the queue |  | {rows[4]} |
"""
    )


def test_nothing_is_rewritten_while_a_person_is_needed(story: Story, tmp_path: Path) -> None:
    moved = story.rebase("v5.10.2", "v5.10.3")
    place = tmp_path / "patches"
    moved.before.export(place)
    before = {path: path.read_bytes() for path in place.iterdir()}
    with pytest.raises(NeedsPerson):
        moved.rewrite(place)
    assert {path: path.read_bytes() for path in place.iterdir()} == before
