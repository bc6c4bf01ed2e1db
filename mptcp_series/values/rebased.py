# SPDX-License-Identifier: MIT
"""What moving a queue from one base to another changed, patch by patch, and as text for a pull request."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping

import attrs

from .result import BaseInfo, Status

__all__ = ["Move", "OverrideMove", "PatchMove", "Rebased"]


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
    if after is Status.UPSTREAM:
        return Move.UNCHANGED if before is Status.UPSTREAM else Move.DROPPED
    if before is Status.UPSTREAM:
        return Move.RETURNED
    if after is Status.SKIPPED or before is Status.SKIPPED:
        if after is before:
            return Move.UNCHANGED
        return Move.SKIPPED if after is Status.SKIPPED else Move.UNSKIPPED
    return Move.UNCHANGED if same_hunks else Move.REFRESHED


class OverrideMove(enum.Enum):
    """What became of one override between two bases."""

    NO_LONGER_NEEDED = "no longer needed"
    NEWLY_NEEDED = "newly needed"
    NEWLY_DRIFTED = "no longer fits"


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
    since: str | None = None
    """The release or commit between the two bases that brings a drop or a conflict."""

    def to_json(self) -> Mapping[str, object]:
        return {
            "name": self.name,
            "subject": self.subject,
            "before": None if self.before is None else self.before.value,
            "after": None if self.after is None else self.after.value,
            "move": self.move.value,
            "paths": list(self.paths),
            "since": self.since,
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
        }

    def to_markdown(self) -> str:
        """The account as Markdown, ready for a pull request."""
        lines = [
            f"## {self.series}: {_name(self.before)} → {_name(self.after)}",
            "",
            ", ".join(f"{count} {move}" for move, count in self.counts.items()) + ".",
            "",
        ]
        if self.reasons:
            lines += ["**A person is needed:**", "", *(f"- {_plain(reason)}" for reason in self.reasons), ""]
        told = [patch for patch in self.patches if patch.move.worth_telling]
        if told:
            lines += ["| patch | what changed | where | since |", "| --- | --- | --- | --- |"]
            lines += [
                f"| {_plain(patch.subject)} | {patch.move.value} | "
                f"{', '.join(f'`{path}`' for path in patch.paths)} | {patch.since or ''} |"
                for patch in told
            ]
            lines.append("")
        if self.overrides:
            lines += ["| override | |", "| --- | --- |"]
            lines += [f"| `{file}` | {move.value} |" for file, move in self.overrides]
            lines.append("")
        return "\n".join(lines)


def _name(base: BaseInfo) -> str:
    return base.rev if base.version in base.rev else f"{base.rev} ({base.version})"


def _plain(text: str) -> str:
    """Text that Markdown takes for text."""
    return "".join(f"\\{character}" if character in "|*_<>`[]" else character for character in text)
