# SPDX-License-Identifier: MIT
"""Gathers all that a reviewer is shown of a queue on a base: summary, patches with diffs, overrides place by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...values.matrix import Matrix
from ...values.override import Override
from ...values.report import OverridePage, PatchPage, Report, Symptoms
from ...values.result import EntryKind, PatchOutcome
from ...values.topics import Topics
from ..exchange.render import render_diff
from ..queue import Queue
from ..replay.change import BlobChange, TextChange
from ..replay.item import Item
from ..replay.overrides import find_target, override_diff
from ..result import Result
from ..store.objects import Entry, Objects
from ..store.tree import TreeEditor
from .sides import effect, override_rows
from .topics import Classified, classify

__all__ = ["make_report"]


def make_report(
    queue: Queue,
    items: Sequence[Item],
    result: Result,
    topics: Topics,
    *,
    version: str,
    matrix: Matrix | None = None,
    certificate: Mapping[str, object] | None = None,
) -> Report:
    """A report of one result. `items` are the entries of the queue as they are read from the source.

    version: of the program. matrix, certificate: shown where there are some.
    """
    objects = result.objects
    classified = classify(objects, items, topics)
    by_name = {item.name: item for item in items}
    files = _Files(result)
    pages: list[PatchPage] = []
    contents: dict[str, dict[str, Entry | None]] = {}
    """By patch, the files an override of it may change, as they stand before it."""
    wanted = _wanted(queue, items)
    for outcome in result.patches:
        contents[outcome.name] = {path: files.get(path) for path in wanted.get(outcome.name, ())}
        written = result.written.get(outcome.name, ())
        pages.append(_page(queue, objects, classified, outcome, by_name.get(outcome.name), written))
        files.take(written)
    has = {name for page in pages for name in page.topics}
    recipe = queue.recipe
    return Report(
        series=queue.name,
        range=None if recipe is None else recipe.range,
        target=None if recipe is None else recipe.target_or_end,
        version=version,
        base=result.base,
        tree=result.tree,
        counts=result.counts,
        hunks=result.hunks.to_json(),  # type: ignore[arg-type]
        alignment=result.alignment.to_json(),
        reasons=tuple(result.reasons()),
        patches=tuple(pages),
        overrides=tuple(
            _override(objects, items, result, override, contents, matrix)
            for one in queue.stack
            for override in one.overrides
        ),
        topics={topic.name: topic.title for topic in topics.topics if topic.name in has},
        symptoms=tuple(
            Symptoms(name=one.name, title=one.title, text=one.text, patches=tuple(classified.patches(one.name)))
            for one in topics.symptoms
            if classified.patches(one.name)
        ),
        matrix=matrix,
        certificate=certificate,
    )


class _Files:
    """The files of a run as they stand between its patches."""

    def __init__(self, result: Result) -> None:
        self._end = TreeEditor(result.objects, bytes.fromhex(result.predicted_tree))
        self._now: dict[str, Entry | None] = {}
        for changes in result.written.values():
            for change in changes:
                self._now.setdefault(change.path, change.old)

    def get(self, path: str) -> Entry | None:
        # What nothing writes is at the end as it was at the start.
        return self._now[path] if path in self._now else self._end.get(path)

    def take(self, changes: Sequence[BlobChange]) -> None:
        for change in changes:
            self._now[change.path] = change.new


def _wanted(queue: Queue, items: Sequence[Item]) -> dict[str, set[str]]:
    """The paths that each patch with an override changes, there or upstream."""
    found: dict[str, set[str]] = {}
    for override in (override for one in queue.stack for override in one.overrides):
        target, _ = find_target(override, items)
        if target is not None:
            paths = found.setdefault(target.name, set())
            paths |= {change.path for change in target.changes} | {one.path for one in override.drop}
            paths |= set(_diff_paths(override))
    return found


def _diff_paths(override: Override) -> list[str]:
    return [file.path for file in override_diff(override, [])]


def _page(
    queue: Queue,
    objects: Objects,
    classified: Classified,
    outcome: PatchOutcome,
    item: Item | None,
    written: Sequence[BlobChange],
) -> PatchPage:
    changes = list(written)
    if not changes and item is not None:
        changes = [change for change in item.changes if isinstance(change, BlobChange)]
    diff = render_diff(objects, changes).decode("utf-8", "backslashreplace")
    if not changes and item is not None:
        raw = [change.file.raw for change in item.changes if isinstance(change, TextChange)]
        diff = b"".join(raw).decode("utf-8", "backslashreplace")
    message = "" if item is None else item.raw.text(item.raw.message)
    author = "" if item is None else item.raw.text(item.raw.author.rsplit(b" ", 2)[0])
    return PatchPage(
        name=outcome.name,
        kind=outcome.kind.value,
        subject=outcome.subject,
        commit=outcome.commit,
        author=author,
        status=outcome.status.value,
        paths={path.path: path.status.value for path in outcome.paths},
        hunks={key: int(str(count)) for key, count in outcome.hunks.to_json().items()},
        topics=tuple(classified.by_patch.get(outcome.name, {})),
        symptoms=tuple(classified.symptoms.get(outcome.name, {})),
        override=outcome.override,
        reason=_reason(queue, outcome, item),
        message=message.partition("\n")[2].strip("\n"),
        diff=diff,
        conflicts=tuple((conflict.path, conflict.text) for conflict in outcome.conflicts),
    )


def _reason(queue: Queue, outcome: PatchOutcome, item: Item | None) -> str | None:
    if item is not None and item.skip_reason is not None:
        return item.skip_reason
    if outcome.kind not in (EntryKind.PREREQUISITE, EntryKind.INCLUDE):
        return None
    recipes = [one.recipe for one in queue.stack if one.recipe is not None]
    entries = [entry for recipe in recipes for entry in (*recipe.prerequisites, *recipe.includes)]
    return next((entry.reason for entry in entries if entry.commit == outcome.commit), None)


def _override(
    objects: Objects,
    items: Sequence[Item],
    result: Result,
    override: Override,
    contents: Mapping[str, Mapping[str, Entry | None]],
    matrix: Matrix | None,
) -> OverridePage:
    file = override.file or ""
    target, _ = find_target(override, items)
    before = {} if target is None else contents.get(target.name, {})

    def content(path: str) -> bytes | None:
        entry = before.get(path)
        return None if entry is None else objects.read(entry.oid)

    drift = tuple(
        f"{one.field}: {one.why}" + (f"\n{one.detail}" if one.detail else "")
        for one in result.overrides.drift
        if one.file == file
    )
    used = file in result.overrides.used
    return OverridePage(
        file=file,
        state="drift" if drift else "used" if used else "not needed",
        patch=None if target is None else target.name,
        subject=override.patch if target is None else target.subject,
        effect=effect(override),
        base=None if override.base is None else str(override.base),
        when=tuple(str(condition) for condition in override.when),
        optional=override.optional,
        reason=override.reason,
        drift=drift,
        rows=override_rows(objects, target, override, content),
        used_on=() if matrix is None or target is None else _used_on(matrix, file),
    )


def _used_on(matrix: Matrix, file: str) -> tuple[str, ...]:
    return tuple(row.base.rev for row in matrix.rows if file in row.overrides)
