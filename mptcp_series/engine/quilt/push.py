# SPDX-License-Identifier: MIT
"""push: patches applied one after the other in memory, and written in one go.

A patch that does not fit ends the push; those before it are applied, as quilt leaves it. `force` keeps what fits of
the patch that does not, puts the rest into `*.rej`, and marks the patch: it cannot be left before it is refreshed.
With `merge` what collides is put between markers instead, and only what is nowhere near is a reject.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import attrs

from ...errors import BadInput, Problem
from ...values.contextdiff import STARS
from ..directory.changes import FileState
from .apply import Applied, AppliedFile, Blobs, apply_changes
from .files import Files
from .parts import Style
from .patchfile import PatchFile, Reader
from .queue import Quilt
from .state import FUZZ, REFRESH
from .transaction import publish

__all__ = ["Push", "PushedPatch", "push", "reject_path", "reject_text", "rejects_about"]

REJECT = ".rej"


@attrs.frozen(kw_only=True)
class PushedPatch:
    """What became of one patch.

    forced: applied although something of it did not fit. reversible: it did not fit, and its reverse does.
    rejects: whether what did not fit is put into `*.rej`.
    """

    name: str
    patch: PatchFile
    applied: Applied
    forced: bool = False
    refused: bool = False
    reversible: bool = False
    rejects: bool = False

    @property
    def empty(self) -> bool:
        return not self.applied.files

    @property
    def missing(self) -> bool:
        return self.patch.data is None

    def problems(self) -> list[Problem]:
        """One for every hunk and file that did not fit, at its line of the patch file."""
        if self.applied.clean:
            return []
        found = []
        lines = (self.patch.data or b"").split(b"\n")
        headers = [at for at, text in enumerate(lines, start=1) if text.startswith((b"@@ -", STARS))]
        for file in self.applied.files:
            if file.trouble:
                found.append(Problem(file=self.patch.label, line=file.line, message=file.trouble))
            found += [
                Problem(
                    file=self.patch.label,
                    line=_line(headers, file, failed.number),
                    message=f"hunk {failed.number} of {file.path}: {failed.why}",
                )
                for failed in file.failures
            ]
        return found


def _line(headers: Sequence[int], file: AppliedFile, number: int) -> int:
    """The line of a hunk's header, of those of the whole patch."""
    at = bisect_left(headers, file.line) + number - 1
    return headers[at] if at < len(headers) else file.line


@attrs.frozen(kw_only=True)
class Push:
    """A push, worked out. `write` publishes it."""

    quilt: Quilt
    patches: tuple[PushedPatch, ...]
    files: Files = attrs.field(repr=False)
    state: dict[str, FileState | None] = attrs.field(repr=False)

    @property
    def done(self) -> tuple[PushedPatch, ...]:
        """The patches that are applied now."""
        return tuple(patch for patch in self.patches if not patch.refused)

    @property
    def refused(self) -> PushedPatch | None:
        return self.patches[-1] if self.patches and self.patches[-1].refused else None

    @property
    def top(self) -> str | None:
        return self.done[-1].name if self.done else self.quilt.state.top

    def write(self) -> None:
        """Apply the patches. Raises what `write_changes` raises; nothing is written then."""
        names = tuple(patch.name for patch in self.done)
        if names or self.files.changes():
            publish(self.quilt, self.files, self.state, stamped=names)


def push(
    quilt: Quilt,
    names: Sequence[str],
    reader: Reader,
    *,
    force: bool = False,
    fuzz: int = 0,
    merge: Style | None = None,
    leave_rejects: bool = False,
    blobs: Blobs | None = None,
) -> Push:
    """Work out what becomes of the next patches. Nothing is written.

    merge: what does not fit is merged, and collisions are written so; they still need force.
    leave_rejects: what does not fit goes to `*.rej`, also of a patch that is not applied.
    Raises BadInput where the top patch waits for a refresh, where a reject of a file that is to be patched lies about,
    where a patch is listed as applied already; BadPatch for one that is damaged.
    """
    top = quilt.state.top
    if top is not None and quilt.state.marked(top, REFRESH):
        raise BadInput(f"The topmost patch {quilt.shown(top)} needs to be refreshed first.")
    for name in names:
        if name in quilt.applied:
            raise BadInput(f"Patch {quilt.shown(name)} is already applied; check your series file")
    files = Files(quilt.rooted)
    state: dict[str, FileState | None] = {}
    pushed: list[PushedPatch] = []
    seen: set[str] = set()
    for name in names:
        patch = reader.read(name)
        attempt = Files(quilt.rooted, under=files)
        done = _push_one(quilt, attempt, name, patch, fuzz, merge, blobs)
        # Rejects of a try before are written over, unless they are somebody else's.
        if not force and (done.applied.clean or not leave_rejects):
            _refuse_rejects(quilt, done.applied, seen)
        if not done.applied.clean or done.missing:
            if not force:
                reversible = _reversible(quilt, files, patch)
                done = attrs.evolve(done, refused=True, reversible=reversible, rejects=leave_rejects)
                pushed.append(done)
                _put_rejects(files, done)
                break
            forced = not done.applied.clean
            done = attrs.evolve(done, forced=forced, rejects=forced)
        pushed.append(done)
        _record(quilt, state, attempt, files, done)
        if done.forced:
            break
    applied = (*quilt.applied, *(patch.name for patch in pushed if not patch.refused))
    if applied != quilt.applied:
        state.update(quilt.state.made(quilt.patches_name, quilt.series_name))
        state.update(quilt.state.listed(applied))
    return Push(quilt=quilt, patches=tuple(pushed), files=files, state=state)


def _push_one(
    quilt: Quilt,
    attempt: Files,
    name: str,
    patch: PatchFile,
    fuzz: int,
    merge: Style | None,
    blobs: Blobs | None,
) -> PushedPatch:
    changes = patch.in_order(quilt.entry(name))
    _refuse_own_files(quilt, patch)
    applied = apply_changes(attempt, changes, fuzz=fuzz, blobs=blobs, merge=merge)
    return PushedPatch(name=name, patch=patch, applied=applied)


def _refuse_own_files(quilt: Quilt, patch: PatchFile) -> None:
    """A patch must not write quilt's own files."""
    problems = [
        Problem(
            file=patch.label, line=change.line, message=f"{path} lies in {quilt.state.place}/, which is quilt's own"
        )
        for change in patch.changes
        for path in {change.old_path, change.new_path}
        if path is not None and (path == quilt.state.place or path.startswith(f"{quilt.state.place}/"))
    ]
    if problems:
        raise BadInput(problems)


def _reversible(quilt: Quilt, files: Files, patch: PatchFile) -> bool:
    """Whether the patch fits in reverse: it is in the tree already."""
    if not patch.changes:
        return False
    try:
        changes = patch.in_order(quilt.entry(patch.name), reverse=True)
    except BadInput:
        return False
    return apply_changes(Files(quilt.rooted, under=files), changes).clean


def _record(quilt: Quilt, state: dict[str, FileState | None], attempt: Files, files: Files, done: PushedPatch) -> None:
    """Take over the files of a patch, and keep them as they were in `.pc`."""
    state.update(quilt.state.cleared(done.name))
    for path in attempt.touched():
        before = files.get(path)
        state[quilt.state.path(done.name, path)] = FileState(data=b"") if before is None else before
        files.put(path, attempt.get(path))
    if done.forced:
        state[quilt.state.path(done.name) + REFRESH] = FileState(data=b"")
        _put_rejects(files, done)
    if guessed := _guessed_lines(done.applied):
        state[quilt.state.path(done.name) + FUZZ] = FileState(data=guessed)


def _put_rejects(files: Files, done: PushedPatch) -> None:
    if done.rejects:
        for path, text in reject_text(done):
            files.put(reject_path(path), FileState(data=text))


def _guessed_lines(applied: Applied) -> bytes:
    lines = []
    for file in applied.files:
        for hunk in file.hunks:
            if hunk.fuzz:
                how = f"at line {hunk.line + hunk.offset} with fuzz {hunk.fuzz}"
            elif hunk.guessed and not file.merged:
                how = ", ".join(map(str, hunk.parts))
            else:
                continue
            lines.append(f"{file.path}: hunk {hunk.number} {how}\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def reject_path(path: str) -> str:
    return path + REJECT


def reject_text(done: PushedPatch) -> Iterator[tuple[str, bytes]]:
    """Files and their rejects as GNU patch writes them: a diff of the hunks that found no place."""
    for file in done.applied.files:
        rejected = [hunk.hunk for hunk in file.rejects]
        if file.trouble:
            rejected = [hunk for change in done.patch.changes if change.path == file.path for hunk in change.hunks]
        if rejected:
            name = file.path.encode("utf-8", "surrogateescape")
            yield file.path, b"--- %s\n+++ %s\n" % (name, name) + b"".join(hunk.render() for hunk in rejected)


def rejects_about(quilt: Quilt, paths: Sequence[str]) -> list[Problem]:
    """Rejects that lie beside files: somebody has not worked them in yet."""
    return [
        Problem(
            file=str(quilt.root / reject_path(path)),
            line=1,
            message=f"a reject of {path} lies about; work it in, then delete it",
        )
        for path in paths
        if quilt.rooted.status(reject_path(path)) is not None
    ]


def _refuse_rejects(quilt: Quilt, applied: Applied, seen: set[str]) -> None:
    """Raise BadInput where a file of a patch has a reject beside it; `seen` are the files that were looked at."""
    paths = list(dict.fromkeys(file.path for file in applied.files if file.path not in seen))
    seen.update(paths)
    if problems := rejects_about(quilt, paths):
        raise BadInput(problems)
