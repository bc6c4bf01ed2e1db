# SPDX-License-Identifier: MIT
"""A small kernel whose stable branch, vendor tree and queue a test writes line by line.

The source has mainline (v5.10 to v5.15), linux-5.10.y and linux-5.15.y; the vendor's tree is a repository
of its own. The stack is net/mptcp/: files of short functions that nothing else looks like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pygit2

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.replay.change import BlobChange, file_hunks
from mptcp_series.engine.replay.item import item_from_commit
from mptcp_series.engine.result import Result
from mptcp_series.engine.store.objects import Entry, Objects
from mptcp_series.engine.store.tree import TreeEditor
from mptcp_series.minikernel.history import Changes, FileEntry, HistoryBuilder, Identity
from mptcp_series.values.hunk import hunk_ids
from mptcp_series.values.naming import patch_name
from mptcp_series.values.paths import OwnedPaths
from mptcp_series.values.result import EntryKind
from mptcp_series.values.series import Series, SeriesEntry

__all__ = ["CORE", "PM", "TCP", "Edits", "Kernel", "function", "stack"]

CORE, PM, TCP = "net/mptcp/core.c", "net/mptcp/pm.c", "net/ipv4/tcp.c"
ADA = Identity(name="Ada", email="ada@example.org")
_START = 1_600_000_000

Edits = Mapping[str, "tuple[str, str] | Sequence[tuple[str, str]] | bytes | None"]
"""By path: texts to replace (each stands once), a whole new file, or None for a deletion."""


def function(name: str) -> str:
    """A function that no other one looks like."""
    return f"""static int mptcp_{name}(struct sock *sk)
{{
\tstruct mptcp_{name}_data *data = mptcp_{name}_of(sk);

\tmptcp_{name}_prepare(data);
\tmptcp_{name}_work(data, sk->{name}_budget);
\tmptcp_{name}_count(data);
\treturn mptcp_{name}_finish(data);
}}

"""


def stack(*names: str) -> bytes:
    return ("/* the stack */\n\n" + "".join(map(function, names))).encode()


def _pairs(edit: tuple[str, str] | Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    pairs = []
    flat = [text for one in edit for text in ([one] if isinstance(one, str) else one)]
    for old, new in zip(flat[::2], flat[1::2], strict=True):
        pairs.append((old, new))
    return pairs


def makefile(version: str) -> bytes:
    number, patchlevel, sublevel = [*version.split("."), "0"][:3]
    return f"VERSION = {number}\nPATCHLEVEL = {patchlevel}\nSUBLEVEL = {sublevel}\nEXTRAVERSION =\n".encode()


FILES: Mapping[str, bytes] = {
    "Makefile": makefile("5.10"),
    CORE: stack("open", "join", "send", "recv", "close", "free"),
    PM: stack("announce", "remove", "flush"),
    TCP: stack("tcp_push", "tcp_reset", "tcp_done").replace(b"mptcp_", b""),
}


class Kernel:
    """Both repositories, while they are written."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.source = pygit2.init_repository(str(directory / "linux.git"), bare=True, initial_head="master")
        self.home = pygit2.init_repository(str(directory / "bsp.git"), bare=True, initial_head="bsp")
        self.upstream = HistoryBuilder(self.source)
        self.vendors = HistoryBuilder(self.home)
        self._time = _START
        self._published: set[str] = set()
        self.tips: dict[str, str] = {}
        """The last commit of each branch of the source that got one of its own."""
        self.upstream.commit("master", dict(FILES), "Linux 5.10\n", ADA, self._now())
        self.tag("master", "v5.10")

    def _now(self) -> int:
        self._time += 3600
        return self._time

    def commit(
        self, branch: str, edits: Edits, subject: str, body: str = "", *, builder: HistoryBuilder | None = None
    ) -> str:
        """Edit files and commit."""
        builder = builder or self.upstream
        files = builder.files(branch)
        changes: dict[str, bytes | None] = {}
        for path, edit in edits.items():
            if edit is None or isinstance(edit, bytes):
                changes[path] = edit
                continue
            text = files[path].data.decode()
            for old, new in _pairs(edit):
                assert text.count(old) == 1, (path, old, text)
                text = text.replace(old, new)
            changes[path] = text.encode()
        message = f"{subject}\n\n{body}\n" if body else f"{subject}\n"
        commit = builder.commit(branch, changes, message, ADA, self._now())
        if builder is self.upstream:
            self.tips[branch] = commit
        return commit

    def mainline(self, subject: str, edits: Edits, body: str = "") -> str:
        return self.commit("master", edits, subject, body)

    def fork(self, branch: str, start: str) -> None:
        self.upstream.fork(branch, start)

    def tag(self, branch: str, tag: str) -> None:
        self.upstream.tag(tag, branch, f"{tag}\n", ADA, self._now())

    def release(self, branch: str, version: str) -> str:
        """Set the version, and tag it."""
        commit = self.commit(branch, {"Makefile": makefile(version)}, f"Linux {version}")
        self.tag(branch, f"v{version}")
        return commit

    def drop(self, start: str, edits: Edits | None = None, files: Changes | None = None) -> str:
        """The vendor's tree: all of a release in one commit, with edits."""
        states = {path: entry.data for path, entry in self.upstream.files(start).items()}
        self.vendors.commit("bsp", {**states, **(files or {})}, "import\n", ADA, self._now())
        if not edits:
            return "bsp"
        return self.commit("bsp", edits, "BSP: vendor work", builder=self.vendors)

    def vendor(self, subject: str, edits: Edits, body: str = "") -> str:
        return self.commit("bsp", edits, subject, body, builder=self.vendors)

    def merge(self, branch: str, other: str, changes: Changes) -> str:
        """Merge a branch into another, with changes on top of the automatic merge."""
        return self.upstream.merge(branch, other, f"Merge {other}\n", ADA, self._now(), changes)

    def states(self, branch: str, states: Mapping[str, bytes | tuple[str, str] | tuple[int, None]]) -> str:
        """Commit contents, edits and (mode, None) for a mode alone."""
        files = self.upstream.files(branch)
        changes: dict[str, bytes | FileEntry] = {}
        for path, state in states.items():
            if isinstance(state, bytes):
                changes[path] = state
            elif isinstance(state[0], int):
                changes[path] = FileEntry(mode=state[0], data=files[path].data)
            else:
                old, new = str(state[0]), str(state[1])
                changes[path] = files[path].data.replace(old.encode(), new.encode())
        return self.upstream.commit(branch, changes, "states\n", ADA, self._now())

    def publish(self, *branches: str) -> None:
        self.upstream.publish(*[branch for branch in branches if branch not in self._published])
        self._published |= set(branches)

    def queue(
        self,
        *,
        recipe: str = "",
        series: str = "",
        range: str = "v5.10..v5.15",
        overrides: Mapping[str, str] | None = None,
    ) -> Queue:
        """The queue of mainline's range: every commit that touches the stack."""
        place = self.directory / "series" / "test"
        place.mkdir(parents=True, exist_ok=True)
        (place / "recipe.toml").write_text(
            f'[series]\nname = "test"\nrange = "{range}"\nmatch = ["net/mptcp"]\n'
            f'owned = ["net/mptcp/"]\n{series}\n{recipe}'
        )
        (place / "series").write_bytes(Series.of(self.entries(range)).render())
        written = self.directory / "overrides"
        written.mkdir(exist_ok=True)
        for name, text in (overrides or {}).items():
            (written / name).write_text(text)
        return Queue.load(place, overrides=written, source=self.source.path)

    def entries(self, range: str) -> list[SeriesEntry]:
        start, end = (self.source.revparse_single(rev).peel(pygit2.Commit).id for rev in range.split(".."))
        walker = self.source.walk(end, pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.REVERSE)
        walker.hide(start)
        found = []
        for commit in walker:
            diff = self.source.diff(commit.parents[0], commit)
            assert isinstance(diff, pygit2.Diff)
            if any("net/mptcp" in delta.new_file.path for delta in diff.deltas):
                name = patch_name(commit.message.split("\n")[0].replace("mptcp: ", ""), set())
                found.append(SeriesEntry(name=name, pin=str(commit.id)))
        return found

    def blob(self, commit: str, path: str) -> str:
        """Id of a file of a commit of the source."""
        return str(self.source[commit].peel(pygit2.Commit).tree[path].id)

    def hunk_ids(self, commit: str, path: str) -> list[str]:
        """The ids of a commit's hunks in one file."""
        item = item_from_commit(
            self.source,
            (objects := Objects(self.source)),
            SeriesEntry(name="x.patch", pin=commit),
            EntryKind.PATCH,
            OwnedPaths(patterns=()),
        )
        (change,) = (change for change in item.changes if isinstance(change, BlobChange) and change.path == path)
        return hunk_ids(file_hunks(objects, change.old, change.new))

    def apply(self, base: str, queue: Queue | None = None, *, vendor: bool = False) -> Result:
        repo = self.home if vendor else self.source
        return (queue or self.queue()).apply(repo.path, base=base)

    def apply_vendor(self, queue: Queue | None = None) -> Result:
        if "bsp" not in self._published:
            self.vendors.publish("bsp")
            self._published.add("bsp")
        return self.apply("bsp", queue, vendor=True)

    def after(self, result: Result, path: str) -> str:
        """A file as the result predicts it."""
        return result.objects.read(self._entry(result, path).oid).decode()

    def mode_after(self, result: Result, path: str) -> int:
        return self._entry(result, path).mode

    def _entry(self, result: Result, path: str) -> Entry:
        entry = TreeEditor(result.objects, result._replayed.predicted_tree).get(path)
        assert entry is not None
        return entry
