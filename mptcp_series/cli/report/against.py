# SPDX-License-Identifier: MIT
"""The comparison of two states of a queue as Markdown: what a reviewer of a pull request reads first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...values.comparison import Comparison, OverrideChange, PatchChange
from ..tables import counted
from .markdown import Fold, comment, escaped, fenced, inline

__all__ = ["render_comparison"]

_SHOWN = 30


def render_comparison(found: Comparison) -> bytes:
    """The comment, UTF-8."""
    return comment(_lines(found))


def _lines(found: Comparison) -> Iterator[str | Fold]:
    yield f"### {inline(found.series)} on {inline(found.base)}, against {inline(found.against)}"
    yield ""
    if found.nothing:
        yield "No difference on this base."
        return
    if found.new_reasons:
        yield f"**New, and a person is needed** ({len(found.new_reasons)}):"
        yield ""
        yield from _listed(found.new_reasons)
    else:
        yield "No new conflict, drift or lost fix."
    if found.gone_reasons:
        yield ""
        yield f"Settled ({len(found.gone_reasons)}):"
        yield ""
        yield from _listed(found.gone_reasons)
    if found.patches:
        yield ""
        yield from _patches(found.patches)
    for override in found.overrides:
        yield ""
        yield Fold.of(_title(override), _override(override))
    yield ""
    yield from _tree(found)


def _listed(reasons: Sequence[str]) -> Iterator[str]:
    yield from (f"* {inline(reason)}" for reason in reasons[:_SHOWN])
    if len(reasons) > _SHOWN:
        yield f"* ... {len(reasons) - _SHOWN} more"


def _patches(patches: Sequence[PatchChange]) -> Iterator[str | Fold]:
    rows = [f"| {inline(patch.how)} | {inline(patch.subject)} |" for patch in patches]
    head = ["| patch | subject |", "| --- | --- |"]
    if len(rows) <= _SHOWN:
        yield from (*head, *rows)
    else:
        yield Fold.of(f"{len(rows)} changes of patches", (*head, *rows))


def _title(override: OverrideChange) -> str:
    before, after = override.states
    state = after if before == after else f"{before} → {after}"
    return f"override <code>{escaped(override.file)}</code> {override.how} ({state})"


def _override(override: OverrideChange) -> Iterator[str]:
    yield from (f"> {inline(line)}" for line in override.reason.split("\n"))
    yield ""
    if override.effect:
        yield "What its patch leaves behind, before and now:"
        yield ""
        yield from fenced(override.effect.rstrip("\n").split("\n"))
    else:
        yield "Its patch leaves the same behind on this base."


def _tree(found: Comparison) -> Iterator[str | Fold]:
    if not found.files:
        yield "The resulting tree is the same."
        return
    added = sum(counts[0] for counts in found.files.values())
    removed = sum(counts[1] for counts in found.files.values())
    title = f"The resulting tree differs in {counted(len(found.files), 'file')} (+{added} -{removed})"
    yield Fold.of(title, fenced(found.diff.rstrip("\n").split("\n")))
