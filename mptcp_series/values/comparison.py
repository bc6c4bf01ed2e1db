# SPDX-License-Identifier: MIT
"""What is different between two states of a queue on one base: what a pull request changes, as values."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

__all__ = ["Comparison", "OverrideChange", "PatchChange"]


@attrs.frozen(kw_only=True)
class PatchChange:
    """A patch that is in one state only, or in both and not alike."""

    name: str
    subject: str
    how: str
    """added, dropped, moved, or a change of status: `clean → merged`; renamed, was NAME; another commit, pinned, no
    longer pinned; of a patch file, changed, or another message or author."""

    def to_json(self) -> Mapping[str, object]:
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class OverrideChange:
    """An override that is in one state only, or in both and not alike."""

    file: str
    how: str
    """added, removed, changed."""
    reason: str
    states: tuple[str, str]
    """Before and after: used, not needed, drift, or - where it is not there."""
    effect: str
    """The diff from what its patch leaves behind before to what it leaves behind now; empty where that is the same."""

    def to_json(self) -> Mapping[str, object]:
        return {**attrs.asdict(self), "states": list(self.states)}


@attrs.frozen(kw_only=True)
class Comparison:
    """Two states of a queue on a base."""

    series: str
    base: str
    against: str
    patches: tuple[PatchChange, ...]
    overrides: tuple[OverrideChange, ...]
    new_reasons: tuple[str, ...]
    """What a person has to settle now and had not before: conflicts, drift, lost fixes."""
    gone_reasons: tuple[str, ...]
    files: Mapping[str, tuple[int, int]]
    """By path, how many lines of the resulting tree were added and removed."""
    diff: str
    """From the resulting tree before to the one now."""

    @property
    def nothing(self) -> bool:
        """Whether the two states are the same to this base."""
        return not (self.patches or self.overrides or self.new_reasons or self.gone_reasons or self.files)

    def to_json(self) -> Mapping[str, object]:
        return {
            "schema": 1,
            "command": "report",
            "series": self.series,
            "base": self.base,
            "against": self.against,
            "patches": [patch.to_json() for patch in self.patches],
            "overrides": [override.to_json() for override in self.overrides],
            "new_reasons": list(self.new_reasons),
            "gone_reasons": list(self.gone_reasons),
            "files": {path: {"added": added, "removed": removed} for path, (added, removed) in self.files.items()},
            "diff": self.diff,
        }
