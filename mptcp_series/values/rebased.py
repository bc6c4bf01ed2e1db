# SPDX-License-Identifier: MIT
"""What moving a queue from one base to another changed, patch by patch, and as text for a pull request."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import attrs

from .result import BaseInfo, Status

__all__ = ["Move", "OverrideMove", "PatchMove", "Rebased", "Since", "move_of"]


class Move(enum.Enum):
    """What became of one patch between two bases."""

    UNCHANGED = "unchanged"
    """The same hunks; at most they stand elsewhere."""
    REFRESHED = "refreshed"
    """Applied on both, with other hunks."""
    DROPPED = "dropped as upstream"
    RETURNED = "no longer upstream"
    CONFLICT = "newly in conflict"
    STILL_IN_CONFLICT = "still in conflict"
    RESOLVED = "no longer in conflict"
    SKIPPED = "newly skipped"
    UNSKIPPED = "no longer skipped"
    ADDED = "newly in the queue"
    """An entry only the new base has: a restored change."""
    GONE = "no longer in the queue"

    @property
    def worth_telling(self) -> bool:
        return self is not Move.UNCHANGED


def move_of(before: Status | None, after: Status | None, *, same_hunks: bool) -> Move:
    """Name the move between two statuses; None where the base has no such entry."""
    if before is None:
        return Move.CONFLICT if after is Status.CONFLICT else Move.ADDED
    if after is None:
        return Move.GONE
    if after is Status.CONFLICT:
        return Move.STILL_IN_CONFLICT if before is Status.CONFLICT else Move.CONFLICT
    if before is Status.CONFLICT:
        return Move.RESOLVED
    if after is before and not after.makes_commit:
        return Move.UNCHANGED
    if after is Status.SKIPPED:
        return Move.SKIPPED
    if before is Status.SKIPPED:
        return Move.UNSKIPPED
    if after is Status.UPSTREAM:
        return Move.DROPPED
    if before is Status.UPSTREAM:
        return Move.RETURNED
    return Move.UNCHANGED if same_hunks else Move.REFRESHED


class OverrideMove(enum.Enum):
    """What became of one override between two bases."""

    NO_LONGER_NEEDED = "no longer needed"
    NEWLY_NEEDED = "newly needed"
    NEWLY_DRIFTED = "no longer fits"


@attrs.frozen(kw_only=True)
class Since:
    """What between two bases brings a change: a release, and where the history is there its commit.

    >>> str(Since(release="v5.10.84", commit="0144efb026c4f856a1811f806e38c979a71eeb3e", subject="tcp: mend"))
    'v5.10.84, 0144efb026c4 tcp: mend'
    >>> str(Since(release="v5.10.84", backwards=True))
    'without v5.10.84'
    """

    release: str
    """Name of the first release, or of the base itself, that has it."""
    commit: str | None = None
    subject: str | None = None
    backwards: bool = False
    """The new base is the older one: the change comes of what it lacks."""

    def __str__(self) -> str:
        commit = "" if self.commit is None else f", {self.commit[:12]} {self.subject}"
        return ("without " if self.backwards else "") + self.release + commit

    def to_json(self) -> Mapping[str, object]:
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class PatchMove:
    """One entry of the queue on the two bases."""

    name: str
    subject: str
    before: Status | None
    after: Status | None
    move: Move
    paths: tuple[str, ...] = ()
    """Paths whose hunks differ, or that are in conflict."""
    since: Since | None = None
    """What between the two bases brings it; None where the repository has nothing between them to tell it by."""
    series: str = ""
    """The series it is an entry of."""

    def to_json(self) -> Mapping[str, object]:
        return {
            "name": self.name,
            "series": self.series,
            "subject": self.subject,
            "before": None if self.before is None else self.before.value,
            "after": None if self.after is None else self.after.value,
            "move": self.move.value,
            "paths": list(self.paths),
            "since": None if self.since is None else self.since.to_json(),
        }


@attrs.frozen(kw_only=True)
class Rebased:
    """The account of one rebase."""

    series: str
    before: BaseInfo
    after: BaseInfo
    patches: tuple[PatchMove, ...]
    overrides: tuple[tuple[str, OverrideMove], ...]
    reasons: tuple[str, ...]
    """What a person must settle on the new base, a line each."""
    notes: tuple[str, ...] = ()
    """What to know about the two bases to read the rest."""

    @property
    def counts(self) -> Mapping[str, int]:
        found = Counter(patch.move for patch in self.patches)
        return {move.value: found[move] for move in Move if found[move]}

    def to_json(self) -> Mapping[str, object]:
        return {
            "schema": 1,
            "command": "rebase",
            "series": self.series,
            "from": self.before.to_json(),
            "to": self.after.to_json(),
            "counts": dict(self.counts),
            "patches": [patch.to_json() for patch in self.patches],
            "overrides": [{"file": file, "move": move.value} for file, move in self.overrides],
            "reasons": list(self.reasons),
            "notes": list(self.notes),
        }

    def to_markdown(self) -> str:
        """The account as Markdown, ready for a pull request."""
        told = [patch for patch in self.patches if patch.move.worth_telling]
        blocks = [
            [f"## {_plain(self.series)}: {_name(self.before)} → {_name(self.after)}"],
            [self._summary],
            *([_plain(note)] for note in self.notes),
            ["**A person is needed:**"] if self.reasons else [],
            [f"- {_plain(reason)}" for reason in self.reasons],
            _table(
                ("patch", "what changed", "where", "since"),
                (
                    (
                        _plain(patch.subject),
                        patch.move.value,
                        ", ".join(map(_code, patch.paths)),
                        "" if patch.since is None else _plain(str(patch.since)),
                    )
                    for patch in told
                ),
            ),
            _table(("override", "what changed"), ((_code(file), move.value) for file, move in self.overrides)),
        ]
        return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"

    @property
    def _summary(self) -> str:
        counts = ", ".join(f"{count} {move}" for move, count in self.counts.items())
        return f"{counts}." if counts else "The queue is empty on both."


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table; nothing where there are no rows."""
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    return [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}", *lines] if lines else []


def _name(base: BaseInfo) -> str:
    name = _plain(base.rev)
    return name if base.rev.removeprefix("v") == base.version else f"{name} ({base.version})"


def _plain(text: str) -> str:
    """Text on one line that Markdown takes for text."""
    return "".join(
        f"\\{character}" if character in "\\|*_<>`[]#~" else character for character in " ".join(text.split())
    )


_MARKUP = frozenset("\\|*_<>`[]#~")


def _code(text: str) -> str:
    """A name as code, as far as a table can hold it."""
    return _plain(text) if set("`|\\\n") & set(text) else f"`{text}`"
