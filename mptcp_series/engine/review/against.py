# SPDX-License-Identifier: MIT
"""Two states of a queue on one base: compared by what they lead to, for a diff of two diffs tells nobody anything."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import pygit2

from ...errors import BadInput
from ...values.comparison import Comparison, OverrideChange, PatchChange
from ...values.override import Override
from ...values.result import EntryKind, PatchOutcome
from ..exchange.render import render_diff
from ..replay.change import BlobChange, file_hunks, tree_changes
from ..replay.item import Item
from ..result import Result
from ..store.objects import Entry, Objects
from ..store.repository import resolve_commit
from .reading import Reading

__all__ = ["checkout_queue", "compare_states"]


def checkout_queue(series: Path, overrides: Path | None, revision: str, to: Path) -> tuple[Path, Path | None]:
    """Write the series and overrides of a revision of their repository below `to`; gives where they are now.

    overrides: the directory someone named; None for those beside the series, which the recipe of the revision names.
    Series that a recipe names are its neighbours, so all of the directory above comes along.
    Raises BadInput where the series is in no repository or the revision has no such series, UnknownRevision.
    """
    found = pygit2.discover_repository(str(series.resolve()))
    repo = None if found is None else pygit2.Repository(found)
    if repo is None or repo.workdir is None:
        raise BadInput(f"{series} is in no git work tree; --against compares it with a revision of its repository")
    root = Path(repo.workdir).resolve()
    tree = resolve_commit(repo, revision).tree
    inside = series.resolve().relative_to(root)
    _write(tree, inside.parent, to)
    if not (to / inside / "series").is_file():
        raise BadInput(f"{revision} has no {inside / 'series'} to compare with")
    place = series.resolve().parent.parent / "overrides" if overrides is None else overrides.resolve()
    if not place.is_relative_to(root):
        raise BadInput(f"{place} is in another repository than {series}; --against needs both in one")
    _write(tree, place.relative_to(root), to)
    return to / inside, None if overrides is None else _made(to / place.relative_to(root))


def _made(directory: Path) -> Path:
    """A directory that the revision may not have yet."""
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _write(tree: pygit2.Tree, path: Path, to: Path) -> None:
    try:
        below = tree[path.as_posix()] if path.parts else tree
    except KeyError:
        return
    if isinstance(below, pygit2.Tree):
        _write_tree(below, to / path)


def _write_tree(tree: pygit2.Tree, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in tree:
        if isinstance(entry, pygit2.Tree):
            _write_tree(entry, target / str(entry.name))
        elif isinstance(entry, pygit2.Blob):
            (target / str(entry.name)).write_bytes(entry.data)


def compare_states(before: tuple[Reading, Result], after: tuple[Reading, Result], *, against: str) -> Comparison:
    """What the second state does that the first did not, on the base both were replayed on."""
    old, new = before[1], after[1]
    objects = _Both(old.objects, new.objects)
    changes = tree_changes(objects, bytes.fromhex(old.predicted_tree), bytes.fromhex(new.predicted_tree), renames=False)
    reasons = (old.reasons(), new.reasons())
    return Comparison(
        series=new.series,
        base=new.base.rev,
        against=against,
        patches=tuple(_patches(*(_Entries.of(*side) for side in (before, after)))),
        overrides=tuple(_overrides(objects, before, after)),
        new_reasons=tuple(reason for reason in reasons[1] if reason not in reasons[0]),
        gone_reasons=tuple(reason for reason in reasons[0] if reason not in reasons[1]),
        files={change.path: _lines(objects, change) for change in changes},
        diff=render_diff(objects, changes).decode("utf-8", "backslashreplace"),
    )


class _Both(Objects):
    """The objects of two runs."""

    def __init__(self, one: Objects, other: Objects) -> None:
        super().__init__(one.home)
        self._sides = (one, other)

    def read(self, oid: bytes) -> bytes:
        one, other = self._sides
        return (one if oid in one.made() else other).read(oid)


@attrs.frozen(kw_only=True)
class _Entries:
    """The entries of one state by name: what became of them, and what they are."""

    outcomes: Mapping[str, PatchOutcome]
    items: Mapping[str, Item]

    @classmethod
    def of(cls, reading: Reading, result: Result) -> _Entries:
        return cls(
            outcomes={one.name: one for one in result.patches if one.kind is not EntryKind.ALIGN},
            items=reading.by_name,
        )

    def content(self, name: str) -> object:
        """What a patch changes, wherever in its file that stands; None for what only the run has."""
        item = self.items.get(name)
        if item is None:
            return None
        return [change if isinstance(change, BlobChange) else change.file.raw for change in item.changes]

    def said(self, name: str) -> object:
        """Who wrote a patch, and with which words."""
        item = self.items.get(name)
        return None if item is None else (item.raw.author, item.raw.message)

    def identity(self, name: str) -> object:
        """What stays where a patch is only called otherwise."""
        return self.outcomes[name].commit or (self.content(name), self.said(name))


def _renamed(old: _Entries, new: _Entries) -> dict[str, str]:
    """New name to old one, of patches of the series that are called otherwise."""
    gone = [name for name in old.items if name not in new.outcomes]
    found: dict[str, str] = {}
    for name in new.items:
        if name not in old.outcomes:
            was = next((one for one in gone if old.identity(one) == new.identity(name)), None)
            if was is not None:
                gone.remove(was)
                found[name] = was
    return found


def _patches(old: _Entries, new: _Entries) -> Iterator[PatchChange]:
    renamed = _renamed(old, new)
    names = {name: renamed.get(name, name) for name in new.outcomes}
    """By name, the name it had."""
    order = list(names.values())
    moved = _moved([one for one in old.outcomes if one in order], [one for one in order if one in old.outcomes])
    for name, before in names.items():
        one, was = new.outcomes[name], old.outcomes.get(before)
        if was is None:
            yield PatchChange(name=name, subject=one.subject, how="added")
            continue
        if name in renamed:
            yield PatchChange(name=name, subject=one.subject, how=f"renamed, was {before}")
        how = _how(old, before, new, name)
        if how is not None:
            yield PatchChange(name=name, subject=one.subject, how=how)
        if before in moved:
            yield PatchChange(name=name, subject=one.subject, how="moved")
        if was.status is not one.status:
            yield PatchChange(name=name, subject=one.subject, how=f"{was.status.value} → {one.status.value}")
    for name, one in old.outcomes.items():
        if name not in order:
            yield PatchChange(name=name, subject=one.subject, how="dropped")


def _how(old: _Entries, before: str, new: _Entries, name: str) -> str | None:
    """What is different about a patch by itself, wherever it stands in the queue; None for nothing."""
    commits = (old.outcomes[before].commit, new.outcomes[name].commit)
    if None not in commits and commits[0] != commits[1]:
        return "another commit"
    if old.content(before) != new.content(name):
        return "changed"
    if commits[0] != commits[1]:
        return "pinned" if commits[0] is None else "no longer pinned"
    return None if old.said(before) == new.said(name) else "another message or author"


def _moved(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """The fewest names that have to move for one order to become the other: all but a longest common subsequence."""
    place = {name: at for at, name in enumerate(before)}
    # The longest increasing subsequence of places (patience sorting).
    ends: list[int] = []
    chain: list[tuple[int, int]] = []
    last: list[int] = []
    for number, name in enumerate(after):
        at = place[name]
        low = bisect_left(ends, at)
        if low == len(ends):
            ends.append(at)
            last.append(number)
        else:
            ends[low] = at
            last[low] = number
        chain.append((number, last[low - 1] if low else -1))
    stays: set[str] = set()
    number = last[-1] if last else -1
    while number >= 0:
        stays.add(after[number])
        number = chain[number][1]
    return set(after) - stays


def _overrides(
    objects: Objects, before: tuple[Reading, Result], after: tuple[Reading, Result]
) -> Iterator[OverrideChange]:
    old, new = ({one.file or "": one for one, _ in side[0].overrides} for side in (before, after))
    for file in sorted({*old, *new}):
        was, now = old.get(file), new.get(file)
        states = (_state(before[1], file, was), _state(after[1], file, now))
        if was is not None and now is not None and was == now and states[0] == states[1]:
            continue
        how = "added" if was is None else "removed" if now is None else "changed"
        told = now or was
        assert told is not None
        names = {one.name for result in (before[1], after[1]) for one in result.patches if one.override == file}
        yield OverrideChange(
            file=file, how=how, reason=told.reason, states=states, effect=_effect(objects, before[1], after[1], names)
        )


def _state(result: Result, file: str, override: Override | None) -> str:
    if override is None:
        return "-"
    if any(drift.file == file for drift in result.overrides.drift):
        return "drift"
    return "used" if file in result.overrides.used else "not needed"


def _effect(objects: Objects, old: Result, new: Result, names: set[str]) -> str:
    """From the files as some patches left them before to the files as they leave them now."""
    changes = []
    for name in sorted(names):
        was, now = _left(old, name), _left(new, name)
        for path in sorted({*was, *now}):
            # What a patch no longer changes is as it found it.
            first, second = was.get(path, _found(new, name, path)), now.get(path, _found(old, name, path))
            if first != second:
                changes.append(BlobChange(path=path, old_path=path, old=first, new=second))
    return render_diff(objects, changes).decode("utf-8", "backslashreplace")


def _left(result: Result, name: str) -> Mapping[str, Entry | None]:
    return {change.path: change.new for change in result.written.get(name, ())}


def _found(result: Result, name: str, path: str) -> Entry | None:
    return next((change.old for change in result.written.get(name, ()) if change.path == path), None)


def _lines(objects: Objects, change: BlobChange) -> tuple[int, int]:
    added = removed = 0
    for hunk in file_hunks(objects, change.old, change.new):
        added += sum(line[:1] == b"+" for line in hunk.lines)
        removed += sum(line[:1] == b"-" for line in hunk.lines)
    return added, removed
