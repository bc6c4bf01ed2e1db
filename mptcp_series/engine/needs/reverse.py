# SPDX-License-Identifier: MIT
"""Code of the base outside the stack that uses what the queue removes, or changes.

A stack that is replaced as a whole takes with it what others call: net/ipv4/syncookies.c of 5.10 names
`mptcp_subflow_request_sock_ops`, which the stack of 5.15 does not have. Looked through are the subsystems that the
queue touches (net/, say), and include/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import attrs

from ...values.need import NeedKind, Place, Reverse
from ..store.objects import Oid
from ..store.tree import path_bytes, path_text
from .bindings import bindings
from .grammar import parse
from .later import LaterReleases
from .lookup import is_c, is_kernel_code
from .scene import Scene
from .symbols import Definition, tree_definitions
from .touched import Touched
from .types import local_types
from .uses import Role, Used, c_uses, enclosing_function

__all__ = ["find_reverse"]


@attrs.frozen(kw_only=True, eq=False)
class _Gone:
    """A definition of the base that the result does not have like this."""

    definition: Definition
    file: Touched
    now: Definition | None
    """What it is now; None where it is gone."""

    @property
    def removed_by(self) -> str:
        names = self.file.annotated.removers(0, len(self.file.annotated.lines))
        line = self.definition.line
        for gone in self.file.annotated.removed_between(0, len(self.file.annotated.lines)):
            if gone.line.layer == -1 and gone.line.born == line:
                return gone.by.name
        return names[-1] if names else self.file.last

    @property
    def identifier(self) -> str:
        owner = self.definition.owner
        return self.definition.name if owner is None else f"{owner}.{self.definition.name}"

    def breaks(self, used: Used) -> bool:
        """Whether a use was right before, and is not now."""
        if not used.role.fits(self.definition.kind):
            return False
        if self.now is None:
            return True
        before, after = (one.accepts(used.arguments) for one in (self.definition, self.now))
        return self.definition.kind is not NeedKind.FIELD and before and not after

    @property
    def change(self) -> str | None:
        if self.now is None:
            return None
        return f"it was `{self.definition.signature}`, and is `{self.now.signature}`"


def find_reverse(scene: Scene, later: LaterReleases) -> tuple[Reverse, ...]:
    """Every use, those that nothing answers first."""
    gone: dict[str, list[_Gone]] = {}
    for one in _removed(scene):
        gone.setdefault(one.definition.name, []).append(one)
    if not gone:
        return ()
    users = _Users(scene, later, gone)
    found = [entry for path, oid in _candidates(scene) for entry in users.of(path, oid)]
    return tuple(sorted(found, key=lambda entry: (not entry.unmet, entry.used_in, entry.identifier)))


def _removed(scene: Scene) -> Iterator[_Gone]:
    """What files outside can see of the base's definitions, and the result has not, or has otherwise."""
    for path, file in scene.touched.items():
        old, new = scene.base.oid(path), scene.made.oid(path)
        if old is None or old == new or not is_c(path):
            continue
        now = {} if new is None else scene.sources.definitions(new)
        for name, definitions in scene.sources.definitions(old).items():
            for definition in definitions[:1]:
                if path.endswith(".c") and (definition.static or definition.kind not in _LINKED):
                    continue
                same = [other for other in now.get(name, ()) if _same(definition, other)]
                if not same:
                    if not _elsewhere(scene, path, definition):
                        yield _Gone(definition=definition, file=file, now=None)
                elif _changed(definition, same, definitions):
                    yield _Gone(definition=definition, file=file, now=same[0])


_LINKED = frozenset({NeedKind.FUNCTION, NeedKind.VARIABLE})


def _same(one: Definition, other: Definition) -> bool:
    if one.kind is NeedKind.FIELD or other.kind is NeedKind.FIELD:
        return one.kind is other.kind and one.owner == other.owner
    return True


def _changed(definition: Definition, now: Sequence[Definition], before: Sequence[Definition]) -> bool:
    """Whether calls and callbacks that were right are so no more."""
    if definition.signature is None or len(now) > 1 or len(before) > 1 or now[0].signature is None:
        return False
    if definition.kind is NeedKind.FIELD:
        return definition.signature != now[0].signature
    return definition.arity is not None and now[0].arity is not None and definition.arity != now[0].arity


def _elsewhere(scene: Scene, path: str, definition: Definition) -> bool:
    """Whether another file of the result defines the name; a field of whatever structure counts."""
    files = (*scene.headers, *(other for other in scene.touched if other.endswith(".c")))
    for other in files:
        for found in scene.made.named(other, definition.name):
            if (found.kind is NeedKind.FIELD) is (definition.kind is NeedKind.FIELD) and not (
                found.static and other.endswith(".c")
            ):
                return True
    return False


def _candidates(scene: Scene) -> Iterator[tuple[str, Oid]]:
    """C files of the base outside the stack, in the subsystems that the queue touches and in include/."""
    tops = {path.partition("/")[0] for path in scene.touched if path.endswith(".c") and is_kernel_code(path)}
    root = scene.objects.tree(scene.base_tree)
    for top in sorted(tops | {"include"}):
        entry = root.get(path_bytes(top))
        if entry is not None and entry.is_tree:
            yield from _below(scene, entry.oid, path_bytes(top) + b"/")


def _below(scene: Scene, tree: Oid, prefix: bytes) -> Iterator[tuple[str, Oid]]:
    for name, entry in scene.objects.tree(tree).items():
        if entry.is_tree:
            yield from _below(scene, entry.oid, prefix + name + b"/")
        elif entry.is_text and name.endswith((b".c", b".h")):
            path = path_text(prefix + name)
            if not scene.owned.contains(path):
                yield path, entry.oid


class _Users:
    """Looks for what is gone in one file after the other."""

    def __init__(self, scene: Scene, later: LaterReleases, gone: Mapping[str, Sequence[_Gone]]) -> None:
        self._scene = scene
        self._later = later
        self._gone = gone
        self._words = [(name, name.encode(), _mention(name, entries)) for name, entries in gone.items()]

    def of(self, path: str, oid: Oid) -> Iterator[Reverse]:
        """What a file of the base is left without."""
        data = self._scene.objects.read(oid)
        names = {name for name, word, mention in self._words if word in data and mention.search(data) is not None}
        if not names:
            return
        for line, one in self._broken(data, path, names).values():
            if path == one.file.path or not self._concerns(path, one):
                continue
            yield Reverse(
                identifier=one.identifier,
                kind=one.definition.kind,
                defined_in=one.file.path,
                line=one.definition.line,
                removed_by=one.removed_by,
                used_in=Place(path=path, line=line),
                answered_by=self._answer(path, one),
                change=one.change,
                base_release=self._later.first(partial(self._is_free, path, one)),
            )

    def _concerns(self, path: str, one: _Gone) -> bool:
        """Whether the file means this definition: it sees it in the base, and nothing of the name in the result."""
        seen = self._scene.base.closure([path])
        name = one.definition.name
        if one.file.path not in seen and not any(self._scene.base.named(header, name) for header in seen):
            return False
        if one.now is not None:
            return True
        return not any(
            (found.kind is NeedKind.FIELD) is (one.definition.kind is NeedKind.FIELD)
            for header in self._scene.made.closure([path])
            for found in self._scene.made.named(header, name)
        )

    def _answer(self, path: str, one: _Gone) -> str | None:
        """The entry that takes the use out of the file, if any does."""
        name = one.definition.name
        file, data = self._scene.touched.get(path), self._scene.made.data(path)
        if file is None or (data is not None and self._broken(data, path, {name})):
            return None
        if one.now is not None and any(step.origin.name == one.removed_by for step in file.annotated.history):
            return one.removed_by
        for gone in file.annotated.removed_between(0, len(file.annotated.lines)):
            if gone.line.layer == -1 and re.search(rb"\b%s\b" % name.encode(), gone.line.text):
                return gone.by.name
        return file.last

    def _is_free(self, path: str, one: _Gone, number: int) -> bool:
        """Whether the file of a later release does not use it."""
        data = self._later.data(number, path)
        name = one.definition.name
        return data is None or name.encode() not in data or not self._broken(data, path, {name})

    def _broken(self, data: bytes, path: str, names: set[str]) -> dict[str, tuple[int, _Gone]]:
        """The first line at which each name is used in a way that the result does not have."""
        tree = parse(data)
        own: dict[str, list[Definition]] = {}
        for definition in tree_definitions(tree):
            if definition.kind is not NeedKind.FUNCTION or definition.body is not None:
                own.setdefault(definition.name, []).append(definition)
        found: dict[str, tuple[int, _Gone]] = {}
        for used in c_uses(tree, names=names):
            if used.name not in found and not _is_local(used):
                for one in self._gone[used.name]:
                    if one.breaks(used) and not any(used.role.fits(mine.kind) for mine in own.get(used.name, ())):
                        found[used.name] = (used.line, one)
                        break
        for binding in bindings(tree, own) if names - found.keys() else ():
            for one in self._gone[binding.name] if binding.name in names - found.keys() else ():
                if one.now is not None and binding.function.signature == one.definition.signature:
                    owner = self._scene.types.owner(binding.field, path)
                    if owner == one.definition.owner:
                        found[binding.name] = (binding.line, one)
        return found


def _mention(name: str, gone: Sequence[_Gone]) -> re.Pattern[bytes]:
    """What a file must have to use one of these, before it is parsed."""
    fields = all(one.definition.kind is NeedKind.FIELD for one in gone)
    return re.compile(rb"%s\b%s\b" % (rb"(?:->|\.)\s*" if fields else b"", name.encode()))


def _is_local(used: Used) -> bool:
    function = None if used.node is None or used.role is Role.FIELD else enclosing_function(used.node)
    return function is not None and used.name in local_types(function)
