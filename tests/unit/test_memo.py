# SPDX-License-Identifier: MIT
"""The memo: the same files give the same outcome without work, and what depends on more is never taken from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pygit2
import pytest

from mptcp_series.engine.replay.item import Item
from mptcp_series.engine.replay.memo import Memo
from mptcp_series.engine.replay.replay import Replay, Replayed
from mptcp_series.values.override import Override
from mptcp_series.values.result import Status

from .conftest import LINK, Files, Lab, numbered

TCP, PM = "net/ipv4/tcp.c", "net/mptcp/pm.c"
BASE: Files = {TCP: numbered(30), PM: numbered(20, word="pm"), "Makefile": b"all:\n"}


def replay(
    lab: Lab, memo: Memo | None, base: Files, *items: Item, overrides: Mapping[str, Override] | None = None
) -> Replayed:
    run = Replay(
        objects=lab.objects,
        base=bytes.fromhex(lab.commit(base)),
        base_tree=lab.tree(base),
        base_name="base",
        overrides=overrides or {},
        memo=memo,
    )
    return run.run(items)


def told(replayed: Replayed) -> list[tuple[str, Status, list[tuple[str, Status]], int]]:
    return [
        (patch.name, patch.status, [(path.path, path.status) for path in patch.paths], len(patch.conflicts))
        for patch in replayed.outcomes
    ]


def same(lab: Lab, memo: Memo, base: Files, *items: Item, overrides: Mapping[str, Override] | None = None) -> Replayed:
    """A dry run comes to what a run without a memo comes to."""
    plain = replay(lab, None, base, *items, overrides=overrides)
    dry = replay(lab, memo, base, *items, overrides=overrides)
    assert told(dry) == told(plain)
    assert [patch.hunks for patch in dry.outcomes] == [patch.hunks for patch in plain.outcomes]
    assert dry.predicted_tree == plain.predicted_tree
    assert (dry.drift, dry.used, dry.complete) == (plain.drift, plain.used, plain.complete)
    return dry


def patches(lab: Lab) -> list[Item]:
    first = {**BASE, TCP: numbered(30, {5: "five\n"})}
    second = {**first, PM: numbered(20, {3: "three\n"}, word="pm"), "net/mptcp/new.c": b"new\n"}
    third = {**second, TCP: numbered(30, {5: "five\n", 25: "twenty-five\n"})}
    return [
        lab.pick(BASE, first, name="one.patch"),
        lab.pick(first, second, name="two.patch"),
        lab.pick(second, third, name="three.patch"),
    ]


def test_a_second_base_with_the_same_files_is_all_hits(lab: Lab) -> None:
    memo, items = Memo(), patches(lab)
    same(lab, memo, BASE, *items)
    assert (memo.hits, memo.misses) == (0, 3)
    same(lab, memo, {**BASE, "drivers/net.c": b"another file\n"}, *items)
    assert (memo.hits, memo.misses) == (3, 3)


def test_only_what_reads_other_files_is_worked_out_again(lab: Lab) -> None:
    memo, items = Memo(), patches(lab)
    same(lab, memo, BASE, *items)
    other = {**BASE, PM: numbered(20, {18: "eighteen\n"}, word="pm")}
    same(lab, memo, other, *items)
    assert (memo.hits, memo.misses) == (2, 4)
    same(lab, memo, other, *items)
    assert (memo.hits, memo.misses) == (5, 4)


def test_a_conflict_is_remembered_with_its_places(lab: Lab) -> None:
    memo, items = Memo(), patches(lab)
    for _ in range(2):
        dry = same(lab, memo, {**BASE, TCP: numbered(30, {5: "another five\n"})}, *items)
        assert [conflict.path for conflict in dry.outcomes[0].conflicts] == [TCP]
    assert memo.misses == 3


@pytest.mark.parametrize("blocker", [(LINK, b"../elsewhere"), b"a file\n"])
def test_a_parent_that_is_no_directory_is_no_missing_file(lab: Lab, blocker: bytes | tuple[int, bytes]) -> None:
    memo = Memo()
    adds = lab.pick({"Makefile": b""}, {"Makefile": b"", "net/mptcp/new.c": b"new\n"}, name="new.patch")
    assert same(lab, memo, {"Makefile": b""}, adds).outcomes[0].status is Status.CLEAN
    blocked = {"Makefile": b"", "net/mptcp": blocker}
    for _ in range(2):
        assert same(lab, memo, blocked, adds).outcomes[0].status is Status.CONFLICT
    assert same(lab, memo, {"Makefile": b""}, adds).outcomes[0].status is Status.CLEAN


def test_a_directory_of_the_name_is_no_missing_file(lab: Lab) -> None:
    memo = Memo()
    adds = lab.pick({"Makefile": b""}, {"Makefile": b"", "net/mptcp": b"a file\n"}, name="new.patch")
    assert same(lab, memo, {"Makefile": b""}, adds).outcomes[0].status is Status.CLEAN
    assert same(lab, memo, {"Makefile": b"", "net/mptcp/a.c": b"x\n"}, adds).outcomes[0].status is Status.CONFLICT


def test_a_directory_that_makes_way_depends_on_all_its_files(lab: Lab) -> None:
    memo = Memo()
    before, after = {"Makefile": b"", "net/d/a.c": b"a\n"}, {"Makefile": b"", "net/d": b"a file\n"}
    item = lab.pick(before, after, name="way.patch")
    assert same(lab, memo, before, item).outcomes[0].status is Status.CLEAN
    assert same(lab, memo, {**before, "net/d/b.c": b"b\n"}, item).outcomes[0].status is Status.CONFLICT


def test_a_file_looked_for_under_other_names_is_looked_for_on_every_base(lab: Lab) -> None:
    memo, items = Memo(), patches(lab)
    moved = {"Makefile": b"all:\n", PM: BASE[PM], "net/ipv4/tcp_main.c": BASE[TCP]}
    gone = {"Makefile": b"all:\n", PM: BASE[PM]}
    for base, status in ((moved, Status.CLEAN), (gone, Status.CONFLICT), (moved, Status.CLEAN)):
        assert same(lab, memo, base, *items).outcomes[0].status is status


def test_a_materialised_patch_to_a_file_found_elsewhere(lab: Lab) -> None:
    """The search of a pinned patch tells where the file is; a patch without blobs then follows."""
    memo, items = Memo(), patches(lab)
    text = b"--- a/net/ipv4/tcp.c\n+++ b/net/ipv4/tcp.c\n@@ -14,3 +14,3 @@\n line 14\n-line 15\n+15\n line 16\n"
    items.insert(1, lab.patch(text, "text.patch"))
    moved = {"Makefile": b"all:\n", PM: BASE[PM], "net/ipv4/tcp_main.c": BASE[TCP]}
    gone = {"Makefile": b"all:\n", PM: BASE[PM]}
    for base in (moved, gone, moved, BASE):
        same(lab, memo, base, *items)


def test_overrides_are_part_of_what_is_remembered(lab: Lab) -> None:
    memo, items = Memo(), patches(lab)
    diff = b"--- a/net/mptcp/pm.c\n+++ b/net/mptcp/pm.c\n@@ -9,3 +9,3 @@\n pm 9\n-pm 10\n+ten\n pm 11\n"
    skip = Override(patch="one.patch", skip=True, reason="why", file="q/skip.patch")
    adds = Override(patch="one.patch", diff=diff, reason="why", file="q/adds.patch")
    for override in (None, skip, adds, skip, adds, None):
        same(lab, memo, BASE, *items, overrides={} if override is None else {"one.patch": override})
    # The override's own file is another one here, and the patch's are not.
    other = {**BASE, PM: numbered(20, {10: "TEN\n"}, word="pm")}
    dry = same(lab, memo, other, *items, overrides={"one.patch": adds})
    assert [drift.file for drift in dry.drift] == ["q/adds.patch"]
    assert same(lab, memo, other, *items, overrides={"one.patch": adds}).drift == dry.drift


def test_entries_of_one_name_and_other_content_are_not_mixed_up(lab: Lab) -> None:
    """Alignment makes entries anew for each base, under the same name."""
    memo = Memo()
    one = lab.patch(b"--- a/x.c\n+++ b/x.c\n@@ -1,3 +1,3 @@\n line 1\n-line 2\n+one\n line 3\n", "carry.patch")
    two = lab.patch(b"--- a/x.c\n+++ b/x.c\n@@ -1,3 +1,3 @@\n line 1\n-line 2\n+two\n line 3\n", "carry.patch")
    base = {"Makefile": b"", "x.c": numbered(9)}
    trees = {same(lab, memo, base, item).predicted_tree for item in (one, two, one)}
    assert len(trees) == 2
    assert memo.misses == 2


def test_a_run_goes_on_from_a_known_one(lab: Lab) -> None:
    """What is restored is replayed on the tree of the queue, known or not."""
    memo, items = Memo(), patches(lab)
    for _ in range(2):
        run = Replay(
            objects=lab.objects,
            base=bytes.fromhex(lab.commit(BASE)),
            base_tree=lab.tree(BASE),
            base_name="base",
            memo=memo,
        )
        run.run(items[:2])
        assert run.run(items[2:]).predicted_tree == replay(lab, None, BASE, *items).predicted_tree
    assert memo.misses == 3


def test_what_one_repository_does_not_have_goes_to_the_other(lab: Lab, tmp_path: Path) -> None:
    """A merged file is in the memory of the run that merged it; a run in another repository needs it too."""
    memo, items = Memo(), patches(lab)
    base = {**BASE, TCP: numbered(30, {15: "fifteen\n"})}
    other = Lab(pygit2.init_repository(str(tmp_path / "other.git"), bare=True), lab.repo)
    first = replay(lab, memo, base, *items[:1])
    for number in (1, 2):
        # The last patch is worked out in the second repository, on what the first ones made in the first.
        found = replay(other, memo, {**base, "README": b"%d\n" % number}, *items)
        assert other.files(found.predicted_tree)[TCP] == numbered(
            30, {5: "five\n", 15: "fifteen\n", 25: "twenty-five\n"}
        )
    assert (memo.hits, memo.misses) == (4, 3)
    assert first.complete
