# SPDX-License-Identifier: MIT
"""What a reviewer is shown of a queue on a base, as plain values: every page, comment and document is made of these.

Text is text here: bytes that are not UTF-8 are shown as backslash escapes.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .matrix import Matrix
from .result import BaseInfo

__all__ = ["OverridePage", "PatchPage", "Report", "Row", "Symptoms", "Window"]


@attrs.frozen(kw_only=True)
class Window:
    """Some lines of a file: the number of the first one (1-based), and the lines without their newlines."""

    start: int
    lines: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Row:
    """One place of an override: what upstream does there, what the base has there, what is done instead."""

    path: str
    hunk: str | None
    """Id of the hunk of the patch; None for what only the override's own diff changes."""
    upstream: tuple[str, ...] | None
    """The hunk with its header, a sign before each line; None where the patch has none there."""
    base: Window | None
    """The file before the patch, at that place; None where the file is not there."""
    ours: tuple[str, ...] | None
    """The hunk of the override's diff; None where the hunk is left out and nothing comes in its place."""

    def to_json(self) -> Mapping[str, object]:
        return {
            "path": self.path,
            "hunk": self.hunk,
            "upstream": None if self.upstream is None else list(self.upstream),
            "base": None if self.base is None else {"start": self.base.start, "lines": list(self.base.lines)},
            "ours": None if self.ours is None else list(self.ours),
        }


@attrs.frozen(kw_only=True)
class OverridePage:
    """One override, as a reviewer wants to see it."""

    file: str
    state: str
    """used, not needed or drift."""
    patch: str | None
    """The name of the patch it is for; None where the queue has none."""
    subject: str | None
    effect: str
    """What it does, in a few words."""
    base: str | None
    when: tuple[str, ...]
    optional: bool
    reason: str
    drift: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    used_on: tuple[str, ...] = ()
    """The bases of the matrix it is used on."""

    def to_json(self) -> Mapping[str, object]:
        return {
            "file": self.file,
            "state": self.state,
            "patch": self.patch,
            "subject": self.subject,
            "effect": self.effect,
            "base": self.base,
            "when": list(self.when),
            "optional": self.optional,
            "reason": self.reason,
            "drift": list(self.drift),
            "rows": [row.to_json() for row in self.rows],
            "used_on": list(self.used_on),
        }


@attrs.frozen(kw_only=True)
class PatchPage:
    """One entry of the queue on the base."""

    name: str
    kind: str
    subject: str
    commit: str | None
    author: str
    status: str
    paths: Mapping[str, str]
    """Path to status."""
    hunks: Mapping[str, int]
    topics: tuple[str, ...]
    symptoms: tuple[str, ...]
    override: str | None
    reason: str | None
    """Why it is left out, or why the recipe names it."""
    message: str
    diff: str
    """What it changes on this base; of one that changes nothing, what it changes upstream."""
    conflicts: tuple[tuple[str, str], ...] = ()
    """Path and text of each conflict."""

    def to_json(self) -> Mapping[str, object]:
        return {
            **attrs.asdict(self, recurse=False),
            "paths": dict(self.paths),
            "hunks": dict(self.hunks),
            "topics": list(self.topics),
            "symptoms": list(self.symptoms),
            "conflicts": [{"path": path, "text": text} for path, text in self.conflicts],
        }


@attrs.frozen(kw_only=True)
class Symptoms:
    """A complaint and the patches that cure it."""

    name: str
    title: str
    text: str
    patches: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Report:
    """All of it."""

    series: str
    range: str | None
    target: str | None
    version: str
    """Of the program."""
    base: BaseInfo
    tree: str | None
    counts: Mapping[str, int]
    hunks: Mapping[str, int]
    alignment: Mapping[str, object]
    """As in the document of `check`."""
    reasons: tuple[str, ...]
    """What a person has to settle; empty for a complete result."""
    patches: tuple[PatchPage, ...]
    overrides: tuple[OverridePage, ...]
    topics: Mapping[str, str]
    """Name to title, of those that some patch has."""
    symptoms: tuple[Symptoms, ...] = ()
    matrix: Matrix | None = None
    certificate: Mapping[str, object] | None = None

    def to_json(self) -> Mapping[str, object]:
        return {
            "schema": 1,
            "command": "report",
            "series": self.series,
            "range": self.range,
            "target": self.target,
            "base": self.base.to_json(),
            "tree": self.tree,
            "counts": dict(self.counts),
            "hunks": dict(self.hunks),
            "alignment": dict(self.alignment),
            "reasons": list(self.reasons),
            "patches": [patch.to_json() for patch in self.patches],
            "overrides": [override.to_json() for override in self.overrides],
            "topics": dict(self.topics),
            "symptoms": [{**attrs.asdict(one), "patches": list(one.patches)} for one in self.symptoms],
            "matrix": None if self.matrix is None else [row.to_json() for row in self.matrix.rows],
            "certificate": self.certificate,
        }
