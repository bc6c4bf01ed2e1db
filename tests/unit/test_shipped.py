# SPDX-License-Identifier: MIT
"""What the repository ships: two queues and the overrides 5.10 needs. Read, not replayed; no kernel is at hand here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mptcp_series.engine.queue import Queue, load_overrides
from mptcp_series.engine.replay.overrides import override_diff
from mptcp_series.values.condition import Condition
from mptcp_series.values.naming import patch_name
from mptcp_series.values.override import Override
from mptcp_series.values.recipe import Recipe
from mptcp_series.values.series import Series, SeriesEntry
from mptcp_series.values.version import KernelVersion

ROOT = Path(__file__).resolve().parents[2]
QUEUE = ROOT / "series" / "mptcp-5.15"
NAMES = ("mptcp-5.15", "mptcp-5.15.162")
RECIPES = [ROOT / "series" / name / "recipe.toml" for name in NAMES]
OVERRIDES = [path for name in NAMES for path in sorted((ROOT / "overrides" / name).glob("*.patch"))]
SUBJECTS = {
    "4d54cc32112d8d8b0667559c9309f1a6f764f70b": "mptcp: avoid lock_fast usage in accept path",
    "371087aa476ab0ac0072303ac94a3bba2d7b0a1d": "sock: expose so_timestamp options for mptcp",
    "ced122d90f52eb6ff37272e32941845d46ac64c6": "sock: expose so_timestamping options for mptcp",
    "9061f24bf82ec2e92dd1e7c10b98b680db023d31": "mptcp: sockopt: propagate timestamp request to subflows",
    "d9e4c129181004ec94b315b0c9db5eeb09da75e6": "mptcp: only admit explicitly supported sockopt",
    "7a009a70ff8adcba3b31dc8922a3671e5a8e1361": "mptcp: setsockopt: handle SOL_SOCKET in one place only",
    "6c9a0a0f2333b1e3c29fef47a8b12131fce4905b": (
        "mptcp: setsockopt: convert to mptcp_setsockopt_sol_socket_timestamping()"
    ),
    "5e6af0a729b669b1da6f9600867e2e4910505a6d": "selftests: mptcp_connect: add SO_TIMESTAMPNS cmsg support",
    "01757f536ac825e3614d583fee9acb48c64ed084": "net: Use nlmsg_unicast() instead of netlink_unicast()",
    "d463126e23f112629edb01594141ca437a92a108": "net: sock: extend SO_TIMESTAMPING for PHC binding",
    "a24d22b225ce158651378869a6b88105c4bdb887": "crypto: sha - split sha.h into sha1.h and sha2.h",
    "e3ae2365efc14269170a6326477e669332271ab3": "net: sock: introduce sk_error_report",
    "19757cebf0c5016a1f36f7fe9810a9f0b33c0832": "tcp: switch orphan_count to bare per-cpu counters",
    "02739545951ad4c1215160db7fbf9b7a918d3c0b": "net: Fix data-races around sysctl_[rw]mem(_offset)?.",
    "b5fc29233d28be7a3322848ebe73ac327559cdb9": "inet6: Remove inet6_destroy_sock() in sk->sk_prot->destroy().",
    "cae3873c5b3a4fcd9706fb461ff4e91bdf1f0120": "net: inet: Retire port only listening_hash",
}
"""The subject of every upstream commit that is overridden."""
SHARED_PREREQUISITES = {
    "b796d04bd014fd24e60ab4a6c604b258ac947825": ("tcp: factor out tcp_build_frag()", "mptcp: use tcp_build_frag()"),
    "77c3c95637526f1e4330cc9a4b2065f668c2c4fe": (
        "tcp: factor out __tcp_close() helper",
        "mptcp: refactor shutdown and close",
    ),
    "8b5536ad1216c47fb9b37ef2cd0cfa70d79d4645": (
        "lockdep: Introduce in_softirq lockdep assert",
        "mptcp: implement delegated actions",
    ),
    "41dd9596d6b239a125c3d19f9d0ca90bdbfbf876": (
        "security: add const qualifier to struct sock in various places",
        "tcp: merge 'init_req' and 'route_req' functions",
    ),
    "049fe386d35353398eee40ba8d76ab62cb5a24e5": (
        "tcp: parse mptcp options contained in reset packets",
        "mptcp: parse and act on incoming FASTCLOSE option",
    ),
    "f2764bd4f6a8dffaec3e220728385d9756b3c2cb": ("netlink: don't call ->netlink_bind with table lock held", None),
    "cb9444130662c6c13022579c861098f212db2562": (
        "sysctl: add proc_dou8vec_minmax()",
        "mptcp: cleanup sysctl data and helpers",
    ),
}
"""What both queues bring from outside the stack: subject, and the patch that needs it before itself."""
TAIL_PREREQUISITES = {
    "12f4bd86225e348ef3a3c8d2bb42dc23ee0f0a4c": "net: add annotation for sock_{lock,unlock}_fast",
    "2dcb96bacce36021c2f3eaae0cef607b5bb71ede": "net: core: Correct the sock::sk_lock.owned lockdep annotations",
    "04d8825c30b718781197c8f07b1915a11bfb8685": "tcp: expose the tcp_mark_push() and tcp_skb_entail() helpers",
    "cccc6209708f59b0d5f0b4853588a720c829a111": "tcp: deny tcp_disconnect() when threads are waiting",
    "cf12e6f9124629b18a6182deefc0315f0a73a199": "tcp: don't free a FIN sk_buff in tcp_remove_empty_skb()",
    "3ded97bc41a1e76e1e72eeb192331c01ceacc4bc": "tcp: remove dead code from tcp_sendmsg_locked()",
    "6db8a37dfc541e059851652cfd4f0bb13b8ff6af": "tcp: check mptcp-level constraints for backlog coalescing",
}
"""What the queue to 5.15.162 brings besides, in the recipe's order."""
CONDITIONS = {
    "b796d04bd014fd24e60ab4a6c604b258ac947825": "include/net/tcp.h lacks tcp_build_frag(",
    "77c3c95637526f1e4330cc9a4b2065f668c2c4fe": "include/net/tcp.h lacks __tcp_close(",
    "8b5536ad1216c47fb9b37ef2cd0cfa70d79d4645": "include/linux/lockdep.h lacks lockdep_assert_in_softirq(",
    "41dd9596d6b239a125c3d19f9d0ca90bdbfbf876": (
        "include/linux/security.h lacks security_inet_conn_request(const struct sock *sk"
    ),
    "049fe386d35353398eee40ba8d76ab62cb5a24e5": (
        "include/net/tcp.h lacks void tcp_reset(struct sock *sk, struct sk_buff *skb)"
    ),
    "f2764bd4f6a8dffaec3e220728385d9756b3c2cb": "net/netlink/genetlink.c lacks genl_bind",
    "cb9444130662c6c13022579c861098f212db2562": "include/linux/sysctl.h lacks proc_dou8vec_minmax(",
    "12f4bd86225e348ef3a3c8d2bb42dc23ee0f0a4c": (
        "include/net/sock.h lacks bool lock_sock_fast(struct sock *sk) __acquires("
    ),
    "2dcb96bacce36021c2f3eaae0cef607b5bb71ede": ("net/core/sock.c lacks Fast path return with bottom halves disabled"),
    "04d8825c30b718781197c8f07b1915a11bfb8685": "include/net/tcp.h lacks tcp_skb_entail(",
    "cccc6209708f59b0d5f0b4853588a720c829a111": "include/net/sock.h lacks sk_wait_pending",
    "cf12e6f9124629b18a6182deefc0315f0a73a199": (
        "net/ipv4/tcp.c lacks TCP_SKB_CB(skb)->seq == TCP_SKB_CB(skb)->end_seq"
    ),
    "3ded97bc41a1e76e1e72eeb192331c01ceacc4bc": "net/ipv4/tcp.c has We have some space in skb head. Superb!",
    "6db8a37dfc541e059851652cfd4f0bb13b8ff6af": "net/ipv4/tcp_ipv4.c lacks mptcp_skb_can_collapse",
}
"""On which bases a prerequisite is queued."""


RANGE_TO_162 = {
    "02739545951ad4c1215160db7fbf9b7a918d3c0b",
    "b5fc29233d28be7a3322848ebe73ac327559cdb9",
    "cae3873c5b3a4fcd9706fb461ff4e91bdf1f0120",
}
"""Upstream ids of overridden 5.15.y commits below net/mptcp."""
PAGE = ROOT / "docs" / "explanation" / "shipped-queue.md"


def recipe(path: Path) -> Recipe:
    return Recipe.parse(path.read_bytes(), str(path))


def override(path: Path) -> Override:
    return Override.parse(path.read_bytes(), str(path))


def short(path: Path) -> str:
    return "/".join(path.parts[-2:])


@pytest.fixture(scope="module")
def series() -> Series:
    return Series.parse((QUEUE / "series").read_bytes(), "series")


def mainline(series: Series) -> list[SeriesEntry]:
    """The entries that are no prerequisites."""
    return [entry for entry in series.entries if entry.pin not in SHARED_PREREQUISITES]


def test_the_queue_is_the_312_mainline_commits_in_order(series: Series) -> None:
    pins = [entry.pin or "" for entry in mainline(series)]
    assert len(pins) == len(set(pins)) == 312
    assert len(series.entries) == 312 + len(SHARED_PREREQUISITES)
    assert pins[0] == "13c7ba0c8494a4fcee9e8cc163ae332d0480bde5"
    assert pins[-1] == "f7cc8890f30d3ddc785e2b2ddc647da5b4b3c3ec"
    digest = hashlib.sha256("\n".join(pins).encode()).hexdigest()
    assert digest == "76a5b9b12021835345c05f95f1d2a7521960ea5dbd006e64ac26ae8c83e199cb"


def test_names_of_the_queue(series: Series) -> None:
    entries = series.entries
    assert [entry.name for entry in entries if entry.pin in SHARED_PREREQUISITES] == [
        patch_name(subject, set()) for subject, _ in SHARED_PREREQUISITES.values()
    ]
    assert entries[0].name == "mptcp-adjust-mptcp-receive-buffer-limit-if-subflow-has-larger-on.patch"
    assert {(entry.strip, entry.reverse, entry.comment) for entry in entries} == {(1, False, None)}
    digest = hashlib.sha256("\n".join(entry.name for entry in mainline(series)).encode()).hexdigest()
    assert digest == "4da146a6b4b568225667bc04cf74a301834ba7871ffc737be47b4d3f637dde93"


def test_the_queue_loads_with_the_overrides_its_recipe_names() -> None:
    queue = Queue.load(QUEUE)
    assert queue.name == "mptcp-5.15"
    assert len(queue.overrides) == len(list(ROOT.glob("overrides/mptcp-5.15/*.patch"))) > 0


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


def test_prerequisites_of_both_recipes() -> None:
    both = {commit: subject for commit, (subject, _) in SHARED_PREREQUISITES.items()}
    wanted = {"mptcp-5.15": both, "mptcp-5.15.162": both | TAIL_PREREQUISITES}
    found = {
        read.name: {entry.commit: entry.reason.split(" (v")[0].strip() for entry in read.prerequisites}
        for read in map(recipe, RECIPES)
    }
    assert {name: list(entries.items()) for name, entries in found.items()} == {
        name: list(entries.items()) for name, entries in wanted.items()
    }


@pytest.mark.parametrize("path", RECIPES, ids=short)
def test_a_prerequisite_says_why_and_when(path: Path) -> None:
    """A base that has the thing, from a later 5.10.y or from its vendor, skips it."""
    for entry in recipe(path).prerequisites:
        assert len(entry.reason) > 120
        assert entry.when == Condition.parse(CONDITIONS[entry.commit])


def test_recipes_say_the_same_of_what_they_share() -> None:
    first, second = ({entry.commit: entry for entry in recipe(path).prerequisites} for path in RECIPES)
    assert {commit: second[commit] for commit in first} == first
    first_includes, second_includes = ({entry.commit: entry for entry in recipe(path).includes} for path in RECIPES)
    assert {commit: first_includes[commit] for commit in second_includes} == second_includes


@pytest.mark.parametrize(("commit", "user"), [(commit, user) for commit, (_, user) in SHARED_PREREQUISITES.items()])
def test_a_prerequisite_is_queued_before_the_patch_that_needs_it(series: Series, commit: str, user: str | None) -> None:
    pins = [entry.pin for entry in series.entries]
    names = [entry.name for entry in series.entries]
    if user is None:  # a fix of what a patch before it brought
        assert names.index("mptcp-avoid-lock_fast-usage-in-accept-path.patch") < pins.index(commit)
    else:
        assert pins.index(commit) < names.index(patch_name(user, set()))


def test_prerequisites_outside_the_range_name_the_patch_they_go_before() -> None:
    """`extract` would put them at the queue's start, where what they change is not there yet."""
    read = recipe(ROOT / "series" / "mptcp-5.15.162" / "recipe.toml")
    assert {entry.commit: entry.before for entry in read.prerequisites if entry.before is not None} == {
        "04d8825c30b718781197c8f07b1915a11bfb8685": patch_name("mptcp: stop relying on tcp_tx_skb_cache", set()),
        "cccc6209708f59b0d5f0b4853588a720c829a111": patch_name(
            "mptcp: fix possible divide by zero in recvmsg()", set()
        ),
        "cf12e6f9124629b18a6182deefc0315f0a73a199": patch_name("tcp: cleanup tcp_remove_empty_skb() use", set()),
        "3ded97bc41a1e76e1e72eeb192331c01ceacc4bc": patch_name("tcp: cleanup tcp_remove_empty_skb() use", set()),
        "6db8a37dfc541e059851652cfd4f0bb13b8ff6af": patch_name("mptcp: more conservative check for zero probes", set()),
    }


def test_a_recipe_without_a_series_file_says_how_to_get_it() -> None:
    text = (ROOT / "series" / "mptcp-5.15.162" / "README.md").read_text()
    assert "mptcp-series extract --source linux-stable --series series/mptcp-5.15.162" in text


def test_directories_of_overrides_and_recipes_agree() -> None:
    named = {name for path in ROOT.glob("series/*/recipe.toml") for name in recipe(path).overrides}
    assert named == {path.name for path in (ROOT / "overrides").iterdir() if path.is_dir()}
    assert {name for path in RECIPES for name in recipe(path).overrides} == set(NAMES)


@pytest.mark.parametrize("path", OVERRIDES, ids=short)
def test_an_override_names_its_patch_and_says_why(path: Path, series: Series) -> None:
    assert path.read_bytes().startswith(b"# SPDX-License-Identifier: GPL-2.0-only\n")
    read = override(path)
    assert read.commit is not None
    assert read.patch == SUBJECTS[read.commit]
    assert len(read.reason) > 80
    # The range to 5.15.162 has every commit overridden for it but one: if it cannot be found there, that is drift.
    queued = {entry.pin for entry in series.entries} | RANGE_TO_162
    assert read.optional or read.commit in queued


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
    overrides = load_overrides([ROOT / "overrides" / name for name in NAMES])
    assert sorted(read.commit or "" for read in overrides) == sorted(SUBJECTS)


@pytest.mark.parametrize(
    ("commit", "condition"),
    [
        ("4d54cc32112d8d8b0667559c9309f1a6f764f70b", "net/netlink/genetlink.c has grp->flags & GENL_UNS_ADMIN_PERM"),
        ("d9e4c129181004ec94b315b0c9db5eeb09da75e6", "include/uapi/asm-generic/socket.h lacks SO_PREFER_BUSY_POLL"),
        ("7a009a70ff8adcba3b31dc8922a3671e5a8e1361", "include/uapi/asm-generic/socket.h lacks SO_PREFER_BUSY_POLL"),
        ("9061f24bf82ec2e92dd1e7c10b98b680db023d31", "include/net/sock.h lacks sock_set_timestamping("),
        ("6c9a0a0f2333b1e3c29fef47a8b12131fce4905b", "include/net/sock.h lacks sock_set_timestamping("),
        ("5e6af0a729b669b1da6f9600867e2e4910505a6d", "include/net/sock.h lacks sock_set_timestamping("),
        ("01757f536ac825e3614d583fee9acb48c64ed084", "net/sctp/diag.c has nlmsg_unicast("),
        ("d463126e23f112629edb01594141ca437a92a108", "include/linux/ethtool.h lacks ethtool_get_phc_vclocks"),
        ("a24d22b225ce158651378869a6b88105c4bdb887", "include/crypto/sha.h has SHA256_DIGEST_SIZE"),
        ("e3ae2365efc14269170a6326477e669332271ab3", "include/net/sock.h lacks void sk_error_report("),
        ("19757cebf0c5016a1f36f7fe9810a9f0b33c0832", "include/net/tcp.h has struct percpu_counter tcp_orphan_count"),
        ("b5fc29233d28be7a3322848ebe73ac327559cdb9", "net/ipv6/af_inet6.c lacks inet6_sock_destruct"),
        (
            "cae3873c5b3a4fcd9706fb461ff4e91bdf1f0120",
            "include/net/inet_hashtables.h has listening_hash[INET_LHTABLE_SIZE]",
        ),
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


def test_tree_wide_changes_leave_their_part_in_the_stack() -> None:
    """What is dropped is never a file of the stack; of sk_error_report() the declaration and the function stay."""
    (read,) = (read for path in OVERRIDES if (read := override(path)).patch == "net: sock: introduce sk_error_report")
    assert len(read.drop) == 39
    assert not {"include/net/sock.h", "net/core/sock.c", "net/mptcp/subflow.c"} & {target.path for target in read.drop}
    (read,) = (read for path in OVERRIDES if (read := override(path)).commit in RANGE_TO_162 and read.drop)
    assert not read.when
    assert all(not recipe(RECIPES[1]).owned.contains(target.path) for target in read.drop)


def test_the_page_has_every_prerequisite_and_every_override() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    first = {row[0].removeprefix("| ").strip("`"): row for row in rows}
    subjects = {commit: subject for commit, (subject, _) in SHARED_PREREQUISITES.items()} | TAIL_PREREQUISITES
    for commit, subject in (subjects | SUBJECTS).items():
        assert first[commit[:12]][1].startswith(subject)
    assert len(first) == len(rows) == len(subjects) + len(SUBJECTS)
    files = {row[-1].removesuffix(" |") for row in rows if row[-1].endswith(".patch |")}
    assert files == {short(path) for path in OVERRIDES}
