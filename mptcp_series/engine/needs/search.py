# SPDX-License-Identifier: MIT
"""Names of C and included files that the queue's lines use, the base does not define, and the target does.

It begins with the target's headers: those the base has unchanged define nothing new. Of the others, statements that
the base's file does not have are split into words, and only where a word is one that the queue uses are both files
parsed. What is then new in the target is held against each use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from ...values.need import NeedKind, Use
from .bindings import Binding, bindings
from .requirement import Requirement
from .scene import Scene
from .symbols import Definition
from .touched import Touched
from .uses import Role, Used, enclosing_function

__all__ = ["requirements"]


def requirements(scene: Scene) -> list[Requirement]:
    """Every requirement that the base does not fulfil and the target does, in the order of the target's headers."""
    return [*_includes(scene), *_Search(scene).run()]


def _includes(scene: Scene) -> Iterator[Requirement]:
    places: dict[str, list[Use]] = {}
    names: dict[str, str] = {}
    for file in scene.c_files:
        for name, uses in file.uses.items():
            for used in uses:
                if used.role is not Role.INCLUDE or scene.known.resolve(name, file.path) is not None:
                    continue
                there = scene.target.resolve(name, file.path)
                if there is not None:
                    places.setdefault(there, []).append(file.use(used.line))
                    names[there] = name[1:-1]
    for path, lines in sorted(places.items()):
        yield Requirement(
            name=names[path],
            definition=Definition(name=names[path], kind=NeedKind.INCLUDE, line=1),
            path=path,
            roles=frozenset({Role.INCLUDE}),
            arguments=frozenset(),
            uses=tuple(lines),
        )


@attrs.frozen(kw_only=True, eq=False)
class _Site:
    """One use in one file, and the structure it is a field of."""

    file: Touched
    used: Used
    owner: str | None
    given: frozenset[tuple[int, str]] = frozenset()


class _Search:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._bindings: dict[str, list[tuple[Touched, Binding]]] = {}
        for file in scene.c_files:
            oid = scene.made.oid(file.path)
            assert oid is not None
            for binding in bindings(scene.sources.tree(oid), scene.sources.definitions(oid)):
                if not file.added.isdisjoint((binding.line, binding.function.line)):
                    self._bindings.setdefault(binding.name, []).append((file, binding))

    def run(self) -> list[Requirement]:
        scene = self._scene
        names = self._bindings.keys() | {
            name
            for file in scene.c_files
            for name, uses in file.uses.items()
            if not all(self._is_local(used, file.path) for used in uses)
        }
        sources = [path for path in scene.touched if path.endswith(".c")]
        found: dict[tuple[str, NeedKind, str | None], Requirement] = {}
        for path in dict.fromkeys((*scene.target_headers, *sources)):
            for definition in self._fresh(path, names):
                for requirement in self._of(definition, path):
                    found.setdefault((definition.name, definition.kind, definition.owner), requirement)
        # Of a structure that is needed as a whole, each field is no need of its own.
        whole = {name for name, kind, _ in found if kind in _WITH_FIELDS}
        return [one for (_, _, owner), one in found.items() if owner is None or owner.partition(".")[0] not in whole]

    def _fresh(self, path: str, names: set[str]) -> Iterator[Definition]:
        """Definitions of some names that a file of the target has, and the file of the base has not."""
        scene = self._scene
        new = scene.target.oid(path)
        old = scene.known.oid(path) if path.endswith(".h") else scene.made.oid(path)
        if new is None or new == old or (scene.in_conflict and scene.owned.contains(path)):
            return
        words = names & scene.sources.changed_words(old, new)
        if not words:
            return
        before = {} if old is None else scene.sources.named(old, words)
        for name, definitions in scene.sources.named(new, words).items():
            seen = {_likeness(definition) for definition in before.get(name, ())}
            for definition in definitions:
                if _likeness(definition) not in seen:
                    seen.add(_likeness(definition))
                    yield definition

    def _of(self, definition: Definition, path: str) -> Iterator[Requirement]:
        """What the queue's lines require of one of the target's definitions, where the base does not fulfil it."""
        yield from self._callback(definition, path)
        sites = [site for site in self._sites(definition, path) if not self._is_met(definition, path, site)]
        if sites:
            yield _requirement(definition, path, sites)

    def _sites(self, definition: Definition, path: str) -> Iterator[_Site]:
        for file in self._scene.c_files:
            if path.endswith(".c") and path != file.path:
                continue
            for used in file.uses.get(definition.name, ()):
                if not used.role.fits(definition.kind) or self._is_local(used, file.path):
                    continue
                owner, types = None, self._scene.types
                if used.role is Role.FIELD and used.node is not None:
                    owner = types.owner(used.node, file.path)
                if owner is None or owner == definition.owner:
                    call = None if used.role is not Role.CALL or used.node is None else used.node.parent
                    given = frozenset[tuple[int, str]]() if call is None else types.given(call, file.path)
                    yield _Site(file=file, used=used, owner=owner, given=given)

    def _is_met(self, definition: Definition, path: str, site: _Site) -> bool:
        """Whether a use is answered by what it sees without the queue; or by the target's definition no better."""
        requirement = _requirement(definition, path, [site])
        if not requirement.met_by(definition):
            return True
        own = self._scene.made.named(site.file.path, definition.name) if site.file.path.endswith(".c") else ()
        if requirement.met_among(own) is not None:
            return True
        return requirement.met_among(self._scene.visible(definition.name)) is not None

    def _is_local(self, used: Used, path: str) -> bool:
        function = None if used.node is None or used.role is Role.FIELD else enclosing_function(used.node)
        return function is not None and used.name in self._scene.types.locals_of(function, path)

    def _callback(self, definition: Definition, path: str) -> Iterator[Requirement]:
        """A function pointer that the queue sets to a function of a type which only the target's has."""
        if definition.kind is not NeedKind.FIELD or definition.signature is None:
            return
        uses = [
            file.use(max(file.added & {binding.line, binding.function.line}))
            for file, binding in self._bindings.get(definition.name, ())
            if binding.function.signature == definition.signature
            and self._scene.types.owner(binding.field, file.path) == definition.owner
        ]
        requirement = Requirement(
            name=definition.name,
            definition=definition,
            path=path,
            roles=frozenset({Role.FIELD}),
            arguments=frozenset(),
            uses=tuple(dict.fromkeys(uses)),
            owner=definition.owner,
            signature=definition.signature,
        )
        if uses and requirement.met_among(self._scene.visible(definition.name)) is None:
            yield requirement


_WITH_FIELDS = frozenset({NeedKind.STRUCT, NeedKind.UNION, NeedKind.TYPEDEF})


def _requirement(definition: Definition, path: str, sites: Sequence[_Site]) -> Requirement:
    owners = {site.owner for site in sites}
    return Requirement(
        name=definition.name,
        definition=definition,
        path=path,
        roles=frozenset(site.used.role for site in sites),
        arguments=frozenset(site.used.arguments for site in sites if site.used.arguments is not None),
        uses=tuple(dict.fromkeys(site.file.use(site.used.line) for site in sites)),
        given=frozenset(one for site in sites for one in site.given),
        owner=owners.pop() if len(owners) == 1 else None,
    )


def _likeness(definition: Definition) -> tuple[object, ...]:
    """What of a definition matters to those who use it."""
    return definition.name, definition.kind, definition.owner, definition.arity, definition.signature
