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
from ..replay.change import BlobChange, TextChange
from ..replay.item import Item
from ..replay.overrides import override_diff
from ..result import Result
from ..store.objects import Entry, Objects
from ..store.tree import TreeEditor
from .reading import Reading, author_of, body_of
from .sides import effect, override_rows
from .topics import Classified, classify

__all__ = ["make_report"]


def make_report(
    reading: Reading,
    result: Result,
    topics: Topics,
    *,
    version: str,
    matrix: Matrix | None = None,
    certificate: Mapping[str, object] | None = None,
) -> Report:
    """A report of one result of a queue.

    version: of the program. matrix, certificate: shown where there are some.
    """
    files = _Files(result)
    reading = reading.on_base(files.read)
    queue, objects = reading.queue, result.objects
    classified = classify(objects, reading.items, topics)
    pages: list[PatchPage] = []
    contents: dict[str, dict[str, Entry | None]] = {}
    """By patch, the files an override of it may change, as they stand before it."""
    wanted = _wanted(reading)
    for outcome in result.patches:
        contents[outcome.name] = {path: files.get(path) for path in wanted.get(outcome.name, ())}
        written = result.written.get(outcome.name, ())
        pages.append(_page(reading, objects, classified, outcome, written))
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
            _override(objects, target, result, override, contents, matrix) for override, target in reading.overrides
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
        self._objects = result.objects
        self._end = TreeEditor(result.objects, bytes.fromhex(result.predicted_tree))
        self._now: dict[str, Entry | None] = {}
        for changes in result.written.values():
            for change in changes:
                self._now.setdefault(change.path, change.old)

    def get(self, path: str) -> Entry | None:
        # What nothing writes is at the end as it was at the start.
        return self._now[path] if path in self._now else self._end.get(path)

    def read(self, path: str) -> bytes | None:
        entry = self.get(path)
        return None if entry is None else self._objects.read(entry.oid)

    def take(self, changes: Sequence[BlobChange]) -> None:
        for change in changes:
            self._now[change.path] = change.new


def _wanted(reading: Reading) -> dict[str, set[str]]:
    """The paths that each patch with an override changes, there or upstream."""
    found: dict[str, set[str]] = {}
    for override, target in reading.overrides:
        if target is not None:
            paths = found.setdefault(target.name, set())
            paths |= {change.path for change in target.changes} | {one.path for one in override.drop}
            paths |= set(_diff_paths(override))
    return found


def _diff_paths(override: Override) -> list[str]:
    return [file.path for file in override_diff(override, [])]


def _page(
    reading: Reading,
    objects: Objects,
    classified: Classified,
    outcome: PatchOutcome,
    written: Sequence[BlobChange],
) -> PatchPage:
    item = reading.by_name.get(outcome.name)
    changes = list(written)
    if not changes and item is not None:
        changes = [change for change in item.changes if isinstance(change, BlobChange)]
    diff = render_diff(objects, changes).decode("utf-8", "backslashreplace")
    if not changes and item is not None:
        raw = [change.file.raw for change in item.changes if isinstance(change, TextChange)]
        diff = b"".join(raw).decode("utf-8", "backslashreplace")
    return PatchPage(
        name=outcome.name,
        kind=outcome.kind.value,
        subject=outcome.subject,
        commit=outcome.commit,
        author="" if item is None else author_of(item),
        status=outcome.status.value,
        paths={path.path: path.status.value for path in outcome.paths},
        hunks={key: int(str(count)) for key, count in outcome.hunks.to_json().items()},
        topics=tuple(classified.by_patch.get(outcome.name, {})),
        symptoms=tuple(classified.symptoms.get(outcome.name, {})),
        override=outcome.override,
        reason=_reason(reading, outcome, item),
        message="" if item is None else body_of(item),
        diff=diff,
        conflicts=tuple((conflict.path, conflict.text) for conflict in outcome.conflicts),
    )


def _reason(reading: Reading, outcome: PatchOutcome, item: Item | None) -> str | None:
    if item is not None and item.skip_reason is not None:
        return item.skip_reason
    if outcome.kind not in (EntryKind.PREREQUISITE, EntryKind.INCLUDE):
        return None
    return reading.reason(outcome.commit)


def _override(
    objects: Objects,
    target: Item | None,
    result: Result,
    override: Override,
    contents: Mapping[str, Mapping[str, Entry | None]],
    matrix: Matrix | None,
) -> OverridePage:
    file = override.file or ""
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
