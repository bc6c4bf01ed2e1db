# SPDX-License-Identifier: MIT
"""The trees a search for needs looks at, each as the compiler would see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from ...values.paths import OwnedPaths
from ...values.result import Status
from ..result import Result
from ..store.objects import Entry, Objects, Oid
from ..store.tree import TreeEditor
from .lookup import Sources, View, is_c
from .symbols import Definition
from .touched import Touched, read_touched, tree_before
from .types import Types

__all__ = ["Scene"]


@attrs.frozen(kw_only=True, eq=False)
class Scene:
    """A result, its base and the target."""

    objects: Objects
    sources: Sources
    owned: OwnedPaths
    touched: Mapping[str, Touched]
    """Every file of the kernel that the queue wrote, by path."""
    base_tree: Oid
    base: View
    made: View
    """The result."""
    known: View
    """The result in the stack's own files, the base in all others: what is there without the queue's other hunks."""
    target: View
    headers: Sequence[str]
    """Headers that the queue's files see in the result."""
    target_headers: Sequence[str]
    types: Types
    """Of the result."""
    in_conflict: bool
    """Whether the stack's own files are what came of lines that collided."""

    @classmethod
    def of(cls, result: Result, owned: OwnedPaths, target: Oid) -> Scene:
        """target: the target's tree."""
        objects = result.objects
        sources = Sources.of(objects)
        touched = read_touched(result, sources)
        tree = tree_before(result)
        base, there = TreeEditor(objects, tree), TreeEditor(objects, target)

        def made(path: str) -> Entry | None:
            file = touched.get(path)
            return base.get(path) if file is None else file.annotated.entry

        def known(path: str) -> Entry | None:
            return made(path) if owned.contains(path) else base.get(path)

        views = {name: View(sources, get) for name, get in (("made", made), ("target", there.get))}
        roots = [path for path in touched if is_c(path)]
        headers = views["made"].closure(path for path in roots if views["made"].oid(path) is not None)
        return cls(
            objects=objects,
            sources=sources,
            owned=owned,
            touched=touched,
            base_tree=tree,
            base=View(sources, base.get),
            made=views["made"],
            known=View(sources, known),
            target=views["target"],
            headers=headers,
            target_headers=views["target"].closure(path for path in roots if views["target"].oid(path) is not None),
            types=Types(views["made"], headers),
            in_conflict=any(outcome.status is Status.CONFLICT for outcome in result.patches),
        )

    def visible(self, name: str) -> Iterator[Definition]:
        """Definitions of a name in headers of the base, and of the stack as the result has it."""
        for header in self.headers:
            yield from self.known.named(header, name)

    @property
    def c_files(self) -> Iterator[Touched]:
        """Touched files of C that the result has."""
        return (file for path, file in self.touched.items() if is_c(path) and self.made.oid(path) is not None)
