# SPDX-License-Identifier: MIT
"""The commit of the source with which a definition is there first, on the way to the target.

A history of 80,000 commits is searched by halves: along the first parents from the target back to where the
definition is not there yet, then into the branch that a merge brought it with, until a commit is found that is no
merge. That takes some fifty looks at one file. Of a definition that came, went and came again one of the two
beginnings is found.
"""

from __future__ import annotations

import re

import attrs
import pygit2

from ...errors import BadInput, MissingObject
from ...values.need import Introduction, Step
from ...values.provenance import upstream_ids
from ...values.version import KernelVersion
from ..replay.item import read_commit
from ..store.objects import Objects, Oid
from .later import has
from .lookup import Sources, entry_at
from .requirement import Requirement

__all__ = ["Found", "Origins"]

_RELEASE = re.compile(r"refs/tags/((?:.*[-/])?v\d+\.\d+(?:\.\d+)?)")


@attrs.frozen(kw_only=True, eq=False)
class Found:
    """A commit that introduces something, and the commit before it; None where the history begins with it."""

    introduction: Introduction
    commit: pygit2.Commit
    parent: pygit2.Commit | None


class Origins:
    """One target's history, looked at as far as it is needed."""

    def __init__(self, objects: Objects, sources: Sources, source: pygit2.Repository, target: pygit2.Commit) -> None:
        self._objects = objects
        self._sources = sources
        self._source = source
        self._target = target
        self._chains: dict[str, _Chain] = {}
        self._verdicts: dict[tuple[Requirement, Oid], bool] = {}
        self._tags: dict[str, str] | None = None

    def find(self, requirement: Requirement, tip: pygit2.Commit | None = None) -> Found | None:
        """Where the definition that a commit has begins; None where its file does not have it.

        tip: the commit; by default the target.
        """
        tip = self._target if tip is None else tip
        if not self._has(requirement, tip):
            return None
        release: str | None = None
        while True:
            chain = self._chain(tip)
            number = self._first(requirement, chain)
            commit = chain.commit(number)
            if release is None:
                release = self._release(chain, number)
            branch = self._branch(requirement, commit)
            if branch is None:
                return self._found(commit, chain.before(number), release)
            tip = branch

    def _chain(self, tip: pygit2.Commit) -> _Chain:
        name = str(tip.id)
        if name not in self._chains:
            self._chains[name] = _Chain(self._source, tip)
        return self._chains[name]

    def _first(self, requirement: Requirement, chain: _Chain) -> int:
        """Number of the oldest commit of a chain from which on it is there: found by steps that double, then halve."""
        there, step = 0, 1
        while True:
            number = chain.reach(there + step)
            if number == there:
                return there
            if not self._has(requirement, chain.commit(number)):
                break
            there, step = number, step * 2
        low, high = there, number
        while high - low > 1:
            middle = (low + high) // 2
            if self._has(requirement, chain.commit(middle)):
                low = middle
            else:
                high = middle
        return low

    def _branch(self, requirement: Requirement, merge: pygit2.Commit) -> pygit2.Commit | None:
        """The parent of a merge, other than the first, that has it."""
        for identifier in merge.parent_ids[1:]:
            parent = self._source.get(identifier)
            if isinstance(parent, pygit2.Commit) and self._has(requirement, parent):
                return parent
        return None

    def _has(self, requirement: Requirement, commit: pygit2.Commit) -> bool:
        try:
            entry = entry_at(self._objects, commit.tree_id.raw, requirement.path)
            if entry is None or not entry.is_text:
                return False
            key = (requirement, entry.oid)
            if key not in self._verdicts:
                self._verdicts[key] = has(self._sources, entry.oid, requirement)
            return self._verdicts[key]
        except MissingObject:
            # A clone without old blobs: as far as it can tell, the history begins later.
            return False

    def _found(self, commit: pygit2.Commit, parent: pygit2.Commit | None, release: str | None) -> Found:
        raw = read_commit(commit.read_raw())
        named = upstream_ids(raw.message)
        return Found(
            introduction=Introduction(
                commit=str(commit.id),
                subject=raw.subject,
                upstream=named[0] if named else None,
                release=release,
                step=self._step(commit, parent),
            ),
            commit=commit,
            parent=parent,
        )

    def _step(self, commit: pygit2.Commit, parent: pygit2.Commit | None) -> Step:
        if parent is None:
            return Step.OLDEST
        if len(commit.parent_ids) > 1:
            return Step.MERGE
        return Step.RELEASE if self._is_release(parent, commit) else Step.CHANGE

    def _is_release(self, parent: pygit2.Commit, commit: pygit2.Commit) -> bool:
        """Whether a commit is a whole release: it sets the version as well."""
        before, after = (self._version(one) for one in (parent, commit))
        return before is not None and after is not None and before != after

    def _version(self, commit: pygit2.Commit) -> KernelVersion | None:
        makefile = entry_at(self._objects, commit.tree_id.raw, "Makefile")
        if makefile is None:
            return None
        try:
            return KernelVersion.from_makefile(self._objects.read(makefile.oid))
        except BadInput:
            return None

    def _release(self, chain: _Chain, number: int) -> str | None:
        """The first release behind a commit of the target's own chain."""
        if self._tags is None:
            self._tags = _release_tags(self._source)
        for at in range(number, -1, -1):
            name = self._tags.get(chain.name(at))
            if name is not None:
                return name
        return None


class _Chain:
    """A commit and its first parents, read as far back as they are asked for. Number 0 is the newest."""

    def __init__(self, source: pygit2.Repository, tip: pygit2.Commit) -> None:
        self._source = source
        self._ids = [tip.id]
        self._ended = False

    def reach(self, number: int) -> int:
        """That number, or the last there is."""
        while not self._ended and number >= len(self._ids):
            parents = self.commit(len(self._ids) - 1).parent_ids
            # In a shallow clone the last one has a parent that is not there.
            if parents and parents[0] in self._source:
                self._ids.append(parents[0])
            else:
                self._ended = True
        return min(number, len(self._ids) - 1)

    def commit(self, number: int) -> pygit2.Commit:
        found = self._source[self._ids[number]]
        assert isinstance(found, pygit2.Commit)
        return found

    def name(self, number: int) -> str:
        return str(self._ids[number])

    def before(self, number: int) -> pygit2.Commit | None:
        return self.commit(number + 1) if self.reach(number + 1) > number else None


def _release_tags(source: pygit2.Repository) -> dict[str, str]:
    """Names of releases by the commits they are, the plainest name of each."""
    found: dict[str, str] = {}
    for reference in sorted(source.references, key=lambda name: (len(name), name)):
        match = _RELEASE.fullmatch(reference)
        if match is not None:
            found.setdefault(str(source.references[reference].peel(pygit2.Commit).id), match[1])
    return found
