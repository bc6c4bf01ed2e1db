# SPDX-License-Identifier: MIT
"""Objects of a run: ids as git gives them, read from several repositories, written to none."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.store.objects import EXECUTABLE, LINK, REGULAR, SUBMODULE, TREE, Entry, Objects, hexed
from mptcp_series.errors import MissingObject

from .conftest import Lab


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> pygit2.Repository:
    return pygit2.init_repository(str(tmp_path_factory.mktemp("objects") / "lab.git"), bare=True)


@given(data=st.binary(max_size=100))
def test_ids_are_git_ids(shared: pygit2.Repository, data: bytes) -> None:
    """Law: an object has the id that libgit2 gives it, and is not written to the repository."""
    objects = Objects(shared)
    oid = objects.write("blob", data)
    assert oid == pygit2.hash(data).raw
    assert objects.read(oid) == data
    assert objects.made() == {oid: (3, data)}


# Names that sort specially ('.' < '/' < '0'), and names that hold what a tree object holds between names.
NAMES = st.sampled_from(
    [b"a", b"a.b", b"a0", b"a-b", b"b", b"100644 a", b"x 100644 a", b"x 40000 b", b"\xc3\xbf", b"a\n"]
)


@given(
    entries=st.dictionaries(NAMES, st.sampled_from([TREE, REGULAR, EXECUTABLE, LINK, SUBMODULE])),
    names=st.sets(NAMES),
)
def test_trees_read_back(shared: pygit2.Repository, entries: dict[bytes, int], names: set[bytes]) -> None:
    """Law: what libgit2's TreeBuilder writes is read as its entries, all of them or some."""
    # An id that holds what looks like an entry.
    blob = shared.create_blob(b"x").raw
    trap = b"1 100644 a" + bytes(range(1, 11))
    empty = shared.TreeBuilder().write().raw
    ids = {TREE: empty, SUBMODULE: trap}
    wanted = {name: Entry(mode, ids.get(mode, blob)) for name, mode in entries.items()}
    builder = shared.TreeBuilder()
    for name, entry in wanted.items():
        builder.insert(name.decode(), pygit2.Oid(raw=entry.oid), pygit2.enums.FileMode(entry.mode))
    oid = builder.write().raw
    ordered = sorted(names)
    selected = [(name, wanted[name]) for name in ordered if name in wanted]
    fresh = Objects(shared)
    assert fresh.select(oid, ordered) == selected
    assert [fresh.peek(oid, name) for name in ordered] == [wanted.get(name) for name in ordered]
    assert fresh.entries(oid) == {(b"%o" % entry.mode, name, entry.oid) for name, entry in wanted.items()}
    assert fresh.tree(oid) == wanted
    # Now that the tree is known, too.
    assert fresh.select(oid, ordered) == selected


def test_old_modes_are_read(lab: Lab) -> None:
    blob = lab.blob(b"x")
    oid = lab.objects.write("tree", b"100664 old\0" + blob + b"040000 sub\0" + bytes(20))
    assert lab.objects.tree(oid) == {b"old": Entry(0o100664, blob), b"sub": Entry(TREE, bytes(20))}
    assert [entry.is_text for entry in lab.objects.tree(oid).values()] == [True, False]
    assert [Entry(mode, blob).is_text for mode in (REGULAR, EXECUTABLE, LINK, SUBMODULE, TREE)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_reads_from_any_repository_and_borrows(tmp_path: Path) -> None:
    home = pygit2.init_repository(str(tmp_path / "home.git"), bare=True)
    source = pygit2.init_repository(str(tmp_path / "source.git"), bare=True)
    here, there = home.create_blob(b"here").raw, source.create_blob(b"there").raw
    objects = Objects(home, source)
    made = objects.write("blob", b"made")
    assert [objects.read(oid) for oid in (here, there, made)] == [b"here", b"there", b"made"]
    assert objects.borrowed([here, there, made]) == [there]
    assert objects.expand(hexed(there)[:8]) == there
    assert objects.expand(hexed(there)) == there
    assert objects.expand("0" * 8) is None
    assert objects.expand("not hex") is None


def test_missing_object_says_where_and_how(tmp_path: Path) -> None:
    home = pygit2.init_repository(str(tmp_path / "home.git"), bare=True)
    oid = bytes(range(20))
    hint = f"bring it with `mptcp-series fetch`, or with `git fetch origin {oid.hex()}`"
    for others, where in ([], ""), ([home], " and the source"):
        with pytest.raises(MissingObject) as caught:
            Objects(home, *others).read(oid)
        assert str(caught.value) == (
            f"object {oid.hex()} is missing from {home.path}{where}; in a clone without blobs {hint}"
        )
