# SPDX-License-Identifier: MIT
"""The mini-kernel is what the demo and other tests take it for: stable ids, and conflicts only where planned.

The replay here is a small three-way replay of its own, path by path, so that it judges the world and not the engine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest
import tomli
from pygit2.enums import ConfigLevel, DeltaStatus, FileMode, SortMode

from mptcp_series.errors import EnvironmentFault
from mptcp_series.minikernel.content import CRLF_FILE, LATIN1_FILE, NO_NEWLINE_FILE, SELFTESTS
from mptcp_series.minikernel.edits import Swap
from mptcp_series.minikernel.history import FileEntry, HistoryBuilder, Identity, merge_file
from mptcp_series.minikernel.world import World, build_world

Entry = tuple[int, str]
State = dict[str, Entry]

OWNED = (
    "net/mptcp/",
    "include/net/mptcp.h",
    "include/uapi/linux/mptcp.h",
    "include/trace/events/mptcp.h",
    "tools/testing/selftests/net/mptcp/",
)

ORDERS = {
    "topological": SortMode.TOPOLOGICAL | SortMode.REVERSE,
    "topological, by date": SortMode.TOPOLOGICAL | SortMode.TIME | SortMode.REVERSE,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def source(world: World) -> pygit2.Repository:
    return pygit2.Repository(world.source)


@pytest.fixture(scope="module")
def bsp(world: World) -> pygit2.Repository:
    return pygit2.Repository(world.bsp)


def commit_of(repo: pygit2.Repository, rev: str) -> pygit2.Commit:
    return repo.revparse_single(rev).peel(pygit2.Commit)


def state_of(tree: pygit2.Tree, prefix: str = "") -> State:
    state: State = {}
    for entry in tree:
        path = f"{prefix}{entry.name}"
        if isinstance(entry, pygit2.Tree):
            state.update(state_of(entry, f"{path}/"))
        else:
            state[path] = (int(entry.filemode), str(entry.id))
    return state


def data_of(repo: pygit2.Repository, rev: str, path: str) -> bytes:
    blob = commit_of(repo, rev).tree[path]
    assert isinstance(blob, pygit2.Blob)
    return blob.data


def owned(state: State) -> State:
    return {path: entry for path, entry in state.items() if path.startswith(OWNED)}


def stack(state: State) -> State:
    return {path: entry for path, entry in state.items() if path.startswith("net/mptcp/")}


def hunks_of(repo: pygit2.Repository, key: str, path: str) -> list[list[tuple[str, str]]]:
    """The changed lines of each hunk a commit has in one file."""
    commit = commit_of(repo, key)
    diff = repo.diff(commit.parents[0], commit, context_lines=3)
    assert isinstance(diff, pygit2.Diff)
    return [
        [(line.origin, line.content) for line in hunk.lines if line.origin in "+-"]
        for patch in diff
        if patch is not None and patch.delta.new_file.path == path
        for hunk in patch.hunks
    ]


def changed_paths(repo: pygit2.Repository, commit: pygit2.Commit) -> set[str]:
    before, after = state_of(commit.parents[0].tree), state_of(commit.tree)
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def range_of(repo: pygit2.Repository, order: SortMode) -> Iterator[pygit2.Commit]:
    walker = repo.walk(commit_of(repo, "v5.15").id, order)
    walker.hide(commit_of(repo, "v5.10").id)
    return iter(walker)


def queue_of(repo: pygit2.Repository, order: SortMode = ORDERS["topological"]) -> list[pygit2.Commit]:
    """The non-merge commits of v5.10..v5.15 that touch a path with net/mptcp in it."""
    return [
        commit
        for commit in range_of(repo, order)
        if len(commit.parents) == 1 and any("net/mptcp" in path for path in changed_paths(repo, commit))
    ]


def replay(repo: pygit2.Repository, start: State, queue: list[pygit2.Commit]) -> tuple[State, list[tuple[str, str]]]:
    """Replay commits path by path; a path that conflicts stays as it is and is named with its commit."""
    state, conflicts = dict(start), []
    for commit in queue:
        before, after = state_of(commit.parents[0].tree), state_of(commit.tree)
        for path in sorted(changed_paths(repo, commit)):
            base, ours, theirs = before.get(path), state.get(path), after.get(path)
            merged = merge_entry(repo, base, ours, theirs)
            if merged == "conflict":
                conflicts.append((str(commit.id), path))
            elif merged is None:
                state.pop(path, None)
            else:
                assert isinstance(merged, tuple)
                state[path] = merged
    return state, conflicts


def merge_entry(
    repo: pygit2.Repository, base: Entry | None, ours: Entry | None, theirs: Entry | None
) -> Entry | str | None:
    if ours in (base, theirs):
        return theirs
    if base is None or ours is None or theirs is None or ours[0] not in (base[0], theirs[0]):
        return "conflict"
    blobs = [repo[entry[1]] for entry in (base, ours, theirs)]
    data = merge_file(repo, *(blob.data for blob in blobs if isinstance(blob, pygit2.Blob)))
    return "conflict" if data is None else (theirs[0], str(repo.create_blob(data)))


def aligned(start: State, root: State) -> State:
    return {path: entry for path, entry in start.items() if not path.startswith(OWNED)} | owned(root)


def bsp_state(bsp: pygit2.Repository, source: pygit2.Repository, world: World) -> State:
    """The vendor's tree, its blobs made known to the source."""
    state = state_of(commit_of(bsp, world.bsp_branch).tree)
    for _, oid in state.values():
        blob = bsp[oid]
        assert isinstance(blob, pygit2.Blob)
        source.create_blob(blob.data)
    return state


# The build


def test_the_ids_are_the_same_on_every_run(world: World, tmp_path: Path) -> None:
    again = build_world(tmp_path)
    assert (again.commits, again.tags, again.recipe) == (world.commits, world.tags, world.recipe)


def test_the_ids_are_the_same_on_every_machine(world: World) -> None:
    """A change of the mini-kernel's contents changes these; the shipped demo overrides may then need a look."""
    assert world.tags["v5.15"] == "5912e2f95cb235b71a110662b199c7d34d74de8c"
    assert world.tags["v5.10.6"] == "969cd3085f53afe1e96265e4c10f1b116c0f22ec"
    assert world.tags["v5.15.5"] == "1915811896634baea396761861c6a883e8acf367"
    assert world.commits["vendor_tcp"] == "03b42e41f1d607d922f4a9facbcae04ea0982c37"


def test_a_users_git_configuration_changes_nothing(world: World, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text(
        "[user]\n\tname = Somebody Else\n\temail = else@example.org\n[core]\n\tautocrlf = true\n\tfileMode = false\n"
        "[i18n]\n\tcommitEncoding = latin1\n[init]\n\tdefaultBranch = trunk\n[merge]\n\tconflictStyle = diff3\n"
    )
    paths = pygit2.settings.search_path
    before = paths[ConfigLevel.GLOBAL]
    paths[ConfigLevel.GLOBAL] = str(tmp_path)
    try:
        again = build_world(tmp_path)
    finally:
        paths[ConfigLevel.GLOBAL] = before
    assert (again.commits, again.tags) == (world.commits, world.tags)
    assert pygit2.Repository(again.source).references["HEAD"].target == "refs/heads/master"


def test_the_world_builds_in_a_moment(tmp_path: Path) -> None:
    start = time.process_time()
    build_world(tmp_path)
    assert time.process_time() - start < 1.5


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "bsp.git").mkdir()
    with pytest.raises(EnvironmentFault, match=r"bsp\.git: exists already; the mini-kernel overwrites nothing"):
        build_world(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["bsp.git"]


def test_the_repositories_are_bare_with_their_branches_and_tags(
    world: World, source: pygit2.Repository, bsp: pygit2.Repository
) -> None:
    assert source.is_bare
    assert bsp.is_bare
    assert set(source.branches.local) == {"master", "linux-5.10.y", "linux-5.15.y"}
    assert set(bsp.branches.local) == {world.bsp_branch}
    for tag, commit in world.tags.items():
        assert str(commit_of(source, tag).id) == commit
    releases = {f"v5.10.{n}" for n in range(1, 7)} | {f"v5.15.{n}" for n in range(1, 6)}
    assert releases | {"v5.10", "v5.15", "v5.16-rc1"} <= world.tags.keys()


def test_every_release_says_its_version(world: World, source: pygit2.Repository, bsp: pygit2.Repository) -> None:
    for tag in world.tags:
        lines = dict(
            line.split(" =", 1) for line in data_of(source, tag, "Makefile").decode().splitlines() if " =" in line
        )
        version = f"v{lines['VERSION'].strip()}.{lines['PATCHLEVEL'].strip()}"
        sublevel = lines["SUBLEVEL"].strip()
        assert version + (f".{sublevel}" if sublevel != "0" else "") + lines["EXTRAVERSION"].strip() == tag
    assert data_of(bsp, world.bsp_branch, "Makefile") == data_of(source, "v5.10.4", "Makefile")


def test_no_commit_is_older_than_its_parents(source: pygit2.Repository) -> None:
    for branch in source.branches.local:
        for commit in source.walk(source.branches[branch].target):
            assert all(parent.commit_time <= commit.commit_time for parent in commit.parents)


# The replay


@pytest.mark.parametrize("order", ORDERS)
def test_the_queue_replays_onto_its_root(world: World, source: pygit2.Repository, order: str) -> None:
    queue = queue_of(source, ORDERS[order])
    assert len(queue) >= 24
    state, conflicts = replay(source, state_of(commit_of(source, "v5.10").tree), queue)
    target = state_of(commit_of(source, "v5.15").tree)
    assert conflicts == []
    assert {path for path in target if state.get(path) != target[path] and path in stack(target)} == {
        "net/mptcp/subflow.c"
    }
    assert stack(state).keys() == stack(target).keys()


def test_the_resolution_of_the_evil_merge_is_all_that_is_missing(world: World, source: pygit2.Repository) -> None:
    merge = commit_of(source, world.commits["evil_merge"])
    ours, theirs = merge.parents
    fork = source.merge_base(ours.id, theirs.id)
    assert fork is not None
    automatic = source.merge_trees(fork, ours.id, theirs.id)
    assert automatic.conflicts is None
    before = source[automatic.write_tree(source)]
    assert isinstance(before, pygit2.Tree)
    resolved, target = state_of(merge.tree), state_of(commit_of(source, "v5.15").tree)
    differing = {path for path, entry in resolved.items() if state_of(before).get(path) != entry}
    assert differing == {"net/mptcp/subflow.c"}

    state, _ = replay(source, state_of(commit_of(source, "v5.10").tree), queue_of(source))
    path = "net/mptcp/subflow.c"
    assert merge_entry(source, state_of(before)[path], state[path], resolved[path]) == target[path]


def test_plain_replay_conflicts_on_5_10_y_are_those_the_world_names(world: World, source: pygit2.Repository) -> None:
    queue = queue_of(source)
    counts = {
        tag: len(replay(source, state_of(commit_of(source, tag).tree), queue)[1]) for tag in world.plain_conflicts
    }
    assert counts == dict(world.plain_conflicts)
    assert world.conflict_free_bases == ("v5.10", "v5.10.1", "v5.10.2", "v5.10.3", "v5.10.4")


def test_aligned_replay_has_no_conflict_on_5_10_y(world: World, source: pygit2.Repository) -> None:
    queue, root = queue_of(source), state_of(commit_of(source, "v5.10").tree)
    reference, _ = replay(source, root, queue)
    for tag in world.plain_conflicts:
        state, conflicts = replay(source, aligned(state_of(commit_of(source, tag).tree), root), queue)
        assert conflicts == []
        assert owned(state) == owned(reference)


@pytest.mark.parametrize("align", [False, True], ids=["plain", "aligned"])
def test_the_vendors_tree_has_exactly_one_conflict(
    world: World, source: pygit2.Repository, bsp: pygit2.Repository, align: bool
) -> None:
    recipe = tomli.loads(world.recipe.decode())
    excluded, wanted = recipe["exclude"][0]["commit"], recipe["prerequisite"][0]["commit"]
    matched = {str(commit.id) for commit in queue_of(source)}
    picked = [
        commit
        for commit in range_of(source, ORDERS["topological"])
        if str(commit.id) in (matched | {wanted}) - {excluded}
    ]
    start = bsp_state(bsp, source, world)
    if align:
        start = aligned(start, state_of(commit_of(source, "v5.10").tree))
    expected = [(world.commits["conflicting"], "net/ipv4/tcp.c")]
    assert replay(source, start, queue_of(source))[1] == expected
    assert replay(source, start, picked)[1] == expected


# What the keys promise


def touched(world: World, repo: pygit2.Repository, key: str) -> set[str]:
    return changed_paths(repo, commit_of(repo, world.commits[key]))


def test_commits_touch_what_their_keys_say(world: World, source: pygit2.Repository) -> None:
    assert touched(world, source, "uapi_only") == {"include/uapi/linux/mptcp.h"}
    assert "net/ipv4/tcp_input.c" in touched(world, source, "ipv4_and_mptcp")
    assert "net/mptcp/options.c" in touched(world, source, "ipv4_and_mptcp")
    assert not any("net/mptcp" in path for path in touched(world, source, "prerequisite"))
    assert touched(world, source, "excluded") == {"samples/net/mptcp_probe.c"}
    assert {"net/ipv4/syncookies.c", "net/mptcp/subflow.c"} < touched(world, source, "owned_and_shared")
    assert {"net/ipv4/tcp.c", "net/mptcp/protocol.c"} < touched(world, source, "conflicting")
    before, after = (
        state_of(commit.tree)
        for commit in (commit_of(source, f"{world.commits['deleted']}^"), commit_of(source, world.commits["deleted"]))
    )
    assert before.keys() - after.keys() == {"net/mptcp/token_cache.c"}
    assert touched(world, source, "mode_change") == {f"{SELFTESTS}/diag.sh"}
    commit = commit_of(source, world.commits["mode_change"])
    old, new = (state_of(tree)[f"{SELFTESTS}/diag.sh"] for tree in (commit.parents[0].tree, commit.tree))
    assert (old[0], new[0], old[1]) == (0o100644, 0o100755, new[1])


def test_a_rename_with_edits_is_seen_as_one(world: World, source: pygit2.Repository) -> None:
    commit = commit_of(source, world.commits["rename"])
    diff = source.diff(commit.parents[0], commit)
    assert isinstance(diff, pygit2.Diff)
    diff.find_similar()
    renames = [delta for delta in diff.deltas if delta.status is DeltaStatus.RENAMED]
    assert [(delta.old_file.path, delta.new_file.path) for delta in renames] == [
        ("net/mptcp/ctrl.c", "net/mptcp/sysctl.c")
    ]
    assert renames[0].similarity < 100


def test_one_topic_forked_before_the_range(world: World, source: pygit2.Repository) -> None:
    for key, older in (("old_topic_merge", True), ("topic_merge", False), ("evil_merge", False)):
        ours, theirs = commit_of(source, world.commits[key]).parents
        fork = source.merge_base(ours.id, theirs.id)
        assert fork is not None
        assert source.descendant_of(commit_of(source, "v5.10").id, fork) is older


def test_the_unsupported_hunk_stands_alone(world: World, source: pygit2.Repository) -> None:
    hunks = hunks_of(source, world.commits["unsupported"], "net/mptcp/sockopt.c")
    assert hunks[0] == [("+", "\tcase SO_PREFER_BUSY_POLL:\n"), ("+", "\tcase SO_BUSY_POLL_BUDGET:\n")]
    assert len(hunks) == 2
    assert b"BUSY_POLL_BUDGET" not in data_of(source, "v5.10.6", "include/uapi/asm-generic/socket.h")


def test_the_conflicting_hunk_stands_alone(world: World, source: pygit2.Repository) -> None:
    hunks = hunks_of(source, world.commits["conflicting"], "net/ipv4/tcp.c")
    assert hunks[0] == [
        ("-", "\tif (queued > TCP_TAIL_LIMIT)\n"),
        ("+", "\tif (queued > tcp_tail_limit(sk))\n"),
    ]
    assert len(hunks) == 2


def test_backports_say_where_they_come_from(world: World, source: pygit2.Repository) -> None:
    ids = world.commits
    forms = {
        "identical": f"commit {ids['fix_join_leak']} upstream.",
        "cherry_picked": f"(cherry picked from commit {ids['fix_stale_remove']})",
        "owned_and_shared": f"commit {ids['fix_syncookies']} upstream.",
        "reverted": f"[ Upstream commit {ids['fix_retrans']} ]",
        "adapted": f"[ Upstream commit {ids['fix_data_fin']} ]",
        "revert": f"This reverts commit {ids['reverted']}.",
        "lost_fix": f"commit {ids['fix_address_limit']} upstream.",
        "5.15.5_address_limit": f"commit {ids['fix_address_limit']} upstream.",
    }
    for key, line in forms.items():
        assert line in commit_of(source, ids[key]).message.splitlines()
    message = commit_of(source, ids["subject_only"]).message
    assert message.splitlines()[0] == commit_of(source, ids["fix_ack_len"]).message.splitlines()[0]
    assert "commit" not in message


def test_an_identical_backport_is_and_a_revert_undoes(world: World, source: pygit2.Repository) -> None:
    def lines(key: str, path: str) -> list[tuple[str, str]]:
        return [line for hunk in hunks_of(source, world.commits[key], path) for line in hunk]

    subflow, protocol = "net/mptcp/subflow.c", "net/mptcp/protocol.c"
    assert lines("identical", subflow) == lines("fix_join_leak", subflow) != []
    assert lines("adapted", protocol) != lines("fix_data_fin", protocol)
    other = {"+": "-", "-": "+"}
    assert {(other[origin], text) for origin, text in lines("revert", protocol)} == set(lines("reverted", protocol))


def test_what_alignment_takes_from_the_vendors_tree_can_be_put_back(
    world: World, source: pygit2.Repository, bsp: pygit2.Repository
) -> None:
    """The fix that is newer than v5.15 is picked from 5.15.y, the vendor's own edit is merged."""
    root = state_of(commit_of(source, "v5.10").tree)
    vendor = bsp_state(bsp, source, world)
    finished, _ = replay(source, aligned(vendor, root), queue_of(source))
    picked, conflicts = replay(source, finished, [commit_of(source, world.commits["5.15.1_worker_race"])])
    assert conflicts == []
    assert picked["net/mptcp/protocol.c"] != finished["net/mptcp/protocol.c"]

    stable = state_of(commit_of(source, "v5.10.4").tree)
    assert {path for path in owned(vendor) if vendor[path] != stable[path]} == {"net/mptcp/pm.c"}
    path = "net/mptcp/pm.c"
    merged = merge_entry(source, stable[path], finished[path], vendor[path])
    assert isinstance(merged, tuple)
    assert merged != finished[path]


def test_the_lost_fix_of_5_10_6_can_be_picked(world: World, source: pygit2.Repository) -> None:
    root = state_of(commit_of(source, "v5.10").tree)
    finished, _ = replay(source, aligned(state_of(commit_of(source, "v5.10.6").tree), root), queue_of(source))
    picks = [commit_of(source, world.commits[key]) for key in ("5.15.1_worker_race", "5.15.5_address_limit")]
    assert replay(source, finished, picks)[1] == []


def test_one_fix_is_newer_than_v5_15_2(source: pygit2.Repository) -> None:
    has = {
        tag: b"lockdep_assert_held" in data_of(source, tag, "net/mptcp/pm_netlink.c")
        for tag in ("v5.10.5", "v5.10.6", "v5.15", "v5.15.2", "v5.15.4", "v5.15.5")
    }
    assert [tag for tag, there in has.items() if there] == ["v5.10.6", "v5.15.5"]


def test_the_tree_has_the_files_that_trip_tools(source: pygit2.Repository) -> None:
    for tag in ("v5.10", "v5.15"):
        with pytest.raises(UnicodeDecodeError):
            data_of(source, tag, LATIN1_FILE).decode()
        data = data_of(source, tag, CRLF_FILE)
        assert data.count(b"\r\n") == data.count(b"\n") > 0
        assert not data_of(source, tag, NO_NEWLINE_FILE).endswith(b"\n")
        assert b"\0" in data_of(source, tag, f"{SELFTESTS}/syn.pcap")
        state = state_of(commit_of(source, tag).tree)
        assert state["Documentation/Changes"][0] == FileMode.LINK
        assert state[f"{SELFTESTS}/mptcp_join.sh"][0] == FileMode.BLOB_EXECUTABLE
        assert len(state) > 70


def test_the_recipe_names_commits_of_the_source(world: World, source: pygit2.Repository) -> None:
    recipe = tomli.loads((world.recipe + world.include).decode())
    assert recipe["series"]["range"] == "v5.10..v5.15"
    assert tuple(recipe["series"]["owned"]) == OWNED
    for table, key in (("prerequisite", "prerequisite"), ("exclude", "excluded"), ("include", "uapi_only")):
        (entry,) = recipe[table]
        assert entry["commit"] == world.commits[key] == str(commit_of(source, entry["commit"]).id)
        assert entry["reason"]


# The language the histories are written in

WHO = Identity(name="Who", email="who@example.org")


@pytest.fixture
def builder(tmp_path: Path) -> HistoryBuilder:
    builder = HistoryBuilder(pygit2.init_repository(tmp_path / "repo.git", bare=True))
    builder.commit("main", {"a": b"1\n2\n3\n", "d/b": FileEntry(mode=0o100755, data=b"b\n")}, "first\n", WHO, 100)
    return builder


def test_plain_bytes_keep_the_mode_and_none_deletes(builder: HistoryBuilder) -> None:
    builder.commit("main", {"a": None, "d/b": b"c\n"}, "second\n", WHO, 101)
    assert dict(builder.files("main")) == {"d/b": FileEntry(mode=0o100755, data=b"c\n")}


def test_a_merge_takes_both_sides_and_its_own_changes(builder: HistoryBuilder) -> None:
    builder.fork("topic", "main")
    builder.commit("topic", {"a": b"1\n2\nthree\n"}, "topic\n", WHO, 101)
    builder.commit("main", {"a": b"one\n2\n3\n"}, "main\n", WHO, 102)
    builder.merge("main", "topic", "merge\n", WHO, 103, {"d/b": b"evil\n"})
    assert builder.files("main")["a"].data == b"one\n2\nthree\n"
    assert builder.files("main")["d/b"].data == b"evil\n"


def test_a_history_that_does_not_fit_together_is_refused(builder: HistoryBuilder) -> None:
    with pytest.raises(ValueError, match="main: again: changes nothing"):
        builder.commit("main", {"a": b"1\n2\n3\n"}, "again\n", WHO, 101)
    with pytest.raises(ValueError, match="main: early: older than its parent"):
        builder.commit("main", {"a": b"x\n"}, "early\n", WHO, 99)
    with pytest.raises(ValueError, match="x: not there, so it cannot be deleted"):
        builder.commit("main", {"x": None}, "gone\n", WHO, 101)
    with pytest.raises(ValueError, match="no branch topic"):
        builder.merge("main", "topic", "merge\n", WHO, 101)
    builder.fork("topic", "main")
    builder.commit("topic", {"a": b"x\n"}, "topic\n", WHO, 101)
    builder.commit("main", {"a": b"y\n"}, "main\n", WHO, 101)
    with pytest.raises(ValueError, match="a: does not merge"):
        builder.merge("main", "topic", "merge\n", WHO, 102)


def test_an_edit_must_find_its_bytes_exactly_once() -> None:
    files = {"a": FileEntry(data=b"x\nx\n")}
    with pytest.raises(ValueError, match=r"a: b'x' is there 2 times, not once"):
        Swap(path="a", old=b"x", new=b"y").apply(files)
