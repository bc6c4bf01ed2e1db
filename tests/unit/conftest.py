# SPDX-License-Identifier: MIT
"""Seals every unit test from the machine it runs on, and helps it to make small histories.

No test here starts a process. Repositories are bare, and everybody and every date is the same everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import pygit2
import pytest
from hypothesis import HealthCheck, settings
from pygit2.enums import ConfigLevel

from mptcp_series.engine.replay.item import Item, item_from_commit, item_from_patch
from mptcp_series.engine.replay.replay import Replay, Replayed
from mptcp_series.engine.store.objects import EXECUTABLE, LINK, REGULAR, SUBMODULE, Entry, Objects, Oid
from mptcp_series.engine.store.tree import TreeEditor
from mptcp_series.values.override import Override
from mptcp_series.values.paths import OwnedPaths
from mptcp_series.values.result import Account, EntryKind, PatchOutcome
from mptcp_series.values.series import SeriesEntry

__all__ = ["AUTHOR", "EXECUTABLE", "LINK", "MAKEFILE", "REGULAR", "SUBMODULE", "Files", "Lab", "Run", "numbered"]

# Times differ from machine to machine; what a test asserts must not.
settings.register_profile("sealed", settings.get_profile("steady"), suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sealed")

AUTHOR = pygit2.Signature("Paolo Tester", "paolo@example.org", 1612137600, 60)
MAKEFILE = b"VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 66\nEXTRAVERSION =\n"

Content = bytes | tuple[int, bytes]
"""A regular file, or another mode and its content (for a submodule: the 20 bytes of its commit id)."""
Files = Mapping[str, Content]


@pytest.fixture(autouse=True, scope="session")
def sealed() -> Iterator[None]:
    """No configuration of the user or the system reaches libgit2 or git."""
    levels = (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL)
    before = {level: pygit2.settings.search_path[level] for level in levels}
    names = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(("GIT_", "QUILT"))}
    for level in levels:
        pygit2.settings.search_path[level] = "/nonexistent"
    yield
    for level, path in before.items():
        pygit2.settings.search_path[level] = path
    os.environ.update(names)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """An empty bare repository to work in."""
    return Lab(pygit2.init_repository(str(tmp_path / "lab.git"), bare=True))


def numbered(count: int, changes: Mapping[int, str] | None = None, word: str = "line") -> bytes:
    """A text of `count` different lines, some of them replaced (1-based; an empty text deletes the line)."""
    lines = [f"{word} {at}\n" for at in range(1, count + 1)]
    for at, text in (changes or {}).items():
        lines[at - 1] = text
    return "".join(lines).encode()


@attrs.frozen
class Run:
    """A replay that is over: its outcomes, and the files it led to."""

    replayed: Replayed
    files: Files
    """Of the whole run, conflicts taken as the patches have them."""

    @property
    def only(self) -> PatchOutcome:
        (outcome,) = self.replayed.outcomes
        return outcome

    @property
    def told(self) -> tuple[str, list[tuple[str, str]], Account, list[tuple[str, str | None]]]:
        """Of the only patch: its status, that of its paths, its account, the places of its conflicts."""
        outcome = self.only
        return (
            outcome.status.value,
            [(path.path, path.status.value) for path in outcome.paths],
            outcome.hunks,
            [(conflict.path, conflict.hunk) for conflict in outcome.conflicts],
        )


class Lab:
    """A repository, and short ways to put history into it."""

    def __init__(self, repo: pygit2.Repository, *others: pygit2.Repository) -> None:
        self.repo = repo
        self.objects = Objects(repo, *others)

    def blob(self, content: bytes) -> Oid:
        return self.repo.create_blob(content).raw

    def entry(self, content: Content) -> Entry:
        mode, data = content if isinstance(content, tuple) else (REGULAR, content)
        return Entry(mode, data if mode == SUBMODULE else self.blob(data))

    def tree(self, files: Files) -> Oid:
        """A tree as libgit2's index writes it: independent of the engine's own way."""
        index = pygit2.Index()
        for path, content in files.items():
            mode, oid = self.entry(content)
            index.add(pygit2.IndexEntry(path, pygit2.Oid(raw=oid), pygit2.enums.FileMode(mode)))
        return index.write_tree(self.repo).raw

    def commit(self, files: Files, message: str = "mptcp: a change\n", parents: Sequence[str] = ()) -> str:
        tree = pygit2.Oid(raw=self.tree(files))
        return str(self.repo.create_commit(None, AUTHOR, AUTHOR, message, tree, [pygit2.Oid(hex=p) for p in parents]))

    def files(self, tree: Oid) -> Files:
        """Every file of a tree, the engine's unpublished objects included."""
        found: dict[str, Content] = {}
        editor = TreeEditor(self.objects, tree)
        for name, top in self.objects.tree(tree).items():
            below = editor.files(name.decode("utf-8", "surrogateescape"))
            for path, entry in below.items():
                data = entry.oid if entry.mode == SUBMODULE else self.objects.read(entry.oid)
                found[path] = data if entry.mode == REGULAR else (entry.mode, data)
            assert below or top.mode == SUBMODULE, "git has no empty directories"
        return found

    def pick(
        self,
        before: Files | None,
        after: Files,
        message: str = "mptcp: a change\n",
        name: str = "change.patch",
        *,
        reverse: bool = False,
    ) -> Item:
        """A pinned patch: what leads from one set of files to another."""
        parents = [] if before is None else [self.commit(before, "before\n")]
        pin = self.commit(after, message, parents)
        return self.pinned(pin, name, reverse=reverse)

    def pinned(self, pin: str, name: str = "change.patch", *, reverse: bool = False) -> Item:
        entry = SeriesEntry(name=name, pin=pin, reverse=reverse)
        return item_from_commit(self.repo, self.objects, entry, EntryKind.PATCH, OwnedPaths(patterns=()))

    def patch(self, data: bytes, name: str = "change.patch", *, reverse: bool = False, pin: str | None = None) -> Item:
        """A materialised patch."""
        return item_from_patch(self.objects, SeriesEntry(name=name, reverse=reverse, pin=pin), data, name)

    def replay(self, base: Files, *items: Item, overrides: Mapping[str, Override] | None = None) -> Run:
        """Replay patches on a base of these files."""
        commit = self.commit(base, "base\n")
        replay = Replay(
            objects=self.objects,
            base=bytes.fromhex(commit),
            base_tree=self.tree(base),
            base_name="base",
            overrides=overrides or {},
        )
        replayed = replay.run(items)
        return Run(replayed, self.files(replayed.predicted_tree))
