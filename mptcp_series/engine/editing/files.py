# SPDX-License-Identifier: MIT
"""What is to be written to a series directory: patch files and the series, all of them at once.

A patch file that leads to what is wanted stays as it is, byte for byte. One of a later patch is written anew only where
its hunks no longer stand without a merge, so that tools that know files alone, such as quilt, still push the queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...values.series import SeriesEntry
from ..directory.changes import EXECUTABLE, LINK, REGULAR, FileState, Recovered, recover, write_changes
from ..exchange.render import render_patch
from ..queue import JOURNAL, Queue
from ..quilt.apply import apply_changes
from ..quilt.files import Fixed
from ..quilt.patchfile import PatchFile, parse
from ..quilt.refresh import rewritten
from ..quilt.settings import DiffFormat
from ..replay.change import BlobChange
from ..replay.commits import Step
from ..replay.item import RawCommit
from ..result import Result
from ..store.files import read_input
from ..store.objects import Entry, Objects

__all__ = ["patch_bytes", "recover_series", "stale_files", "write_series"]


def patch_bytes(
    objects: Objects, queue: Queue, entry: SeriesEntry, raw: RawCommit, changes: Sequence[BlobChange]
) -> bytes:
    """A patch file that makes these changes: the one that is there, with as little of it as can be written anew.

    entry: the line as it was; a pinned patch has no file, and gets one.
    """
    path = queue.directory / entry.name
    states = _states(objects, changes)
    if entry.pin is not None or entry.reverse or not path.is_file() or states is None:
        return render_patch(objects, raw, changes)
    old, new = states
    patch = parse(entry.name, str(path), read_input(path), entry.strip)
    named = [name for change in patch.changes for name in (change.old_path, change.new_path) if name in old]
    paths = list(dict.fromkeys([*map(str, named), *sorted(old)]))
    form = DiffFormat(git=patch.git, sections=patch.git, index=_has_index(patch), strip=entry.strip)
    data, lost = rewritten(patch, entry, paths, old, new, form)
    return data if not lost and entry.strip in (0, 1) else render_patch(objects, raw, changes)


def _has_index(patch: PatchFile) -> bool:
    return any(section.lead.startswith(b"Index: ") for section in patch.sections)


def stale_files(queue: Queue, result: Result, after: str) -> dict[str, bytes]:
    """New bytes of the patch files behind an entry that no longer lead to their part of the result."""
    names = [entry.name for entry in queue.series.entries]
    later = names[names.index(after) + 1 :] if after in names else names
    steps = {step.name: step for step in result.steps}
    found = {}
    for name in later:
        entry = queue.series.find(name)
        step = steps.get(name)
        if entry is None or step is None or entry.pin is not None or _overridden(result, name):
            continue
        path = queue.directory / name
        if path.is_file() and not _leads_to(result.objects, queue, entry, step):
            found[name] = patch_bytes(result.objects, queue, entry, step.raw, step.changes)
    return found


def _overridden(result: Result, name: str) -> bool:
    return any(patch.name == name and patch.override is not None for patch in result.patches)


def _leads_to(objects: Objects, queue: Queue, entry: SeriesEntry, step: Step) -> bool:
    """Whether a patch file makes exactly these changes without a merge, offsets allowed."""
    states = _states(objects, step.changes)
    if states is None:
        return True
    old, new = states
    path = queue.directory / entry.name
    patch = parse(entry.name, str(path), read_input(path), entry.strip)
    files = Fixed(old)
    applied = apply_changes(files, patch.in_order(entry))
    return applied.clean and all(files.get(name) == state for name, state in new.items())


def _states(
    objects: Objects, changes: Sequence[BlobChange]
) -> tuple[dict[str, FileState | None], dict[str, FileState | None]] | None:
    """The files before and after; None where one is no file, such as a submodule."""
    old: dict[str, FileState | None] = {}
    new: dict[str, FileState | None] = {}
    for change in changes:
        for entry, side in ((change.old, old), (change.new, new)):
            if entry is not None and entry.mode not in (REGULAR, EXECUTABLE, LINK):
                return None
            side[change.path] = None if entry is None else _state(objects, entry)
    return old, new


def _state(objects: Objects, entry: Entry) -> FileState:
    return FileState(data=objects.read(entry.oid), mode=entry.mode)


def recover_series(directory: Path) -> Recovered | None:
    """Finish or undo what a killed run was writing to a series directory; None where nothing is to be done.

    Raises what `recover` raises.
    """
    place = directory / JOURNAL
    return recover(directory, place) if place.exists() else None


def write_series(queue: Queue, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write patch files and the series of an edited queue, all or none; their names, the series last if it changed.

    Raises what `write_changes` raises.
    """
    changes: dict[str, FileState | None] = {name: FileState(data=data) for name, data in files.items()}
    series = queue.series.render()
    place = queue.directory / "series"
    names = tuple(sorted(changes))
    if series != read_input(place):
        changes["series"] = FileState(data=series)
        names = (*names, "series")
    if changes:
        write_changes(queue.directory, changes, journal=queue.directory / JOURNAL)
    return names
