# SPDX-License-Identifier: MIT
"""The report as Markdown, short enough for a comment: what counts on top, the rest in folds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...values.report import OverridePage, PatchPage, Report, Row
from ...values.result import COUNT_ORDER

__all__ = ["escaped", "fenced", "fold", "inline", "render_markdown"]

_MOST = 60
"""Lines of one hunk in a comment."""


def render_markdown(report: Report) -> bytes:
    """The comment, UTF-8."""
    return ("\n".join(_lines(report)).rstrip("\n") + "\n").encode("utf-8", "backslashreplace")


def inline(text: str) -> str:
    """Text that Markdown shows as it is: one line, nothing of it markup, nobody mentioned.

    >>> inline("use *_fast @someone <b>")
    'use \\\\*\\\\_fast \\\\@someone \\\\<b\\\\>'
    """
    return re.sub(r"([\\`*_{}\[\]<>#|@~])", r"\\\1", " ".join(text.split()))


def fenced(lines: Sequence[str], language: str = "diff") -> Iterator[str]:
    """A code block that no line of it can end."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"... {len(lines) - _MOST} more lines"
    yield fence


def fold(title: str, lines: Iterator[str]) -> Iterator[str]:
    """Lines behind a title; GitHub and GitLab both want the blank lines."""
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"
    yield ""


def _lines(report: Report) -> Iterator[str]:
    yield f"### {inline(report.series)} on {inline(report.base.rev)} ({report.base.version})"
    yield ""
    if report.reasons:
        yield f"**A person is needed** ({len(report.reasons)}):"
        yield ""
        yield from (f"* {inline(reason)}" for reason in report.reasons[:20])
        if len(report.reasons) > 20:
            yield f"* ... {len(report.reasons) - 20} more"
    else:
        yield "**Complete**: no conflict, no drifted override, no lost fix."
    yield ""
    heads = [status.value for status in COUNT_ORDER]
    yield "| " + " | ".join(heads) + " |"
    yield "| " + " | ".join("---:" for _ in heads) + " |"
    yield "| " + " | ".join(str(report.counts[head]) for head in heads) + " |"
    yield ""
    yield f"Hunks: {', '.join(f'{count} {fate}' for fate, count in report.hunks.items())}."
    for override in report.overrides:
        yield ""
        yield from _override(override)
    changed = [patch for patch in report.patches if patch.status not in ("clean", "upstream")]
    if changed:
        yield ""
        yield from fold(f"{len(changed)} patches that are not clean", _patches(changed))


def _override(page: OverridePage) -> Iterator[str]:
    title = f"<code>{escaped(page.file)}</code> {page.state}: {escaped(page.effect)}"
    yield from fold(title, _override_body(page))


def _override_body(page: OverridePage) -> Iterator[str]:
    yield f"For {inline(page.subject or 'no patch of this queue')}."
    limits = [*([f"Base: {page.base}"] if page.base else []), *(f"When: {one}" for one in page.when)]
    if limits:
        yield ""
        yield f"Only {inline('; '.join(limits))}."
    yield ""
    yield from (f"> {inline(line)}" for line in page.reason.split("\n"))
    for drift in page.drift:
        yield ""
        yield from fenced(drift.split("\n"), "text")
    for row in page.rows:
        yield ""
        yield from _row(row)


def _row(row: Row) -> Iterator[str]:
    yield f"`{row.path}`" + (f" hunk `{row.hunk}`" if row.hunk else "")
    for title, lines, language in (
        ("Upstream does", row.upstream, "diff"),
        ("The base has", None if row.base is None else row.base.lines, "c"),
        ("We do instead", row.ours, "diff"),
    ):
        if lines:
            yield ""
            yield f"{title}:"
            yield ""
            yield from fenced(lines, language)


def _patches(patches: Sequence[PatchPage]) -> Iterator[str]:
    yield "| status | patch |"
    yield "| --- | --- |"
    yield from (f"| {patch.status} | {inline(patch.subject)} |" for patch in patches)


def escaped(text: str) -> str:
    """Text inside an HTML element of a comment."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
