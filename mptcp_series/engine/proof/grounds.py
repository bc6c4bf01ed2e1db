# SPDX-License-Identifier: MIT
"""What explains a line by which an owned path differs from the target: who wrote it, or who left it out.

A line counts as explained by an override, an exclusion or a restored change only where that is what wrote it, took it
away or left it out, by the account of the run and of the complete queue. That an override concerns the file explains
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import attrs

from ...values.alignment import Lost
from ...values.result import EntryKind
from ...values.verification import Ground
from ..text.merge import Edit
from .annotate import Annotated, Line, Removed
from .layers import Origin, Part
from .lines import Differ, line_edits

__all__ = ["Account", "Cause", "Reasons", "Verdict"]


@attrs.frozen
class Cause:
    """One thing that explains lines."""

    ground: Ground
    name: str
    override: str | None = None
    reason: str = ""


@attrs.frozen(kw_only=True)
class Reasons:
    """What people gave as reasons, by what it is about."""

    overrides: Mapping[str, str]
    """By override file."""
    prerequisites: Mapping[str, str]
    """By patch name."""
    restored: Mapping[str, str]
    """By name of the entry that restores."""


@attrs.frozen(kw_only=True)
class Verdict:
    """What explains an edit, and what is known of lines that nothing explains."""

    causes: tuple[Cause, ...]
    open: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Acknowledged:
    """A loss a person accepts, with the lines it is about."""

    lost: Lost
    removed: frozenset[bytes]
    added: frozenset[bytes]


@attrs.frozen(kw_only=True, slots=False)
class Account:
    """One owned path as the target, the result and the complete queue have it."""

    target: Sequence[bytes]
    result: Annotated
    complete: Annotated
    reasons: Reasons
    acknowledged: Sequence[Acknowledged]

    def verdict(self, edit: Edit) -> Verdict:
        """Explain one edit that leads from the target's lines to the result's."""
        found: list[Cause | str] = []
        gone = list(reversed(self.result.removed_between(edit.new_lo, edit.new_hi)))
        found += [self._lacking(at, gone) for at in range(edit.old_lo, edit.old_hi)]
        gone = list(reversed(self.complete.removed_between(*self._places(edit.old_lo, edit.old_hi))))
        found += [self._surplus(line, gone) for line in self.result.lines[edit.new_lo : edit.new_hi]]
        causes = [one for one in found if isinstance(one, Cause)]
        open_lines = [one for one in found if isinstance(one, str)]
        return Verdict(causes=tuple(dict.fromkeys(causes)), open=tuple(dict.fromkeys(open_lines)))

    def widened(self, edits: Sequence[Edit]) -> list[Edit]:
        """The same edits, over lines as well that are in both and yet are not the same: left out, and written anew."""
        same: list[tuple[int, int]] = []
        old = new = 0
        for edit in [*edits, Edit(len(self.target), len(self.target), len(self.result.lines), len(self.result.lines))]:
            same += zip(range(old, edit.old_lo), range(new, edit.new_lo), strict=True)
            old, new = edit.old_hi, edit.new_hi
        wide: list[Edit] = []
        old = new = 0
        for at, there in [
            *(pair for pair in same if not self._anew(*pair)),
            (len(self.target), len(self.result.lines)),
        ]:
            if (at, there) != (old, new):
                wide.append(Edit(old, at, new, there))
            old, new = at + 1, there + 1
        return wide

    def _anew(self, at: int, there: int) -> bool:
        line = self._complete_line.get(at)
        left_out = line is not None and line.origin is not None and line.origin.part is Part.LEFT_OUT
        return left_out and self.of_origin(self.result.lines[there].origin) is not None

    def of_origin(self, origin: Origin | None) -> Cause | None:
        """What an origin explains by itself."""
        if origin is None:
            return None
        if origin.part is Part.LEFT_OUT:
            if origin.override is not None:
                return self._override(origin)
            ground = Ground.PREREQUISITE if origin.kind is EntryKind.PREREQUISITE else Ground.EXCLUSION
            return Cause(ground, origin.name, None, origin.reason or "")
        if origin.part is Part.OVERRIDE:
            return self._override(origin)
        if origin.kind is EntryKind.RESTORE:
            return Cause(Ground.RESTORE, origin.name, origin.override, self.reasons.restored.get(origin.name, ""))
        if origin.kind is EntryKind.PREREQUISITE:
            return Cause(Ground.PREREQUISITE, origin.name, None, self.reasons.prerequisites.get(origin.name, ""))
        return None

    def _override(self, origin: Origin) -> Cause:
        assert origin.override is not None
        return Cause(Ground.OVERRIDE, origin.name, origin.override, self.reasons.overrides.get(origin.override, ""))

    def _lacking(self, at: int, gone: list[Removed]) -> Cause | str:
        """Why a line of the target is not in the result."""
        text = self.target[at]
        line = self._complete_line.get(at)
        if line is not None and line.origin is not None and line.origin.part is Part.LEFT_OUT:
            found = self.of_origin(line.origin)
            assert found is not None
            return found
        taken = _take(gone, text)
        by = None if taken is None else taken.by
        if by is not None and by.kind is EntryKind.ALIGN:
            accepted = next((one for one in self.acknowledged if text in one.added), None)
            return _accepted(accepted) if accepted is not None else f"the base had it, and {by.name} took it away"
        if line is None:
            return "no entry of the queue brings it"
        if by is None:
            whose = "the base" if line.origin is None else line.origin.name
            return f"{whose} brings it, and it did not come into the result"
        return self.of_origin(by) or (
            f"{by.name} takes it away"
            if by.part is not Part.FOREIGN
            else f"{'the base' if line.origin is None else line.origin.name} brings it, and this tree lacks it"
        )

    def _surplus(self, line: Line, gone: list[Removed]) -> Cause | str:
        """Why a line of the result is not in the target."""
        found = self.of_origin(line.origin)
        if found is not None:
            return found
        taken = _take(gone, line.text)
        if taken is not None:
            return self.of_origin(taken.by) or f"{taken.by.name} would take it away"
        if line.origin is None:
            return "the base has it, and the target does not"
        if line.origin.part is Part.FOREIGN:
            return "no entry of the queue brings it, and this tree has it"
        if line.origin.kind is EntryKind.ALIGN:
            accepted = next((one for one in self.acknowledged if line.text in one.removed), None)
            if accepted is not None:
                return _accepted(accepted)
        return f"{line.origin.name} brings it, and the target does not have it"

    @cached_property
    def _same(self) -> bool:
        return [line.text for line in self.complete.lines] == list(self.target)

    @cached_property
    def _to_complete(self) -> list[Edit]:
        """From the target's lines to those of the complete queue."""
        if self._same:
            return []
        return line_edits(b"".join(self.target), b"".join(line.text for line in self.complete.lines), Differ.ID)

    @cached_property
    def _complete_line(self) -> Mapping[int, Line]:
        """The lines of the complete queue by the 0-based number they have in the target."""
        found: dict[int, Line] = {}
        at = complete_at = 0
        end = Edit(len(self.target), len(self.target), len(self.complete.lines), len(self.complete.lines))
        for edit in [*self._to_complete, end]:
            for step in range(edit.old_lo - at):
                found[at + step] = self.complete.lines[complete_at + step]
            at, complete_at = edit.old_hi, edit.new_hi
        return found

    def _places(self, low: int, high: int) -> tuple[int, int]:
        """Places between lines of the target as places of the complete queue, the widest where they differ."""
        return self._place(low, first=True), self._place(high, first=False)

    def _place(self, at: int, *, first: bool) -> int:
        shift = 0
        for edit in self._to_complete:
            if edit.old_lo <= at <= edit.old_hi:
                return edit.new_lo if first else edit.new_hi
            if edit.old_lo > at:
                break
            shift = edit.new_hi - edit.old_hi
        return at + shift


def _take(gone: list[Removed], text: bytes) -> Removed | None:
    """The latest removal of such a line; each explains one."""
    for at, removed in enumerate(gone):
        if removed.line.text == text:
            return gone.pop(at)
    return None


def _accepted(one: Acknowledged) -> Cause:
    name = one.lost.commit or f"{one.lost.path}#{one.lost.hunk}"
    return Cause(Ground.ACKNOWLEDGEMENT, name, None, one.lost.reason or "")
