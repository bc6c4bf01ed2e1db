# SPDX-License-Identifier: MIT
"""import: patch files from elsewhere put behind the top patch, to be pushed."""

from __future__ import annotations

import difflib
import enum
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from ...errors import BadInput, Problem
from ...values.hunk import split_lines
from ...values.series import Series, SeriesEntry
from ..store.files import replace_file
from .patchfile import packed, parse, read_file
from .queue import Quilt

__all__ = ["ImportedPatch", "Imports", "Keep", "import_patches"]

_STAT = re.compile(rb"#? .* \| |#? .* files? changed(, .* insertions?\(\+\))?(, .* deletions?\(-\))?")


class Keep(enum.Enum):
    """Which header a patch that is replaced keeps (quilt's `-d`)."""

    OLD = "o"
    ALL = "a"
    NEW = "n"


@attrs.frozen(kw_only=True)
class ImportedPatch:
    """One patch file. data: its bytes to be, None where the file is in the patch directory already."""

    name: str
    source: str
    data: bytes | None = attrs.field(repr=False)
    replaces: bool = False


@attrs.frozen(kw_only=True)
class Imports:
    """Patches to be imported, worked out. `write` publishes them, the series last."""

    quilt: Quilt
    patches: tuple[ImportedPatch, ...]
    series: Series = attrs.field(repr=False)

    def write(self) -> None:
        for patch in self.patches:
            if patch.data is not None:
                replace_file(self.quilt.patch_file(patch.name), patch.data)
        self.quilt.write_series(self.series)


def import_patches(
    quilt: Quilt,
    sources: Sequence[Path],
    *,
    name: str | None = None,
    strip: int = 1,
    reverse: bool = False,
    force: bool = False,
    keep: Keep | None = None,
) -> Imports:
    """Work out how patch files join the series, in their order, behind the top patch. Nothing is written.

    Every patch is read: one that is damaged or hostile is not imported. Raises BadInput, BadPatch.
    """
    if name is not None and len(sources) > 1:
        raise BadInput("Option `-P' can only be used when importing a single patch")
    series = quilt.found_series or Series.of([], file=str(quilt.series_file))
    following = quilt.after(quilt.state.top)[:1] if quilt.found_series is not None else ()
    done: list[ImportedPatch] = []
    for source in sources:
        wanted = (name or source.name).removeprefix(f"{quilt.patches_name}/")
        entry = SeriesEntry(name=wanted, strip=strip, reverse=reverse)
        patch, entry_is_new = _one(quilt, series, source, entry, force, keep)
        done.append(patch)
        if entry_is_new:
            series = series.insert_before(following[0], entry) if following else series.append(entry)
    return Imports(quilt=quilt, patches=tuple(done), series=series)


def _one(
    quilt: Quilt, series: Series, source: Path, entry: SeriesEntry, force: bool, keep: Keep | None
) -> tuple[ImportedPatch, bool]:
    if not source.is_file():
        raise BadInput(f"Patch {source} does not exist")
    name = entry.name
    if name in quilt.applied:
        raise BadInput(f"Patch {quilt.shown(name)} is applied")
    target = quilt.patch_file(name)
    raw = source.read_bytes()
    data = read_file(source, str(source))
    assert data is not None
    parse(name, str(source), data, entry.strip)
    same = target.exists() and target.resolve() == source.resolve()
    if series.find(name) is None:
        quilt.check_new_name(name)
        return ImportedPatch(name=name, source=str(source), data=None if same else raw), True
    if same:
        raise BadInput(f"Patch {quilt.shown(name)} already exists in series.")
    if not force:
        raise BadInput(f"Patch {quilt.shown(name)} exists. Replace with -f.")
    old = read_file(target, str(target))
    known = series.find(name)
    assert known is not None
    if old is not None and keep is not Keep.NEW:
        raw = packed(name, _joined(old, data, known.strip, entry.strip, keep))
    return ImportedPatch(name=name, source=str(source), data=raw, replaces=True), False


def _told_apart(old: bytes, new: bytes) -> Iterator[str]:
    """What quilt says of headers that differ."""
    before, after = (head.decode("utf-8", "surrogateescape").splitlines() for head in (old, new))
    yield "Patch headers differ:"
    # Without the lines that would name two files.
    yield from itertools.islice(difflib.unified_diff(before, after, lineterm=""), 2, None)
    yield "Please use -d {o|a|n} to specify which patch header(s) to keep."


def _joined(old: bytes, new: bytes, old_strip: int, new_strip: int, keep: Keep | None) -> bytes:
    """The new diff under the headers that are kept. Raises BadInput where that has to be said, and is not."""
    before, after = parse("old", "the old patch", old, old_strip), parse("new", "the new patch", new, new_strip)
    heads = [_without_stat(patch.header) for patch in (before, after)]
    if keep is None:
        if not heads[0]:
            return new
        if heads[1] and heads[0] != heads[1]:
            raise BadInput(Problem(message=line) for line in _told_apart(*heads))
        keep = Keep.OLD if not heads[1] else Keep.NEW
    if keep is Keep.NEW:
        return new
    body = new[len(after.header) :]
    return heads[0] + (body if keep is Keep.OLD else b"---\n" + new)


def _without_stat(header: bytes) -> bytes:
    return b"".join(line for line in split_lines(header) if not _STAT.match(line))
