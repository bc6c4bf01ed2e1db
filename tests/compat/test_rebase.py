# SPDX-License-Identifier: MIT
"""The replay without alignment is `git rebase`: the same tree, or a conflict at the same commit and paths.

Histories are generated from a seed: a queue and a base grow from one start, each edits, inserts, deletes, renames,
adds, removes and changes modes, and the base takes some of the queue's changes ahead of it. Directory renames are
off: git guesses there, the replay does not.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.result import Result
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.minikernel.history import Changes, FileEntry, HistoryBuilder
from mptcp_series.minikernel.world import build_world
from mptcp_series.values.recipe import Recipe
from mptcp_series.values.result import Status

from .conftest import AUTHOR, MAKEFILE, Git, numbered, replayed, start

REBASE = ("-c", "merge.directoryRenames=false", "rebase", "--reapply-cherry-picks", "--onto")


def rebased(git: Git, work: Path, start: str, queue: str, base: str) -> tuple[str | None, str | None, set[str]]:
    """What git rebase makes of it: (tree, None, {}), or (None, the commit it stops at, its unmerged paths)."""
    git.run("worktree", "add", "--detach", str(work), queue)
    tree = Git(work)
    state = Path(tree.run("rev-parse", "--absolute-git-dir")) / "rebase-merge"
    stops = False
    try:
        tree.run(*REBASE, base, start)
    except AssertionError:
        stops = True
    if not stops:
        return tree.run("rev-parse", "HEAD^{tree}"), None, set()
    assert state.is_dir()
    unmerged = tree.run("diff", "--name-only", "--diff-filter=U", "-z").rstrip("\0").split("\0")
    return None, tree.run("rev-parse", "REBASE_HEAD"), set(unmerged)


def agree(git: Git, tmp_path: Path, start: str, queue: str, base: str) -> Result:
    """Replay and rebase, and hold one against the other.

    Of a rename that collides git marks all of its names, the replay one; its text names the others.
    """
    result = replayed(tmp_path / "series", git.directory, f"{start}..{queue}", base)
    tree, commit, paths = rebased(git, tmp_path / "work", start, queue, base)
    first = next((patch for patch in result.patches if patch.status is Status.CONFLICT), None)
    if first is None:
        assert commit is None
        assert result.tree == tree
        return result
    assert first.commit == commit
    named = {conflict.path for conflict in first.conflicts}
    if any("rename" in conflict.text.split(":")[0] for conflict in first.conflicts):
        assert all(any(path in conflict.text for conflict in first.conflicts) for path in paths - named)
        return result
    assert named == paths
    return result


Files = dict[str, FileEntry]


class Writer:
    """Makes random changes to a state; the same random numbers make the same changes."""

    def __init__(self, seed: str, side: str) -> None:
        self.chance = random.Random(f"{seed} {side}")
        self.side = side
        self.count = 0

    def changes(self, files: Files, violent: bool) -> dict[str, FileEntry | None]:
        """One commit: one to three changes of different files."""
        out: dict[str, FileEntry | None] = {}
        for path in self.chance.sample(sorted(files), self.chance.choice([1, 1, 2, 3])):
            if path != "Makefile":
                out.update(self.change(files, path, violent))
        return out or self.added()

    def change(self, files: Files, path: str, violent: bool) -> dict[str, FileEntry | None]:
        entry = files[path]
        kind = self.chance.choice(["edit"] * 9 + ["insert", "insert", "delete", "mode", "rename", "add", "remove"])
        if kind == "remove" and violent:
            return {path: None}
        if kind == "add":
            return self.added()
        if kind == "mode":
            return {path: FileEntry(mode=entry.mode ^ 0o111, data=entry.data)}
        if kind == "rename":
            self.count += 1
            edited = FileEntry(mode=entry.mode, data=self.edited(entry.data, "edit"))
            return {path: None, f"net/{self.side}{self.count}.c": self.chance.choice([entry, edited])}
        return {path: FileEntry(mode=entry.mode, data=self.edited(entry.data, kind))}

    def added(self) -> dict[str, FileEntry | None]:
        self.count += 1
        return {f"net/new_{self.side}{self.count}.c": FileEntry(data=numbered(20, word=f"{self.side}{self.count}"))}

    def edited(self, data: bytes, kind: str) -> bytes:
        lines = data.splitlines(keepends=True)
        self.count += 1
        if not lines:
            return b"no longer empty\n"
        at = self.chance.randrange(len(lines))
        text = f"{self.side} {self.count} was here\n".encode()
        if kind == "insert":
            # Blank and brace lines repeat: that is where differs and merges go astray.
            lines[at:at] = [text, *self.chance.sample([b"\n", b"}\n", b"\n", b"{\n"], self.chance.randrange(4))]
        elif kind == "delete" and len(lines) > 20:
            del lines[at : at + self.chance.choice([1, 2, 5])]
        else:
            lines[at] = text
        if self.chance.random() < 0.05:
            lines[-1] = lines[-1].rstrip(b"\n")
        return b"".join(lines)


def grow(files: Files, changes: dict[str, FileEntry | None]) -> Files:
    return {path: entry for path, entry in {**files, **changes}.items() if entry is not None}


def generated(directory: Path, seed: int, violent: bool) -> Git:
    """Tag `start`, branches `base` and `queue`."""
    git, history = start(directory)
    files: Files = {f"net/file{number}.c": FileEntry(data=numbered(60, word=f"f{number}")) for number in range(6)}
    files["Makefile"] = FileEntry(data=MAKEFILE)
    history.commit("base", files, "start\n", AUTHOR, 1)
    history.tag("start", "base", "start\n", AUTHOR, 1)
    history.fork("queue", "base")
    patches = grow_branch(history, "queue", files, Writer(str(seed), "queue"), 8, violent)
    grow_branch(history, "base", files, Writer(str(seed), "base"), 4, violent, patches)
    history.publish("base", "queue")
    return git


def grow_branch(
    history: HistoryBuilder,
    branch: str,
    files: Files,
    writer: Writer,
    count: int,
    violent: bool,
    backports: list[tuple[Files, Files]] | None = None,
) -> list[tuple[Files, Files]]:
    """Commit `count` times; some commits take over what a patch of `backports` changed, where that file is as it was.

    Gives each commit as (state before, state after).
    """
    made = []
    for number in range(count):
        changes = writer.changes(files, violent)
        if backports and writer.chance.random() < 0.4:
            changes = taken_over(*writer.chance.choice(backports), files) or changes
        state = grow(files, changes)
        if state == files:
            continue
        wanted: Changes = {path: entry for path, entry in changes.items() if entry is not None or path in files}
        history.commit(branch, wanted, f"{branch} {number}\n", AUTHOR, 2 + number)
        made.append((files, state))
        files = state
    return made


def taken_over(before: Files, after: Files, files: Files) -> dict[str, FileEntry | None]:
    """What a patch changed, where the files it changed are as they were; renames and additions wholly or not at all.

    (Half a rename, the new file without the deletion of the old one, is the one case in which the replay differs: it
    merges what the base has changed in the old file, which git loses.)
    """
    touched = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    same = {path for path in touched if files.get(path) == before.get(path)}
    if same != touched and any(path not in before or path not in after for path in touched):
        return {}
    return {path: after.get(path) for path in same}


@pytest.mark.parametrize("seed", range(30))
def test_generated_histories(tmp_path: Path, seed: int) -> None:
    git = generated(tmp_path / "repo.git", seed, violent=seed % 3 == 0)
    agree(git, tmp_path, "start", "queue", "base")


A, B = "net/file1.c", "net/file2.c"
TEXT = numbered(60, word="f1")
EDITED = numbered(60, {30: "edited\n"}, word="f1")
OTHER = numbered(60, {50: "other\n"}, word="f1")
BOTH = numbered(60, {30: "edited\n", 50: "other\n"}, word="f1")
CLASHING = numbered(60, {30: "clashing\n"}, word="f1")
EXECUTABLE = FileEntry(mode=0o100755, data=TEXT)
CASES: dict[str, tuple[Changes, Changes, Status]] = {
    "the same line": ({A: EDITED}, {A: CLASHING}, Status.CONFLICT),
    "the same change": ({A: EDITED}, {A: EDITED}, Status.UPSTREAM),
    "part of the change": ({A: BOTH}, {A: EDITED}, Status.MERGED),
    "more than the change": ({A: EDITED}, {A: BOTH}, Status.UPSTREAM),
    "lines elsewhere": ({A: EDITED}, {A: OTHER}, Status.OFFSET),
    "neighbouring lines": (
        {A: numbered(60, {30: "edited\n"}, word="f1")},
        {A: numbered(60, {31: "edited too\n"}, word="f1")},
        Status.CONFLICT,
    ),
    "one line between": (
        {A: numbered(60, {30: "edited\n"}, word="f1")},
        {A: numbered(60, {32: "edited too\n"}, word="f1")},
        Status.MERGED,
    ),
    "base renamed": ({A: EDITED}, {A: None, B: OTHER}, Status.OFFSET),
    "queue renames": ({A: None, B: EDITED}, {A: OTHER}, Status.OFFSET),
    "both renamed alike": ({A: None, B: EDITED}, {A: None, B: OTHER}, Status.OFFSET),
    "both renamed apart": ({A: None, B: TEXT}, {A: None, "net/file3.c": TEXT}, Status.CONFLICT),
    "base renamed, queue deletes": ({A: None}, {A: None, B: TEXT}, Status.CONFLICT),
    "base deleted, queue renames": ({A: None, B: EDITED}, {A: None}, Status.CONFLICT),
    "base deleted, queue edits": ({A: EDITED}, {A: None}, Status.CONFLICT),
    "queue deletes, base edited": ({A: None}, {A: OTHER}, Status.CONFLICT),
    "both deleted": ({A: None}, {A: None}, Status.UPSTREAM),
    "both added alike": ({B: EDITED}, {B: EDITED}, Status.UPSTREAM),
    "both added apart": ({B: EDITED}, {B: OTHER}, Status.CONFLICT),
    "base edited, queue changes the mode": ({A: EXECUTABLE}, {A: EDITED}, Status.MERGED),
    "base changed the mode, queue edits": ({A: EDITED}, {A: EXECUTABLE}, Status.MERGED),
    "both changed the mode": ({A: EXECUTABLE}, {A: EXECUTABLE}, Status.UPSTREAM),
    "mode and edit": ({A: FileEntry(mode=0o100755, data=EDITED)}, {A: OTHER}, Status.OFFSET),
    "a link": ({"net/link": FileEntry(mode=0o120000, data=b"a")}, {A: OTHER}, Status.CLEAN),
    "links apart": (
        {"net/link": FileEntry(mode=0o120000, data=b"a")},
        {"net/link": FileEntry(mode=0o120000, data=b"b")},
        Status.CONFLICT,
    ),
    "a binary file": ({"net/blob": b"\0" + EDITED}, {A: OTHER}, Status.CLEAN),
    "CRLF": ({A: EDITED.replace(b"edited\n", b"edited\r\n")}, {A: OTHER}, Status.OFFSET),
    "the last newline": ({A: TEXT.rstrip(b"\n")}, {A: OTHER}, Status.OFFSET),
    "the last newline on both sides": ({A: TEXT.rstrip(b"\n")}, {A: TEXT[:-2] + b"!"}, Status.CONFLICT),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(tmp_path: Path, name: str) -> None:
    queue, base, status = CASES[name]
    git, history = start(tmp_path / "repo.git")
    history.commit("base", {"Makefile": MAKEFILE, A: TEXT}, "start\n", AUTHOR, 1)
    history.tag("start", "base", "start\n", AUTHOR, 1)
    history.fork("queue", "base")
    history.commit("queue", queue, "mptcp: queue\n", AUTHOR, 2)
    history.commit("base", base, "base\n", AUTHOR, 2)
    history.publish("base", "queue")
    result = agree(git, tmp_path, "start", "queue", "base")
    assert [patch.status for patch in result.patches] == [status]


@pytest.mark.parametrize("base", ["v5.10", "v5.10.2", "v5.10.4", "v5.10.5", "v5.10.6"])
def test_mini_kernel(tmp_path: Path, base: str) -> None:
    """The extracted queue, its merge left out, as `git cherry-pick` replays it: to the same tree or conflict."""
    world = build_world(tmp_path)
    git = Git(world.source)
    extraction = extract(Recipe.parse(world.recipe, "recipe.toml"), world.source)
    series = extraction.series
    for merge in extraction.merges:
        series = series.remove(merge.name)
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "series").write_bytes(series.render())
    result = Queue.load(tmp_path / "series", source=world.source).apply(world.source, base=base, align=False)
    git.run("worktree", "add", "--detach", str(tmp_path / "work"), base)
    work = Git(tmp_path / "work")
    first = next((patch for patch in result.patches if patch.status is Status.CONFLICT), None)
    pins = [entry.pin or "" for entry in series.entries]
    work.run(
        *("-c", "merge.directoryRenames=false", "cherry-pick", "--allow-empty", "--keep-redundant-commits"),
        *pins,
        fails=first is not None,
    )
    if first is None:
        assert work.run("rev-parse", "HEAD^{tree}") == result.tree
        return
    assert work.run("rev-parse", "CHERRY_PICK_HEAD") == first.commit
    unmerged = work.run("diff", "--name-only", "--diff-filter=U").split("\n")
    assert {conflict.path for conflict in first.conflicts} == set(unmerged)
