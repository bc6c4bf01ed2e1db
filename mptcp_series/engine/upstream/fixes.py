# SPDX-License-Identifier: MIT
"""Upstream commits that fix or revert a queued patch and are not queued themselves.

Nobody ships a patch without its fix. A commit counts when its message has `Fixes: <id>` or `This
reverts commit <id>` of a queued patch, or of another commit that counts; its backports are the same
commit. What was taken back later is no fix any more, and needs no revert either.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs
import pygit2

from ...values.recipe import Recipe
from ..alignment.basechanges import commit_at
from ..alignment.releases import Releases
from ..alignment.stable import release_line
from ..replay.item import Item
from ..store.repository import resolve_commit
from .citations import Citation, FixKind, Message, citing
from .history import WalkProgress

__all__ = ["Fix", "FixKind", "Fixes", "find_fixes", "fixes_among"]


@attrs.frozen(kw_only=True)
class Fix:
    """One upstream change that fixes or reverts a queued patch, and is not queued."""

    commit: str
    """Of the target's stable line where that has it, else of mainline."""
    subject: str
    kind: FixKind
    fixes: str
    """Name of the queued patch."""
    upstream: str | None = None
    """The mainline commit that `commit` is a backport of."""
    via: str | None = None
    """The commit of another fix that this one mends; None where it mends the queued patch itself."""
    release: str | None = None
    """The first release that has it: of the target's stable line, else of mainline."""
    later_target: bool = False
    """Whether that release is a later one of the target's line: to take it as target brings the fix."""
    in_range: bool = False
    reason: str | None = None
    """Why a person does without it, by the recipe."""
    before: str | None = None
    """The patch it can be queued before."""

    def as_toml(self) -> str:
        """The lines that would add it to the recipe; empty where there is no place for it in the queue."""
        lines = [f'commit = "{self.commit}"', f"reason = {json.dumps(self._reason(), ensure_ascii=False)}"]
        if self.in_range:
            return "\n".join(["[[include]]", *lines, ""])
        if self.before is None:
            return ""
        return "\n".join(["[[prerequisite]]", *lines, f"before = {json.dumps(self.before)}", ""])

    def _reason(self) -> str:
        verb = "fixes" if self.kind is FixKind.FIX else "reverts"
        return re.sub(r"[\x00-\x1f\x7f]", " ", f"{verb} {self.fixes}: {self.subject}")

    def to_json(self) -> Mapping[str, object]:
        return {**attrs.asdict(self), "kind": self.kind.value, "recipe": self.as_toml() or None}


@attrs.frozen(kw_only=True)
class Fixes:
    """What was found, oldest first."""

    missing: tuple[Fix, ...] = ()
    acknowledged: tuple[Fix, ...] = ()
    """Those the recipe excludes or acknowledges."""
    examined: int = 0
    """Commits that cite others."""
    upto: tuple[str, ...] = ()
    """The newest release of the target's line and of mainline that the source has."""
    target: str | None = None
    """The smallest later release of the target's line that has the most of the missing ones."""
    covers: int = 0

    def to_json(self) -> Mapping[str, object]:
        return {
            "missing": [fix.to_json() for fix in self.missing],
            "acknowledged": [fix.to_json() for fix in self.acknowledged],
            "upto": list(self.upto),
            "target": self.target,
            "covers": self.covers,
        }


def find_fixes(
    items: Sequence[Item], recipe: Recipe, source: pygit2.Repository, progress: WalkProgress | None = None
) -> Fixes:
    """Look through the source for what fixes the patches of a queue.

    Looked at is what its branches, its newest release of the target's line and of mainline have, and the
    range's start has not. Raises UnknownRevision, MissingObject.
    """
    start = resolve_commit(source, recipe.range_start)
    end = resolve_commit(source, recipe.range_end)
    releases = Releases(source, recipe.target_or_end)
    tips = dict.fromkeys([str(end.id), *releases.tips(), *_branches(source)])
    return fixes_among(citing(source, list(tips), str(start.id), progress), items, recipe, source)


def fixes_among(messages: Iterable[Message], items: Sequence[Item], recipe: Recipe, source: pygit2.Repository) -> Fixes:
    """What of some messages, newest first, fixes the patches of a queue."""
    end = resolve_commit(source, recipe.range_end)
    releases = Releases(source, recipe.target_or_end)
    changes = _Changes.read(messages)
    decisions = {entry.commit: entry.reason for entry in recipe.acknowledged if entry.commit is not None}
    decisions |= {entry.commit: entry.reason for entry in recipe.excludes}
    missing: list[Fix] = []
    acknowledged: list[Fix] = []
    for nominee in _Search(items, changes, source).needed():
        fix = _fix(nominee, releases, items, source, end)
        reason = nominee.reason(decisions)
        if reason is None:
            missing.append(fix)
        else:
            acknowledged.append(attrs.evolve(fix, reason=reason))
    later = [fix.release for fix in missing if fix.later_target and fix.release is not None]
    return Fixes(
        missing=tuple(missing),
        acknowledged=tuple(acknowledged),
        examined=changes.examined,
        upto=releases.newest(),
        # A release has what those before it have.
        target=max(later, key=_sublevel, default=None),
        covers=len(later),
    )


def _sublevel(tag: str) -> int:
    line = release_line(tag)
    return -1 if line is None else line[1]


def _branches(source: pygit2.Repository) -> list[str]:
    found = []
    for name in source.references:
        if name.startswith(("refs/heads/", "refs/remotes/")):
            try:
                found.append(str(commit_at(source, name).id))
            except (KeyError, ValueError, pygit2.GitError):
                # A remote's HEAD that names a branch which is gone.
                continue
    return found


@attrs.define(eq=False)
class _Change:
    """One upstream change: a mainline commit and its backports."""

    subject: str
    ids: dict[str, None]
    """All ids it is known by, the mainline one first."""
    commits: list[str]
    """Those that are in the source."""
    cites: dict[Citation, None]
    age: int = 0
    """Number of messages from the newest to its oldest commit."""


class _Changes:
    """The changes of a history that cite others."""

    def __init__(self) -> None:
        self.by_id: dict[str, _Change] = {}
        self.examined = 0

    @classmethod
    def read(cls, messages: Iterable[Message]) -> _Changes:
        changes = cls()
        for message in messages:
            changes.examined += 1
            changes._add(message)
        return changes

    def _add(self, message: Message) -> None:
        ids = [*message.upstream, message.commit]
        change = next((self.by_id[identifier] for identifier in ids if identifier in self.by_id), None)
        if change is None:
            change = _Change(message.subject, {}, [], {})
        change.ids |= dict.fromkeys(ids)
        change.commits.append(message.commit)
        change.age = self.examined
        change.cites |= dict.fromkeys(message.cites)
        for identifier in ids:
            self.by_id[identifier] = change

    def all(self) -> list[_Change]:
        """Each once, oldest first: `git log` gives them newest first."""
        return sorted(dict.fromkeys(self.by_id.values()), key=lambda change: -change.age)


@attrs.define(eq=False)
class _Nominee:
    """A change that is not queued, and what of the queue or of other nominees it mends."""

    change: _Change
    kind: FixKind
    item: Item
    via: _Nominee | None
    reverts: list[_Nominee] = attrs.field(factory=list)
    """Those of mainline; what a stable branch takes back is not gone."""

    def taken_back(self, asked: frozenset[int] = frozenset()) -> bool:
        if id(self) in asked:
            return False
        return any(not revert.taken_back(asked | {id(self)}) for revert in self.reverts)

    @property
    def needed(self) -> bool:
        """Whether the queue lacks it: not if it was taken back, or mends or takes back what is not needed."""
        if self.taken_back():
            return False
        return self.via is None or (self.kind is FixKind.FIX and self.via.needed)

    def reason(self, decisions: Mapping[str, str]) -> str | None:
        """Why a person does without it, or without the fix that it mends."""
        found = next((decisions[identifier] for identifier in self.change.ids if identifier in decisions), None)
        return self.via.reason(decisions) if found is None and self.via is not None else found


class _Ids:
    """Finds what an abbreviated id stands for."""

    def __init__(self) -> None:
        self._sorted: list[str] = []
        self._meaning: dict[str, Item | _Nominee] = {}

    def add(self, identifier: str, meaning: Item | _Nominee) -> None:
        if identifier not in self._meaning:
            bisect.insort(self._sorted, identifier)
            self._meaning[identifier] = meaning

    def find(self, prefix: str) -> Iterator[tuple[str, Item | _Nominee]]:
        at = bisect.bisect_left(self._sorted, prefix)
        while at < len(self._sorted) and self._sorted[at].startswith(prefix):
            yield self._sorted[at], self._meaning[self._sorted[at]]
            at += 1


class _Search:
    """Follows citations from the queue to what is not in it."""

    def __init__(self, items: Sequence[Item], changes: _Changes, source: pygit2.Repository) -> None:
        self._source = source
        self._queued = {identifier for item in items for identifier in item.upstream}
        self._by_subject: dict[str, Item] = {}
        self._ids = _Ids()
        for item in items:
            self._by_subject.setdefault(item.subject, item)
            for identifier in item.upstream:
                self._ids.add(identifier, item)
        self._nominees: dict[int, _Nominee] = {}
        self._follow([change for change in changes.all() if self._queued.isdisjoint(change.ids)])

    def needed(self) -> list[_Nominee]:
        """Nominees that the queue lacks, oldest first: the order they are to be queued in."""
        found = [nominee for nominee in self._nominees.values() if nominee.needed]
        return sorted(found, key=lambda nominee: -nominee.change.age)

    def _follow(self, changes: Sequence[_Change]) -> None:
        """Nominate until nothing new is found: a fix of a fix counts too."""
        open_changes = list(changes)
        while True:
            rest = []
            for change in open_changes:
                nominee = self._nominate(change)
                if nominee is None:
                    rest.append(change)
                    continue
                self._nominees[id(change)] = nominee
                for identifier in change.ids:
                    self._ids.add(identifier, nominee)
            if len(rest) == len(open_changes):
                break
            open_changes = rest
        for nominee in self._nominees.values():
            for cited in nominee.change.cites:
                for identifier, target in self._ids.find(cited.prefix) if cited.kind is FixKind.REVERT else ():
                    if isinstance(target, _Nominee) and target is not nominee:
                        if identifier == next(iter(target.change.ids)):
                            target.reverts.append(nominee)
                        elif identifier in target.change.commits and len(target.change.commits) > 1:
                            target.change.commits.remove(identifier)

    def _nominate(self, change: _Change) -> _Nominee | None:
        # What mends the queue itself counts more than what mends a fix of it.
        chosen: _Nominee | None = None
        for cited in sorted(change.cites, key=lambda cited: cited.kind is not FixKind.REVERT):
            targets = [target for _, target in self._ids.find(cited.prefix)]
            for target in targets or self._titled(cited):
                if isinstance(target, Item):
                    return _Nominee(change, cited.kind, target, None)
                chosen = chosen or _Nominee(change, cited.kind, target.item, target)
        return chosen

    def _titled(self, cited: Citation) -> list[Item]:
        """The patch a citation means by its subject, where its id says nothing."""
        item = self._by_subject.get(cited.subject) if cited.subject is not None else None
        if item is None:
            return []
        try:
            self._source.expand_id(cited.prefix)
        except (KeyError, ValueError, pygit2.GitError):
            return [item]
        # The source has that commit; a patch that is pinned to another one is another patch.
        return [item] if item.commit is None else []


def _fix(
    nominee: _Nominee, releases: Releases, items: Sequence[Item], source: pygit2.Repository, end: pygit2.Commit
) -> Fix:
    """A nominee with the commit to take, and where that is."""
    mainline = next(iter(nominee.change.ids))
    ranked: list[tuple[bool, int, int, pygit2.Commit, str | None]] = []
    for at, identifier in enumerate(dict.fromkeys([mainline, *nominee.change.commits])):
        known = source.get(identifier)
        if isinstance(known, pygit2.Commit):
            found = releases.in_line(known)
            number, name = (0, None) if found is None else found
            ranked.append((found is None, number, at, known, name))
    _, sublevel, _, commit, release = min(ranked, key=lambda entry: entry[:3])
    last = items[-1].name if items and items[-1] is not nominee.item else None
    return Fix(
        commit=str(commit.id),
        upstream=None if mainline == str(commit.id) else mainline,
        subject=nominee.change.subject,
        kind=nominee.kind,
        fixes=nominee.item.name,
        via=None if nominee.via is None else next(iter(nominee.via.change.ids)),
        release=release or releases.in_mainline(commit),
        later_target=release is not None and sublevel > releases.sublevel,
        in_range=releases.has(end, commit),
        before=last,
    )
