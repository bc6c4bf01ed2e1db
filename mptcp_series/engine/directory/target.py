# SPDX-License-Identifier: MIT
"""A plain directory that is to be patched: what must not lie about in it, and what says that it was done.

`.mptcp-series.applied` is written with the files of a result, in the same step. It says which queue was applied and
what its files are then, so that a second run is told from a first one: the queue on top of itself would be retracted,
and brought again, and nobody would know what is the vendor's.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs

from ...errors import AlreadyApplied, BadInput, EnvironmentFault, Problem, UnsafePath
from ..replay.item import Item, touched_paths
from ..store.objects import REGULAR, SUBMODULE, Entry, Objects
from ..store.tree import TreeEditor
from .changes import FileState, Recovered, recover, write_changes
from .renames import SnapshotRenames
from .rooted import Rooted, kind_of
from .snapshot import APPLIED, JOURNAL, OWN_FILES, Snapshot

__all__ = ["Stamp", "Target", "check_target", "queue_digest", "recover_directory", "write_result"]

LEFT_BY_PATCH = (".rej", ".orig")


def recover_directory(place: str | Path) -> Recovered | None:
    """Resume or undo what an `apply` that was killed left in a directory; None where there is nothing."""
    found = recover(Path(place), Path(place) / JOURNAL)
    return None if found is None else attrs.evolve(found, paths=tuple(p for p in found.paths if p not in OWN_FILES))


@attrs.frozen(kw_only=True, eq=False)
class Target:
    """The directory of one run: what it is, and what is going to be said of it once it is patched."""

    snapshot: Snapshot
    queue: str
    """Digest of the queue."""

    def renames(self, objects: Objects) -> SnapshotRenames:
        return SnapshotRenames(objects, TreeEditor(objects, self.snapshot.commit.tree_id.raw))

    def write(
        self,
        objects: Objects,
        changes: Iterable[tuple[str, Entry | None, Entry | None]],
        *,
        series: str,
        patches: int,
        complete: bool,
    ) -> tuple[str, ...]:
        """Write a result, all files or none; their paths, sorted. Raises what `write_changes` raises."""
        stamp = Stamp(series=series, queue=self.queue, patches=patches, complete=complete, files={})
        return write_result(self.snapshot, objects, changes, stamp)


@attrs.frozen(kw_only=True)
class Stamp:
    """What was applied to a directory."""

    series: str
    queue: str
    """Digest of the queue as it was: patches, overrides, and how it was applied."""
    patches: int
    complete: bool
    files: Mapping[str, str | None]
    """Mode and id of each file that was written, None for one that was taken away."""

    def render(self) -> bytes:
        return json.dumps({"schema": 1, **attrs.asdict(self)}, indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes, file: str) -> Stamp:
        """Read it back. Raises BadInput for a file that is none."""
        try:
            document = json.loads(data)
            if document.pop("schema") != 1:
                raise BadInput("was written by another version of mptcp-series; patch a fresh tree", file=file)
            stamp = cls(**document)
            if not isinstance(stamp.series, str) or not isinstance(stamp.files, dict):
                raise TypeError("of wrong types")
            return stamp
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(f"does not say what was applied ({error}); patch a fresh tree", file=file) from None


def check_target(snapshot: Snapshot, items: Sequence[Item], paths: Iterable[str], queue: str) -> None:
    """Refuse a directory that a queue was applied to, that a killed run left, or where patch left its traces.

    paths: what the queue's overrides touch besides its patches.
    queue: digest of the queue that is to be applied.
    Raises EnvironmentFault, AlreadyApplied, BadInput and UnsafePath, the last two with every file.
    """
    place = snapshot.place
    with Rooted(place) as rooted:
        if rooted.status(JOURNAL) is not None:
            raise EnvironmentFault(
                f"{place / JOURNAL}: a run of `mptcp-series apply` was killed here; "
                "start it again, and it is resumed or undone"
            )
        _check_stamp(rooted, queue)
        problems = []
        places = {path: where for item in reversed(items) for path, where in item.places.items()}
        every = {path for item in items if item.skip_reason is None for path in touched_paths(item.changes)}
        for path in sorted({*every, *paths}):
            file, line = places.get(path, (None, None))
            try:
                there = rooted.status(path)
                left = [path + end for end in LEFT_BY_PATCH if rooted.status(path + end) is not None]
            except UnsafePath:
                # A link or a file on the way: the replay says what that means for the patch.
                continue
            if there is not None and not stat.S_ISREG(there.st_mode) and not _usual(there.st_mode):
                why = f"{place / path} is {kind_of(there.st_mode)}, and a patch changes it"
                problems.append(Problem(file=file, line=line, message=why))
            problems += [
                Problem(
                    file=str(place / name),
                    line=1,
                    message=f"left by an earlier run of patch: {path} may be patched in part; mend it or unpack it "
                    "anew, and take this file away",
                )
                for name in left
            ]
        if problems:
            raise BadInput(problems)


def _usual(mode: int) -> bool:
    return stat.S_ISLNK(mode) or stat.S_ISDIR(mode)


def _check_stamp(rooted: Rooted, queue: str) -> None:
    found = rooted.read(APPLIED)
    if found is None:
        return
    file = rooted.root / APPLIED
    stamp = Stamp.parse(found.data, str(file))
    changed = sorted(path for path, name in stamp.files.items() if _name_at(rooted, path) != name)
    patches = f"{stamp.patches} patch{'es' * (stamp.patches != 1)}"
    what = f"{stamp.series} ({patches}{'' if stamp.complete else ', not all of it'}) was applied here"
    if changed:
        raise AlreadyApplied(
            f"{what}, and {changed[0]} was changed since; in a fresh tree, take this file away", file=str(file)
        )
    same = stamp.complete and stamp.queue == queue
    raise AlreadyApplied(f"{what}; a queue is applied to the unpatched tree", file=str(file), same=same)


def _name_at(rooted: Rooted, path: str) -> str | None:
    state = rooted.read(path)
    return None if state is None else _name(state.mode, state.data)


def _name(mode: int, data: bytes) -> str:
    return f"{mode:o} {hashlib.sha1(b'blob %d' % len(data) + bytes(1) + data, usedforsecurity=False).hexdigest()}"


def write_result(
    snapshot: Snapshot,
    objects: Objects,
    changes: Iterable[tuple[str, Entry | None, Entry | None]],
    stamp: Stamp,
) -> tuple[str, ...]:
    """Write what a queue made of a directory's files, all of them or none; the paths, sorted.

    changes: of every patch in order: path, entry before and after.
    """
    first: dict[str, Entry | None] = {}
    last: dict[str, Entry | None] = {}
    for path, old, new in changes:
        first.setdefault(path, old)
        last[path] = new
    paths = sorted(path for path in last if first[path] != last[path])
    submodules = [path for path in paths for entry in (first[path], last[path]) if entry and entry.mode == SUBMODULE]
    if submodules:
        raise BadInput(f"{submodules[0]} is a submodule, and a plain directory has none; apply to a git repository")
    after = {path: _state(objects, last[path]) for path in paths}
    files = {path: None if state is None else _name(state.mode, state.data) for path, state in after.items()}
    mark = FileState(data=attrs.evolve(stamp, files=files).render())
    write_changes(
        snapshot.place,
        {**after, APPLIED: mark},
        journal=snapshot.place / JOURNAL,
        before={**{path: _state(objects, first[path]) for path in paths}, APPLIED: None},
    )
    return tuple(paths)


def _state(objects: Objects, entry: Entry | None) -> FileState | None:
    if entry is None:
        return None
    # Old trees have files of mode 100664, which git reads as 100644.
    mode = REGULAR if entry.is_text and not entry.mode & 0o100 else entry.mode
    return FileState(data=objects.read(entry.oid), mode=mode, permissions=None)


def queue_digest(items: Iterable[Item], more: Iterable[bytes]) -> str:
    """What a queue is, as one number."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(f"{item.name}\0{item.commit}\0{item.skip_reason}\0".encode("utf-8", "surrogateescape"))
        for change in item.changes:
            digest.update(repr(change).encode())
    for data in more:
        digest.update(b"%d\0%s" % (len(data), data))
    return digest.hexdigest()
