# SPDX-License-Identifier: MIT
"""Which blobs a queue reads, told from trees alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pygit2
import pytest

from mptcp_series.engine.upstream.fetch import plan_blobs
from mptcp_series.errors import MissingObject
from mptcp_series.minikernel.history import Changes, FileEntry, HistoryBuilder, Identity
from mptcp_series.values.paths import OwnedPaths

from .conftest import numbered

AUTHOR = Identity(name="A U Thor", email="author@example.org")
OWNED = OwnedPaths(patterns=["net/mptcp/", "include/net/mptcp.h"])
START: Changes = {
    "Makefile": b"VERSION = 5\n",
    "README": b"unrelated\n",
    "include/net/mptcp.h": b"header\n",
    "net/mptcp/a.c": b"a\n",
    "net/mptcp/b.c": b"b\n",
    "net/ipv4/tcp.c": b"tcp\n",
    "net/ipv4/udp.c": b"udp\n",
}


class History:
    """A bare repository whose blobs can be taken away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.builder = HistoryBuilder(pygit2.init_repository(str(path), bare=True))
        self.time = 0

    def commit(self, changes: Changes, branch: str = "main") -> str:
        self.time += 1
        return self.builder.commit(branch, changes, f"commit {self.time}\n", AUTHOR, self.time)

    def merge(self, other: str, changes: Changes | None = None) -> str:
        self.time += 1
        return self.builder.merge("main", other, f"merge {self.time}\n", AUTHOR, self.time, changes)

    @property
    def repo(self) -> pygit2.Repository:
        return pygit2.Repository(str(self.path))

    def without(self, kind: type[pygit2.Object]) -> pygit2.Repository:
        """A copy without any object of a kind."""
        copy = self.path.with_suffix(".copy")
        shutil.copytree(self.path, copy)
        repo = pygit2.Repository(str(copy))
        for oid in [oid for oid in repo.odb if isinstance(repo[oid], kind)]:
            name = str(oid)
            (copy / "objects" / name[:2] / name[2:]).unlink()
        return pygit2.Repository(str(copy))


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "repo.git")
    made.commit(START)
    return made


def ids(*contents: bytes) -> set[str]:
    return {str(pygit2.hash(data)) for data in contents}


def test_both_images_of_every_touched_path(history: History) -> None:
    one = history.commit({"net/mptcp/a.c": b"A\n", "net/ipv4/tcp.c": b"TCP\n"})
    two = history.commit({"net/mptcp/new.c": b"new\n", "net/mptcp/b.c": None})
    assert plan_blobs(history.repo, [one], OWNED) == ids(b"a\n", b"A\n", b"tcp\n", b"TCP\n")
    assert plan_blobs(history.repo, [two], OWNED) == ids(b"new\n", b"b\n")
    assert plan_blobs(history.repo, [one, two], OWNED) == ids(b"a\n", b"A\n", b"tcp\n", b"TCP\n", b"new\n", b"b\n")
    assert plan_blobs(history.repo, [], OWNED) == frozenset()


def test_root_commits_renames_modes_and_links(history: History) -> None:
    moved = history.commit({"net/mptcp/a.c": None, "net/mptcp/moved.c": b"a\n"})
    mode = history.commit({"net/mptcp/b.c": FileEntry(mode=0o100755, data=b"b\n")})
    link = history.commit({"net/link": FileEntry(mode=0o120000, data=b"mptcp")})
    assert plan_blobs(history.repo, [moved], OWNED) == ids(b"a\n")
    assert plan_blobs(history.repo, [mode], OWNED) == ids(b"b\n")
    assert plan_blobs(history.repo, [link], OWNED) == ids(b"mptcp")
    root = str(next(iter(history.repo.walk(link, pygit2.enums.SortMode.REVERSE))).id)
    contents = [data for data in START.values() if isinstance(data, bytes)]
    assert plan_blobs(history.repo, [root], OWNED) == ids(*contents)


def test_trees_bring_owned_touched_and_named_paths(history: History) -> None:
    base = history.commit({"net/ipv4/tcp.c": b"base tcp\n", "net/ipv4/udp.c": b"base udp\n"})
    pick = history.commit({"net/ipv4/tcp.c": b"picked tcp\n"})
    wanted = plan_blobs(history.repo, [pick], OWNED, trees=[base], paths=["Makefile", "no/such/file"])
    assert wanted == ids(b"base tcp\n", b"picked tcp\n", b"VERSION = 5\n", b"header\n", b"a\n", b"b\n")


def test_merges_bring_what_tells_whether_they_hold_work(history: History) -> None:
    history.builder.fork("side", "main")
    history.commit({"net/mptcp/b.c": b"side b\n"}, "side")
    history.commit({"net/mptcp/a.c": b"main a\n", "README": b"main\n"})
    plain = history.merge("side")
    assert plan_blobs(history.repo, [plain], OWNED) == frozenset()
    history.builder.fork("evil", "main")
    history.commit({"net/mptcp/a.c": b"main a\n" + b"1\n" * 9 + b"evil\n"}, "evil")
    history.commit({"net/mptcp/b.c": b"main b\n"})
    evil = history.merge("evil", {"net/mptcp/b.c": b"by hand\n", "README": b"by hand\n"})
    assert plan_blobs(history.repo, [evil], OWNED) == ids(b"side b\n", b"main b\n", b"by hand\n")


def test_merges_of_two_changes_of_one_file_bring_all_sides(history: History) -> None:
    text = [b"%d\n" % number for number in range(20)]
    history.commit({"net/mptcp/a.c": b"".join(text)})
    history.builder.fork("side", "main")
    ours, theirs = [b"ours\n", *text], [*text, b"theirs\n"]
    history.commit({"net/mptcp/a.c": b"".join(theirs)}, "side")
    history.commit({"net/mptcp/a.c": b"".join(ours)})
    merge = history.merge("side")
    result = [b"ours\n", *text, b"theirs\n"]
    assert plan_blobs(history.repo, [merge], OWNED) == ids(*(b"".join(side) for side in (text, ours, theirs, result)))


def test_merges_of_crossed_lines_bring_all_bases(history: History) -> None:
    """One of two merge bases alone would make what both sides have a change of one of them."""
    text = numbered(20)
    history.commit({"net/mptcp/a.c": text})
    history.builder.fork("side", "main")
    one, two, both = (numbered(20, at) for at in ({1: "1\n"}, {20: "2\n"}, {1: "1\n", 20: "2\n"}))
    history.commit({"net/mptcp/a.c": one})
    history.commit({"net/mptcp/a.c": two}, "side")
    history.builder.fork("then", "main")
    history.merge("side", {"net/mptcp/a.c": both})
    history.time += 1
    history.builder.merge("side", "then", "cross\n", AUTHOR, history.time, {"net/mptcp/a.c": both})
    history.commit({"net/mptcp/a.c": one})
    history.commit({"net/mptcp/b.c": b"B\n"}, "side")
    merge = history.merge("side", {"net/mptcp/a.c": one})
    changed = ids(text, one, two, both, b"b\n", b"B\n")
    assert plan_blobs(history.repo, [merge], OWNED) == changed
    assert plan_blobs(history.without(pygit2.Blob), [merge], OWNED) == changed


def test_no_blob_need_be_there(history: History) -> None:
    pick = history.commit({"net/mptcp/a.c": None, "net/mptcp/renamed.c": b"a\nand more\n", "net/ipv4/tcp.c": b"TCP\n"})
    complete = plan_blobs(history.repo, [pick], OWNED, trees=[pick], paths=["Makefile"])
    bare = history.without(pygit2.Blob)
    assert plan_blobs(bare, [pick], OWNED, trees=[pick], paths=["Makefile"]) == complete
    assert all(identifier not in bare for identifier in complete)


def test_missing_trees_and_commits_are_an_error(history: History) -> None:
    """An empty tree in their place would make a plan that is silently short."""
    pick = history.commit({"net/mptcp/a.c": b"A\n"})
    with pytest.raises(MissingObject, match=r"object [0-9a-f]{40} is missing from"):
        plan_blobs(history.without(pygit2.Tree), [pick], OWNED)
    with pytest.raises(MissingObject, match="commit abababababababababababababababababababab is not in"):
        plan_blobs(history.repo, ["ab" * 20], OWNED)


def test_submodules_are_no_blobs(history: History) -> None:
    repo = history.repo
    pick = history.commit({"net/mptcp/a.c": b"A\n"})
    tree = repo.TreeBuilder(repo[pick].peel(pygit2.Tree))
    tree.insert("module", pygit2.Oid(hex="ab" * 20), pygit2.enums.FileMode.COMMIT)
    author = AUTHOR.at(9)
    commit = repo.create_commit(None, author, author, "module\n", tree.write(), [pygit2.Oid(hex=pick)])
    assert plan_blobs(repo, [str(commit)], OWNED) == frozenset()
