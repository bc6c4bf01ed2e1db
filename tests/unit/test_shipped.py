# SPDX-License-Identifier: MIT
"""What the repository ships: two queues and the overrides 5.10 needs. Read, not replayed; no kernel is at hand here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mptcp_series.engine.queue import Queue, load_overrides
from mptcp_series.engine.replay.overrides import override_diff
from mptcp_series.values.condition import Condition
from mptcp_series.values.override import Override
from mptcp_series.values.recipe import Recipe
from mptcp_series.values.series import Series
from mptcp_series.values.version import KernelVersion

ROOT = Path(__file__).resolve().parents[2]
QUEUE = ROOT / "series" / "mptcp-5.15"
RECIPES = sorted(ROOT.glob("series/*/recipe.toml"))
OVERRIDES = sorted(ROOT.glob("overrides/*/*.patch"))
SUBJECTS = {
    "4d54cc32112d8d8b0667559c9309f1a6f764f70b": "mptcp: avoid lock_fast usage in accept path",
    "371087aa476ab0ac0072303ac94a3bba2d7b0a1d": "sock: expose so_timestamp options for mptcp",
    "ced122d90f52eb6ff37272e32941845d46ac64c6": "sock: expose so_timestamping options for mptcp",
    "9061f24bf82ec2e92dd1e7c10b98b680db023d31": "mptcp: sockopt: propagate timestamp request to subflows",
    "7a009a70ff8adcba3b31dc8922a3671e5a8e1361": "mptcp: setsockopt: handle SOL_SOCKET in one place only",
    "6c9a0a0f2333b1e3c29fef47a8b12131fce4905b": (
        "mptcp: setsockopt: convert to mptcp_setsockopt_sol_socket_timestamping()"
    ),
    "5e6af0a729b669b1da6f9600867e2e4910505a6d": "selftests: mptcp_connect: add SO_TIMESTAMPNS cmsg support",
    "01757f536ac825e3614d583fee9acb48c64ed084": "net: Use nlmsg_unicast() instead of netlink_unicast()",
    "d463126e23f112629edb01594141ca437a92a108": "net: sock: extend SO_TIMESTAMPING for PHC binding",
    "a24d22b225ce158651378869a6b88105c4bdb887": "crypto: sha - split sha.h into sha1.h and sha2.h",
    "19757cebf0c5016a1f36f7fe9810a9f0b33c0832": "tcp: switch orphan_count to bare per-cpu counters",
}
"""The subject of every upstream commit that is overridden."""


def recipe(path: Path) -> Recipe:
    return Recipe.parse(path.read_bytes(), str(path))


def override(path: Path) -> Override:
    return Override.parse(path.read_bytes(), str(path))


def short(path: Path) -> str:
    return "/".join(path.parts[-2:])


@pytest.fixture(scope="module")
def series() -> Series:
    return Series.parse((QUEUE / "series").read_bytes(), "series")


def test_the_queue_is_the_312_mainline_commits_in_order(series: Series) -> None:
    pins = [entry.pin or "" for entry in series.entries]
    assert len(pins) == len(set(pins)) == 312
    assert pins[0] == "13c7ba0c8494a4fcee9e8cc163ae332d0480bde5"
    assert pins[-1] == "f7cc8890f30d3ddc785e2b2ddc647da5b4b3c3ec"
    digest = hashlib.sha256("\n".join(pins).encode()).hexdigest()
    assert digest == "76a5b9b12021835345c05f95f1d2a7521960ea5dbd006e64ac26ae8c83e199cb"


def test_names_of_the_queue(series: Series) -> None:
    entries = series.entries
    assert entries[0].name == "mptcp-adjust-mptcp-receive-buffer-limit-if-subflow-has-larger-on.patch"
    assert {(entry.strip, entry.reverse, entry.comment) for entry in entries} == {(1, False, None)}
    digest = hashlib.sha256("\n".join(entry.name for entry in entries).encode()).hexdigest()
    assert digest == "4da146a6b4b568225667bc04cf74a301834ba7871ffc737be47b4d3f637dde93"


def test_the_queue_loads_with_the_overrides_its_recipe_names() -> None:
    queue = Queue.load(QUEUE)
    assert queue.name == "mptcp-5.15"
    assert len(queue.overrides) == len(list(ROOT.glob("overrides/mptcp-5.15/*.patch"))) > 0


def test_two_queues_are_shipped() -> None:
    assert [path.parent.name for path in RECIPES] == ["mptcp-5.15", "mptcp-5.15.162"]


@pytest.mark.parametrize("path", RECIPES, ids=short)
def test_a_recipe_is_for_5_10_and_named_as_its_directory(path: Path) -> None:
    read = recipe(path)
    assert read.name == path.parent.name
    assert read.match == ("net/mptcp",)
    assert read.bases is not None
    assert read.bases.contains(KernelVersion.parse("5.10.66"))
    assert not read.bases.contains(KernelVersion.parse("5.11"))
    owned = ("net/mptcp/subflow.c", "include/net/mptcp.h", "include/uapi/linux/mptcp.h", "include/trace/events/mptcp.h")
    assert all(map(read.owned.contains, owned))
    assert not read.owned.contains("net/ipv4/tcp.c")


def test_ranges_roots_and_targets() -> None:
    ends = {read.name: (read.range, read.root, read.target) for read in map(recipe, RECIPES)}
    assert ends == {
        "mptcp-5.15": ("v5.10.66..v5.15", "v5.10.66", "v5.15"),
        "mptcp-5.15.162": ("v5.10.66..v5.15.162", "v5.10", "v5.15.162"),
    }


def test_includes_of_the_queue_are_queued(series: Series) -> None:
    includes = [include.commit for include in recipe(QUEUE / "recipe.toml").includes]
    assert len(includes) == 4
    assert set(includes) <= {entry.pin for entry in series.entries}


def test_the_write_up_s_prerequisites() -> None:
    read = recipe(ROOT / "series" / "mptcp-5.15.162" / "recipe.toml")
    assert [(entry.commit, entry.reason.split(" (")[0].strip()) for entry in read.prerequisites] == [
        ("049fe386d35353398eee40ba8d76ab62cb5a24e5", "tcp: parse mptcp options contained in reset packets"),
        (
            "2dcb96bacce36021c2f3eaae0cef607b5bb71ede",
            "net: core: Correct the sock::sk_lock.owned lockdep annotations",
        ),
    ]


def test_a_recipe_without_a_series_file_says_how_to_get_it() -> None:
    text = (ROOT / "series" / "mptcp-5.15.162" / "README.md").read_text()
    assert "mptcp-series extract --source linux-stable --series series/mptcp-5.15.162" in text


def test_directories_of_overrides_and_recipes_agree() -> None:
    named = {name for path in RECIPES for name in recipe(path).overrides}
    assert named == {path.name for path in (ROOT / "overrides").iterdir() if path.is_dir()}
    assert named == {path.parent.name for path in OVERRIDES}


@pytest.mark.parametrize("path", OVERRIDES, ids=short)
def test_an_override_names_its_patch_and_says_why(path: Path, series: Series) -> None:
    assert path.read_bytes().startswith(b"# SPDX-License-Identifier: GPL-2.0-only\n")
    read = override(path)
    assert read.commit is not None
    assert read.patch == SUBJECTS[read.commit]
    assert len(read.reason) > 80
    assert read.optional or read.commit in {entry.pin for entry in series.entries}


@pytest.mark.parametrize("path", OVERRIDES, ids=short)
def test_an_override_is_named_after_its_patch(path: Path, series: Series) -> None:
    read = override(path)
    queued = [entry.name for entry in series.entries if entry.pin == read.commit]
    assert queued in ([], [path.name])


@pytest.mark.parametrize("path", OVERRIDES, ids=short)
def test_an_override_drops_by_path_and_its_diff_is_small(path: Path) -> None:
    """Hunk ids of someone's copy may differ from upstream's; long diffs would be kernel code, not decisions."""
    read = override(path)
    assert all(target.hunk is None for target in read.drop)
    assert read.diff.count(b"\n") < 20
    assert all(change.hunks for change in override_diff(read))


def test_every_overridden_commit_is_overridden_once() -> None:
    overrides = load_overrides(sorted((ROOT / "overrides").iterdir()))
    assert sorted(read.commit or "" for read in overrides) == sorted(SUBJECTS)


@pytest.mark.parametrize(
    ("commit", "condition"),
    [
        ("4d54cc32112d8d8b0667559c9309f1a6f764f70b", "net/netlink/genetlink.c has grp->flags & GENL_UNS_ADMIN_PERM"),
        ("7a009a70ff8adcba3b31dc8922a3671e5a8e1361", "include/uapi/asm-generic/socket.h lacks SO_PREFER_BUSY_POLL"),
        ("9061f24bf82ec2e92dd1e7c10b98b680db023d31", "include/net/sock.h lacks sock_set_timestamping("),
        ("6c9a0a0f2333b1e3c29fef47a8b12131fce4905b", "include/net/sock.h lacks sock_set_timestamping("),
        ("5e6af0a729b669b1da6f9600867e2e4910505a6d", "include/net/sock.h lacks sock_set_timestamping("),
        ("01757f536ac825e3614d583fee9acb48c64ed084", "net/sctp/diag.c has nlmsg_unicast("),
        ("d463126e23f112629edb01594141ca437a92a108", "include/linux/ethtool.h lacks ethtool_get_phc_vclocks"),
        ("a24d22b225ce158651378869a6b88105c4bdb887", "include/crypto/sha.h has SHA256_DIGEST_SIZE"),
        ("19757cebf0c5016a1f36f7fe9810a9f0b33c0832", "include/net/tcp.h has struct percpu_counter tcp_orphan_count"),
    ],
)
def test_a_base_that_has_the_thing_is_left_alone(commit: str, condition: str) -> None:
    (read,) = (read for path in OVERRIDES if (read := override(path)).commit == commit)
    assert read.when == (Condition.parse(condition),)


def test_the_core_helpers_for_time_stamps_are_left_out_on_every_base() -> None:
    """A base either has them, or has no use for them, and one of them breaks SO_TIMESTAMP for all protocols."""
    left_out = [read for path in OVERRIDES if (read := override(path)).skip and not read.when]
    assert {read.patch for read in left_out} == {
        "sock: expose so_timestamp options for mptcp",
        "sock: expose so_timestamping options for mptcp",
    }
