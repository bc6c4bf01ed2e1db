# SPDX-License-Identifier: MIT
"""Writes many files of a directory as one transaction: a killed run leaves all old files, or all new ones.

1. Everything is looked at: paths, kinds, permissions (`Plan`). What is wrong is refused here, before the first write.
2. The journal says what is going to be done (`prepare`); each new content is written to a temporary beside its place.
3. The temporaries are brought to the disk, then the journal says so (`commit`).
4. Files are taken away, temporaries moved to their places, directories without files removed, the journal removed.

`recover` after a kill: in `prepare` the temporaries are taken away (rolled back), in `commit` the rest of step 4 is
done (resumed). A file that somebody edited in between is left as it is, and said. Ctrl-C does the same at once.

As GNU patch does, and so quilt: a file that changes is a new file with the owner and the permission bits of the one
before it, so hard links to it keep the old content, and its modification time is now; a file that does not change is
not touched; a directory whose last file was taken away goes with it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

import attrs

from ...errors import BadInput, EnvironmentFault, Problem, UnsafePath
from .durable import bring_to_disk
from .journal import TEMPORARY, Identity, Journal, JournalFile, Move, Phase
from .plan import Plan, is_file, parents
from .rooted import EXECUTABLE, LINK, REGULAR, FileState, Rooted, split, tree_path

__all__ = ["EXECUTABLE", "LINK", "REGULAR", "FileState", "Recovered", "recover", "write_changes"]


@attrs.frozen(kw_only=True)
class Recovered:
    """What was made of a killed run."""

    resumed: bool
    """Whether it was done to its end; else it was undone, and had changed nothing."""
    paths: tuple[str, ...]
    """The files it was about."""


def write_changes(
    root: Path,
    changes: Mapping[str, FileState | None] | Mapping[bytes, FileState | None],
    *,
    journal: Path,
    before: Mapping[str, FileState | None] | None = None,
) -> None:
    """Write files below a directory, or take them away with None, all of them or none.

    journal: where to note what is going on; in an existing directory, below the root or not.
    before: what the caller found at paths, and relied on. Permissions are not compared.

    Raises, with all files that are concerned and before the first write: UnsafePath for a path that leaves the tree,
    goes through a link, or names a directory or a device; ReadOnlyDirectory where one may not write; BadInput where a
    file is no longer what it was; EnvironmentFault for the journal of a killed run (`recover` comes first) and where
    another run is at work.
    """
    try:
        with Rooted(root) as rooted:
            _lock(rooted)
            note = JournalFile(rooted, journal)
            try:
                if note.exists():
                    raise EnvironmentFault(f"{journal}: a run was killed here; it must be recovered first")
                plan = Plan(rooted, {tree_path(path): state for path, state in changes.items()}, before or {})
                plan.check(note.below_root)
                if plan.moves:
                    _carry_out(plan, note)
            finally:
                note.close()
    except KeyboardInterrupt:
        # Whoever presses Ctrl-C looks at the tree next.
        recover(root, journal)
        raise


def recover(root: Path, journal: Path) -> Recovered | None:
    """Resume or roll back what a killed run left; None where there is nothing.

    Raises BadInput where a file was edited since (nothing is lost: the edit stays, and so does the new content in its
    temporary), or where the journal is none; EnvironmentFault while another run is at work.
    """
    with Rooted(root) as rooted:
        _lock(rooted)
        note = JournalFile(rooted, journal)
        try:
            note.forget_unfinished()
            if not note.exists():
                return None
            found, phase = note.read()
            if phase is Phase.PREPARE:
                _roll_back(rooted, found)
            else:
                _check_unedited(rooted, found)
                _commit(rooted, found)
                bring_to_disk(rooted, _directories(found), elsewhere=True)
            note.remove()
        finally:
            note.close()
    return Recovered(resumed=phase is Phase.COMMIT, paths=tuple(move.path for move in found.moves))


def _lock(rooted: Rooted) -> None:
    """Keep other runs out for as long as the root is open; a killed run holds no lock."""
    try:
        fcntl.flock(rooted.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise EnvironmentFault(f"{rooted.root}: another run is writing here; wait for it") from None


def _carry_out(plan: Plan, note: JournalFile) -> None:
    """Steps 2 to 4, of what was checked."""
    token = secrets.token_hex(4)
    moves = []
    for number, planned in enumerate(plan.moves):
        temporary = None
        if planned.state is not None:
            parent = split(planned.path)[0]
            while parent in plan.late:
                parent = split(parent)[0]
            temporary = f"{parent}/{TEMPORARY}{token}.{number}".removeprefix("/")
        was = None if planned.there is None or stat.S_ISDIR(planned.there.st_mode) else _identity(planned.there)
        moves.append(Move(path=planned.path, temporary=temporary, was=was))
    journal = Journal(moves=tuple(moves), early=tuple(plan.early), late=tuple(plan.late))
    committed = False
    try:
        note.write(journal.render(Phase.PREPARE), sync=False)
        elsewhere = _write_temporaries(plan, journal)
        written = [move.temporary for move in moves if move.temporary is not None]
        bring_to_disk(plan.rooted, [*written, *_directories(journal)], elsewhere=elsewhere)
        committed = True
        note.write(journal.render(Phase.COMMIT), sync=True)
        _commit(plan.rooted, journal)
        bring_to_disk(plan.rooted, _directories(journal), elsewhere=elsewhere)
        note.remove()
    except OSError as error:
        if not committed:
            _roll_back(plan.rooted, journal)
            note.remove()
        raise EnvironmentFault(
            f"{plan.rooted.root}: cannot write: {error.strerror}"
            + ("; the next run resumes" if committed else "; nothing was changed")
        ) from error


def _write_temporaries(plan: Plan, journal: Journal) -> bool:
    """Whether some of them are on another file system than the root."""
    for directory in journal.early:
        plan.rooted.make_directory(directory)
    device = os.fstat(plan.rooted.descriptor).st_dev
    elsewhere = False
    for move, planned in zip(journal.moves, plan.moves, strict=True):
        if move.temporary is None or planned.state is None:
            continue
        there = planned.there if planned.there is not None and is_file(planned.there) else None
        owner = None if there is None else (there.st_uid, there.st_gid)
        made = plan.rooted.make_file(move.temporary, planned.state, _permissions(planned.state, there), owner)
        elsewhere = elsewhere or made != device
    return elsewhere


def _commit(rooted: Rooted, journal: Journal) -> None:
    """Step 4, from wherever it was left."""
    for move in journal.moves:
        if move.temporary is None and _has_file(rooted, move.path):
            rooted.remove(move.path)
    for move in journal.moves:
        # What the removals left empty may be where a file is to be.
        if move.temporary is None:
            _remove_empty_parents(rooted, move.path)
        elif move.was is None and _has_directory(rooted, move.path):
            _remove_empty_tree(rooted, move.path)
    for directory in (*journal.early, *journal.late):
        rooted.make_directory(directory)
    rooted.forget()
    for move in journal.moves:
        if move.temporary is not None and rooted.status(move.temporary) is not None:
            rooted.move(move.temporary, move.path)


def _roll_back(rooted: Rooted, journal: Journal) -> None:
    """Take away what was written beside the tree's own files."""
    for move in journal.moves:
        if move.temporary is not None:
            rooted.remove(move.temporary)
    for directory in reversed(journal.early):
        rooted.remove_directory(directory)


def _check_unedited(rooted: Rooted, journal: Journal) -> None:
    """Refuse where a file is neither what it was nor what it is to be."""
    edited = []
    for move in journal.moves:
        try:
            there = rooted.status(move.path)
        except UnsafePath:
            # A file where its directory was: moved there already.
            continue
        waits = move.temporary is None or rooted.status(move.temporary) is not None
        now = None if there is None or not is_file(there) else _identity(there)
        if waits and now is not None and now != move.was:
            edited.append(
                Problem(
                    message=f"{rooted.root / move.path}: edited after a run was killed in the middle of writing it; "
                    "put the edit aside, and run again"
                )
            )
    if edited:
        raise BadInput(edited)


def _directories(journal: Journal) -> list[str]:
    """Every directory whose entries a run changes."""
    found = dict.fromkeys(split(move.path)[0] for move in journal.moves)
    for directory in (*journal.early, *journal.late):
        found[split(directory)[0]] = None
    return list(found)


def _remove_empty_parents(rooted: Rooted, path: str) -> None:
    for parent in reversed(parents(path)):
        if not rooted.remove_directory(parent):
            return


def _remove_empty_tree(rooted: Rooted, path: str) -> None:
    for name in rooted.names(path):
        _remove_empty_tree(rooted, f"{path}/{name}")
    rooted.remove_directory(path)


def _identity(there: os.stat_result) -> Identity:
    return stat.S_IFMT(there.st_mode), there.st_size, there.st_mtime_ns


def _has_file(rooted: Rooted, path: str) -> bool:
    try:
        there = rooted.status(path)
    except UnsafePath:
        return False
    return there is not None and is_file(there)


def _has_directory(rooted: Rooted, path: str) -> bool:
    there = rooted.status(path)
    return there is not None and stat.S_ISDIR(there.st_mode)


def _permissions(state: FileState, there: os.stat_result | None) -> int:
    """Permission bits of the new file."""
    if state.permissions is not None:
        return state.permissions
    if there is None or not stat.S_ISREG(there.st_mode):
        return state.mode & 0o777
    executable = bool(there.st_mode & stat.S_IXUSR)
    return stat.S_IMODE(there.st_mode) & 0o777 if executable == (state.mode == EXECUTABLE) else state.mode & 0o777
