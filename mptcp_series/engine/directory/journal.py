# SPDX-License-Identifier: MIT
"""The journal of a run that writes into a directory: what a run that was killed had in mind.

Two states. `prepare`: the temporaries are being written, nothing of the tree has changed, and all there is to do is to
take them away again. `commit`: all of them are on the disk, and each has only to be moved to its place; this can be
done again and again until it is done.
"""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Any

import attrs

from ...errors import BadInput, EnvironmentFault
from ...values.paths import check_tree_path
from .rooted import FileState, Rooted, split

__all__ = ["TEMPORARY", "Identity", "Journal", "JournalFile", "Move", "Phase"]

TEMPORARY = ".mptcp-series~"
"""How the names of temporaries begin. Patches cannot name them: none but this package's own make such files."""

Identity = tuple[int, int, int]
"""File kind, size and modification time in nanoseconds: whether a file is the one that was looked at."""


class Phase(Enum):
    PREPARE = "prepare"
    COMMIT = "commit"


@attrs.frozen(kw_only=True)
class Move:
    """One file: where its new content waits (None: it is taken away), and what was at its place."""

    path: str
    temporary: str | None
    was: Identity | None


@attrs.frozen(kw_only=True)
class Journal:
    """All moves of one run, and the directories it makes before and after files are out of their way."""

    moves: tuple[Move, ...]
    early: tuple[str, ...] = ()
    late: tuple[str, ...] = ()

    def render(self, phase: Phase) -> bytes:
        document = {
            "journal": 1,
            "phase": phase.value,
            "early": self.early,
            "late": self.late,
            "moves": [[move.path, move.temporary, move.was] for move in self.moves],
        }
        return json.dumps(document).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes, file: str) -> tuple[Journal, Phase]:
        """Read a journal. Raises BadInput where it is none: it may have come with the tree."""
        try:
            document = json.loads(data)
            if document["journal"] != 1:
                raise BadInput(
                    f"a journal of another version ({document['journal']!r}); use the one it is of", file=file
                )
            journal = cls(
                moves=tuple(_move(*move) for move in document["moves"]),
                early=tuple(map(_path, document["early"])),
                late=tuple(map(_path, document["late"])),
            )
            return journal, Phase(document["phase"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(f"is no journal of a killed run ({error}); take it away", file=file) from error


def _path(path: Any) -> str:
    if not isinstance(path, str) or check_tree_path(path):
        raise ValueError(f"unsafe path {path!r}")
    return path


def _move(path: Any, temporary: Any, was: Any) -> Move:
    if temporary is not None and not split(_path(temporary))[1].startswith(TEMPORARY):
        raise ValueError(f"{temporary!r} is no temporary file")
    kind, size, time = (None, None, None) if was is None else map(int, was)
    identity = None if kind is None or size is None or time is None else (kind, size, time)
    return Move(path=_path(path), temporary=temporary, was=identity)


class JournalFile:
    """Where the journal is. One that lies below the root is reached as its files are: by no link."""

    def __init__(self, rooted: Rooted, place: Path) -> None:
        self.place = place
        self._rooted = rooted
        parent = place.absolute().parent
        try:
            below = (parent / place.name).relative_to(rooted.root.absolute())
        except ValueError:
            self._outer = Rooted(parent)
            self._name = place.name
        else:
            self._outer = rooted
            self._name = below.as_posix()

    def close(self) -> None:
        if self._outer is not self._rooted:
            self._outer.__exit__(None, None, None)

    @property
    def below_root(self) -> str | None:
        """Its path below the root; None where it is elsewhere."""
        return self._name if self._outer is self._rooted else None

    def exists(self) -> bool:
        return self._outer.status(self._name) is not None

    def read(self) -> tuple[Journal, Phase]:
        found = self._outer.read(self._name)
        if found is None or found.mode >> 12 != 0o10:
            raise BadInput("is no journal of a killed run; take it away", file=str(self.place))
        return Journal.parse(found.data, str(self.place))

    def write(self, data: bytes, *, sync: bool) -> None:
        """Put a journal in place of the one before it, at once."""
        parent = split(self._name)[0]
        if self._outer.directory(parent) is None:
            raise EnvironmentFault(f"{self.place.parent}: no such directory for the journal")
        self.forget_unfinished()
        self._outer.make_file(self._unfinished, FileState(data=data), 0o644, None)
        if sync:
            self._outer.sync(self._unfinished)
        self._outer.move(self._unfinished, self._name)
        if sync:
            self._outer.sync(parent)

    def forget_unfinished(self) -> None:
        """Take away a journal whose writing was killed: it said nothing yet."""
        self._outer.remove(self._unfinished)

    @property
    def _unfinished(self) -> str:
        parent, name = split(self._name)
        return f"{parent}/{TEMPORARY}{name}" if parent else f"{TEMPORARY}{name}"

    def remove(self) -> None:
        self._outer.remove(self._name)
