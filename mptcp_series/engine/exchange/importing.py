# SPDX-License-Identifier: MIT
"""Queues that others keep, as a series: a quilt directory, an mbox, a range of a git repository.

An import is the moment at which a patch can get lost unseen, so nothing is guessed and nothing is left out in
silence: every patch is parsed before anything is written, all that is wrong is told at once, and what lies there
without being imported (a patch no line names, a cover letter) is listed. Patches are kept as they came, byte for
byte; only what the transport of a mail added (a transfer encoding, CRLF in its headers too) is taken away.

Refused: compressed patches, patches without a diff, multipart mails, ranges cut by a shallow boundary.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import attrs
import pygit2
from pygit2.enums import SortMode

from ...errors import BadInput, BadPatch, BadSeries, EnvironmentFault, MissingObject, Problem, ShallowSource
from ...values.hunk import split_lines
from ...values.naming import patch_name
from ...values.patch import Patch
from ...values.series import Series, SeriesEntry
from ..replay.change import tree_changes
from ..replay.item import read_commit
from ..store.files import replace_directory, replace_file
from ..store.objects import Objects
from ..store.repository import Place, open_repository, resolve_commit
from .render import render_patch

__all__ = ["Imported", "import_mbox", "import_quilt", "import_range"]

_PATCH_SUFFIXES = (".patch", ".diff")
_COMPRESSED = (".gz", ".bz2", ".xz", ".Z", ".lzma", ".zst")
_OURS = ("series", "recipe.toml")

# git's is_from_line(): a time of day after the last-but-one colon, then a year after 1990.
_FROM_LINE = re.compile(rb"From .*\d.\d\d:\d\d[ \t]+(\d{2,5})\b[^:\n]*\n?$")
_FIELD = re.compile(rb"([!-9;-~]+):[ \t]*(.*)", re.DOTALL)


def _frozen(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return MappingProxyType(dict(files))


@attrs.frozen(kw_only=True)
class Imported:
    """A series read from elsewhere, in memory."""

    series: Series
    files: Mapping[str, bytes] = attrs.field(converter=_frozen, repr=False)
    """Content of the materialised patches by name; pinned lines need none."""
    unlisted: tuple[str, ...] = ()
    """What lay there and is not imported: patch files that no line names, mails without a diff."""

    @property
    def names(self) -> tuple[str, ...]:
        """The patches, in order."""
        return tuple(entry.name for entry in self.series.entries)

    def write(self, series_dir: Path) -> tuple[Path, ...]:
        """Write the series and its patches into a directory; the files it consists of, sorted.

        A directory that is new or empty appears at once, complete. In one that has files already (a recipe.toml,
        say) they all stay; the patches are written first and the series file last. Writing the same twice is no
        error and writes nothing.

        Raises BadInput, and writes nothing, where a file is there already and differs.
        """
        files = {**self.files, "series": self.series.render()}
        paths = tuple(sorted(series_dir / name for name in files))
        if series_dir.is_symlink() or (series_dir.exists() and not series_dir.is_dir()):
            raise BadInput(f"{series_dir}: not a directory; name another place")
        if not series_dir.exists() or not any(series_dir.iterdir()):
            replace_directory(series_dir, files)
            return paths
        existing = {name: _existing(series_dir / name) for name in files}
        problems = [
            Problem(file=str(series_dir / name), message="is there already and differs; import into a new directory")
            for name, data in existing.items()
            if data is not None and data != files[name]
        ]
        if problems:
            raise BadInput(problems)
        for name, data in files.items():  # the series file is the last
            if existing[name] is None:
                replace_file(series_dir / name, data)
        return paths


def _existing(path: Path) -> bytes | None:
    """A file's bytes, None where there is none; anything else in its place counts as another content."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except (IsADirectoryError, NotADirectoryError):
        raise BadInput("is in the way of a file; import into a new directory", file=str(path)) from None
    except OSError as error:
        raise EnvironmentFault(f"cannot read {path}: {error.strerror}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", file=str(path)) from error


def import_quilt(directory: Path) -> Imported:
    """Read a directory with a `series` file and the patches it names, as quilt keeps them.

    The series file is kept as it is: order, comments, `-pN`, `-R`. A line that pins a commit needs no file.
    Patch files that no line names are listed, not imported.

    Raises BadSeries, BadPatch or (where both are wrong) BadInput, with every problem of every file.
    """
    file = directory / "series"
    if not file.is_file():
        below = directory / "patches" / "series"
        hint = f"; {below.parent} has one" if below.is_file() else ""
        raise BadSeries(f"no series file{hint}", file=str(file))
    series = Series.parse(_read(file), str(file))
    files: dict[str, bytes] = {}
    wrong: list[BadInput] = []
    for entry in series.entries:
        try:
            data = _quilt_patch(directory, entry, str(file))
        except BadInput as error:
            wrong.append(error)
        else:
            if data is not None:
                files[entry.name] = data
    _raise_all(wrong)
    return Imported(series=series, files=files, unlisted=tuple(_unlisted(directory, {e.name for e in series.entries})))


def _quilt_patch(directory: Path, entry: SeriesEntry, series_file: str) -> bytes | None:
    if entry.name.split("/")[0] in _OURS:
        raise BadSeries(f"a patch cannot be called {entry.name!r}", file=series_file, line=entry.line)
    path = directory / entry.name
    if not path.is_file():
        if entry.pin is not None:
            return None
        raise BadSeries(f"no patch file {path}", file=series_file, line=entry.line)
    if entry.name.endswith(_COMPRESSED):
        raise BadSeries(
            f"{entry.name!r} is compressed; decompress it and change this line", file=series_file, line=entry.line
        )
    data = _read(path)
    if not Patch.parse(data, str(path), strip=entry.strip).changes:
        raise BadPatch("holds no diff; take it out of the series or mend it", file=str(path))
    return data


def _unlisted(directory: Path, listed: set[str]) -> Iterator[str]:
    """Names of patch files below the directory that are not listed; hidden ones (`.pc/`, backups) do not count."""
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        hidden = any(part.startswith(".") for part in name.split("/"))
        plain = name
        for suffix in _COMPRESSED:
            plain = plain.removesuffix(suffix)
        if plain.endswith(_PATCH_SUFFIXES) and name not in listed and not hidden and path.is_file():
            yield name


def _raise_all(wrong: Sequence[BadInput]) -> None:
    """Raise one error with the problems of all; of their class, where they are of one."""
    if wrong:
        kinds = {type(error) for error in wrong}
        kind = kinds.pop() if len(kinds) == 1 else BadInput
        raise kind(problem for error in wrong for problem in error.problems)


def import_mbox(file: Path) -> Imported:
    """Read mails as `git format-patch` writes them: a file of one or more, or a directory of `*.patch` files.

    The order is that of the file, or that of the names in the directory; names of patches come from the subjects.
    Mails without a diff (cover letters) are skipped and listed in `unlisted` by subject, or by file name.

    Raises BadPatch with every problem of every mail, BadInput where there is no patch at all.
    """
    sources = [file]
    if file.is_dir():
        sources = sorted(path for path in file.iterdir() if path.suffix == ".patch" and path.is_file())
    entries: list[SeriesEntry] = []
    files: dict[str, bytes] = {}
    skipped: list[str] = []
    wrong: list[BadInput] = []
    for source in sources:
        try:
            for line, mail, patch in _mails(_read(source), str(source)):
                if not patch.changes:
                    skipped.append(patch.subject or f"{source}:{line}" if source is file else source.name)
                    continue
                entry = SeriesEntry(name=patch_name(patch.subject, files.keys()))
                entries.append(entry)
                files[entry.name] = mail
        except BadInput as error:
            wrong.append(error)
    _raise_all(wrong)
    if not entries:
        raise BadInput("holds no mail with a patch (expected what `git format-patch` writes)", file=str(file))
    return Imported(series=Series.of(entries), files=files, unlisted=tuple(skipped))


def _is_from_line(line: bytes) -> bool:
    """Whether a line starts a new mail of an mbox.

    >>> _is_from_line(b"From 049fe386d35353398eee40ba8d76ab62cb5a24e5 Mon Sep 17 00:00:00 2001\\n")
    True
    >>> _is_from_line(b"From here on, the subflow is closed at 10:00:00\\n")
    False
    """
    found = _FROM_LINE.match(line.replace(b"\r\n", b"\n"))
    return found is not None and int(found[1]) > 90


def _mails(data: bytes, file: str) -> list[tuple[int, bytes, Patch]]:
    """The mails of a file, split where `git mailsplit` splits: first line, bytes without transport, patch.

    A file that starts with a header and no From line is one mail. Raises BadPatch with the problems of all mails.
    """
    lines = split_lines(data)
    first = next((at for at, line in enumerate(lines) if line.strip()), None)
    starts = [at for at, line in enumerate(lines) if at == first or _is_from_line(line)]
    mails: list[tuple[int, bytes, Patch]] = []
    problems: list[Problem] = []
    for start, stop in zip(starts, [*starts, len(lines)][1:], strict=True):
        try:
            mail = _undone(lines[start:stop])
            mails.append((start + 1, mail, Patch.parse(mail, file)))
        except BadPatch as error:
            problems += [attrs.evolve(problem, line=(problem.line or 1) + start) for problem in error.problems]
        except ValueError as error:
            problems.append(Problem(file=file, line=start + 1, message=str(error)))
    if problems:
        raise BadPatch(problems)
    return mails


def _undone(lines: list[bytes]) -> bytes:
    """The bytes of one mail, transport undone. Raises ValueError, which says what is wrong.

    CRLF in the header is the transport's; in a mail whose header lines end in LF, a CR belongs to the patched file.
    """
    if lines[0].endswith(b"\r\n"):
        lines = [_unix(line) for line in lines]
    end = next((at for at, line in enumerate(lines) if line == b"\n"), len(lines))
    fields = _fields(lines[1 if _is_from_line(lines[0]) else 0 : end])
    if b"from" not in fields and b"subject" not in fields:
        raise ValueError("not a mail: no From and no Subject field (expected what `git format-patch` writes)")
    if fields.get(b"content-type", b"").lower().startswith(b"multipart/"):
        raise ValueError("multipart mail; save the patch itself, as plain text")
    encoding = fields.get(b"content-transfer-encoding", b"8bit").lower()
    if encoding not in (b"base64", b"quoted-printable"):
        return b"".join(lines)
    body = b"".join(lines[end + 1 :])
    try:
        text = base64.b64decode(body) if encoding == b"base64" else quopri.decodestring(body)
    except binascii.Error as error:
        raise ValueError(f"the body is not {encoding.decode()}: {error}") from None
    name = b"content-transfer-encoding:"
    head = [b"Content-Transfer-Encoding: 8bit\n" if line.lower().startswith(name) else line for line in lines[:end]]
    decoded = split_lines(text)
    if all(line.endswith(b"\r\n") for line in decoded):
        decoded = [_unix(line) for line in decoded]
    ended = not decoded or decoded[-1].endswith(b"\n")
    return b"".join([*head, b"\n", *decoded, b"" if ended else b"\n"])


def _unix(line: bytes) -> bytes:
    return line[:-2] + b"\n" if line.endswith(b"\r\n") else line


def _fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """Header fields by name in lower case; the first of a name counts."""
    found = (_FIELD.match(line) for line in reversed(lines))
    return {match[1].lower(): match[2].strip() for match in found if match is not None}


def import_range(repo: Place, range: str, *, materialise: bool) -> Imported:
    """Read the non-merge commits of `A..B`, oldest first, as pinned lines.

    The order is that of `git rev-list --topo-order --reverse --no-merges`. With `materialise` each patch is
    rendered as a file too; the line keeps its pin.

    Raises BadInput for a range that is none or has no commits, UnknownRevision, ShallowSource where the history
    is cut inside the range, MissingObject where a patch cannot be rendered.
    """
    start, dots, end = range.partition("..")
    if not (start and dots and end) or end.startswith(".") or ".." in end:
        raise BadInput(f"bad range {range!r} (expected 'A..B')")
    opened = open_repository(repo)
    objects = Objects(opened)
    entries: list[SeriesEntry] = []
    files: dict[str, bytes] = {}
    taken: set[str] = set()
    for commit in _walk(opened, range, resolve_commit(opened, start).id, resolve_commit(opened, end).id):
        if len(commit.parent_ids) > 1:
            continue
        raw = read_commit(commit.read_raw())
        entry = SeriesEntry(name=patch_name(raw.subject, taken), pin=str(commit.id))
        taken.add(entry.name)
        entries.append(entry)
        if materialise:
            before = commit.parents[0].tree_id.raw if commit.parent_ids else None
            files[entry.name] = render_patch(objects, raw, tree_changes(objects, before, commit.tree_id.raw))
    if not entries:
        raise BadInput(f"empty range {range!r}: it has no commits that are not merges")
    return Imported(series=Series.of(entries), files=files)


def _walk(repo: pygit2.Repository, range: str, start: pygit2.Oid, end: pygit2.Oid) -> Iterable[pygit2.Commit]:
    """The commits reachable from `end` and not from `start`, merges included, as git's --topo-order --reverse."""
    shallow = Path(repo.path) / "shallow"
    cut = set(shallow.read_text().split()) if shallow.is_file() else set()
    try:
        walker = repo.walk(end, SortMode.TOPOLOGICAL | SortMode.REVERSE)
        walker.hide(start)
        commits = list(walker)
    except (KeyError, pygit2.GitError) as error:
        raise MissingObject(f"{repo.path} does not have the whole history of {range} ({error})") from error
    boundary = [str(commit.id) for commit in commits if str(commit.id) in cut]
    if boundary:
        raise ShallowSource(
            f"the history of {repo.path} is cut inside {range}, at {boundary[0]}; "
            "bring the rest with `git fetch --unshallow`"
        )
    return commits
