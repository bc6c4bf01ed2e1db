# SPDX-License-Identifier: MIT
"""The series that completes fullmesh path management: what it is made of, and what it goes on top of."""

from __future__ import annotations

from pathlib import Path

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.replay.overrides import override_diff
from mptcp_series.values.version import KernelVersion

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "series" / "mptcp-fullmesh"
PINS = [
    "602837e8479d20d49559b4b97b79d34c0efe7ecb",
    "f7d6a237d7422809d458d754016de2844017cb4d",
    "8e9eacad7ec7a9cbf262649ebf1fa6e6f6cc7d82",
    "e35f885b357d47e04380a2056d1b2cc3e6f4f24b",
    "73c762c1f07dacba4fd1cefd15e24b419d42320d",
    "c25d29be00c1a1c53549b71d06a1fb666b598d3b",
    "6a0653b96f5d103d5579475304d76e7017165090",
    "09f12c3ab7a5dc30c4efc6a530891f377d9ba1f4",
    "d6a676e0e1a888c2b78de7544c48bd3cfd4d8902",
    "a224a847ae7aa7eb09b0d4c3d808c9725806c10d",
    "0dc626e5e853a966dfbb6ee6cd607e13a2acd5ae",
    "c21b50d5912b68c4414c60ef5b30416c103f9fd8",
]
"""Mainline v5.17-rc1..v5.19-rc5, in the order they were merged."""


def test_the_commits_in_order() -> None:
    assert [entry.pin for entry in Queue.load(DIRECTORY).series.entries] == PINS


def test_it_goes_on_top_of_the_shipped_queue() -> None:
    queue = Queue.load(DIRECTORY)
    assert [one.name for one in queue.stack] == ["mptcp-5.15", "mptcp-fullmesh"]
    assert queue.below[0].directory.resolve() == ROOT / "series" / "mptcp-5.15"


def test_no_commit_is_queued_twice() -> None:
    pins = [entry.pin for one in Queue.load(DIRECTORY).stack for entry in one.series.entries]
    assert len(pins) == len(set(pins))


def test_all_it_owns_starts_from_the_lower_series_result() -> None:
    queue = Queue.load(DIRECTORY)
    lower = queue.below[0].owned
    assert queue.owned.patterns
    assert all(lower.contains(pattern) for pattern in queue.owned.patterns)


def test_the_recipe() -> None:
    recipe = Queue.load(DIRECTORY).recipe
    assert recipe is not None
    assert (recipe.name, recipe.after, recipe.range) == ("mptcp-fullmesh", ("mptcp-5.15",), "v5.15..v5.19")
    assert (recipe.root, recipe.target) == (None, "v5.15")
    assert recipe.bases is not None
    assert recipe.bases.contains(KernelVersion.parse("5.10.209"))
    assert not recipe.bases.contains(KernelVersion.parse("5.15.1"))


def test_the_recipe_gives_the_reason_for_every_commit() -> None:
    text = (DIRECTORY / "recipe.toml").read_text()
    assert [pin for pin in PINS if pin[:12] not in text] == []
    assert all(commit in text for commit in ("86e39e04482b", "a88c9e496937", "6aeed9045071"))


def test_the_overrides() -> None:
    overrides = Queue.load(DIRECTORY).overrides
    assert [(one.commit, [str(target) for target in one.drop]) for one in overrides] == [
        ("0dc626e5e853a966dfbb6ee6cd607e13a2acd5ae", ["net/mptcp/pm_netlink.c"]),
        ("8e9eacad7ec7a9cbf262649ebf1fa6e6f6cc7d82", ["net/mptcp/pm_netlink.c#c49513d2de53"]),
    ]
    names = {entry.pin: entry.name for entry in Queue.load(DIRECTORY).series.entries}
    assert [one.file for one in overrides] == [f"mptcp-fullmesh/{names[one.commit]}" for one in overrides]
    for one in overrides:
        assert len(one.reason) > 80
        assert one.diff.count(b"\n") < 30
        assert [change.path for change in override_diff(one)] == ["net/mptcp/pm_netlink.c"]
