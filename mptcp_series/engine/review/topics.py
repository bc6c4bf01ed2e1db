# SPDX-License-Identifier: MIT
"""Which topics each patch of a queue has, and which patches cure a symptom, by the rules of a topics file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs

from ...values.hunk import Hunk
from ...values.topics import Match, Rules, Topics, Traits
from ..replay.change import BlobChange, Change, file_hunks
from ..replay.item import Item, touched_paths
from ..store.objects import Objects
from ..upstream.citations import FixKind, citations

__all__ = ["Classified", "classify", "fixed_items", "load_topics", "traits"]

FILE = "topics.toml"

_FUNCTION = re.compile(rb"^[A-Za-z_][\w \t*]*?\b([A-Za-z_]\w*)[ \t]*\(")
"""The start of a C function, at the first column; so are hunk headers. `if (` and macro calls are indented."""


def load_topics(directory: Path) -> Topics:
    """The topics of a series directory, else those the package has for MPTCP. Raises BadTopics."""
    own = directory / FILE
    place = own if own.is_file() else Path(__file__).resolve().parents[2] / FILE
    return Topics.parse(place.read_bytes(), str(place))


def traits(objects: Objects, item: Item) -> Traits:
    """What rules look at in one patch."""
    functions: dict[str, None] = {}
    for change in item.changes:
        for hunk in change_hunks(objects, change):
            functions |= dict.fromkeys(_changed_functions(hunk))
    return Traits(subject=item.subject, paths=tuple(sorted(touched_paths(item.changes))), functions=tuple(functions))


def _changed_functions(hunk: Hunk) -> Iterable[str]:
    """The function of every changed line. The hunk header names the one before it: it may end inside the hunk."""
    inside = _function(hunk.section.strip())
    for line in hunk.lines:
        text = line[1:]
        begun = _function(text)
        if begun is not None:
            inside = begun
        if line[:1] in (b"+", b"-") and inside is not None and text.strip():
            yield inside
        if text.startswith(b"}"):
            inside = None


def _function(text: bytes) -> str | None:
    match = _FUNCTION.match(text)
    return None if match is None else match[1].decode("ascii", "replace")


def change_hunks(objects: Objects, change: Change) -> Sequence[Hunk]:
    """The hunks of one changed file."""
    if isinstance(change, BlobChange):
        if change.renames:
            return [*file_hunks(objects, change.old, None), *file_hunks(objects, None, change.new)]
        return file_hunks(objects, change.old, change.new)
    return change.file.hunks


def fixed_items(items: Sequence[Item]) -> Mapping[str, tuple[tuple[FixKind, Item], ...]]:
    """By name, the earlier patches of the queue that each patch says it fixes or reverts."""
    known: dict[str, Item] = {}
    found: dict[str, tuple[tuple[FixKind, Item], ...]] = {}
    for item in items:
        cited: dict[str, tuple[FixKind, Item]] = {}
        for citation in citations(item.raw.message):
            for identifier, earlier in known.items():
                if identifier.startswith(citation.prefix):
                    cited.setdefault(earlier.name, (citation.kind, earlier))
        found[item.name] = tuple(cited.values())
        for identifier in item.upstream:
            known[identifier] = item
    return found


@attrs.frozen(kw_only=True)
class Classified:
    """The topics of a queue's patches."""

    topics: Topics
    by_patch: Mapping[str, Mapping[str, Match]]
    """By patch name, by topic name: the rule that fits. In the order of the file."""
    symptoms: Mapping[str, Mapping[str, Match]]
    """By patch name, by symptom name."""

    def patches(self, name: str) -> dict[str, Match]:
        """The patches of a topic or a symptom, in the order of the queue."""
        return {
            patch: matches[name]
            for by_patch in (self.by_patch, self.symptoms)
            for patch, matches in by_patch.items()
            if name in matches
        }


def classify(objects: Objects, items: Sequence[Item], topics: Topics) -> Classified:
    """Topics and symptoms of every patch."""
    seen = {item.name: traits(objects, item) for item in items}
    fixed = fixed_items(items)
    return Classified(
        topics=topics,
        by_patch=_by_patch(items, seen, fixed, ((topic.name, topic.rules) for topic in topics.topics)),
        symptoms=_by_patch(items, seen, fixed, ((symptom.name, symptom.rules) for symptom in topics.symptoms)),
    )


def _by_patch(
    items: Sequence[Item],
    seen: Mapping[str, Traits],
    fixed: Mapping[str, tuple[tuple[FixKind, Item], ...]],
    rules: Iterable[tuple[str, Rules]],
) -> dict[str, dict[str, Match]]:
    found: dict[str, dict[str, Match]] = {item.name: {} for item in items}
    for name, rule in rules:
        for item in items:
            match = rule.match(seen[item.name])
            if match is None:
                # A fix is about what the patch it mends is about; items are in order, so that is settled before.
                for kind, earlier in fixed[item.name]:
                    if name in found[earlier.name]:
                        match = Match("fixes" if kind is FixKind.FIX else "reverts", earlier.name)
                        break
            if match is not None:
                found[item.name][name] = match
    return found
