# SPDX-License-Identifier: MIT
"""Why a patch is in the queue: what it says, what it is about, what it mends, what needs it, how it fares on a base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from ...values.override import Override
from ...values.result import EntryKind, PatchOutcome, Status
from ...values.topics import Match
from ..queue import Queue
from ..replay.item import Item
from ..replay.overrides import find_target
from ..result import Result
from ..store.repository import Place
from ..upstream.citations import FixKind
from .reading import Reading, author_of, body_of
from .topics import Classified, fixed_items

__all__ = ["Citing", "Dependent", "OverrideUse", "Why", "dependents", "explain", "explain_made"]


@attrs.frozen(kw_only=True)
class Citing:
    """A patch of the queue that another one fixes or reverts, or is fixed or reverted by."""

    name: str
    subject: str
    kind: FixKind


@attrs.frozen(kw_only=True)
class Dependent:
    """A patch that does not apply on the base when another one is left out."""

    name: str
    paths: tuple[str, ...]
    """Where it would be in conflict."""


@attrs.frozen(kw_only=True)
class OverrideUse:
    """An override for a patch."""

    file: str
    reason: str
    base: str | None
    when: tuple[str, ...]
    used: bool | None
    """Whether it is used on the base; None where no base was looked at."""


@attrs.frozen(kw_only=True)
class Why:
    """One patch, explained."""

    name: str
    kind: str
    commit: str | None
    upstream: tuple[str, ...]
    """Ids its message names as its origin, the picked one left out."""
    subject: str
    author: str
    body: str
    reason: str | None
    """Why the recipe names it: of a prerequisite or an include."""
    paths: tuple[str, ...]
    topics: Mapping[str, Match]
    symptoms: Mapping[str, Match]
    fixes: tuple[Citing, ...]
    fixed_by: tuple[Citing, ...]
    overrides: tuple[OverrideUse, ...]
    outcome: PatchOutcome | None = None
    dependents: tuple[Dependent, ...] | None = None
    """What needs it on the base; None where no base was looked at."""

    def to_json(self) -> Mapping[str, object]:
        return {
            **attrs.asdict(self, recurse=False),
            "upstream": list(self.upstream),
            "paths": list(self.paths),
            "topics": {name: str(match) for name, match in self.topics.items()},
            "symptoms": {name: str(match) for name, match in self.symptoms.items()},
            "fixes": [_citing_json(citing) for citing in self.fixes],
            "fixed_by": [_citing_json(citing) for citing in self.fixed_by],
            "overrides": [{**attrs.asdict(one), "when": list(one.when)} for one in self.overrides],
            "outcome": None if self.outcome is None else self.outcome.to_json(),
            "dependents": None
            if self.dependents is None
            else [{"name": one.name, "paths": list(one.paths)} for one in self.dependents],
        }


def _citing_json(citing: Citing) -> Mapping[str, object]:
    return {**attrs.asdict(citing), "kind": citing.kind.value}


def explain(
    reading: Reading,
    classified: Classified,
    name: str,
    *,
    result: Result | None = None,
    dependents: tuple[Dependent, ...] | None = None,
) -> Why:
    """Everything known about one patch of the queue. `result` is the queue on the base that is asked about."""
    items = reading.items
    item = next(item for item in items if item.name == name)
    fixed = fixed_items(items)
    return Why(
        name=name,
        kind=item.kind.value,
        commit=item.commit,
        upstream=tuple(one for one in item.upstream if one != item.commit),
        subject=item.subject,
        author=author_of(item),
        body=body_of(item),
        reason=reading.reason(item.commit),
        paths=tuple(sorted({change.path for change in item.changes})),
        topics=classified.by_patch[name],
        symptoms=classified.symptoms[name],
        fixes=tuple(Citing(name=one.name, subject=one.subject, kind=kind) for kind, one in fixed[name]),
        fixed_by=tuple(
            Citing(name=later.name, subject=later.subject, kind=kind)
            for later in items
            for kind, one in fixed[later.name]
            if one.name == name
        ),
        overrides=tuple(_overrides(reading, name, result)),
        outcome=None if result is None else next(one for one in result.patches if one.name == name),
        dependents=dependents,
    )


def explain_made(result: Result, text: str) -> Why | None:
    """An entry that alignment made on a base, by its name (`.patch` may be left out); None where there is none."""
    outcome = next((one for one in result.patches if one.name in (text, f"{text}.patch")), None)
    if outcome is None or outcome.kind not in (EntryKind.ALIGN, EntryKind.RESTORE):
        return None
    alignment = result.alignment
    if outcome.kind is EntryKind.ALIGN:
        reason = f"changes of the base to the stack's own files that it takes out: {len(alignment.retracted)}"
    else:
        told = [
            f"{one.subject}: {one.how.value} from {one.origin}"
            for one in alignment.restored
            if one.name == outcome.name
        ]
        reason = f"the base has it and no patch of the queue brings it; {'; '.join(told)}"
    return Why(
        name=outcome.name,
        kind=outcome.kind.value,
        commit=outcome.commit,
        upstream=(),
        subject=outcome.subject,
        author="",
        body="",
        reason=reason,
        paths=tuple(path.path for path in outcome.paths),
        topics={},
        symptoms={},
        fixes=(),
        fixed_by=(),
        overrides=(),
        outcome=outcome,
    )


def _overrides(reading: Reading, name: str, result: Result | None) -> Iterator[OverrideUse]:
    for override, target in reading.overrides:
        if target is not None and target.name == name:
            file = override.file or ""
            yield OverrideUse(
                file=file,
                reason=override.reason,
                base=None if override.base is None else str(override.base),
                when=tuple(str(condition) for condition in override.when),
                used=None if result is None else file in result.overrides.used,
            )


def dependents(reading: Reading, name: str, result: Result, repo: Place, base: str | None) -> tuple[Dependent, ...]:
    """What needs a patch on a base: the queue is replayed without it, and what is in conflict then needs it.

    Only what the text tells: a patch may need another to compile, or to work, and still apply without it.
    """
    queue, items = reading.queue, reading.items
    without = attrs.evolve(_without(queue, items, name), below=tuple(_without(one, items, name) for one in queue.below))
    alone = without.apply(repo, base=base)
    before = {one.name: one for one in result.patches}
    needing: list[Dependent] = []
    for outcome in alone.patches:
        known = before.get(outcome.name)
        if known is None or outcome.name == name or outcome.status is not Status.CONFLICT:
            continue
        had = {conflict.path for conflict in known.conflicts}
        paths = dict.fromkeys(conflict.path for conflict in outcome.conflicts if conflict.path not in had)
        if paths:
            needing.append(Dependent(name=outcome.name, paths=tuple(paths)))
    return tuple(needing)


def _without(queue: Queue, items: Sequence[Item], name: str) -> Queue:
    """The queue, without the patch where it is one of its own."""
    if all(entry.name != name for entry in queue.series.entries):
        return queue
    skip = Override(patch=name, skip=True, reason="What depends on it?", file="(asked)")
    others = [one for one in queue.overrides if (found := find_target(one, items)[0]) is None or found.name != name]
    return attrs.evolve(queue, overrides=(*others, skip))
