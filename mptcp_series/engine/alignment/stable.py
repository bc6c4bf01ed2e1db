# SPDX-License-Identifier: MIT
"""The target's own stable line in the source: what its later releases bring to owned paths.

A later target that has a lost fix is its best remedy; which one that is, is only computed when someone asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import attrs
import pygit2

from ...values.paths import OwnedPaths
from ...values.provenance import reverted_ids, upstream_ids
from ...values.recipe import Recipe
from ..replay.owned import OwnedKeys
from ..store.objects import Entry, Objects
from ..store.repository import resolve_commit
from ..store.tree import TreeEditor
from .align import Uncovered
from .basechanges import commit_at, release_tags
from .coverage import FileDelta, Text
from .delta import BaseChange, Origin
from .once import once
from .traces import Texts, functions_of

__all__ = ["LaterTargets", "Remedied", "StableLine", "release_line", "remedies"]

_RELEASE = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?$")


def release_line(target: str) -> tuple[tuple[int, int], int] | None:
    """((version, patchlevel), sublevel) of a revision that is named like a release, None of any other.

    >>> release_line("refs/tags/v5.15.162"), release_line("v5.10"), release_line("master")
    (((5, 15), 162), ((5, 10), 0), None)
    """
    match = _RELEASE.search(target.rsplit("/", 1)[-1])
    return None if match is None else ((int(match[1]), int(match[2])), int(match[3] or 0))


class StableLine:
    """Releases of the target's line (v5.15.N) after the target, oldest first."""

    @classmethod
    def of(cls, objects: Objects, source: pygit2.Repository, owned: OwnedPaths, target: str) -> StableLine:
        """The one that was made for the same objects before: its history is read once."""
        return once(objects, ("stable line", source.path, owned, target), lambda: cls(objects, source, owned, target))

    def __init__(self, objects: Objects, source: pygit2.Repository, owned: OwnedPaths, target: str) -> None:
        self._objects = objects
        self._source = source
        self._keys = OwnedKeys.of(objects, owned)
        self._target = target

    @cached_property
    def releases(self) -> Sequence[tuple[str, pygit2.Commit]]:
        """(name, commit) of each; none where the target is not named like a release."""
        line = release_line(self._target)
        if line is None:
            return ()
        tags = release_tags(self._source, line[0])
        return [
            (name.removeprefix("refs/tags/"), commit_at(self._source, name))
            for number, name in tags.items()
            if number > line[1]
        ]

    def by_upstream(self) -> Mapping[str, str]:
        """Commits after the target that touch owned paths, by the upstream ids their messages name."""
        found: dict[str, str] = {}
        for _, commit, named, _ in self._brought:
            for identifier in named:
                found.setdefault(identifier, commit)
        return found

    def has(self, ids: Iterable[str]) -> list[bool]:
        """For each release whether it has a change of one of these ids, and has not taken it back."""
        wanted = set(ids)
        state: dict[int, bool] = {}
        for number, commit, named, reverted in self._brought:
            if wanted & {commit, *named}:
                state[number] = True
                wanted |= {commit, *named}
            elif wanted & set(reverted):
                state[number] = False
        verdicts = []
        now = False
        for number in range(len(self.releases)):
            now = state.get(number, now)
            verdicts.append(now)
        return verdicts

    @cached_property
    def _brought(self) -> Sequence[tuple[int, str, tuple[str, ...], tuple[str, ...]]]:
        """(index of the release, commit, upstream ids, reverted ids) of what comes after the target, in order."""
        return list(self._walk())

    def _walk(self) -> Iterator[tuple[int, str, tuple[str, ...], tuple[str, ...]]]:
        if not self.releases:
            return
        start = resolve_commit(self._source, self._target)
        for number, (_, stop) in enumerate(self.releases):
            if self._keys.key(start.tree_id.raw) != self._keys.key(stop.tree_id.raw):
                order = pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.REVERSE
                walker = self._source.walk(stop.id, order)
                walker.hide(start.id)
                for commit in walker:
                    data = commit.read_raw()
                    named, reverted = upstream_ids(data), reverted_ids(data)
                    if named or reverted:
                        yield number, str(commit.id), named, reverted
            start = stop


@attrs.frozen(kw_only=True)
class Remedied:
    """A change that is lost or restored, and the first later target that has it."""

    commit: str | None
    subject: str
    path: str | None
    hunk: str | None
    """Path and hunk where the change has no commit."""
    target: str | None

    def to_json(self) -> Mapping[str, object]:
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class LaterTargets:
    """For what is lost or restored: which later target release has it, and the one to take."""

    changes: tuple[Remedied, ...] = ()
    target: str | None = None
    """The smallest release that has the most of them; None where none has any."""
    covers: int = 0

    def __str__(self) -> str:
        """One line, such as `range ..v5.15.181 covers 2 of 2`; empty where no later release helps."""
        return f"range ..{self.target} covers {self.covers} of {len(self.changes)}" if self.target is not None else ""

    def to_json(self) -> Mapping[str, object]:
        return {
            "target": self.target,
            "covers": self.covers,
            "of": len(self.changes),
            "changes": [change.to_json() for change in self.changes],
        }


def remedies(
    objects: Objects,
    source: pygit2.Repository,
    recipe: Recipe,
    owned: OwnedPaths,
    uncovered: Sequence[Uncovered],
) -> LaterTargets:
    """Which later release of the target's line has what nothing in the queue covers.

    A change with upstream ids is looked for by these, any other hunk by hunk by content. A vendor's own
    edits are in no release and do not count.
    """
    line = StableLine.of(objects, source, owned, recipe.target_or_end)
    rows: list[tuple[Remedied, list[bool]]] = []
    content = _Content(objects, line, owned)
    for left_over in uncovered:
        change = left_over.change
        if change.origin is Origin.VENDOR and not change.upstream:
            continue
        if change.upstream:
            rows.append((_remedied(change, None, None, line, verdicts := line.has(change.ids)), verdicts))
            continue
        for path in left_over.left:
            delta = content.texts.delta(path.old, path.new)
            for at, identifier in enumerate(delta.ids):
                verdicts = [content.stands(number, path.path, delta, at) for number in range(len(line.releases))]
                rows.append((_remedied(change, path.path, identifier, line, verdicts), verdicts))
    counts = [sum(verdicts[number] for _, verdicts in rows) for number in range(len(line.releases))]
    best = max(counts, default=0)
    return LaterTargets(
        changes=tuple(row for row, _ in rows),
        target=line.releases[counts.index(best)][0] if best else None,
        covers=best,
    )


def _remedied(
    change: BaseChange, path: str | None, hunk: str | None, line: StableLine, verdicts: Sequence[bool]
) -> Remedied:
    first = next((name for (name, _), has in zip(line.releases, verdicts, strict=True) if has), None)
    return Remedied(commit=change.commit, subject=change.subject, path=path, hunk=hunk, target=first)


class _Content:
    """What later releases have, told by content; the same blob is asked about once."""

    def __init__(self, objects: Objects, line: StableLine, owned: OwnedPaths) -> None:
        self.texts = Texts.of_run(objects)
        self._trees = [TreeEditor(objects, commit.tree_id.raw) for _, commit in line.releases]
        self._owned = owned
        self._functions: dict[int, Mapping[bytes, Sequence[Text]]] = {}
        self._known: dict[tuple[int, int, Entry | None], bool] = {}

    def stands(self, number: int, path: str, delta: FileDelta, at: int) -> bool:
        entry = self._trees[number].get(path)
        key = (id(delta), at, entry)
        if key not in self._known:
            text = self.texts.of(entry)
            self._known[key] = delta.stands(at, text or Text(b""), lambda name: self._elsewhere(number, name))
        return self._known[key]

    def _elsewhere(self, number: int, name: bytes) -> Sequence[Text]:
        if number not in self._functions:
            self._functions[number] = functions_of(self.texts, self._trees[number], self._owned.patterns)
        return self._functions[number].get(name, ())
