# SPDX-License-Identifier: MIT
"""quilt's verbs as they are typed: what they print, how they end, what they read of quilt's settings."""

from __future__ import annotations

import json
from pathlib import Path

import pygit2
import pytest
from click.testing import CliRunner

from mptcp_series.cli.main import cli

from .conftest import Kernel, Outcome, run

A = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+one\n"
B = "--- a/d/g\n+++ b/d/g\n@@ -1 +1 @@\n-g\n+G\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+n\n"


@pytest.fixture
def tree(work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A quilt directory, in which one stands."""
    for name in ("QUILT_PATCHES", "QUILT_SERIES", "QUILT_PC", "QUILTRC"):
        monkeypatch.delenv(name, raising=False)
    (work / "patches").mkdir()
    (work / "d").mkdir()
    (work / "f").write_text("1\n")
    (work / "d/g").write_text("g\n")
    (work / "patches/a.patch").write_text(A)
    (work / "patches/b.patch").write_text(B)
    (work / "patches/series").write_text("a.patch\nb.patch\n")
    return work


def said(*arguments: str) -> str:
    outcome = run(*arguments)
    assert (outcome.code, outcome.err) == (0, "")
    return outcome.out


def refused(*arguments: str) -> tuple[int, list[str]]:
    outcome = run(*arguments)
    assert outcome.out == ""
    return outcome.code, [line.removeprefix("mptcp-series: error: ") for line in outcome.err.splitlines()]


def typed(text: str, *arguments: str) -> Outcome:
    """Run with this on standard input."""
    result = CliRunner().invoke(cli, arguments, prog_name="mptcp-series", input=text)
    return Outcome(code=result.exit_code, out=result.stdout, err=result.stderr)


def content(kernel: Kernel, commit: str, path: str) -> bytes:
    """A file of a commit of the source."""
    blob = kernel.source.git.revparse_single(f"{commit}:{path}")
    assert isinstance(blob, pygit2.Blob)
    return blob.data


def test_push_and_pop_say_what_quilt_says(tree: Path) -> None:
    assert said("push") == "Applying patch a.patch\npatching file f\n\nNow at patch a.patch\n"
    assert said("push", "-q") == "Applying patch b.patch\nNow at patch b.patch\n"
    assert said("pop") == "Removing patch b.patch\nRemoving n\nRestoring d/g\n\nNow at patch a.patch\n"
    assert said("pop", "-q") == "Removing patch a.patch\nNo patches applied\n"
    assert said("push", "-qa") == "Applying patch a.patch\nApplying patch b.patch\nNow at patch b.patch\n"
    assert said("pop", "-qaR") == "Removing patch b.patch\nRemoving patch a.patch\nNo patches applied\n"


def test_counts_and_names(tree: Path) -> None:
    said("push", "2", "-q")
    said("pop", "-q", "a")
    assert said("top") == "a.patch\n"
    said("push", "-q", "patches/b.patch")
    assert said("pop", "1", "-q") == "Removing patch b.patch\nNow at patch a.patch\n"


def test_goto(tree: Path) -> None:
    said("goto", "b")
    assert said("goto", "a.patch") == "Removing patch b.patch\nRemoving n\nRestoring d/g\n\nNow at patch a.patch\n"
    assert refused("goto", "a") == (2, ["Patch a.patch is on top already"])


def test_two_says_that_nothing_is_left_to_do_and_nothing_else(tree: Path) -> None:
    """`push -a || [ $? = 2 ]` is what scripts say, and must not pass over a patch that was refused."""
    assert refused("pop") == (2, ["No patch removed"])
    assert refused("top") == (2, ["No patches applied"])
    said("push", "-a")
    assert refused("push") == (2, ["File series fully applied, ends at patch b.patch"])
    assert refused("push", "-a") == (2, ["File series fully applied, ends at patch b.patch"])
    assert refused("next") == (2, ["File series fully applied, ends at patch b.patch"])
    assert refused("push", "a") == (2, ["Patch a.patch is currently applied"])
    assert refused("previous", "a") == (2, ["No patch comes before a.patch"])
    assert refused("add", "n") == (2, ["File n is already in patch b.patch"])
    assert refused("unapplied") == (1, ["File series fully applied, ends at patch b.patch"])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("push", "x"), "Patch x is not in series"),
        (("push", "-a", "a"), "-a and a patch or number exclude each other"),
        (("push", "-f", "--refresh"), "Options -f and --refresh are mutually exclusive"),
        (("push", "--no-such"), "No such option '--no-such'.; `mptcp-series push --help` shows what it takes"),
        (("pop", "a"), "Patch a.patch is not applied"),
        (("refresh",), "No patches applied"),
        (("new", "a b"), "Patch name 'a b' invalid: cannot contain spaces."),
        (("new", "-p3", "x"), "Cannot create patches with -p3, please specify -p0, p1, or -pab instead"),
        (("applied",), "No patches applied"),
        (("delete", "-n", "a"), "-n and a patch exclude each other"),
    ],
)
def test_what_is_refused_ends_with_one(tree: Path, arguments: tuple[str, ...], line: str) -> None:
    assert refused(*arguments) == (1, [line])


def test_hostile_and_damaged_input_ends_with_one_and_names_file_and_line(tree: Path) -> None:
    (tree / "patches/b.patch").write_text("--- a/../x\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n")
    code, (line, *_) = refused("push", "-a")
    assert (code, line.startswith("patches/b.patch:1: ")) == (1, True)
    assert (tree / "f").read_text() == "1\n"
    (tree / ".pc").mkdir(exist_ok=True)
    (tree / ".pc/.version").write_text("9\n")
    code, (line,) = refused("push")
    assert (code, ".pc/.version:1: format '9'" in line) == (1, True)


def test_a_patch_that_does_not_apply(tree: Path) -> None:
    (tree / "d/g").write_text("x\n")
    outcome = run("push", "-a")
    assert outcome.code == 1
    assert outcome.out == (
        "Applying patch a.patch\npatching file f\n\n"
        "Applying patch b.patch\npatching file d/g\nHunk #1 FAILED at 1.\n"
        "1 out of 1 hunk FAILED -- rejects in file d/g\npatching file n\n"
    )
    assert outcome.err.splitlines() == [
        "mptcp-series: error: patches/b.patch:3: hunk 1 of d/g: its 1 lines of pre-image, wanted at line 1, are "
        "nowhere in the file",
        "mptcp-series: error: Patch b.patch does not apply (enforce with -f)",
    ]
    assert said("top") == "a.patch\n"
    outcome = run("push", "-qf")
    assert (outcome.code, (tree / "d/g.rej").exists()) == (1, True)
    assert "Applied patch b.patch (forced; needs refresh)\n" in outcome.out
    assert said("top") == "b.patch\n"


def test_an_edit_keeps_a_patch_from_being_popped(tree: Path) -> None:
    said("push")
    (tree / "f").write_text("mine\n")
    assert refused("pop") == (
        1,
        [
            f"{tree}/f: changed since a.patch was applied",
            "Patch a.patch does not remove cleanly (refresh it or enforce with -f)",
        ],
    )
    assert (tree / "f").read_text() == "mine\n"


def test_lists(tree: Path) -> None:
    said("push")
    assert said("series", "-v") == "= a.patch\n  b.patch\n"
    assert said("next") == "b.patch\n"
    assert said("next", "a") == "b.patch\n"
    assert said("applied") == "a.patch\n"
    assert said("unapplied") == "b.patch\n"
    assert said("unapplied", "a") == "b.patch\n"
    assert said("files") == "f\n"
    assert said("files", "-v", "b") == "  d/g\n  n\n"
    assert said("patches", "f", "n") == "a.patch\nb.patch\n"
    said("push")
    assert said("previous") == "a.patch\n"
    assert said("series", "-v") == "+ a.patch\n= b.patch\n"
    assert said("files", "-v") == "  d/g\n+ n\n"
    assert said("files", "-al") == "a.patch f\nb.patch d/g\nb.patch n\n"
    assert said("files", "--combine", "-") == "f\nd/g\nn\n"
    assert said("patches", "-v", "n", "f") == "+ a.patch\n= b.patch\n"


def test_documents(tree: Path) -> None:
    pushed = json.loads(said("push", "--json"))
    assert pushed == {
        "schema": 1,
        "command": "push",
        "patches": [
            {
                "name": "a.patch",
                "applied": True,
                "forced": False,
                "files": [
                    {
                        "path": "f",
                        "why": None,
                        "merged": False,
                        "hunks": [{"number": 1, "offset": 0, "fuzz": 0, "why": None, "merge": []}],
                    }
                ],
            }
        ],
        "top": "a.patch",
    }
    assert json.loads(said("series", "--json")) == {
        "schema": 1,
        "command": "series",
        "patches": ["a.patch", "b.patch"],
        "applied": ["a.patch"],
    }
    assert json.loads(said("pop", "--json")) == {
        "schema": 1,
        "command": "pop",
        "patches": ["a.patch"],
        "pending": [],
        "stuck": None,
        "top": None,
    }


def test_the_work_of_a_day(tree: Path) -> None:
    said("push", "-aq")
    assert said("new", "c.patch") == "Patch c.patch is now on top\n"
    assert said("add", "f", "new") == "File f added to patch c.patch\nFile new added to patch c.patch\n"
    (tree / "f").write_text("uno\n")
    (tree / "new").write_text("new \n")
    assert said("diff", "--no-index") == (
        "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-one\n+uno\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+new \n"
    )
    assert said("refresh") == "Warning: trailing whitespace in line 1 of new\nRefreshed patch c.patch\n"
    assert said("refresh") == "Warning: trailing whitespace in line 1 of new\nPatch c.patch is unchanged\n"
    assert typed("Why.\n", "header", "-r").out == "Replaced header of patch c.patch\n"
    assert typed("And more.\n", "header", "-a").out == "Appended text to header of patch c.patch\n"
    assert said("header") == "Why.\nAnd more.\n"
    assert typed("--- a/d/g\n+++ b/d/g\n@@ -1 +1 @@\n-G\n+GG\n", "fold").out == "patching file d/g\n"
    assert said("diff", "-z", "--no-index") == "--- a/d/g\n+++ b/d/g\n@@ -1 +1 @@\n-G\n+GG\n"
    assert said("revert", "d/g") == "Changes to d/g in patch c.patch reverted\n"
    assert said("remove", "new") == "File new removed from patch c.patch\n"
    assert said("refresh", "--no-index") == "Refreshed patch c.patch\n"
    assert said("fork") == "Fork of patch c.patch created as c-2.patch\n"
    assert said("rename", "d.patch") == "Patch c-2.patch renamed to d.patch\n"
    assert said("delete", "-r") == "Removing patch d.patch\nNow at patch b.patch\nRemoved patch d.patch\n"
    assert (tree / "f").read_text() == "one\n"
    assert sorted(path.name for path in (tree / "patches").iterdir()) == ["a.patch", "b.patch", "c.patch", "series"]
    assert said("import", "patches/c.patch") == "Importing patch c.patch\n"
    assert said("series") == "a.patch\nb.patch\nc.patch\n"


def test_push_and_pop_may_refresh_on_the_way(tree: Path) -> None:
    (tree / "f").write_text("0\n1\n")
    (tree / "patches/a.patch").write_text("--- a/f\n+++ b/f\n@@ -5,2 +5,2 @@\n 0\n-1\n+one\n")
    assert "Refreshed patch a.patch\n" in said("push", "--refresh")
    (tree / "f").write_text("0\nuno\n")
    assert "Refreshed patch a.patch\nRemoving patch a.patch\n" in said("pop", "--refresh")
    assert "+uno\n" in (tree / "patches/a.patch").read_text()


def test_fuzz_is_used_when_it_is_asked_for(tree: Path) -> None:
    (tree / "f").write_text("x\n1\n3\n")
    (tree / "patches/a.patch").write_text("--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n 0\n-1\n+one\n 3\n")
    assert run("push").code == 1
    assert "Hunk #1 succeeded at 1 with fuzz 1.\n" in said("push", "--fuzz=1")
    assert refused("refresh")[0] == 1
    assert said("refresh", "--accept") == "Refreshed patch a.patch\n"


def test_below_the_top_names_are_relative(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said("push", "-aq")
    monkeypatch.chdir(tree / "d")
    monkeypatch.setenv("QUILT_PATCHES_PREFIX", "yes")
    assert said("add", "new") == "File d/new added to patch ../patches/b.patch\n"
    assert said("top") == "../patches/b.patch\n"
    assert said("patches", "g") == "../patches/b.patch\n"


def test_the_places_of_the_environment(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "patches").rename(tree / "debian")
    (tree / "debian/series").rename(tree / "debian/list")
    monkeypatch.setenv("QUILT_PATCHES", "debian")
    monkeypatch.setenv("QUILT_SERIES", "list")
    monkeypatch.setenv("QUILT_PC", ".state")
    said("push", "-aq")
    assert (tree / ".state/.quilt_patches").read_text() == "debian\n"
    assert (tree / ".state/.quilt_series").read_text() == "list\n"
    monkeypatch.delenv("QUILT_PATCHES")
    monkeypatch.delenv("QUILT_SERIES")
    assert said("applied") == "a.patch\nb.patch\n"


def test_the_quiltrc_is_read_and_wins_and_is_not_run(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tree.parent / "home"
    home.mkdir()
    (home / ".quiltrc").write_text(
        'QUILT_PATCHES=other\nQUILT_PUSH_ARGS="-q --color=auto"\nQUILT_NO_DIFF_INDEX=1\ntouch trace\n'
    )
    monkeypatch.setenv("QUILT_PATCHES", "patches")
    (tree / "patches").rename(tree / "other")
    outcome = run("push")
    assert outcome.out == "Applying patch a.patch\nNow at patch a.patch\n"
    assert outcome.err == f"mptcp-series: warning: {home}/.quiltrc:4: not read: 'touch trace' is no assignment\n"
    assert not (tree / "trace").exists()
    assert run("diff").out == A
    other = tree.parent / "rc"
    other.write_text("QUILT_PATCHES_PREFIX=1\n")
    assert run("top", "--quiltrc", str(other)).out == "other/a.patch\n"
    assert run("top", "--quiltrc", "-").out == "a.patch\n"


def test_arguments_of_refresh_are_a_form_and_no_reason_to_write(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUILT_REFRESH_ARGS", "-p0 --no-index --no-timestamps --diffstat")
    said("push")
    assert said("refresh") == "Patch a.patch is unchanged\n"
    assert (tree / "patches/a.patch").read_text() == A
    assert said("refresh", "-p0") == "Refreshed patch a.patch\n"
    stat = "---\n f | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n"
    assert (tree / "patches/a.patch").read_text() == stat + "--- f.orig\n+++ f\n@@ -1 +1 @@\n-1\n+one\n"


def test_another_tree_and_another_patch_directory(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "patches").rename(tree.parent / "queue")
    elsewhere = tree.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    options = ("--repo", str(tree), "--series", str(tree.parent / "queue"))
    assert said("push", "-qa", *options) == "Applying patch a.patch\nApplying patch b.patch\nNow at patch b.patch\n"
    assert said("top", "--repo", str(tree)) == "b.patch\n"
    other = tree.parent / "other"
    other.mkdir()
    code, (line,) = refused("top", "--repo", str(tree), "--series", str(other))
    assert (code, "are applied here; pop them before" in line) == (1, True)


def test_a_pinned_series_is_pushed_with_its_source(kernel: Kernel) -> None:
    tree = kernel.series.parents[1] / "tree"
    for name in ("net/mptcp/protocol.c", "net/ipv4/tcp.c"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content(kernel, kernel.old, name))
    options = ("--repo", "tree", "--series", "series/q")
    assert run("push", "-a", *options).err.startswith("mptcp-series: error: ")
    assert run("push", "-a", *options).code == 3
    assert said("push", "-qa", *options, "--source", "linux.git").endswith("Now at patch new.patch\n")
    for name in ("net/mptcp/protocol.c", "net/ipv4/tcp.c", "net/mptcp/pm.c"):
        assert (tree / name).read_bytes() == content(kernel, kernel.new, name)
    outcome = run("pop", "-a", *options)
    assert outcome.code == 1
    assert "whether it is as the patch says cannot be told without its source (--source)" in outcome.err
    assert said("pop", "-qa", *options, "--source", "linux.git").endswith("No patches applied\n")
    assert not (tree / "net/mptcp/pm.c").exists()
    assert (tree / "net/ipv4/tcp.c").read_bytes() == content(kernel, kernel.old, "net/ipv4/tcp.c")


def test_a_pinned_merge_is_read_with_the_recipe_beside_the_series(kernel: Kernel) -> None:
    """Its patch is what the merge did to owned paths; without a recipe nobody knows which these are."""
    git = kernel.source.git
    index = pygit2.Index()
    index.read_tree(git[kernel.counter].peel(pygit2.Tree))
    files = {"net/mptcp/evil.c": b"evil\n", "net/ipv4/evil.c": b"evil\n"}
    for name, data in files.items():
        index.add(pygit2.IndexEntry(name, git.create_blob(data), pygit2.enums.FileMode.BLOB))
    person = pygit2.Signature("A U Thor", "author@example.org", 1_600_000_000, 60)
    parents = [kernel.counter, kernel.old]
    merge = git.create_commit(None, person, person, "Merge x\n", index.write_tree(git), parents)
    (kernel.series / "series").write_text(f"counter.patch # {kernel.counter}\nmerge.patch # {merge}\n")
    tree = kernel.series.parents[1] / "tree"
    (tree / "net/mptcp").mkdir(parents=True)
    (tree / "net/mptcp/protocol.c").write_bytes(content(kernel, kernel.old, "net/mptcp/protocol.c"))
    options = ("--repo", "tree", "--series", "series/q", "--source", "linux.git")
    recipe = (kernel.series / "recipe.toml").read_bytes()
    (kernel.series / "recipe.toml").unlink()
    outcome = run("push", "-a", *options)
    assert (outcome.code, outcome.err) == (
        1,
        f"mptcp-series: error: {kernel.series}/series:2: merge.patch is pinned to {merge}, a merge, and its patch is "
        "what it did itself to the paths the queue owns; these are named in "
        f"{kernel.series}/recipe.toml, which is not there: put the queue's recipe there\n",
    )
    (kernel.series / "recipe.toml").write_bytes(recipe)
    assert said("push", "-qa", *options).endswith("Now at patch merge.patch\n")
    assert (tree / "net/mptcp/evil.c").read_bytes() == b"evil\n"
    assert not (tree / "net/ipv4").exists()
    assert said("files", *options) == "net/mptcp/evil.c\n"


def test_a_pinned_patch_that_is_refreshed_is_a_file_then(kernel: Kernel) -> None:
    tree = kernel.series.parents[1] / "tree"
    (tree / "net/mptcp").mkdir(parents=True)
    (tree / "net/mptcp/protocol.c").write_bytes(content(kernel, kernel.old, "net/mptcp/protocol.c"))
    options = ("--repo", "tree", "--series", "series/q", "--source", "linux.git")
    said("push", *options)
    assert said("refresh", *options) == "Patch counter.patch is unchanged\n"
    assert not (kernel.series / "counter.patch").exists()
    file = tree / "net/mptcp/protocol.c"
    file.write_text(file.read_text().replace("int counter;", "long counter;"))
    assert said("refresh", *options) == "Refreshed patch counter.patch\n"
    written = (kernel.series / "counter.patch").read_text()
    assert f"\ncommit {kernel.counter} upstream.\n" in written
    assert "+long counter;\n" in written
    assert (kernel.series / "series").read_text().splitlines()[0] == f"counter.patch # from {kernel.counter}"


def test_import_has_both_its_meanings(tree: Path) -> None:
    said("push", "-qa")
    said("import", "patches/a.patch", "-P", "again.patch")
    assert said("series") == "a.patch\nb.patch\nagain.patch\n"
    assert said("import", "quilt", "patches", "--series", "made") == "3 patches, 4 files in made\n"
    outcome = run("import", "quilt", "patches")
    assert (outcome.code, "Missing option '--series'" in outcome.err) == (2, True)
    outcome = run("import", "quilt", "patches", "--series", "made", "-f")
    assert (outcome.code, "go with patches" in outcome.err) == (2, True)
    assert refused("import", "none.patch") == (1, ["Patch none.patch does not exist"])
    assert refused("import", "patches/b.patch") == (1, ["Patch b.patch is applied"])


def test_colours(tree: Path) -> None:
    said("push")
    result = CliRunner().invoke(cli, ["series", "--color"], prog_name="mptcp-series")
    assert result.stdout == "\x1b[33ma.patch\x1b[0m\nb.patch\n"
    result = CliRunner().invoke(cli, ["diff", "--color=always", "--no-index"], prog_name="mptcp-series")
    assert "\x1b[36m+one\x1b[0m" in result.stdout
    assert said("diff", "--color=auto", "--no-index") == A
