# SPDX-License-Identifier: MIT
"""Small histories in which one patch does not fit its base, and the steps of a resolve in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import attrs
import pygit2

from mptcp_series import Queue, Result
from mptcp_series.engine.resolving.job import Job
from mptcp_series.engine.resolving.place import Place
from mptcp_series.engine.resolving.prove import Answer, prepare
from mptcp_series.engine.resolving.resolve import begin, go_on
from mptcp_series.engine.resolving.state import State
from mptcp_series.minikernel.history import Changes, HistoryBuilder, Identity
from mptcp_series.values.override import Override

__all__ = ["AUTHOR", "MAKEFILE", "TCP", "World", "answered", "listing", "make_world", "numbered"]

AUTHOR = Identity(name="Paolo Tester", email="paolo@example.org")
MAKEFILE = b"VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 66\nEXTRAVERSION =\n"
START = 1_630_000_000
TCP = "net/ipv4/tcp.c"


def numbered(count: int, changes: Mapping[int, bytes] | None = None, end: bytes = b"\n") -> bytes:
    """A text of `count` different lines, some of them replaced (1-based; an empty one is left out)."""
    lines = [b"line %d of a file" % at + end for at in range(1, count + 1)]
    for at, line in (changes or {}).items():
        lines[at - 1] = line + end if line else b""
    return b"".join(lines)


@attrs.frozen(kw_only=True)
class World:
    """A repository with a base and the commits of a queue, and the series that picks them."""

    root: Path
    repo: Path
    builder: HistoryBuilder

    @property
    def series(self) -> Path:
        return self.root / "series" / "q"

    @property
    def overrides(self) -> Path:
        return self.root / "overrides" / "q"

    @property
    def place(self) -> Place:
        return Place(self.root / ".mptcp-series" / "resolve" / "q")

    def job(self, base: str = "base") -> Job:
        return Job(series=self.series, repo=self.repo, base=base, source=self.repo)

    def result(self, base: str = "base") -> Result:
        return Queue.load(self.series, source=self.repo).apply(self.repo, base=base)

    def move_base(self, changes: Changes, branch: str = "base") -> None:
        """One more commit of the vendor, on the base or on a new branch of it."""
        if branch != "base":
            self.builder.fork(branch, "base")
        commit = self.builder.commit(branch, changes, "vendor: more\n", AUTHOR, START + 1_000_000)
        references = pygit2.Repository(str(self.repo)).references
        references.create(f"refs/heads/{branch}", commit, force=True)

    def begin(self, *, replace: bool = False) -> State:
        report = begin(self.job(), self.place, replace=replace)
        assert report.state is not None
        return report.state

    def put(self, path: str, data: bytes | None, side: str = "tree") -> None:
        """Write or delete a file as an editor would."""
        target = self.place.directory / side / path
        if target.is_symlink() or target.exists():
            target.unlink()
        if data is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def get(self, path: str, side: str = "tree") -> bytes | None:
        content = self.place.read(side, path)
        return None if content is None else content[1]

    def close(self, reason: str = "because") -> Answer:
        """Capture, prove and write the answer; go on."""
        with self.place.locked():
            answer = prepare(self.place)
            answer.write(reason)
            go_on(answer)
        return answer

    def file(self, result: Result, path: str) -> tuple[int, bytes] | None:
        """A file of a result: its mode and its bytes."""
        tree = result.objects.tree(bytes.fromhex(result.require().tree or ""))
        *parents, name = path.encode().split(b"/")
        for parent in parents:
            if parent not in tree:
                return None
            tree = result.objects.tree(tree[parent].oid)
        entry = tree.get(name)
        return None if entry is None else (entry.mode, result.objects.read(entry.oid))


def make_world(root: Path, before: Changes, patches: Mapping[str, Changes], base: Changes) -> World:
    """A base that has changed since `before`, and patches made on `before`, one after the other."""
    repo = pygit2.init_repository(str(root / "linux.git"), bare=True, initial_head="up")
    builder = HistoryBuilder(repo)
    builder.commit("up", {"Makefile": MAKEFILE, **before}, "Linux 5.10.66\n", AUTHOR, START)
    builder.fork("base", "up")
    world = World(root=root, repo=root / "linux.git", builder=builder)
    world.series.mkdir(parents=True)
    lines = []
    for at, (name, changes) in enumerate(patches.items(), start=1):
        commit = builder.commit("up", changes, f"mptcp: {name}\n\nThe work of {name}.\n", AUTHOR, START + at)
        lines.append(f"{name}.patch # {commit}\n")
    builder.commit("base", base, "vendor: their own\n", AUTHOR, START)
    builder.publish("up", "base")
    (world.series / "series").write_text("".join(lines))
    return world


def listing(root: Path) -> dict[str, bytes | None]:
    """Everything below a directory: the bytes of files, None for directories."""
    found: dict[str, bytes | None] = {}
    for directory, directories, names in os.walk(root):
        for name in directories:
            found[os.path.relpath(os.path.join(directory, name), root)] = None
        for name in names:
            path = os.path.join(directory, name)
            found[os.path.relpath(path, root)] = _read(path)
    return found


def _read(path: str) -> bytes | None:
    if os.path.islink(path):
        return os.fsencode(os.readlink(path))
    return Path(path).read_bytes() if os.path.isfile(path) else None


def answered(world: World, path: str, data: bytes | None) -> Override:
    """Close the resolve, and see that the queue now gives the answer."""
    answer = world.close()
    assert not world.place.directory.exists()
    result = world.result()
    assert result.reasons() == []
    found = world.file(result, path)
    assert (None if found is None else found[1]) == data
    return Override.parse(answer.path.read_bytes(), str(answer.path))
