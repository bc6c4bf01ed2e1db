# SPDX-License-Identifier: MIT
"""A directory of exported patches brought to another base: it leads to the result, and what need not change stays."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pygit2
import pytest

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.rebase import Rebase, rebase
from mptcp_series.engine.result import Result
from mptcp_series.errors import BadInput, BadPatch, BadSeries
from mptcp_series.values.result import EntryKind, Status

from .conftest import MAKEFILE, Content, Lab, numbered
from .stable_lab import CORE, PM, TCP, Kernel
from .test_rebase import DONE_CONTEXT, Story

Directory = dict[str, bytes]


def contents(directory: Path) -> Directory:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def changed(before: Directory, after: Directory) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def pushed(directory: Path, repo: str, base: str) -> Result:
    """What the patches lead to, placed by their hunks alone and at fuzz 0, as quilt does."""
    copy = directory.with_name(directory.name + "-copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(directory, copy)
    (copy / "recipe.toml").unlink(missing_ok=True)
    for path in copy.rglob("*.patch"):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not re.match(rb"index [0-9a-f]+\.\.[0-9a-f]+( \d+)?$", line.rstrip())]
        path.write_bytes(b"".join(kept))
    result = Queue.load(copy).apply(repo, base=base, align=False).require()
    assert {patch.status for patch in result.patches} <= {Status.CLEAN, Status.OFFSET}
    return result


class Exported:
    """A queue exported for v5.10.7 of the story."""

    def __init__(self, directory: Path) -> None:
        self.story = Story(directory)
        self.place = directory / "patches"
        self.repo = str(self.story.kernel.source.path)
        self.queue = self.story.queue()
        self.queue.apply(self.repo, base="v5.10.1").export(self.place)

    def to(self, after: str, before: str = "v5.10.1") -> tuple[Rebase, list[str]]:
        """Rewrite; the names of the files that changed, which are those it says."""
        moved = rebase(self.queue, self.repo, before=before, after=after)
        was = contents(self.place)
        written = moved.rewrite(self.place)
        now = contents(self.place)
        assert sorted(str(path.relative_to(self.place)) for path in written) == changed(was, now)
        assert pushed(self.place, self.repo, after).tree == moved.after.tree
        return moved, changed(was, now)

    @property
    def series(self) -> str:
        return (self.place / "series").read_text()


@pytest.fixture
def exported(tmp_path: Path) -> Exported:
    return Exported(tmp_path)


def test_nothing_changes_between_equal_bases(exported: Exported) -> None:
    assert exported.to("v5.10.1")[1] == []


def test_line_numbers_and_index_lines_are_no_reason(exported: Exported) -> None:
    """v5.10.8 has another head of the file; only what changed for another reason is written."""
    assert exported.to("v5.10.6")[1] == ["series"]
    assert exported.to("v5.10.8", "v5.10.6")[1] == ["done.patch"]


def test_an_entry_that_is_upstream_becomes_a_comment_and_comes_back(exported: Exported) -> None:
    before = contents(exported.place)
    assert exported.to("v5.10.2")[1] == ["series"]
    assert exported.series == (
        "# test, exported by mptcp-series\nsend.patch\npush.patch\n# upstream: reset.patch\ndone.patch\nflush.patch\n"
    )
    assert exported.to("v5.10.1", "v5.10.2")[1] == ["series"]
    assert contents(exported.place) == before


def test_restored_entries_come_in_their_place_and_go(exported: Exported) -> None:
    moved, names = exported.to("v5.10.5")
    new = [patch.name for patch in moved.after.patches if patch.kind in (EntryKind.RESTORE, EntryKind.ALIGN)]
    assert names == sorted([*new, "series"])
    align, restore = new
    entries = "send.patch\npush.patch\n# upstream: reset.patch\ndone.patch\nflush.patch\n"
    head = "# test, exported by mptcp-series\n"
    assert exported.series == f"{head}{align}\n{entries}{restore}\n"
    assert exported.to("v5.10.6", "v5.10.5")[1] == ["series"]
    assert exported.series == f"{head}# gone: {align}\n{entries}# gone: {restore}\n"


def test_the_header_of_the_entry_that_aligns_is_an_account_of_the_base(exported: Exported) -> None:
    exported.to("v5.10.5")
    (align,) = (name for name in contents(exported.place) if name.startswith("align-"))
    path = exported.place / align
    data = path.read_bytes()
    assert b"mptcp: only here" in data
    path.write_bytes(data.replace(b"mptcp: only here", b"mptcp: something else"))
    assert exported.to("v5.10.5", "v5.10.5")[1] == [align]
    assert path.read_bytes() == data


def test_comments_options_and_order_stay(exported: Exported) -> None:
    series = exported.place / "series"
    lines = [
        "# what people wrote",
        "",
        "send.patch   -p1 # reviewed",
        "  push.patch",
        "# about the next",
        "reset.patch -p1 # keep me",
        "# upstream: somebody-else.patch",
        "done.patch",
        "# before the last",
        "flush.patch",
        "# the end",
    ]
    series.write_text("\n".join(lines))
    exported.to("v5.10.2")
    wanted = list(lines)
    wanted[5] = "# upstream: reset.patch # keep me"
    assert series.read_text() == "\n".join(wanted) + "\n"
    exported.to("v5.10.1", "v5.10.2")
    wanted[5] = "reset.patch # keep me"
    assert series.read_text() == "\n".join(wanted) + "\n"


def test_line_ends_of_the_series_file_stay(exported: Exported) -> None:
    series = exported.place / "series"
    series.write_bytes(series.read_bytes().replace(b"\n", b"\r\n"))
    exported.to("v5.10.5")
    assert all(line.endswith(b"\r\n") for line in series.read_bytes().splitlines(keepends=True))
    assert b"# upstream: reset.patch\r\n" in series.read_bytes()


def test_a_skipped_entry(exported: Exported) -> None:
    text = "Patch: flush.patch\nBase: >=5.10.2\nSkip: yes\nReason: why\n"
    exported.queue = exported.story.queue(overrides={"skip.patch": text})
    exported.to("v5.10.2")
    assert exported.series.endswith("# upstream: reset.patch\ndone.patch\n# skipped: flush.patch\n")
    exported.to("v5.10.1", "v5.10.2")
    assert exported.series.endswith("reset.patch\ndone.patch\nflush.patch\n")


HEADER = b"""Description: what done does
 in the words of another tool
Forwarded: not-needed

"""


def test_the_header_of_a_changed_patch_stays(exported: Exported) -> None:
    path = exported.place / "done.patch"
    path.write_bytes(HEADER + path.read_bytes().split(b"---\n\n", 1)[1])
    assert exported.to("v5.10.8")[1] == ["done.patch", "series"]
    data = path.read_bytes()
    assert data.startswith(HEADER + b"diff --git a/net/ipv4/tcp.c b/net/ipv4/tcp.c\nindex ")
    assert DONE_CONTEXT[1].encode() in data


PLAIN = b"""Index: linux/net/ipv4/tcp.c
===================================================================
--- linux.orig/net/ipv4/tcp.c
+++ linux/net/ipv4/tcp.c
"""


def test_the_style_of_a_plain_diff_stays(exported: Exported) -> None:
    path = exported.place / "done.patch"
    data = path.read_bytes()
    path.write_bytes(PLAIN + data[data.index(b"@@ -") : data.index(b"-- \n")])
    assert exported.to("v5.10.6")[1] == ["series"]
    assert exported.to("v5.10.8", "v5.10.6")[1] == ["done.patch"]
    data = path.read_bytes()
    assert data.startswith(PLAIN.replace(b"linux.orig/", b"a/").replace(b"linux/net/ipv4/tcp.c\n@", b"@")[:80])
    assert b"\n--- a/net/ipv4/tcp.c\n+++ b/net/ipv4/tcp.c\n@@ -" in data
    assert b"diff --git" not in data


def test_strip_levels_and_reversed_patches(exported: Exported) -> None:
    """A patch that is applied in reverse stays so; one that is rewritten gets the strip level it is written for."""
    series = exported.place / "series"
    done, push = exported.place / "done.patch", exported.place / "push.patch"
    text = done.read_bytes()
    hunks = text[text.index(b"@@ -") : text.index(b"-- \n")].splitlines(keepends=True)
    swap = {b"-": b"+", b"+": b"-"}
    turned = b"".join(swap.get(line[:1], line[:1]) + line[1:] for line in hunks[::1])
    order = [line for line in turned.splitlines(keepends=True) if line[:1] != b"+"]
    at = next(number for number, line in enumerate(order) if line[:1] == b"-")
    plus = [line for line in turned.splitlines(keepends=True) if line[:1] == b"+"]
    done.write_bytes(
        b"--- net/ipv4/tcp.c\n+++ net/ipv4/tcp.c\n" + b"".join([*order[: at + 1], *plus, *order[at + 1 :]])
    )
    push.write_bytes(push.read_bytes().replace(b" a/", b" x/y/").replace(b" b/", b" x/y/"))
    series.write_text(
        exported.series.replace("done.patch", "done.patch -p0 -R").replace("push.patch", "push.patch -p2")
    )
    assert exported.to("v5.10.6")[1] == ["series"]
    assert "done.patch -p0 -R\n" in exported.series
    assert exported.to("v5.10.8", "v5.10.6")[1] == ["done.patch", "series"]
    assert "push.patch -p2\n" in exported.series
    assert "done.patch -R\n" in exported.series
    assert b"--- a/net/ipv4/tcp.c\n" in done.read_bytes()


def test_a_file_that_is_missing_is_written(exported: Exported) -> None:
    before = (exported.place / "send.patch").read_bytes()
    (exported.place / "send.patch").unlink()
    assert exported.to("v5.10.1")[1] == ["send.patch"]
    assert (exported.place / "send.patch").read_bytes() == before


def test_other_files_of_the_directory_stay(exported: Exported) -> None:
    (exported.place / "README").write_text("ours\n")
    (exported.place / "sub").mkdir()
    (exported.place / "sub" / "notes.patch").write_text("not listed\n")
    was = contents(exported.place)
    exported.to("v5.10.2")
    assert changed(was, contents(exported.place)) == ["series"]
    assert not [path for path in exported.place.iterdir() if path.name.startswith(".")]


def refused(exported: Exported, error: type[Exception], message: str) -> None:
    was = contents(exported.place)
    moved = rebase(exported.queue, exported.repo, before="v5.10.1", after="v5.10.8")
    with pytest.raises(error) as caught:
        moved.rewrite(exported.place)
    assert str(caught.value) == message
    assert contents(exported.place) == was


def test_refuses_what_is_not_of_this_queue(exported: Exported) -> None:
    series = exported.place / "series"
    series.write_text("theirs.patch\n" + exported.series + "their-other.patch\n")
    refused(
        exported,
        BadInput,
        f"{series}:1: theirs.patch is no entry of the queue\n{series}:8: their-other.patch is no entry of the queue",
    )


def test_refuses_another_order(exported: Exported) -> None:
    series = exported.place / "series"
    series.write_text("push.patch\nsend.patch\nreset.patch\ndone.patch\nflush.patch\n")
    refused(exported, BadInput, f"{series}:1: push.patch stands before send.patch, and in the queue it comes after it")


def test_refuses_a_directory_without_series(exported: Exported) -> None:
    series = exported.place / "series"
    series.unlink()
    refused(
        exported,
        BadInput,
        f"{series}: no such file; `export --format quilt` makes a directory of patches with one",
    )


def test_refuses_pinned_patches_without_files(exported: Exported) -> None:
    shutil.copy(exported.queue.directory / "series", exported.place / "series")
    (exported.place / "push.patch").unlink()
    refused(
        exported,
        BadSeries,
        f"{exported.place / 'series'}:2: push.patch is pinned and has no patch file; "
        "`export --format quilt` makes a directory with files",
    )


def test_refuses_a_damaged_patch(exported: Exported) -> None:
    path = exported.place / "done.patch"
    path.write_bytes(
        path.read_bytes().replace(b"@@ -", b"@@ -1,99 +", 1).replace(b"@@ -1,99 +", b"@@ -9,99 +9,99 @@ -")
    )
    moved = rebase(exported.queue, exported.repo, before="v5.10.1", after="v5.10.8")
    was = contents(exported.place)
    with pytest.raises(BadPatch):
        moved.rewrite(exported.place)
    assert contents(exported.place) == was


def test_refuses_a_queue_whose_recipe_aligns(exported: Exported) -> None:
    shutil.copy(exported.queue.directory / "recipe.toml", exported.place / "recipe.toml")
    moved = rebase(exported.queue, exported.repo, before="v5.10.1", after="v5.10.5")
    align = moved.after.patches[0].name
    was = contents(exported.place)
    with pytest.raises(BadInput, match=f"is a queue with a recipe, and {align} belongs to one base only"):
        moved.rewrite(exported.place)
    assert contents(exported.place) == was
    # Without them it is as good as any.
    assert exported.to("v5.10.2")[1] == ["series"]


def test_several_files_in_one_patch_keep_theirs(tmp_path: Path) -> None:
    """Of a patch that changed only the diff of the file that changed is written."""
    kernel = Kernel(tmp_path)
    kernel.fork("linux-5.10.y", "v5.10")
    done = ("\ttcp_done_work(data, sk->tcp_done_budget);\n", "\ttcp_done_work(data, mptcp_last(sk));\n")
    flush = ("\tmptcp_flush_work(data, sk->flush_budget);\n", "\tmptcp_flush_under_lock(data);\n")
    kernel.mainline("mptcp: both", {TCP: done, PM: flush, CORE: ("/* the stack */", "/* the whole stack */")})
    kernel.release("master", "5.15")
    kernel.commit("linux-5.10.y", {TCP: DONE_CONTEXT}, "tcp: true or false")
    kernel.release("linux-5.10.y", "5.10.1")
    kernel.publish("master", "linux-5.10.y")
    queue, repo, place = kernel.queue(), str(kernel.source.path), tmp_path / "patches"
    queue.apply(repo, base="v5.10").export(place)
    (path,) = place.glob("*.patch")
    # Somebody's notes between the files, and index lines as short as git writes them.
    text = re.sub(
        rb"index ([0-9a-f]{12})[0-9a-f]{28}\.\.([0-9a-f]{12})[0-9a-f]{28}", rb"index \1..\2", path.read_bytes()
    )
    text = text.replace(b"diff --git a/net/mptcp", b"a note\ndiff --git a/net/mptcp")
    path.write_bytes(text)
    before = text.split(b"diff --git ")
    moved = rebase(queue, repo, before="v5.10", after="v5.10.1")
    assert moved.rewrite(place) == (path,)
    after = path.read_bytes().split(b"diff --git ")
    assert [one == two for one, two in zip(before, after, strict=True)] == [True, False, True, True]
    assert after[1].endswith(b"a note\n")
    assert pushed(place, repo, "v5.10.1").tree == moved.after.tree


# A law: whatever the history and the files, the directory leads to the result


class World:
    """A queue and two bases, that differ by edits of lines, new files and files that are gone."""

    def __init__(self, lab: Lab, directory: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.lab = lab
        paths = [f"net/f{number}.c" for number in range(4)]
        start: dict[str, Content] = {path: numbered(40, word=path[4:6]) for path in paths}
        start["Makefile"] = MAKEFILE
        root = lab.commit(start, "start\n")
        files, pins, lines = start, [root], []
        states = [start]
        for number in range(7):
            edited = self._edited(files, f"queue {number}")
            if edited == files:
                continue
            files = edited
            states.append(files)
            pins.append(lab.commit(files, f"patch {number}\n\nWhy.\n", [pins[-1]]))
            lines.append(f"p{number}.patch # {pins[-1]}\n")
        self.series = directory / "series"
        self.series.mkdir()
        (self.series / "series").write_text("".join(lines))
        self.bases = []
        base = start
        for number in range(3):
            for _ in range(2):
                base = self._edited(base, f"base {number}")
            if self.chance.random() < 0.5:
                state, path = self.chance.choice(states[1:] or states), self.chance.choice(paths)
                base = {**base, **({path: state[path]} if path in state else {})}
            self.bases.append(lab.commit(base, f"base {number}\n", [root]))

    def _edited(self, files: dict[str, Content], word: str) -> dict[str, Content]:
        files = dict(files)
        for _ in range(self.chance.choice([1, 2])):
            path = self.chance.choice(sorted(files.keys() - {"Makefile"}))
            data = files[path]
            data = data if isinstance(data, bytes) else data[1]
            kind = self.chance.random()
            if kind < 0.05:
                del files[path]
            elif kind < 0.12:
                files[f"net/new-{word.replace(' ', '-')}.c"] = numbered(6, word=word)
            elif kind < 0.17:
                files[path] = (0o100755, data)
            elif kind < 0.22:
                files[f"net/moved-{word.replace(' ', '-')}.c"] = files.pop(path)
            else:
                lines = data.splitlines(keepends=True)
                at = self.chance.randrange(len(lines) or 1)
                lines[at : at + 1] = self.chance.choice([[b"%s\n" % word.encode()], lines[at : at + 1] * 2, []])
                files[path] = b"".join(lines)
        return files

    def _shifted(self, match: re.Match[bytes]) -> bytes:
        """A hunk header that is off by a few lines."""
        shift = self.chance.randrange(4)
        return b"@@ -%d,%b +%d," % (int(match[1]) + shift, match[2], int(match[3]) + shift)

    def disturb(self, place: Path) -> None:
        """What people and tools do to patch files, and that changes nothing."""
        for path in sorted(place.glob("*.patch")):
            data = path.read_bytes()
            kind = self.chance.randrange(5)
            if kind == 0:
                data = re.sub(rb"index ([0-9a-f]{7})[0-9a-f]*\.\.([0-9a-f]{7})[0-9a-f]*", rb"index \1..\2", data)
            elif kind == 1:
                data = b"Their-Header: yes\n\n" + data[data.index(b"diff --git ") :]
            elif kind == 2 and data.count(b"\nindex ") == data.count(b"\n@@ -"):
                data = re.sub(rb"(?m)^@@ -([2-9]\d*),(\d+) \+(\d+),", self._shifted, data)
            path.write_bytes(data)


@pytest.mark.parametrize("seed", range(40))
def test_the_directory_leads_to_the_result(lab: Lab, tmp_path: Path, seed: int) -> None:
    world = World(lab, tmp_path, seed)
    queue = Queue.load(world.series, source=lab.repo.path)
    repo = str(lab.repo.path)
    good = [base for base in world.bases if queue.apply(repo, base=base).complete]
    for before in good:
        for after in good:
            place = tmp_path / f"{before[:8]}-{after[:8]}"
            queue.apply(repo, base=before).export(place)
            world.disturb(place)
            was = contents(place)
            moved = rebase(queue, repo, before=before, after=after)
            moved.rewrite(place)
            assert pushed(place, repo, after).tree == moved.after.tree
            # Once is enough, and what the next base does not change is not touched.
            assert moved.rewrite(place) == ()
            if before == after:
                assert contents(place) == was


def test_the_worlds_have_good_bases(tmp_path: Path) -> None:
    """The law above is tried on pairs of bases, and on more than a few."""
    pairs = 0
    for seed in range(40):
        place = tmp_path / str(seed)
        place.mkdir()
        world = World(Lab(pygit2.init_repository(str(place / "lab.git"), bare=True)), place, seed)
        repo = str(world.lab.repo.path)
        queue = Queue.load(world.series, source=repo)
        good = [base for base in world.bases if queue.apply(repo, base=base).complete]
        pairs += len(good) * (len(good) - 1)
    assert pairs > 20
