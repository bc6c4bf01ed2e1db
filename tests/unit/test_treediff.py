# SPDX-License-Identifier: MIT
"""Two versions of a directory compared as bytes: the same answer as taking both apart."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.store.treediff import ENTRY, RECENT_TREES, RawEntry, TreeDiffer
from mptcp_series.errors import EnvironmentFault

# Names and ids that look like one another: what an id ends in may read as the next entry's mode.
NAMES = st.sampled_from([b"a", b"b", b"c", b"0", b"100644 a", b"x 100644 a", b"\xff", b"a\n", b"zz"])
IDS = st.sampled_from(
    [bytes(20), b"\0" + b"100644 a\0" + bytes(10), b"1 100644 b\0" + bytes(9), b"7" * 20, b"7" * 19 + b"\0", b"\n" * 20]
)
MODES = st.sampled_from([b"100644", b"100755", b"40000", b"120000"])
TREES = st.dictionaries(NAMES, st.tuples(MODES, IDS)).map(
    lambda found: b"".join(b"%s %s\0%s" % (mode, name, oid) for name, (mode, oid) in sorted(found.items()))
)


def as_parsed(data: bytes) -> list[RawEntry]:
    return ENTRY.findall(data)


class Store:
    """Tree objects by number, and how often each was read."""

    def __init__(self, *trees: bytes) -> None:
        self.trees = {b"%020d" % number: data for number, data in enumerate(trees)}
        self.reads: list[bytes] = []

    def read(self, oid: bytes) -> bytes:
        self.reads.append(oid)
        return self.trees[oid]


@given(trees=st.lists(TREES, min_size=2, max_size=6), data=st.data())
def test_the_same_as_taking_both_apart(trees: list[bytes], data: st.DataObject) -> None:
    """Law: whatever was compared before, a comparison gives what the sets of entries differ by."""
    store = Store(*trees)
    differ = TreeDiffer(store.read)
    pairs = st.tuples(st.sampled_from(sorted(store.trees)), st.sampled_from(sorted(store.trees)))
    for before, after in data.draw(st.lists(pairs, min_size=1, max_size=6)):
        old, new = as_parsed(store.trees[before]), as_parsed(store.trees[after])
        assert differ.compare(before, after) == (
            [entry for entry in old if entry not in new],
            [entry for entry in new if entry not in old],
        )
    assert len(store.reads) == len(set(store.reads)), "a tree is read once"


def test_ends_that_are_the_same_bytes_and_not_the_same_entries() -> None:
    """The id of one tree's entry holds what is an entry of its own in the other."""
    tail = b"100644 b\0" + b"x" * 20
    left = b"100644 a\0" + b"i" * 20 + tail
    # Here the same last bytes are the end of the name and the id of one longer entry.
    right = b"100644 a" + b"j" * 21 + tail
    store = Store(left, right)
    first, second = store.trees
    assert TreeDiffer(store.read).compare(first, second) == (as_parsed(left), as_parsed(right))
    assert as_parsed(right)[0][1] == b"a" + b"j" * 21 + b"100644 b"


def test_a_damaged_tree_is_named() -> None:
    store = Store(b"100644 a\0" + b"i" * 20, b"100644 a\0" + b"i" * 20 + b"100644 cut")
    first, second = store.trees
    with pytest.raises(EnvironmentFault, match=rf"{second.hex()} is damaged: no entry at byte 29"):
        TreeDiffer(store.read).compare(first, second)


def test_old_trees_are_forgotten() -> None:
    """Memory is bounded: after more trees than are kept, the first is read again."""
    store = Store(*(b"100644 a\0" + b"%020d" % number for number in range(RECENT_TREES + 2)))
    differ = TreeDiffer(store.read)
    oids = list(store.trees)
    for before, after in itertools.pairwise(oids):
        assert len(differ.compare(before, after)[0]) == 1
    assert store.reads.count(oids[0]) == 1
    differ.compare(oids[0], oids[-1])
    assert store.reads.count(oids[0]) == 2
