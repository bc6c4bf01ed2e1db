# SPDX-License-Identifier: MIT
"""Kconfig symbols: which of those that the queue names no Kconfig file of the base defines.

The C code of a symbol nobody defines compiles, and is silently left out; `select` of one is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ...values.need import NeedKind, Use
from ..store.objects import Objects, Oid
from ..store.tree import path_bytes, path_text
from .lookup import Sources
from .requirement import Requirement
from .symbols import Definition
from .touched import Touched
from .uses import Role

__all__ = ["config_requirements", "kconfig_files"]


def config_requirements(
    sources: Sources, touched: Mapping[str, Touched], base: Mapping[str, Oid], target: Callable[[], Mapping[str, Oid]]
) -> Iterator[Requirement]:
    """A requirement for each symbol that the lines of the queue name, the base lacks and the target has.

    base: the Kconfig files of the base, with those of the stack as the result has them. target: those of the target;
    asked for only if something is lacking.
    """
    uses: dict[str, list[Use]] = {}
    for file in touched.values():
        for name, found in file.uses.items():
            for used in found:
                if used.role is Role.CONFIG:
                    uses.setdefault(name, []).append(file.use(used.line))
    lacking = set(uses) - set(_defined(sources, base, set(uses)))
    there = _defined(sources, target(), lacking) if lacking else {}
    for name, (path, definition) in sorted(there.items()):
        yield Requirement(
            name=name,
            definition=definition,
            path=path,
            roles=frozenset({Role.CONFIG}),
            arguments=frozenset(),
            uses=tuple(dict.fromkeys(uses[name])),
        )


def _defined(sources: Sources, files: Mapping[str, Oid], names: set[str]) -> dict[str, tuple[str, Definition]]:
    found: dict[str, tuple[str, Definition]] = {}
    for path, oid in files.items():
        for name, definitions in sources.kconfig(oid).items():
            if name in names and definitions[0].kind is NeedKind.CONFIG:
                found.setdefault(name, (path, definitions[0]))
    return found


def kconfig_files(objects: Objects, tree: Oid) -> dict[str, Oid]:
    """Every Kconfig file of a tree, by path."""
    found: dict[str, Oid] = {}
    _collect(objects, tree, b"", found)
    return found


def _collect(objects: Objects, tree: Oid, prefix: bytes, found: dict[str, Oid]) -> None:
    for name, entry in objects.tree(tree).items():
        if entry.is_tree:
            if path_bytes("Documentation") != prefix + name:
                _collect(objects, entry.oid, prefix + name + b"/", found)
        elif name.startswith(b"Kconfig") and entry.is_text:
            found[path_text(prefix + name)] = entry.oid
