# SPDX-License-Identifier: MIT
"""snapshot, annotate, graph, the sources of a tree, and the summary in a header."""

from __future__ import annotations

import pytest

from mptcp_series.engine.directory.changes import FileState
from mptcp_series.engine.quilt.annotate import annotate
from mptcp_series.engine.quilt.diffstat import diffstat, with_stat
from mptcp_series.engine.quilt.graph import Graph, graph
from mptcp_series.engine.quilt.patchfile import Reader
from mptcp_series.engine.quilt.refresh import refresh
from mptcp_series.engine.quilt.settings import DiffFormat
from mptcp_series.engine.quilt.show import compare
from mptcp_series.engine.quilt.snapshot import drop_snapshot, has_snapshot, take_snapshot
from mptcp_series.engine.quilt.sources import source_files
from mptcp_series.errors import BadInput

from .conftest import Tree, diff, lines


@pytest.fixture
def queue(tree: Tree) -> Tree:
    """Four patches: two on f, apart from each other, one on f and g, one on g and h."""
    tree.write({"f": lines(*"abcdefghijklmnopqrst"), "g": lines("1", "2", "3")})
    tree.patch(
        one_patch=diff("f", [" a", "b", " c"], ["B"]),
        two_patch=diff("f", ["s", " t"], ["S"], at=19),
        three_patch=diff("f", [" B", "c", " d"], ["C", "and more"], at=2) + diff("g", ["1"], ["one"]),
        four_patch=diff("g", [" one", "2", " 3"], []) + b"--- /dev/null\n+++ b/h\n@@ -0,0 +1 @@\n+h\n",
    )
    tree.push_all()
    return tree


# snapshot


def since(tree: Tree, *only: str) -> dict[str, tuple[bytes | None, bytes | None]]:
    quilt = tree.open()
    found = compare(quilt, quilt.top(), Reader(quilt), snapshot=True, only=only)
    sides = {one.path: (one.old.state, one.new.state) for one in found.files}
    return {
        path: (old.data if old else None, new.data if new else None)
        for path, (old, new) in sides.items()
        if (old.data if old else b"") != (new.data if new else b"")
    }


def test_what_changed_since_a_snapshot(queue: Tree) -> None:
    queue.pop(2)
    assert take_snapshot(queue.open()) == ("f",)
    assert since(queue) == {}
    snapshot = queue.read("f")
    queue.push(2)
    assert since(queue) == {
        "f": (snapshot, queue.read("f")),
        "g": (lines("1", "2", "3"), lines("one", "3")),
        "h": (None, b"h\n"),
    }
    assert list(since(queue, "h")) == ["h"]
    queue.pop(1000)
    assert queue.state().keys() == {
        ".pc/.quilt_patches",
        ".pc/.quilt_series",
        ".pc/.version",
        ".pc/.snap/f",
    }


def test_a_snapshot_takes_the_place_of_the_one_before(queue: Tree) -> None:
    take_snapshot(queue.open())
    assert sorted(name for name in queue.state() if ".snap" in name) == [f".pc/.snap/{name}" for name in "fgh"]
    queue.pop(3)
    take_snapshot(queue.open())
    assert [name for name in queue.state() if ".snap" in name] == [".pc/.snap/f"]
    drop_snapshot(queue.open())
    assert not (queue.top / ".pc/.snap").exists()
    drop_snapshot(queue.open())
    with pytest.raises(BadInput, match=r"^No snapshot to diff against$"):
        since(queue)


def test_a_file_that_is_gone_is_kept_as_gone(queue: Tree) -> None:
    (queue.top / "h").unlink()
    take_snapshot(queue.open())
    assert queue.read(".pc/.snap/h") == b""
    queue.write({"h": b"again\n"})
    assert since(queue) == {"h": (None, b"again\n")}


def test_a_snapshot_of_nothing_is_one(tree: Tree) -> None:
    with pytest.raises(BadInput, match="No series file found"):
        take_snapshot(tree.open())
    tree.patch(a_patch=b"--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+n\n")
    assert take_snapshot(tree.open()) == ()
    assert has_snapshot(tree.open())
    tree.push()
    assert since(tree) == {"n": (None, b"n\n")}


# annotate


def marked(tree: Tree, name: str, path: str) -> str:
    found = annotate(tree.open(), name, path)
    return "".join(f"{number or '.'}{line.decode().rstrip()} " for number, line in found.lines).rstrip()


def test_lines_are_laid_at_the_patch_that_brought_them(queue: Tree) -> None:
    found = annotate(queue.open(), "four.patch", "f")
    assert found.patches == ("one.patch", "two.patch", "three.patch")
    assert marked(queue, "four.patch", "f").startswith(".a 1B 3C 3and more .d .e")
    assert marked(queue, "four.patch", "f").endswith(".r 2S .t")
    assert marked(queue, "one.patch", "f").startswith(".a 1B .c .d")
    assert marked(queue, "four.patch", "g") == "1one .3"
    assert marked(queue, "four.patch", "h") == "1h"


def test_edits_that_are_not_refreshed_count_for_the_top(queue: Tree) -> None:
    queue.write({"h": b"h\nedited\n"})
    assert marked(queue, "four.patch", "h") == "1h 1edited"


def test_a_file_that_no_patch_changes(queue: Tree) -> None:
    queue.write({"other": b"1\n2"})
    assert marked(queue, "four.patch", "other") == ".1 .2"
    with pytest.raises(BadInput, match=r"^File none is not there$"):
        annotate(queue.open(), "four.patch", "none")
    (queue.top / "h").unlink()
    assert annotate(queue.open(), "four.patch", "h").lines == ()


# graph


def edges(found: Graph) -> list[tuple[str, str, str]]:
    return [(found.names[edge.patch][:-6], found.names[edge.on][:-6], ",".join(edge.files)) for edge in found.edges]


def test_patches_stand_on_the_last_that_changed_a_file(queue: Tree) -> None:
    found = graph(queue.open(), None)
    assert edges(found) == [("two", "one", "f"), ("three", "two", "f"), ("four", "three", "g")]
    assert edges(graph(queue.open(), "two.patch")) == [("two", "one", "f"), ("three", "two", "f")]
    assert edges(graph(queue.open(), "four.patch")) == [("four", "three", "g")]


def test_by_lines_they_stand_on_the_last_that_changed_these(queue: Tree) -> None:
    assert edges(graph(queue.open(), None, lines=2)) == [("three", "one", "f"), ("four", "three", "g")]
    assert edges(graph(queue.open(), None, lines=0)) == []
    assert edges(graph(queue.open(), "two.patch", lines=2)) == [("three", "one", "f")]


def test_the_graph_in_dots_words(queue: Tree) -> None:
    assert graph(queue.open(), "four.patch").dot(labels=True) == (
        "digraph dependencies {\n"
        '\tn2 [label="three.patch"];\n'
        '\tn3 [style=bold,label="four.patch"];\n'
        '\tn2 -> n3 [label="g",len="1.39"];\n'
        "}\n"
    )
    alone = graph(queue.open(), "two.patch", lines=0)
    assert alone.dot() == 'digraph dependencies {\n\tn1 [style=bold,color=grey,label="two.patch"];\n}\n'


def test_edges_with_a_way_round_are_left_out(tree: Tree) -> None:
    tree.write({"f": b"1\n", "g": b"1\n"})
    both = diff("f", ["2"], ["3"]) + diff("g", ["1"], ["2"])
    tree.patch(
        a_patch=diff("g", ["1"], ["1", "0"]) + diff("f", ["1"], ["1", "0"]),
        b_patch=diff("f", ["1", "0"], ["2"]),
        c_patch=both.replace(b"@@ -1,1 +1,1 @@\n-1\n", b"@@ -1,2 +1,1 @@\n-1\n-0\n"),
    )
    tree.push_all()
    found = graph(tree.open(), None)
    assert edges(found) == [("b", "a", "f"), ("c", "a", "g"), ("c", "b", "f")]
    assert edges(found.reduced()) == [("b", "a", "f"), ("c", "b", "f")]
    assert found.reduced().nodes == (0, 1, 2)


def test_names_are_quoted() -> None:
    assert 'label="a\\"\\\\b"' in Graph(names=('a"\\b',), edges=(), selected=0).dot()


# sources


def test_the_sources_of_a_tree(queue: Tree) -> None:
    queue.write({"d/patches/x": b"", "d/e": b""})
    (queue.top / "link").symlink_to("f")
    quilt = queue.open()
    assert list(source_files(quilt)) == ["f", "g", "h", "d/e", "d/patches/x"]
    assert list(source_files(quilt, ["d", "f"])) == ["d/e", "d/patches/x", "f"]
    with pytest.raises(BadInput, match=r"^none: no such file or directory$"):
        list(source_files(quilt, ["none"]))


# the summary


def test_a_summary_is_put_at_the_end_of_a_header_or_in_place_of_the_old() -> None:
    stat = b" f | 2 +-\n 1 file changed\n"
    assert with_stat(b"", stat) == b"---\n" + stat + b"\n"
    assert with_stat(b"Why.", stat) == b"Why.\n---\n" + stat + b"\n"
    assert with_stat(b"Why.\n---\n old |    9 +\n 1 file changed, 9 insertions(+)\n\nMore.\n", stat) == (
        b"Why.\n---\n" + stat + b"\nMore.\n"
    )
    assert with_stat(b"# Why.\n", stat) == b"# Why.\n---\n# f | 2 +-\n# 1 file changed\n#\n"
    assert with_stat(b"# old | 9 +\n# 1 file changed\n", stat) == b"# f | 2 +-\n# 1 file changed\n"


def test_a_summary_counts_lines_by_file() -> None:
    old, new = FileState(data=b"1\n2\n"), FileState(data=b"1\ntwo\nthree\n")
    assert diffstat([("f", old, new), ("deep/er", None, new), ("bin", None, FileState(data=b"\0abc"))]) == (
        b" f       | 3 ++-\n"
        b" deep/er | 3 +++\n"
        b" bin     | Bin 0 -> 4 bytes\n"
        b" 3 files changed, 5 insertions(+), 1 deletion(-)\n"
    )
    assert diffstat([("f", old, old)]) == b" 0 files changed\n"


def test_refresh_brings_the_summary_up_to_date_and_leaves_the_rest(queue: Tree) -> None:
    def refreshed() -> bytes:
        quilt = queue.open()
        done = refresh(quilt, "four.patch", Reader(quilt), DiffFormat(), stat=True)
        done.write()
        return queue.read("patches/four.patch") or b""

    before = queue.read("patches/four.patch") or b""
    stat = b"---\n g | 1 -\n h | 1 +\n 2 files changed, 1 insertion(+), 1 deletion(-)\n\n"
    assert refreshed() == stat + before
    assert refreshed() == stat + before
    queue.write({"h": b"h\nmore\n"})
    assert b" h | 2 ++\n" in refreshed()


def test_a_summary_alone_does_not_turn_a_patch_round(tree: Tree) -> None:
    tree.write({"f": b"one\n"})
    tree.patch(a_patch=diff("f", ["1"], ["one"]))
    tree.series("a.patch -R\n")
    tree.push()
    quilt = tree.open()
    refresh(quilt, "a.patch", Reader(quilt), DiffFormat(), stat=True).write()
    assert tree.read("patches/series") == b"a.patch -R\n"
    assert (tree.read("patches/a.patch") or b"").endswith(diff("f", ["1"], ["one"]))
    tree.pop()
    assert tree.read("f") == b"one\n"
