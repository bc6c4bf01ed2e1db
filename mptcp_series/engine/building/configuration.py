# SPDX-License-Identifier: MIT
"""Configurations: what is asked for, what Kconfig makes of it, and symbols the new stack renamed or dropped.

A symbol that Kconfig does not know is dropped from a configuration without a word (`make olddefconfig`): a KUnit suite
that was renamed is then just not there any more. So the symbols the queue takes away are followed patch by patch.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from ...errors import BadInput, EnvironmentFault
from ...values.built import RenamedSymbol
from ...values.paths import OwnedPaths
from ..result import Result
from ..store.objects import Objects, Oid
from ..store.tree import TreeEditor

__all__ = [
    "COMPANIONS",
    "DEFAULT_ARCH",
    "Configured",
    "Request",
    "check_stack",
    "default_target",
    "missing_sources",
    "parse_assignment",
    "parse_config",
    "renamed_symbols",
    "render",
    "source_arch",
    "stack_symbols",
    "symbols_of",
    "unfulfilled",
]

DEFAULT_ARCH = "x86_64"

_SOURCE_ARCH = {
    "i386": "x86",
    "x86_64": "x86",
    "sparc32": "sparc",
    "sparc64": "sparc",
    "parisc64": "parisc",
    "sh64": "sh",
}
"""As the kernel's own Makefile has it; every other ARCH is its directory's name."""

COMPANIONS: Mapping[str, str] = dict.fromkeys(("NET", "INET", "IPV6", "INET_DIAG", "KUNIT", "TLS"), "y")
"""What is built beside the stack by default: what it needs, and what its changes reach (TLS has its ulp hooks)."""

_CONFIG = re.compile(r"^(?:CONFIG_(?P<set>\w+)=(?P<value>.*)|# CONFIG_(?P<unset>\w+) is not set)$")
_SYMBOL = re.compile(rb"^[ \t]*(?:menu)?config[ \t]+(\w+)[ \t]*$", re.MULTILINE)
_TYPE = re.compile(rb"^[ \t]+(?:def_)?(bool|tristate)\b", re.MULTILINE)


def source_arch(arch: str) -> str:
    """The directory below arch/ of an ARCH.

    >>> source_arch("x86_64"), source_arch("arm64")
    ('x86', 'arm64')
    """
    return _SOURCE_ARCH.get(arch, arch)


def default_target(arch: str) -> str:
    """The configuration target to begin with where nobody named one."""
    return "x86_64_defconfig" if arch == "x86_64" else "defconfig"


def parse_config(text: str) -> dict[str, str]:
    """A .config or a fragment by symbol, `n` for what is not set; the last word on a symbol counts, as in Kconfig.

    >>> parse_config("CONFIG_MPTCP=y\\n# CONFIG_TLS is not set\\n")
    {'MPTCP': 'y', 'TLS': 'n'}
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _CONFIG.match(line.rstrip())
        if match is not None:
            found[match["set"] or match["unset"]] = match["value"] if match["set"] else "n"
    return found


def parse_assignment(text: str) -> tuple[str, str]:
    """`SYMBOL=VALUE` or `CONFIG_SYMBOL=VALUE`. Raises BadInput.

    >>> parse_assignment("CONFIG_VETH=y")
    ('VETH', 'y')
    """
    match = re.fullmatch(r"(?:CONFIG_)?(\w+)=(y|m|n|-?\d+|0x[0-9a-fA-F]+|\".*\")", text)
    if match is None:
        raise BadInput(f'bad setting {text!r} (expected SYMBOL=y, m, n, a number or a "text")')
    return match[1], match[2]


def render(settings: Mapping[str, str]) -> str:
    """Lines of a .config."""
    return "".join(
        f"# CONFIG_{name} is not set\n" if value == "n" else f"CONFIG_{name}={value}\n"
        for name, value in settings.items()
    )


@attrs.frozen(kw_only=True)
class Request:
    """The configuration that is asked for.

    texts: contents of the files given, later ones on top of earlier ones; with none, `target` is the start.
    """

    target: str | None = None
    texts: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def is_given(self) -> bool:
        """Whether somebody gave a whole configuration: nothing is added to it then that was not said."""
        return bool(self.texts)

    def explicit(self, companions: Mapping[str, str]) -> dict[str, str]:
        """Every symbol asked for by name, the default's companions included where the default is taken."""
        found = {} if self.is_given else dict(companions)
        for text in self.texts:
            found.update(parse_config(text))
        found.update(self.settings)
        return found


def symbols_of(data: bytes) -> list[str]:
    """The symbols a Kconfig file defines, in order, each once."""
    return list(dict.fromkeys(name.decode() for name in _SYMBOL.findall(data)))


def stack_symbols(objects: Objects, tree: Oid, owned: OwnedPaths) -> dict[str, str]:
    """What the stack's own Kconfig files let one switch on, each as `y`."""
    editor = TreeEditor(objects, tree)
    found: dict[str, str] = {}
    for pattern in owned.patterns:
        for path, entry in sorted(editor.files(pattern).items()):
            if not path.rpartition("/")[2].startswith("Kconfig") or not entry.is_text:
                continue
            data = objects.read(entry.oid)
            starts = [*_SYMBOL.finditer(data)]
            for at, match in enumerate(starts):
                end = starts[at + 1].start() if at + 1 < len(starts) else len(data)
                if _TYPE.search(data, match.end(), end):
                    found[match[1].decode()] = "y"
    return found


def unfulfilled(asked: Mapping[str, str], got: Mapping[str, str]) -> list[str]:
    """Symbols asked for as y or m that Kconfig did not set, sorted."""
    return sorted(name for name, value in asked.items() if value in ("y", "m") and got.get(name, "n") == "n")


@attrs.frozen(kw_only=True)
class Configured:
    """What Kconfig made of a request."""

    asked: Mapping[str, str]
    """Symbols asked for by name."""
    got: Mapping[str, str]

    @property
    def unfulfilled(self) -> tuple[str, ...]:
        return tuple(unfulfilled(self.asked, self.got))


def check_stack(request: Request, configured: Configured | None) -> None:
    """Whether a configuration has the stack. Raises EnvironmentFault, which says what to set.

    configured: None before Kconfig was asked, to tell what can be told at once.
    """
    if configured is None:
        asked = request.explicit({}).get("MPTCP")
        if (asked is None and not request.is_given) or asked not in (None, "n"):
            return
        raise EnvironmentFault(
            "the configuration has no CONFIG_MPTCP; set CONFIG_MPTCP=y (it needs CONFIG_INET=y), "
            "in the file or with --set MPTCP=y"
        )
    if configured.got.get("MPTCP", "n") == "n":
        inet = "" if configured.got.get("INET", "n") != "n" else "; CONFIG_INET is not set, which it needs"
        raise EnvironmentFault(
            f"Kconfig leaves CONFIG_MPTCP out of this configuration{inet}; set what it depends on (--set SYMBOL=y)"
        )


def renamed_symbols(result: Result, asked: Iterable[str]) -> tuple[RenamedSymbol, ...]:
    """Of the symbols asked for, those that the queue renames or drops, with the patch that does.

    A patch renames a symbol when it takes `config A` out of a file and brings `config B`: the most alike of what it
    brings is the new name. Renames are followed to the end of the queue.
    """
    objects = result.objects
    now: dict[str, str | None] = {}
    by: dict[str, str] = {}
    gone: set[str] = set()
    for step in result.steps:
        before: set[str] = set()
        after: set[str] = set()
        for change in step.changes:
            if change.path.rpartition("/")[2].startswith("Kconfig"):
                before |= _symbols(objects.read, None if change.old is None else change.old.oid)
                after |= _symbols(objects.read, None if change.new is None else change.new.oid)
        new = sorted(after - before)
        for name in sorted(before - after):
            likely = difflib.get_close_matches(name, new, n=1, cutoff=0.7)
            now[name] = likely[0] if likely else None
            by[name] = step.name
            gone.add(name)
        gone -= after - before
    found = []
    for name in sorted(set(asked) & gone):
        last: str | None = name
        seen: set[str] = set()
        while last is not None and last in gone and last not in seen:
            seen.add(last)
            last = now[last]
        found.append(RenamedSymbol(symbol=name, now=last, patch=by[name]))
    return tuple(found)


def _symbols(read: Callable[[Oid], bytes], oid: Oid | None) -> set[str]:
    return set() if oid is None else set(symbols_of(read(oid)))


def missing_sources(top: bytes, arch: str, has: Callable[[str], bool]) -> Sequence[str]:
    """Files that the top Kconfig reads and the tree does not have: a tree that is not whole cannot be configured."""
    found = []
    for name in re.findall(rb"^[ \t]*source[ \t]+\"([^\"]+)\"", top, re.MULTILINE):
        path = name.decode("utf-8", "surrogateescape").replace("$(SRCARCH)", arch).replace("$SRCARCH", arch)
        if "$" not in path and not has(path):
            found.append(path)
    return found
