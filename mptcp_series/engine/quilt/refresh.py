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

from ...errors import BadInput
from ...values.filechange import ChangeKind, FileChange
from ...values.series import Series, SeriesEntry
from ..directory.changes import FileState
from .apply import apply_changes
from .diffs import file_diff
from .diffstat import diffstat, with_stat
from .files import Files, Fixed, with_data
from .guesses import refuse_guesses, refuse_markers
from .patchfile import PatchFile, Reader, parse, write_patch
from .push import rejects_about
from .queue import Quilt, next_name
from .settings import DiffFormat
from .state import FUZZ, REFRESH
from .transaction import publish
from .verify import backups
from .whitespace import WhitespaceNote, strip_added, trailing_whitespace

__all__ = ["Refresh", "ordered_files", "refresh", "rewritten", "split_off"]


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
    stat: bool = False,
) -> Refresh:
    """Work out what the patch file of an applied patch is to be. Nothing is written.

    format: how to write what the old patch gives no form for; explicit: write all of it so.
    force: leave out what patches above changed in the same files, instead of refusing.
    strip: take blanks off the ends of added lines. stat: have a summary in the header that is right.
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
        refuse_markers(quilt, name, new)
        refuse_guesses(quilt, name, patch, entry, old, new)
    data, lost = rewritten(patch, entry, paths, old, new, format, explicit=explicit, sort=sort)
    anew = data != patch.data
    series, header = None, patch.header
    body = data[len(header) :]
    if stat:
        summary = diffstat((path, old[path], new[path]) for path in paths)
        header = with_stat(header, summary)
    changed = anew or header != patch.header
    if changed and entry.pin is not None:
        header, entry = _unpinned(reader, patch, entry)
        header = with_stat(header, summary) if stat else header
    if anew and (entry.reverse or entry.strip != format.strip):
        entry = attrs.evolve(entry, strip=1 if patch.git and not explicit else format.strip, reverse=False)
    if entry != quilt.entry(name):
        series = quilt.series.replace_entry(name, entry)
    data = header + body
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


def _unpinned(reader: Reader, patch: PatchFile, entry: SeriesEntry) -> tuple[bytes, SeriesEntry]:
    """Header and line of a pinned patch that becomes a file: both say where it is from."""
    header = patch.header
    if patch.pinned:
        named = reader.pins(entry).patch(entry, provenance=True)
        header = parse(entry.name, patch.label, named, 1).header
    comment = f"from {entry.pin}" + (f" {entry.comment}" if entry.comment else "")
    return header, attrs.evolve(entry, pin=None, comment=comment)


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
