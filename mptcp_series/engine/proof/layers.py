# SPDX-License-Identifier: MIT
"""What was laid over a base, one layer after the other: the patches of a queue, and the diffs of its overrides.

A patch with an override makes one commit, and yet two authors wrote it. Its layers are two: the kept hunks, then
the override's diff. Whoever asks for the author of a line is told which.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

from ...values.result import EntryKind, Status
from ..result import Result
from ..store.objects import Entry, Oid
from ..store.tree import TreeEditor

__all__ = ["Layer", "Origin", "Part", "base_tree", "result_layers"]


class Part(enum.Enum):
    """What of an entry wrote or took a line."""

    PATCH = "patch"
    """Its own hunks."""
    OVERRIDE = "override"
    """The diff of its override."""
    LEFT_OUT = "left out"
    """Hunks that are not in the result: dropped, skipped or excluded."""
    FOREIGN = "foreign"
    """No entry at all: the tree that is checked differs from the one the queue leads to."""


@attrs.frozen(kw_only=True)
class Origin:
    """An entry of the queue as the author of lines."""

    name: str
    kind: EntryKind | None
    """None for what is no entry of the queue."""
    part: Part = Part.PATCH
    override: str | None = None
    """File of the override in force for the entry."""
    reason: str | None = None
    """Why it is in the queue or out of it, where the recipe says so."""


@attrs.frozen(kw_only=True, eq=False)
class Layer:
    """What one origin made of the files it touched: each by path, None for one it took away."""

    origin: Origin
    files: Mapping[str, Entry | None]


def base_tree(result: Result) -> Oid:
    """The tree a result was built on."""
    objects = result.objects
    if not result.steps:
        return bytes.fromhex(result.predicted_tree)
    first = _field(objects.read(result.steps[0].commit), b"parent")
    return bytes.fromhex(_field(objects.read(bytes.fromhex(first)), b"tree"))


def _field(commit: bytes, name: bytes) -> str:
    head = commit.partition(b"\n\n")[0]
    return next(line for line in head.split(b"\n") if line.startswith(name + b" ")).split(b" ")[1].decode()


def result_layers(result: Result, *, upto: int | None = None) -> list[Layer]:
    """The layers of a result, bottom first.

    upto: how many of the result's commits to take; None for all. Of a result that is not complete there are those
    before its first conflict.
    """
    base = TreeEditor(result.objects, base_tree(result))
    now: dict[str, Entry | None] = {}
    layers: list[Layer] = []
    commits = 0
    for outcome in result.patches:
        commits += outcome.result_commit is not None
        if outcome.status is Status.CONFLICT or (upto is not None and commits > upto):
            break
        origin = Origin(name=outcome.name, kind=outcome.kind, override=outcome.override)
        written = {change.path: change.new for change in result.written.get(outcome.name, ())}
        kept = result.kept.get(outcome.name, {})
        if kept:
            # A file that the diff takes back to what it was is in no commit; what the patch did to it still happened.
            before = {path: now[path] if path in now else base.get(path) for path in kept}
            layers.append(Layer(origin=origin, files={**written, **kept}))
            layers.append(Layer(origin=attrs.evolve(origin, part=Part.OVERRIDE), files={**before, **written}))
        elif written:
            layers.append(Layer(origin=origin, files=written))
        now |= written
    return layers
