# SPDX-License-Identifier: MIT
"""The later releases of the base's own line (v5.10.N): which of them has first what the queue needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pygit2

from ...errors import BadInput
from ...values.need import NeedKind
from ...values.version import KernelVersion
from ..alignment.basechanges import commit_at, release_tags
from ..store.objects import Objects, Oid
from .lookup import Sources, View, entry_at
from .requirement import Requirement

__all__ = ["LaterReleases"]


class LaterReleases:
    """Releases of one line after a version, oldest first, as the source has them."""

    def __init__(self, objects: Objects, sources: Sources, source: pygit2.Repository, version: str) -> None:
        self._objects = objects
        self._sources = sources
        self._releases = _later(source, version)
        self._oids: dict[tuple[int, str], Oid | None] = {}
        self._newest: tuple[View, Sequence[str]] | None = None

    @property
    def newest(self) -> str | None:
        """Name of the newest; None where there is none."""
        return self._releases[-1][0] if self._releases else None

    def first_with(self, requirement: Requirement, roots: Iterable[str]) -> str | None:
        """The first release that fulfils a requirement in the file of the target, or in another that `roots` see.

        One that took it back again in between is not looked for.
        """
        if not self._releases:
            return None
        last = len(self._releases) - 1
        path = requirement.path
        if not self._has(last, path, requirement):
            found = None if requirement.definition.kind in _BY_PATH else self._elsewhere(requirement, roots)
            if found is None:
                return None
            path = found
        return self.first(lambda number: self._has(number, path, requirement))

    def first(self, holds: Callable[[int], bool]) -> str | None:
        """Name of the first release from which on something holds up to the newest."""
        name = None
        for number in reversed(range(len(self._releases))):
            if not holds(number):
                break
            name = self._releases[number][0]
        return name

    def data(self, number: int, path: str) -> bytes | None:
        """Content of a file in a release."""
        oid = self._oid(number, path)
        return None if oid is None else self._sources.data(oid)

    def _oid(self, number: int, path: str) -> Oid | None:
        key = (number, path)
        if key not in self._oids:
            entry = entry_at(self._objects, self._releases[number][1], path)
            self._oids[key] = entry.oid if entry is not None and entry.is_text else None
        return self._oids[key]

    def _has(self, number: int, path: str, requirement: Requirement) -> bool:
        oid = self._oid(number, path)
        return oid is not None and has(self._sources, oid, requirement)

    def _elsewhere(self, requirement: Requirement, roots: Iterable[str]) -> str | None:
        """The header of the newest release that fulfils it, of those that some files of it see."""
        if self._newest is None:
            tree = self._releases[-1][1]
            view = View(self._sources, lambda path: entry_at(self._objects, tree, path))
            self._newest = (view, view.closure(path for path in roots if view.oid(path) is not None))
        view, headers = self._newest
        for header in headers:
            if requirement.met_among(view.named(header, requirement.name)) is not None:
                return header
        return None


_BY_PATH = frozenset({NeedKind.INCLUDE, NeedKind.CONFIG})


def has(sources: Sources, oid: Oid, requirement: Requirement) -> bool:
    """Whether a content fulfils a requirement."""
    kind = requirement.definition.kind
    if kind is NeedKind.INCLUDE:
        return True
    name = requirement.name
    found = sources.kconfig(oid) if kind is NeedKind.CONFIG else sources.named(oid, (name,))
    return requirement.met_among(found.get(name, ())) is not None


def _later(source: pygit2.Repository, version: str) -> list[tuple[str, Oid]]:
    try:
        base = KernelVersion.parse(version)
    except BadInput:
        return []
    tags = release_tags(source, (base.version, base.patchlevel))
    return [
        (name.removeprefix("refs/tags/"), commit_at(source, name).tree_id.raw)
        for number, name in tags.items()
        if number > base.sublevel
    ]
