# SPDX-License-Identifier: MIT
"""extract against real git: the set and order of its picks, the merges it lists, and what it refuses."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pygit2
import pytest
from click.testing import CliRunner
from pygit2.enums import FileMode

from mptcp_series.cli.main import cli
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.result import Result
from mptcp_series.engine.store import files
from mptcp_series.engine.upstream import extract as module
from mptcp_series.engine.upstream.extract import Extraction, extract
from mptcp_series.engine.upstream.history import Walk
from mptcp_series.errors import (
    BadInput,
    BadRecipe,
    BadSeries,
    EnvironmentFault,
    MissingObject,
    ShallowSource,
    ToolMissing,
    UnknownRevision,
)
from mptcp_series.values.recipe import Recipe
from mptcp_series.values.series import Series

from .conftest import MAKEFILE, Git, numbered

OWNED = ("net/mptcp/", "include/net/mptcp.h", "include/uapi/linux/mptcp.h")
START, END = "v5.10", "v5.15"


def recipe(
    more: str = "",
    *,
    range: str = f"{START}..{END}",
    match: Sequence[str] = ("net/mptcp",),
    owned: Sequence[str] = OWNED,
    pathspecs: Sequence[str] = (),
) -> Recipe:
    """A recipe, with more text at its end."""
    text = f'[series]\nname = "q"\nrange = "{range}"\nmatch = {list(match)}\nowned = {list(owned)}\n'
    if pathspecs:
        text += f"pathspecs = {list(pathspecs)}\n"
    return Recipe.parse((text + more).encode(), "recipe.toml")


Files = Mapping[str, bytes]


@attrs.define
class History:
    """A repository to write any history into; commits are named by their ids."""

    git: Git
    repo: pygit2.Repository
    time: int = 1_600_000_000
    step: int = 60
    """Seconds from one commit to the next; with 0 all are of the same time."""

    @classmethod
    def at(cls, directory: Path) -> History:
        repo = pygit2.init_repository(str(directory), bare=True, initial_head="main")
        return cls(Git(directory), repo)

    def commit(self, files: Files, *parents: str, message: str = "mptcp: a change\n") -> str:
        self.time += self.step
        person = pygit2.Signature("A U Thor", "author@example.org", self.time, 0)
        ids = [pygit2.Oid(hex=parent) for parent in parents]
        return str(self.repo.create_commit(None, person, person, message, self._tree(files), ids))

    def edit(self, parent: str, changes: Mapping[str, bytes | None], message: str = "mptcp: a change\n") -> str:
        """A commit that changes some files of its parent; None deletes."""
        files = {**self.files(parent), **{path: data for path, data in changes.items() if data is not None}}
        for path, data in changes.items():
            if data is None:
                del files[path]
        return self.commit(files, parent, message=message)

    def merge(
        self, *parents: str, changes: Mapping[str, bytes | None] | None = None, files: Files | None = None
    ) -> str:
        """A merge: the automatic one with changes on top, or these files."""
        found = dict(self.merged(*parents)) if files is None else dict(files)
        for path, data in (changes or {}).items():
            if data is None:
                del found[path]
            else:
                found[path] = data
        return self.commit(found, *parents, message="Merge a topic\n")

    def merged(self, *parents: str) -> Files:
        """What git's own automatic merge of two commits gives; conflicts are taken with their markers."""
        tree = self.auto(*parents)[0]
        return self.read(tree)

    def auto(self, *parents: str) -> tuple[str, bool]:
        """Tree of git's automatic merge, and whether it is clean."""
        done = subprocess.run(
            ["git", "merge-tree", "--write-tree", *parents], cwd=self.git.directory, capture_output=True, check=False
        )
        assert done.returncode in (0, 1), done.stderr
        return done.stdout.split(b"\n", 1)[0].decode(), done.returncode == 0

    def files(self, commit: str) -> dict[str, bytes]:
        return dict(self.read(f"{commit}^{{tree}}"))

    def owned(self, revision: str, patterns: Sequence[str] = OWNED) -> dict[str, bytes]:
        return {
            path: data for path, data in self.read(f"{revision}^{{tree}}").items() if path.startswith(tuple(patterns))
        }

    def tag(self, **commits: str) -> None:
        for name, commit in commits.items():
            self.repo.references.create(f"refs/tags/{name.replace('_', '.')}", commit, force=True)

    def range(self, start: str, end: str) -> None:
        """Name the ends of the range."""
        self.repo.references.create(f"refs/tags/{START}", start, force=True)
        self.repo.references.create(f"refs/tags/{END}", end, force=True)
        self.repo.references.create("refs/heads/main", end, force=True)

    def picked_by_git(self, found: Recipe) -> list[str]:
        """The reference: `git log`, kept where a path contains one of the texts."""
        command = ["log", "-z", "--no-merges", "--full-history", "--topo-order", "--reverse", "--name-only"]
        text = self.git.run(*command, "--no-renames", "--format=//%H", found.range, "--", *found.pathspecs)
        picks = []
        for record in filter(None, text.split("//")):
            commit, _, names = record.partition("\0")
            if any(match in name for name in names.split("\0") for match in found.match):
                picks.append(commit)
        return picks

    def _tree(self, files: Files) -> pygit2.Oid:
        index = pygit2.Index()
        for path, data in files.items():
            index.add(pygit2.IndexEntry(path, self.repo.create_blob(data), FileMode.BLOB))
        return index.write_tree(self.repo)

    def read(self, tree: str) -> dict[str, bytes]:
        found = self.repo.revparse_single(tree)
        assert isinstance(found, pygit2.Tree)
        return dict(_walk(self.repo, found, ""))


def _walk(repo: pygit2.Repository, tree: pygit2.Tree, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in tree:
        assert entry.name is not None
        if isinstance(entry, pygit2.Tree):
            yield from _walk(repo, entry, f"{prefix}{entry.name}/")
        else:
            assert isinstance(entry, pygit2.Blob)
            yield prefix + entry.name, entry.data


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History.at(tmp_path / "linux.git")


FIRST: Files = {
    "Makefile": MAKEFILE,
    "README": b"a kernel\n",
    "net/mptcp/a.c": numbered(60),
    "net/mptcp/b.c": numbered(60, word="other"),
    "include/net/mptcp.h": numbered(60, word="header"),
    "net/ipv4/tcp.c": numbered(60, word="tcp"),
}
ODD: Files = {
    "drivers/net/mptcp x/f é.c": b"odd\n",
    "net/mptcp/new\nline.c": b"odd\n",
    "\nnet/mptcp": b"odd\n",
    "fs/\x02net/mptcp\x02": b"odd\n",
    'include/"uapi"\t.h': b"odd\n",
}
"""Paths that a careless reader of git's output takes apart in the wrong place."""


@attrs.define
class Wild:
    """A random history: lines of work that fork, merge in every way people merge, and carry dates of no use."""

    history: History
    random: random.Random
    files: Files
    commits: list[str] = attrs.field(factory=list)
    heads: list[str] = attrs.field(factory=list)
    by_hand: set[str] = attrs.field(factory=set)
    """Merges with a text of their own in an owned file."""
    count: int = 0

    def grow(self, size: int) -> None:
        if not self.heads:
            self.heads = [self.note(self.history.commit(self.files))]
        while len(self.commits) < size:
            choice = self.random.random()
            if choice < 0.15:
                self.heads.append(self.random.choice(self.commits[-8:]))
            elif choice < 0.45 and len(set(self.heads)) > 1:
                self.join()
            else:
                at = self.random.randrange(len(self.heads))
                self.heads[at] = self.note(self.edit(self.heads[at]))
        while len(set(self.heads)) > 1:
            self.join(last=True)

    def note(self, commit: str) -> str:
        self.commits.append(commit)
        return commit

    def text(self) -> str:
        self.count += 1
        return f"change {self.count}\n"

    def changed(self, files: Files, path: str) -> bytes:
        lines = files[path].splitlines(keepends=True)
        lines[self.random.randrange(len(lines))] = self.text().encode()
        return b"".join(lines)

    def edit(self, head: str) -> str:
        files = self.history.files(head)
        changes: dict[str, bytes | None] = {}
        for path in self.random.sample(sorted(files), self.random.choice([1, 1, 2])):
            if path != "Makefile":
                changes[path] = self.changed(files, path)
        return self.history.edit(head, changes, f"change {self.count} of {len(changes)} files\n")

    def join(self, last: bool = False) -> None:
        one, other = self.random.sample(sorted(set(self.heads)), 2)
        history = self.history
        tree, clean = history.auto(one, other)
        automatic = history.read(tree)
        kind = self.random.random()
        owned = [path for path in automatic if path.startswith(OWNED)]
        path = self.random.choice(owned)
        if kind < 0.1:
            merge = history.merge(one, other, files=history.files(one))
        elif kind < 0.15:
            merge = history.merge(one, other, files=history.files(other))
        elif kind < 0.3 or not clean:
            resolved = {name: _without_markers(data) for name, data in automatic.items()}
            resolved[path] = resolved[path] + self.text().encode()
            merge = history.merge(one, other, files=resolved)
            self.by_hand.add(merge)
        elif kind < 0.35 and len(owned) > 1:
            merge = history.merge(one, other, files={name: automatic[name] for name in automatic if name != path})
        elif kind < 0.4:
            merge = history.merge(one, other, files={**automatic, "README": self.text().encode()})
        else:
            merge = history.merge(one, other, files=automatic)
        self.note(merge)
        # One line goes on without the other: that is how merges come to criss-cross.
        self.heads[self.heads.index(one)] = merge
        if last or self.random.random() < 0.6:
            self.heads = [merge if head == other else head for head in self.heads]


def _without_markers(data: bytes) -> bytes:
    return b"".join(
        line for line in data.splitlines(keepends=True) if not line.startswith((b"<<<<<<<", b"=======", b">>>>>>>"))
    )


def wild(history: History, seed: int, files: Files, size: int = 24) -> Wild:
    made = Wild(history, random.Random(seed), files)
    history.step = made.random.choice([0, 60])
    made.grow(size)
    # Any commit may be the start, and need not be on the line of the end.
    history.range(made.random.choice(made.commits[: size // 3]), made.heads[0])
    return made


def merges_by_git(history: History, made: Wild) -> tuple[set[str], set[str]]:
    """Merges of the range that must be listed, and those that may be: an automatic merge that conflicts has no result.

    A conflict settled as the second side has it is not listed: the replay of the merged commits ends there too.
    """
    must, may = set(), set()
    for line in history.git.run("rev-list", "--merges", "--parents", f"{START}..{END}").splitlines():
        merge, *parents = line.split()
        tree, clean = history.auto(*parents)
        different = history.git.run("diff-tree", "-r", "--name-only", tree, f"{merge}^{{tree}}", "--", *OWNED)
        if merge in made.by_hand or (clean and different):
            must.add(merge)
        elif not clean:
            may.add(merge)
    return must, may


@pytest.mark.parametrize("seed", range(30))
def test_random_histories(history: History, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set, order and merges, on histories with every kind of merge, equal dates and paths of any kind.

    However many blocks of commits git looks at.
    """
    monkeypatch.setattr("mptcp_series.engine.upstream.history._STEP", seed % 7 + 1)
    made = wild(history, seed, {**FIRST, **ODD})
    wanted = recipe(match=("net/mptcp",))
    found = extract(wanted, history.git.directory)
    merges = {pick.commit for pick in found.merges}
    assert [pick.commit for pick in found.picks if not pick.is_merge] == history.picked_by_git(wanted)
    must, may = merges_by_git(history, made)
    assert must <= merges <= must | may
    order = history.git.run("rev-list", "--topo-order", "--full-history", "--reverse", wanted.range).split()
    assert [pick.commit for pick in found.picks] == [
        commit for commit in order if commit in {pick.commit for pick in found.picks}
    ]
    assert found.examined == len(order)


@pytest.mark.parametrize("seed", range(100, 110))
def test_random_histories_with_pathspecs(history: History, seed: int) -> None:
    """`git log -- paths` instead; merges as without, where the pathspecs let all owned paths through."""
    made = wild(history, seed, {**FIRST, **ODD})
    wanted = recipe(match=("mptcp",), pathspecs=("net/mptcp", "include"))
    found = extract(wanted, history.git.directory)
    assert [pick.commit for pick in found.picks if not pick.is_merge] == history.picked_by_git(wanted)
    must, may = merges_by_git(history, made)
    assert must <= {pick.commit for pick in found.merges} <= must | may


@pytest.mark.parametrize(
    "pathspecs",
    [
        ("net/mptcp/b.c",),
        ("net", ":!net/mptcp/a.c"),
        (":(glob)net/**/*.c",),
        ("*.h", "drivers"),
        (":(icase)NET/MPTCP",),
        ("nowhere", "net/mptcp/new\nline.c", "drivers/net/mptcp x"),
    ],
)
@pytest.mark.parametrize("seed", [200, 201])
def test_any_pathspecs(history: History, pathspecs: tuple[str, ...], seed: int) -> None:
    wild(history, seed, {**FIRST, **ODD})
    wanted = recipe(match=("net/mptcp", "header", "odd"), pathspecs=[text.replace("\n", "\\n") for text in pathspecs])
    assert wanted.pathspecs == pathspecs or "\n" in "".join(pathspecs)
    found = extract(attrs.evolve(wanted, pathspecs=pathspecs), history.git.directory)
    picks = [pick.commit for pick in found.picks if not pick.is_merge]
    assert picks == history.picked_by_git(attrs.evolve(wanted, pathspecs=pathspecs))


LONG: Files = {"Makefile": MAKEFILE} | {f"net/mptcp/f{at}.c": numbered(400, word=f"f{at}") for at in range(6)}


def applied(history: History, wanted: Recipe, found: Extraction, directory: Path) -> Result:
    """The queue on the start of its range."""
    found.write(directory)
    (directory / "recipe.toml").write_bytes(wanted.render())
    queue = Queue.load(directory, source=history.git.directory)
    return queue.apply(history.git.directory, base=START, align=False)


# Of random histories those whose queue applies without a conflict: what a merge settled by hand may collide with what
# comes before it, for git rebase too. Each has merges that hold work of their own.
QUIET = (300, 302, 303, 306, 307, 308, 310, 311, 312, 313, 314, 317, 318, 323, 325, 326)


@pytest.mark.parametrize("seed", QUIET)
def test_the_queue_leads_from_the_start_to_the_end(history: History, tmp_path: Path, seed: int) -> None:
    """On the start of the range the queue gives the owned files of its end, those of merges included."""
    made = Wild(history, random.Random(seed), LONG)
    made.grow(20)
    # A start that the end is built on, so nothing of the range is older than it but side lines.
    end = made.heads[0]
    line = history.git.run("rev-list", "--first-parent", "--reverse", end).split()
    history.range(line[min(2, len(line) - 2)], end)
    found = extract(recipe(), history.git.directory)
    assert found.merges
    applied(history, recipe(), found, tmp_path / "series").require().write_branch("result")
    assert history.owned("result") == history.owned(END)


def merged_history(history: History) -> tuple[str, str, str, str]:
    """A topic older than the range, a merge that brings it, and one that settles something by hand."""
    root = history.commit({**FIRST, "net/mptcp/gone.c": b"gone\n"}, message="start\n")
    topic = history.edit(root, {"net/mptcp/a.c": numbered(60, {5: "topic\n"})}, "mptcp: topic\n")
    start = history.edit(root, {"README": b"base\n"}, "base\n")
    plain = history.merge(start, topic)
    return root, topic, start, plain


def test_a_merge_with_an_older_parent(history: History, tmp_path: Path) -> None:
    _, topic, start, plain = merged_history(history)
    evil = history.merge(
        plain,
        history.edit(start, {"net/mptcp/b.c": numbered(60, {9: "side\n"}, "other")}, "mptcp: side\n"),
        changes={"net/mptcp/a.c": numbered(60, {5: "topic\n", 40: "by hand\n"}), "net/mptcp/gone.c": None},
    )
    side = history.git.run("rev-parse", f"{evil}^2")
    history.range(start, evil)
    found = extract(recipe(), history.git.directory)
    assert [(pick.name, pick.commit, pick.is_merge) for pick in found.picks] == [
        ("mptcp-topic.patch", topic, False),
        ("mptcp-side.patch", side, False),
        ("merge-a-topic.patch", evil, True),
    ]
    assert found.series.render().decode() == (
        "# extracted: q, v5.10..v5.15\n"
        f"mptcp-topic.patch # {topic}\n"
        f"mptcp-side.patch # {side}\n"
        "# merge: its result on owned paths differs from the automatic merge\n"
        f"merge-a-topic.patch # {evil}\n"
    )
    applied(history, recipe(), found, tmp_path / "series").require().write_branch("result")
    assert history.owned("result") == history.owned(END)


def test_a_merge_that_takes_back_what_is_older_than_the_range(history: History) -> None:
    """`-s ours` with a parent before the start: no commit of the range touches what it takes back."""
    root = history.commit(FIRST, message="start\n")
    older = history.edit(root, {"net/mptcp/a.c": numbered(60, {9: "older\n"})}, "mptcp: older\n")
    start = history.edit(older, {"README": b"start\n"}, "start\n")
    topic = history.edit(root, {"README": b"a kernel, too\n"}, "docs\n")
    backmerge = history.merge(topic, older, files=history.files(topic))
    also = history.edit(start, {"net/mptcp/b.c": b"new\n"}, "mptcp: b\n")
    end = history.merge(also, backmerge, files={**history.files(also), "net/mptcp/a.c": FIRST["net/mptcp/a.c"]})
    history.range(start, end)
    assert [pick.commit for pick in extract(recipe(), history.git.directory).merges] == [backmerge]


def test_several_roots(history: History) -> None:
    start = history.commit(FIRST, message="start\n")
    other = history.commit({"net/mptcp_sched/README": b"out of tree\n"}, message="mptcp: another root\n")
    more = history.edit(other, {"net/mptcp_sched/x.c": b"x\n"}, "mptcp: x\n")
    end = history.commit({**history.files(start), **history.files(more)}, start, more, message="Merge a tree\n")
    history.range(start, end)
    found = extract(recipe(), history.git.directory)
    assert [pick.commit for pick in found.picks] == [other, more] == history.picked_by_git(recipe())


def test_octopus(history: History) -> None:
    start = history.commit(FIRST, message="start\n")
    arms = [
        history.edit(start, {"net/mptcp/a.c": numbered(60, {3: "one\n"})}, "mptcp: one\n"),
        history.edit(start, {"net/mptcp/a.c": numbered(60, {30: "two\n"})}, "mptcp: two\n"),
        history.edit(start, {"net/mptcp/b.c": numbered(60, {3: "three\n"}, "other")}, "mptcp: three\n"),
    ]
    files = {
        **FIRST,
        "net/mptcp/a.c": numbered(60, {3: "one\n", 30: "two\n"}),
        "net/mptcp/b.c": numbered(60, {3: "three\n"}, "other"),
    }
    clean = history.commit(files, *arms, message="Merge three\n")
    history.range(start, clean)
    assert [pick.commit for pick in extract(recipe(), history.git.directory).merges] == []
    evil = history.commit({**files, "include/net/mptcp.h": b"by hand\n"}, *arms, message="Merge three\n")
    history.range(start, evil)
    assert [pick.commit for pick in extract(recipe(), history.git.directory).merges] == [evil]


def test_match_is_a_substring_and_owned_is_not(history: History) -> None:
    """What touches owned paths and is not picked is told, with the lines that add it."""
    start = history.commit(FIRST, message="start\n")
    selftest = history.edit(start, {"tools/testing/selftests/net/mptcp/a.sh": b"x\n"}, "selftests\n")
    renamed = history.edit(
        selftest, {"net/mptcp/b.c": None, "net/other/b.c": FIRST["net/mptcp/b.c"]}, "net: move b.c out\n"
    )
    nasty = 'say "\\n": \t\x1b[1m\x7f'
    only = history.edit(renamed, {"include/uapi/linux/mptcp.h": b"h\n", "README": b"h\n"}, nasty + "\n\nbody\n")
    unnamed = history.edit(only, {"include/uapi/linux/mptcp.h": b"u\n"}, "\n")
    other = history.edit(unnamed, {"include/uapi/linux/mptcp.h.orig": b"u\n", "net/mptc": b""}, "no path of ours\n")
    near = history.edit(other, {"net/mptcpx": b""}, "near\n")
    history.range(start, near)
    wanted = recipe()
    found = extract(wanted, history.git.directory)
    assert [pick.commit for pick in found.picks] == [selftest, renamed, near]
    assert [(uncovered.commit, uncovered.subject, uncovered.paths) for uncovered in found.uncovered] == [
        (only, nasty, ("include/uapi/linux/mptcp.h",)),
        (unnamed, "", ("include/uapi/linux/mptcp.h",)),
    ]
    added = b"".join(b"\n" + uncovered.as_include().encode() for uncovered in found.uncovered)
    more = Recipe.parse(wanted.render() + added, "recipe.toml")
    assert [(entry.commit, entry.reason) for entry in more.includes] == [(only, nasty), (unnamed, "no subject")]
    again = extract(more, history.git.directory)
    assert [(pick.commit, pick.kind.value) for pick in again.picks] == [
        (selftest, "patch"),
        (renamed, "patch"),
        (only, "include"),
        (unnamed, "include"),
        (near, "patch"),
    ]
    assert again.uncovered == ()


@attrs.frozen(kw_only=True)
class Line:
    """A straight history: v5.10, then three that match with one between that does not."""

    before: str
    start: str
    one: str
    plain: str
    two: str
    three: str


@pytest.fixture
def line(history: History) -> Line:
    before = history.commit(FIRST, message="tcp: before\n")
    start = history.edit(before, {"README": b"start\n"}, "Linux 5.10\n")
    one = history.edit(start, {"net/mptcp/a.c": b"one\n"}, "mptcp: fix a race\n")
    plain = history.edit(one, {"net/ipv4/tcp.c": b"plain\n"}, "tcp: plain\n")
    two = history.edit(plain, {"net/mptcp/a.c": b"two\n"}, "mptcp: fix a race\n")
    three = history.edit(two, {"net/mptcp/b.c": b"three\n"}, "mptcp: fix a race in b\n")
    history.range(start, three)
    return Line(before=before, start=start, one=one, plain=plain, two=two, three=three)


def named(array: str, commit: str, more: str = "") -> str:
    return f'\n[[{array}]]\ncommit = "{commit}"\nreason = "because\\nof it"\n{more}'


def told(found: Extraction) -> list[tuple[str, str, str]]:
    return [(pick.name, pick.commit, pick.kind.value) for pick in found.picks]


def test_names(history: History, line: Line) -> None:
    """A second patch of one subject gets -2, and a subject that begins like another is another."""
    assert told(extract(recipe(), history.git.directory)) == [
        ("mptcp-fix-a-race.patch", line.one, "patch"),
        ("mptcp-fix-a-race-2.patch", line.two, "patch"),
        ("mptcp-fix-a-race-in-b.patch", line.three, "patch"),
    ]


@pytest.mark.parametrize("pathspecs", [(), ("net/mptcp",)], ids=["all", "pathspecs"])
def test_commits_the_recipe_names(history: History, line: Line, pathspecs: tuple[str, ...]) -> None:
    """Includes and prerequisites of the range at their topological place, those from outside at the start."""
    found = extract(
        recipe(
            named("prerequisite", line.before)
            + named("prerequisite", line.start)
            + named("prerequisite", line.plain)
            + named("include", line.three)
            + named("exclude", line.two),
            pathspecs=pathspecs,
        ),
        history.git.directory,
    )
    assert told(found) == [
        ("tcp-before.patch", line.before, "prerequisite"),
        ("linux-5.10.patch", line.start, "prerequisite"),
        ("mptcp-fix-a-race.patch", line.one, "patch"),
        ("tcp-plain.patch", line.plain, "prerequisite"),
        ("mptcp-fix-a-race-in-b.patch", line.three, "include"),
    ]
    assert [(gone.commit, gone.subject, gone.reason) for gone in found.excluded] == [
        (line.two, "mptcp: fix a race", "because\nof it")
    ]
    assert found.series.render().decode() == (
        "# extracted: q, v5.10..v5.15\n"
        f"# excluded: {line.two} mptcp: fix a race: because of it\n"
        "# prerequisite: because of it\n"
        f"tcp-before.patch # {line.before}\n"
        "# prerequisite: because of it\n"
        f"linux-5.10.patch # {line.start}\n"
        f"mptcp-fix-a-race.patch # {line.one}\n"
        "# prerequisite: because of it\n"
        f"tcp-plain.patch # {line.plain}\n"
        "# include: because of it\n"
        f"mptcp-fix-a-race-in-b.patch # {line.three}\n"
    )


def test_prerequisites_before_a_patch(history: History, line: Line) -> None:
    before = 'before = "mptcp-fix-a-race-2.patch"\n'
    wanted = recipe(named("prerequisite", line.before, before) + named("prerequisite", line.start, before))
    names = ["mptcp-fix-a-race", "tcp-before", "linux-5.10", "mptcp-fix-a-race-2", "mptcp-fix-a-race-in-b"]
    found = extract(wanted, history.git.directory)
    assert [pick.name for pick in found.picks] == [f"{name}.patch" for name in names]
    numbered = extract(wanted, history.git.directory, numbered=True, previous=found.series)
    assert [pick.commit for pick in numbered.picks] == [pick.commit for pick in found.picks]
    assert [entry.name for entry in numbered.series.entries] == [
        f"0001-{line.one}-mptcp_fix_a_race.patch",
        f"0002-{line.before}-tcp_before.patch",
        f"0003-{line.start}-Linux_5.10.patch",
        f"0004-{line.two}-mptcp_fix_a_race.patch",
        f"0005-{line.three}-mptcp_fix_a_race_in_b.patch",
    ]
    # The recipe's name for the patch still holds, though no line has it now.
    assert extract(wanted, history.git.directory, previous=numbered.series).series == numbered.series


def refused(wanted: Recipe, history: History) -> list[str]:
    with pytest.raises(BadRecipe) as caught:
        extract(wanted, history.git.directory)
    return [str(problem) for problem in caught.value.problems]


def test_commits_that_are_named_in_vain(history: History, line: Line) -> None:
    """All at once, each with its line; the id in an earlier reason is not taken for it."""
    text = (
        f'\n[[acknowledge]]\ncommit = "{"9" * 40}"\nreason = "commit = {line.before}"\n'
        + named("include", line.before)
        + named("exclude", line.plain)
        + named("exclude", line.start.upper())
    )
    lines = recipe(text).render().decode().split("\n")

    def at(commit: str) -> int:
        return next(number for number, row in enumerate(lines, 1) if row == f'commit = "{commit}"')

    assert refused(recipe(text), history) == [
        f"recipe.toml:{at(line.before)}: include {line.before} is no commit of v5.10..v5.15; "
        "one from elsewhere is a [[prerequisite]]",
        f"recipe.toml:{at(line.plain)}: exclude {line.plain} is not picked, so there is nothing to leave out",
        f"recipe.toml:{at(line.start.upper())}: exclude {line.start} is not picked, so there is nothing to leave out",
    ]


def test_before_a_patch_that_is_not_there(history: History, line: Line) -> None:
    assert refused(recipe(named("prerequisite", line.before, 'before = "x.patch"\n')), history) == [
        f"recipe.toml:8: prerequisite {line.before} goes before x.patch, which is not in the queue"
    ]


def test_a_merge_cannot_be_named_for_what_it_brought(history: History) -> None:
    _, topic, start, plain = merged_history(history)
    history.range(start, plain)
    why = "is a merge that has no work of its own on owned paths; name the commits it brought"
    for array in ("include", "prerequisite"):
        assert refused(recipe(named(array, plain)), history) == [f"recipe.toml:8: {array} {plain} {why}"]
    tree = history.git.run("rev-parse", f"{topic}^{{tree}}")
    assert refused(recipe(named("prerequisite", tree)), history) == [
        f"recipe.toml:8: prerequisite {tree} is no commit but a tree"
    ]
    hand = history.merge(start, topic, changes={"net/mptcp/b.c": b"by hand\n"})
    history.range(start, hand)
    assert told(extract(recipe(named("include", hand)), history.git.directory)) == [
        ("mptcp-topic.patch", topic, "patch"),
        ("merge-a-topic.patch", hand, "include"),
    ]
    left = extract(recipe(named("exclude", hand)), history.git.directory)
    assert told(left) == [("mptcp-topic.patch", topic, "patch")]


def test_a_prerequisite_that_is_not_there(history: History, line: Line) -> None:
    gone, lost = "7" * 40, "8" * 40
    with pytest.raises(MissingObject) as caught:
        extract(recipe(named("prerequisite", gone) + named("prerequisite", lost)), history.git.directory)
    # All of them: one fetch brings them.
    assert str(caught.value).splitlines() == [
        f"recipe.toml:8: prerequisite {gone} is not in {history.repo.path}",
        f"recipe.toml:12: prerequisite {lost} is not in {history.repo.path}",
        f"run `mptcp-series fetch`, or in {history.repo.path}: git fetch origin {gone} {lost}",
    ]


@pytest.mark.parametrize(
    ("wanted", "kind", "message"),
    [
        (recipe(range="v5.10..v9"), UnknownRevision, "{path}: unknown revision 'v9'; `git fetch --tags` may bring it"),
        (recipe(range="v5.15..v5.10"), BadInput, "recipe.toml: range v5.15..v5.10 is empty in {path}"),
        (recipe(range="v5.10..v5.10"), BadInput, "recipe.toml: range v5.10..v5.10 is empty in {path}"),
        (
            recipe(range="v5.15..v5.10", pathspecs=["net"]),
            BadInput,
            "recipe.toml: range v5.15..v5.10 is empty in {path}",
        ),
        (
            recipe(match=["net/sctp", "x"]),
            BadInput,
            "recipe.toml: no commit of v5.10..v5.15 touches a path that contains any of net/sctp, x",
        ),
        (
            recipe(pathspecs=["fs"]),
            BadInput,
            "recipe.toml: no commit of v5.10..v5.15 touches a path that contains any of net/mptcp at the pathspecs fs",
        ),
        (
            recipe(pathspecs=["net", ":(bogus)x"]),
            BadInput,
            "git cannot read the pathspecs 'net', ':(bogus)x': fatal: Invalid pathspec magic 'bogus' in ':(bogus)x'",
        ),
    ],
)
def test_bad_input(history: History, line: Line, wanted: Recipe, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        extract(wanted, history.git.directory)
    assert str(caught.value) == message.format(path=history.repo.path)


def test_everything_excluded(history: History, line: Line) -> None:
    text = "".join(named("exclude", commit) for commit in (line.one, line.two, line.three))
    with pytest.raises(BadInput, match=r"every commit of v5\.10\.\.v5\.15 that `match` picks is excluded"):
        extract(recipe(text), history.git.directory)


def clone(history: History, directory: Path, *options: str) -> Path:
    """A clone of a history whose ends are named; what is not in it stays where it is."""
    history.git.run("config", "uploadpack.allowFilter", "true")
    history.git.run("config", "uploadpack.allowAnySHA1InWant", "true")
    history.git.run("clone", "--bare", *options, f"file://{history.git.directory}", str(directory))
    return directory


def objects_of(repo: Path) -> list[str]:
    return Git(repo).run("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered").split()


@pytest.fixture
def merging(history: History) -> History:
    """An old topic, a start, some commits and a merge by hand; the range is start..end."""
    _, topic, start, plain = merged_history(history)
    more = history.edit(plain, {"net/mptcp/b.c": b"more\n"}, "mptcp: more\n")
    evil = history.merge(more, start, changes={"include/net/mptcp.h": b"by hand\n"})
    history.range(start, history.edit(evil, {"net/mptcp/a.c": b"last\n"}, "mptcp: last\n"))
    assert topic
    return history


@pytest.mark.parametrize("pathspecs", [(), ("net/mptcp", "include")], ids=["all", "pathspecs"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_shallow_inside_the_range(merging: History, tmp_path: Path, depth: int, pathspecs: tuple[str, ...]) -> None:
    """The cut lies in the range, be it at a commit of the topic or of the line: refused, not a shorter list."""
    shallow = clone(merging, tmp_path / "shallow.git", f"--depth={depth}")
    Git(shallow).run("fetch", "--depth=1", "origin", f"refs/tags/{START}:refs/tags/{START}")
    with pytest.raises(ShallowSource, match=r"is cut at [0-9a-f]{40}, .*`git fetch --unshallow`"):
        extract(recipe(pathspecs=pathspecs), shallow)


@pytest.mark.parametrize("pathspecs", [(), ("net/mptcp",)], ids=["all", "pathspecs"])
def test_shallow_outside_the_range(history: History, tmp_path: Path, pathspecs: tuple[str, ...]) -> None:
    old = history.commit(FIRST, message="old\n")
    for at in range(4):
        old = history.edit(old, {"README": f"{at}\n".encode()}, "old\n")
    one = history.edit(old, {"net/mptcp/a.c": b"1\n"}, "mptcp: one\n")
    history.range(old, history.edit(one, {"README": b"end\n"}, "end\n"))
    shallow = clone(history, tmp_path / "shallow.git", "--depth=4")
    assert Git(shallow).run("rev-parse", "--is-shallow-repository") == "true"
    assert told(extract(recipe(pathspecs=pathspecs), shallow)) == [("mptcp-one.patch", one, "patch")]
    linked = tmp_path / "linked"
    Git(shallow).run("worktree", "add", "--detach", str(linked), END)
    assert told(extract(recipe(pathspecs=pathspecs), linked)) == [("mptcp-one.patch", one, "patch")]


def test_a_start_that_is_cut_off(history: History, tmp_path: Path) -> None:
    """What is older than a start without parents cannot be told from the range: a topic would go down to the root."""
    root = history.commit(FIRST, message="root\n")
    middle = history.edit(root, {"net/mptcp/a.c": b"older than the start\n"}, "mptcp: middle\n")
    start = history.edit(middle, {"README": b"start\n"}, "start\n")
    topic = history.edit(middle, {"net/mptcp/b.c": b"topic\n"}, "mptcp: topic\n")
    history.range(start, history.merge(start, topic))
    source = clone(history, tmp_path / "cut.git")
    (source / "shallow").write_text(f"{start}\n")
    assert Git(source).run("rev-list", "--count", f"{START}..{END}") == "4"
    with pytest.raises(ShallowSource, match=rf"is cut at {start}, so it does not tell what of .* is older"):
        extract(recipe(), source)


@pytest.mark.parametrize("pathspecs", [(), ("net/mptcp",)], ids=["all", "pathspecs"])
def test_a_clone_without_trees(merging: History, tmp_path: Path, pathspecs: tuple[str, ...]) -> None:
    """Refused, with nothing fetched behind anybody's back."""
    treeless = clone(merging, tmp_path / "treeless.git", "--filter=tree:0")
    before = sorted(objects_of(treeless))
    with pytest.raises(MissingObject, match=r"objects of the range are missing\. A clone without blobs will do"):
        extract(recipe(pathspecs=pathspecs), treeless)
    assert sorted(objects_of(treeless)) == before


def test_a_clone_without_blobs(history: History, tmp_path: Path) -> None:
    """Trees tell which merges are plain, as long as no file was changed on both sides."""
    _, topic, start, plain = merged_history(history)
    more = history.edit(plain, {"net/mptcp/b.c": b"more\n"}, "mptcp: more\n")
    evil = history.merge(more, start, changes={"include/net/mptcp.h": b"by hand\n"})
    history.range(start, evil)
    blobless = clone(history, tmp_path / "blobless.git", "--filter=blob:none")
    before = sorted(objects_of(blobless))
    found = extract(recipe(), blobless)
    assert found.series == extract(recipe(), history.git.directory).series
    assert [pick.commit for pick in found.picks] == [topic, more, evil]
    found.write(tmp_path / "series")
    with pytest.raises(MissingObject, match="in a clone without blobs bring it with `mptcp-series fetch`"):
        found.write(tmp_path / "patches", materialise=True)
    assert not (tmp_path / "patches").exists()
    assert sorted(objects_of(blobless)) == before


_CONFIGURATION = {
    "alias.log": "log --merges",
    "color.ui": "always",
    "core.quotePath": "true",
    "diff.ignoreSubmodules": "all",
    "diff.orderFile": "/nonexistent",
    "diff.relative": "true",
    "diff.renames": "copies",
    "format.pretty": "fuller",
    "log.abbrevCommit": "true",
    "log.date": "relative",
    "log.decorate": "full",
    "log.diffMerges": "on",
    "log.follow": "true",
    "log.mailmap": "true",
    "log.showRoot": "false",
    "log.showSignature": "true",
}
_VARIABLES = {
    "GIT_COMMON_DIR": "/nonexistent",
    "GIT_DIR": "/nonexistent",
    "GIT_EXTERNAL_DIFF": "false",
    "GIT_GLOB_PATHSPECS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NAMESPACE": "x",
    "GIT_OBJECT_DIRECTORY": "/nonexistent",
    "GIT_PAGER": "false",
    "GIT_SHALLOW_FILE": "/nonexistent",
    "GIT_TRACE": "1",
    "GIT_WORK_TREE": "/nonexistent",
}


@pytest.mark.parametrize("pathspecs", [(), ("net/mptcp",), ("net/mptcp/b.c",)], ids=["all", "directory", "file"])
def test_nobodys_configuration_matters(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pathspecs: tuple[str, ...]
) -> None:
    """Neither the repository's, nor the user's, nor what git's own variables say."""
    start = history.commit(FIRST, message="start\n")
    copied = history.edit(start, {"net/mptcp/c.c": FIRST["net/mptcp/a.c"]}, "mptcp: copy\n")
    moved = history.edit(
        copied, {"net/mptcp/a.c": None, "net/mptcp/b.c": FIRST["net/mptcp/a.c"], "q": b"q\n"}, "mptcp: move\n"
    )
    root = history.commit({"net/mptcp/root.c": b"root\n"}, message="mptcp: a root\n")
    joined = history.commit({**history.files(moved), **history.files(root)}, moved, root, message="Merge\n")
    history.range(start, history.edit(joined, {"net/mptcp/ é\n.c": b"x\n"}, "mptcp: last\n"))
    wanted = recipe(pathspecs=pathspecs)
    plain = extract(wanted, history.git.directory)
    for name, value in _CONFIGURATION.items():
        history.git.run("config", name, value)
    user = tmp_path / "user"
    user.write_text("[broken\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(user))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "maybe")
    for name, value in _VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    again = extract(wanted, history.git.directory)
    assert again.series.render() == plain.series.render()
    assert (again.picks, again.uncovered, again.examined) == (plain.picks, plain.uncovered, plain.examined)


def test_replacements_are_not_followed(history: History, line: Line) -> None:
    """Everything else reads the repository with libgit2, which does not know them either."""
    before = extract(recipe(), history.git.directory)
    history.git.run("replace", line.two, line.plain)
    assert extract(recipe(), history.git.directory).picks == before.picks


def test_progress(history: History, monkeypatch: pytest.MonkeyPatch, line: Line) -> None:
    monkeypatch.setattr("mptcp_series.engine.upstream.history._STEP", 2)
    calls: list[tuple[int, int | None]] = []
    extract(recipe(), history.git.directory, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(0, None), (2, 4), (4, 4), (4, 4)]


def test_an_interrupted_walk_leaves_no_process(history: History, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **options))
        return started[-1]

    def interrupt(done: int, total: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr("mptcp_series.engine.upstream.history._STEP", 1)
    with pytest.raises(KeyboardInterrupt):
        extract(recipe(named("include", line.plain), pathspecs=["net"]), history.git.directory, progress=interrupt)
    words = [word for process in started for word in process.args if word in ("rev-list", "diff-tree")]  # type: ignore[union-attr]
    assert words.count("rev-list") == 2
    assert words.count("diff-tree") >= 1
    assert all(process.returncode is not None for process in started)


def test_a_walk_that_is_begun_before(history: History, line: Line, tmp_path: Path) -> None:
    """Of a repository as of its work tree; what is none, or hidden, is for whoever opens it to say."""
    wanted = recipe(pathspecs=["net"])
    plain = extract(wanted, history.git.directory)
    checkout = tmp_path / "checkout"
    history.git.run("clone", "-q", str(history.git.directory), str(checkout))
    for place in (history.git.directory, checkout):
        begun = Walk.begin(place, wanted.range, wanted.pathspecs)
        assert begun is not None
        found = extract(wanted, place, walk=begun)
        assert (found.picks, found.examined) == (plain.picks, plain.examined)
    linked = tmp_path / "linked"
    subprocess.run(["git", "worktree", "add", "-q", str(linked), "HEAD"], cwd=checkout, check=True)
    assert Walk.begin(linked, wanted.range) is None
    assert Walk.begin(tmp_path / "nowhere", wanted.range) is None


def test_a_walk_begun_in_vain(history: History, line: Line, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with the range is said as ever, and git is not left running."""
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    place.directory.mkdir(parents=True)
    (place.directory / "recipe.toml").write_bytes(recipe(range="v5.10..v9.9").render())
    done = CliRunner().invoke(cli, ["extract", "--series", str(place.directory), "--source", str(place.source)])
    assert done.exit_code == 2
    assert "unknown revision 'v9.9'" in done.stderr
    assert [process.returncode is not None for process in started] == [True]


def test_git_that_is_killed(history: History, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "git"
    fake.write_text("#!/bin/sh\nkill -KILL $$\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(EnvironmentFault, match=r"history of v5\.10\.\.v5\.15 in .*: git was ended by signal 9"):
        extract(recipe(), history.git.directory)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(ToolMissing, match="git is not installed"):
        extract(recipe(), history.git.directory)


class Place:
    """A series directory, and what is in it."""

    def __init__(self, directory: Path, source: Path) -> None:
        self.directory = directory
        self.source = source

    @property
    def series(self) -> Path:
        return self.directory / "series"

    def previous(self) -> Series | None:
        return Series.parse(self.series.read_bytes(), str(self.series)) if self.series.is_file() else None

    def extract(self, wanted: Recipe, *, materialise: bool = False, numbered: bool = False) -> Extraction:
        found = extract(wanted, self.source, previous=self.previous(), numbered=numbered)
        found.write(self.directory, materialise=materialise)
        return found

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.directory.iterdir())}


@pytest.fixture
def place(tmp_path: Path, history: History) -> Place:
    return Place(tmp_path / "series" / "q", history.git.directory)


def test_what_people_wrote_stays(history: History, line: Line, place: Place) -> None:
    place.extract(recipe())
    written = f"""\
# Ours, for the board.

# first of all
first.patch -p0
# the race, see the list
race.patch -R # {line.one} backported by hand
bug.patch # not upstream

# --- b ---
mptcp-fix-a-race-in-b.patch # {line.three}
end.patch
# the end""".encode()
    place.series.write_bytes(written)
    found = place.extract(recipe())
    assert (
        place.series.read_text()
        == f"""\
# extracted: q, v5.10..v5.15
# Ours, for the board.

# first of all
first.patch -p0
# the race, see the list
race.patch -R # {line.one} backported by hand
bug.patch # not upstream
mptcp-fix-a-race.patch # {line.two}

# --- b ---
mptcp-fix-a-race-in-b.patch # {line.three}
end.patch
# the end
"""
    )
    assert [pick.name for pick in found.picks] == [
        "race.patch",
        "mptcp-fix-a-race.patch",
        "mptcp-fix-a-race-in-b.patch",
    ]
    before = place.series.stat()
    place.extract(recipe())
    after = place.series.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_is_no_longer_picked_goes(history: History, line: Line, place: Place) -> None:
    """With its file, if that is as extract made it; names of those that stay do not change."""
    place.extract(recipe(), materialise=True)
    (place.directory / "mptcp-fix-a-race-in-b.patch").write_bytes(b"edited\n")
    place.series.write_bytes(place.series.read_bytes().replace(b"mptcp-fix-a-race-2", b"# mine\nmptcp-fix-a-race-2"))
    found = place.extract(recipe(named("exclude", line.one) + named("exclude", line.three)))
    assert [entry.name for entry in found.dropped] == ["mptcp-fix-a-race.patch", "mptcp-fix-a-race-in-b.patch"]
    assert place.series.read_text() == (
        "# extracted: q, v5.10..v5.15\n"
        f"# excluded: {line.one} mptcp: fix a race: because of it\n"
        f"# excluded: {line.three} mptcp: fix a race in b: because of it\n"
        f"# mine\nmptcp-fix-a-race-2.patch # {line.two}\n"
    )
    assert set(place.files()) == {"series", "mptcp-fix-a-race-2.patch", "mptcp-fix-a-race-in-b.patch"}


def test_names_hold_when_the_range_grows(history: History, line: Line, place: Place) -> None:
    place.extract(recipe())
    history.range(line.before, history.edit(line.three, {"net/mptcp/a.c": b"4\n"}, "mptcp: fix a race\n"))
    again = place.extract(recipe())
    assert [pick.name for pick in again.picks] == [
        "mptcp-fix-a-race.patch",
        "mptcp-fix-a-race-2.patch",
        "mptcp-fix-a-race-in-b.patch",
        "mptcp-fix-a-race-3.patch",
    ]
    assert [pick.commit for pick in again.picks][:3] == [line.one, line.two, line.three]
    assert extract(recipe(), history.git.directory).picks == again.picks


def test_numbered(history: History, line: Line, place: Place) -> None:
    place.extract(recipe(), materialise=True)
    found = place.extract(recipe(), materialise=True, numbered=True)
    names = [
        f"0001-{line.one}-mptcp_fix_a_race.patch",
        f"0002-{line.two}-mptcp_fix_a_race.patch",
        f"0003-{line.three}-mptcp_fix_a_race_in_b.patch",
    ]
    assert [pick.name for pick in found.picks] == [entry.name for entry in found.series.entries] == names
    assert list(place.files()) == [*names, "series"]
    assert place.extract(recipe(), numbered=True).series == found.series


@pytest.fixture
def varied(history: History) -> History:
    """What patches can hold: odd names, bytes of no encoding, a rename, a deletion, a binary, a merge by hand."""
    start = history.commit({**FIRST, "net/mptcp/old.c": numbered(30, word="old")}, message="start\n")
    one = history.edit(start, {"net/mptcp/a b.c": b"caf\xe9\r\nno end", "include/net/mptcp.h": None}, "mptcp: one\n")
    two = history.edit(one, {"net/mptcp/old.c": None, "net/mptcp/new.c": numbered(30, {4: "n\n"}, "old")}, "mptcp: 2\n")
    binary = history.edit(two, {"net/mptcp/blob": bytes(range(256)) * 9}, "mptcp: binary\n\n--- not/a/file\n+++ x\n")
    side = history.edit(start, {"net/mptcp/a.c": numbered(60, {3: "side\n"})}, "mptcp: sidé\n\n---\nruler\n")
    hand = history.merge(binary, side, changes={"net/mptcp/b.c": numbered(60, {50: "by hand\n"}, "other")})
    history.range(start, hand)
    return history


def test_materialised(varied: History, tmp_path: Path, place: Place) -> None:
    """The patches apply with git, and without a source; a second run writes none of them again."""
    place.extract(recipe(), materialise=True)
    names = [entry.name for entry in (place.previous() or Series()).entries]
    assert len(names) == 5
    written = place.files()
    stamps = {path.name: path.stat().st_mtime_ns for path in place.directory.iterdir()}
    place.extract(recipe(), materialise=True)
    assert place.files() == written
    assert {path.name: path.stat().st_mtime_ns for path in place.directory.iterdir()} == stamps
    work = tmp_path / "work"
    varied.git.run("clone", "-q", "--branch", START, str(varied.git.directory), str(work))
    for name in names:
        Git(work).run("apply", "--check", "--index", str(place.directory / name))
        Git(work).run("apply", "--index", str(place.directory / name))
    tree = Git(work).run("write-tree")
    assert tree == varied.git.run("rev-parse", f"{END}^{{tree}}")
    result = Queue.load(place.directory).apply(varied.git.directory, base=START, align=False).require()
    result.write_branch("result")
    assert varied.git.run("rev-parse", "result^{tree}") == tree


@pytest.mark.parametrize("at", range(6))
def test_a_killed_run_leaves_the_old_series(
    varied: History, place: Place, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    place.directory.mkdir(parents=True)
    place.series.write_bytes(b"old.patch\n")
    replace, done = files.replace_file, list[Path]()

    def killed(path: Path, data: bytes) -> None:
        if len(done) == at:
            raise KeyboardInterrupt
        done.append(path)
        replace(path, data)

    monkeypatch.setattr(module, "replace_file", killed)
    with pytest.raises(KeyboardInterrupt):
        place.extract(recipe(), materialise=True)
    assert place.series.read_bytes() == b"old.patch\n"
    assert set(place.files()) == {"series", *(path.name for path in done)}
    assert all(path.name != "series" for path in done)


def test_a_strip_level_that_no_patch_file_has(history: History, line: Line, place: Place) -> None:
    place.extract(recipe())
    place.series.write_bytes(place.series.read_bytes().replace(b"b.patch #", b"b.patch -p0 #"))
    before = place.files()
    with pytest.raises(BadSeries, match=r"series:4: mptcp-fix-a-race-in-b\.patch has -p0, and the patch file of a pin"):
        place.extract(recipe(), materialise=True)
    assert place.files() == before


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (recipe(range="v5.10..v9").render(), 2),
        (recipe(range="v5.15..v5.10").render(), 2),
        (recipe(match=["no such"]).render(), 2),
        (recipe(named("include", "7" * 40)).render(), 2),
        (recipe(named("prerequisite", "7" * 40)).render(), 3),
        (b"[series]\n", 2),
    ],
)
def test_the_command_writes_nothing_when_it_fails(
    history: History, line: Line, place: Place, text: bytes, code: int
) -> None:
    place.directory.mkdir(parents=True)
    (place.directory / "recipe.toml").write_bytes(text)
    before = place.files()
    arguments = ["extract", "--series", str(place.directory), "--source", str(place.source), "--materialise"]
    done = CliRunner().invoke(cli, arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith("mptcp-series: error: ")
    assert place.files() == before


def test_the_command_tells_what_left_the_series(history: History, line: Line, place: Place) -> None:
    place.extract(recipe())
    (place.directory / "recipe.toml").write_bytes(recipe(named("exclude", line.one)).render())
    done = CliRunner().invoke(cli, ["extract", "--series", str(place.directory), "--source", str(place.source)])
    assert (done.exit_code, done.stderr) == (0, "")
    assert (
        done.stdout
        == f"""\
q: v5.10..v5.15
4 commits in the range; 2 picks: 2 patch
left out by the recipe:
  {line.one[:12]} mptcp: fix a race
    because
    of it
gone from the series, no longer picked:
  {line.one[:12]} mptcp-fix-a-race.patch
wrote {place.series}
"""
    )
