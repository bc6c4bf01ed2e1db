# SPDX-License-Identifier: MIT
"""add, remove and revert: which files belong to an applied patch, and what they were under it."""

from __future__ import annotations

import enum
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from ...errors import BadInput
from ...values.paths import check_tree_path
from ..directory.changes import LINK, FileState
from ..directory.journal import TEMPORARY
from .apply import apply_changes
from .files import Files, with_data
from .patchfile import Reader
from .queue import Quilt
from .state import REFRESH
from .transaction import publish
from .verify import backups

__all__ = ["Member", "Membership", "Word", "add", "remove", "revert"]


class Word(enum.Enum):
    """What became of one file."""

    DONE = "done"
    UNCHANGED = "unchanged"
    ALREADY = "already in the patch"
    NOT_IN = "not in the patch"
    ABOVE = "modified by a patch above"
    LINK = "a symbolic link"
    OWN = "below quilt's own files"


@attrs.frozen(kw_only=True)
class Member:
    """One file. by: the patch above, or the directory of quilt's own."""

    path: str
    word: Word
    by: str = ""


@attrs.frozen(kw_only=True)
class Membership:
    """What is to be done, worked out. `write` publishes it."""

    quilt: Quilt
    patch: str
    members: tuple[Member, ...]
    files: Files = attrs.field(repr=False)
    state: dict[str, FileState | None] = attrs.field(repr=False)

    def write(self) -> None:
        """Publish it. A file that has other names is given a copy of its own first: they are not to be edited too."""
        for member in self.members:
            if member.word is Word.DONE and self.quilt.state.path(self.patch, member.path) in self.state:
                _own_copy(self.quilt, member.path)
        publish(self.quilt, self.files, self.state)


def _tree_path(quilt: Quilt, path: str) -> str:
    """A path as somebody typed it, below the top. Raises BadInput for one that leaves the tree."""
    if path.startswith("/"):
        try:
            path = str(Path(path).relative_to(quilt.root))
        except ValueError:
            raise BadInput(f"{path} is not below {quilt.root}") from None
    plain: list[str] = []
    for part in path.split("/"):
        if part == ".." and plain:
            plain.pop()
        elif part not in ("", "."):
            plain.append(part)
    name = "/".join(plain)
    if trouble := check_tree_path(name):
        raise BadInput(f"unsafe path {path!r}: {trouble}")
    return name


def _own(quilt: Quilt, path: str) -> str | None:
    """The directory of quilt's own that a path lies below."""
    places = [quilt.state.place]
    if quilt.patches.resolve().is_relative_to(quilt.root.resolve()):
        places.append(str(quilt.patches.resolve().relative_to(quilt.root.resolve())))
    return next((place for place in places if path.startswith(f"{place}/")), None)


def add(quilt: Quilt, patch: str, paths: Iterable[str]) -> Membership:
    """Take files into an applied patch, as they are now. Nothing is written.

    Raises BadInput, UnsafePath for what is no file of the tree.
    """
    files = Files(quilt.rooted)
    state: dict[str, FileState | None] = {}
    members = []
    for typed in paths:
        path = _tree_path(quilt, typed)
        if place := _own(quilt, path):
            members.append(Member(path=path, word=Word.OWN, by=place))
        elif quilt.state.has(patch, path) or quilt.state.path(patch, path) in state:
            members.append(Member(path=path, word=Word.ALREADY))
        elif above := quilt.state.next_for(patch, path):
            members.append(Member(path=path, word=Word.ABOVE, by=above))
        else:
            there = files.get(path)
            if there is not None and there.mode == LINK:
                members.append(Member(path=path, word=Word.LINK))
                continue
            state[quilt.state.path(patch, path)] = FileState(data=b"") if there is None else there
            if there is not None and there.permissions is not None and not there.permissions & 0o200:
                # The original tree may be read-only.
                files.put(path, attrs.evolve(there, permissions=there.permissions | 0o200))
            members.append(Member(path=path, word=Word.DONE))
    return Membership(quilt=quilt, patch=patch, members=tuple(members), files=files, state=state)


def remove(quilt: Quilt, patch: str, paths: Sequence[str]) -> Membership:
    """Take files out of an applied patch, and put them back as they were under it. Nothing is written."""
    files = Files(quilt.rooted)
    state: dict[str, FileState | None] = {}
    members = []
    for typed in paths:
        path = _tree_path(quilt, typed)
        member = _reachable(quilt, patch, path)
        if member is None:
            files.put(path, quilt.state.backup(patch, path))
            state[quilt.state.path(patch, path)] = None
            member = Member(path=path, word=Word.DONE)
        members.append(member)
    if state and quilt.patch_file(patch).exists():
        # The patch file still has them.
        state[quilt.state.path(patch) + REFRESH] = FileState(data=b"")
    return Membership(quilt=quilt, patch=patch, members=tuple(members), files=files, state=state)


def revert(quilt: Quilt, patch: str, paths: Sequence[str], reader: Reader) -> Membership:
    """Put files of an applied patch as its patch file has them. Nothing is written.

    None is reverted where one cannot be. Raises BadInput where the patch file no longer fits.
    """
    plain = [_tree_path(quilt, path) for path in paths]
    refused = [member for path in plain if (member := _reachable(quilt, patch, path)) is not None]
    files = Files(quilt.rooted)
    if refused:
        return Membership(quilt=quilt, patch=patch, members=tuple(refused), files=files, state={})
    wanted = backups(quilt, patch)
    content = reader.read(patch)
    applied = apply_changes(wanted, content.in_order(quilt.entry(patch)))
    if any(file.path in plain and not file.clean for file in applied.files):
        raise BadInput("Failed to patch temporary files")
    members = []
    for path in plain:
        now, then = files.get(path), wanted.get(path)
        if (now is None) == (then is None) and (now is None or then is None or now.data == then.data):
            members.append(Member(path=path, word=Word.UNCHANGED))
            continue
        files.put(path, None if then is None else with_data(now, then.data) if now is not None else then)
        members.append(Member(path=path, word=Word.DONE))
    return Membership(quilt=quilt, patch=patch, members=tuple(members), files=files, state={})


def _reachable(quilt: Quilt, patch: str, path: str) -> Member | None:
    """Why a file of a patch cannot be changed back, None if it can."""
    if not quilt.state.has(patch, path):
        return Member(path=path, word=Word.NOT_IN)
    above = quilt.state.next_for(patch, path)
    return None if above is None else Member(path=path, word=Word.ABOVE, by=above)


def _own_copy(quilt: Quilt, path: str) -> None:
    """Put a copy in the place of a file that has other hard links."""
    there = quilt.rooted.status(path)
    if there is None or there.st_nlink < 2 or not stat.S_ISREG(there.st_mode):
        return
    directory, _, name = path.rpartition("/")
    temporary = f"{directory}/{TEMPORARY}{name}".removeprefix("/")
    state = quilt.rooted.read(path)
    assert state is not None
    quilt.rooted.remove(temporary)
    quilt.rooted.make_file(temporary, state, stat.S_IMODE(there.st_mode), (there.st_uid, there.st_gid))
    os.utime(quilt.root / temporary, ns=(there.st_atime_ns, there.st_mtime_ns), follow_symlinks=False)
    quilt.rooted.move(temporary, path)
