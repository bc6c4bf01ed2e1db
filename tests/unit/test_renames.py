# SPDX-License-Identifier: MIT
"""Renames: alike as git counts it, found only where a file is missing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.replay.change import BlobChange, tree_changes
from mptcp_series.engine.replay.renames import RenameFinder
from mptcp_series.engine.store.tree import TreeEditor
from mptcp_series.engine.text.similarity import similarity

from .conftest import EXECUTABLE, LINK, Files, Lab, numbered

OLD = numbered(20)
ALIKE = numbered(20, {5: "five\n"})


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (b"", b"", 0.0),
        (b"a\n", b"", 0.0),
        (b"a\n", b"a\n", 1.0),
        (b"a\nb\n", b"b\nc\n", 0.5),
        (b"a\n" * 4, b"a\n" * 2, 0.5),
        (b"a\n" * 5, b"a\n" * 2, 0.0),
        (b"a\nb", b"a\nb\n", 0.5),
    ],
)
def test_similarity(one: bytes, other: bytes, alike: float) -> None:
    assert similarity(one, other) == similarity(other, one) == pytest.approx(alike, abs=0.01)


@given(st.lists(st.sampled_from([b"a\n", b"b\n", b"ccc\n"])), st.lists(st.sampled_from([b"a\n", b"b\n", b"ccc\n"])))
def test_similarity_laws(one: list[bytes], other: list[bytes]) -> None:
    """Laws: it is between 0 and 1, the same both ways, and 1 for the same lines in any order."""
    found = similarity(b"".join(one), b"".join(other))
    assert 0 <= found <= 1
    assert found == similarity(b"".join(other), b"".join(one))
    assert (found == 1) == (sorted(one) == sorted(other) != [])


@pytest.mark.parametrize(
    ("base", "found"),
    [
        ({"f": OLD}, None),
        ({"g": OLD}, "g"),
        ({"g": ALIKE}, "g"),
        ({"g": b"another\n"}, None),
        ({"z/f": OLD, "a": OLD}, "z/f"),
        ({"b": OLD, "a": OLD}, "a"),
        # The same content wins over one that is only alike, alike ones by how much.
        ({"f2": ALIKE, "g": OLD}, "g"),
        ({"f2": ALIKE, "g": numbered(20, {5: "x\n", 6: "y\n"})}, "f2"),
        # What upstream has at that path is another file.
        ({"there": OLD}, None),
        ({"there/f": OLD}, "there/f"),
        ({"g": (LINK, OLD)}, None),
        ({"g": (EXECUTABLE, OLD)}, "g"),
        ({}, None),
    ],
)
def test_find(lab: Lab, base: Files, found: str | None) -> None:
    tree = TreeEditor(lab.objects, lab.tree(base))
    finder = RenameFinder(lab.objects, tree)
    finder.refer(lab.tree({"f": OLD, "there": b"upstream has it\n"}))
    # The first tree referred to counts: that of the queue's first patch.
    finder.refer(lab.tree({"g": b"", "a": b"", "f2": b""}))
    wanted = None if "f" in base else found
    assert finder.find("f", lab.entry(OLD)) == wanted
    assert finder.find("f", lab.entry(OLD)) == wanted


def test_without_an_upstream_tree_nothing_is_found(lab: Lab) -> None:
    finder = RenameFinder(lab.objects, TreeEditor(lab.objects, lab.tree({"g": OLD})))
    assert finder.find("f", lab.entry(OLD)) is None
    finder.refer(lab.tree({"f": OLD}))
    assert finder.find("f", None) is None
    assert finder.find("f", lab.entry((LINK, b"x"))) is None
    assert finder.find("f", lab.entry(b"")) is None
    assert finder.find("f", lab.entry(OLD)) == "g"


def test_an_empty_file_is_no_rename_of_another(lab: Lab) -> None:
    run = lab.replay({"new/empty": b"", "k": b"k\n"}, lab.pick({"empty": b"", "k": b"k\n"}, {"k": b"k\n"}))
    assert (run.told[0], run.files) == ("upstream", {"new/empty": b"", "k": b"k\n"})


def test_answers_follow_the_tree(lab: Lab) -> None:
    tree = TreeEditor(lab.objects, lab.tree({"g": OLD}))
    finder = RenameFinder(lab.objects, tree)
    finder.refer(lab.tree({"f": OLD, "h": b"h\n" * 9}))
    assert (finder.find("f", lab.entry(OLD)), finder.find("h", lab.entry(b"h\n" * 9))) == ("g", None)
    tree.put("k", lab.entry(b"x\n" * 9))
    assert finder.find("i", lab.entry(b"x\n" * 9)) == "k"
    tree.put("g", None)
    assert finder.find("f", lab.entry(OLD)) is None
    other = TreeEditor(lab.objects, lab.tree({"k": b"x\n" * 9}))
    assert finder.over(other).find("i", lab.entry(b"x\n" * 9)) == "k"


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"f": OLD}, {"f": OLD}, []),
        ({"f": OLD}, {"f": ALIKE}, [("f", "f")]),
        ({"f": OLD}, {"g": ALIKE}, [("f", "g")]),
        ({"f": OLD}, {"g": b"another\n"}, [("f", "f"), ("g", "g")]),
        ({"a/f": OLD, "b": OLD}, {"c/f": OLD}, [("b", "b"), ("a/f", "c/f")]),
        ({"a": OLD, "b": ALIKE}, {"c": ALIKE, "d": OLD}, [("b", "c"), ("a", "d")]),
        ({"f": (LINK, OLD)}, {"g": (LINK, OLD)}, [("f", "f"), ("g", "g")]),
        ({"f": (EXECUTABLE, OLD)}, {"g": OLD}, [("f", "g")]),
        ({"f": OLD}, {"f/g": OLD}, [("f", "f/g")]),
        ({"f/g": OLD, "f/h": OLD}, {"f": OLD}, [("f/g", "f"), ("f/h", "f/h")]),
        # A copy is a new file: git diff -M finds no copies.
        ({"f": OLD}, {"f": OLD, "g": OLD}, [("g", "g")]),
    ],
)
def test_tree_changes(lab: Lab, before: Files, after: Files, changes: list[tuple[str, str]]) -> None:
    found = tree_changes(lab.objects, lab.tree(before), lab.tree(after))
    assert found == [
        BlobChange(
            path=new,
            old_path=old,
            old=lab.entry(before[old]) if old in before else None,
            new=lab.entry(after[new]) if new in after else None,
        )
        for old, new in changes
    ]
    plain = tree_changes(lab.objects, lab.tree(before), lab.tree(after), renames=False)
    assert {change.path for change in plain} == {path for pair in changes for path in pair}
    assert not any(change.renames for change in plain)


def test_from_no_tree(lab: Lab) -> None:
    found = tree_changes(lab.objects, None, lab.tree({"a/b": OLD, "c": OLD}))
    assert [(change.path, change.old, change.new) for change in found] == [
        ("a/b", None, lab.entry(OLD)),
        ("c", None, lab.entry(OLD)),
    ]


def test_many_candidates_are_quick(lab: Lab) -> None:
    base: Files = {f"new/{at}.c": numbered(200, {at: "x\n"}) for at in range(1, 200)}
    tree = TreeEditor(lab.objects, lab.tree(base))
    finder = RenameFinder(lab.objects, tree)
    finder.refer(lab.tree({"f": OLD}))
    start = time.process_time()
    for at in range(20):
        assert finder.find(f"old/{at}", lab.entry(numbered(200, {at + 1: "y\n"}))) is not None
    assert time.process_time() - start < 10


def test_what_a_patch_brings_itself_is_no_rename_of_what_the_base_lacks(lab: Lab) -> None:
    """A file that is gone, and its copy that the patch adds: delete/modify, as in git's merge."""
    item = lab.pick({"k": b"k\n", "z": OLD}, {"k": b"k\n", "a": OLD, "z": ALIKE})
    run = lab.replay({"k": b"k\n"}, item)
    assert run.told[0] == "conflict"
    (conflict,) = run.only.conflicts
    assert (conflict.path, conflict.text.partition(":")[0]) == ("z", "modify/delete")
    # What it moves there is one either; the source of the move is followed as before.
    item = lab.pick({"x": OLD, "z": OLD + b"z\n"}, {"a": OLD, "z": ALIKE})
    assert lab.replay({"x": OLD}, item).told[0] == "conflict"
    item = lab.pick({"x": OLD, "k": b"k\n"}, {"a": ALIKE, "k": b"k\n"})
    assert lab.replay({"a": OLD, "k": b"k\n"}, item).files["a"] == ALIKE


def test_what_the_parent_of_a_patch_has_is_no_rename_of_what_the_base_lacks(lab: Lab) -> None:
    """A copy that an earlier patch of the queue added, and the original, which the base has not: delete/modify."""
    first = lab.pick({"k": b"k\n", "z": OLD}, {"k": b"k\n", "z": OLD, "a": OLD}, name="1.patch")
    second = lab.pick({"k": b"k\n", "z": OLD, "a": OLD}, {"k": b"k\n", "z": ALIKE, "a": OLD}, name="2.patch")
    run = lab.replay({"k": b"k\n"}, first, second)
    assert [outcome.status.value for outcome in run.replayed.outcomes] == ["clean", "conflict"]
    assert run.files.get("a") == OLD
    # An answer that was found before is asked again.
    third = lab.pick({"k": b"k\n", "z": OLD}, {"k": b"k\n", "z": ALIKE}, name="3.patch")
    fourth = lab.pick(
        {"k": b"k\n", "z": ALIKE, "a": OLD},
        {"k": b"k\n", "z": ALIKE + b"more\n", "a": OLD},
        name="4.patch",
    )
    run = lab.replay({"k": b"k\n", "a": OLD}, third, fourth)
    assert [outcome.status.value for outcome in run.replayed.outcomes] == ["clean", "conflict"]
