# SPDX-License-Identifier: MIT
"""Which merges hold work of their own, and what that is. Random histories are held against git elsewhere."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pygit2
import pytest

from mptcp_series.engine.replay.change import BlobChange, tree_changes
from mptcp_series.engine.replay.remerge import (
    Conflicting,
    automatic_entry,
    merge_bases,
    merge_entries,
    merge_resolution,
)
from mptcp_series.engine.store.objects import Entry, Objects, Oid
from mptcp_series.engine.upstream import merges
from mptcp_series.engine.upstream.history import Visited
from mptcp_series.engine.upstream.merges import MergeFinder
from mptcp_series.errors import MissingObject
from mptcp_series.values.paths import OwnedPaths

from .conftest import EXECUTABLE, LINK, REGULAR, SUBMODULE, Files, Lab, numbered

OWNED = OwnedPaths(patterns=("net/mptcp/", "include/net/mptcp.h"))
A, B, H = "net/mptcp/a.c", "net/mptcp/b.c", "include/net/mptcp.h"
FIRST: dict[str, bytes] = {"README": b"r\n", A: numbered(40), B: numbered(40, word="b"), H: numbered(40, word="h")}


def commit(lab: Lab, files: Files, *parents: str) -> str:
    return lab.commit(files, "mptcp: a change\n", parents)


def resolution(lab: Lab, merge: str, owned: OwnedPaths = OWNED) -> dict[str, tuple[bytes | None, bytes | None]]:
    """What a merge holds of its own: by path, the automatic content and its own."""
    found = lab.repo[merge]
    assert isinstance(found, pygit2.Commit)
    objects = Objects(lab.repo)

    def content(entry: Entry | None) -> bytes | None:
        return None if entry is None else objects.read(entry.oid)

    changes = merge_resolution(lab.repo, objects, found, owned)
    assert all(change.path == change.old_path for change in changes)
    return {change.path: (content(change.old), content(change.new)) for change in changes}


# What the automatic merge is.


def test_a_clean_merge_has_nothing_of_its_own(lab: Lab) -> None:
    """Changes in other files, in other lines of one file, to mode and content, on one side only, the same on both."""
    root = commit(lab, FIRST)
    ours = commit(lab, {**FIRST, A: (EXECUTABLE, numbered(40, {2: "x\n"})), B: b"same\n", H: b"ours\n"}, root)
    theirs = commit(lab, {**FIRST, A: numbered(40, {30: "y\n"}), B: b"same\n", "net/mptcp/new.c": b"n\n"}, root)
    result: Files = {
        **FIRST,
        A: (EXECUTABLE, numbered(40, {2: "x\n", 30: "y\n"})),
        B: b"same\n",
        H: b"ours\n",
        "net/mptcp/new.c": b"n\n",
    }
    assert resolution(lab, commit(lab, result, ours, theirs)) == {}
    evil = commit(lab, {**result, "README": b"evil, but not owned\n"}, ours, theirs)
    assert resolution(lab, evil) == {}


def test_a_conflict_settled_by_hand(lab: Lab) -> None:
    """Against the side that is replayed last: its lines where the two collide, both sides' elsewhere."""
    root = commit(lab, FIRST)
    ours = commit(lab, {**FIRST, A: numbered(40, {9: "ours\n", 30: "o\n"})}, root)
    theirs = commit(lab, {**FIRST, A: numbered(40, {9: "theirs\n"})}, root)
    both = numbered(40, {9: "ours and theirs\n", 30: "o\n"})
    unsettled = numbered(40, {9: "theirs\n", 30: "o\n"})
    assert resolution(lab, commit(lab, {**FIRST, A: both}, ours, theirs)) == {A: (unsettled, both)}
    assert resolution(lab, commit(lab, {**FIRST, A: unsettled}, ours, theirs)) == {}


def test_work_without_a_conflict(lab: Lab) -> None:
    """A semantic edit, a file dropped, one brought along, and a side not taken."""
    root = commit(lab, FIRST)
    ours = commit(lab, {**FIRST, B: b"ours\n"}, root)
    theirs = commit(lab, {**FIRST, H: b"theirs\n"}, root)
    automatic: Files = {**FIRST, B: b"ours\n", H: b"theirs\n"}
    assert resolution(lab, commit(lab, {**automatic, A: b"evil\n"}, ours, theirs)) == {A: (FIRST[A], b"evil\n")}
    dropped = {path: data for path, data in automatic.items() if path != A}
    assert resolution(lab, commit(lab, dropped, ours, theirs)) == {A: (FIRST[A], None)}
    more = {**automatic, "net/mptcp/more.c": b"m\n"}
    assert resolution(lab, commit(lab, more, ours, theirs)) == {"net/mptcp/more.c": (None, b"m\n")}
    assert resolution(lab, commit(lab, {**FIRST, B: b"ours\n"}, ours, theirs)) == {H: (b"theirs\n", FIRST[H])}
    assert resolution(lab, commit(lab, {**FIRST, H: b"theirs\n"}, ours, theirs)) == {B: (b"ours\n", FIRST[B])}


def test_deleted_and_changed(lab: Lab) -> None:
    """A conflict to git; the side replayed last has its way, and the merge's own answer is its work."""
    without = {path: data for path, data in FIRST.items() if path != A}
    root = commit(lab, FIRST)
    gone, kept = commit(lab, without, root), commit(lab, {**FIRST, A: b"kept\n"}, root)
    assert resolution(lab, commit(lab, without, gone, kept)) == {A: (b"kept\n", None)}
    assert resolution(lab, commit(lab, {**FIRST, A: b"kept\n"}, kept, gone)) == {A: (None, b"kept\n")}
    assert resolution(lab, commit(lab, without, kept, gone)) == {}


def test_a_rename_is_followed(lab: Lab) -> None:
    """As git merges it: the change of the other side goes where the file went, exact or alike, from either side."""
    new = "net/mptcp/renamed.c"
    root = commit(lab, FIRST)
    changed = commit(lab, {**FIRST, A: numbered(40, {30: "changed\n"})}, root)
    rest = {path: data for path, data in FIRST.items() if path != A}
    for text, joined in ((FIRST[A], {30: "changed\n"}), (numbered(40, {2: "too\n"}), {2: "too\n", 30: "changed\n"})):
        moved = commit(lab, {**rest, new: text}, root)
        for sides in ((changed, moved), (moved, changed)):
            assert resolution(lab, commit(lab, {**rest, new: numbered(40, joined)}, *sides)) == {}
            assert resolution(lab, commit(lab, {**rest, new: text}, *sides)) == {new: (numbered(40, joined), text)}
    also = commit(lab, {**rest, new: numbered(40, {20: "also\n"})}, root)
    moved = commit(lab, {**rest, new: numbered(40, {2: "too\n"})}, root)
    both = numbered(40, {2: "too\n", 20: "also\n"})
    assert resolution(lab, commit(lab, {**rest, new: both}, also, moved)) == {}


def test_two_renames_of_one_file_are_no_rename(lab: Lab) -> None:
    """Git has no answer; each side's file stays where it is, and nothing is made up."""
    root = commit(lab, FIRST)
    rest = {path: data for path, data in FIRST.items() if path != A}
    one = commit(lab, {**rest, "net/mptcp/one.c": FIRST[A]}, root)
    two = commit(lab, {**rest, "net/mptcp/two.c": FIRST[A]}, root)
    kept = commit(lab, {**rest, "net/mptcp/one.c": FIRST[A], "net/mptcp/two.c": FIRST[A]}, one, two)
    assert resolution(lab, kept) == {}


def criss_cross(lab: Lab, left: Files, right: Files) -> tuple[str, str]:
    """Two lines that merged each other, each with a plain result: they have two merge bases."""
    root = commit(lab, FIRST)
    one = commit(lab, {**FIRST, A: numbered(40, {3: "one\n"})}, root)
    two = commit(lab, {**FIRST, A: numbered(40, {35: "two\n"})}, root)
    joined = {**FIRST, A: numbered(40, {3: "one\n", 35: "two\n"})}
    return (
        commit(lab, {**joined, **left}, commit(lab, joined, one, two)),
        commit(lab, {**joined, **right}, commit(lab, joined, two, one)),
    )


def test_criss_cross(lab: Lab) -> None:
    """One of the two bases alone would make what both sides have a change of one of them."""
    back = numbered(40, {3: "one\n"})
    left, right = criss_cross(lab, {A: back}, {B: b"b\n"})
    found = merge_bases(lab.repo, pygit2.Oid(hex=left), [pygit2.Oid(hex=right)])
    assert len(found) == 2
    assert resolution(lab, commit(lab, {**FIRST, A: back, B: b"b\n"}, left, right)) == {}
    assert resolution(lab, commit(lab, {**FIRST, A: back, B: b"b\n"}, right, left)) == {}
    both = numbered(40, {3: "one\n", 35: "two\n"})
    assert resolution(lab, commit(lab, {**FIRST, A: both, B: b"b\n"}, left, right)) == {A: (back, both)}


def test_criss_cross_over_a_conflict(lab: Lab) -> None:
    """Bases that collide leave both texts between markers (git's virtual ancestor): what the sides agree on stands."""
    root = commit(lab, FIRST)
    one = commit(lab, {**FIRST, A: numbered(40, {9: "one\n"})}, root)
    two = commit(lab, {**FIRST, A: numbered(40, {9: "two\n"})}, root)
    settled = {**FIRST, A: numbered(40, {9: "both\n"})}
    left, right = commit(lab, settled, one, two), commit(lab, settled, two, one)
    far = commit(lab, {**FIRST, A: numbered(40, {9: "both\n", 30: "far\n"})}, right)
    assert resolution(lab, commit(lab, {**FIRST, A: numbered(40, {9: "both\n", 30: "far\n"})}, left, far)) == {}


def test_octopus(lab: Lab) -> None:
    """Parents are merged one after another; what any of them brings is not the merge's own."""
    root = commit(lab, FIRST)
    arms = [commit(lab, {**FIRST, A: numbered(40, {at: f"{at}\n"})}, root) for at in (3, 13, 23, 33)]
    files = {**FIRST, A: numbered(40, {at: f"{at}\n" for at in (3, 13, 23, 33)})}
    assert resolution(lab, commit(lab, files, *arms)) == {}
    assert resolution(lab, commit(lab, {**files, B: b"evil\n"}, *arms)) == {B: (FIRST[B], b"evil\n")}
    chained = commit(lab, {**FIRST, A: numbered(40, {3: "3\n", 13: "more\n"})}, arms[0])
    stacked = {**FIRST, A: numbered(40, {3: "3\n", 13: "more\n", 33: "33\n"})}
    assert resolution(lab, commit(lab, stacked, arms[0], chained, arms[3])) == {}


def test_histories_without_a_common_commit(lab: Lab) -> None:
    one, other = commit(lab, FIRST), commit(lab, {"net/mptcp/x.c": b"x\n"})
    assert resolution(lab, commit(lab, {**FIRST, "net/mptcp/x.c": b"x\n"}, one, other)) == {}
    assert resolution(lab, commit(lab, FIRST, one, other)) == {"net/mptcp/x.c": (b"x\n", None)}


def test_entries(lab: Lab) -> None:
    """Files, links and submodules that three-way merges meet."""
    old, new, more = (Entry(REGULAR, lab.blob(numbered(9, {at: "x\n"}))) for at in (1, 5, 9))
    run = Entry(EXECUTABLE, old.oid)
    link, sub, binary = Entry(LINK, lab.blob(b"x")), Entry(SUBMODULE, b"s" * 20), Entry(REGULAR, lab.blob(b"\0b"))
    merged = Entry(REGULAR, lab.blob(numbered(9, {5: "x\n", 9: "x\n"})))
    base = Entry(REGULAR, lab.blob(numbered(9)))

    def auto(
        before: Entry | None, ours: Entry | None, theirs: Entry | None, conflicting: Conflicting = Conflicting.THEIRS
    ) -> Entry | None:
        return automatic_entry(Objects(lab.repo), before, ours, theirs, conflicting)

    assert auto(base, new, more) == merged
    assert auto(base, new, base) == new
    assert auto(base, base, more) == more
    assert auto(base, new, new) == new
    assert auto(None, new, None) == new
    assert auto(old, run, new) == Entry(EXECUTABLE, new.oid)
    assert auto(old, new, run) == Entry(EXECUTABLE, new.oid)
    assert auto(new, run, old) == run
    for one, other in itertools.permutations((new, link, sub, binary, None), 2):
        assert auto(base, one, other) == other
        assert auto(base, one, other, conflicting=Conflicting.UNSETTLED) == base
    assert auto(link, new, more) == more


@pytest.mark.parametrize("seed", range(30))
def test_merge_bases(lab: Lab, seed: int) -> None:
    """Of random histories: every common commit that no other common commit descends from."""
    chance = random.Random(seed)
    made: list[str] = []
    above: dict[str, set[str]] = {}
    for number in range(24):
        parents = chance.sample(made[-6:], min(len(made), chance.choice([0, 1, 1, 2, 2, 3]) if number > 2 else number))
        new = commit(lab, {"n": b"%d" % number}, *parents)
        made.append(new)
        above[new] = {new}.union(*(above[parent] for parent in parents))
    for _ in range(20):
        one, *others = chance.sample(made, chance.choice([2, 2, 3]))
        common = above[one] & set().union(*(above[other] for other in others))
        wanted = {name for name in common if not any(name in above[other] for other in common - {name})}
        found = merge_bases(lab.repo, pygit2.Oid(hex=one), [pygit2.Oid(hex=other) for other in others])
        assert sorted(map(str, found)) == sorted(wanted)


class Watched(Objects):
    """Notes what is read and was not made meanwhile."""

    def __init__(self, repo: pygit2.Repository) -> None:
        super().__init__(repo)
        self.asked: set[Oid] = set()

    def read(self, oid: Oid) -> bytes:
        if oid not in self.made():
            self.asked.add(oid)
        return super().read(oid)


def judged_by(lab: Lab, merge: str) -> tuple[set[Oid], set[Oid]]:
    """The blobs that are read to tell what a merge holds of its own, with those it holds; and those planned for it."""
    found = lab.repo[merge]
    assert isinstance(found, pygit2.Commit)
    watched = Watched(lab.repo)
    changes = merge_resolution(lab.repo, watched, found, OWNED)
    held = {entry.oid for change in changes for entry in (change.old, change.new) if entry is not None}
    asked = watched.asked | held - set(watched.made())
    blobs = {oid for oid in asked if isinstance(lab.repo[pygit2.Oid(raw=oid)], pygit2.Blob)}
    return blobs, {entry.oid for entry in merge_entries(lab.repo, Objects(lab.repo), found, OWNED)}


def test_what_a_merge_is_judged_by(lab: Lab) -> None:
    """`merge_entries` names every blob the judgement reads, those of all merge bases and of renamed files too."""
    left, right = criss_cross(
        lab, {A: numbered(40, {3: "l\n"})}, {A: numbered(40, {35: "r\n"}), B: b"x\n", "net/mptcp/c.c": FIRST[B] + b"\n"}
    )
    gone = {path: data for path, data in lab.files(lab.tree(FIRST)).items() if path != B}
    moved = commit(lab, {**gone, A: numbered(40, {3: "one\n", 35: "two\n"}), "net/mptcp/d.c": FIRST[B] + b"z\n"}, left)
    read, planned = judged_by(lab, commit(lab, FIRST, moved, right))
    assert read
    assert read <= planned


def test_what_trees_tell_is_not_read(lab: Lab) -> None:
    """Sides of different files, two merge bases that no file tells apart, an exact rename, an octopus."""
    root = commit(lab, FIRST)
    one, other = commit(lab, {**FIRST, A: b"one\n"}, root), commit(lab, {**FIRST, B: b"other\n"}, root)
    both = {**FIRST, A: b"one\n", B: b"other\n"}
    left, right = commit(lab, both, one, other), commit(lab, {**both, H: b"h\n"}, commit(lab, both, other, one))
    assert len(merge_bases(lab.repo, pygit2.Oid(hex=left), [pygit2.Oid(hex=right)])) == 2
    third = commit(lab, {**FIRST, H: b"third\n"}, root)
    moved = commit(lab, {"README": b"r\n", "net/mptcp/moved.c": FIRST[A], B: FIRST[B], H: FIRST[H]}, root)
    followed: Files = {"README": b"r\n", "net/mptcp/moved.c": b"one\n", B: FIRST[B], H: FIRST[H]}
    for files, *sides in (
        (both, one, other),
        ({**both, H: b"h\n"}, left, right),
        ({**both, H: b"third\n"}, one, other, third),
        (followed, one, moved),
        (followed, moved, one),
    ):
        assert judged_by(lab, commit(lab, files, *sides)) == (set(), set())


def test_only_files_that_trees_do_not_settle_are_read(lab: Lab) -> None:
    """A file that both sides changed, in an octopus too if it is the last that changes it; work where nobody was."""
    root = commit(lab, FIRST)
    ours, theirs = numbered(40, {3: "x\n"}), numbered(40, {30: "y\n"})
    one = commit(lab, {**FIRST, A: ours, B: b"b\n"}, root)
    other = commit(lab, {**FIRST, A: theirs, "net/mptcp/new.c": b"n\n"}, root)
    docs = commit(lab, {**FIRST, H: b"h\n"}, root)
    merged: Files = {**FIRST, A: numbered(40, {3: "x\n", 30: "y\n"}), B: b"b\n", "net/mptcp/new.c": b"n\n"}
    texts = {lab.blob(text) for text in (FIRST[A], ours, theirs, numbered(40, {3: "x\n", 30: "y\n"}))}
    assert judged_by(lab, commit(lab, merged, one, other))[1] == texts
    assert judged_by(lab, commit(lab, {**merged, H: b"h\n"}, one, docs, other))[1] == texts
    evil = commit(lab, {**FIRST, A: ours, B: b"b\n", H: b"evil\n"}, one, docs)
    assert judged_by(lab, evil)[1] == {lab.blob(text) for text in (FIRST[H], b"h\n", b"evil\n")}


def random_change(chance: random.Random, files: dict[str, bytes]) -> dict[str, bytes]:
    """A line of a file, a file gone, a new one, or one under another name, changed or not."""
    if not files:
        return dict(FIRST)
    path, other = chance.choice(sorted(files)), f"net/mptcp/{chance.choice('abcdef')}.c"
    lines = files[path].splitlines(keepends=True)
    lines[chance.randrange(len(lines))] = b"%d\n" % chance.randrange(4)
    rest = {name: data for name, data in files.items() if name != path}
    kind = chance.choice(["lines", "lines", "lines", "gone", "new", "moved", "changed and moved"])
    if kind == "gone" and rest:
        return rest
    if kind == "new":
        return {**files, other: numbered(30, word=chance.choice("xy"))}
    if kind in ("moved", "changed and moved"):
        return {**rest, other: files[path] if kind == "moved" else b"".join(lines)}
    return {**files, path: b"".join(lines)}


@pytest.mark.parametrize("seed", range(20))
def test_law_what_is_read_is_planned(lab: Lab, seed: int) -> None:
    """Law: all that is read to judge a merge is planned, and nothing where nothing is read and nothing found."""
    chance = random.Random(seed)
    made: list[tuple[str, dict[str, bytes]]] = [(commit(lab, FIRST), dict(FIRST))]
    for _ in range(40):
        sides = chance.sample(made[-5:], min(chance.choice([1, 1, 2, 2, 3]), len(made)))
        files = dict(sides[0][1])
        parents = [name for name, _ in sides]
        if len(sides) == 1:
            files = random_change(chance, files)
        else:
            for path, (automatic, _) in resolution(lab, commit(lab, files, *parents)).items():
                files.pop(path, None)
                files |= {} if automatic is None else {path: automatic}
            if chance.random() < 0.3:
                files = random_change(chance, files)
        made.append((commit(lab, files, *parents), files))
        if len(sides) > 1:
            read, planned = judged_by(lab, made[-1][0])
            assert read <= planned
            assert bool(read) == bool(planned)


# Which merges it has to be made for.


class Walk:
    """Tells a finder of commits as a walk over a range does, and counts the merges that had to be made."""

    def __init__(self, lab: Lab, monkeypatch: pytest.MonkeyPatch, start: str | None = None) -> None:
        self.lab = lab
        self.made: list[str] = []
        first = None if start is None else lab.repo[start].peel(pygit2.Commit)
        self.finder = MergeFinder(lab.repo, Objects(lab.repo), OWNED, first)

        def counted(
            source: pygit2.Repository, objects: Objects, merge: pygit2.Commit, owned: OwnedPaths
        ) -> tuple[BlobChange, ...]:
            self.made.append(str(merge.id))
            return merge_resolution(source, objects, merge, owned)

        monkeypatch.setattr(merges, "merge_resolution", counted)

    def see(self, *commits: str) -> list[bool]:
        return [self.one(name) for name in commits]

    def one(self, name: str) -> bool:
        visited = seen(self.lab, name)
        return self.finder.has_own_work(visited) if visited.is_merge else self.finder.touches(visited)


def seen(lab: Lab, name: str) -> Visited:
    found = lab.repo[name].peel(pygit2.Commit)
    parents = [str(parent) for parent in found.parent_ids]
    names = b""
    if len(parents) < 2:
        before = found.parents[0].tree_id.raw if parents else None
        changes = tree_changes(Objects(lab.repo), before, found.tree_id.raw, renames=False)
        names = b"".join(b"\0" + change.path.encode() for change in changes) + b"\0"
    head = " ".join([name, str(found.tree_id), *parents]).encode()
    return Visited(head, names, len(parents) > 1)


def test_most_merges_need_not_be_made(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """One side has nothing owned, the sides have different files, or the same."""
    start = commit(lab, FIRST)
    docs = commit(lab, {**FIRST, "README": b"docs\n"}, start)
    one = commit(lab, {**FIRST, A: b"one\n"}, start)
    merged = commit(lab, {**FIRST, A: b"one\n", "README": b"docs\n"}, docs, one)
    other = commit(lab, {**FIRST, B: b"other\n"}, docs)
    joined = commit(lab, {**FIRST, A: b"one\n", B: b"other\n", "README": b"docs\n"}, merged, other)
    again = commit(lab, {**FIRST, A: b"one\n", "README": b"docs\n"}, one, docs)
    walk = Walk(lab, monkeypatch, start)
    assert walk.see(docs, one, merged, other, joined, again) == [False, True, False, True, False, False]
    assert walk.made == []


def test_merges_that_have_to_be_made(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    start = commit(lab, FIRST)
    one = commit(lab, {**FIRST, A: numbered(40, {3: "x\n"})}, start)
    other = commit(lab, {**FIRST, A: numbered(40, {30: "y\n"})}, start)
    both = {**FIRST, A: numbered(40, {3: "x\n", 30: "y\n"})}
    clean = commit(lab, both, one, other)
    evil = commit(lab, {**both, B: b"evil\n"}, one, other)
    theirs = commit(lab, {**FIRST, A: numbered(40, {3: "x\n"})}, one, other)
    walk = Walk(lab, monkeypatch, start)
    assert walk.see(one, other, clean, evil, theirs) == [True, True, False, True, True]
    assert walk.made == [clean, evil, theirs]


def test_a_file_that_both_sides_changed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is merged on its own where a commit of the range is known to have it as the merge base does."""
    start = commit(lab, FIRST)
    common = commit(lab, {**FIRST, A: numbered(40, {20: "c\n"})}, start)
    docs = commit(lab, {**FIRST, A: numbered(40, {20: "c\n"}), "README": b"docs\n"}, common)
    one = commit(lab, {**FIRST, A: numbered(40, {3: "x\n", 20: "c\n"}), B: b"one\n"}, docs)
    other = commit(lab, {**FIRST, A: numbered(40, {20: "c\n", 30: "y\n"}), H: b"other\n"}, docs)
    both: Files = {**FIRST, A: numbered(40, {3: "x\n", 20: "c\n", 30: "y\n"}), B: b"one\n", H: b"other\n"}
    clean = commit(lab, both, one, other)
    evil = commit(lab, {**both, A: numbered(40, {3: "x\n", 20: "c\n", 30: "y\n", 39: "evil\n"})}, one, other)
    beside = commit(lab, {**both, "net/mptcp/new.c": b"evil\n"}, one, other)
    ours = commit(lab, {**both, A: numbered(40, {3: "x\n", 20: "c\n"})}, one, other)
    walk = Walk(lab, monkeypatch, start)
    assert walk.see(common, docs, one, other, clean) == [True, False, True, True, False]
    assert walk.made == []
    assert walk.see(evil, beside, ours) == [True, True, True]
    assert walk.made == [evil, beside, ours]


def test_what_the_merge_base_has_is_not_known(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines changed the file before, and only a merge has both; or it has another name on one side."""
    start = commit(lab, FIRST)
    left = commit(lab, {**FIRST, A: numbered(40, {3: "l\n"})}, start)
    right = commit(lab, {**FIRST, A: numbered(40, {36: "r\n"})}, start)
    base = commit(lab, {**FIRST, A: numbered(40, {3: "l\n", 36: "r\n"})}, left, right)
    one = commit(lab, {**FIRST, A: numbered(40, {3: "l\n", 12: "1\n", 36: "r\n"})}, base)
    other = commit(lab, {**FIRST, A: numbered(40, {3: "l\n", 24: "2\n", 36: "r\n"})}, base)
    both = {**FIRST, A: numbered(40, {3: "l\n", 12: "1\n", 24: "2\n", 36: "r\n"})}
    clean = commit(lab, both, one, other)
    walk = Walk(lab, monkeypatch, start)
    assert walk.see(left, right, base, one, other, clean) == [True, True, False, True, True, False]
    assert walk.made == [base, clean]
    after = commit(lab, both, clean)
    rest = {path: data for path, data in both.items() if path != A}
    settled = commit(lab, {**FIRST, A: numbered(40, {7: "s\n"})}, after)
    gone = commit(lab, {**rest, "net/mptcp/renamed.c": numbered(40, {7: "s\n"})}, settled)
    kept = commit(lab, {**FIRST, A: numbered(40, {7: "s\n", 30: "k\n"})}, settled)
    moved = commit(lab, {**rest, "net/mptcp/renamed.c": numbered(40, {7: "s\n", 30: "k\n"})}, gone, kept)
    del walk.made[:]
    assert walk.see(after, settled, gone, kept, moved) == [False, True, True, True, False]
    assert walk.made == [moved]


def test_what_a_merge_did_goes_on(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge's own work is a change like any other: a later merge must bring it."""
    start = commit(lab, FIRST)
    docs = commit(lab, {**FIRST, "README": b"docs\n"}, start)
    more = commit(lab, {**FIRST, "README": b"more\n"}, start)
    evil = commit(lab, {**FIRST, A: b"evil\n"}, docs, more)
    side = commit(lab, {**FIRST, "README": b"side\n"}, start)
    kept = commit(lab, {**FIRST, A: b"evil\n"}, side, evil)
    lost = commit(lab, FIRST, side, evil)
    walk = Walk(lab, monkeypatch, start)
    assert walk.see(docs, more, evil, side, kept, lost) == [False, False, True, False, False, True]
    assert walk.made == [evil, lost]


def older(lab: Lab) -> tuple[str, str, str, str, str]:
    """A start with an owned change, and two topics that forked before and after that change."""
    root = commit(lab, FIRST)
    change = commit(lab, {**FIRST, A: b"older\n"}, root)
    start = commit(lab, {**FIRST, A: b"older\n", "README": b"start\n"}, change)
    early = commit(lab, {**FIRST, "README": b"early\n"}, root)
    late = commit(lab, {**FIRST, A: b"older\n", "README": b"late\n"}, start)
    return root, change, start, early, late


@pytest.mark.parametrize("told", [True, False], ids=["start given", "start not given"])
def test_changes_from_before_the_start(lab: Lab, monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    """No commit of the range made them, and still a merge can take them back."""
    _, change, start, early, late = older(lab)
    walk = Walk(lab, monkeypatch, start if told else None)
    plain = commit(lab, {**FIRST, A: b"older\n"}, late, early)
    back = commit(lab, FIRST, late, early)
    forward = commit(lab, {**FIRST, A: b"older\n"}, early, change)
    stuck = commit(lab, FIRST, early, change)
    assert walk.see(early, late, plain, back, forward, stuck) == [False, False, False, True, False, True]
    assert walk.made == [back, stuck]


def test_a_topic_forked_before_the_start(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lacks what the start has, and that is not its doing."""
    root, _, start, _, late = older(lab)
    topic = commit(lab, {**FIRST, B: b"topic\n"}, root)
    merged = commit(lab, {**FIRST, A: b"older\n", B: b"topic\n"}, late, topic)
    reverted = commit(lab, {**FIRST, B: b"topic\n"}, late, topic)
    walk = Walk(lab, monkeypatch, start)
    assert walk.see(late, topic, merged, reverted) == [False, True, False, True]


def test_many_starts(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Topics from all over the past: too many to compare, so merges of theirs are made, and rightly."""
    line = [commit(lab, FIRST)]
    for at in range(8):
        line.append(commit(lab, {**FIRST, A: b"%d\n" % at}, line[-1]))
    fork = commit(lab, {**FIRST, A: b"7\n", "README": b"no single line\n"}, line[-1], line[0])
    walk = Walk(lab, monkeypatch, fork)
    tops = []
    for half in (line[0:8:2], line[1:9:2]):
        top = ""
        for base in half:
            files: Files = {**lab.files(lab.repo[base].peel(pygit2.Tree).id.raw), "README": base.encode()}
            topic = commit(lab, files, base)
            top = commit(lab, files, topic, top) if top else topic
            assert not walk.see(topic, top)[1]
        tops.append(top)
    newest: Files = {**FIRST, A: b"6\n"}
    assert walk.see(commit(lab, newest, *tops), commit(lab, {**FIRST, A: b"7\n"}, *tops)) == [False, True]


def test_an_octopus_is_made(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    start = commit(lab, FIRST)
    docs = [commit(lab, {**FIRST, "README": b"%d\n" % at}, start) for at in range(3)]
    arm = commit(lab, {**FIRST, A: b"arm\n"}, start)
    walk = Walk(lab, monkeypatch, start)
    assert walk.see(*docs, arm) == [False, False, False, True]
    plain, changed, evil = (commit(lab, files, *docs[:2], arm) for files in (FIRST, {**FIRST, A: b"arm\n"}, {}))
    assert walk.see(commit(lab, FIRST, *docs), changed, plain, evil) == [False, False, True, True]
    assert walk.made == [changed, plain, evil]


def test_a_merge_that_cannot_be_judged_yet(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its blobs are missing it can be told as a commit without paths, and the walk goes on."""
    start = commit(lab, FIRST)
    one = commit(lab, {**FIRST, A: b"one\n"}, start)
    other = commit(lab, {**FIRST, A: b"other\n"}, start)
    merge = commit(lab, {**FIRST, A: b"by hand\n"}, one, other)
    after = commit(lab, {**FIRST, A: b"by hand\n", B: b"b\n"}, merge)
    walk = Walk(lab, monkeypatch, start)
    walk.see(one, other)

    def missing(*arguments: object) -> Sequence[BlobChange]:
        raise MissingObject("no blob")

    with monkeypatch.context() as patched:
        patched.setattr(merges, "merge_resolution", missing)
        with pytest.raises(MissingObject):
            walk.one(merge)
        assert not walk.finder.touches(seen(lab, merge))
    assert walk.one(after)
