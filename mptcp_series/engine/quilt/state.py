# SPDX-License-Identifier: MIT
"""`.pc` as quilt keeps it: what is applied, and every file as it was under each applied patch.

Format 2 (quilt 0.40 and later): `.version`, `.quilt_patches`, `.quilt_series`, `applied-patches` with one name a
line, a directory a patch with the files under their own paths (of no length where there was no file) and a
`.timestamp`, and `name~refresh` for a patch that was forced. Beyond quilt there is `name~fuzz`: places that were
found with fuzz, which a refresh must not take for good.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from functools import cached_property

import attrs

from ...errors import BadInput, BadSeries
from ...values.hunk import split_lines
from ...values.paths import check_tree_path
from ..directory.changes import FileState
from ..directory.rooted import LINK, Rooted

__all__ = ["APPLIED", "FUZZ", "REFRESH", "RESERVED", "SNAPSHOT", "TIMESTAMP", "VERSION", "State", "meta_data_version"]

VERSION = 2
APPLIED = "applied-patches"
TIMESTAMP = ".timestamp"
REFRESH = "~refresh"
FUZZ = "~fuzz"
SNAPSHOT = ".snap"
"""The directory of a snapshot, beside those of patches."""
RESERVED = frozenset({".version", ".quilt_patches", ".quilt_series", SNAPSHOT, APPLIED})
"""What no patch can be called, as its directory would stand in the place of one of these."""


@attrs.frozen(kw_only=True, slots=False)
class State:
    """The directory `.pc` of a tree, read."""

    rooted: Rooted = attrs.field(repr=False)
    place: str
    """Its path below the tree's top."""
    patches: str | None
    """The patch directory it was made with, None where it is silent."""
    series: str | None
    applied: tuple[str, ...]
    """Names of applied patches, the top last."""

    @classmethod
    def read(cls, rooted: Rooted, place: str = ".pc") -> State:
        """Read it; a tree that has none has nothing applied.

        Raises BadInput for another format, and for lists that name what no patch can be called.
        """
        version = meta_data_version(rooted, place)
        shown = f"{rooted.root / place}/.version"
        if version == "":
            raise BadInput(
                f"not there: {rooted.root / place} was made by quilt before 0.40; run `quilt upgrade`, or pop all "
                "patches with what pushed them",
                file=shown,
            )
        if version not in (None, str(VERSION)):
            assert version is not None
            newer = re.fullmatch(r"[0-9]{1,9}", version) is not None and int(version) > VERSION
            hint = "pop all patches with the quilt that pushed them" if newer else "run `quilt upgrade`"
            why = f"format {version!r} of quilt's meta-data, and {VERSION} is known here; {hint}"
            raise BadInput(why, file=shown, line=1)
        return cls(
            rooted=rooted,
            place=place,
            patches=_line(rooted, f"{place}/.quilt_patches"),
            series=_line(rooted, f"{place}/.quilt_series"),
            applied=_applied(rooted, f"{place}/{APPLIED}"),
        )

    @property
    def exists(self) -> bool:
        return self.rooted.directory(self.place) is not None

    @property
    def top(self) -> str | None:
        return self.applied[-1] if self.applied else None

    def path(self, patch: str, file: str = "") -> str:
        """Where the backup of a file is, or of all of a patch."""
        return f"{self.place}/{patch}/{file}" if file else f"{self.place}/{patch}"

    @cached_property
    def top_names(self) -> frozenset[str]:
        """What is in the directory itself."""
        return frozenset(self.rooted.names(self.place))

    def entries(self, patch: str) -> tuple[str, ...]:
        """Every file below a patch's directory, `.timestamp` included, sorted."""
        if patch.split("/")[0] not in self.top_names:
            return ()
        return tuple(_below(self.rooted, self.path(patch), ""))

    def files(self, patch: str) -> tuple[str, ...]:
        """The files a patch has backups of, sorted as `find | sort` does in the C locale."""
        known = self._files.get(patch)
        if known is None:
            found = [name for name in self.entries(patch) if name != TIMESTAMP and not name.endswith(f"/{TIMESTAMP}")]
            known = self._files[patch] = tuple(sorted(found, key=lambda name: name.encode("utf-8", "surrogateescape")))
        return known

    @cached_property
    def _files(self) -> dict[str, tuple[str, ...]]:
        return {}

    def has(self, patch: str, file: str) -> bool:
        return file in self.files(patch)

    def backup(self, patch: str, file: str) -> FileState | None:
        """The file as it was under a patch; None where it was not there, or was empty."""
        found = self.rooted.read(self.path(patch, file))
        if found is None:
            raise BadInput("no such backup; the directory was changed by hand", file=self.path(patch, file))
        return found if found.data else None

    def empty_backup(self, patch: str, file: str) -> FileState | None:
        """The backup itself, of whatever length."""
        return self.rooted.read(self.path(patch, file))

    def above(self, patch: str) -> tuple[str, ...]:
        """The patches applied on top of one, the lowest first."""
        return self.applied[self.applied.index(patch) + 1 :]

    def next_for(self, patch: str, file: str) -> str | None:
        """The patch that changed a file next after an applied one; None where the file stands as that one left it."""
        return next((other for other in self.above(patch) if self.has(other, file)), None)

    def first_for(self, file: str, patches: tuple[str, ...]) -> str | None:
        """The first of some applied patches that changed a file."""
        return next((patch for patch in patches if self.has(patch, file)), None)

    def marked(self, patch: str, mark: str) -> bool:
        """Whether a patch has a mark (`REFRESH`, `FUZZ`)."""
        name = patch.split("/")[0] if "/" in patch else patch + mark
        return name in self.top_names and self.rooted.status(self.path(patch) + mark) is not None

    def made(self, patches: str, series: str) -> dict[str, FileState | None]:
        """What is missing of the directory for patches to be applied."""
        wanted = {".version": str(VERSION), ".quilt_patches": patches, ".quilt_series": series}
        return {
            f"{self.place}/{name}": FileState(data=f"{text}\n".encode("utf-8", "surrogateescape"))
            for name, text in wanted.items()
            if self.rooted.status(f"{self.place}/{name}") is None
        }

    def listed(self, applied: tuple[str, ...]) -> dict[str, FileState | None]:
        """The list of applied patches; quilt has no file for an empty one."""
        data = "".join(f"{name}\n" for name in applied).encode("utf-8", "surrogateescape")
        return {f"{self.place}/{APPLIED}": FileState(data=data) if data else None}

    def cleared(self, patch: str) -> dict[str, FileState | None]:
        """All that there is of a patch, taken away."""
        found: dict[str, FileState | None] = {self.path(patch, name): None for name in self.entries(patch)}
        for mark in (REFRESH, FUZZ):
            if self.marked(patch, mark):
                found[self.path(patch) + mark] = None
        return found

    def times(self, patch: str) -> tuple[int, Mapping[str, int]] | None:
        """Modification times, in ns: of the time stamp, and of the patch's files as they are now; None without one."""
        stamp = self.rooted.status(self.path(patch, TIMESTAMP))
        if stamp is None:
            return None
        files = {file: self.rooted.status(file) for file in self.files(patch)}
        return stamp.st_mtime_ns, {file: there.st_mtime_ns for file, there in files.items() if there is not None}


def meta_data_version(rooted: Rooted, place: str) -> str | None:
    """The format a tree's meta-data says it has: "" where it says none (quilt before 0.40), None without meta-data."""
    version = _line(rooted, f"{place}/.version")
    if version is None and rooted.directory(place) is not None and rooted.names(place):
        return ""
    return version


def _line(rooted: Rooted, path: str) -> str | None:
    """The only line of a small file; None where there is no file or nothing in it."""
    found = rooted.read(path)
    if found is None or found.mode == LINK:
        return None
    return found.data.decode("utf-8", "surrogateescape").rstrip("\n") or None


def _applied(rooted: Rooted, path: str) -> tuple[str, ...]:
    found = rooted.read(path)
    if found is None:
        return ()
    names: list[str] = []
    for number, raw in enumerate(split_lines(found.data), start=1):
        name = raw.removesuffix(b"\n").decode("utf-8", "surrogateescape")
        trouble = check_tree_path(name) or ("is listed twice" if name in names else None)
        if trouble is None and name.split("/")[0] in RESERVED:
            trouble = "is the name of a file of quilt's own"
        if trouble is not None:
            raise BadSeries(f"applied patch {name!r} {trouble}", file=str(rooted.root / path), line=number)
        names.append(name)
    return tuple(names)


def _below(rooted: Rooted, directory: str, prefix: str) -> list[str]:
    found: list[str] = []
    for name in rooted.names(directory):
        there = rooted.status(f"{directory}/{name}")
        if there is not None and stat.S_ISDIR(there.st_mode):
            found += _below(rooted, f"{directory}/{name}", f"{prefix}{name}/")
        else:
            found.append(f"{prefix}{name}")
    return found
