# SPDX-License-Identifier: MIT
"""Brings a directory of exported patches to another base, and touches only what has to change.

A patch file is kept byte for byte as long as it leads to the very files the new base's result has, at
fuzz 0 and in one place only; that its line numbers and index lines are those of another base is no
reason to write it anew. Of a patch that did change, the header and the files that did not change stay;
entries that align and restore are the tool's own, header included.
The series file keeps its comments and its order: an entry that needs no commit any more becomes a
comment (`# upstream: name`), and is an entry again when it comes back; its file is left where it is.

Refused is what would not push to the result: entries that are not of this queue, another order, a
directory that is a queue with a recipe (the entries that align and restore belong to one base).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from ...errors import BadInput, BadSeries, EnvironmentFault, Problem
from ...values.patch import ChangeKind, FileChange, Patch
from ...values.result import EntryKind, PatchOutcome, Status
from ...values.series import Series, SeriesEntry
from ..replay.change import BlobChange, TextChange
from ..replay.commits import Step
from ..replay.item import reversed_change
from ..replay.settle import settle_text
from ..result import Result
from ..store.files import read_input
from ..store.objects import Entry, Objects
from .render import render_change, render_patch, render_plain

__all__ = ["rewrite"]

GONE = "gone"
"""The word for an entry that the new base's queue does not have: a change that needs no restoring there."""
_LEFT_OUT = re.compile(rb"# (upstream|skipped|gone): (.+?)\r?\n?")


def rewrite(directory: Path, before: Result, after: Result) -> tuple[Path, ...]:
    """Bring the directory's patches and its series file to a result; the files that changed, the series file last.

    before: the result the directory was exported from, or one that has the same entries.

    Raises NeedsPerson while the result needs one, BadInput for a directory that this cannot be done to. Nothing is
    written then.
    """
    after.require()
    file = directory / "series"
    if not file.is_file():
        raise BadInput("no such file; `export --format quilt` makes a directory of patches with one", file=str(file))
    lines = _Lines(Series.parse(read_input(file), str(file)), before, after)
    if (directory / "recipe.toml").is_file() and lines.of_one_base:
        raise BadInput(
            f"{directory} is a queue with a recipe, and {lines.of_one_base[0]} belongs to one base only; "
            "`export --format quilt` makes a directory of patches to rewrite"
        )
    wanted: dict[Path, bytes] = {}
    for step in after.steps:
        path = directory / step.name
        entry = lines.entry(step.name)
        if entry.pin is not None and not path.is_file():
            raise BadSeries(
                f"{step.name} is pinned and has no patch file; `export --format quilt` makes a directory with files",
                file=str(file),
                line=entry.line or None,
            )
        data, entry = _patch_file(after.objects, path, entry, step, lines.kind(step.name))
        lines.replace(entry)
        if data is not None:
            wanted[path] = data
    series = lines.render()
    if series != read_input(file):
        wanted[file] = series
    _publish(wanted)
    return tuple(wanted)


@attrs.define
class _Line:
    """One line of the new series file."""

    raw: bytes
    entry: SeriesEntry | None = None


class _Lines:
    """The series file on its way to another base."""

    def __init__(self, series: Series, before: Result, after: Result) -> None:
        self._series = series
        self._before = {patch.name: patch for patch in before.patches}
        self._after = {patch.name: patch for patch in after.patches}
        self._steps = [step.name for step in after.steps]
        self._made = frozenset(self._steps)
        self._eol = b"\r\n" if series.lines and series.lines[0].raw.endswith(b"\r\n") else b"\n"
        self._refuse_foreign()
        self._unlisted = {*self._before, *self._after} - {entry.name for entry in series.entries}
        self._lines = [_Line(*self._moved(line.raw, line.entry)) for line in series.lines]
        if self._lines and not self._lines[-1].raw.endswith(b"\n"):
            self._lines[-1].raw += self._eol
        self._refuse_other_order()
        self._insert_new()

    @property
    def of_one_base(self) -> list[str]:
        """Entries of the result that align and restore."""
        kinds = (EntryKind.ALIGN, EntryKind.RESTORE)
        return [name for name in self._steps if self._after[name].kind in kinds]

    def kind(self, name: str) -> EntryKind:
        return self._after[name].kind

    def entry(self, name: str) -> SeriesEntry:
        return next(line.entry for line in self._lines if line.entry is not None and line.entry.name == name)

    def replace(self, entry: SeriesEntry) -> None:
        """Say otherwise how a patch is to be applied."""
        for line in self._lines:
            if line.entry is not None and line.entry.name == entry.name and line.entry != entry:
                line.raw, line.entry = self._rendered(entry), entry

    def render(self) -> bytes:
        data = b"".join(line.raw for line in self._lines)
        return Series.parse(data, self._series.file).render()

    def _rendered(self, entry: SeriesEntry) -> bytes:
        return entry.render().encode("utf-8", "surrogateescape") + self._eol

    def _refuse_foreign(self) -> None:
        known = {*self._before, *self._after}
        problems = [
            Problem(file=self._series.file, line=entry.line, message=f"{entry.name} is no entry of the queue")
            for entry in self._series.entries
            if entry.name not in known
        ]
        if problems:
            raise BadInput(problems)

    def _moved(self, raw: bytes, entry: SeriesEntry | None) -> tuple[bytes, SeriesEntry | None]:
        """A line as it is on the new base."""
        if entry is None:
            noted = _LEFT_OUT.fullmatch(raw)
            entry = None if noted is None else _entry_of(noted[2])
            if noted is None or entry is None or entry.name not in self._unlisted:
                return raw, None
            self._unlisted.remove(entry.name)
            word = noted[1].decode()
        else:
            word = None
        if entry.name in self._made:
            return (self._rendered(entry) if word is not None else raw), entry
        now = self._word(self._after.get(entry.name))
        if now == word:
            return raw, None
        return b"# %s: %s" % (now.encode(), self._rendered(entry)), None

    def _word(self, outcome: PatchOutcome | None) -> str:
        if outcome is None:
            return GONE
        status = Status.SKIPPED if outcome.status is Status.SKIPPED else Status.UPSTREAM
        return str(status.value)

    def _refuse_other_order(self) -> None:
        there = [line.entry for line in self._lines if line.entry is not None]
        places = [self._steps.index(entry.name) for entry in there]
        for at, (one, two) in enumerate(itertools.pairwise(places)):
            if one > two:
                raise BadInput(
                    f"{there[at].name} stands before {there[at + 1].name}, and in the queue it comes after it",
                    file=self._series.file,
                    line=there[at].line or None,
                )

    def _insert_new(self) -> None:
        names = [None if line.entry is None else line.entry.name for line in self._lines]
        first = next((at for at, name in enumerate(names) if name is not None), len(names))
        after: str | None = None
        for name in self._steps:
            if name not in names:
                at = first if after is None else names.index(after) + 1
                entry = SeriesEntry(name=name)
                self._lines.insert(at, _Line(self._rendered(entry), entry))
                names.insert(at, name)
            after = name


def _entry_of(text: bytes) -> SeriesEntry | None:
    """The entry that a comment put out of the way."""
    try:
        entries = Series.parse(text).entries
    except BadSeries:
        return None
    return entries[0] if len(entries) == 1 else None


def _patch_file(
    objects: Objects, path: Path, entry: SeriesEntry, step: Step, kind: EntryKind
) -> tuple[bytes | None, SeriesEntry]:
    """New bytes of a patch file, None where the old ones are right; and how it is to be applied."""
    whole = render_patch(objects, step.raw, _turned(step.changes, entry))
    if not path.is_file():
        return whole, attrs.evolve(entry, strip=1)
    patch = Patch.parse(read_input(path), str(path), strip=entry.strip)
    right = _leads_to(objects, patch, entry, step.changes)
    if kind is EntryKind.ALIGN:
        # Its header is an account of the base.
        right = right and whole.startswith(patch.preamble)
    if right:
        return None, entry
    entry = attrs.evolve(entry, strip=1)
    if kind in (EntryKind.ALIGN, EntryKind.RESTORE):
        return whole, entry
    for data in _refreshed(objects, patch, entry, step):
        if _leads_to(objects, Patch.parse(data, str(path)), entry, step.changes):
            return data, entry
    return whole, entry


def _turned(changes: Iterable[BlobChange], entry: SeriesEntry) -> list[BlobChange]:
    """What a patch file says for an entry that may be applied in reverse."""
    return [reversed_change(change) if entry.reverse else change for change in changes]


def _leads_to(objects: Objects, patch: Patch, entry: SeriesEntry, changes: Sequence[BlobChange]) -> bool:
    """Whether a patch file makes exactly these changes of these files."""
    wanted = {change.path: change for change in changes}
    files: dict[str, Entry | None] = {change.path: change.old for change in changes}
    for file in patch.changes:
        file = file.reversed() if entry.reverse else file
        origin = file.old_path if file.old_path is not None else file.path
        if file.path not in files or origin not in files or file.kind is ChangeKind.COPY:
            return False
        settled = settle_text(objects, TextChange(file=file), files[origin], file.path)
        account = settled.account() if callable(settled.account) else settled.account
        if account.conflict or account.present or settled.conflicts or settled.status is Status.UPSTREAM:
            return False
        if file.kind is ChangeKind.RENAME:
            files[origin] = None
        files[file.path] = settled.entry
    return all(files[path] == change.new for path, change in wanted.items())


def _refreshed(objects: Objects, patch: Patch, entry: SeriesEntry, step: Step) -> Iterator[bytes]:
    """A patch file written anew: with as much of the old one as can be kept, then with its header only."""
    changes = {change.path: change for change in _turned(step.changes, entry)}
    git = any(file.raw.startswith(b"diff --git ") for file in patch.changes)
    kept = _by_file(objects, patch, entry, {change.path: change for change in step.changes}, changes, git)
    if kept is not None:
        yield patch.preamble + kept + patch.postamble
    yield patch.preamble + b"".join(_sections(objects, changes.values(), git)) + patch.postamble


def _sections(objects: Objects, changes: Iterable[BlobChange], git: bool) -> Iterator[bytes]:
    """The diff of each file, all in one style: a reader of git's takes nothing else for a file."""
    ordered = sorted(changes, key=lambda change: change.path)
    plain = [None if git else render_plain(objects, change) for change in ordered]
    for change, section in zip(ordered, plain, strict=True):
        yield render_change(objects, change) if section is None or None in plain else section


def _by_file(
    objects: Objects,
    patch: Patch,
    entry: SeriesEntry,
    made: Mapping[str, BlobChange],
    written: Mapping[str, BlobChange],
    git: bool,
) -> bytes | None:
    """The diff with the old text of every file that did not change; None where files and sections do not pair up."""
    paths = [file.path for file in patch.changes]
    if sorted(paths) != sorted(made) or any(file.old_path not in (None, file.path) for file in patch.changes):
        return None
    out = []
    for file in patch.changes:
        if _leads_to(objects, attrs.evolve(patch, changes=(file,)), entry, [made[file.path]]):
            out.append(file.raw)
            continue
        rest = _after_hunks(file)
        section = render_change(objects, written[file.path]) if git else render_plain(objects, written[file.path])
        if rest is None or section is None:
            return None
        out.append(section + rest)
    return b"".join(out)


def _after_hunks(file: FileChange) -> bytes | None:
    """The text between a file's last hunk and the next file; None where it has no hunks to go by."""
    if not file.hunks:
        return None
    last = file.hunks[-1].render()
    at = file.raw.rfind(last)
    return None if at < 0 else file.raw[at + len(last) :]


def _publish(files: Mapping[Path, bytes]) -> None:
    """Write all files beside their places, then move them there in order."""
    staged: list[tuple[str, Path]] = []
    try:
        try:
            for path, data in files.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
                staged.append((name, path))
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
            for name, path in staged:
                os.replace(name, path)
        finally:
            for name, _ in staged:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
    except OSError as error:
        raise EnvironmentFault(f"cannot write {error.filename}: {error.strerror}") from error
