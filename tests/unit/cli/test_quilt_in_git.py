# SPDX-License-Identifier: MIT
"""Patches in the middle of a queue in git: edited, refreshed, split, folded, moved; told before anything is written."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mptcp_series.engine.directory import changes, durable, journal, rooted
from mptcp_series.engine.queue import JOURNAL
from mptcp_series.engine.replay.item import item_from_patch
from mptcp_series.engine.store import files
from mptcp_series.values.override import Override

from .conftest import MAKEFILE, Kernel, Outcome, Repository, run

STAYS = (
    "nothing was written, and the edit stays: edit on, or say --leave-conflicts and answer them with "
    "`mptcp-series resolve`"
)

LINES = b"".join(b"int line%d;\n" % number for number in range(1, 41))
NAMES = ("one.patch", "two.patch", "three.patch")


def edited(data: bytes, **lines: str) -> bytes:
    for name, text in lines.items():
        data = data.replace(b"int %s;\n" % name.encode(), f"{text}\n".encode())
    return data


class Queue:
    """Three commits of two files, pinned or as files, on v5.10 and in no alignment."""

    def __init__(self, work: Path) -> None:
        self.git = Repository.make(work / "linux.git")
        self.f, self.g = LINES, LINES.replace(b"line", b"other")
        self.base = self.git.commit("main", "Linux 5.10\n", {"Makefile": MAKEFILE, "f": self.f, "g": self.g})
        self.commits = [
            self.commit("one: begin\n\nWhy.\n", f=edited(self.f, line5="one")),
            self.commit("two: both\n", f=edited(self.f, line5="one", line20="two"), g=edited(self.g, other5="two")),
            self.commit("three: end\n", f=edited(self.f, line5="one", line20="two", line35="three")),
        ]
        self.series = work / "series" / "q"
        self.series.mkdir(parents=True)
        pins = zip(NAMES, self.commits, strict=True)
        self.write("# a queue\n" + "".join(f"{name} # {commit}\n" for name, commit in pins))
        (work / "mptcp-series.toml").write_text('source = "linux.git"\nrepo = "linux.git"\nbase = "v5.10"\n')
        self.git.tag("v5.10", self.base)
        self.place = work / ".mptcp-series/edit/q/tree"

    def commit(self, message: str, **files: bytes) -> str:
        return self.git.commit("main", message, files)

    def write(self, text: str) -> None:
        (self.series / "series").write_text(text)

    def materialise(self) -> None:
        """Files in place of the pins."""
        assert run("export", "--to", "made").code == 0
        for name in NAMES:
            (self.series / name).write_bytes(Path("made", name).read_bytes())
        self.write("# a queue\n" + "".join(f"{name}\n" for name in NAMES))

    def result(self) -> dict[str, str]:
        document = json.loads(run("check", "--json").out)
        assert not any(patch["conflicts"] for patch in document["patches"]), document
        return {patch["name"]: patch["status"] for patch in document["patches"]}

    def tree(self) -> str:
        tree = json.loads(run("check", "--json").out)["result"]["tree"]
        assert isinstance(tree, str)
        return tree

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.series.iterdir())}

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.place / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


@pytest.fixture
def queue(work: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    return Queue(work)


def said(*arguments: str) -> list[str]:
    outcome = run(*arguments)
    assert (outcome.code, outcome.err) == (0, ""), outcome
    return outcome.out.splitlines()


def errors(outcome: Outcome) -> list[str]:
    return [line.removeprefix("mptcp-series: error: ") for line in outcome.err.splitlines()]


def test_the_tree_at_a_patch_is_laid_out(queue: Queue) -> None:
    assert said("edit", "two")[-1] == "two.patch on v5.10: edit these files, then `mptcp-series refresh`"
    assert sorted(path.name for path in queue.place.iterdir()) == ["f", "g"]
    assert (queue.place / "f").read_bytes() == edited(queue.f, line5="one", line20="two")


def test_an_edit_goes_into_a_pinned_patch_which_is_a_file_then(queue: Queue) -> None:
    said("edit", "two.patch")
    queue.edit("g", "two", "zwei")
    assert said("refresh") == [
        "wrote two.patch",
        "wrote series",
        "two.patch is a patch file now, and no pin any more",
        "3 patches replayed on v5.10; 2 files written",
    ]
    files = queue.files()
    assert sorted(files) == ["series", "two.patch"]
    assert files["series"].decode() == (
        f"# a queue\none.patch # {queue.commits[0]}\ntwo.patch # from {queue.commits[1]}\n"
        f"three.patch # {queue.commits[2]}\n"
    )
    assert b"\ncommit %s upstream.\n" % queue.commits[1].encode() in files["two.patch"]
    assert b"+zwei\n" in files["two.patch"]
    assert queue.result() == dict.fromkeys(NAMES, "clean")
    assert not queue.place.exists()


def test_an_edit_goes_into_a_patch_file_and_the_rest_of_it_stays(queue: Queue) -> None:
    queue.materialise()
    before = queue.files()
    said("edit", "two")
    queue.edit("g", "two", "zwei")
    assert said("refresh") == ["wrote two.patch", "3 patches replayed on v5.10; 1 file written"]
    after = queue.files()
    assert {name for name in before if before[name] != after[name]} == {"two.patch"}
    head, tail = before["two.patch"].split(b"diff --git a/g b/g\n")
    assert after["two.patch"].startswith(head)
    assert after["two.patch"].endswith(tail[-20:].replace(b"two", b"zwei"))


def test_later_patch_files_are_brought_along_where_they_no_longer_stand(queue: Queue) -> None:
    queue.materialise()
    said("edit", "one")
    queue.edit("f", "int line22;\n", "int line22;\nint more;\n")
    assert said("refresh") == [
        "wrote one.patch",
        "wrote two.patch",
        "two.patch: clean before, merged now",
        "three.patch: clean before, offset now",
        "3 patches replayed on v5.10; 2 files written",
    ]
    tree = queue.tree()
    # What was written pushes without a merge: the files alone lead to the result.
    Path("tree").mkdir()
    Path("tree/f").write_bytes(queue.f)
    Path("tree/g").write_bytes(queue.g)
    assert run("push", "-qa", "--repo", "tree", "--series", str(queue.series)).code == 0
    assert queue.tree() == tree


def test_a_conflict_further_on_is_told_and_nothing_is_written(queue: Queue) -> None:
    said("edit", "one")
    queue.edit("f", "int line20;\n", "long line20;\n")
    before = queue.files()
    outcome = run("refresh")
    assert (outcome.code, errors(outcome)) == (1, ["conflict: two.patch: f", STAYS])
    assert queue.files() == before
    assert (queue.place / "f").exists(), "the edit stays"


def test_an_edit_as_an_override(queue: Queue) -> None:
    said("edit", "two")
    queue.edit("g", "two", "zwei")
    before = queue.files()
    outcome = run("refresh", "--override")
    assert (outcome.code, errors(outcome)) == (2, ["--override needs --reason TEXT: why, for whoever reviews it"])
    said("refresh", "--override", "--reason", "it is German")
    assert queue.files() == before
    (path,) = Path("overrides/q").iterdir()
    override = Override.parse(path.read_bytes(), str(path))
    assert (path.name, override.patch, override.reason) == ("two.patch", "two: both", "it is German")
    assert override.commit == queue.commits[1]
    assert b"+zwei\n" in override.diff
    assert b"# Made by editing on Linux 5.10.0.\n" in path.read_bytes()
    assert queue.result()["two.patch"] == "overridden"


def test_an_override_in_force_is_edited_in_place(queue: Queue) -> None:
    for text in ("zwei", "deux"):
        said("edit", "two")
        queue.edit("g", "two" if text == "zwei" else "zwei", text)
        if text == "deux":
            outcome = run("refresh")
            assert outcome.code == 2
            assert "two.patch has an override in force, q/two.patch" in outcome.err
        said("refresh", "--override", "--reason", text)
    (path,) = Path("overrides/q").iterdir()
    assert b"+deux\n" in path.read_bytes()


def test_nothing_edited_is_nothing_to_do(queue: Queue) -> None:
    said("edit", "two")
    assert said("refresh") == ["Patch two.patch is unchanged; `edit --abort` ends the edit"]
    assert said("edit", "--abort")[0].startswith("gave the edit in ")
    assert not queue.place.exists()
    outcome = run("refresh")
    assert (outcome.code, "no edit is under way" in outcome.err) == (2, True)


def test_other_files_are_taken_when_that_is_said(queue: Queue) -> None:
    said("edit", "three", "--add", "g")
    (queue.place / "new").write_text("new\n")
    queue.edit("g", "int other40;", "int last;")
    outcome = run("refresh")
    assert (outcome.code, errors(outcome)) == (
        1,
        [f"{queue.place}/new: not a file of the patch; take it away, or say --add new"],
    )
    said("refresh", "--add", "new")
    written = queue.files()["three.patch"]
    assert [line for line in written.splitlines() if line.startswith(b"diff")] == [
        b"diff --git a/f b/f",
        b"diff --git a/g b/g",
        b"diff --git a/new b/new",
    ]


def test_an_edit_of_another_queue_is_stale(queue: Queue) -> None:
    said("edit", "two")
    queue.edit("g", "two", "zwei")
    queue.write((queue.series / "series").read_text() + "# changed\n")
    outcome = run("refresh")
    assert (outcome.code, "stale: the series in" in outcome.err) == (2, True)
    assert b"zwei" in (queue.place / "g").read_bytes()


def test_a_damaged_state_is_refused(queue: Queue) -> None:
    said("edit", "two")
    state = queue.place.parent / "state.json"
    state.write_text(state.read_text().replace('"two.patch"', '"one.patch"'))
    outcome = run("refresh")
    assert (outcome.code, "state.json: changed by hand or cut off" in outcome.err) == (2, True)


def test_a_second_edit_and_a_foreign_directory_are_refused(queue: Queue) -> None:
    said("edit", "two")
    assert "an edit is under way" in run("edit", "one").err
    Path("mine").mkdir()
    Path("mine/work").write_text("mine")
    outcome = run("edit", "one", "--dir", "mine")
    assert (outcome.code, "is not empty, and no edit made it" in outcome.err) == (2, True)


def test_a_checkout_of_the_base_serves_too(queue: Queue) -> None:
    place = Path("checkout")
    place.mkdir()
    for name, data in (("f", queue.f), ("g", queue.g), ("Makefile", MAKEFILE)):
        (place / name).write_bytes(data)
    said("edit", "two", "--worktree", "checkout")
    assert (place / "f").read_bytes() == edited(queue.f, line5="one", line20="two")
    (place / "g").write_bytes((place / "g").read_bytes().replace(b"two", b"zwei"))
    assert said("refresh", "--dir", "checkout")[0] == "wrote two.patch"
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {
        "f": queue.f,
        "g": queue.g,
        "Makefile": MAKEFILE,
    }


def test_an_edit_in_a_checkout_is_not_written_over(queue: Queue) -> None:
    place = Path("checkout")
    place.mkdir()
    (place / "f").write_text("mine\n")
    (place / "g").write_bytes(queue.g)
    outcome = run("edit", "two", "--worktree", "checkout")
    assert (outcome.code, "is not as v5.10 has it" in outcome.err) == (2, True)
    assert (place / "f").read_text() == "mine\n"


def test_a_patch_that_is_not_reached_or_not_there(queue: Queue) -> None:
    outcome = run("edit", "none")
    assert (outcome.code, "no patch 'none' in the series" in outcome.err) == (2, True)
    queue.commit("vendor\n", f=edited(queue.f, line5="vendor"))
    queue.git.git.references.create("refs/tags/bsp", queue.git.branches()["main"], force=True)
    outcome = run("edit", "three", "--base", "bsp")
    assert outcome.code == 1
    assert errors(outcome)[-1] == "three.patch is not reached; `mptcp-series resolve` answers the first conflict"


def test_a_patch_of_which_nothing_is_left_on_the_base(queue: Queue) -> None:
    queue.git.tag("later", queue.commits[0])
    outcome = run("edit", "one", "--base", "later")
    assert outcome.code == 2
    assert "one.patch is upstream on later: nothing of it is left to edit there" in outcome.err


@pytest.mark.parametrize("pinned", [True, False])
def test_split_by_files(queue: Queue, pinned: bool) -> None:
    if not pinned:
        queue.materialise()
    before = queue.tree()
    said("split", "two", "both.patch", "--file", "g", "--subject", "two: the other")
    files = queue.files()
    assert b"diff --git a/f b/f" in files["two.patch"]
    assert b"diff --git a/g b/g" not in files["two.patch"]
    assert b"diff --git a/g b/g" in files["both.patch"]
    assert b"Subject: [PATCH] two: the other\n" in files["both.patch"]
    assert [line.split()[0] for line in files["series"].decode().splitlines()[1:]] == [
        "one.patch",
        "two.patch",
        "both.patch",
        "three.patch",
    ]
    assert queue.tree() == before


def test_split_by_hunks(queue: Queue) -> None:
    queue.commit("four: twice\n", g=edited(queue.g, other5="two", other20="a", other35="b"))
    pin = queue.git.branches()["main"]
    queue.write((queue.series / "series").read_text() + f"four.patch # {pin}\n")
    run("edit", "four")
    from mptcp_series.values.hunk import Hunk, hunk_ids
    from mptcp_series.values.patch import Patch

    said("edit", "--abort")
    said("export", "--to", "made")
    hunks: tuple[Hunk, ...] = Patch.parse(Path("made/four.patch").read_bytes(), "p").changes[0].hunks
    before = queue.tree()
    said("split", "four", "five.patch", "--hunk", f"g#{hunk_ids(hunks)[1]}")
    files = queue.files()
    assert (b"+a\n" in files["four.patch"], b"+b\n" in files["four.patch"]) == (True, False)
    assert (b"+a\n" in files["five.patch"], b"+b\n" in files["five.patch"]) == (False, True)
    assert queue.tree() == before


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("two", "n.patch"), "name what goes to the new patch, with --file or --hunk; `split two` lists the hunks"),
        (("two", "three.patch", "--file", "g"), "three.patch exists already"),
        (("one", "n.patch", "--file", "f"), "one of the two would be empty: all of one.patch is named"),
        (("two", "n.patch", "--hunk", "g"), "'g': --file takes a file, --hunk takes FILE#ID"),
    ],
)
def test_splits_that_are_none(queue: Queue, arguments: tuple[str, ...], line: str) -> None:
    before = queue.files()
    outcome = run("split", *arguments)
    assert (outcome.code, errors(outcome)) == (2, [line])
    assert queue.files() == before


@pytest.mark.parametrize("pinned", [True, False])
def test_fold(queue: Queue, pinned: bool) -> None:
    if not pinned:
        queue.materialise()
    before = queue.tree()
    said("fold", "three", "--into", "one")
    files = queue.files()
    assert b"+one\n" in files["one.patch"]
    assert b"+three\n" in files["one.patch"]
    assert [line.split()[0] for line in files["series"].decode().splitlines()[1:]] == ["one.patch", "two.patch"]
    assert ("three.patch" in files) is not pinned, "its file stays"
    assert queue.tree() == before


def test_a_fold_that_collides_on_the_way_is_told(queue: Queue) -> None:
    queue.commit("four: again\n", f=edited(queue.f, line5="one", line20="zwei", line35="three"))
    pin = queue.git.branches()["main"]
    queue.write((queue.series / "series").read_text() + f"four.patch # {pin}\n")
    before = queue.files()
    outcome = run("fold", "four", "--into", "one")
    assert outcome.code == 1
    assert errors(outcome)[-1] == "four.patch cannot be brought to one.patch; nothing was written"
    assert any(line.startswith("conflict: ") for line in errors(outcome))
    assert queue.files() == before


def test_reorder_takes_comments_along(queue: Queue) -> None:
    lines = (queue.series / "series").read_text().splitlines(keepends=True)
    queue.write("".join([*lines[:3], "# prerequisite: it is one\n", lines[3]]))
    before = queue.tree()
    assert said("reorder", "three", "--before", "one")[0] == "wrote series"
    assert (queue.series / "series").read_text() == "".join(
        [lines[0], "# prerequisite: it is one\n", lines[3], lines[1], lines[2]]
    )
    assert queue.tree() == before


def test_a_reorder_that_collides_is_told_and_nothing_is_written(queue: Queue) -> None:
    queue.commit("four: again\n", f=edited(queue.f, line5="one", line20="zwei", line35="three"))
    pin = queue.git.branches()["main"]
    queue.write((queue.series / "series").read_text() + f"four.patch # {pin}\n")
    before = queue.files()
    outcome = run("reorder", "four", "--before", "two")
    assert (outcome.code, errors(outcome)[-1]) == (1, "nothing was written")
    assert queue.files() == before


def test_where_patches_are_applied_the_verbs_are_quilts(queue: Queue) -> None:
    Path("patches").mkdir()
    Path("f").write_text("1\n")
    Path("patches/a.patch").write_text("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+one\n")
    Path("patches/series").write_text("a.patch\n")
    said("edit", "two")
    said("edit", "--abort")
    said("push")
    assert said("refresh") == ["Patch a.patch is unchanged"]
    outcome = run("edit", "patches/x")
    assert (outcome.code, errors(outcome)) == (1, ["File patches/x is located below patches/"])


def test_an_edit_on_an_aligned_base(kernel: Kernel) -> None:
    options = ("--source", "linux.git", "--repo", "linux.git", "--series", "series/q")
    said("edit", "hook", *options, "--base", "v5.10")
    file = Path(".mptcp-series/edit/q/tree/net/mptcp/protocol.c")
    file.write_text(file.read_text().replace("int hooked;", "int hooks;"))
    said("refresh", *options)
    assert "+int hooks;" in (kernel.series / "hook.patch").read_text()


def more_patches(queue: Queue, count: int = 8) -> None:
    """Patches behind the others, each in lines of its own."""
    lines = {"line5": "one", "line20": "two", "line35": "three"}
    pins = []
    for number in range(count):
        lines[f"line{7 + number * 2 if number < 6 else number * 4}"] = f"more{number}"
        queue.commit(f"more {number}\n", f=edited(queue.f, **lines))
        pins.append(f"more{number}.patch # {queue.git.branches()['main']}\n")
    queue.write((queue.series / "series").read_text() + "".join(pins))


def test_many_patches_that_stand_elsewhere_are_counted(queue: Queue) -> None:
    more_patches(queue)
    said("edit", "one")
    queue.edit("f", "int line1;\n", "int line0;\nint line1;\n")
    assert said("refresh")[3:] == [
        "10 patches: clean before, offset now (-v names them)",
        "11 patches replayed on v5.10; 2 files written",
    ]
    said("edit", "one")
    queue.edit("f", "int line0;\nint line1;\n", "int line1;\n")
    assert said("refresh")[1:] == [
        "10 patches: offset before, clean now (-v names them)",
        "11 patches replayed on v5.10; 1 file written",
    ]


def test_all_of_them_are_named_when_asked_for(queue: Queue) -> None:
    more_patches(queue)
    said("edit", "one")
    queue.edit("f", "int line1;\n", "int line0;\nint line1;\n")
    lines = run("refresh", "-v").out.splitlines()
    assert [line for line in lines if line.endswith("clean before, offset now")] == [
        f"{name}: clean before, offset now" for name in (*NAMES[1:], *(f"more{number}.patch" for number in range(8)))
    ]


def test_quiet_verbs_say_nothing(queue: Queue) -> None:
    assert said("edit", "-q", "two") == []
    assert said("refresh", "-q") == []
    queue.edit("g", "two", "zwei")
    assert said("refresh", "-q") == []
    assert said("reorder", "-q", "three", "--before", "one") == []
    assert said("edit", "-q", "one") == []
    assert said("edit", "-q", "--abort") == []


def test_what_collides_is_shown_when_asked_for(queue: Queue) -> None:
    said("edit", "one")
    queue.edit("f", "int line20;\n", "long line20;\n")
    outcome = run("refresh", "-v")
    assert outcome.code == 1
    assert "conflict in two.patch\n  f" in outcome.out
    assert "long line20;" in outcome.out
    assert "resolve" not in outcome.out, "there is nothing to resolve yet"


def test_what_collides_as_a_document(queue: Queue) -> None:
    tree = queue.tree()
    said("edit", "one")
    queue.edit("f", "int line20;\n", "long line20;\n")
    outcome = run("refresh", "--json")
    assert outcome.code == 1
    assert json.loads(outcome.out) == {
        "schema": 1,
        "command": "refresh",
        "files": [],
        "reasons": ["conflict: two.patch: f"],
        "tree": tree,
    }


@pytest.mark.parametrize("override", [True, False])
def test_conflicts_may_be_left_and_resolved(queue: Queue, override: bool) -> None:
    said("edit", "one")
    queue.edit("f", "int line20;\n", "long line20;\n")
    how = ("--override", "--reason", "it is long") if override else ()
    outcome = run("refresh", "--leave-conflicts", *how)
    assert (outcome.code, errors(outcome)) == (
        1,
        ["conflict: two.patch: f", "the edit is written; `mptcp-series resolve` opens the first conflict"],
    )
    assert not queue.place.exists()
    assert (Path("overrides/q/one.patch").is_file(), "one.patch" in queue.files()) == (override, not override)
    run("resolve")
    answer = Path(".mptcp-series/resolve/q/tree/f")
    before, _, rest = answer.read_text().partition("<<<<<<<")
    answer.write_text(before + "long two;\n" + rest.partition(">>>>>>> two.patch\n")[2])
    assert run("resolve", "--done", "--reason", "both").code == 0
    assert queue.result() == {
        "one.patch": "overridden" if override else "clean",
        "two.patch": "overridden",
        "three.patch": "offset",
    }


def test_the_hunks_of_a_patch_are_listed(queue: Queue) -> None:
    lines = said("split", "two")
    assert [line.partition("#")[0] for line in lines] == ["f", "g"]
    assert lines[0].partition(" ")[2] == "@@ -17,7 +17,7 @@ int line16;"
    (f, g) = json.loads(run("split", "two", "--json").out)["hunks"]
    assert (f["path"], f"g#{g['hunk']} {g['header']}") == ("f", lines[1])
    said("split", "two", "n.patch", "--hunk", lines[0].partition(" ")[0])
    assert b"diff --git a/f b/f" in queue.files()["n.patch"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("two", "n.patch", "--file", "h"), "two.patch does not touch h; it touches f, g"),
        (("two", "n.patch", "--hunk", "g#000000000000"), "g#000000000000: the patch has no such hunk there; it has "),
        (("two", "--file", "g"), "name the new patch behind PATCH: `split PATCH NEW --file FILE`"),
    ],
)
def test_parts_that_are_not_there(queue: Queue, arguments: tuple[str, ...], line: str) -> None:
    outcome = run("split", *arguments)
    assert outcome.code == 2
    assert errors(outcome)[0].startswith(line)


def test_what_is_no_line_of_the_series_cannot_be_edited(kernel: Kernel) -> None:
    on = kernel.on("v5.10")
    changed = kernel.source.commit(
        "vendor", "vendor: mine\n", {"net/mptcp/protocol.c": b"int mine;\n"}, kernel.source.branches()["stable"]
    )
    kernel.source.tag("mine", changed)
    for arguments in (
        ("edit", "align-to-v5.10"),
        ("reorder", "counter", "--before", "align-to-v5.10"),
    ):
        outcome = run(*arguments, *on[:-2], "--repo", "linux.git", "--base", "mine")
        assert outcome.code == 2
        assert "align-to-v5.10.patch is no line of " in outcome.err
        assert "every run makes it anew from the base (align)" in outcome.err


def test_of_a_patch_not_reached_only_what_is_in_its_way_is_told(queue: Queue) -> None:
    queue.commit("vendor\n", f=edited(queue.f, line5="vendor", line35="too"))
    queue.git.git.references.create("refs/tags/bsp", queue.git.branches()["main"], force=True)
    assert len(errors(run("check", "--base", "bsp", "-q"))) == 2
    assert errors(run("edit", "two", "--base", "bsp")) == [
        "conflict: one.patch: f",
        "two.patch is not reached; `mptcp-series resolve` answers the first conflict",
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("edit",), "name one patch of the queue, `edit PATCH`; `edit FILE...` is for a tree with applied patches"),
        (("edit", "one", "two"), "name one patch of the queue, `edit PATCH`; `edit FILE...` is for a tree with"),
        (("refresh", "two"), "in git, `refresh` takes the patch that `edit` laid out; it is not named"),
        (("refresh", "--dir", "a", "--worktree", "b"), "--dir and --worktree exclude each other"),
    ],
)
def test_usage_in_git_is_bad_input(queue: Queue, arguments: tuple[str, ...], line: str) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    assert errors(outcome)[0].startswith(line)


def test_a_file_that_was_not_laid_out_is_not_taken_away(queue: Queue) -> None:
    said("edit", "three")
    queue.edit("f", "three", "drei")
    before = queue.files()
    outcome = run("refresh", "--add", "g")
    assert outcome.code == 2
    assert "tree/g: no such file" in outcome.err
    assert "`edit three.patch --add g` lays out a file that the tree has" in outcome.err
    assert queue.files() == before
    outcome = run("edit", "three", "--dir", "other", "--add", "new")
    assert "make it after `edit`, and say `refresh --add new`" in outcome.err


def test_a_patch_of_which_nothing_is_left_as_an_override(queue: Queue) -> None:
    said("edit", "three")
    queue.edit("f", "three", "int line35;")
    outcome = run("refresh")
    assert outcome.code == 2
    assert "nothing is left in three.patch; take its line out of" in outcome.err
    said("refresh", "--override", "--reason", "not here")
    assert queue.result()["three.patch"] == "skipped"


def checkout(queue: Queue) -> Path:
    place = Path("checkout")
    place.mkdir()
    for name, data in (("f", queue.f), ("g", queue.g), ("Makefile", MAKEFILE)):
        (place / name).write_bytes(data)
    return place


def test_of_a_checkout_only_the_files_of_the_patch_are_named(queue: Queue) -> None:
    checkout(queue)
    assert said("edit", "three", "--worktree", "checkout") == [
        "checkout/f",
        "1 more file of the queue below it laid out",
        "three.patch on v5.10: edit these files, then `mptcp-series refresh --dir checkout`",
    ]
    said("refresh", "--worktree", "checkout")


def test_a_checkout_is_put_back_whatever_became_of_the_queue(queue: Queue) -> None:
    place = checkout(queue)
    said("edit", "two", "--worktree", "checkout")
    (place / "g").write_text("mine\n")
    queue.write("# another\n" + (queue.series / "series").read_text())
    outcome = run("refresh", "--worktree", "checkout")
    assert (outcome.code, "copy what you need, `edit --abort`, and begin anew" in outcome.err) == (2, True)
    said("edit", "--abort", "--worktree", "checkout")
    assert [(place / name).read_bytes() for name in ("f", "g")] == [queue.f, queue.g]


def test_a_checkout_lacks_files_of_the_queue(queue: Queue) -> None:
    (checkout(queue) / "g").unlink()
    outcome = run("edit", "two", "--worktree", "checkout")
    assert outcome.code == 2
    assert "checkout/g is not there" in outcome.err
    assert "`git sparse-checkout add` brings directories that were left out" in outcome.err


def test_an_edit_with_a_damaged_state_can_be_given_up(queue: Queue) -> None:
    said("edit", "two")
    (queue.place.parent / "state.json").write_text("{")
    said("edit", "--abort")
    assert not queue.place.parent.exists()


def test_a_fold_reads_the_queue_no_oftener_than_it_replays_it(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.materialise()
    read = []

    def counting(*arguments: Any, **options: Any) -> Any:
        read.append(arguments[1].name)
        return item_from_patch(*arguments, **options)

    monkeypatch.setattr("mptcp_series.engine.queue.item_from_patch", counting)
    said("fold", "three", "--into", "one")
    # Three replays, and each of the two patches once where it was and once where it was brought to.
    assert Counter(read) == {"one.patch": 4, "two.patch": 3, "three.patch": 4}


class Killed(BaseException):
    pass


class Dying:
    """The `os` module until the n-th call that changes anything; from then on nothing works, as after SIGKILL."""

    CHANGES = frozenset({"mkdir", "rmdir", "unlink", "rename", "replace", "fsync", "symlink"})

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        if name not in self.CHANGES:
            return real

        def call(*arguments: object, **options: object) -> object:
            self.left -= 1
            if self.left < 0:
                raise Killed
            return real(*arguments, **options)

        return call


def killed(calls: int, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> bool:
    """Whether a verb died at that call."""
    dying = Dying(calls)
    with monkeypatch.context() as patched:
        for module in (changes, durable, files, journal, rooted, shutil):
            if hasattr(module, "os"):
                patched.setattr(module, "os", dying)
        try:
            run(*arguments)
        except Killed:
            return True
    return False


def test_a_refresh_killed_anywhere_is_gone_on_with(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.materialise()
    before = queue.files()
    said("edit", "one")
    queue.edit("f", "int line22;\n", "int line22;\nint more;\n")
    shutil.copytree(queue.place.parent, "begun")
    said("refresh")
    after = queue.files()
    assert {name for name in after if before[name] != after[name]} == {"one.patch", "two.patch"}
    seen = set()
    for calls in itertools.count():
        for name, data in before.items():
            (queue.series / name).write_bytes(data)
        shutil.copytree("begun", queue.place.parent, dirs_exist_ok=True)
        if not killed(calls, monkeypatch, "refresh"):
            break
        halves = (queue.series / JOURNAL).exists()
        outcome = run("check", "-q")
        assert outcome.code == (3 if halves else 0)
        assert ("a run was killed while it wrote here" in outcome.err) is halves
        outcome = run("refresh")
        seen.add((halves, outcome.code, outcome.out.splitlines()[0] if outcome.out else ""))
        if outcome.code:
            # It was cut short when all was written, and the edit was being cleared away.
            assert "`mptcp-series edit --abort` takes it away" in outcome.err or "no edit is under way" in outcome.err
        if (queue.place.parent / "state.json").exists():
            assert "edit --abort" in outcome.err
            said("edit", "--abort")
        assert queue.files() == after, calls
        assert not queue.place.exists()
    assert {(halves, code) for halves, code, _ in seen} >= {(True, 0), (False, 0), (False, 2)}
    assert "one.patch has the edit already: a run that had written it was killed" in {line for *_, line in seen}


def test_a_split_killed_anywhere_is_done_or_undone(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.materialise()
    before = queue.files()
    tree = queue.tree()
    seen = set()
    for calls in itertools.count():
        for path in queue.series.iterdir():
            path.unlink()
        for name, data in before.items():
            (queue.series / name).write_bytes(data)
        if not killed(calls, monkeypatch, "split", "two", "n.patch", "--file", "g"):
            break
        if (queue.series / JOURNAL).exists():
            outcome = run("refresh")
            assert (outcome.code, "warning: a run was killed while it wrote" in outcome.err) == (0, True)
        seen.add("n.patch" in queue.files())
        assert queue.tree() == tree
    assert seen == {True, False}


def test_an_edit_that_was_not_laid_out_whole_is_none(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for calls in itertools.count():
        if not killed(calls, monkeypatch, "edit", "two"):
            break
        outcome = run("refresh")
        seen.add((outcome.code, errors(outcome)[0].partition(": ")[2]))
        assert queue.files().keys() == {"series"}
        if queue.place.parent.exists() and (queue.place.parent / "state.json").exists():
            said("edit", "--abort")
        shutil.rmtree(queue.place.parent, ignore_errors=True)
    cut = "laying the edit out, or putting it back, was cut short; `mptcp-series edit --abort` takes it away"
    assert (2, cut) in seen


def test_a_checkout_that_was_not_put_back_whole_is_no_edit(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    place, series = checkout(queue), (queue.series / "series").read_text()
    seen = set()
    for calls in itertools.count():
        said("edit", "two", "--worktree", "checkout")
        (place / "g").write_text("mine\n")
        if not killed(calls, monkeypatch, "edit", "--abort", "--worktree", "checkout"):
            break
        outcome = run("refresh", "--worktree", "checkout")
        if outcome.code:
            assert "putting it back, was cut short" in outcome.err
            said("edit", "--abort", "--worktree", "checkout")
        else:
            # It had not begun to give the edit up.
            assert b"+mine\n" in queue.files()["two.patch"]
            (queue.series / "two.patch").unlink()
            queue.write(series)
        seen.add(outcome.code)
        assert [(place / name).read_bytes() for name in ("f", "g")] == [queue.f, queue.g]
    assert seen == {0, 2}
