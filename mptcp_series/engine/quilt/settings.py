# SPDX-License-Identifier: MIT
"""quilt's settings as values: where its files are, how diffs are written, and what stands before a command's options.

They come from the environment and, before it, from a quiltrc (quilt sources it, so that an assignment there wins). What
`.pc` remembers of a tree wins over both, and is read in `state`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

import attrs

from ...errors import BadInput, Problem
from ...values.paths import check_tree_path

__all__ = ["DiffFormat", "Settings"]

_KNOWN_PATCH_OPTIONS = re.compile(r"--(?:unified-reject-files|reject-format=unified|silent|quiet)|-[sN]")
_FUZZ = re.compile(r"(?:--fuzz=|-F)(\d{1,3})")


@attrs.frozen(kw_only=True)
class DiffFormat:
    """How a diff is written where no patch says so yet.

    strip: 1 for names below `a/` and `b/`, 0 for names as they are.
    git: with git's extended header and full index line; such a patch says of modes and of empty files what it means.
    """

    strip: int = 1
    index: bool = True
    context: int = 3
    sections: bool = False
    """Whether the function a hunk is in stands behind its `@@` (diff's `--show-c-function`)."""
    git: bool = False
    unified: bool = True
    """Whether hunks are `diff -u`'s, or `diff -c`'s; git has no other than the first."""


@attrs.frozen(kw_only=True)
class Settings:
    """What quilt's variables say. `unread` is what they say and is not followed, for a warning."""

    patches: str = "patches"
    series: str = "series"
    pc: str = ".pc"
    down: str = ""
    """The way from where one stands up to the tree's top, `../` for each step; part of names that are printed."""
    prefix: bool = False
    """Whether names of patches are printed with their directory (QUILT_PATCHES_PREFIX)."""
    fuzz: int = 0
    diff: DiffFormat = attrs.field(factory=DiffFormat)
    backup: bool = False
    """Whether a patch file that changes is kept as `name~` (QUILT_BACKUP)."""
    arguments: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    """By command: what stands before its own options (QUILT_PUSH_ARGS and so on)."""
    unread: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Settings:
        """Read the variables. Raises BadInput for a place that cannot be used."""
        unread: list[Problem] = []
        pc = variables.get("QUILT_PC") or ".pc"
        if trouble := check_tree_path(pc.removesuffix("/")):
            raise BadInput(f"QUILT_PC={pc!r} {trouble}; it names a directory below the tree's top")
        fuzz = 0
        for word in _words("QUILT_PATCH_OPTS", variables, unread):
            if found := _FUZZ.fullmatch(word):
                fuzz = int(found[1])
            elif not _KNOWN_PATCH_OPTIONS.fullmatch(word):
                unread.append(Problem(message=f"QUILT_PATCH_OPTS: {word!r} is not followed"))
        diff = DiffFormat(index=not variables.get("QUILT_NO_DIFF_INDEX"))
        for word in _words("QUILT_DIFF_OPTS", variables, unread):
            if word in ("-p", "--show-c-function"):
                diff = attrs.evolve(diff, sections=True)
            elif found := re.fullmatch(r"(?:-U|--unified=)(\d{1,4})", word):
                diff = attrs.evolve(diff, context=int(found[1]))
            elif word != "-u":
                unread.append(Problem(message=f"QUILT_DIFF_OPTS: {word!r} is not followed"))
        arguments = {
            found[1].lower(): tuple(_words(name, variables, unread))
            for name in variables
            if (found := re.fullmatch(r"QUILT_([A-Z]+)_ARGS", name))
        }
        return cls(
            patches=(variables.get("QUILT_PATCHES") or "patches").removesuffix("/"),
            series=variables.get("QUILT_SERIES") or "series",
            pc=pc.removesuffix("/"),
            prefix=bool(variables.get("QUILT_PATCHES_PREFIX")),
            fuzz=fuzz,
            diff=diff,
            backup=bool(variables.get("QUILT_BACKUP")),
            arguments=arguments,
            unread=tuple(unread),
        )


def _words(name: str, variables: Mapping[str, str], unread: list[Problem]) -> list[str]:
    try:
        return shlex.split(variables.get(name, ""))
    except ValueError as error:
        unread.append(Problem(message=f"{name}: not read: {error}"))
        return []
