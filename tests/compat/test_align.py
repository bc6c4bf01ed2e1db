# SPDX-License-Identifier: MIT
"""The mini-kernel's own 5.10.y and vendor tree, aligned: everything that its story says happens to backports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.result import Result
from mptcp_series.engine.store.objects import Entry
from mptcp_series.engine.store.tree import TreeEditor
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.minikernel.world import World, build_world
from mptcp_series.values.alignment import Remedy
from mptcp_series.values.recipe import Recipe

WORKER = "restore-mptcp-let-the-worker-leave-a-dead-connection-alone.patch"
LIMIT = "restore-mptcp-pm-look-at-the-limit-of-addresses-under-the-lock.patch"
COOKIES = "mptcp-make-requests-from-cookies-the-way-the-stack-makes-them.patch"
TIMER = "mptcp-do-not-arm-the-timer-without-a-subflow.patch"

COVERED: Mapping[str, str] = {
    "identical": "mptcp-free-the-subflow-of-a-join-that-fails.patch",
    "cherry_picked": "mptcp-pm-do-not-take-an-address-back-twice.patch",
    "owned_and_shared": COOKIES,
    "subject_only": "mptcp-always-send-wide-acknowledgements-after-a-wrap.patch",
    "adapted": "mptcp-do-not-wait-for-a-close-that-plain-tcp-cannot-send.patch",
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)


@pytest.fixture
def queue(world: World, tmp_path: Path) -> Queue:
    directory = tmp_path / "series"
    extract(Recipe.parse(world.recipe, "recipe.toml"), world.source).write(directory)
    (directory / "recipe.toml").write_bytes(world.recipe)
    return Queue.load(directory, overrides=world.overrides, source=world.source)


def test_every_backport_goes_where_its_story_says(world: World, queue: Queue) -> None:
    result = queue.apply(world.source, base="v5.10.6")
    alignment = result.alignment
    keys = {commit: key for key, commit in world.commits.items()}
    assert result.reasons() == []
    assert alignment.warnings == ()
    assert {
        keys[entry.commit]: entry.covered_by for entry in alignment.retracted if entry.commit and entry.covered_by
    } == COVERED
    assert [(keys[entry.commit or ""], entry.how, keys[entry.origin], entry.name) for entry in alignment.restored] == [
        ("newer_than_5.15", Remedy.PICKED, "5.15.1_worker_race", WORKER),
        ("lost_fix", Remedy.PICKED, "5.15.5_address_limit", LIMIT),
    ]
    assert [(keys[entry.commit or ""], entry.name) for entry in alignment.reinstated] == [("revert", TIMER)]
    assert [(half.path, half.covered_by, half.whole) for half in alignment.half_retracted] == [
        ("net/ipv4/syncookies.c", COOKIES, True)
    ]
    assert alignment.window == (COOKIES,)


def test_the_later_target_that_has_what_is_lost(world: World, queue: Queue) -> None:
    result = queue.apply(world.source, base="v5.10.6")
    found = result.later_targets()
    assert str(found) == "range ..v5.15.5 covers 2 of 2"
    assert [entry.target for entry in found.changes] == ["v5.15.1", "v5.15.5"]


def test_a_vendors_squashed_tree_keeps_the_vendors_edit(world: World, queue: Queue) -> None:
    result = queue.apply(world.bsp, base=world.bsp_branch)
    assert result.reasons() == []
    assert [(entry.how, entry.name) for entry in result.alignment.restored] == [
        (Remedy.PICKED, WORKER),
        (Remedy.CARRIED, "carry-net-mptcp-pm.c.patch"),
    ]


def test_the_stack_is_that_of_the_target_but_for_what_was_restored(world: World, queue: Queue) -> None:
    """On 5.10.6 without overrides the owned files are those of v5.15 with the two fixes of 5.15.y."""
    plain = queue.apply(world.source, base="v5.10.6")
    later = queue.apply(world.source, base="v5.10")
    changed = {change.path for step in plain.steps if step.name in (WORKER, LIMIT) for change in step.changes}
    one, other = (
        {path: entry for path, entry in tree_of(result).items() if path not in changed} for result in (plain, later)
    )
    assert one == other


def tree_of(result: Result) -> Mapping[str, Entry]:
    assert result.tree is not None
    return TreeEditor(result.objects, bytes.fromhex(result.tree)).files("net/mptcp")
