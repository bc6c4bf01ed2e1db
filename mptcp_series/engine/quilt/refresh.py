# SPDX-License-Identifier: MIT
"""refresh: a patch written anew from its files, and only as far as it has to be.

Of a patch that says of a file just what is the case, that file's bytes stay; a patch of which all does is not written
at all. What follows the old patch's own form, git's or quilt's, unless another is asked for.

Refused: to take a place for good that fuzz chose, or the nearest of several, for then nobody would ever see again that
it was a guess; and to refresh while a reject of the patch lies about. `accept` says that somebody has looked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from ...errors import BadInput, Problem
from ...values.filechange import ChangeKind, FileChange
from ...values.series import Series, SeriesEntry
from ..directory.changes import FileState
from .apply import apply_changes
from .diffs import file_diff
from .files import Files, with_data
from .gnu import as_gnu_patch_does
from .patchfile import PatchFile, Reader, write_patch
from .push import rejects_about
from .queue import Quilt, next_name
from .settings import DiffFormat
from .state import FUZZ, REFRESH
from .transaction import publish
from .verify import backups
from .whitespace import WhitespaceNote, strip_added, trailing_whitespace

__all__ = ["Fixed", "Refresh", "ordered_files", "refresh", "rewritten", "split_off"]


@attrs.frozen(kw_only=True)
class Refresh:
    """A refresh, worked out. `write` publishes it.

    data: the patch file to be; None where it stays as it is. forked: the patch it was split off from.
    notes: trailing white space that came with the patch.
    """

    quilt: Quilt
    name: str
    data: bytes | None
    empty: bool
    notes: tuple[WhitespaceNote, ...] = ()
    stripped: bool = False
    forked: str | None = None
    lost_modes: tuple[str, ...] = ()
    """Files whose mode changed, which the patch's form cannot say."""
    series: Series | None = None
    files: Files = attrs.field(repr=False)
    state: Mapping[str, FileState | None] = attrs.field(repr=False)

    @property
    def unchanged(self) -> bool:
        return self.data is None

    def write(self, *, backup: bool = False) -> None:
        """Write the patch file first: what is marked as refreshed must be so."""
        if self.data is not None:
            write_patch(self.quilt.patch_file(self.name), self.data, backup=backup)
        publish(self.quilt, self.files, self.state, series=self.series, stamped=(self.name,))


def ordered_files(quilt: Quilt, name: str, patch: PatchFile, *, sort: bool = False) -> list[str]:
    """The files of an applied patch: in its own order, new ones behind, by name."""
    known = quilt.state.files(name)
    if sort:
        return list(known)
    named = [path for change in patch.changes for path in (change.old_path, change.new_path) if path is not None]
    listed = [path for path in dict.fromkeys(named) if path in known]
    return [*listed, *(path for path in known if path not in listed)]


def refresh(
    quilt: Quilt,
    name: str,
    reader: Reader,
    format: DiffFormat,
    *,
    explicit: bool = False,
    sort: bool = False,
    force: bool = False,
    accept: bool = False,
    strip: bool = False,
) -> Refresh:
    """Work out what the patch file of an applied patch is to be. Nothing is written.

    format: how to write what the old patch gives no form for; explicit: write all of it so.
    force: leave out what patches above changed in the same files, instead of refusing.
    Raises BadInput, BadPatch.
    """
    patch = reader.read(name)
    entry = quilt.entry(name)
    paths = ordered_files(quilt, name, patch, sort=sort)
    shadowed = [path for path in paths if quilt.state.next_for(name, path) is not None]
    if shadowed and not force:
        raise BadInput(f"More recent patches modify files in patch {quilt.shown(name)}. Enforce refresh with -f.")
    if not accept and (problems := rejects_about(quilt, paths)):
        raise BadInput(problems)
    old = {path: quilt.state.backup(name, path) for path in paths}
    files = Files(quilt.rooted)
    new = {path: _state_after(quilt, files, name, path) for path in paths}
    notes: list[WhitespaceNote] = []
    for path in paths:
        note = trailing_whitespace(path, old[path], new[path])
        if note is None:
            continue
        notes.append(note)
        if strip and path not in shadowed:
            new[path] = strip_added(note, new[path])
            files.put(path, new[path])
    if not accept:
        _refuse_guesses(quilt, name, patch, entry, old, new)
    data, lost = rewritten(patch, entry, paths, old, new, format, explicit=explicit, sort=sort)
    changed = data != (patch.data if patch.data is not None else b"") or patch.data is None
    series = None
    if changed and (patch.pinned or entry.reverse or entry.strip != format.strip or entry.pin is not None):
        data, series = _relisted(quilt, reader, patch, entry, data, format, explicit)
    state = {quilt.state.path(name) + mark: None for mark in (REFRESH, FUZZ) if quilt.state.marked(name, mark)}
    empty = all(old[path] == new[path] or _nothing(old[path], new[path]) for path in paths)
    return Refresh(
        quilt=quilt,
        name=name,
        data=data if changed else None,
        empty=empty,
        notes=tuple(notes),
        stripped=strip,
        lost_modes=lost,
        series=series,
        files=files,
        state=state,
    )


def _nothing(old: FileState | None, new: FileState | None) -> bool:
    """Whether two states are one to quilt, which has no empty files and no modes."""
    return (old.data if old is not None else b"") == (new.data if new is not None else b"")


def _state_after(quilt: Quilt, files: Files, name: str, path: str) -> FileState | None:
    """A file as a patch leaves it: as it is, or as the next patch of it found it."""
    above = quilt.state.next_for(name, path)
    return files.get(path) if above is None else quilt.state.backup(above, path)


def _relisted(
    quilt: Quilt,
    reader: Reader,
    patch: PatchFile,
    entry: SeriesEntry,
    data: bytes,
    format: DiffFormat,
    explicit: bool,
) -> tuple[bytes, Series | None]:
    """The line of a patch that was written anew: forward, at the level it was written with, and no pin any more."""
    written = 1 if patch.git and not explicit else format.strip
    comment = entry.comment
    if entry.pin is not None:
        comment = f"from {entry.pin}" + (f" {comment}" if comment else "")
        if patch.pinned:
            from .patchfile import parse

            named = reader.pins(entry).patch(entry, provenance=True)
            data = parse(entry.name, patch.label, named, 1).header + data[len(patch.header) :]
    line = attrs.evolve(entry, strip=written, reverse=False, pin=None, comment=comment)
    return data, quilt.series.replace_entry(entry.name, line)


def rewritten(
    patch: PatchFile,
    entry: SeriesEntry,
    paths: Sequence[str],
    old: Mapping[str, FileState | None],
    new: Mapping[str, FileState | None],
    format: DiffFormat,
    *,
    explicit: bool = False,
    sort: bool = False,
) -> tuple[bytes, tuple[str, ...]]:
    """The patch file that leads from old files to new ones, and the files whose change of mode it cannot say.

    paths: the files, in the order of the patch; old, new: each of them without the patch and with it.
    """
    form = format if explicit or not patch.git else attrs.evolve(format, git=True, sections=True, strip=1)
    right = frozenset() if explicit else _right_sections(patch, entry, old, new)
    all_right = len(right) == len(patch.changes) and patch.data is not None
    complete = _named(patch) >= {path for path in paths if not _nothing(old[path], new[path])}
    if all_right and complete and not sort and (patch.git or not _mode_changes(paths, old, new)):
        return patch.data or b"", ()
    if not form.git and not explicit and patch.changes and entry.strip not in (0, 1):
        raise BadInput(f"Cannot refresh patches with -p{entry.strip}, please specify -p0, -p1, or -pab instead")
    if not form.git and not explicit:
        form = attrs.evolve(form, strip=entry.strip if entry.strip in (0, 1) else form.strip)
    keep = right if not entry.reverse else frozenset()
    out = [patch.header]
    done: set[str] = set()
    by_path = {section.change.path: at for at, section in enumerate(patch.sections) if at in keep}
    for path in paths:
        if path in done:
            continue
        at = by_path.get(path)
        section = None if at is None else patch.sections[at]
        if section is not None:
            out.append(section.lead + section.body)
            done |= {one for one in (section.change.old_path, section.change.new_path) if one is not None}
            continue
        if any(path == one.change.old_path and one.change.path in by_path for one in patch.sections):
            continue  # It was renamed; its new name says so.
        made = file_diff(path, old[path], new[path], form)
        tails = [one.tail for one in patch.sections if one.change.path == path and one is not patch.sections[-1]]
        out.append(made + (b"".join(tails) if made and not explicit else b""))
    out.append(b"" if explicit and not patch.git else patch.rest)
    lost = () if form.git else tuple(_mode_changes(paths, old, new))
    return b"".join(out), lost


def _named(patch: PatchFile) -> set[str]:
    return {path for change in patch.changes for path in (change.old_path, change.new_path) if path is not None}


def _mode_changes(
    paths: Iterable[str], old: Mapping[str, FileState | None], new: Mapping[str, FileState | None]
) -> list[str]:
    found = []
    for path in paths:
        before, after = old[path], new[path]
        if before is not None and after is not None and before.mode != after.mode:
            found.append(path)
    return found


def _right_sections(
    patch: PatchFile, entry: SeriesEntry, old: Mapping[str, FileState | None], new: Mapping[str, FileState | None]
) -> frozenset[int]:
    """Indices of the files of a patch of which it says just what is the case, at the lines it names."""
    counts: dict[str, int] = {}
    for change in patch.changes:
        for path in {change.old_path, change.new_path} - {None}:
            counts[str(path)] = counts.get(str(path), 0) + 1
    found = []
    for at, change in enumerate(patch.changes):
        change = change.reversed() if entry.reverse and change.kind is not ChangeKind.COPY else change
        names = {path for path in (change.old_path, change.new_path) if path is not None}
        if any(counts[name] > 1 for name in names) or not names <= old.keys():
            continue
        if _leads_to(change, names, old, new):
            found.append(at)
    return frozenset(found)


def _leads_to(
    change: FileChange,
    names: set[str],
    old: Mapping[str, FileState | None],
    new: Mapping[str, FileState | None],
) -> bool:
    files = Fixed(old)
    applied = apply_changes(files, [change])
    if not all(file.exact for file in applied.files):
        return False
    git = change.raw.startswith(b"diff --git ")
    for name in names:
        now, wanted = files.get(name), new[name]
        if (now is None) != (wanted is None) and not _nothing(now, wanted):
            return False
        if now is None or wanted is None:
            if (now is None) != (wanted is None):
                return False
            continue
        if now.data != wanted.data or (git and now.mode != wanted.mode):
            return False
    return True


class Fixed(Files):
    """Files that are in memory only."""

    def __init__(self, states: Mapping[str, FileState | None]) -> None:
        self._states = dict(states)

    def get(self, path: str) -> FileState | None:
        return self._states.get(path)

    def put(self, path: str, state: FileState | None) -> None:
        self._states[path] = state


def _refuse_guesses(
    quilt: Quilt,
    name: str,
    patch: PatchFile,
    entry: SeriesEntry,
    old: Mapping[str, FileState | None],
    new: Mapping[str, FileState | None],
) -> None:
    """Raise BadInput where a hunk of the old patch stands in a place that was guessed."""
    problems: list[Problem] = []
    if quilt.state.marked(name, FUZZ):
        noted = quilt.rooted.read(quilt.state.path(name) + FUZZ)
        for line in [] if noted is None else noted.data.decode("utf-8", "surrogateescape").splitlines():
            problems.append(Problem(file=patch.label, message=f"{line}: {_LOOK}"))
    else:
        for change in patch.in_order(entry):
            if change.kind is not ChangeKind.MODIFY or change.path not in new:
                continue
            before, after = old[change.path], new[change.path]
            content = b"" if before is None else before.data
            now = None if after is None else after.data
            files = Fixed({change.path: before})
            applied = apply_changes(files, [change]).files[0]
            if applied.clean or as_gnu_patch_does(content, change.hunks) != now:
                continue
            problems += [
                Problem(
                    file=patch.label,
                    line=change.line,
                    message=f"hunk {hunk.number} of {change.path} was placed by a guess ({hunk.why}); {_LOOK}",
                )
                for hunk in applied.failures
            ]
    if problems:
        raise BadInput(problems)


_LOOK = "look whether it is right, then refresh with --accept"


def split_off(quilt: Quilt, reader: Reader, format: DiffFormat, new_name: str | None) -> Refresh:
    """`refresh -z`: a new patch on top with what was changed since the top patch was refreshed. Nothing is written.

    Raises BadInput where nothing was, or where the name is taken.
    """
    top = quilt.top()
    name = quilt.check_new_name(new_name or next_name(top))
    if quilt.patch_file(name).exists():
        raise BadInput(f"Patch {quilt.shown(name)} exists already")
    patch = reader.read(top)
    entry = quilt.entry(top)
    files = backups(quilt, top)
    applied = apply_changes(files, patch.in_order(entry))
    if not applied.clean:
        raise BadInput("Failed to patch temporary files")
    now = Files(quilt.rooted)
    paths = ordered_files(quilt, top, patch)
    form = attrs.evolve(format, git=patch.git, sections=patch.git or format.sections)
    changed = [path for path in paths if files.get(path) != _comparable(files.get(path), now.get(path))]
    data = b"".join(file_diff(path, files.get(path), now.get(path), form) for path in changed)
    if not data:
        raise BadInput(f"Nothing in patch {quilt.shown(top)}")
    state: dict[str, FileState | None] = {
        quilt.state.path(name, path): files.get(path) or FileState(data=b"") for path in changed
    }
    state.update(quilt.state.listed((*quilt.applied, name)))
    if quilt.state.marked(top, REFRESH):
        state[quilt.state.path(top) + REFRESH] = None
    line = SeriesEntry(name=name, strip=1 if patch.git else form.strip)
    return Refresh(
        quilt=quilt,
        name=name,
        data=data,
        empty=False,
        forked=top,
        series=quilt.inserted(line),
        files=Files(quilt.rooted),
        state=state,
    )


def _comparable(one: FileState | None, other: FileState | None) -> FileState | None:
    """The second with the first one's permissions where these are as good."""
    if one is None or other is None or one.mode != other.mode:
        return other
    return with_data(one, other.data)
