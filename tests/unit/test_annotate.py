# SPDX-License-Identifier: MIT
"""Who wrote a line, and who took one away: held against libgit2's blame, and told where blame is silent."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.proof.annotate import Annotator, annotate
from mptcp_series.engine.proof.layers import Layer, Origin, Part
from mptcp_series.values.override import Override
from mptcp_series.values.result import EntryKind

from .conftest import MAKEFILE, Files, Lab, numbered
from .queues import queue_result
from .verifying import Mini

FILE = "net/mptcp/a.c"


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    return Mini.make(tmp_path_factory.mktemp("annotate"))


@pytest.mark.parametrize("base", ["v5.10", "v5.10.6", "bsp-5.10"])
def test_every_line_has_the_author_that_blame_gives(mini: Mini, base: str) -> None:
    result = mini.apply(base).write_branch(f"blamed-{base}")
    repo = pygit2.Repository(str(mini.repo(base)))
    tip = repo.revparse_single(f"blamed-{base}")
    names = {step.commit.hex(): step.name for step in result.steps}
    paths = sorted({change.path for step in result.steps for change in step.changes})
    lines = 0
    for path in paths:
        found = annotate(result, path)
        if found.entry is None:
            continue
        blamed = [
            names.get(str(hunk.final_commit_id))
            for hunk in repo.blame(path, newest_commit=tip.id)
            for _ in range(hunk.lines_in_hunk)
        ]
        assert [found.name(line) for line in range(1, len(found.lines) + 1)] == blamed
        assert b"".join(line.text for line in found.lines) == repo[found.entry.oid.hex()].read_raw()
        lines += len(blamed)
    assert lines > 2000


def test_upto_takes_so_many_commits(mini: Mini) -> None:
    result = mini.apply("bsp-5.10")
    path = "net/ipv4/tcp.c"
    for count in (0, 1, 7, len(result.steps)):
        tree = (
            pygit2.Repository(str(mini.world.bsp)).revparse_single("bsp-5.10^{tree}").id.raw
            if not count
            else _tree_of(result.objects.read(result.steps[count - 1].commit))
        )
        found = annotate(result, path, upto=count)
        entry = Annotator(result.objects, lambda _: None, ()).objects.tree(tree)[b"net"]
        entry = result.objects.tree(result.objects.tree(entry.oid)[b"ipv4"].oid)[b"tcp.c"]
        assert found.entry == entry
        known = {step.name for step in result.steps[:count]}
        assert {line.origin.name for line in found.lines if line.origin is not None} <= known


def _tree_of(commit: bytes) -> bytes:
    return bytes.fromhex(commit.split(b"\n")[0].removeprefix(b"tree ").decode())


def test_the_diff_of_an_override_is_an_author_of_its_own(mini: Mini) -> None:
    result = mini.apply("bsp-5.10")
    found = annotate(result, "net/ipv4/tcp.c")
    at = next(number for number, line in enumerate(found.lines, 1) if b"queued > tcp_tail_limit(sk)" in line.text)
    origin = found.origin(at)
    assert origin is not None
    assert (origin.name, origin.part, origin.override) == (
        "mptcp-let-tcp-say-how-much-room-a-fragment-has.patch",
        Part.OVERRIDE,
        "mini-5.15/frag-room-offload.patch",
    )
    (gone,) = found.removed_between(at - 1, at)
    assert (gone.line.text, gone.line.origin, gone.by) == (b"\tif (queued > TCP_TAIL_LIMIT)\n", None, origin)
    assert found.removers(at - 1, at) == (origin.name,)
    assert found.origin(at - 1) is None


def test_a_line_the_file_does_not_have(mini: Mini) -> None:
    found = annotate(mini.apply("v5.10"), "Makefile")
    with pytest.raises(IndexError, match=f"Makefile has {len(found.lines)} lines, and no line 0"):
        found.name(0)
    with pytest.raises(IndexError):
        found.origin(len(found.lines) + 1)


def test_a_file_that_is_nowhere(mini: Mini) -> None:
    found = annotate(mini.apply("v5.10"), "no/such.c")
    assert (found.entry, found.lines, dict(found.removed), found.history) == (None, (), {}, ())


def layers(lab: Lab, *files: dict[str, bytes | None]) -> list[Layer]:
    """One layer after the other, named 0, 1, ..."""
    return [
        Layer(
            origin=Origin(name=str(number), kind=EntryKind.PATCH),
            files={path: None if data is None else lab.entry(data) for path, data in changed.items()},
        )
        for number, changed in enumerate(files)
    ]


def over(lab: Lab, base: dict[str, bytes], *files: dict[str, bytes | None]) -> Annotator:
    entries = {path: lab.entry(data) for path, data in base.items()}
    return Annotator(lab.objects, entries.get, layers(lab, *files))


def told(annotator: Annotator, path: str = FILE) -> list[tuple[str | None, bytes]]:
    return [(None if line.origin is None else line.origin.name, line.text) for line in annotator.file(path).lines]


def test_lines_taken_away_are_remembered_where_they_stood(lab: Lab) -> None:
    annotator = over(
        lab,
        {FILE: b"a\nb\nc\nd\n"},
        {FILE: b"a\nB\nc\nd\n"},
        {FILE: b"a\nd\n"},
        {FILE: b"new\na\nd\n"},
    )
    found = annotator.file(FILE)
    assert told(annotator) == [("2", b"new\n"), (None, b"a\n"), (None, b"d\n")]
    gone = [(at, one.line.text, one.by.name, one.last) for at, all_ in found.removed.items() for one in all_]
    assert gone == [(2, b"b\n", "0", 2), (2, b"B\n", "1", 2), (2, b"c\n", "1", 3)]
    assert found.removers(0, 3) == ("0", "1")
    assert found.removers(0, 1) == ()
    assert [line.born for line in found.lines] == [1, 1, 4]


def test_a_file_that_goes_and_comes_again(lab: Lab) -> None:
    annotator = over(lab, {FILE: b"a\nb\n"}, {FILE: None}, {FILE: b"a\nb\n"})
    found = annotator.file(FILE)
    assert told(annotator) == [("1", b"a\n"), ("1", b"b\n")]
    assert [(one.origin.name, one.old is None, one.new is None) for one in found.history] == [
        ("0", False, True),
        ("1", True, False),
    ]
    assert [one.by.name for one in found.removed_between(0, 2)] == ["0", "0"]


def test_a_file_that_moves_keeps_its_authors(lab: Lab) -> None:
    text = numbered(20)
    moved = numbered(20, {3: "other"})
    annotator = over(lab, {"old.c": text}, {"old.c": None, "new.c": moved, "far.c": b"x\n"})
    assert [name for name, _ in told(annotator, "new.c")].count("0") == 1
    assert [name for name, _ in told(annotator, "far.c")] == ["0"]
    assert told(annotator, "old.c") == []


def test_binary_content_is_written_whole(lab: Lab) -> None:
    annotator = over(lab, {FILE: b"a\n\0b\n"}, {FILE: b"a\n\0c\n"})
    assert told(annotator) == [("0", b"a\n"), ("0", b"\0c\n")]


def test_a_result_in_conflict_is_annotated_up_to_it(lab: Lab, tmp_path: Path) -> None:
    states: list[Files] = [
        {"Makefile": MAKEFILE, FILE: numbered(9)},
        {"Makefile": MAKEFILE, FILE: numbered(9, {2: "two\n"})},
        {"Makefile": MAKEFILE, FILE: numbered(9, {2: "two\n", 8: "eight\n"})},
        {"Makefile": MAKEFILE, FILE: numbered(9, {2: "two\n", 5: "five\n", 8: "eight\n"})},
    ]
    base: Files = {"Makefile": MAKEFILE, FILE: numbered(9, {8: "mine\n"})}
    result = queue_result(lab, tmp_path, states, base=base)
    assert [patch.status.value for patch in result.patches] == ["offset", "conflict", "clean"]
    found = annotate(result, FILE)
    assert {line: found.name(line) for line in (2, 5, 8)} == {2: "patch-1.patch", 5: None, 8: None}


def test_what_a_diff_takes_back_happened_all_the_same(tmp_path: Path) -> None:
    """A patch adds a line, and its override's diff takes it away again: no commit, and yet two authors."""
    mini = Mini.make(tmp_path)
    path = "include/uapi/linux/mptcp.h"
    name = next(
        patch.name
        for patch in mini.apply("v5.10").patches
        if [touched.path for touched in patch.paths] == [path] and patch.kind is EntryKind.INCLUDE
    )
    override = Override(
        patch=name,
        reason="no",
        diff=(
            b"--- a/include/uapi/linux/mptcp.h\n+++ b/include/uapi/linux/mptcp.h\n@@ -17,7 +17,6 @@\n \n"
            b" #define MPTCP_INFO_FLAG_FALLBACK\t(1 << 0)\n #define MPTCP_INFO_FLAG_KEY_SEEN\t(1 << 1)\n"
            b"-#define MPTCP_INFO_FLAG_MIDDLEBOX\t(1 << 2)\n \n struct mptcp_info {\n \t__u8 flows;\n"
        ),
    )
    (mini.overrides / "undone.patch").write_bytes(override.render())
    result = mini.apply("v5.10")
    assert name not in {step.name for step in result.steps}
    found = annotate(result, path)
    (gone,) = [one for all_ in found.removed.values() for one in all_ if one.by.name == name]
    assert gone.line.origin is not None
    assert (gone.line.origin.part, gone.by.part) == (Part.PATCH, Part.OVERRIDE)
    assert gone.line.text == b"#define MPTCP_INFO_FLAG_MIDDLEBOX\t(1 << 2)\n"


LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"}\n"]), max_size=12).map(b"".join)


@given(states=st.lists(LINES, min_size=1, max_size=6))
def test_every_line_there_ever_was_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, states: list[bytes]
) -> None:
    """Law: the lines are the file; what is there or gone is all that base and layers brought, each line once."""
    lab = Lab(pygit2.init_repository(str(tmp_path_factory.mktemp("law") / "law.git"), bare=True))
    base, *rest = states
    changed: list[dict[str, bytes | None]] = [{FILE: state} for state in rest]
    annotator = over(lab, {FILE: base}, *changed)
    found = annotator.file(FILE)
    assert b"".join(line.text for line in found.lines) == states[-1]
    assert all(0 <= at <= len(found.lines) for at in found.removed)
    gone = [one for all_ in found.removed.values() for one in all_]
    known = [(line.layer, line.born) for line in (*found.lines, *(one.line for one in gone))]
    assert len(known) == len(set(known))
    assert all(one.line.layer < one.layer for one in gone)
    for layer, state in enumerate(states, start=-1):
        texts = state.splitlines(keepends=True)
        alive = [one for one in (*found.lines, *(g.line for g in gone if g.layer > layer)) if one.layer <= layer]
        assert len(alive) == len(texts)
