# SPDX-License-Identifier: MIT
"""Which objects a change of the tree can break: what make is asked for.

Whole directories where the series changes a .c file, an assembler file or the build's own Makefile; elsewhere each .c
file that includes a header the series changes. Nothing is hard-coded: a queue that touches net/tls/ has net/tls/
compiled, and one that changes include/net/tcp.h has every user of it compiled, wherever it is. A user that includes
the header only through another one is not asked for by itself; it is compiled where its directory is.

Whether an object is part of the configuration is kbuild's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property

import attrs

from ...errors import MissingObject
from ..store.objects import Entry, Objects, Oid
from ..store.tree import TreeEditor, path_bytes
from .worktree import tree_files

__all__ = ["Includers", "Targets", "derive_targets", "is_kernel_directory"]

_INCLUDE = re.compile(rb"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"\n]+)[>\"]", re.MULTILINE)
_KBUILD = re.compile(rb"^[ \t]*(?:obj|lib)-(?:y|m|\$[({]\w+[)}])[ \t]*[:+]?=", re.MULTILINE)
Get = Callable[[str], Entry | None]
"""The file a tree has at a path."""

_SOURCES = (".c", ".S")
_MAKEFILES = ("Makefile", "Kbuild")
_NOT_THE_KERNEL = ("tools/", "scripts/", "Documentation/")
"""Their Makefiles have rules of their own: they are programs for the machine at hand, or no code."""


@attrs.frozen(kw_only=True)
class Targets:
    """What make is asked for."""

    directories: tuple[str, ...] = ()
    """Whole directories, without a final slash."""
    objects: tuple[str, ...] = ()
    """Single objects outside these."""
    outside: tuple[str, ...] = ()
    """C files of the series that no part of a kernel is made of: selftests, samples of tools."""

    @cached_property
    def words(self) -> tuple[str, ...]:
        return (*(f"{directory}/" for directory in self.directories), *self.objects)

    @property
    def every_directory(self) -> tuple[str, ...]:
        """Every directory something is compiled in, sorted."""
        return tuple(sorted({*self.directories, *(name.rpartition("/")[0] for name in self.objects)}))

    def __bool__(self) -> bool:
        return bool(self.directories or self.objects)

    def covers(self, path: str) -> bool:
        """Whether an object or source is asked for."""
        name = path.rpartition(".")[0] + ".o"
        return name in self.objects or any(path.startswith(f"{directory}/") for directory in self.directories)


class Includers:
    """The .c files that include one of some headers, found in one look at all .c files of a tree."""

    def __init__(self, objects: Objects, tree: Oid, headers: Iterable[str], arch: str) -> None:
        """arch: the directory below arch/ that counts; the others' files do not."""
        self.headers = frozenset(headers)
        self.unreadable: list[str] = []
        """Files whose content is absent."""
        self._found: dict[str, set[str]] = {header: set() for header in self.headers}
        if self.headers:
            self._scan(objects, tree, arch)

    def of(self, headers: Iterable[str]) -> set[str]:
        """Every .c file that includes one of these, which must be among those looked for."""
        return set().union(*(self._found[header] for header in headers))

    def _scan(self, objects: Objects, tree: Oid, arch: str) -> None:
        names = {header.rpartition("/")[2] for header in self.headers}
        near = re.compile(b"|".join(re.escape(path_bytes(name)) for name in sorted(names)))
        for path, entry in tree_files(objects, tree).items():
            if not path.endswith(".c") or not entry.is_text or _is_foreign(path, arch):
                continue
            try:
                data = objects.read(entry.oid)
            except MissingObject:
                self.unreadable.append(path)
                continue
            if near.search(data) is None:
                continue
            for quote, name in _INCLUDE.findall(data):
                for header in _candidates(path, quote == b'"', name.decode("utf-8", "surrogateescape"), arch):
                    if header in self.headers:
                        self._found[header].add(path)


def _is_foreign(path: str, arch: str) -> bool:
    return path.startswith(_NOT_THE_KERNEL) or (path.startswith("arch/") and not path.startswith(f"arch/{arch}/"))


def _candidates(path: str, quoted: bool, name: str, arch: str) -> list[str]:
    """The files an `#include` may mean, by the include directories of the kernel's top Makefile (LINUXINCLUDE)."""
    roots = [f"arch/{arch}/include", "include", f"arch/{arch}/include/uapi", "include/uapi"]
    found = [f"{root}/{name}" for root in roots]
    if quoted:
        parts = path.split("/")[:-1]
        for part in name.split("/"):
            if part == "..":
                parts = parts[:-1]
            elif part != ".":
                parts.append(part)
        found.insert(0, "/".join(parts))
    return found


def is_kernel_directory(objects: Objects, get: Get, directory: str) -> bool:
    """Whether kbuild goes into a directory: its Makefile, or Kbuild, lists objects."""
    if f"{directory}/".startswith(_NOT_THE_KERNEL):
        return False
    for name in _MAKEFILES:
        entry = get(f"{directory}/{name}")
        if entry is not None and entry.is_text and _KBUILD.search(objects.read(entry.oid)):
            return True
    return False


def derive_targets(objects: Objects, tree: Oid, touched: Iterable[str], includers: Includers, arch: str) -> Targets:
    """What to compile for the paths a change touched, as they are in a tree.

    touched: paths of files that were changed, made or taken away.
    includers: must have been asked for every header among them.
    """
    get = TreeEditor(objects, tree).get
    paths = sorted(set(touched))
    directories: set[str] = set()
    single: set[str] = set()
    outside: list[str] = []
    for path in paths:
        directory, _, name = path.rpartition("/")
        is_source = name.endswith(_SOURCES)
        if not (is_source or name in _MAKEFILES) or _is_foreign(path, arch):
            if is_source:
                outside.append(path)
            continue
        if directory and is_kernel_directory(objects, get, directory):
            directories.add(directory)
        elif is_source and get(path) is not None and _below_kernel_directory(objects, get, directory):
            single.add(f"{path.rpartition('.')[0]}.o")
        elif is_source:
            outside.append(path)
    for path in includers.of(path for path in paths if path.endswith(".h") and path in includers.headers):
        directory = path.rpartition("/")[0]
        if get(path) is not None and _below_kernel_directory(objects, get, directory):
            single.add(f"{path.rpartition('.')[0]}.o")
    # A directory is compiled with all below it.
    directories = {one for one in directories if not any(one.startswith(f"{other}/") for other in directories)}
    single = {one for one in single if not any(one.startswith(f"{directory}/") for directory in directories)}
    return Targets(directories=tuple(sorted(directories)), objects=tuple(sorted(single)), outside=tuple(outside))


def _below_kernel_directory(objects: Objects, get: Get, directory: str) -> bool:
    while directory:
        if is_kernel_directory(objects, get, directory):
            return True
        if any(get(f"{directory}/{name}") is not None for name in _MAKEFILES):
            return False
        directory = directory.rpartition("/")[0]
    return False
