# SPDX-License-Identifier: MIT
"""quilt's less common verbs and options as they are typed: merges, rejects, forms of diffs, snapshots and graphs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mptcp_series.cli.quilt.grep import Search, parse_words
from mptcp_series.errors import BadInput

from .conftest import run
from .test_quilt import B, refused, said, tree

__all__ = ["tree"]

TWO = "--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n"
CONTEXT = "*** a/f\n--- b/f\n***************\n*** 1,3 ****\n  1\n! 2\n  3\n--- 1,3 ----\n  1\n! two\n  3\n"


@pytest.fixture
def collision(tree: Path) -> Path:
    """A patch that collides in f, and another one behind it."""
    (tree / "f").write_text("1\nmine\n3\n")
    (tree / "patches/a.patch").write_text(TWO)
    return tree


def test_a_merge_that_collides_needs_force(collision: Path) -> None:
    outcome = run("push", "-m")
    assert outcome.code == 1
    assert outcome.out == "Applying patch a.patch\npatching file f\nHunk #1 NOT MERGED at 2-6.\n"
    assert outcome.err.splitlines() == [
        "mptcp-series: error: patches/a.patch:3: hunk 1 of f: collides with what stands at line 2",
        "mptcp-series: error: Patch a.patch does not apply (enforce with -f)",
    ]
    assert (collision / "f").read_text() == "1\nmine\n3\n"


@pytest.mark.parametrize(
    "options", [["-f", "-m"], ["-fm"], ["-f", "--merge"], ["-f", "--merge=merge"], ["-f", "-mmerge"]]
)
def test_a_merge_is_asked_for_in_several_ways(collision: Path, options: list[str]) -> None:
    outcome = run("push", *options)
    assert outcome.code == 1
    assert outcome.out.endswith("Hunk #1 NOT MERGED at 2-6.\nApplied patch a.patch (forced; needs refresh)\n")
    assert (collision / "f").read_text() == "1\n<<<<<<<\nmine\n=======\ntwo\n>>>>>>>\n3\n"
    assert not (collision / "f.rej").exists()
    assert refused("refresh") == (
        1,
        [f"{collision}/f: has conflict markers; settle what collides, then refresh"],
    )


def test_a_merge_may_show_what_the_patch_had_before(collision: Path) -> None:
    document = json.loads(run("push", "-f", "--merge=diff3", "--json").out)
    assert (collision / "f").read_text() == "1\n<<<<<<<\nmine\n|||||||\n2\n=======\ntwo\n>>>>>>>\n3\n"
    (hunk,) = document["patches"][0]["files"][0]["hunks"]
    assert hunk["merge"] == [{"word": "NOT MERGED", "lines": [2, 8]}]
    outcome = run("push", "--merge=other")
    assert (outcome.code, outcome.out) == (1, "")
    assert "--merge" in outcome.err


def test_what_is_there_already_is_passed_over(tree: Path) -> None:
    (tree / "f").write_text("one\n")
    assert refused_code("push") == 1
    assert said("push", "-am") == (
        "Applying patch a.patch\npatching file f\nHunk #1 already applied at 1.\n\n"
        "Applying patch b.patch\npatching file d/g\npatching file n\n\nNow at patch b.patch\n"
    )
    assert said("refresh", "--accept", "a") == "Nothing in patch a.patch\n"


def refused_code(*arguments: str) -> int:
    return run(*arguments).code


def test_rejects_may_be_left_of_a_patch_that_is_not_applied(collision: Path) -> None:
    outcome = run("push", "--leave-rejects")
    assert outcome.code == 1
    assert "1 out of 1 hunk FAILED -- saving rejects to file f.rej\n" in outcome.out
    assert (collision / "f.rej").read_text() == "--- f\n+++ f\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n"
    assert refused("top")[0] == 2


def test_the_form_of_diff_c(tree: Path) -> None:
    (tree / "f").write_text("1\n2\n3\n")
    (tree / "patches/a.patch").write_text(CONTEXT)
    said("push")
    assert (tree / "f").read_text() == "1\ntwo\n3\n"
    index = "Index: b/f\n" + "=" * 67 + "\n"
    assert said("diff", "-c") == index + CONTEXT
    assert said("diff", "--no-index", "-C", "0") == (
        "*** a/f\n--- b/f\n***************\n*** 2 ****\n! 2\n--- 2 ----\n! two\n"
    )
    assert said("diff", "--no-index") == TWO
    assert said("refresh") == "Patch a.patch is unchanged\n"
    assert said("refresh", "-u", "--no-index") == "Refreshed patch a.patch\n"
    assert (tree / "patches/a.patch").read_text() == TWO
    assert said("refresh", "-c", "--no-index") == "Refreshed patch a.patch\n"
    assert (tree / "patches/a.patch").read_text() == CONTEXT
    said("pop")
    assert (tree / "f").read_text() == "1\n2\n3\n"


def test_a_context_diff_is_told_where_it_does_not_fit(tree: Path) -> None:
    (tree / "patches/a.patch").write_text(CONTEXT)
    outcome = run("push")
    assert outcome.code == 1
    assert "patches/a.patch:3: hunk 1 of f: its 3 lines of pre-image, wanted at line 1" in outcome.err


def test_a_summary_in_the_header(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said("push", "-a")
    assert said("refresh", "--diffstat") == "Refreshed patch b.patch\n"
    stat = "---\n d/g | 2 +-\n n   | 1 +\n 2 files changed, 2 insertions(+), 1 deletion(-)\n\n"
    assert (tree / "patches/b.patch").read_text() == stat + B
    assert said("refresh", "--diffstat") == "Patch b.patch is unchanged\n"
    assert refused("refresh", "-z", "--diffstat") == (
        1,
        ["--diffstat goes without -z; refresh the new patch with it"],
    )
    monkeypatch.setenv("QUILT_REFRESH_ARGS", "--diffstat")
    assert said("refresh", "a") == "Patch a.patch is unchanged\n"
    (tree / "f").write_text("ONE\n")
    assert said("refresh", "a") == "Refreshed patch a.patch\n"
    assert (tree / "patches/a.patch").read_text().startswith("---\n f | 2 +-\n 1 file changed")


def test_a_snapshot_and_what_changed_since(tree: Path) -> None:
    said("push")
    assert said("snapshot") == ""
    said("push")
    assert said("diff", "--snapshot", "--no-index") == B
    assert said("diff", "--snapshot", "--no-index", "d/g") == B.partition("--- /dev/null")[0]
    assert json.loads(said("snapshot", "--json"))["files"] == ["f", "d/g", "n"]
    assert said("diff", "--snapshot") == ""
    assert said("snapshot", "-d") == ""
    assert refused("diff", "--snapshot") == (1, ["No snapshot to diff against"])
    assert refused("diff", "--snapshot", "-z") == (
        1,
        ["Options `--combine', `--snapshot', and `-z' cannot be combined."],
    )


def test_who_brought_a_line(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused("annotate", "f") == (1, ["No patches applied"])
    said("push", "-a")
    assert said("annotate", "f") == "1\tone\n\n1\ta.patch\n"
    assert said("annotate", "-P", "a", "d/g") == "\tg\n"
    monkeypatch.chdir(tree / "d")
    assert said("annotate", "g") == "1\tG\n\n1\tb.patch\n"
    document = json.loads(said("annotate", "g", "--json"))
    assert document["lines"] == [{"patch": "b.patch", "text": "G\n"}]


def test_a_graph(tree: Path) -> None:
    (tree / "patches/c.patch").write_text("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-one\n+ONE\n")
    (tree / "patches/series").write_text("a.patch\nb.patch\nc.patch\n")
    assert refused("graph") == (1, ["No patches applied"])
    assert said("graph", "--all") == "digraph dependencies {\n}\n"
    said("push", "-a")
    drawn = (
        'digraph dependencies {\n\tn0 [label="a.patch"];\n\tn2 [style=bold,label="c.patch"];\n'
        '\tn0 -> n2 [label="f",len="1.61"];\n}\n'
    )
    assert said("graph", "--edge-labels=files") == drawn
    assert said("graph", "--edge-labels", "files", "--lines", "--reduce", "c") == drawn
    document = json.loads(said("graph", "--all", "--lines=0", "--json"))
    assert document["edges"] == [{"files": ["f"], "on": "a.patch", "patch": "c.patch"}]
    assert document["patches"] == ["a.patch", "c.patch"]
    assert refused("graph", "-T", "ps") == (1, ["-T ps: the graph is not drawn here; pipe it into `dot -Tps`"])
    assert refused("graph", "--all", "a") == (1, ["--all and a patch exclude each other"])


def test_init_makes_the_top_of_a_tree_where_one_stands(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree / "d")
    assert said("init") == "The quilt meta-data is now initialized.\n"
    found = {path.name: path.read_text() for path in (tree / "d/.pc").iterdir()}
    assert found == {".version": "2\n", ".quilt_patches": "patches\n", ".quilt_series": "series\n"}
    assert not (tree / ".pc").exists()
    assert refused("push") == (1, ["No series file found"])
    assert said("init", "--repo", str(tree)) == "The quilt meta-data is now initialized.\n"
    assert (tree / ".pc/.version").exists()


def test_upgrade_says_which_format_there_is(tree: Path) -> None:
    already = "The quilt meta-data in .pc/ are already in the version 2 format; nothing to do\n"
    assert said("upgrade") == already
    said("push")
    assert said("upgrade") == already
    (tree / ".pc/.version").unlink()
    code, lines = refused("upgrade")
    assert code == 1
    assert lines == [
        "The quilt meta-data in .pc/ are in format of quilt before 0.40, which is not converted here: "
        "run `quilt upgrade`, or pop all patches with what pushed them"
    ]
    (tree / ".pc/.version").write_text("7\n")
    assert refused("upgrade")[1][0].startswith("The quilt meta-data in .pc/ are in format 7, which is not converted")


@pytest.mark.parametrize(
    ("words", "options", "places"),
    [
        (["two"], ["-H", "-e", "two"], []),
        (["-n", "two", "d", "f"], ["-H", "-n", "-e", "two"], ["d", "f"]),
        (["-A", "3", "-e", "two", "d"], ["-H", "-A", "3", "-e", "two"], ["d"]),
        (["--max-count=2", "two"], ["-H", "--max-count=2", "-e", "two"], []),
        (["--", "-h", "two"], ["-h", "-e", "two"], []),
        (["--", "--", "-two"], ["-H", "-e", "-two"], []),
        (["--color=always", "two"], ["-H", "--color=always", "-e", "two"], []),
        (["--color", "two"], ["-H", "--color=never", "-e", "two"], []),
        (["--repo", "x", "two"], ["-H", "-e", "two"], []),
        (["-il", "two"], ["-H", "-i", "-l", "-e", "two"], []),
    ],
)
def test_words_of_grep(words: list[str], options: list[str], places: list[str]) -> None:
    assert parse_words(words) == Search(tuple(options), tuple(places))


def test_what_grep_does_not_have_is_refused(tree: Path) -> None:
    with pytest.raises(BadInput, match="a pattern to look for is missing"):
        parse_words(["-n"])
    assert refused("grep", "--none", "x") == (1, ["option --none not recognized; `grep --help` shows what it takes"])


def test_headers_that_differ_are_shown(tree: Path) -> None:
    (tree / "patches/a.patch").write_text("Old.\n" + TWO)
    other = tree.parent / "a.patch"
    other.write_text("New.\n" + TWO)
    assert refused("import", "-f", str(other)) == (
        1,
        [
            "Patch headers differ:",
            "@@ -1 +1 @@",
            "-Old.",
            "+New.",
            "Please use -d {o|a|n} to specify which patch header(s) to keep.",
        ],
    )


def test_flags_and_an_option_without_its_value_in_one_word(tree: Path) -> None:
    said("push")
    (tree / "f").write_text("more\n")
    assert said("refresh", "-fz") == "Fork of patch a.patch created as a-2.patch\n"
